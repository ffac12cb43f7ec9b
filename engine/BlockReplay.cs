using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine;

/// <summary>
/// Looks at the state between the slots of a block that is applied again, for readers that ask what each slot did. It may not change what the journal decides.
/// </summary>
public interface IBlockWatch
{
    /// <summary>The block's time is taken: what it lets expire and closes by age is done, and none of its slots is.</summary>
    void OnBegun(in BlockHeader header);

    /// <summary>How many of a block's next payments may be applied before the watch is asked again, at least 1. Commands come in one piece, unasked.</summary>
    int CountTogether(ReadOnlySpan<Payment> rest, ulong firstSequence);

    void OnApplied(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence);
}

/// <summary>
/// The ledger as a function of its journal: applies verified blocks one after the other, from genesis, grows the trees, and holds every
/// seal block against the batch it is about. Serves recovery, replay and tests; the live stages go on where it ends.
/// </summary>
/// <remarks>Failure assumed: a journal whose blocks are sound but were not made by these rules; it is named and refused.</remarks>
public sealed class BlockReplay : IDisposable
{
    private readonly Func<Genesis, Deduplicator> _newDeduplicator;
    private readonly Outcome[] _outcomes = new Outcome[Limits.BlockSlotsMax];

    /// <param name="newDeduplicator">Makes the ids' memory for a ledger's capacities.</param>
    public BlockReplay(Func<Genesis, Deduplicator> newDeduplicator) => _newDeduplicator = newDeduplicator;

    /// <summary>Told each batch as its root is there.</summary>
    public Action<ClosedBatch>? Closed { get; set; }

    /// <summary>Looks on, slot by slot where it wants to; null: blocks are applied whole.</summary>
    public IBlockWatch? Watch { get; set; }

    /// <summary>Reads and compiles laws; null: the language's.</summary>
    public ILawCompiler? Compiler { get; init; }

    /// <summary>
    /// The blocks are applied under rules that are not the journal's (<see cref="LedgerState.Impose"/>): its batches are others, so no trees are grown for
    /// them, and the journal's seals are not held against them.
    /// </summary>
    public bool IsHypothetical { get; init; }

    /// <exception cref="InvalidOperationException">No block was applied yet.</exception>
    public LedgerState State => _state ?? throw new InvalidOperationException("no genesis block was applied");

    /// <summary>Whether there is a state: a genesis block was applied.</summary>
    public bool HasState => _state is not null;

    public Settler Settler => _settler ?? throw new InvalidOperationException("no genesis block was applied");

    public BatchTrees Trees => _trees ?? throw new InvalidOperationException("no genesis block was applied");

    /// <summary>Batches that were closed and whose seals have not been read, in order.</summary>
    public IReadOnlyCollection<ClosedBatch> Unsealed => Trees.Unsealed;

    private LedgerState? _state;
    private Settler? _settler;
    private BatchTrees? _trees;
    private int _applied;

    /// <summary>Whether the last block was not applied whole: nothing can be applied behind it.</summary>
    public bool IsCut { get; private set; }

    /// <summary>What became of the slots that were applied last.</summary>
    public ReadOnlySpan<Outcome> Outcomes => _outcomes.AsSpan(0, _applied);

    /// <summary>Applies the next block.</summary>
    /// <exception cref="LedgerBrokenException">The block does not follow, or a seal differs from what these rules give.</exception>
    public void Apply(in BlockHeader header, ReadOnlySpan<byte> body) => Apply(in header, body, ulong.MaxValue);

    /// <summary>
    /// Applies the next block up to a sequence, or to the end of the command that the sequence is part of; a block that begins behind it gives its
    /// time alone. Unless the block is applied whole, it is the last.
    /// </summary>
    /// <inheritdoc cref="Apply(in BlockHeader, ReadOnlySpan{byte})"/>
    public void Apply(in BlockHeader header, ReadOnlySpan<byte> body, ulong lastSequence)
    {
        if (IsCut)
            throw new InvalidOperationException($"block {header.Number} follows on a block that was not applied whole");
        ReadOnlySpan<Payment> slots = SlotsOf(in header, body);
        IsCut = lastSequence < header.FirstSequence + (ulong)slots.Length - 1 && header.Kind.IsApplied();
        _applied = IsCut ? CountUpTo(in header, slots, lastSequence) : slots.Length;
        if (IsCut || (Watch is not null && header.Kind.IsApplied()))
        {
            Settler.Begin(in header, AttachmentOf(in header, body), slots);
            ApplySlots(in header, slots[.._applied]);
            if (!IsCut)
                Settler.End(in header);
        }
        else
        {
            Settle(in header, body, _outcomes);
        }

        Follow(in header, body, _outcomes.AsSpan(0, _applied));
    }

    /// <summary>The settle thread's part of a block: verdicts and state.</summary>
    internal void Settle(in BlockHeader header, ReadOnlySpan<byte> body, Span<Outcome> outcomes)
    {
        if (header.Kind == BlockKind.Genesis)
            Begin(in header, body);
        else if (header.Kind.IsApplied())
            Settler.Apply(in header, SlotsOf(in header, body), AttachmentOf(in header, body), outcomes);
        else if (header.Kind is BlockKind.None or > BlockKinds.Last)
            throw new LedgerBrokenException($"block {header.Number} is of kind {(int)header.Kind}, which this program does not know: a later one wrote it");
        else if (header.Count != 0)
            throw new LedgerBrokenException($"block {header.Number} of kind {header.Kind} states {header.Count} slots; it takes no sequence");
    }

    /// <summary>The tree thread's part of a block that is settled: leaves, roots, and whether a seal states them.</summary>
    internal void Follow(in BlockHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<Outcome> outcomes)
    {
        if (header.Kind == BlockKind.Genesis || IsHypothetical)
            return;
        if (header.Kind == BlockKind.Seal)
        {
            CheckSeal(in header, body);
            return;
        }

        if (!header.Kind.IsApplied())
            return;
        ReadOnlySpan<Payment> slots = SlotsOf(in header, body);
        slots = slots[..Math.Min(slots.Length, outcomes.Length)];
        Trees.Grow(slots, outcomes[..slots.Length], header.FirstSequence);
        Publish(header.FirstSequence + (ulong)slots.Length - 1);
    }

    /// <summary>Writes all that is needed to go on from here: between blocks.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="head">Of the block applied last.</param>
    public void Save(Stream stream, in SnapshotHead head)
    {
        if (IsCut)
            throw new InvalidOperationException($"block {head.Block} was not applied whole");
        var writer = new SnapshotWriter(stream, head);
        writer.Begin(SnapshotSection.Genesis);
        writer.Write(State.Genesis);
        Settler.Save(writer);
        writer.Begin(SnapshotSection.Trees);
        Trees.Save(writer);
        writer.Finish(State.Batch.StateHashNow());
    }

    /// <summary>Takes the place of all blocks up to the snapshot's.</summary>
    /// <exception cref="SnapshotException">It cannot be used; this object cannot, either.</exception>
    public void Load(SnapshotReader reader)
    {
        reader.Begin(SnapshotSection.Genesis);
        Genesis genesis = reader.Read<Genesis>();
        reader.Expect(genesis.Fault() is null, "the genesis block's capacities are out of range");
        Begin(in genesis, reader.Head.LedgerId);
        Settler.Load(reader);
        reader.Expect(State.Sequence == reader.Head.Sequence && State.TimeNs <= reader.Head.TimeNs, "its state is not of the block that its head names");
        reader.Begin(SnapshotSection.Trees);
        Trees.Load(reader);
        Digest stateHash = reader.Finish();
        reader.Expect(stateHash == State.Batch.StateHashNow(), "its state does not have the hash that it states");
    }

    public void Dispose()
    {
        _state?.Dispose();
        _trees?.Dispose();
    }

    private void Begin(in BlockHeader header, ReadOnlySpan<byte> body)
    {
        if (_state is not null || body.Length != Genesis.Size)
            throw new LedgerBrokenException($"block {header.Number} is no genesis block that could stand there ({body.Length} bytes)");
        Genesis genesis = MemoryMarshal.Read<Genesis>(body);
        if (genesis.Fault() is { } fault)
            throw new LedgerBrokenException($"the genesis block's capacities are out of range: {fault}");
        Begin(in genesis, header.LedgerId);
    }

    private void Begin(in Genesis genesis, UInt128 ledgerId)
    {
        _state = new LedgerState(in genesis, _newDeduplicator(genesis), Compiler) { LedgerId = ledgerId };
        _settler = new Settler(_state);
        _trees = new BatchTrees(genesis.SaltKey);
        if (!IsHypothetical)
            _state.Batch.Closed = _trees.Close;
    }

    /// <summary>Commands are not parted from their continuations.</summary>
    private static int CountUpTo(in BlockHeader header, ReadOnlySpan<Payment> slots, ulong lastSequence)
    {
        int wanted = lastSequence < header.FirstSequence ? 0 : (int)(lastSequence - header.FirstSequence + 1);
        if (header.Kind != BlockKind.Control)
            return wanted;
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(slots);
        int count = 0;
        while (count < wanted)
            count += Math.Min(1 + commands[count].ContinuationSlots, slots.Length - count);
        return count;
    }

    private static ReadOnlySpan<Payment> SlotsOf(in BlockHeader header, ReadOnlySpan<byte> body) =>
        header.Kind is BlockKind.Payments or BlockKind.Control ? MemoryMarshal.Cast<byte, Payment>(body)[..(int)header.Count] : default;

    /// <summary>What stands behind a block's slots: the evidence of its payments.</summary>
    private static ReadOnlySpan<byte> AttachmentOf(in BlockHeader header, ReadOnlySpan<byte> body)
    {
        if (!header.Kind.IsApplied())
            return default;
        long slotBytes = (long)header.Count * Payment.Size;
        if (body.Length != slotBytes + header.AttachmentBytes)
            throw new LedgerBrokenException(
                $"block {header.Number} states {header.Count} slots and {header.AttachmentBytes} bytes of attachment, and has a body of {body.Length} bytes");
        return body[(int)slotBytes..];
    }

    private void ApplySlots(in BlockHeader header, ReadOnlySpan<Payment> slots)
    {
        Watch?.OnBegun(in header);
        for (int done = 0; done < slots.Length;)
        {
            ReadOnlySpan<Payment> rest = slots[done..];
            ulong sequence = header.FirstSequence + (ulong)done;
            int count = Watch is not null && header.Kind == BlockKind.Payments ? Watch.CountTogether(rest, sequence) : rest.Length;
            Settler.ApplyPart(rest[..count], _outcomes.AsSpan(done, count));
            Watch?.OnApplied(rest[..count], _outcomes.AsSpan(done, count), sequence);
            done += count;
        }
    }

    private void Publish(ulong grownSequence)
    {
        while (Trees.TryPublish(grownSequence, out ClosedBatch? batch))
        {
            Closed?.Invoke(batch);
        }
    }

    /// <summary>
    /// The statement alone. Its signature is for those who have no journal: here every figure it covers has just been computed again, and that the
    /// attachment's bytes are those that were acknowledged is the chain's to say; a tenth of a millisecond a batch would only make starting slower.
    /// `replay verify` checks signatures.
    /// </summary>
    private void CheckSeal(in BlockHeader header, ReadOnlySpan<byte> body)
    {
        ClosedBatch batch = Trees.TakeSealed(header.Number);
        ReadOnlySpan<byte> statement = body[..^(int)header.AttachmentBytes];
        if (!statement.SequenceEqual(batch.Encode()))
            throw new LedgerBrokenException(
                $"block {header.Number}: the seal of batch {batch.Number} states {batch.DifferenceFrom(statement)} than its payments give");
    }
}
