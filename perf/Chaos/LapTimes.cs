using System.Diagnostics;
using System.Globalization;

namespace Settlement.Perf.Chaos;

/// <summary>Where the time of a long run goes: "start 6.1 s, faults 31.0 s". For people; nothing is judged by it.</summary>
internal sealed class LapTimes
{
    private readonly List<string> _laps = [];
    private long _begun = Stopwatch.GetTimestamp();

    /// <summary>What began where the lap before it ended is over.</summary>
    public void End(string name)
    {
        _laps.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {Stopwatch.GetElapsedTime(_begun).TotalSeconds:0.0} s"));
        _begun = Stopwatch.GetTimestamp();
    }

    public override string ToString() => string.Join(", ", _laps);
}
