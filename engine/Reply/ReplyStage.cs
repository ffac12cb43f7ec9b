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

    /// <summary>
    /// The node has stepped down: nothing more is told of what was published. Slots without an outcome have a fate that nobody knows yet: they are settled by another
    /// leader, or never were. Called once, behind the last <see cref="OnSettled"/>, by whoever makes the node step down; must not wait for clients.
    /// </summary>
    void OnSteppedDown()
    {
    }
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
            Tell(next, available);
            next = available + 1;
        }
    }

    /// <summary>When all stages have ended in order: what is settled is told, and nothing else ever will be.</summary>
    public void Finish(long lastSettled)
    {
        Tell(Replied.Value + 1, lastSettled);
        publisher.OnSteppedDown();
    }

    private void Tell(long next, long last)
    {
        while (next <= last)
        {
            ReadOnlySpan<Payment> slots = ring.Slots(next, last - next + 1);
            int index = ring.IndexOf(next);
            publisher.OnSettled(slots, outcomes.AsSpan(index, slots.Length), tags.AsSpan(index, slots.Length), firstSequence + (ulong)next);
            next += slots.Length;
        }

        Replied.Set(last);
        strategy.SignalAllWhenBlocking();
    }
}
