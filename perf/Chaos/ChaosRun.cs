using System.Diagnostics;
using System.Globalization;
using Settlement.Perf.Cluster;
using Settlement.Perf.Common;

namespace Settlement.Perf.Chaos;

/// <summary>How long, with which seed, and where.</summary>
/// <param name="Folder">New; holds the nodes' folders and logs, and the history.</param>
/// <param name="Duration">At least: a run goes on until each kind of fault was done once.</param>
internal sealed record ChaosPlan(string Folder, TimeSpan Duration, int Seed)
{
    /// <summary>Payments that each of three banks streams a second.</summary>
    public int PerSecond { get; init; } = 400;

    /// <summary>How long a fault lasts at most.</summary>
    public int LastMsMax { get; init; } = 4_000;

    /// <summary>Network, disks and clocks of their own, where the machine allows it.</summary>
    public bool HasPlaces { get; init; } = true;
}

/// <summary>What a run of chaos came to.</summary>
/// <param name="Check">Of the history against the journals.</param>
/// <param name="Others">What is wrong besides: nodes that ended by themselves, or did not where they should; that did not catch up; kinds of fault that never came to pass.</param>
/// <param name="Done">Faults, by kind.</param>
/// <param name="LeftOut">Kinds that this machine does not allow, and why.</param>
/// <param name="Stops">Nodes that ended as they should, because their disk refused a write.</param>
/// <param name="SilenceMax">The longest time without a verdict.</param>
/// <param name="Times">Where the run's time went.</param>
internal sealed record ChaosResult(
    CheckReport Check, IReadOnlyList<string> Others, IReadOnlyDictionary<string, int> Done, IReadOnlyList<string> LeftOut, int Stops, TimeSpan SilenceMax, string Times)
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
    private static readonly TimeSpan s_moreMax = TimeSpan.FromMinutes(10); // until each kind of fault was done once

    public static ChaosResult Run(ChaosPlan plan, TextWriter tell) => RunAsync(plan, tell).GetAwaiter().GetResult();

    /// <summary>Three nodes, with all that this machine allows for them.</summary>
    /// <param name="folder">Of the cluster.</param>
    /// <param name="leftOut">Is told which kinds of fault there cannot be, and why.</param>
    public static ClusterPlan PlanOf(string folder, List<string> leftOut)
    {
        bool May(string kinds, string? why)
        {
            if (why is not null)
                leftOut.Add($"{kinds}: {why}");
            return why is null;
        }

        May("slow-disk, write-error", CallFault.WhyNot());
        return new ClusterPlan(folder)
        {
            HasNetwork = May("partition, one-way, flap", NodeNetwork.WhyNot()), HasClocks = May("clock", ClockFault.WhyNot()), DiskBytes = May("full-disk", DiskImage.WhyNot()) ? DiskBytes : 0,
        };
    }

    /// <summary>Holds the history against the nodes' journals, while the nodes stand still; they go on afterwards.</summary>
    public static CheckReport Check(LocalCluster cluster, string history)
    {
        cluster.StandStill();
        try
        {
            JournalFacts[] journals = [.. cluster.Members.AsParallel().AsOrdered().Select(member => JournalFacts.Of(member.Name, member.Journal))]; // each is verified; the checker reads them one by one
            return HistoryChecker.Check(ClientHistory.Read(history), journals);
        }
        finally
        {
            cluster.GoOn();
        }
    }

    private static async Task<ChaosResult> RunAsync(ChaosPlan plan, TextWriter tell)
    {
        var leftOut = new List<string>();
        ClusterPlan nodes = plan.HasPlaces ? PlanOf(plan.Folder, leftOut) : new ClusterPlan(plan.Folder);
        foreach (string why in leftOut)
            tell.WriteLine($"  left out  {why}");
        string path = Path.Combine(plan.Folder, "history.txt");
        var laps = new LapTimes();
        using LocalCluster cluster = LocalCluster.Start(nodes);
        var others = new List<string>();
        TimeSpan silence;
        using var history = new HistoryWriter(path);
        history.Note($"seed {plan.Seed}");
        using ChaosLedger ledger = await ChaosLedger.SetUpAsync(cluster, history).ConfigureAwait(false);
        laps.End("start");
        using var faults = new ChaosFaults(cluster, history, plan.Seed, plan.LastMsMax);
        var clients = new ChaosClients(ledger, history, plan.Seed, plan.PerSecond);
        await using (clients.ConfigureAwait(false))
        {
            clients.Start();
            silence = Break(plan, faults, clients, history, tell);
            laps.End("faults");
            await EndAsync(cluster, faults, clients, history, others).ConfigureAwait(false);
            laps.End("healing");
        }

        history.Dispose();
        others.AddRange(faults.Wrongs);
        others.AddRange(faults.NotDone.Select(kind => $"there never was a {kind}, and it is possible here"));
        CheckReport check = Check(cluster, path);
        laps.End("checking");
        return new ChaosResult(check, others, faults.Done, leftOut, faults.Stops, silence, laps.ToString());
    }

    /// <summary>One fault after the other, for as long as the plan says, and until each kind was done.</summary>
    /// <returns>The longest time without a verdict.</returns>
    private static TimeSpan Break(ChaosPlan plan, ChaosFaults faults, ChaosClients clients, HistoryWriter history, TextWriter tell)
    {
        TimeSpan silence = TimeSpan.Zero;
        long told = 0;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < plan.Duration || (faults.NotDone.Count > 0 && watch.Elapsed < plan.Duration + s_moreMax);)
        {
            faults.Step();
            silence = clients.Silence > silence ? clients.Silence : silence;
            if (watch.Elapsed.TotalMinutes >= told + 1)
            {
                told = (long)watch.Elapsed.TotalMinutes;
                tell.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {told} min: {history.AnswerCount:N0} answers, {history.UnknownCount:N0} unknown for a while, {history.ReadCount:N0} reads; {Said(faults.Done)}"));
            }
        }

        return silence;
    }

    /// <summary>All that was asked gets its answer, all nodes get to the same end, and say what they have there.</summary>
    private static async Task EndAsync(LocalCluster cluster, ChaosFaults faults, ChaosClients clients, HistoryWriter history, List<string> others)
    {
        try
        {
            history.Note("heal");
            faults.HealForGood();
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
        output.WriteLine($"  stopped   {result.Stops} nodes whose disk refused a write, each in order, and started again");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  silence   {result.SilenceMax.TotalSeconds:0.0} s at most without a verdict"));
        output.WriteLine($"  took      {result.Times}");
        foreach (string why in result.LeftOut)
            output.WriteLine($"  left out  {why}");
        foreach (string fault in result.Faults)
            output.WriteLine($"  WRONG     {fault}");
    }
}
