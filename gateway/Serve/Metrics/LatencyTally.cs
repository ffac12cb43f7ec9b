namespace Settlement.Gateway.Serve.Metrics;

/// <summary>How long something took, counted in buckets with fixed bounds. Microseconds.</summary>
/// <remarks>
/// Invariant: one thread records, without a lock and without allocating, some nanoseconds each; any thread reads. The count is the sum of the buckets read, so a
/// histogram that is read while it grows agrees with itself; its sum may lag by what came meanwhile.
/// An instrument of the framework would take a lock that whoever collects holds, too: on two busy cores the reply thread would wait for a thread that does not run.
/// </remarks>
internal sealed class LatencyTally
{
    /// <summary>Upper bounds, inclusive: 25 us to 10 s, at most half as far apart as they are large, and at every figure that is promised.</summary>
    private static readonly long[] s_boundsUs =
    [
        25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 10_000, 15_000, 20_000, 25_000, 30_000,
        40_000, 60_000, 80_000, 100_000, 150_000, 200_000, 300_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
    ];

    private readonly long[] _buckets = new long[s_boundsUs.Length + 1]; // written by: who records
    private long _sumUs; // written by: who records

    /// <summary>Upper bounds in seconds; what is above the last one has a bucket of its own.</summary>
    public static double[] BoundsSeconds { get; } = [.. s_boundsUs.Select(bound => bound / 1e6)];

    public void Record(long us)
    {
        int bucket = 0;
        while (bucket < s_boundsUs.Length && us > s_boundsUs[bucket])
            bucket++;
        Volatile.Write(ref _buckets[bucket], _buckets[bucket] + 1);
        Volatile.Write(ref _sumUs, _sumUs + us);
    }

    public HistogramReading Read()
    {
        double sum = Volatile.Read(ref _sumUs) / 1e6;
        var counts = new long[_buckets.Length];
        for (int bucket = 0; bucket < counts.Length; bucket++)
            counts[bucket] = Volatile.Read(ref _buckets[bucket]);
        return new HistogramReading(BoundsSeconds, counts, sum);
    }
}
