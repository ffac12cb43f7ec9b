using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Ledger;

/// <summary>
/// Stage 3 on its thread: applies each block once it is durable, whole blocks, and lets their slots go to the stages behind.
/// </summary>
internal sealed class SettleStage(
    RingBuffer ring, Outcome[] outcomes, Settler settler, LedgerState state, JournalStage journal, SealedBlocks blocks,
    SequenceBarrier durable, Sequence settledBlocks, WaitStrategy strategy, long nextBlock)
{
    /// <summary>Accounts whose hashes are taken at a time while there is no payment: well under a millisecond.</summary>
    private const int SweepIdle = 4_096;

    /// <summary>Ring slots settled.</summary>
    public Sequence Settled { get; } = new(); // written by: settle thread

    /// <summary>Blocks settled, by number.</summary>
    public Sequence SettledBlocks => settledBlocks; // written by: settle thread

    public void Run()
    {
        for (long next = nextBlock; ;)
        {
            if (!durable.TryGet(next, out long available))
            {
                if (!state.Batch.Sweep(SweepIdle))
                    continue;
                available = durable.WaitFor(next);
            }

            for (; next <= available; next++)
                Settle(in blocks[next]);
        }
    }

    private void Settle(in SealedBlock block)
    {
        settler.Begin(in block.Header);
        for (long from = block.RingFirst; from <= block.RingLast;)
        {
            ReadOnlySpan<Payment> slots = ring.Slots(from, block.RingLast - from + 1);
            settler.ApplyPart(slots, outcomes.AsSpan(ring.IndexOf(from), slots.Length));
            from += slots.Length;
        }

        settler.End(in block.Header);
        journal.AgeDueNs = state.Batch.DueNs ?? 0;
        Settled.Set(block.RingLast);
        settledBlocks.Set((long)block.Header.Number);
        strategy.SignalAllWhenBlocking();
    }
}
