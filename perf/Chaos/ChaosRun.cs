using System.Diagnostics;
using System.Globalization;
using Settlement.Perf.Cluster;
using Settlement.Perf.Common;

namespace Settlement.Perf.Chaos;

/// <summary>How long, with which seed, and where.</summary>
/// <param name="Folder">New; holds the nodes' folders and logs, and the history.</param>
internal sealed record ChaosPlan(string Folder, TimeSpan Duration, int Seed)
{
    /// <summary>Payments that each of three banks streams a second.</summary>
    public int PerSecond { get; init; } = 400;

    /// <summary>Network, disk and clocks of their own, where the machine allows it.</summary>
    public bool HasPlaces { get; init; } = true;
}

/// <summary>What a run of chaos came to.</summary>
/// <param name="Check">Of the history against the journals.</param>
/// <param name="Others">What is wrong besides: nodes that ended by themselves, or did not catch up.</param>
/// <param name="Done">Faults, by kind.</param>
/// <param name="LeftOut">Kinds that this machine does not allow, and why.</param>
internal sealed record ChaosResult(CheckReport Check, IReadOnlyList<string> Others, IReadOnlyDictionary<string, int> Done, IReadOnlyList<string> LeftOut, TimeSpan SilenceMax)
{
    public bool IsSound => Check.IsSound && Others.Count == 0;

    public IEnumerable<string> Faults => [.. Check.Faults, .. Others];
}

/// <summary>
/// `perf chaos`: three nodes under load, to whom everything happens that can be made to happen on one machine; then all is healed, the nodes catch up, and the outside checker
/// says whether what clients were told is what every journal says.
/// </summary>
internal static class ChaosRun
{
    private const long DiskBytes = 2L << 30;
    private const int LookMs = 100;

    public static ChaosResult Run(ChaosPlan plan, TextWriter tell) => RunAsync(plan, tell).GetAwaiter().GetResult();

    /// <summary>Three nodes, with all that this machine allows for them.</summary>
    public static ClusterPlan PlanOf(string folder, List<string> leftOut)
    {
        bool May(string? why)
        {
            if (why is not null)
                leftOut.Add(why);
            return why is null;
        }

        May(CallFault.WhyNot());
        return new ClusterPlan(folder) { HasNetwork = May(NodeNetwork.WhyNot()), HasClocks = May(ClockFault.WhyNot()), DiskBytes = May(DiskImage.WhyNot()) ? DiskBytes : 0 };
    }

    /// <summary>Stops the nodes in order, and holds the history against their journals.</summary>
    public static CheckReport Check(LocalCluster cluster, string history)
    {
        foreach (ClusterMember member in cluster.Members.Where(member => member.IsRunning))
            member.Kill();
        JournalFacts[] journals = [.. cluster.Members.Select(member => JournalFacts.Of(member.Name, member.Journal))];
        return HistoryChecker.Check(ClientHistory.Read(history), journals);
    }

    private static async Task<ChaosResult> RunAsync(ChaosPlan plan, TextWriter tell)
    {
        var leftOut = new List<string>();
        ClusterPlan nodes = plan.HasPlaces ? PlanOf(plan.Folder, leftOut) : new ClusterPlan(plan.Folder);
        string path = Path.Combine(plan.Folder, "history.txt");
        using LocalCluster cluster = LocalCluster.Start(nodes);
        IReadOnlyDictionary<string, int> done;
        var others = new List<string>();
        TimeSpan silence = TimeSpan.Zero;
        using (var history = new HistoryWriter(path))
        {
            history.Note($"seed {plan.Seed}");
            using ChaosLedger ledger = await ChaosLedger.SetUpAsync(cluster, history).ConfigureAwait(false);
            var clients = new ChaosClients(ledger, history, plan.Seed, plan.PerSecond);
            await using (clients.ConfigureAwait(false))
            {
                clients.Start();
                using var faults = new ChaosFaults(cluster, history, plan.Seed);
                long told = 0;
                for (var watch = Stopwatch.StartNew(); watch.Elapsed < plan.Duration;)
                {
                    Thread.Sleep(LookMs);
                    faults.Step();
                    silence = clients.Silence > silence ? clients.Silence : silence;
                    if (watch.Elapsed.TotalMinutes >= told + 1)
                        tell.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {++told} min: {history.AnswerCount:N0} answers, {history.UnknownCount:N0} unknown for a while, {history.ReadCount:N0} reads; {Said(faults.Done)}"));
                }

                history.Note("heal");
                faults.HealForGood();
                await EndAsync(cluster, clients, others).ConfigureAwait(false);
                others.AddRange(faults.UnexpectedEnds);
                done = faults.Done;
            }
        }

        return new ChaosResult(Check(cluster, path), others, done, leftOut, silence);
    }

    /// <summary>All that was asked gets its answer, all nodes get to the same end, and say what they have there.</summary>
    private static async Task EndAsync(LocalCluster cluster, ChaosClients clients, List<string> others)
    {
        try
        {
            cluster.WaitLeader();
            await clients.CompleteAsync().WaitAsync(TimeSpan.FromMinutes(3)).ConfigureAwait(false);
            cluster.WaitCaughtUp();
            await clients.ReadAllAsync().ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            others.Add($"healed, and payments have no answer after three minutes: {cluster.Describe()}");
        }
        catch (CheckFailedException stuck)
        {
            others.Add($"healed, and {stuck.Message}");
        }
    }

    private static string Said(IReadOnlyDictionary<string, int> done) => string.Join(", ", done.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Value} {one.Key}"));

    /// <summary>As lines for people.</summary>
    public static void Print(ChaosPlan plan, ChaosResult result, TextWriter output)
    {
        output.WriteLine($"chaos: {(result.IsSound ? "sound" : "UNSOUND")}, seed {plan.Seed}");
        output.WriteLine($"  checked   {result.Check}");
        output.WriteLine($"  faults    {Said(result.Done)}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  silence   {result.SilenceMax.TotalSeconds:0.0} s at most without a verdict"));
        foreach (string why in result.LeftOut)
            output.WriteLine($"  left out  {why}");
        foreach (string fault in result.Faults)
            output.WriteLine($"  WRONG     {fault}");
    }
}
