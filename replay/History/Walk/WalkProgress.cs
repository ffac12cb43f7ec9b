using System.Diagnostics;
using System.Globalization;

namespace Settlement.History;

/// <summary>How far a walk is, once a second on the terminal's error output: a bar over the journal's bytes. Silent where there is no terminal.</summary>
internal sealed class WalkProgress : IDisposable
{
    private const int BarWidth = 30;
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly TextWriter _error;
    private readonly long _bytes;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _shown;

    private WalkProgress(TextWriter error, long bytes) => (_error, _bytes) = (error, bytes);

    /// <returns>Null where nobody looks: error output that is no terminal, or JSON asked for.</returns>
    public static WalkProgress? Over(string directory, TextWriter error, bool json)
    {
        if (json || Console.IsErrorRedirected || !ReferenceEquals(error, Console.Error) || !Directory.Exists(directory))
            return null;
        return new WalkProgress(error, Directory.EnumerateFiles(directory, "journal.log.*").Sum(file => new FileInfo(file).Length));
    }

    /// <summary>At a log address; called for every block.</summary>
    public void At(long address, ulong sequence)
    {
        if (_watch.Elapsed - _shown < s_period)
            return;
        _shown = _watch.Elapsed;
        int done = _bytes == 0 ? 0 : (int)Math.Min(BarWidth, BarWidth * address / _bytes);
        _error.Write(string.Create(CultureInfo.InvariantCulture,
            $"\r[{new string('#', done)}{new string('.', BarWidth - done)}] {_shown.TotalSeconds,6:F0} s  sequence {sequence:N0}"));
    }

    public void Dispose()
    {
        if (_shown > TimeSpan.Zero)
            _error.Write("\r" + new string(' ', BarWidth + 40) + "\r");
        _shown = TimeSpan.Zero;
    }
}
