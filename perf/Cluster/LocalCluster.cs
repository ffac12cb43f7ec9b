using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Settlement.Client;
using Settlement.Gateway;
using Settlement.Gateway.Cluster;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>How a cluster on one machine is made.</summary>
/// <param name="Folder">Holds everything; stays the caller's.</param>
internal sealed record ClusterPlan(string Folder)
{
    public int Nodes { get; init; } = 3;

    /// <summary>Nodes have a network of their own, whose lines can be cut; clients then come by TLS, for nothing in the clear leaves a machine.</summary>
    public bool HasNetwork { get; init; }

    /// <summary>Nodes have clocks of their own.</summary>
    public bool HasClocks { get; init; }

    /// <summary>Each node has a small disk of its own, of so many bytes; 0: they share the machine's.</summary>
    public long DiskBytes { get; init; }

    public int AccountsMax { get; init; } = 100_000;

    /// <summary>Settings of every node, as variables of the environment name them.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings { get; init; } = [];
}

/// <summary>Nodes of one cluster, each a process on this machine, made by the verbs that an operator uses; gone, processes and network, when it is disposed of.</summary>
/// <remarks>Failure assumed: any node may be down, paused or cut off at any moment; whatever is asked has a bound.</remarks>
internal sealed class LocalCluster : IDisposable
{
    private const int WaitMsMax = 180_000;

    private readonly ClusterPlan _plan;
    private readonly ClusterMember[] _members;
    private readonly ClockFault[] _clocks;
    private readonly List<DiskImage> _disks = [];

    private LocalCluster(ClusterPlan plan)
    {
        _plan = plan;
        Network = plan.HasNetwork ? new NodeNetwork(plan.Nodes) : null;
        _clocks = plan.HasClocks ? [.. Enumerable.Range(0, plan.Nodes).Select(number => new ClockFault(Path.Combine(plan.Folder, $"clock{number + 1}")))] : [];
        _members = new ClusterMember[plan.Nodes];
        int[] ports = plan.HasNetwork ? [] : FreePorts(4 * plan.Nodes);
        for (int i = 0; i < plan.Nodes; i++)
        {
            MemberPorts at = Network is { } network
                ? new MemberPorts(network.AddressOf(i), 7720, 7721, -1, 7711, -1, 7443)
                : new MemberPorts(IPAddress.Loopback, ports[4 * i], ports[(4 * i) + 1], ports[(4 * i) + 2], -1, ports[(4 * i) + 3], -1);
            IEnumerable<(string, string)> clock = plan.HasClocks ? _clocks[i].Variables() : [];
            _members[i] = new ClusterMember(i, plan.Folder, at, Network?.Words(i) ?? [], [.. plan.Settings, .. clock]);
        }
    }

    public IReadOnlyList<ClusterMember> Members => _members;

    /// <summary>Null: all are on loopback.</summary>
    public NodeNetwork? Network { get; }

    /// <summary>A clock a node; none where they have the machine's.</summary>
    public IReadOnlyList<ClockFault> Clocks => _clocks;

    /// <summary>A disk a node; none where they share the machine's.</summary>
    public IReadOnlyList<DiskImage> Disks => _disks;

    /// <summary>Of the operator's first session.</summary>
    public string OperatorKeyFile => Path.Combine(_plan.Folder, "operator.pem");

    public UInt128 LedgerId { get; private set; }

    /// <summary>Makes the nodes and starts them; returns when one leads and all have caught up.</summary>
    /// <exception cref="CheckFailedException">It does not get that far; says why.</exception>
    public static LocalCluster Start(ClusterPlan plan)
    {
        var cluster = new LocalCluster(plan);
        try
        {
            cluster.Found();
            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    /// <summary>Runs a verb of the gateway's, here; what it printed.</summary>
    /// <exception cref="CheckFailedException">It refuses; says its sentence.</exception>
    public static string Verb(params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return GatewayCommands.Run(words, output, error) == 0 ? output.ToString() : throw new CheckFailedException($"`{string.Join(' ', words)}`: {error.ToString().Trim()}");
    }

    /// <summary>Options by which a client finds whoever leads.</summary>
    /// <param name="keyFile">Of its session.</param>
    public ClientOptions ClientOptions(string keyFile)
    {
        string[] all = [.. _members.Select(member => $"{member.Ports.Address}:{(Network is null ? member.Ports.Binary : member.Ports.BinaryTls).ToString(CultureInfo.InvariantCulture)}")];
        int colon = all[0].LastIndexOf(':');
        return new ClientOptions
        {
            Host = all[0][..colon], Port = int.Parse(all[0][(colon + 1)..], CultureInfo.InvariantCulture), OtherNodes = all[1..], KeyFile = keyFile,
            Plain = Network is null, ServerCertificateFile = Network is null ? null : Certificates(),
            ReconnectPause = TimeSpan.FromMilliseconds(20), Deadline = TimeSpan.FromSeconds(60), ListsAll = true,
        };
    }

    public ClientOptions OperatorOptions => ClientOptions(OperatorKeyFile);

    /// <summary>Who says that it leads, in the highest term; null: nobody does.</summary>
    public ClusterMember? Leader()
    {
        (ClusterMember Member, StatusReport Status)[] leading = [.. Statuses().Where(one => one.Status.Role == "leader")];
        return leading.Length == 0 ? null : leading.MaxBy(one => one.Status.Term).Member;
    }

    public IEnumerable<ClusterMember> Followers()
    {
        ClusterMember? leader = Leader();
        return _members.Where(member => member != leader);
    }

    public IReadOnlyList<(ClusterMember Member, StatusReport Status)> Statuses() =>
        [.. _members.AsParallel().AsOrdered().WithDegreeOfParallelism(_members.Length).Select(member => (Member: member, Status: member.Status())).Where(one => one.Status is not null).Select(one => (one.Member, one.Status!))];

    /// <exception cref="CheckFailedException">Nobody leads in time.</exception>
    public ClusterMember WaitLeader(ClusterMember? butNot = null, int milliseconds = WaitMsMax)
    {
        ClusterMember? leader = null;
        WaitUntil(() => (leader = Leader()) is not null && leader != butNot, milliseconds, () => "nobody leads");
        return leader!;
    }

    /// <summary>Until all nodes run, know one leader, and have applied the same block, which is all that there is. No payment may be under way.</summary>
    /// <exception cref="CheckFailedException">They do not in time.</exception>
    public void WaitCaughtUp(int milliseconds = WaitMsMax)
    {
        WaitUntil(
            () =>
            {
                IReadOnlyList<(ClusterMember, StatusReport Status)> all = Statuses();
                return all.Count == _members.Length && all.Count(one => one.Status.Role == "leader") == 1
                    && all.All(one => one.Status.AppliedBlock == all[0].Status.LastBlock && one.Status.LastBlock == all[0].Status.LastBlock && one.Status.IsReady);
            },
            milliseconds,
            Describe);
    }

    /// <summary>Until all nodes run, know one leader, and are ready: as far as can be said while payments come.</summary>
    /// <exception cref="CheckFailedException">They are not in time.</exception>
    public void WaitAllReady(int milliseconds = WaitMsMax) => WaitUntil(
        () =>
        {
            IReadOnlyList<(ClusterMember, StatusReport Status)> all = Statuses();
            return all.Count == _members.Length && all.Count(one => one.Status.Role == "leader") == 1 && all.All(one => one.Status.IsReady);
        },
        milliseconds,
        Describe);

    /// <summary>Whether a node shows this certificate to its clients.</summary>
    public bool IsShown(X509Certificate certificate) => _members.Select(member => Path.Combine(member.Data, "tls", "server.pem")).Where(File.Exists).Any(path =>
    {
        using X509Certificate2 shown = X509CertificateLoader.LoadCertificateFromFile(path);
        return shown.RawDataMemory.Span.SequenceEqual(certificate.GetRawCertData());
    });

    /// <summary>One line a node, for a message.</summary>
    public string Describe() => string.Join("; ", _members.Select(member => member.Status() is { } status
        ? string.Create(CultureInfo.InvariantCulture, $"{member.Name} is {status.Role} in term {status.Term}, block {status.LastBlock}, committed {status.CommittedBlock}, applied {status.AppliedBlock}{(status.IsReady ? "" : ", not ready")}")
        : $"{member.Name} {(member.IsPaused ? "is paused" : member.IsRunning ? "does not answer" : "is down")}"));

    /// <summary>
    /// A node that lost its disk begins again: its old self is removed, and it joins with an empty folder and another identity. What is refused because leaders change is tried again, all of
    /// it, as an operator would; returns when it is a member.
    /// </summary>
    /// <exception cref="CheckFailedException">It does not become one in time.</exception>
    public void Rejoin(ClusterMember member)
    {
        for (var watch = Stopwatch.StartNew(); ; member.Wipe())
        {
            try
            {
                RejoinOnce(member);
                return;
            }
            catch (CheckFailedException) when (watch.ElapsedMilliseconds < 3 * WaitMsMax)
            {
                Thread.Sleep(500);
            }
        }
    }

    /// <summary>All processes stand still, so that their files can be read as a crash would leave them; <see cref="GoOn"/> ends it.</summary>
    public void StandStill()
    {
        foreach (ClusterMember member in _members.Where(member => member.IsRunning))
            member.Pause();
    }

    /// <summary>What <see cref="StandStill"/> stopped runs again.</summary>
    public void GoOn()
    {
        foreach (ClusterMember member in _members.Where(member => member.IsPaused))
            member.Resume();
    }

    /// <summary>Asks again and again until something holds.</summary>
    public static void WaitUntil(Func<bool> holds, int milliseconds, Func<string> otherwise)
    {
        for (var watch = Stopwatch.StartNew(); !holds(); Thread.Sleep(20))
        {
            if (watch.ElapsedMilliseconds > milliseconds)
                throw new CheckFailedException($"after {milliseconds / 1000} s: {otherwise()}");
        }
    }

    public void Dispose()
    {
        foreach (ClusterMember? member in _members)
            member?.Dispose();
        Network?.Dispose();
        foreach (DiskImage disk in _disks)
            disk.Dispose();
    }

    private void RejoinOnce(ClusterMember member)
    {
        ClusterMember other = WaitLeader(butNot: member);
        if (other.Status()?.Members.Any(one => one.Raft == member.Ports.RaftAddress) == true)
            Verb("cluster", "remove", "--data", other.Data, member.Ports.RaftAddress);
        Join(member, other);
        member.Start();
        member.WaitReady();
        WaitUntil(() => Leader()?.Status()?.Members.Any(one => one.Raft == member.Ports.RaftAddress) == true, WaitMsMax, () => $"{member.Name} did not become a member again: {member.LastWords}; {Describe()}");
    }

    private void Found()
    {
        foreach (ClusterMember member in _plan.DiskBytes > 0 ? _members : [])
            _disks.Add(new DiskImage(Path.Combine(_plan.Folder, $"{member.Name}.image"), member.Root, _plan.DiskBytes));
        ClusterMember first = _members[0];
        Verb(["cluster", "init", "--data", first.Data, "--capacity", _plan.AccountsMax.ToString(CultureInfo.InvariantCulture), .. PortWords(first)]);
        first.Start();
        first.WaitReady();
        WaitLeader();
        WaitUntil(() => File.Exists(Path.Combine(first.Data, "keys", "operator.pem")), WaitMsMax, () => "the first node made no key for its operator");
        File.Copy(Path.Combine(first.Data, "keys", "operator.pem"), OperatorKeyFile);
        StatusReport? status = null;
        WaitUntil(() => (status = first.Status()) is not null, WaitMsMax, Describe);
        LedgerId = UInt128.Parse(status!.Ledger, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        foreach (ClusterMember member in _members[1..])
        {
            Join(member, first);
            member.Start();
            member.WaitReady();
            WaitUntil(() => first.Status()?.Members.Count > member.Number, WaitMsMax, () => $"{member.Name} did not become a member: {member.LastWords}; {Describe()}");
        }

        WaitCaughtUp();
    }

    /// <summary>By the line that `cluster add` prints, as an operator types it.</summary>
    private static void Join(ClusterMember member, ClusterMember by)
    {
        string line = Verb("cluster", "add", "--data", by.Data).Split('\n')[0];
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string Of(string name) => words[Array.IndexOf(words, name) + 1];
        Verb(["cluster", "join", "--data", member.Data, "--from", Of("--from"), "--pin", Of("--pin"), "--secret", Of("--secret"), .. PortWords(member)]);
    }

    private static string[] PortWords(ClusterMember member)
    {
        MemberPorts ports = member.Ports;
        string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
        return
        [
            "--address", ports.RaftAddress, "--bulk-port", Text(ports.Bulk), "--binary-port", Text(ports.Binary), "--binary-tls-port", Text(ports.BinaryTls), "--http-port", Text(ports.Http), "--https-port", Text(ports.Https),
        ];
    }

    /// <summary>The certificates that nodes show to clients, in one file; a wiped node has another one.</summary>
    private string Certificates()
    {
        var all = new StringBuilder();
        foreach (string shown in _members.Select(member => Path.Combine(member.Data, "tls", "server.pem")).Where(File.Exists))
            all.AppendLine(File.ReadAllText(shown));
        string path = Path.Combine(_plan.Folder, "nodes.pem");
        File.WriteAllText(path, all.ToString());
        return path;
    }

    /// <summary>Free now; all are held until the last is known, so that none is given twice.</summary>
    private static int[] FreePorts(int count)
    {
        TcpListener[] held = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener one in held)
                one.Start();
            return [.. held.Select(one => ((IPEndPoint)one.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener one in held)
                one.Stop();
        }
    }
}
