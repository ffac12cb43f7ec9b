using System.Text.Json;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Serve;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>Members of one cluster as servers in this process, from 1 on, on ports that were free. An operator's verbs work on their folders.</summary>
internal sealed class HostedCluster : IDisposable
{
    public const int NodesMax = 3;

    private const int WaitMsMax = 60_000;

    private readonly TemporaryFolder _folder = new();
    private readonly int _firstPort = TrialCluster.FreePorts();
    private readonly ServerHost?[] _hosts = new ServerHost?[NodesMax];

    /// <param name="nodes">How many are members and ready at once.</param>
    /// <param name="first">The first one's journal is made with these; null: as always.</param>
    public HostedCluster(int nodes, JournalOptions? first = null)
    {
        if (first is not null)
            FoundWith(first);
        ClusterFounding.Found(OptionsOf(1), RaftOf(1), BulkOf(1), out _);
        Start(1);
        Wait(() => Of(1).Services.Engine.IsReady, "it leads");
        for (int node = 2; node <= nodes; node++)
        {
            Join(node);
            Start(node);
            Wait(() => Enumerable.Range(1, node).All(one => Status(one)!.Members.Count == node) && Of(node).Services.Engine.IsCaughtUp, "it is a member");
        }
    }

    public string Ledger => Folder(1).ReadNote().Ledger;

    public string FolderOf(int node) => _folder.PathOf($"node{node}");

    public ClusterFolder Folder(int node) => new(FolderOf(node));

    public string PathOf(string name) => _folder.PathOf(name);

    public string RaftOf(int node) => $"127.0.0.1:{PortOf(node) + 4}";

    public string BulkOf(int node) => $"127.0.0.1:{PortOf(node) + 5}";

    public int PortOf(int node) => _firstPort + (10 * (node - 1));

    public ServerHost Of(int node) => _hosts[node - 1] ?? throw new InvalidOperationException($"node {node} does not run");

    public ServeOptions OptionsOf(int node) => new()
    {
        Data = FolderOf(node), BinaryPort = PortOf(node), BinaryTlsPort = -1, HttpPort = PortOf(node) + 2, HttpsPort = -1,
        AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20, SnapshotEveryBytes = 0, StopMsMax = 2_000,
        Cluster = new ClusterOptions { ReadWaitMsMax = 50, TransferMsMax = 2_000 },
    };

    /// <summary>Makes the folder of a node; it becomes a member when it is started.</summary>
    public void Join(int node, bool isLearner = false)
    {
        using NodeIdentity first = NodeIdentity.Load(Folder(1).Path);
        var contact = new ClusterContact(BulkOf(1), first.Pin.ToString());
        using var client = new BulkClient(contact.Bulk, contact.Pin, first.Certificate);
        string secret = client.InviteAsync(CancellationToken.None).GetAwaiter().GetResult().Secret;
        ClusterFounding.JoinAsync(OptionsOf(node), RaftOf(node), BulkOf(node), contact, secret, isLearner, TestContext.Out.WriteLine).GetAwaiter().GetResult();
    }

    public void Start(int node) => _hosts[node - 1] = ServerHost.StartAsync(OptionsOf(node), TestContext.Out).GetAwaiter().GetResult();

    /// <summary>In order.</summary>
    public void Stop(int node)
    {
        ServerHost host = Interlocked.Exchange(ref _hosts[node - 1], null)!;
        host.StopAsync(TestContext.Out).GetAwaiter().GetResult();
        host.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Waits until a server ends by itself.</summary>
    /// <returns>Its exit code.</returns>
    public int AwaitEnd(int node, TextWriter error)
    {
        ServerHost host = Interlocked.Exchange(ref _hosts[node - 1], null)!;
        Task<int> ended = host.RunAsync(error);
        Assert.That(ended.Wait(WaitMsMax), $"node {node} ends");
        host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return ended.Result;
    }

    /// <returns>Null: it does not answer.</returns>
    public StatusReport? Status(int node) => _hosts[node - 1] is { Cluster: { } running } ? running.Status() : null;

    /// <summary>As the verb says it, of a node in a process of its own, too.</summary>
    /// <returns>Null: it does not answer.</returns>
    public StatusReport? StatusOf(int node) => Verb("status", "--json", "--data", FolderOf(node)) is { Code: 0 } said ? JsonSerializer.Deserialize(said.Output, BulkJson.Default.StatusReport) : null;

    /// <summary>Who leads, as soon as somebody does and is ready.</summary>
    public int Leader()
    {
        int leader = 0;
        Wait(() => (leader = Enumerable.Range(1, NodesMax).FirstOrDefault(node => _hosts[node - 1]?.Services.Engine.IsReady == true)) != 0, "somebody leads");
        return leader;
    }

    public (int Code, string Output, string Error) Verb(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ClusterVerbs.Create(output, error).Parse(words).Invoke();
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Asks until it is done: between two elections nobody can.</summary>
    public void Do(params string[] words)
    {
        (int Code, string Output, string Error) said = (0, "", "");
        Wait(() => (said = Verb(words)).Code == 0, "a verb succeeds", () => said.Error);
    }

    public static void Wait(Func<bool> until, string what, Func<string>? more = null, int withinMs = WaitMsMax)
    {
        long begun = Environment.TickCount64;
        while (!until())
        {
            if (Environment.TickCount64 - begun > withinMs)
                Assert.Fail($"not within {withinMs} ms: {what} {more?.Invoke()}");
            Thread.Sleep(20);
        }
    }

    public void Dispose()
    {
        for (int node = 1; node <= NodesMax; node++)
        {
            if (_hosts[node - 1] is not null)
                Stop(node);
        }

        _folder.Dispose();
    }

    private void FoundWith(JournalOptions options)
    {
        string journal = Folder(1).JournalPath, made = PathOf("made");
        Settlement.Gateway.Init.LedgerFounding.Found(made, null, 4_096, BlockClock.System);
        byte[] genesis = [];
        UInt128 ledger;
        ulong timeNs;
        using (ReplicaLog log = ReplicaLog.Open(made, JournalOptions.Default, new DiskSignals(Settlement.Engine.Ring.WaitStrategyKind.Blocking), out _))
        {
            int length = log.Read(0, ref genesis);
            Array.Resize(ref genesis, length);
            ledger = log.LedgerId;
            timeNs = log.LastTimeNs;
        }

        FasterJournal.Create(journal, ledger, timeNs, genesis.AsSpan(Settlement.Engine.Domain.BlockHeader.Size), options).Dispose();
        foreach (string key in (string[])[Settlement.Gateway.Init.NodeKeyFile.PrivateName, Settlement.Gateway.Init.NodeKeyFile.PublicName])
            File.Move(Path.Combine(made, key), Path.Combine(journal, key));
    }
}
