using System.Diagnostics;
using HdrHistogram;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf snapshot`: what a snapshot costs those who pay meanwhile. 100,000 payments a second are offered in an open loop, durable before the verdict,
/// without and with a snapshot being taken; latency counts from when a payment was due, whether or not it could be handed over then.
/// </summary>
internal sealed class SnapshotLoad : IDisposable
{
    private const int PerSecond = 100_000;
    private const int PaymentNs = 1_000_000_000 / PerSecond;
    private const long LatencyNsMax = 60_000_000_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-snapshot-").FullName;
    private readonly LoadNode _node;
    private readonly Payment[] _payments;
    private readonly double _seconds;
    private LongHistogram _latencyNs = NewHistogram(); // written by: reply thread, while payments flow
    private long _settled; // written by: reply thread
    private long _gapNsMax; // written by: reply thread
    private long _lastSettled; // written by: reply thread
    private long _begun;

    private SnapshotLoad(int wallets, int payments, double seconds)
    {
        _seconds = seconds;
        _node = new LoadNode(Path.Combine(_folder, "journal"), wallets);
        _payments = _node.NewPayments(payments);
        _node.Settled = Settled;
    }

    public static int Run(LoadOptions options)
    {
        int wallets = options.Small ? 4_000 : 10_000_000;
        using var load = new SnapshotLoad(wallets, options.Small ? 2_000 : 1 << 20, options.Small ? 0.2 : 10);
        load.Take(); // the first applies the whole journal; what is measured starts from it, as every later one does
        load.Flow(() => false, out _);
        var quiet = new List<LongHistogram>();
        var busy = new List<LongHistogram>();
        var gaps = new List<(double Quiet, double Busy)>();
        var takes = new List<double>();
        long bytes = 0;
        var runs = new List<Run>();
        for (int round = 0; round < options.Runs; round++)
        {
            quiet.Add(load.Flow(() => false, out double quietGap));
            SnapshotTaken? taken = null;
            var watch = Stopwatch.StartNew();
            var taking = new Thread(() =>
            {
                ThreadPriorities.YieldToAll();
                taken = load.Take();
                watch.Stop();
            });
            taking.Start();
            double busyGap = 0;
            Run run = Common.Run.Time(0, () => busy.Add(load.Flow(() => taking.IsAlive, out busyGap)));
            taking.Join();
            runs.Add(run with { Payments = busy[^1].TotalCount });
            gaps.Add((quietGap, busyGap));
            takes.Add(watch.Elapsed.TotalSeconds);
            bytes = taken!.Bytes;
        }

        load._node.Node.Pipeline.Drain();
        load._node.Verify();
        Figure figure = new Figure("snapshot", $"payments offered at {PerSecond:N0}/s in an open loop to one node of {wallets:N0} wallets, fsynced before the verdict, while a second engine takes a snapshot on the same cores", new Runs(runs));
        foreach ((string name, double percentile) in new[] { ("p50", 50.0), ("p99", 99.0), ("p99_9", 99.9), ("max", 100.0) })
        {
            figure = figure.With($"quiet_{name}_ms", Middle(quiet, percentile), "latency without a snapshot, median over the runs")
                .With($"snapshot_{name}_ms", Middle(busy, percentile), "latency while one is taken");
        }

        figure = figure.With("quiet_gap_ms_max", Spread.Of(gaps.Select(gap => gap.Quiet)).Median, "longest time in which nothing was answered, median over the runs")
            .With("snapshot_gap_ms_max", Spread.Of(gaps.Select(gap => gap.Busy)).Median)
            .With("snapshot_seconds", Spread.Of(takes).Median, "to load the one before, apply what came since, write, flush, read back")
            .With("snapshot_megabytes", bytes / 1e6);
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    public void Dispose()
    {
        _node.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static LongHistogram NewHistogram() => new(LatencyNsMax, 3);

    private static double Middle(List<LongHistogram> histograms, double percentile) =>
        Spread.Of(histograms.Select(histogram => histogram.GetValueAtPercentile(percentile) / 1e6)).Median;

    private SnapshotTaken Take() =>
        SnapshotTaking.Take(_node.Directory, new SnapshotOptions(), what => throw new CheckFailedException(what))
            ?? throw new CheckFailedException("there was nothing to take a snapshot of");

    /// <summary>Offers payments for the load's time, and for as long as something else goes on.</summary>
    private LongHistogram Flow(Func<bool> goesOn, out double gapMs)
    {
        _node.Node.Pipeline.Drain();
        _latencyNs = NewHistogram();
        _settled = 0;
        _gapNsMax = 0;
        _begun = _lastSettled = Stopwatch.GetTimestamp();
        long offered = 0;
        while (Common.Run.NsSince(_begun) < _seconds * 1e9 || goesOn())
        {
            long due = Common.Run.NsSince(_begun) / PaymentNs;
            while (offered < due)
            {
                int at = (int)(offered % _payments.Length);
                Span<Payment> some = _payments.AsSpan(at, (int)Math.Min(Math.Min(due - offered, 1_024), _payments.Length - at));
                _node.Number(some);
                _node.SubmitWhole(some);
                offered += some.Length;
            }

            Thread.Sleep(1);
        }

        _node.Node.Pipeline.Drain();
        gapMs = _gapNsMax / 1e6;
        return _latencyNs;
    }

    private void Settled(int count)
    {
        long now = Stopwatch.GetTimestamp();
        long ns = (long)((now - _begun) * (1e9 / Stopwatch.Frequency));
        _gapNsMax = Math.Max(_gapNsMax, (long)((now - _lastSettled) * (1e9 / Stopwatch.Frequency)));
        _lastSettled = now;
        for (int i = 0; i < count; i++)
            _latencyNs.RecordValue(Math.Clamp(ns - (_settled++ * PaymentNs), 1, LatencyNsMax));
    }
}
