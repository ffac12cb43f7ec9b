using System.Net;
using Settlement.Engine.Domain;
using Settlement.Engine.Replication;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Serve;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>A member of a cluster in this process: alone it leads; with a second member that nobody runs, it never can.</summary>
internal sealed class LoneMember : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _firstPort = TrialCluster.FreePorts();
    private ServerHost? _host;

    public LoneMember()
    {
        Founded = ClusterFounding.Found(NewOptions(), $"127.0.0.1:{_firstPort + 4}", $"127.0.0.1:{_firstPort + 5}", out string pin);
        Pin = pin;
    }

    public ClusterNote Founded { get; }

    public string Pin { get; }

    public string Data => _folder.PathOf("node");

    public ClusterFolder Folder => new(Data);

    public ServerHost Host => _host ?? throw new InvalidOperationException("it does not run");

    public IPEndPoint Binary => Host.PortOf("binary");

    public Uri Http => new($"http://127.0.0.1:{_firstPort + 2}/");

    public string PathOf(string name) => _folder.PathOf(name);

    public ServeOptions NewOptions(string? data = null) => new()
    {
        Data = data ?? Data, BinaryPort = _firstPort, BinaryTlsPort = -1, HttpPort = _firstPort + 2, HttpsPort = -1,
        AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20, SnapshotEveryBytes = 0, StopMsMax = 2_000,
        Cluster = new ClusterOptions { ReadWaitMsMax = 50 },
    };

    public void Start() => _host = ServerHost.StartAsync(NewOptions(), TestContext.Out).GetAwaiter().GetResult();

    /// <summary>Starts, and waits until it leads and its operator has a key.</summary>
    public void StartLeading()
    {
        Start();
        TrialCluster.Wait(() => Host.Services.Engine.IsReady, 30_000, "it leads");
    }

    public int Stop()
    {
        ServerHost host = Interlocked.Exchange(ref _host, null)!;
        int code = host.StopAsync(TestContext.Out).GetAwaiter().GetResult();
        host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return code;
    }

    /// <summary>From the next start on there is a second voter, which is never there: no quorum.</summary>
    public void AddAbsentVoter()
    {
        MemberList members;
        long version;
        using (MembersFile file = MembersFile.Open(Folder.Path))
            (members, version) = (file.Members, file.Version);
        var absent = new PinnedEndPoint(IPAddress.Loopback, _firstPort + 14, Digest.From(new byte[32]), ["https=127.0.0.1:1"]);
        MembersFile.Create(Folder.Path, members.With(absent), version);
    }

    public (int Code, string Output, string Error) Cluster(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = ClusterVerbs.Create(output, error).Parse(words).Invoke();
        return (code, output.ToString(), error.ToString());
    }

    public void Dispose()
    {
        if (_host is not null)
            Stop();
        _folder.Dispose();
    }
}
