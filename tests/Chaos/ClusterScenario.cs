using System.Globalization;
using Settlement.Perf.Chaos;
using Settlement.Perf.Cluster;

namespace Settlement.Tests.Chaos;

/// <summary>
/// Three nodes, the load of three banks on them, and the history of it: what every scenario begins with, and the check that each ends with. The folder of one that fails is kept.
/// </summary>
internal sealed class ClusterScenario : IAsyncDisposable
{
    /// <summary>How often a scenario goes on, and over how much: as its text says, or less.</summary>
    public const string RoundsVariable = "SETTLEMENT_SCENARIO_ROUNDS";
    private const int WaitMsMax = 240_000;

    private readonly ScenarioNodes _nodes;
    private readonly bool _isShared;
    private readonly LapTimes _laps = new();
    private bool _isSound;

    private ClusterScenario(ScenarioNodes nodes, bool isShared, int perSecond, int streams)
    {
        (_nodes, _isShared) = (nodes, isShared);
        Seed = PrintedSeed.Next();
        Random = new Random(Seed);
        History.Note($"scenario {TestContext.CurrentContext.Test.Name}, seed {Seed}");
        Clients = new ChaosClients(Ledger, History, Seed, perSecond, streams, nodes.Uses++);
        if (perSecond > 0)
            Clients.Start();
    }

    public int Seed { get; }

    public Random Random { get; }

    public LocalCluster Cluster => _nodes.Cluster;

    public HistoryWriter History => _nodes.History;

    public ChaosLedger Ledger => _nodes.Ledger;

    public ChaosClients Clients { get; }

    /// <summary>Rounds that a scenario goes: by default one.</summary>
    public static int Rounds => int.TryParse(Environment.GetEnvironmentVariable(RoundsVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) && rounds > 0 ? rounds : 1;

    /// <summary>On nodes that scenarios share, where each goes one round; on its own, where it goes many, for the check of a long history is itself long.</summary>
    /// <param name="perSecond">Payments that each bank streams a second; 0: no load.</param>
    /// <param name="streams">Over how many streams each bank spreads them.</param>
    /// <param name="hasNetwork">Lines can be cut.</param>
    /// <param name="hasDisks">Each node has a small disk.</param>
    /// <param name="isAlone">On its own in any case.</param>
    public static async Task<ClusterScenario> StartAsync(int perSecond = 200, int streams = 1, bool hasNetwork = false, bool hasDisks = false, bool isAlone = false)
    {
        bool isShared = Rounds == 1 && !isAlone;
        ScenarioNodes nodes = isShared ? await ScenarioNodes.SharedAsync() : await ScenarioNodes.FoundAsync(hasNetwork, hasDisks);
        return new ClusterScenario(nodes, isShared, perSecond, streams);
    }

    /// <summary>Returns when so many more verdicts were told.</summary>
    public async Task AnswersAsync(int more)
    {
        long wanted = History.AnswerCount + more;
        for (long begun = Environment.TickCount64; History.AnswerCount < wanted; await Task.Delay(10))
        {
            if (Environment.TickCount64 - begun > WaitMsMax)
                Assert.Fail($"{WaitMsMax / 1000} s, and only {History.AnswerCount} of {wanted} verdicts: {Cluster.Describe()}");
        }
    }

    /// <summary>All nodes run, everything has its answer, all nodes are at the same end and have said what they hold; and all of it is what the journals say.</summary>
    public async Task<CheckReport> EndAsync()
    {
        _laps.End("scenario");
        foreach (ClusterMember member in Cluster.Members.Where(member => !member.IsRunning))
            member.Start();
        Cluster.WaitLeader(milliseconds: WaitMsMax);
        await Clients.CompleteAsync().WaitAsync(TimeSpan.FromMilliseconds(2 * WaitMsMax));
        Cluster.WaitCaughtUp(2 * WaitMsMax);
        await Clients.ReadAllAsync();
        History.Flush();
        _laps.End("end");
        CheckReport report = ChaosRun.Check(Cluster, _nodes.HistoryPath);
        _laps.End("check");
        TestContext.Out.WriteLine($"{_laps}: {report}");
        Assert.That(report.Faults, Is.Empty);
        _isSound = true;
        return report;
    }

    public async ValueTask DisposeAsync()
    {
        await Clients.DisposeAsync();
        if (_isSound && _isShared)
        {
            _nodes.Leave();
            return;
        }

        _nodes.Dispose();
        if (_isSound)
            Directory.Delete(_nodes.Folder, recursive: true);
        else
            TestContext.Out.WriteLine($"kept: {_nodes.Folder}: nodes' folders and logs, history.txt");
    }
}
