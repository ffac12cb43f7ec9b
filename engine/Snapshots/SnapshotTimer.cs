using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Snapshots;

/// <summary>
/// Takes a snapshot whenever the journal has grown by so many bytes, on a thread of its own, of the lowest priority that the system has: payments come first.
/// </summary>
/// <remarks>
/// Failure assumed: a snapshot that cannot be taken. It is told, the node goes on, and the next is tried when the journal has grown again. Only where the
/// second engine comes to another state than the node sealed is one of the two wrong, and nobody can say which: then the node stops.
/// </remarks>
internal sealed class SnapshotTimer : IDisposable
{
    /// <summary>The journal grows by some ten megabytes in this time at most; an idle node does little else than look.</summary>
    private const int LookMs = 250;

    private readonly string _directory;
    private readonly SnapshotOptions _options;
    private readonly Func<long> _endAddress;
    private readonly Action<string> _warn;
    private readonly Action<LedgerBrokenException> _broken;
    private readonly ManualResetEventSlim _stopping = new();
    private readonly Thread _thread;
    private long _taken; // written by: the timer's thread

    /// <param name="directory">Of the journal.</param>
    /// <param name="options">When and how.</param>
    /// <param name="endAddress">Where the journal ends now; any thread.</param>
    /// <param name="snapshotEndAddress">Where it ended when the newest snapshot was taken.</param>
    /// <param name="warn">Told what went wrong.</param>
    /// <param name="broken">Stops the node.</param>
    public SnapshotTimer(string directory, SnapshotOptions options, Func<long> endAddress, long snapshotEndAddress, Action<string> warn,
        Action<LedgerBrokenException> broken)
    {
        (_directory, _options, _endAddress, _warn, _broken, _taken) = (directory, options, endAddress, warn, broken, snapshotEndAddress);
        _thread = new Thread(Run) { Name = "snapshots", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _stopping.Set();
        _thread.Join();
        _stopping.Dispose();
    }

    private void Run()
    {
        ThreadPriorities.YieldToAll();
        while (!_stopping.Wait(LookMs))
        {
            long end = _endAddress();
            if (end - _taken < _options.EveryJournalBytes)
                continue;
            _taken = end;
            try
            {
                SnapshotTaking.Take(_directory, _options, _warn, () => _stopping.IsSet);
            }
            catch (LedgerBrokenException broken)
            {
                _broken(broken);
            }
            catch (Exception fault) when (fault is SnapshotException or JournalException or IOException or UnauthorizedAccessException)
            {
                _warn($"No snapshot was taken: {fault.Message} Payments go on; the next is tried when the journal has grown by {_options.EveryJournalBytes} bytes.");
            }
        }
    }
}
