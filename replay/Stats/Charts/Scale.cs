using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Stats.Charts;

/// <summary>Round places on axes.</summary>
internal static class Scale
{
    private const int TimeTicksMax = 9;

    private const ulong NsPerMs = 1_000_000;
    private const ulong NsPerMinute = 60 * Limits.NsPerSecond;

    private static readonly ulong[] s_timeSteps =
    [
        NsPerMs, 2 * NsPerMs, 5 * NsPerMs, 10 * NsPerMs, 20 * NsPerMs, 50 * NsPerMs, 100 * NsPerMs, 200 * NsPerMs, 500 * NsPerMs,
        Limits.NsPerSecond, 2 * Limits.NsPerSecond, 5 * Limits.NsPerSecond, 10 * Limits.NsPerSecond, 15 * Limits.NsPerSecond, 30 * Limits.NsPerSecond,
        NsPerMinute, 2 * NsPerMinute, 5 * NsPerMinute, 10 * NsPerMinute, 15 * NsPerMinute, 30 * NsPerMinute,
        Limits.NsPerHour, 2 * Limits.NsPerHour, 3 * Limits.NsPerHour, 6 * Limits.NsPerHour, 12 * Limits.NsPerHour,
        Limits.NsPerDay, 2 * Limits.NsPerDay, 5 * Limits.NsPerDay, 10 * Limits.NsPerDay, 20 * Limits.NsPerDay, 50 * Limits.NsPerDay, 100 * Limits.NsPerDay,
        200 * Limits.NsPerDay, 500 * Limits.NsPerDay, 1_000 * Limits.NsPerDay, 5_000 * Limits.NsPerDay,
    ];

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, from 0 to the first at or above the greatest value.</summary>
    public static double[] Ticks(double max, int most = 6)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(max, 1e-9) / most)));
        foreach (double step in (ReadOnlySpan<double>)[power, 2 * power, 5 * power, 10 * power, 20 * power])
        {
            int count = (int)Math.Ceiling((max / step) - 1e-9);
            if (count <= most)
                return [.. Enumerable.Range(0, Math.Max(1, count) + 1).Select(i => i * step)];
        }

        return [0, max];
    }

    /// <summary>As <see cref="Ticks"/>, for what comes in whole pieces.</summary>
    public static double[] WholeTicks(double max, int most = 6) => max <= most ? [.. Enumerable.Range(0, (int)Math.Max(1, Math.Ceiling(max)) + 1).Select(i => (double)i)] : Ticks(max, most);

    /// <summary>Instants of a span with their labels; the span's day, where the labels do not say it, belongs into the axis' title.</summary>
    public static IEnumerable<(ulong TimeNs, string Label)> TimeTicks(ulong fromNs, ulong toNs)
    {
        ulong step = s_timeSteps.FirstOrDefault(step => (toNs - fromNs) / step < TimeTicksMax, s_timeSteps[^1]);
        string form = step < Limits.NsPerSecond ? "HH:mm:ss.fff" : step < NsPerMinute ? "HH:mm:ss" : step < Limits.NsPerDay ? "HH:mm" : "yyyy-MM-dd";
        bool crossesDays = step < Limits.NsPerDay && fromNs / Limits.NsPerDay != toNs / Limits.NsPerDay;
        ulong lastDay = ulong.MaxValue;
        for (ulong time = (fromNs + step - 1) / step * step; time <= toNs; time += step)
        {
            string label = Utc(time).ToString(form, CultureInfo.InvariantCulture);
            if (crossesDays && time / Limits.NsPerDay != lastDay)
                label = Utc(time).ToString("MM-dd ", CultureInfo.InvariantCulture) + label;
            lastDay = time / Limits.NsPerDay;
            yield return (time, label);
        }
    }

    /// <summary>The days of a span, for an axis' title.</summary>
    public static string Days(ulong fromNs, ulong toNs)
    {
        string first = Utc(fromNs).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), last = Utc(toNs).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return first == last ? first : $"{first} to {last}";
    }

    private static DateTime Utc(ulong timeNs) => DateTime.UnixEpoch.AddTicks((long)(timeNs / 100));
}
