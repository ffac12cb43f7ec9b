using System.Runtime.CompilerServices;

namespace Settlement.Engine.Ring;

/// <summary>
/// What a consumer may take: up to the lowest of what the ring has published and of what the named sequences have reached.
/// A sequence may belong to a stage of the ring or be advanced from outside, as by the disk's thread.
/// </summary>
/// <remarks>
/// Has no state but the alert, so several threads may wait at one barrier. An alerted barrier gives out nothing more, even
/// what is there: after a failure nobody must go on, and before a stop in order the ring was drained.
/// </remarks>
public sealed class SequenceBarrier
{
    private readonly RingBuffer? _ring;
    private readonly Sequence[] _after;
    private readonly WaitStrategy _strategy;

    // written by: who stops the engine or this one consumer; 1 for ever afterwards
    private PaddedLong _alerted;

    // written by: who has other work for the waiter: 1; by the waiter, when it takes notice: 0
    private PaddedLong _interrupted;

    /// <summary>Over sequences alone; a ring makes those over its own.</summary>
    public SequenceBarrier(WaitStrategy strategy, StopSignal stop, params ReadOnlySpan<Sequence> after)
        : this(null, strategy, stop, after)
    {
        if (after.IsEmpty)
            throw new ArgumentException("a barrier without a ring needs a sequence to wait for", nameof(after));
    }

    internal SequenceBarrier(RingBuffer? ring, WaitStrategy strategy, StopSignal stop, ReadOnlySpan<Sequence> after)
    {
        _ring = ring;
        _after = after.ToArray();
        _strategy = strategy;
        stop.Attach(this);
    }

    public bool IsAlerted
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _alerted.Value) != 0;
    }

    /// <summary>
    /// Waits until a sequence may be taken; returns the highest that may, at least the one asked for. Over a ring the one asked
    /// for is the consumer's next: what lies before it is not looked at again. What the ring gives never ends inside a claim.
    /// </summary>
    /// <exception cref="AlertException">The stage is to end.</exception>
    public long WaitFor(long sequence)
    {
        long available;
        while (!TryGet(sequence, out available) && !_strategy.Wait(this, sequence, Timeout.Infinite, out available))
        {
            // interrupted: this wait goes on
        }

        return available;
    }

    /// <summary>As <see cref="WaitFor"/>, for at most so many milliseconds.</summary>
    /// <returns>False: nothing came, or the wait was interrupted; <paramref name="available"/> is then below <paramref name="sequence"/>.</returns>
    /// <exception cref="AlertException">The stage is to end.</exception>
    public bool TryWaitFor(long sequence, int timeoutMs, out long available)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeoutMs, Timeout.Infinite);
        return TryGet(sequence, out available)
            || (timeoutMs != 0 && _strategy.Wait(this, sequence, timeoutMs, out available));
    }

    /// <summary>What is there now, without waiting.</summary>
    /// <returns>False: not yet; <paramref name="available"/> is then below <paramref name="sequence"/>.</returns>
    /// <exception cref="AlertException">The stage is to end.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(long sequence, out long available)
    {
        if (IsAlerted)
            ThrowAlerted();
        available = Available(sequence);
        return available >= sequence;
    }

    /// <summary>Ends whoever waits here, now and later.</summary>
    public void Alert()
    {
        Volatile.Write(ref _alerted.Value, 1);
        _strategy.SignalAllWhenBlocking();
    }

    /// <summary>Ends one <see cref="TryWaitFor"/> of the one thread that waits here, now or its next: there is other work for it.</summary>
    public void Interrupt()
    {
        Volatile.Write(ref _interrupted.Value, 1);
        _strategy.SignalAllWhenBlocking();
    }

    internal bool TakeInterrupt() => Volatile.Read(ref _interrupted.Value) != 0 && Interlocked.Exchange(ref _interrupted.Value, 0) != 0;

    internal bool IsReady(long sequence) => IsAlerted || Volatile.Read(ref _interrupted.Value) != 0 || Available(sequence) >= sequence;

    private long Available(long sequence)
    {
        long available = Sequence.Minimum(_after);

        // The ring comes last: with many producers it looks at slots, and only as far as the others have come.
        return _ring is null ? available : _ring.HighestPublished(sequence, available);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowAlerted() => throw new AlertException();
}
