namespace Settlement.Engine.Ring;

/// <summary>
/// The one way in which the engine ends, in order or by an exception: it alerts every barrier made with it, so that no
/// stage and no producer waits for somebody who is gone.
/// </summary>
/// <remarks>
/// Invariant: once raised it stays raised, and the first failure is the one that is told. Failure assumed: any stage may
/// throw anything at any time, several at once.
/// <para>Stages that end before the engine does, those of one leadership, have a signal of their own that is part of the engine's: what
/// stops the whole stops the part, a failure in the part stops the whole, and a stop in order of the part stops it alone. Locks are taken
/// from the whole to the part.</para>
/// </remarks>
public sealed class StopSignal
{
    private readonly Lock _lock = new();
    private readonly StopSignal? _whole;

    // written by: the constructors of parts, and parts that are over, under the lock
    private readonly List<StopSignal> _parts = [];

    // written by: the constructors of barriers, under the lock
    private readonly List<SequenceBarrier> _barriers = [];

    // written by: the first stage that fails, under the lock
    private volatile EngineStoppedException? _failure;

    // written by: the first stage that fails, or who stops the engine, under the lock
    private volatile bool _raised;

    public StopSignal()
    {
    }

    /// <summary>Of stages that may end before the engine does.</summary>
    /// <param name="whole">The engine's.</param>
    public StopSignal(StopSignal whole)
    {
        ArgumentNullException.ThrowIfNull(whole);
        _whole = whole;
        lock (whole._lock)
        {
            whole._parts.Add(this);
            if (whole._raised)
                Stop();
        }
    }

    public bool IsRaised => _raised;

    /// <summary>Whether the whole engine ends: not only the part that this signal is of.</summary>
    public bool IsEngineEnding => (_whole ?? this)._raised;

    /// <summary>What stopped the engine; null while it runs and after a stop in order.</summary>
    public EngineStoppedException? Failure => (_whole ?? this)._failure;

    /// <summary>Ends every stage where it waits next. What was published and not taken stays undone: drain first.</summary>
    public void Stop()
    {
        lock (_lock)
            Raise();
    }

    /// <summary>Stops the engine because a stage cannot go on. Of several failures the first is kept.</summary>
    public void Fail(string stage, Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        if (_whole is not null)
        {
            _whole.Fail(stage, cause);
            return;
        }

        lock (_lock)
        {
            _failure ??= new EngineStoppedException(stage, cause);
            Raise();
        }
    }

    /// <exception cref="EngineStoppedException">A stage failed.</exception>
    public void ThrowIfFailed()
    {
        if (Failure is { } failure)
            throw new EngineStoppedException(failure.Stage!, failure.InnerException!);
    }

    /// <summary>The part's stages have ended: the whole knows it no longer.</summary>
    internal void Leave()
    {
        if (_whole is null)
            return;
        lock (_whole._lock)
            _whole._parts.Remove(this);
    }

    internal void Attach(SequenceBarrier barrier)
    {
        lock (_lock)
        {
            _barriers.Add(barrier);
            if (_raised)
                barrier.Alert();
        }
    }

    /// <summary>What a producer is told: a fresh exception for each, since a thrown one carries its thrower's stack.</summary>
    internal EngineStoppedException ToException() =>
        Failure is { } failure
            ? new EngineStoppedException(failure.Stage!, failure.InnerException!)
            : new EngineStoppedException(isSteppedDown: !IsEngineEnding);

    private void Raise()
    {
        _raised = true;
        foreach (SequenceBarrier barrier in _barriers)
            barrier.Alert();
        foreach (StopSignal part in _parts)
            part.Stop();
    }
}

/// <summary>Ends a stage's loop: the barrier it waited at was alerted. Nobody but the loop's thread need catch it.</summary>
public sealed class AlertException() : Exception("the barrier was alerted: the stage ends");

/// <summary>
/// The engine takes nothing any more. The inner exception is what the first failing stage threw; null: it was stopped in
/// order.
/// </summary>
public sealed class EngineStoppedException : Exception
{
    /// <summary>Stopped in order.</summary>
    public EngineStoppedException()
        : base("the engine was stopped")
    {
    }

    internal EngineStoppedException(bool isSteppedDown)
        : base(isSteppedDown ? "this node does not lead any more" : "the engine was stopped") => IsSteppedDown = isSteppedDown;

    internal EngineStoppedException(string stage, Exception cause)
        : base($"the engine stopped because its stage '{stage}' failed: {cause.Message}", cause) => Stage = stage;

    /// <summary>The stage that failed first; null: the engine was stopped in order.</summary>
    public string? Stage { get; }

    /// <summary>The node goes on, but takes nothing: another one leads, or will.</summary>
    public bool IsSteppedDown { get; }
}
