using System.Diagnostics;
using System.Globalization;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Perf.Common;
using Settlement.Perf.Wire;

namespace Settlement.Perf.Cluster;

/// <summary>
/// `perf cluster`: what three nodes do on one machine, with verdicts that leave when a quorum has flushed, beside what one node does; how long a payment takes; what idling costs; and how a
/// node comes back, from a long absence and from nothing.
/// </summary>
/// <remarks>
/// One node and three take turns, with the same frames and each with its flushes, so what disturbs the machine disturbs both; while one works, the other idles, which is in the figure and is given.
/// Processor time stands beside the clock's, for it says the same on a machine that has other work. All verdicts are looked at, and all balances at the end, of both.
/// </remarks>
internal sealed class ClusterLoad : IDisposable
{
    private const int LatencyConnections = 64;
    private const int LatencyGroup = 20;
    private const double MissedPieceSeconds = 0.5;

    /// <summary>Between the end of a load and the first look at an idle node: snapshots, seals and the runtime's compiler are done by then.</summary>
    private const int SettleSeconds = 10;

    /// <summary>A node that has not caught up by then, under all the load that the leader takes, is not going to.</summary>
    private const int CatchUpMinutesMax = 15;

    /// <summary>What idling costs with a patience that an operator may well choose.</summary>
    private const int PatientElectionMs = 2_000;

    private static readonly LoadNumber s_rate = new("--rate", "N", 50_000, 100, 10_000_000, "payments offered a second, for the latency");
    private static readonly LoadNumber s_seconds = new("--seconds", "N", 20, 1, 3_600, "how long each run offers them, and idling is looked at");
    private static readonly LoadNumber s_missed = new("--missed", "MB", 1_024, 1, 1_000_000, "megabytes of payments that a node misses before it comes back");
    private static readonly LoadNumber s_wallets = new("--wallets", "N", 1_000_000, 4_000, 100_000_000, "wallets, with an account each");

    private readonly LoadOptions _options;
    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-cluster-").FullName;
    private readonly ServerProcess _single;
    private readonly LocalCluster _cluster;
    private readonly WireLedger _singleLedger;
    private readonly WireLedger _ledger;
    private ulong _stream = 0xC1_0000;

    private ClusterLoad(LoadOptions options)
    {
        _options = options;
        int wallets = options.Small ? 4_000 : options.Of(s_wallets);
        (_singleLedger, _ledger) = (new WireLedger(wallets), new WireLedger(wallets));
        string capacity = Math.Max(100_000, wallets).ToString(CultureInfo.InvariantCulture);
        _single = new ServerProcess(Path.Combine(_folder, "single"), 0, false, "--capacity", capacity);
        Directory.CreateDirectory(Path.Combine(_folder, "nodes"));
        _cluster = LocalCluster.Start(new ClusterPlan(Path.Combine(_folder, "nodes")) { AccountsMax = Math.Max(100_000, wallets) });
    }

    public static IReadOnlyList<LoadNumber> Numbers { get; } = [s_rate, s_seconds, s_missed, s_wallets];

    public static int Run(LoadOptions options)
    {
        using var load = new ClusterLoad(options);
        return load.RunAsync().GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _single.Dispose();
        _cluster.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<int> RunAsync()
    {
        await SetUpAsync(_single.ClientOptions, _singleLedger).ConfigureAwait(false);
        await SetUpAsync(Options, _ledger).ConfigureAwait(false);
        _cluster.WaitCaughtUp();
        Figure figure = await ThroughputAsync().ConfigureAwait(false);
        figure = await LatencyAsync(figure).ConfigureAwait(false);
        _cluster.WaitCaughtUp();
        figure = Idle(figure, _cluster, "", $"processor time of a node while nothing is asked of it, from {SettleSeconds} s after the load on");
        figure = await CatchUpAsync(figure).ConfigureAwait(false);
        figure = await WipeAsync(figure).ConfigureAwait(false);
        await VerifyAsync(_single.ClientOptions, _singleLedger).ConfigureAwait(false);
        await VerifyAsync(Options, _ledger).ConfigureAwait(false);
        FigurePrinter.Print(IdlePatiently(figure), _options.Json, _options.Output);
        return 0;
    }

    private ClientOptions Options => _cluster.OperatorOptions with { ListsAll = false };

    private static async Task SetUpAsync(ClientOptions options, WireLedger ledger)
    {
        SettlementClient client = await SettlementClient.ConnectAsync(options).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
            await ledger.SetUpAsync(client).ConfigureAwait(false);
    }

    private static async Task VerifyAsync(ClientOptions options, WireLedger ledger)
    {
        SettlementClient client = await SettlementClient.ConnectAsync(options).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
            await ledger.VerifyAsync(client).ConfigureAwait(false);
    }

    private Figure Idle(Figure figure, LocalCluster cluster, string name, string counted)
    {
        Thread.Sleep(TimeSpan.FromSeconds(_options.Small ? 0.2 : SettleSeconds));
        ClusterMember leader = cluster.WaitLeader();
        ClusterMember[] followers = [.. cluster.Members.Where(member => member != leader)];
        TimeSpan Following() => followers.Aggregate(TimeSpan.Zero, static (sum, member) => sum + member.ProcessorTime);
        (TimeSpan leaderBefore, TimeSpan followersBefore) = (leader.ProcessorTime, Following());
        var watch = Stopwatch.StartNew();
        Thread.Sleep(TimeSpan.FromSeconds(_options.Small ? 0.2 : _options.Of(s_seconds)));
        double seconds = watch.Elapsed.TotalSeconds;
        return figure
            .With($"idle_{name}leader_ms_per_second", (leader.ProcessorTime - leaderBefore).TotalMilliseconds / seconds, counted)
            .With($"idle_{name}follower_ms_per_second", (Following() - followersBefore).TotalMilliseconds / seconds / followers.Length);
    }

    /// <summary>
    /// Idling is mostly heartbeats, two in the least time of an election: what it costs with a longer one, on nodes that are made for it. They compile everything at once, for nodes that never worked would be
    /// compiling in the background for minutes, which is no idling.
    /// </summary>
    private Figure IdlePatiently(Figure figure)
    {
        string folder = Path.Combine(_folder, "patient");
        Directory.CreateDirectory(folder);
        string milliseconds = PatientElectionMs.ToString(CultureInfo.InvariantCulture);
        using LocalCluster cluster = LocalCluster.Start(new ClusterPlan(folder) { Settings = [("SETTLEMENT__CLUSTER__ELECTIONMS", milliseconds), ("DOTNET_TieredCompilation", "0")] });
        return Idle(figure, cluster, "patient_", $"the same with Cluster:ElectionMs = {PatientElectionMs}, on new nodes; the price: {PatientElectionMs / 1000} to {2 * PatientElectionMs / 1000} s go by before a dead leader is missed");
    }

    private async Task<Figure> ThroughputAsync()
    {
        int each = _options.Small ? 20_000 : 1 << 21;
        PaymentLanes one = await OpenLanesAsync(_single.ClientOptions, _singleLedger, each).ConfigureAwait(false);
        await using (one.ConfigureAwait(false))
        {
            PaymentLanes three = await OpenLanesAsync(Options, _ledger, each).ConfigureAwait(false);
            await using (three.ConfigureAwait(false))
            {
                three.RunOnce(); // the runtime goes on compiling for some runs
                one.RunOnce();
                long payments = 0; // of each: they take turns
                (TimeSpan ThreeNodes, TimeSpan OneNode) before = ProcessorTimes();
                var measured = SideBySide.Of(
                    _options.Runs,
                    () =>
                    {
                        Run run = three.RunOnce();
                        payments += run.Payments;
                        return run;
                    },
                    one.RunOnce);
                (TimeSpan ThreeNodes, TimeSpan OneNode) after = ProcessorTimes();
                one.Verify();
                three.Verify();
                return new Figure(
                    "cluster",
                    $"payments over TCP on loopback to the leader of three nodes on this machine and back, flushed by a quorum before the verdict: client, wire, all of Settle on each node, trees, seals ({_ledger.Wallets:N0} wallets in 8 currencies, "
                        + $"stream ids, labels, 20 countries' rows), frames of {WireLimits.FramePaymentsMax:N0} over 2 connections; nodes among themselves by TLS, the client without; client, three nodes and one idle single node on the same cores",
                    measured.One)
                    .WithRatio("one_node", measured, "rate of three nodes to that of one, the same payments, in turns")
                    .With("nodes_processor_ns", (after.ThreeNodes - before.ThreeNodes).TotalNanoseconds / payments, "processor time of all three nodes a payment, the client's not counted")
                    .With("one_node_processor_ns", (after.OneNode - before.OneNode).TotalNanoseconds / payments);
            }
        }
    }

    private async Task<PaymentLanes> OpenLanesAsync(ClientOptions options, WireLedger ledger, int payments)
    {
        PaymentLanes lanes = await PaymentLanes.OpenAsync(options, ledger, ledger.NewPayments(payments), WireLimits.FramePaymentsMax, 2, _stream).ConfigureAwait(false);
        _stream += 2;
        return lanes;
    }

    /// <summary>Three nodes and one in turns, at one rate.</summary>
    private async Task<Figure> LatencyAsync(Figure figure)
    {
        int rate = _options.Small ? 2_000 : _options.Of(s_rate);
        double seconds = _options.Small ? 0.2 : _options.Of(s_seconds);
        OpenLoop three = await OpenLoopAsync(Options, _ledger).ConfigureAwait(false);
        await using (three.ConfigureAwait(false))
        {
            OpenLoop one = await OpenLoopAsync(_single.ClientOptions, _singleLedger).ConfigureAwait(false);
            await using (one.ConfigureAwait(false))
            {
                await three.OfferAsync(rate, Math.Min(seconds, 5)).ConfigureAwait(false); // warms up
                await one.OfferAsync(rate, Math.Min(seconds, 5)).ConfigureAwait(false);
                var flows = new List<Flow>();
                var oneFlows = new List<Flow>();
                (TimeSpan ThreeNodes, TimeSpan OneNode) before = ProcessorTimes();
                for (int i = 0; i < _options.Runs; i++)
                {
                    GC.Collect();
                    flows.Add(await three.OfferAsync(rate, seconds).ConfigureAwait(false));
                    oneFlows.Add(await one.OfferAsync(rate, seconds).ConfigureAwait(false));
                }

                (TimeSpan ThreeNodes, TimeSpan OneNode) after = ProcessorTimes();
                three.Verify();
                one.Verify();
                foreach ((string name, double percentile) in OpenLoop.Percentiles)
                {
                    figure = figure.With(
                        $"latency_{name}_ms", Spread.Of(flows.Select(flow => flow.LatencyMs(percentile))).Median,
                        $"at {rate:N0}/s offered in an open loop, from when a payment was due; median over {flows.Count} runs, worst {flows.Max(flow => flow.LatencyMs(percentile)):0.##}; "
                            + $"one node, in turns, {Spread.Of(oneFlows.Select(flow => flow.LatencyMs(percentile))).Median:0.##}");
                }

                return figure.With(
                    "latency_nodes_ms_per_second", (after.ThreeNodes - before.ThreeNodes).TotalMilliseconds / (seconds * flows.Count),
                    $"processor time of all three nodes at that rate; of the one node {(after.OneNode - before.OneNode).TotalMilliseconds / (seconds * flows.Count):0}; each with its idling while the other is asked");
            }
        }
    }

    private Task<OpenLoop> OpenLoopAsync(ClientOptions options, WireLedger ledger) =>
        OpenLoop.StartAsync(options, ledger, _options.Small ? 4 : LatencyConnections, LatencyGroup, _options.Small ? 2_000 : 1 << 19);

    private (TimeSpan ThreeNodes, TimeSpan OneNode) ProcessorTimes() => (_cluster.Members.Aggregate(TimeSpan.Zero, static (sum, member) => sum + member.ProcessorTime), _single.ProcessorTime);

    /// <summary>A follower is down while so much is written, comes back, and catches up while the leader is asked for as much as it can do.</summary>
    private async Task<Figure> CatchUpAsync(Figure figure)
    {
        long missed = _options.Small ? 4L << 20 : (long)_options.Of(s_missed) << 20;
        int piece = _options.Small ? 8_190 : 1 << 18;
        PaymentLanes lanes = await OpenLanesAsync(Options, _ledger, piece).ConfigureAwait(false);
        await using (lanes.ConfigureAwait(false))
        {
            double before = RateOf(lanes, () => false, piece * 8L);
            ClusterMember leader = _cluster.WaitLeader();
            ClusterMember follower = _cluster.Followers().First();
            follower.Kill();
            double without = RateOf(lanes, () => false, missed / Engine.Domain.Payment.Size);
            long leaderBefore = leader.ResidentBytes;
            var back = Stopwatch.StartNew();
            follower.Start();
            using var memory = new ResidentPeaks(leader, follower);
            bool IsBack() => follower.Status(200) is { IsReady: true, Role: "follower" } there && there.LastBlock + 64 >= leader.Status(200)?.CommittedBlock;
            double meanwhile = RateOf(lanes, () => IsBack() || back.Elapsed.TotalMinutes > CatchUpMinutesMax, long.MaxValue);
            TimeSpan elapsed = back.Elapsed;
            if (elapsed.TotalMinutes > CatchUpMinutesMax)
                throw new CheckFailedException($"a node that missed {missed >> 20:N0} MB did not catch up in {CatchUpMinutesMax} minutes: {_cluster.Describe()}");
            (long leaderPeak, long followerPeak) = memory.End();
            lanes.Verify();
            _cluster.WaitCaughtUp();
            return figure
                .With("catch_up_seconds", elapsed.TotalSeconds, $"a follower that missed {missed >> 20:N0} MB of payments, from its start until it was ready, under load")
                .With("catch_up_leader_share", meanwhile / before, $"of the leader's rate before it was killed: {before:N0}/s; with one node down {without:N0}/s, meanwhile {meanwhile:N0}/s")
                .With("catch_up_leader_megabytes", leaderPeak / 1e6, $"resident at most; {leaderBefore / 1e6:0} before")
                .With("catch_up_follower_megabytes", followerPeak / 1e6, "resident at most");
        }
    }

    /// <summary>A follower loses everything, is removed, and joins again.</summary>
    private async Task<Figure> WipeAsync(Figure figure)
    {
        ClusterMember follower = _cluster.Followers().First();
        long journal = Directory.EnumerateFiles(follower.Journal, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
        follower.Wipe();
        var watch = Stopwatch.StartNew();
        await Task.Run(() => _cluster.Rejoin(follower)).ConfigureAwait(false);
        _cluster.WaitCaughtUp(10 * 60_000);
        bool hadSnapshot = follower.Status() is { FirstBlock: > 0 };
        return figure.With("wiped_node_back_seconds", watch.Elapsed.TotalSeconds, $"removed, joined anew {(hadSnapshot ? "from a snapshot and the blocks behind it" : "block by block, for no snapshot was due yet")}, and caught up; its folder had {journal >> 20:N0} MB");
    }

    /// <summary>Payments a second until something holds, or so many are sent.</summary>
    private static double RateOf(PaymentLanes lanes, Func<bool> isEnough, long payments)
    {
        long sent = 0;
        var watch = Stopwatch.StartNew();
        using var looking = new CancellationTokenSource();
        bool holds = false;
        Task look = Task.Run(async () =>
        {
            while (!looking.IsCancellationRequested && !Volatile.Read(ref holds))
            {
                Volatile.Write(ref holds, isEnough());
                await Task.Delay(TimeSpan.FromSeconds(MissedPieceSeconds / 5), CancellationToken.None).ConfigureAwait(false);
            }
        });
        while (sent < payments && !Volatile.Read(ref holds))
            sent += lanes.RunOnce().Payments;
        double rate = sent / watch.Elapsed.TotalSeconds;
        looking.Cancel();
        look.Wait();
        return rate;
    }

    /// <summary>The most that two nodes held while they were looked at.</summary>
    private sealed class ResidentPeaks : IDisposable
    {
        private readonly Timer _timer;
        private readonly ClusterMember _leader;
        private readonly ClusterMember _follower;
        private long _leaderMax; // written by: the timer
        private long _followerMax;

        public ResidentPeaks(ClusterMember leader, ClusterMember follower)
        {
            (_leader, _follower) = (leader, follower);
            _timer = new Timer(_ => Look(), null, 0, 50);
        }

        public (long Leader, long Follower) End()
        {
            _timer.Dispose();
            return (Volatile.Read(ref _leaderMax), Volatile.Read(ref _followerMax));
        }

        public void Dispose() => _timer.Dispose();

        private void Look()
        {
            lock (_timer)
            {
                _leaderMax = Math.Max(_leaderMax, _leader.ResidentBytes);
                _followerMax = Math.Max(_followerMax, _follower.ResidentBytes);
            }
        }
    }
}
