using Settlement.Engine.Domain;

namespace Settlement.Engine.Ring;

/// <summary>What a stage does with slots. Whatever it throws stops the engine; the slots of that call are not passed.</summary>
public interface IBatchEventHandler
{
    /// <param name="slots">At least one, contiguous in memory; valid until this returns.</param>
    /// <param name="firstSequence">The ring sequence of the first.</param>
    /// <param name="endOfBatch">The last call for what was there when the stage last looked: a good time to flush.</param>
    void OnBatch(ReadOnlySpan<Payment> slots, long firstSequence, bool endOfBatch);
}

/// <summary>
/// The loop of a stage that needs no more than its slots: all that is there, cut at the wrap and at a maximum. Its sequence
/// moves after each call, so that a long batch frees slots and feeds the next stage while it is worked on.
/// </summary>
/// <typeparam name="THandler">A struct is compiled in; a class is called.</typeparam>
public sealed class BatchEventProcessor<THandler>
    where THandler : IBatchEventHandler
{
    private readonly RingBuffer _ring;
    private readonly SequenceBarrier _barrier;
    private readonly int _slotCountMax;

    // written by: the stage's thread
    private THandler _handler;

    /// <param name="ring">Where the slots are.</param>
    /// <param name="barrier">What may be taken.</param>
    /// <param name="handler">What is done.</param>
    /// <param name="slotCountMax">Slots in one call at most.</param>
    public BatchEventProcessor(RingBuffer ring, SequenceBarrier barrier, THandler handler, int slotCountMax = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(barrier);
        ArgumentOutOfRangeException.ThrowIfLessThan(slotCountMax, 1);
        _ring = ring;
        _barrier = barrier;
        _handler = handler;
        _slotCountMax = slotCountMax;
    }

    /// <summary>The last slot that the handler has returned from.</summary>
    public Sequence Sequence { get; } = new();

    /// <summary>The handler as it is now, with what it has gathered; to be read when the loop has ended.</summary>
    public ref readonly THandler Handler => ref _handler;

    /// <summary>Runs until the barrier is alerted; for a <see cref="StageThread"/>.</summary>
    /// <exception cref="AlertException">The stage is to end.</exception>
    public void Run()
    {
        long next = Sequence.Value + 1;
        while (true)
            next = Process(next, _barrier.WaitFor(next));
    }

    private long Process(long next, long available)
    {
        while (next <= available)
        {
            ReadOnlySpan<Payment> slots = _ring.Slots(next, Math.Min(available - next + 1, _slotCountMax));
            long last = next + slots.Length - 1;
            _handler.OnBatch(slots, next, endOfBatch: last == available);
            Sequence.Set(last);
            _ring.WaitStrategy.SignalAllWhenBlocking();
            next = last + 1;
        }
        return next;
    }
}
