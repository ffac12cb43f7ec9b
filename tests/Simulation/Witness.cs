using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Tests.Dedup;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>A promise was broken: the run has found a fault.</summary>
public sealed class BrokenPromiseException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The outside world's memory: what was told, and nothing else. Holds every answer against those before it, and in the end every journal against all answers.
/// </summary>
internal sealed class Witness
{
    private readonly Dictionary<ulong, (Payment Slot, Outcome Outcome)> _told = []; // by sequence
    private readonly Dictionary<(ushort Participant, bool IsStream, UInt128 Id), (Payment Body, Verdict Verdict)> _decided = [];
    private readonly Dictionary<ulong, byte[]> _batches = [];

    public int Answers => _told.Count;

    public ulong HighestSequence { get; private set; }

    public int Batches => _batches.Count;

    /// <summary>Somebody was told the outcomes of these slots.</summary>
    public void Tell(ulong firstSequence, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, bool areCommands)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            ulong sequence = firstSequence + (ulong)i;
            if (!_told.TryAdd(sequence, (slots[i], outcomes[i])))
                throw new BrokenPromiseException($"sequence {sequence} was told twice: {_told[sequence].Outcome.Verdict}, now {outcomes[i].Verdict}");
            HighestSequence = Math.Max(HighestSequence, sequence);
            if (!areCommands)
                TellPayment(in slots[i], in outcomes[i], sequence);
        }
    }

    private void TellPayment(in Payment payment, in Outcome outcome, ulong sequence)
    {
        if (outcome.Verdict.LeavesIdFree() || outcome.Verdict == Verdict.DuplicateLookUp)
            return;
        var key = KeyOf(in payment);
        Payment body = payment with { Session = 0 };
        if (!_decided.TryGetValue(key, out (Payment Body, Verdict Verdict) before))
        {
            // A repeat of what nobody was told: its first verdict is told now. A conflict's first body is not known.
            if (outcome.Verdict != Verdict.IdConflict)
                _decided.Add(key, (body, outcome.Verdict == Verdict.Duplicate ? outcome.First : outcome.Verdict));
            return;
        }

        Verdict expected = before.Body == body ? Verdict.Duplicate : Verdict.IdConflict;
        if (outcome.Verdict != expected || outcome.First != before.Verdict)
        {
            throw new BrokenPromiseException(
                $"sequence {sequence}: a payment with id {payment.IdHigh:x}-{payment.IdLow:x} was told {before.Verdict} before; now {outcome.Verdict} with first {outcome.First}, {expected} expected");
        }
    }

    public void TellBatch(ClosedBatch batch)
    {
        byte[] statement = batch.Encode();
        if (_batches.TryGetValue(batch.Number, out byte[]? before) && !before.AsSpan().SequenceEqual(statement))
            throw new BrokenPromiseException($"batch {batch.Number} was published with another statement before");
        _batches[batch.Number] = statement;
    }

    /// <summary>
    /// Reads a journal from its first block and holds it against all that was told, and against the naive twin.
    /// </summary>
    /// <param name="folder">Of the journal, which nobody writes.</param>
    /// <param name="archive">What was cut off it; null: nothing.</param>
    /// <param name="rules">The twin's; null: the twin is not asked.</param>
    /// <param name="lastBlock">The last block to be read; what is behind it was never committed.</param>
    /// <returns>State hash behind the last block, and the hash of that block.</returns>
    public (Digest State, Digest Last) Audit(string folder, string? archive, SharedRules? rules, ulong lastBlock = ulong.MaxValue)
    {
        using var store = new MemoryIdStore();
        var closed = new List<ClosedBatch>();
        using var replay = new BlockReplay(genesis => new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, store)) { Closed = closed.Add };
        using JournalReader reader = archive is null ? JournalReader.Open(folder) : JournalReader.OpenWith(folder, archive);
        NaiveEngine? twin = null;
        var accepted = new HashSet<(ushort, bool, UInt128)>();
        ulong told = 0;
        while (reader.Position.NextNumber <= lastBlock && reader.Next())
        {
            ref readonly BlockHeader header = ref reader.Header;
            replay.Apply(in header, reader.Body);
            ReadOnlySpan<Payment> slots = header.Kind is BlockKind.Payments or BlockKind.Control
                ? MemoryMarshal.Cast<byte, Payment>(reader.Body)[..(int)header.Count] : default;
            if (rules is not null)
                AskTwin(ref twin, rules, in header, slots, replay);
            told += (ulong)Compare(in header, slots, replay.Outcomes, accepted);
        }

        if (reader.End is { Kind: JournalEndKind.Damage } damage)
            throw new JournalException($"the journal in '{folder}' is damaged at block {damage.Block}: {damage.What}");
        if (told != (ulong)_told.Count)
            throw new BrokenPromiseException($"{_told.Count} answers were told, the journal holds {told} of them; it ends at sequence {replay.State.Sequence}, the highest told is {HighestSequence}");
        CompareBatches(closed);
        replay.State.VerifyConservation();
        return (replay.State.Batch.StateHashNow(), reader.Position.Previous);
    }

    /// <summary>Verifies a journal's chain and CRCs up to a block.</summary>
    /// <returns>Hash of that block.</returns>
    public static Digest ReadThrough(string folder, ulong lastBlock)
    {
        using JournalReader reader = JournalReader.Open(folder);
        while (reader.Position.NextNumber <= lastBlock && reader.Next())
        {
        }

        return reader.Position.NextNumber > lastBlock ? reader.Position.Previous
            : throw new JournalException($"the journal in '{folder}' ends before block {reader.Position.NextNumber}: {reader.End?.What}");
    }

    private int Compare(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, HashSet<(ushort, bool, UInt128)> accepted)
    {
        int told = 0;
        for (int i = 0; i < slots.Length; i++)
        {
            ulong sequence = header.FirstSequence + (ulong)i;
            if (header.Kind == BlockKind.Payments && outcomes[i].Verdict.IsAccepted() && !accepted.Add(KeyOf(in slots[i])))
                throw new BrokenPromiseException($"sequence {sequence}: a payment with id {slots[i].IdHigh:x}-{slots[i].IdLow:x} was settled a second time");
            if (!_told.TryGetValue(sequence, out (Payment Slot, Outcome Outcome) before))
                continue;
            told++;
            if (before.Slot != slots[i])
                throw new BrokenPromiseException($"sequence {sequence}: the journal holds another slot than the one that was answered");
            if (!Same(in before.Outcome, in outcomes[i]))
                throw new BrokenPromiseException($"sequence {sequence}: told {TextOf(in before.Outcome)}, the journal gives {TextOf(in outcomes[i])}");
        }

        return told;
    }

    private void CompareBatches(List<ClosedBatch> closed)
    {
        foreach ((ulong number, byte[] statement) in _batches)
        {
            if (number > (ulong)closed.Count || !closed[(int)number - 1].Encode().AsSpan().SequenceEqual(statement))
                throw new BrokenPromiseException($"batch {number} was published with another statement than the journal gives, or is not in the journal ({closed.Count} are)");
        }
    }

    private static void AskTwin(ref NaiveEngine? twin, SharedRules rules, in BlockHeader header, ReadOnlySpan<Payment> slots, BlockReplay replay)
    {
        if (twin is null)
        {
            Genesis genesis = replay.State.Genesis;
            twin = new NaiveEngine(in genesis, rules);
        }

        Outcome[] expected = twin.Apply(in header, slots);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!Same(in expected[i], replay.Outcomes[i]))
                throw new BrokenPromiseException($"sequence {header.FirstSequence + (ulong)i}: the engine gives {TextOf(replay.Outcomes[i])}, the naive twin {TextOf(in expected[i])}");
        }
    }

    public static bool Same(in Outcome one, in Outcome other) =>
        (one.Verdict, one.First, one.Batch, one.Available, one.Rule) == (other.Verdict, other.First, other.Batch, other.Available, other.Rule);

    private static string TextOf(in Outcome outcome) => $"{outcome.Verdict} (first {outcome.First}) in batch {outcome.Batch}, available {outcome.Available}, rule {outcome.Rule}";

    private static (ushort Participant, bool IsStream, UInt128 Id) KeyOf(in Payment payment) => (ParticipantOf(payment.Session), payment.HasStreamId, payment.Id);

    private static ushort ParticipantOf(ushort session) => session switch
    {
        Scenario.AlphaDesk or Scenario.AlphaLow or Scenario.AlphaTrusted => Scenario.Alpha,
        Scenario.BetaDesk or Scenario.BetaOperator or Scenario.BetaLow => Scenario.Beta,
        _ => Scenario.House,
    };
}

/// <summary>A hash over everything that a run decided: two runs of one seed must come to the same.</summary>
internal sealed class TraceHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Where lines go besides; null: nowhere.</summary>
    public TextWriter? Lines { get; init; }

    public void Add(string line)
    {
        _hash.AppendData(MemoryMarshal.AsBytes(line.AsSpan()));
        Lines?.WriteLine(line);
    }

    public void Add<T>(ReadOnlySpan<T> values)
        where T : unmanaged => _hash.AppendData(MemoryMarshal.AsBytes(values));

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset().AsSpan(0, 8));

    public void Dispose() => _hash.Dispose();
}
