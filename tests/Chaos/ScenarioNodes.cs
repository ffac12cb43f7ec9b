using Settlement.Perf.Chaos;
using Settlement.Perf.Cluster;

namespace Settlement.Tests.Chaos;

/// <summary>Three nodes as processes, a small ledger in them, and the history of all that was done there. The folder is kept unless what was done last was found sound.</summary>
/// <remarks>
/// Founding nodes takes longer than most scenarios. So scenarios that leave nodes as they found them share some, one after the other: the history goes on, and each scenario's end checks all of it.
/// Failure assumed: a scenario that fails leaves anything. Its nodes are then ended and kept, and the next scenario gets others.
/// </remarks>
internal sealed class ScenarioNodes : IDisposable
{
    private const long DiskBytes = 512L << 20;
    private static ScenarioNodes? s_idle; // written by: the one test that runs, for none of these may run beside another

    private readonly LapTimes _laps = new();

    private ScenarioNodes(ClusterPlan plan)
    {
        Folder = plan.Folder;
        Cluster = LocalCluster.Start(plan);
        _laps.End("nodes");
        History = new HistoryWriter(HistoryPath);
    }

    public string Folder { get; }

    public string HistoryPath => Path.Combine(Folder, "history.txt");

    public LocalCluster Cluster { get; }

    public HistoryWriter History { get; }

    public ChaosLedger Ledger { get; private set; } = null!;

    /// <summary>Scenarios that were begun here.</summary>
    public int Uses { get; set; }

    /// <summary>Nodes of a scenario's own.</summary>
    public static async Task<ScenarioNodes> FoundAsync(bool hasNetwork, bool hasDisks)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-scenario-").FullName;
        ScenarioNodes nodes;
        try
        {
            nodes = new ScenarioNodes(new ClusterPlan(folder) { HasNetwork = hasNetwork, DiskBytes = hasDisks ? DiskBytes : 0 });
        }
        catch
        {
            TestContext.Out.WriteLine($"kept: {folder}");
            throw;
        }

        try
        {
            nodes.Ledger = await ChaosLedger.SetUpAsync(nodes.Cluster, nodes.History);
            nodes._laps.End("ledger");
            TestContext.Out.WriteLine($"founded: {nodes._laps}");
            return nodes;
        }
        catch
        {
            nodes.Dispose();
            TestContext.Out.WriteLine($"kept: {folder}");
            throw;
        }
    }

    /// <summary>Those that the last scenario left, or new ones, with all that the machine allows.</summary>
    public static async Task<ScenarioNodes> SharedAsync()
    {
        ScenarioNodes nodes = s_idle ?? await FoundAsync(NodeNetwork.WhyNot() is null, DiskImage.WhyNot() is null);
        s_idle = null;
        return nodes;
    }

    /// <summary>The next scenario may have them.</summary>
    public void Leave()
    {
        EndIdle();
        s_idle = this;
    }

    /// <summary>Ends those that nobody uses, and were sound.</summary>
    public static void EndIdle()
    {
        s_idle?.Dispose();
        if (s_idle is { } ended)
            Directory.Delete(ended.Folder, recursive: true);
        s_idle = null;
    }

    public void Dispose()
    {
        Cluster.Dispose();
        Ledger?.Dispose();
        History.Dispose();
    }
}

/// <summary>Ends what scenarios shared when the last of them is over.</summary>
[SetUpFixture]
internal sealed class ScenarioNodesEnd
{
    [OneTimeTearDown]
    public void End() => ScenarioNodes.EndIdle();
}
