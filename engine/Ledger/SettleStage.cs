using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Ledger;

/// <summary>Told how far the state is, by whichever thread writes it, between two blocks; must not wait.</summary>
internal interface IAppliedWatch
{
    void OnApplied(ulong block, ulong sequence);
}

/// <summary>
/// Stage 3 on its thread: applies each block once it is durable, whole blocks, and lets their slots go to the stages behind.
/// </summary>
/// <remarks>Invariant: it ends between two blocks, unless it failed.</remarks>
internal sealed class SettleStage(
    RingBuffer ring, Outcome[] outcomes, Settler settler, LedgerState state, BatchTrees trees, JournalStage journal, SealedBlocks blocks,
    SequenceBarrier durable, Sequence settledBlocks, StateQueries queries, WaitStrategy strategy, StopSignal stop, IAppliedWatch? applied, long nextBlock)
{
    // Commands of a block that wraps in the ring: a continuation must not be parted. Used by: settle thread.
    private readonly Payment[] _wrappedSlots = new Payment[Limits.BlockSlotsMax];
    private readonly Outcome[] _wrappedOutcomes = new Outcome[Limits.BlockSlotsMax];

    /// <summary>Ring slots settled.</summary>
    public Sequence Settled { get; } = new(); // written by: settle thread

    /// <summary>Blocks settled, by number.</summary>
    public Sequence SettledBlocks => settledBlocks; // written by: settle thread

    public void Run()
    {
        bool isLast = true;
        try
        {
            queries.WakeBy(durable);
            bool moreAsked = queries.Answer(state);
            for (long next = nextBlock; ;)
            {
                // Interrupted, or with more questions than fit between two blocks, it comes back without a block.
                if (durable.TryWaitFor(next, moreAsked ? 0 : Timeout.Infinite, out long available))
                {
                    for (; next <= available; next++)
                    {
                        Settle(in blocks[next]);
                        moreAsked = queries.Answer(state);
                    }
                }

                moreAsked = queries.Answer(state);
            }
        }
        catch (AlertException)
        {
            isLast = stop.IsEngineEnding; // else another thread answers from here on
            throw;
        }
        finally
        {
            if (isLast)
                queries.Close();
        }
    }

    private void Settle(in SealedBlock block)
    {
        if (block.Attachment.IsEmpty)
            settler.Begin(in block.Header);
        else
            BeginWithEvidence(in block);
        if (block.Header.Kind == BlockKind.Control)
            ApplyCommands(in block);
        else
            ApplyPayments(in block);
        settler.End(in block.Header);
        if (block.Header.Kind == BlockKind.Seal)
            trees.TakeSealed(block.Header.Number);
        journal.AgeDueNs = state.Batch.DueNs ?? 0;
        Settled.Set(block.RingLast);
        settledBlocks.Set((long)block.Header.Number);
        strategy.SignalAllWhenBlocking();
        applied?.OnApplied(block.Header.Number, state.Sequence);
    }

    private void BeginWithEvidence(in SealedBlock block)
    {
        ReadOnlySpan<Payment> slots = ring.Slots(block.RingFirst, block.Header.Count);
        ReadOnlySpan<Payment> wrapped = slots.Length < block.Header.Count ? ring.Slots(block.RingFirst + slots.Length, block.Header.Count - slots.Length) : default;
        settler.Begin(in block.Header, block.Attachment, slots, wrapped);
    }

    private void ApplyPayments(in SealedBlock block)
    {
        for (long from = block.RingFirst; from <= block.RingLast;)
        {
            ReadOnlySpan<Payment> slots = ring.Slots(from, block.RingLast - from + 1);
            settler.ApplyPart(slots, outcomes.AsSpan(ring.IndexOf(from), slots.Length));
            from += slots.Length;
        }
    }

    /// <summary>In one piece, as a replay of the journal sees them.</summary>
    private void ApplyCommands(in SealedBlock block)
    {
        int count = (int)block.Header.Count;
        ReadOnlySpan<Payment> first = ring.Slots(block.RingFirst, count);
        if (first.Length == count)
        {
            settler.ApplyPart(first, outcomes.AsSpan(ring.IndexOf(block.RingFirst), count));
            return;
        }

        first.CopyTo(_wrappedSlots);
        ring.Slots(block.RingFirst + first.Length, count - first.Length).CopyTo(_wrappedSlots.AsSpan(first.Length));
        settler.ApplyPart(_wrappedSlots.AsSpan(0, count), _wrappedOutcomes.AsSpan(0, count));
        _wrappedOutcomes.AsSpan(0, first.Length).CopyTo(outcomes.AsSpan(ring.IndexOf(block.RingFirst)));
        _wrappedOutcomes.AsSpan(first.Length, count - first.Length).CopyTo(outcomes);
    }
}
