namespace Settlement.Engine.Ring;

/// <summary>
/// A stage and its thread. Whatever ends the loop other than the stop signal stops the whole engine: an exception, and also
/// a loop that returns by itself, since a stage that is gone would leave all others waiting for it for ever.
/// </summary>
public sealed class StageThread
{
    private readonly StopSignal _stop;
    private readonly Action _loop;
    private readonly Thread _thread;

    /// <param name="name">As told in messages, and the name of the thread.</param>
    /// <param name="stop">Raised when the loop fails; the loop waits only at barriers made with it.</param>
    /// <param name="loop">Runs until a barrier throws <see cref="AlertException"/>.</param>
    public StageThread(string name, StopSignal stop, Action loop)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(stop);
        ArgumentNullException.ThrowIfNull(loop);
        Name = name;
        _stop = stop;
        _loop = loop;

        // Background: when the main thread dies of something unforeseen, the process ends instead of hanging.
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    public string Name { get; }

    public void Start() => _thread.Start();

    /// <summary>Waits until the loop has ended.</summary>
    public void Join() => _thread.Join();

    /// <returns>False: it still runs after so many milliseconds.</returns>
    public bool Join(int timeoutMs) => _thread.Join(timeoutMs);

    private void Run()
    {
        try
        {
            _loop();
            if (!_stop.IsRaised)
                throw new InvalidOperationException($"the stage '{Name}' returned while the engine was running");
        }
        catch (AlertException)
        {
            // The signal, or the barrier of this one stage, says that it is over.
        }
        catch (EngineStoppedException) when (_stop.IsRaised)
        {
            // The stage was itself a producer, of a ring that has stopped; the cause is with the signal.
        }
        catch (Exception cause)
        {
            _stop.Fail(Name, cause);
        }
    }
}
