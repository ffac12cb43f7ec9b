using System.Diagnostics;

namespace Settlement.Perf.Common;

/// <summary>One timed run of a load.</summary>
/// <param name="Payments">What was counted: payments, or the 64-byte slots, ids or lookups that stand for one each.</param>
/// <param name="ElapsedNs">Nanoseconds of wall time, over exactly what was counted.</param>
/// <param name="AllocatedBytes">Bytes that all threads of the process took from the garbage-collected heap in that time.</param>
public readonly record struct Run(long Payments, long ElapsedNs, long AllocatedBytes)
{
    public double PerSecond => ElapsedNs <= 0 ? 0 : Payments * 1e9 / ElapsedNs;

    public double NsPerPayment => Payments == 0 ? 0 : (double)ElapsedNs / Payments;

    public double BytesPerPayment => Payments == 0 ? 0 : (double)AllocatedBytes / Payments;

    /// <summary>Times the whole of a body that handles so many payments. What must not be counted is prepared before.</summary>
    public static Run Time(long payments, Action body) => Time(payments, body, oneThread: false);

    /// <summary>As <see cref="Time"/>, of a body that stays on the calling thread: its bytes are exact, whatever else runs.</summary>
    public static Run TimeThread(long payments, Action body) => Time(payments, body, oneThread: true);

    private static Run Time(long payments, Action body, bool oneThread)
    {
        ArgumentNullException.ThrowIfNull(body);
        AllocationMeter meter = AllocationMeter.Start();
        long begun = Stopwatch.GetTimestamp();
        body();
        long elapsedNs = NsSince(begun);
        return new Run(payments, elapsedNs, oneThread ? meter.ThreadBytes : meter.ProcessBytes);
    }

    /// <summary>Nanoseconds since a stamp of <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public static long NsSince(long begun) => (long)((Stopwatch.GetTimestamp() - begun) * (1e9 / Stopwatch.Frequency));
}

/// <summary>Bytes taken from the garbage-collected heap since <see cref="Start"/>.</summary>
/// <remarks>
/// Whoever shows that a hot path on one thread allocates nothing asks <see cref="ThreadBytes"/>, which is exact and blind to other threads; a
/// pipeline asks <see cref="ProcessBytes"/>, which sees all threads and so also those of the runtime.
/// </remarks>
public readonly struct AllocationMeter
{
    private readonly long _threadStart;
    private readonly long _processStart;

    private AllocationMeter(long threadStart, long processStart)
    {
        _threadStart = threadStart;
        _processStart = processStart;
    }

    public static AllocationMeter Start()
    {
        long process = GC.GetTotalAllocatedBytes(precise: true);
        return new AllocationMeter(GC.GetAllocatedBytesForCurrentThread(), process);
    }

    /// <summary>By the calling thread, which must be the one that started.</summary>
    public long ThreadBytes => GC.GetAllocatedBytesForCurrentThread() - _threadStart;

    /// <summary>By all threads. Stops them for a moment, so it is asked outside what is timed.</summary>
    public long ProcessBytes => GC.GetTotalAllocatedBytes(precise: true) - _processStart;
}

/// <summary>The middle and the ends of some measurements.</summary>
public readonly record struct Spread(double Median, double Min, double Max)
{
    /// <summary>Of an even number, the median is the mean of the two in the middle.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values];
        if (sorted.Length == 0)
            throw new ArgumentException("a spread needs at least one value", nameof(values));
        Array.Sort(sorted);
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}

/// <summary>Several runs of one load. What is published is their median; the ends are shown beside it.</summary>
public sealed class Runs
{
    public const int CountDefault = 5;

    public Runs(IReadOnlyList<Run> all)
    {
        ArgumentNullException.ThrowIfNull(all);
        PerSecond = Spread.Of(all.Select(run => run.PerSecond));
        NsPerPayment = Spread.Of(all.Select(run => run.NsPerPayment));
        BytesPerPayment = Spread.Of(all.Select(run => run.BytesPerPayment));
        All = all;
    }

    public IReadOnlyList<Run> All { get; }

    public Spread PerSecond { get; }

    public Spread NsPerPayment { get; }

    public Spread BytesPerPayment { get; }

    /// <summary>Runs a load to warm up, which is thrown away, and then so many times.</summary>
    /// <param name="count">Timed runs.</param>
    /// <param name="load">The load.</param>
    /// <param name="warmUps">More than one where the runtime goes on compiling what is hot for some runs, on a core that the load needs.</param>
    public static Runs Of(int count, Func<Run> load, int warmUps = 1)
    {
        ArgumentNullException.ThrowIfNull(load);
        for (int extra = 1; extra < warmUps; extra++)
            load();
        return InTurn(count, load)[0];
    }

    /// <summary>
    /// Runs several loads in turn: each once to warm up, then so many rounds, so that what disturbs the machine disturbs all of
    /// them. Who goes first changes from round to round.
    /// </summary>
    /// <returns>The runs of each load, in the order given.</returns>
    public static Runs[] InTurn(int rounds, params IReadOnlyList<Func<Run>> loads)
    {
        ArgumentNullException.ThrowIfNull(loads);
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        foreach (Func<Run> load in loads)
            load();
        Run[][] all = [.. loads.Select(_ => new Run[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < loads.Count; turn++)
            {
                int load = (round + turn) % loads.Count;
                all[load][round] = Settled(loads[load]);
            }
        }

        return [.. all.Select(runs => new Runs(runs))];
    }

    /// <summary>What an earlier run left on the heap is collected before, not during, the next.</summary>
    private static Run Settled(Func<Run> load)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return load();
    }
}

/// <summary>
/// Two loads, run in turn in one process, so that what disturbs the machine disturbs both. The ratio is taken round by
/// round and its median published: a ratio of medians would compare different moments.
/// </summary>
/// <param name="Ratio">Rate of the one to rate of the other; above 1 the one is faster.</param>
public sealed record SideBySide(Runs One, Runs Other, Spread Ratio)
{
    /// <summary>Warms both up, then runs so many rounds; who goes first changes from round to round.</summary>
    public static SideBySide Of(int rounds, Func<Run> one, Func<Run> other) => Of(Runs.InTurn(rounds, one, other));

    /// <summary>Two loads that took turns with others.</summary>
    /// <param name="inTurn">What <see cref="Runs.InTurn"/> gave for the two.</param>
    public static SideBySide Of(params Runs[] inTurn)
    {
        ArgumentNullException.ThrowIfNull(inTurn);
        (Runs one, Runs other) = (inTurn[0], inTurn[1]);
        return new SideBySide(one, other, Spread.Of(one.All.Zip(other.All, (a, b) => a.PerSecond / b.PerSecond)));
    }
}
