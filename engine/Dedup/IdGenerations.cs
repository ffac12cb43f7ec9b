using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Dedup;

/// <summary>
/// Ids kept one by one: the latest in memory, in a young and an old generation, what is older in the store.
/// </summary>
/// <remarks>
/// Purpose: exact answers from a fixed memory. New ids enter the young generation. When it is 60% full it becomes the old
/// one, and the former old one, drained by then, becomes the new young one. While the young one fills, the old one is
/// copied to the store, some slots for every new id, so that no block waits for more than its own share.
/// <para>
/// Invariants: an entry belongs to its generation exactly if its sequence is not below the generation's first: so a
/// generation that starts over needs no clearing. A generation leaves memory only when all it holds that is not forgotten is
/// in the store and in the filter. Generations never change inside a chunk, so that places stay valid until
/// it is decided.
/// </para>
/// Memory: 74.7 B for each slot of a generation; 62 B for each id held when both generations are full. A new id costs two
/// misses, both asked for in advance: its line in the young generation, and its line in the filter, which speaks for the old
/// generation and for the store.
/// </remarks>
internal sealed partial class IdGenerations : IDisposable
{
    /// <summary>64 B of filter for every 6 entries: a lane has 17 bits for each id of a full generation.</summary>
    public const int EntriesPerFilterRow = 6;
    private const long BytesPerFilterRow = (EntriesPerFilterRow * 2 * IdEntry.Size) + FilterRow.Size;

    /// <summary>The least with which a chunk of new ids is a small part of a generation.</summary>
    public const int CapacityMin = 4 * Limits.ChunkPayments;

    public const long MemoryBytesMin = ((CapacityMin / EntriesPerFilterRow) + 1) * BytesPerFilterRow;

    private readonly IIdStore _store;
    private readonly IdFilter _filter;
    private readonly HourTable _uuidV7Hours;
    private readonly HourTable _otherHours;
    private readonly long _capacity;

    /// <summary>Entries at which the young generation gives way.</summary>
    private readonly long _countMax;

    /// <summary>Slots of the old generation drained for each new id, so that all are done when the young one is full.</summary>
    private readonly long _drainPace;
    private readonly long _sweepPace;

    // All written by: settle thread.
    private ulong _seedLow;
    private ulong _seedHigh;
    private NativeTable<IdEntry> _young;
    private NativeTable<IdEntry> _old;
    private ulong _youngFirst = 1;

    /// <summary>No entry is as late as this while there is no old generation.</summary>
    private ulong _oldFirst = ulong.MaxValue;
    private long _youngCount;
    private long _enteredSinceDrain;
    private long _drainSlot;
    private long _drainedUuidV7HourLast = -1;
    private long _drainedOtherHourLast = -1;
    private ulong _oldHourLast;
    private ulong _uuidV7SpillHour;
    private ulong _otherSpillHour;
    private ulong _uuidV7HourFirst;
    private ulong _otherHourFirst;
    private ulong _otherSequenceFirst;

    public IdGenerations(
        long memoryBytes, ulong seedLow, ulong seedHigh, IIdStore store, HourTable uuidV7Hours, HourTable otherHours)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(memoryBytes, MemoryBytesMin);
        (_seedLow, _seedHigh, _store, _uuidV7Hours, _otherHours) = (seedLow, seedHigh, store, uuidV7Hours, otherHours);
        long filterRows = memoryBytes / BytesPerFilterRow;
        _capacity = filterRows * EntriesPerFilterRow;
        _countMax = _capacity * 6 / 10;
        long newPerCycleMin = _countMax - Limits.ChunkPayments;
        _drainPace = (_capacity + newPerCycleMin - 1) / newPerCycleMin;
        _sweepPace = (filterRows + newPerCycleMin - 1) / newPerCycleMin;
        _young = new NativeTable<IdEntry>(_capacity, hugePages: true);
        _old = new NativeTable<IdEntry>(_capacity, hugePages: true);
        _filter = new IdFilter(filterRows);
    }

    /// <summary>Entries that one generation has slots for.</summary>
    public long Capacity => _capacity;

    /// <summary>How often a generation became old.</summary>
    public long GenerationsEnded { get; private set; }

    /// <summary>How often the store was asked for an id.</summary>
    public long StoreReads { get; private set; }

    /// <summary>Ids put into the store.</summary>
    public long StorePuts { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong HashOf(ulong idLow, ulong idHigh, ushort participant) =>
        Mix.Fold(idLow ^ _seedLow, (idHigh ^ _seedHigh) + (participant * Mix.Pi3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash)
    {
        _young.Prefetch(SlotOf(hash));
        _filter.Prefetch(hash);
    }

    /// <summary>Forgets what is below these; they never decrease.</summary>
    public void Forget(ulong uuidV7HourFirst, ulong otherHourFirst, ulong otherSequenceFirst)
    {
        (_uuidV7HourFirst, _otherHourFirst, _otherSequenceFirst) = (uuidV7HourFirst, otherHourFirst, otherSequenceFirst);
        _filter.Forget(uuidV7HourFirst, otherHourFirst);
    }

    /// <summary>Before the first id of a chunk: room for so many new ones.</summary>
    public void MakeRoom(int idCount, ulong firstSequence, ulong hour)
    {
        if (_youngCount + idCount > _countMax) EndGeneration(firstSequence, hour);
    }

    /// <summary>
    /// Finds an id that is kept, or enters it as undecided. Gives the place of its decision, or -1: it is known, and what
    /// is kept of it is given (undecided: of the present chunk).
    /// </summary>
    public long FindOrEnter(in Payment payment, ulong hash, in Decision entering, bool uuidV7, out Decision known)
    {
        ulong sequenceFirst = uuidV7 ? 0 : _otherSequenceFirst;
        long slot = SlotOf(hash);
        while (true)
        {
            ref IdEntry entry = ref _young[slot];
            if (entry.Decision.Sequence < _youngFirst) break;
            if (IsOf(in entry, in payment, entering.Participant))
            {
                known = entry.Decision;
                if (known.Sequence >= sequenceFirst) return -1;

                // Forgotten; then anything older of this id is, too, and the place is free for the new decision.
                entry.Decision = entering;
                return slot;
            }

            slot = Next(slot);
        }

        uint lanes = _filter.LanesHolding(hash) & (_filter.OldLane | _filter.SpilledLanes(uuidV7));
        if (lanes != 0 && IsKeptOlder(in payment, hash, lanes, in entering, sequenceFirst, out known)) return -1;

        known = default;
        ref IdEntry free = ref _young[slot];
        free.IdLow = payment.IdLow;
        free.IdHigh = payment.IdHigh;
        free.Decision = entering;
        _filter.Add(hash);
        _youngCount++;
        _enteredSinceDrain++;
        return slot;
    }

    /// <summary>Whether an id is kept, and what; enters nothing.</summary>
    /// <param name="payment">Its id counts.</param>
    /// <param name="asked">Whose it is, and the sequence as of which it is asked.</param>
    /// <param name="uuidV7">What kind it is.</param>
    /// <param name="known">What is kept.</param>
    public bool TryFind(in Payment payment, in Decision asked, bool uuidV7, out Decision known)
    {
        ulong hash = HashOf(payment.IdLow, payment.IdHigh, asked.Participant);
        ulong sequenceFirst = uuidV7 ? 0 : _otherSequenceFirst;
        for (long slot = SlotOf(hash); _young[slot].Decision.Sequence >= _youngFirst; slot = Next(slot))
        {
            ref readonly IdEntry entry = ref _young[slot];
            if (!IsOf(in entry, in payment, asked.Participant))
                continue;
            known = entry.Decision;
            return known.Sequence >= sequenceFirst;
        }

        uint lanes = _filter.LanesHolding(hash) & (_filter.OldLane | _filter.SpilledLanes(uuidV7));
        known = default;
        return lanes != 0 && IsKeptOlder(in payment, hash, lanes, in asked, sequenceFirst, out known);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Decision DecisionAt(long slot) => ref _young[slot].Decision;

    /// <summary>The share of the ids entered since the last call in copying the old generation to the store.</summary>
    public void DrainShare()
    {
        long entered = _enteredSinceDrain;
        _enteredSinceDrain = 0;
        _filter.Sweep(entered * _sweepPace);
        if (_oldFirst != ulong.MaxValue) Drain(entered * _drainPace);
    }

    public void Dispose()
    {
        _young.Dispose();
        _old.Dispose();
        _filter.Dispose();
    }

    /// <summary>Most slots taken in a row by the young generation: what a look-up walks at worst. For tests.</summary>
    public long RunLongest()
    {
        long longest = 0;
        for (long slot = 0, run = 0; slot < _capacity; slot++)
        {
            run = _young[slot].Decision.Sequence >= _youngFirst ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest;
    }

    /// <summary>The first of two in a cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long SlotOf(ulong hash) => (long)Math.BigMul(hash, (ulong)_capacity / 2, out _) * 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long Next(long slot) => slot + 1 == _capacity ? 0 : slot + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsOf(in IdEntry entry, in Payment payment, ushort participant) =>
        entry.IdLow == payment.IdLow && entry.IdHigh == payment.IdHigh && entry.Decision.Participant == participant;

    /// <summary>The filter does not deny that an id is in the old generation or the store: they are asked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsKeptOlder(
        in Payment payment, ulong hash, uint lanes, in Decision entering, ulong sequenceFirst, out Decision known)
    {
        if ((lanes & _filter.OldLane) != 0 && IsInOld(in payment, hash, entering.Participant, out known))
            return known.Sequence >= sequenceFirst;
        if ((lanes & ~_filter.OldLane) != 0) return IsKeptInStore(in payment, hash, in entering, sequenceFirst, out known);
        known = default;
        return false;
    }

    private bool IsInOld(in Payment payment, ulong hash, ushort participant, out Decision known)
    {
        for (long slot = SlotOf(hash); _old[slot].Decision.Sequence >= _oldFirst; slot = Next(slot))
        {
            ref readonly IdEntry entry = ref _old[slot];
            if (!IsOf(in entry, in payment, participant)) continue;
            known = entry.Decision;
            return true;
        }

        known = default;
        return false;
    }

    /// <summary>
    /// The store may hold decisions from before a restart, which a replay makes again: those that are not earlier than the
    /// payment judged do not count.
    /// </summary>
    private bool IsKeptInStore(
        in Payment payment, ulong hash, in Decision entering, ulong sequenceFirst, out Decision known)
    {
        StoreReads++;
        IdKey key = new(payment.IdLow, payment.IdHigh, entering.Participant, hash);
        IdKind kind = IdKinds.IsUuidV7(payment.IdHigh, payment.IdLow) ? IdKind.UuidV7 : IdKind.Other;
        return _store.TryGet(kind, in key, out known) && known.Sequence >= sequenceFirst && known.Sequence < entering.Sequence;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndGeneration(ulong firstSequence, ulong hour)
    {
        if (_oldFirst != ulong.MaxValue)
        {
            Drain(_capacity);
            NoteSpillEnds();
        }

        _filter.EndCycle(_drainedUuidV7HourLast, _drainedOtherHourLast);
        _filter.Forget(_uuidV7HourFirst, _otherHourFirst);
        (_young, _old) = (_old, _young);
        _oldFirst = _youngFirst;
        _youngFirst = firstSequence;
        _oldHourLast = hour;
        _youngCount = 0;
        _drainSlot = 0;
        (_drainedUuidV7HourLast, _drainedOtherHourLast) = (-1, -1);
        GenerationsEnded++;
    }

    /// <summary>
    /// Partition by hour: generations are spilled one after the other, so what stands before the present position was
    /// decided in this generation's last hour or earlier, and goes whole when that hour is forgotten. UUIDv7 are forgotten
    /// by their own timestamp, which lies in [decision - window, decision + skew]: not in order, but what stands before the
    /// position has a timestamp in or below the latest hour seen so far, and that grows with time. Generations that came from
    /// a snapshot are only roughly in order of decision: so for other ids, too, the latest hour so far is what counts.
    /// </summary>
    private void NoteSpillEnds()
    {
        if (_drainedOtherHourLast >= 0)
        {
            _otherSpillHour = Math.Max(_otherSpillHour, (ulong)_drainedOtherHourLast);
            _otherHours.SpilledUpTo(_otherSpillHour, _store.Position(IdKind.Other));
        }

        if (_drainedUuidV7HourLast < 0) return;
        _uuidV7SpillHour = Math.Max(_uuidV7SpillHour, (ulong)_drainedUuidV7HourLast);
        _uuidV7Hours.SpilledUpTo(_uuidV7SpillHour, _store.Position(IdKind.UuidV7));
    }

    private void Drain(long slotCount)
    {
        long end = Math.Min(_drainSlot + slotCount, _capacity);
        for (; _drainSlot < end; _drainSlot++)
        {
            ref readonly IdEntry entry = ref _old[_drainSlot];
            if (entry.Decision.Sequence >= _oldFirst) Spill(in entry);
        }
    }

    private void Spill(in IdEntry entry)
    {
        bool uuidV7 = IdKinds.IsUuidV7(entry.IdHigh, entry.IdLow);
        if (uuidV7)
        {
            ulong hour = IdKinds.TimestampHour(entry.IdHigh);
            if (hour < _uuidV7HourFirst) return;
            _drainedUuidV7HourLast = Math.Max(_drainedUuidV7HourLast, (long)hour);
        }
        else
        {
            if (entry.Decision.Sequence < _otherSequenceFirst) return;
            _drainedOtherHourLast = (long)_oldHourLast;
        }

        ulong hash = HashOf(entry.IdLow, entry.IdHigh, entry.Decision.Participant);
        IdKey key = new(entry.IdLow, entry.IdHigh, entry.Decision.Participant, hash);
        _store.Put(uuidV7 ? IdKind.UuidV7 : IdKind.Other, in key, in entry.Decision);
        StorePuts++;
    }
}
