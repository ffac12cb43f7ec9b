using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Gateway.Settle;

/// <summary>How far a run is: on a terminal a bar that is drawn anew, else a line a second.</summary>
internal sealed class SettleProgress : IDisposable
{
    private const int PeriodMs = 1_000;
    private const int BarWidth = 30;

    private readonly ReplyCollector _replies;
    private readonly TextWriter _error;
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Timer _timer;
    private readonly Lock _lock = new();
    private long _before; // written by: the timer, under the lock
    private long _expected; // written by: the submitter

    /// <summary>Payments that the files checked so far hold; those of pipes are not known.</summary>
    public void Expect(long payments) => Interlocked.Add(ref _expected, payments);

    public SettleProgress(ReplyCollector replies, TextWriter error)
    {
        _replies = replies;
        _error = error;
        _timer = new Timer(_ => Show(), null, PeriodMs, PeriodMs);
    }

    public void Dispose()
    {
        using var ended = new ManualResetEvent(false);
        if (_timer.Dispose(ended))
            ended.WaitOne();
        if (_isTerminal && _before > 0)
            _error.WriteLine();
    }

    private static string Bar(long decided, long expected)
    {
        if (expected == 0)
            return "";
        int done = (int)(BarWidth * Math.Min(decided, expected) / expected);
        return $"[{new string('#', done)}{new string('.', BarWidth - done)}] ";
    }

    private void Show()
    {
        lock (_lock)
        {
            long decided = _replies.Decided;
            long accepted = _replies.Counts[(byte)Verdict.Accepted] + _replies.Counts[(byte)Verdict.UnderReview];
            string line = string.Create(CultureInfo.InvariantCulture,
                $"{_watch.Elapsed.TotalSeconds,6:F0} s  {decided,14:N0} decided  {decided - _before,12:N0} /s  {accepted,14:N0} accepted  {decided - accepted,12:N0} refused or repeated");
            _before = decided;
            _error.Write(_isTerminal ? $"\r{Bar(decided, Volatile.Read(ref _expected))}{line}" : line + Environment.NewLine);
        }
    }
}
