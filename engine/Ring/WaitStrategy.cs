using System.Runtime.CompilerServices;

namespace Settlement.Engine.Ring;

/// <summary>How a thread waits for a sequence; a matter of speed, never of verdicts.</summary>
public enum WaitStrategyKind
{
    /// <summary>
    /// Spins for about a microsecond, yields a few times, then parks: quick under load, free when idle. The default.
    /// </summary>
    Phased = 0,

    /// <summary>Spins for ever: a core for each waiting thread.</summary>
    BusySpin = 1,

    /// <summary>
    /// Spins, then gives its core to whoever is ready, for ever: quick with more threads than cores, never idle.
    /// </summary>
    Yielding = 2,

    /// <summary>Parks at once: slow hand-over, least work.</summary>
    Blocking = 3,
}

/// <summary>
/// Where threads wait for sequences of one ring and are woken. Waiting has up to three phases (spin, yield, park), and the
/// kinds differ only in how long each is, so there is one class and nothing virtual on the way of a publisher.
/// </summary>
/// <remarks>
/// <para>Invariant: whoever advances a sequence calls <see cref="SignalAllWhenBlocking"/> afterwards; then no waiter that
/// has what it waits for stays parked. A signal wakes only those: with five stages on two cores, waking all of them for
/// every batch would cost more than the batch.</para>
/// <para>No lost wake-up, and yet no fence for who publishes. A waiter (1) raises the flag, (2) makes every core of the
/// process pass a full fence, (3) looks at the sequence again, (4) sleeps. A publisher (a) sets the sequence, (b) reads the
/// flag; both are volatile, so the compiler keeps their order, and only the core could delay the store behind the load. If
/// (a) was executed before that core's fence of (2), the fence made it visible and (3) sees it. If after, then (b) comes
/// after the fence too and sees (1). In both cases nobody sleeps over it. The price stands where it hurts nobody: a few
/// microseconds for a thread that is about to sleep, a load from the cache for one that publishes.</para>
/// </remarks>
public sealed class WaitStrategy
{
    // One SpinWait(1) is some tens of nanoseconds, whatever the processor: the runtime calibrates it. Measured with two cores:
    // without yields a chain of four stages moves half as much in claims of 64, and a lone payment takes 90 us through it
    // instead of 12; with 1,000 spins 130 us, as spinning keeps the core from the stage that is waited for.
    private const long SpinsBeforeYield = 30;
    private const long YieldsBeforePark = 10;
    private const long Endless = long.MaxValue;

    private readonly long _spinCount;
    private readonly long _yieldCount;
    private readonly Lock _gate = new();

    // written by: waiters and publishers, under the gate
    private readonly List<Waiter> _parked = new(capacity: 16);

    // written by: waiters and publishers, under the gate; read by publishers without it, hence alone on its lines
    private PaddedLong _parkedCount;

    public WaitStrategy(WaitStrategyKind kind = WaitStrategyKind.Phased)
    {
        Kind = kind;
        (_spinCount, _yieldCount) = kind switch
        {
            WaitStrategyKind.Phased => (SpinsBeforeYield, YieldsBeforePark),
            WaitStrategyKind.BusySpin => (Endless, 0),
            WaitStrategyKind.Yielding => (SpinsBeforeYield, Endless),
            WaitStrategyKind.Blocking => (0, 0),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such wait strategy"),
        };
    }

    public WaitStrategyKind Kind { get; }

    /// <summary>How many threads are parked at this moment.</summary>
    internal int ParkedCount => (int)Volatile.Read(ref _parkedCount.Value);

    /// <summary>To be called by whoever advanced a sequence, after it. A load when nobody is parked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SignalAllWhenBlocking()
    {
        if (Volatile.Read(ref _parkedCount.Value) != 0)
            WakeWhoIsReady();
    }

    /// <summary>Waits until the barrier has the sequence, or for so many milliseconds; false: the time is over, or the barrier was interrupted.</summary>
    /// <exception cref="AlertException">The barrier is alerted.</exception>
    internal bool Wait(SequenceBarrier barrier, long sequence, int timeoutMs, out long available)
    {
        // There is no clock in the engine: sleeping is what measures the time, so a wait with a limit parks under every kind.
        bool isTimed = timeoutMs != Timeout.Infinite;
        long spinsLeft = isTimed ? Math.Min(_spinCount, SpinsBeforeYield) : _spinCount;
        long yieldsLeft = isTimed ? Math.Min(_yieldCount, YieldsBeforePark) : _yieldCount;
        while (!barrier.TryGet(sequence, out available))
        {
            if (barrier.TakeInterrupt())
                return false;
            if (spinsLeft-- > 0)
                Thread.SpinWait(1);
            else if (yieldsLeft-- > 0)
                Thread.Yield();
            else
                return Park(barrier, sequence, timeoutMs, out available);
        }
        return true;
    }

    private bool Park(SequenceBarrier barrier, long sequence, int timeoutMs, out long available)
    {
        Waiter waiter = Waiter.OfThisThread;
        bool woken;
        do
        {
            Enter(waiter, barrier, sequence);
            try
            {
                // Steps 2 to 4 of the argument above; Enter was step 1.
                Interlocked.MemoryBarrierProcessWide();
                if (barrier.TryGet(sequence, out available))
                    return true;
                if (barrier.TakeInterrupt())
                    return false;
                woken = waiter.Sleep(timeoutMs);
            }
            finally
            {
                Leave(waiter);
            }
            if (barrier.TryGet(sequence, out available))
                return true;
            if (barrier.TakeInterrupt())
                return false;
        }
        while (woken);
        return false;
    }

    private void Enter(Waiter waiter, SequenceBarrier barrier, long sequence)
    {
        lock (_gate)
        {
            waiter.Prepare(barrier, sequence);
            _parked.Add(waiter);
            Volatile.Write(ref _parkedCount.Value, _parked.Count);
        }
    }

    private void Leave(Waiter waiter)
    {
        // Who woke it has taken it from the list already.
        if (waiter.IsWoken)
            return;
        lock (_gate)
        {
            _parked.Remove(waiter);
            Volatile.Write(ref _parkedCount.Value, _parked.Count);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WakeWhoIsReady()
    {
        lock (_gate)
        {
            for (int index = _parked.Count - 1; index >= 0; index--)
            {
                Waiter waiter = _parked[index];
                if (!waiter.IsReady)
                    continue;
                _parked.RemoveAt(index);
                waiter.Wake();
            }
            Volatile.Write(ref _parkedCount.Value, _parked.Count);
        }
    }

    /// <summary>A parked thread: one object for each thread, since a thread sleeps in one place at a time.</summary>
    private sealed class Waiter
    {
        [ThreadStatic]
        private static Waiter? _ofThisThread;

        private readonly object _monitor = new();

        // written by: the waiting thread, before it is in the list; read under the gate
        private SequenceBarrier? _barrier;
        private long _sequence;

        // written by: the waiting thread before it is in the list, then by who wakes it, under the monitor
        private volatile bool _woken;

        public static Waiter OfThisThread => _ofThisThread ??= new Waiter();

        public bool IsWoken => _woken;

        public bool IsReady => _barrier!.IsReady(_sequence);

        public void Prepare(SequenceBarrier barrier, long sequence)
        {
            _barrier = barrier;
            _sequence = sequence;
            _woken = false;
        }

        /// <returns>False: nobody woke it in time.</returns>
        public bool Sleep(int timeoutMs)
        {
            lock (_monitor)
            {
                // Nobody but Wake pulses, so one Wait is enough: it returns woken or late.
                if (!_woken)
                    Monitor.Wait(_monitor, timeoutMs);
                return _woken;
            }
        }

        public void Wake()
        {
            lock (_monitor)
            {
                _woken = true;
                Monitor.Pulse(_monitor);
            }
        }
    }
}
