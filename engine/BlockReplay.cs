using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Engine;

/// <summary>
/// The ledger as a function of its journal: applies verified blocks one after the other, from genesis, grows the trees, and holds every
/// seal block against the batch it is about. Serves recovery, replay and tests; the live stages go on where it ends.
/// </summary>
/// <remarks>Failure assumed: a journal whose blocks are sound but were not made by these rules; it is named and refused.</remarks>
public sealed class BlockReplay : IDisposable
{
    private readonly Func<Genesis, Deduplicator> _newDeduplicator;
    private readonly Outcome[] _outcomes = new Outcome[Limits.BlockSlotsMax];
    private readonly Queue<ClosedBatch> _unsealed = new();

    /// <param name="newDeduplicator">Makes the ids' memory for a ledger's capacities.</param>
    public BlockReplay(Func<Genesis, Deduplicator> newDeduplicator) => _newDeduplicator = newDeduplicator;

    /// <summary>Told each slot's outcome, in order.</summary>
    public Action<BlockHeader, ReadOnlyMemory<Outcome>>? Applied { get; set; }

    /// <summary>Told each batch as its root is there.</summary>
    public Action<ClosedBatch>? Closed { get; set; }

    /// <exception cref="InvalidOperationException">No block was applied yet.</exception>
    public LedgerState State => _state ?? throw new InvalidOperationException("no genesis block was applied");

    public Settler Settler => _settler ?? throw new InvalidOperationException("no genesis block was applied");

    public BatchTrees Trees => _trees ?? throw new InvalidOperationException("no genesis block was applied");

    /// <summary>Batches that were closed and whose seals have not been read, in order.</summary>
    public IReadOnlyCollection<ClosedBatch> Unsealed => _unsealed;

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
        _applied = 0;
        if (header.Kind == BlockKind.Genesis)
        {
            Begin(in header, body);
            return;
        }

        if (header.Kind == BlockKind.Seal)
        {
            CheckSeal(in header, body);
            return;
        }

        ReadOnlySpan<Payment> slots = MemoryMarshal.Cast<byte, Payment>(body)[..(int)header.Count];
        if (lastSequence >= header.FirstSequence + header.Count - 1)
        {
            Settler.Apply(in header, slots, _outcomes.AsSpan(0, slots.Length));
        }
        else
        {
            IsCut = true;
            slots = slots[..CountUpTo(in header, slots, lastSequence)];
            Settler.Begin(in header);
            Settler.ApplyPart(slots, _outcomes.AsSpan(0, slots.Length));
        }

        _applied = slots.Length;
        Trees.Grow(slots, _outcomes.AsSpan(0, slots.Length), header.FirstSequence);
        Applied?.Invoke(header, _outcomes.AsMemory(0, slots.Length));
        Publish();
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
        _state = new LedgerState(in genesis, _newDeduplicator(genesis));
        _settler = new Settler(_state);
        _trees = new BatchTrees(genesis.SaltKey);
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

    private void Publish()
    {
        while (Trees.TryPublish(State.Sequence, out ClosedBatch? batch))
        {
            _unsealed.Enqueue(batch);
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
        if (!_unsealed.TryDequeue(out ClosedBatch? batch))
            throw new LedgerBrokenException($"block {header.Number} seals a batch that is not closed");
        if (!body[..^(int)header.AttachmentBytes].SequenceEqual(batch.Encode()))
            throw new LedgerBrokenException(
                $"block {header.Number}: the seal of batch {batch.Number} states other figures, root or state hash than its payments give");
        Trees.LastSealed = batch.Number;
    }
}
