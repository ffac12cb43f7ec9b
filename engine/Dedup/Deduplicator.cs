using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>
/// Exactly once: for each payment of a chunk, whether its id is free to be decided, was decided before, or cannot be told.
/// </summary>
/// <remarks>
/// Purpose: step A.3 of the semantics but for openings, which the account's row remembers. Three kinds of id: streams
/// (<see cref="StreamTable"/>), UUIDv7 and others (<see cref="IdGenerations"/>), each scoped by the session's participant.
/// <para>
/// A chunk goes in two steps. <see cref="Judge"/> takes it whole and enters every new id as used, before anything is known
/// of the verdicts. <see cref="Decide"/> is then told the verdicts, in order, at once or as far as they are known; only it
/// changes <see cref="State"/>, so that a batch that closes inside a chunk sees the state as of its last payment.
/// </para>
/// Invariant: verdicts and state are a function of the payments, the block times and the settings; memory, spill and
/// chunking change the speed alone. No allocation, but where the store is asked for an id that was spilled.
/// Failure assumed: a store that fails throws, and the engine stops.
/// </remarks>
public sealed partial class Deduplicator : IDisposable
{
    /// <summary>The least memory for ids, bytes.</summary>
    public const long IdMemoryBytesMin = IdGenerations.MemoryBytesMin;

    public const long IdMemoryBytesDefault = 256L << 20;

    /// <summary>Set in a place that is a slot of the id table, not a cell of a stream.</summary>
    private const long IdPlace = 1L << 62;
    private const long NoPlace = -1;

    /// <summary>Stands where a UUIDv7's hour would: the id is forgotten by the hour of its decision.</summary>
    private const ulong OtherHour = ulong.MaxValue;

    private readonly StreamTable _streams;
    private readonly IdGenerations _ids;
    private readonly IIdStore _store;
    private readonly HourTable _uuidV7Hours = new();
    private readonly HourTable _otherHours = new();

    // Columns of the present chunk, parallel to its payments.
    private readonly uint[] _fingerprints = new uint[Limits.ChunkPayments];
    private readonly long[] _places = new long[Limits.ChunkPayments];
    private readonly ulong[] _sumKeys = new ulong[Limits.ChunkPayments];
    private readonly ulong[] _hashes = new ulong[Limits.ChunkPayments];
    private readonly ushort[] _idIndexes = new ushort[Limits.ChunkPayments];

    // All written by: settle thread.
    private int _chunkCount;
    private int _decidedCount;
    private ulong _timeNs;
    private ulong _uuidV7FloorNs;
    private ulong _otherHourFirst;
    private StateSum _sum;

    /// <param name="genesis">Capacity for streams. Its salt key seeds the tables, so that no client can aim at one place.</param>
    /// <param name="idMemoryBytes">For UUIDv7 and other ids, filter included; reserved at once, touched as used.</param>
    /// <param name="store">Takes what exceeds the memory; stays the caller's.</param>
    public Deduplicator(in Genesis genesis, long idMemoryBytes, IIdStore store)
    {
        Span<byte> keyed = stackalloc byte[32 + SeedLabel.Length];
        MemoryMarshal.AsBytes(new ReadOnlySpan<Digest>(in genesis.SaltKey)).CopyTo(keyed);
        SeedLabel.CopyTo(keyed[32..]);
        Span<byte> seeds = stackalloc byte[32];
        SHA256.HashData(keyed, seeds);
        _store = store;
        _streams = new StreamTable(genesis.StreamsMax, Word(seeds, 0), Word(seeds, 1));
        _ids = new IdGenerations(idMemoryBytes, Word(seeds, 2), Word(seeds, 3), store, _uuidV7Hours, _otherHours);
    }

    private static ReadOnlySpan<byte> SeedLabel => "dedup tables"u8;

    /// <summary>How far back a UUIDv7's timestamp may lie. Takes effect at the next block; the floor never moves back.</summary>
    public ulong WindowNs { get; set; } = Limits.NsPerDay;

    /// <summary>How long other ids are kept, rounded up to hours; 0: for ever. Takes effect at the next block.</summary>
    public ulong RetentionNs { get; set; } = 30 * Limits.NsPerDay;

    /// <summary>Streams that were ever opened.</summary>
    public int StreamCount => _streams.Count;

    /// <summary>Memory, spill and store, for tests and benchmarks.</summary>
    internal IdGenerations Ids => _ids;

    /// <summary>Stands for all decisions kept and for the floors, as of the last decision made.</summary>
    public StateSum State
    {
        get
        {
            StateSum state = _sum;
            state.Add(StateSum.Of(_uuidV7FloorNs, 0, Verdict.Undecided));
            state.Add(StateSum.Of(_otherHourFirst, 1, Verdict.Undecided));
            return state;
        }
    }

    /// <summary>The block's time comes into force: raises the floors and forgets what is below them.</summary>
    /// <param name="timeNs">Not below the block before.</param>
    /// <param name="firstSequence">Of the block's first slot, or of the next one for a block that takes none.</param>
    public void BeginBlock(ulong timeNs, ulong firstSequence)
    {
        if (_decidedCount != _chunkCount) ThrowChunkUndecided();
        _timeNs = timeNs;
        ulong hour = timeNs / Limits.NsPerHour;
        _otherHours.BeginHour(hour, firstSequence);

        ulong floorHourBefore = _uuidV7FloorNs / Limits.NsPerHour;
        _uuidV7FloorNs = Math.Max(_uuidV7FloorNs, timeNs > WindowNs ? timeNs - WindowNs : 0);
        ulong floorHour = _uuidV7FloorNs / Limits.NsPerHour;

        ulong otherHourBefore = _otherHourFirst;
        ulong retentionHours = (RetentionNs / Limits.NsPerHour) + (RetentionNs % Limits.NsPerHour != 0 ? 1UL : 0);
        if (RetentionNs != 0 && hour > retentionHours) _otherHourFirst = Math.Max(_otherHourFirst, hour - retentionHours);

        if (floorHour != floorHourBefore || _otherHourFirst != otherHourBefore) Forget(floorHour);
    }

    /// <summary>
    /// Judges every payment of a chunk whose verdict is still undecided and that is no opening.
    /// </summary>
    /// <param name="payments">Up to <see cref="Limits.ChunkPayments"/>, of the block begun.</param>
    /// <param name="participants">The session's participant, for each.</param>
    /// <param name="firstSequence">Of the chunk's first payment.</param>
    /// <param name="verdicts">Stays undecided: the id is new, and used up from now on. Else why not, or a repeat.</param>
    /// <param name="firsts">For <see cref="Verdict.Duplicate"/> and <see cref="Verdict.IdConflict"/>: the verdict given first, or
    /// undecided: it is the one that the payment at <paramref name="earlier"/> is about to get.</param>
    /// <param name="earlier">Index in the chunk of the first use of the id, where the above says so.</param>
    public void Judge(
        ReadOnlySpan<Payment> payments, ReadOnlySpan<ushort> participants, ulong firstSequence,
        Span<Verdict> verdicts, Span<Verdict> firsts, Span<ushort> earlier)
    {
        if (_decidedCount != _chunkCount) ThrowChunkUndecided();
        int count = payments.Length;
        if (count > Limits.ChunkPayments || participants.Length < count || verdicts.Length < count || firsts.Length < count
            || earlier.Length < count)
            ThrowChunkUneven();
        (_chunkCount, _decidedCount) = (count, 0);

        int idCount = 0;
        int stream = -1;
        ulong streamName = 0;
        ushort streamParticipant = 0;
        for (int i = 0; i < count; i++)
        {
            ref readonly Payment payment = ref payments[i];
            _places[i] = NoPlace;
            if (verdicts[i] != Verdict.Undecided || (payment.Flags & PaymentFlags.Opening) != 0) continue;
            _fingerprints[i] = Fingerprint.Of(in payment);
            if (!payment.HasStreamId)
            {
                if (IsTimely(in payment, ref verdicts[i])) ExpectId(in payment, participants[i], i, ref idCount);
                continue;
            }

            if (stream < 0 || payment.IdHigh != streamName || participants[i] != streamParticipant)
            {
                (streamName, streamParticipant) = (payment.IdHigh, participants[i]);
                stream = _streams.FindOrOpen(streamName, streamParticipant, payment.IdLow, out verdicts[i]);
                if (stream < 0) continue;
            }

            Verdict refusal = _streams.Take(stream, payment.IdLow, i);
            if (refusal != Verdict.Undecided)
            {
                RefuseNumber(refusal, StreamTable.Cell(stream, payment.IdLow), i, verdicts, firsts, earlier);
                continue;
            }

            _places[i] = StreamTable.Cell(stream, payment.IdLow);
            _sumKeys[i] = _streams.SumKey(stream) + payment.IdLow;
        }

        if (idCount > 0) JudgeIds(payments, participants, firstSequence, idCount, verdicts, firsts, earlier);
    }

    /// <summary>
    /// Keeps the verdicts of the present chunk's first payments: those not told yet, up to the length given.
    /// </summary>
    /// <param name="verdicts">All verdicts of the chunk from its beginning, as far as they are decided.</param>
    public void Decide(ReadOnlySpan<Verdict> verdicts)
    {
        if (verdicts.Length > _chunkCount) ThrowChunkUneven();
        StateSum sum = _sum;
        for (int i = _decidedCount; i < verdicts.Length; i++)
        {
            long place = _places[i];
            if (place == NoPlace) continue;
            Verdict verdict = verdicts[i];
            if (verdict == Verdict.Undecided || verdict.LeavesIdFree()) ThrowNotDecided(i, verdict);
            StateSum added = StateSum.Of(_sumKeys[i], _fingerprints[i], verdict);
            sum.Add(in added);
            if (place < IdPlace) _streams.Decide(place, _fingerprints[i], verdict);
            else DecideId(place & ~IdPlace, _hashes[i], verdict, in added);
        }

        _sum = sum;
        _decidedCount = Math.Max(_decidedCount, verdicts.Length);
    }

    public void Dispose()
    {
        _streams.Dispose();
        _ids.Dispose();
        _uuidV7Hours.Dispose();
        _otherHours.Dispose();
    }

    private static ulong Word(ReadOnlySpan<byte> seeds, int word) => BinaryPrimitives.ReadUInt64LittleEndian(seeds[(word * 8)..]);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Forget(ulong floorHour)
    {
        _sum.Subtract(_uuidV7Hours.DropBelow(floorHour, out long uuidV7SpillEnd));
        _sum.Subtract(_otherHours.DropBelow(_otherHourFirst, out long otherSpillEnd));
        _ids.Forget(floorHour, _otherHourFirst, _otherHours.FirstSequenceFrom(_otherHourFirst));
        if (uuidV7SpillEnd != 0) _store.DropBefore(IdKind.UuidV7, uuidV7SpillEnd);
        if (otherSpillEnd != 0) _store.DropBefore(IdKind.Other, otherSpillEnd);
    }

    /// <summary>A UUIDv7 is judged by its own time first: what is outside is refused, and not used up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsTimely(in Payment payment, ref Verdict verdict)
    {
        if (!IdKinds.IsUuidV7(payment.IdHigh, payment.IdLow)) return true;
        ulong milliseconds = IdKinds.TimestampMilliseconds(payment.IdHigh);
        ulong ns = milliseconds * IdKinds.NsPerMillisecond;
        if (milliseconds > IdKinds.MillisecondLast || (ns > _timeNs && ns - _timeNs > Limits.IdSkewNs))
            verdict = Verdict.IdFromFuture;
        else if (ns < _uuidV7FloorNs)
            verdict = Verdict.TooOldToTell;
        return verdict == Verdict.Undecided;
    }

    /// <summary>First pass over an id: where it would lie is asked of memory, for the whole chunk before any is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ExpectId(in Payment payment, ushort participant, int index, ref int idCount)
    {
        ulong hash = _ids.HashOf(payment.IdLow, payment.IdHigh, participant);
        _ids.Prefetch(hash);
        _hashes[index] = hash;
        _idIndexes[idCount++] = (ushort)index;
    }

    private void JudgeIds(
        ReadOnlySpan<Payment> payments, ReadOnlySpan<ushort> participants, ulong firstSequence, int idCount,
        Span<Verdict> verdicts, Span<Verdict> firsts, Span<ushort> earlier)
    {
        _ids.MakeRoom(idCount, firstSequence, _timeNs / Limits.NsPerHour);
        for (int n = 0; n < idCount; n++)
        {
            int i = _idIndexes[n];
            ref readonly Payment payment = ref payments[i];
            bool uuidV7 = IdKinds.IsUuidV7(payment.IdHigh, payment.IdLow);
            Decision entering = new()
            {
                Sequence = firstSequence + (ulong)i,
                Fingerprint = _fingerprints[i],
                Participant = participants[i],
            };
            long slot = _ids.FindOrEnter(in payment, _hashes[i], in entering, uuidV7, out Decision known);
            if (slot >= 0)
            {
                _places[i] = slot | IdPlace;
                _sumKeys[i] = StateSum.KeyOf(payment.IdLow, payment.IdHigh, entering.Participant);

                // The hash is not needed any more; what is, is the hour in which the decision will be forgotten.
                _hashes[i] = uuidV7 ? IdKinds.TimestampHour(payment.IdHigh) : OtherHour;
            }
            else
            {
                int first = known.Verdict == Verdict.Undecided ? (int)(known.Sequence - firstSequence) : -1;
                Repeat(i, known.Fingerprint, known.Verdict, first, verdicts, firsts, earlier);
            }
        }

        _ids.DrainShare();
    }

    private void DecideId(long slot, ulong hour, Verdict verdict, in StateSum added)
    {
        _ids.DecisionAt(slot).Verdict = verdict;
        if (hour == OtherHour) _otherHours.Add(_timeNs / Limits.NsPerHour, in added);
        else _uuidV7Hours.Add(hour, in added);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RefuseNumber(
        Verdict refusal, long cell, int index, Span<Verdict> verdicts, Span<Verdict> firsts, Span<ushort> earlier)
    {
        verdicts[index] = refusal;
        if (refusal != Verdict.Duplicate) return;
        Verdict first = _streams.FirstAt(cell, out uint kept);
        if (first == Verdict.Undecided) Repeat(index, _fingerprints[kept], first, (int)kept, verdicts, firsts, earlier);
        else Repeat(index, kept, first, -1, verdicts, firsts, earlier);
    }

    private void Repeat(
        int index, uint fingerprint, Verdict first, int firstIndex,
        Span<Verdict> verdicts, Span<Verdict> firsts, Span<ushort> earlier)
    {
        verdicts[index] = fingerprint == _fingerprints[index] ? Verdict.Duplicate : Verdict.IdConflict;
        firsts[index] = first;
        if (firstIndex >= 0) earlier[index] = (ushort)firstIndex;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowChunkUndecided() =>
        throw new InvalidOperationException("the chunk before was not decided to its end: its ids are used up without a verdict");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowChunkUneven() =>
        throw new ArgumentException($"a chunk is up to {Limits.ChunkPayments} payments, and its columns are as long");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNotDecided(int index, Verdict verdict) =>
        throw new InvalidOperationException($"payment {index} of the chunk used up its id and then got the verdict {verdict}");
}
