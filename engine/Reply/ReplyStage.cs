using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Reply;

/// <summary>Where outcomes go: each slot's, once, in ring order, only after its block is durable.</summary>
public interface IReplyPublisher
{
    /// <summary>
    /// Called on the reply thread with parallel spans; must not keep them. A session that is slow to take its answers is the
    /// publisher's matter: while it waits, the ring fills.
    /// </summary>
    /// <param name="slots">Payments and control slots.</param>
    /// <param name="outcomes">One a slot.</param>
    /// <param name="tags">What the producer wrote beside each slot.</param>
    /// <param name="firstSequence">Ledger sequence of the first.</param>
    void OnSettled(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ulong> tags, ulong firstSequence);
}

/// <summary>Stage 4: hands outcomes out.</summary>
internal sealed class ReplyStage(
    RingBuffer ring, Outcome[] outcomes, ulong[] tags, IReplyPublisher publisher, SequenceBarrier settled, WaitStrategy strategy,
    ulong firstSequence)
{
    public Sequence Replied { get; } = new(); // written by: reply thread

    public void Run()
    {
        for (long next = 0; ;)
        {
            long available = settled.WaitFor(next);
            while (next <= available)
            {
                ReadOnlySpan<Payment> slots = ring.Slots(next, available - next + 1);
                int index = ring.IndexOf(next);
                publisher.OnSettled(slots, outcomes.AsSpan(index, slots.Length), tags.AsSpan(index, slots.Length), firstSequence + (ulong)next);
                next += slots.Length;
            }

            Replied.Set(available);
            strategy.SignalAllWhenBlocking();
        }
    }
}
