using System.Diagnostics;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>
/// One context of the solver on a thread of its own, so that the one who asks can go on without an answer.
/// Failure assumed: the solver does not come back. It is told its limit with the question, interrupted a little later, and a little later still left alone for ever:
/// then <see cref="IsLost"/>, and there are no answers any more.
/// </summary>
internal sealed class SolverThread : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly Z3Library _library;
    private readonly nint _context;
    private readonly SemaphoreSlim _asked = new(0), _answered = new(0);
    private readonly Func<Z3Library, nint, string, string> _run;
    private readonly Thread _thread;
    private string? _commands; // written by: who asks; null: the thread ends
    private volatile string _answer = ""; // written by: the solver's thread

    /// <param name="library">The solver.</param>
    /// <param name="run">How commands are carried out; tests put something slow in its place.</param>
    public SolverThread(Z3Library library, Func<Z3Library, nint, string, string>? run = null)
    {
        _library = library;
        _run = run ?? ((z3, context, commands) => z3.Run(context, commands));
        _context = library.CreateContext();
        // The parser and the search recurse over terms; the default of a second thread may be less than that of the first.
        _thread = new Thread(Serve, 64 << 20) { IsBackground = true, Name = "solver" };
        _thread.Start();
    }

    /// <summary>It did not come back from a question, and is not asked again.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Carries out SMT-LIB commands.</summary>
    /// <returns>What they print; null: it did not come back in time.</returns>
    public string? Run(string commands, TimeSpan limit)
    {
        if (IsLost)
            return null;
        _commands = commands;
        _asked.Release();
        if (_answered.Wait(limit + s_grace))
            return _answer;
        _library.Interrupt(_context);
        if (_answered.Wait(s_grace))
            return _answer;
        IsLost = true;
        return null;
    }

    public void Dispose()
    {
        // A lost context is in use by its thread: it is left to the end of the process.
        if (IsLost)
            return;
        IsLost = true;
        _commands = null;
        _asked.Release();
        _thread.Join(s_grace);
        _asked.Dispose();
        _answered.Dispose();
    }

    private void Serve()
    {
        while (true)
        {
            _asked.Wait();
            if (_commands is not { } commands)
                break;
            _answer = _run(_library, _context, commands);
            _answered.Release();
        }
        _library.Delete(_context);
    }
}

/// <summary>How long the solver may take: for one question, and in all.</summary>
internal sealed class SolverBudget(TimeSpan total, TimeSpan question)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    public TimeSpan Total => total;

    public TimeSpan Spent => Stopwatch.GetElapsedTime(_started);

    /// <summary>For the next question; zero: none is left.</summary>
    public TimeSpan Next => TimeSpan.FromTicks(Math.Clamp((total - Spent).Ticks, 0, question.Ticks));
}
