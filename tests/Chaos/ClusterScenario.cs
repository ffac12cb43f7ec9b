using System.Globalization;
using Settlement.Perf.Chaos;
using Settlement.Perf.Cluster;

namespace Settlement.Tests.Chaos;

/// <summary>
/// Three nodes as processes, the load of three banks on them, and the history of it: what every scenario begins with, and the check that each ends with. The folder of one that fails is kept.
/// </summary>
internal sealed class ClusterScenario : IAsyncDisposable
{
    /// <summary>How often a scenario goes on, and over how much: as its text says, or less.</summary>
    public const string RoundsVariable = "SETTLEMENT_SCENARIO_ROUNDS";
    private const int WaitMsMax = 120_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-scenario-").FullName;
    private readonly string _historyPath;
    private bool _isSound;

    private ClusterScenario(bool hasNetwork, bool hasDisk)
    {
        Seed = PrintedSeed.Next();
        Random = new Random(Seed);
        _historyPath = Path.Combine(_folder, "history.txt");
        Cluster = LocalCluster.Start(new ClusterPlan(_folder) { HasNetwork = hasNetwork, DiskBytes = hasDisk ? 512L << 20 : 0 });
        History = new HistoryWriter(_historyPath);
    }

    public int Seed { get; }

    public Random Random { get; }

    public LocalCluster Cluster { get; }

    public HistoryWriter History { get; }

    public ChaosLedger Ledger { get; private set; } = null!;

    public ChaosClients Clients { get; private set; } = null!;

    /// <summary>Rounds that a scenario goes: by default one.</summary>
    public static int Rounds => int.TryParse(Environment.GetEnvironmentVariable(RoundsVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) && rounds > 0 ? rounds : 1;

    /// <param name="perSecond">Payments that each bank streams a second; 0: no load.</param>
    /// <param name="hasNetwork">Lines can be cut.</param>
    /// <param name="hasDisk">The last node has a small disk.</param>
    public static async Task<ClusterScenario> StartAsync(int perSecond = 200, bool hasNetwork = false, bool hasDisk = false)
    {
        var scenario = new ClusterScenario(hasNetwork, hasDisk);
        try
        {
            scenario.Ledger = await ChaosLedger.SetUpAsync(scenario.Cluster, scenario.History);
            scenario.Clients = new ChaosClients(scenario.Ledger, scenario.History, scenario.Seed, perSecond);
            if (perSecond > 0)
                scenario.Clients.Start();
            return scenario;
        }
        catch
        {
            await scenario.DisposeAsync();
            throw;
        }
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
        foreach (ClusterMember member in Cluster.Members.Where(member => !member.IsRunning))
            member.Start();
        Cluster.WaitLeader(milliseconds: WaitMsMax);
        await Clients.CompleteAsync().WaitAsync(TimeSpan.FromMilliseconds(2 * WaitMsMax));
        Cluster.WaitCaughtUp(2 * WaitMsMax);
        await Clients.ReadAllAsync();
        History.Flush();
        History.Dispose();
        CheckReport report = ChaosRun.Check(Cluster, _historyPath);
        TestContext.Out.WriteLine(report);
        Assert.That(report.Faults, Is.Empty);
        _isSound = true;
        return report;
    }

    public async ValueTask DisposeAsync()
    {
        if (Clients is not null && !_isSound)
            await Task.WhenAny(Clients.DisposeAsync().AsTask(), Task.Delay(1_000));
        Cluster.Dispose();
        Ledger?.Dispose();
        History.Dispose();
        if (_isSound)
            Directory.Delete(_folder, recursive: true);
        else
            TestContext.Out.WriteLine($"kept: {_folder}");
    }
}
