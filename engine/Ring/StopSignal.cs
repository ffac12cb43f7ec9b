namespace Settlement.Engine.Ring;

/// <summary>
/// The one way in which the engine ends, in order or by an exception: it alerts every barrier made with it, so that no
/// stage and no producer waits for somebody who is gone.
/// </summary>
/// <remarks>
/// Invariant: once raised it stays raised, and the first failure is the one that is told. Failure assumed: any stage may
/// throw anything at any time, several at once.
/// </remarks>
public sealed class StopSignal
{
    private readonly Lock _lock = new();

    // written by: the constructors of barriers, under the lock
    private readonly List<SequenceBarrier> _barriers = [];

    // written by: the first stage that fails, under the lock
    private volatile EngineStoppedException? _failure;

    // written by: the first stage that fails, or who stops the engine, under the lock
    private volatile bool _raised;

    public bool IsRaised => _raised;

    /// <summary>What stopped the engine; null while it runs and after a stop in order.</summary>
    public EngineStoppedException? Failure => _failure;

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
        lock (_lock)
        {
            _failure ??= new EngineStoppedException(stage, cause);
            Raise();
        }
    }

    /// <exception cref="EngineStoppedException">A stage failed.</exception>
    public void ThrowIfFailed()
    {
        if (_failure is { } failure)
            throw new EngineStoppedException(failure.Stage!, failure.InnerException!);
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
        _failure is { } failure
            ? new EngineStoppedException(failure.Stage!, failure.InnerException!)
            : new EngineStoppedException();

    private void Raise()
    {
        _raised = true;
        foreach (SequenceBarrier barrier in _barriers)
            barrier.Alert();
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

    internal EngineStoppedException(string stage, Exception cause)
        : base($"the engine stopped because its stage '{stage}' failed: {cause.Message}", cause) => Stage = stage;

    /// <summary>The stage that failed first; null: the engine was stopped in order.</summary>
    public string? Stage { get; }
}
