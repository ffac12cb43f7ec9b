using System.Globalization;
using System.Net;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>
/// A network of its own: a namespace a node, joined by a bridge that this process has an address at. Any direction between two nodes can be cut, for itself alone.
/// </summary>
/// <remarks>
/// A direction is cut by a false hardware address in the sender's table of neighbours: what it sends is lost without a word, as on a broken line, while the other direction goes on.
/// That needs nothing of the kernel but namespaces, where packet filters and netem are modules that many machines lack.
/// Needs root and `ip`; <see cref="WhyNot"/> says what is missing. Failure assumed: a run before this one may have been killed; names carry the process' id, so nothing is in the way.
/// </remarks>
internal sealed class NodeNetwork : IDisposable
{
    private const string NoSuchHardware = "02:00:00:00:00:fe";
    private static int s_made;

    private readonly string _bridge;
    private readonly string _prefix; // of addresses: 10.a.b.
    private readonly string _name;
    private readonly int _nodes;
    private readonly HashSet<(int From, int To)> _cuts = [];
    private readonly Lock _gate = new();

    public NodeNetwork(int nodes)
    {
        _nodes = nodes;
        _name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId % 100_000}{(char)('a' + (Interlocked.Increment(ref s_made) % 26))}");
        _bridge = $"stb{_name}";
        _prefix = FreePrefix();
        try
        {
            Build();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux())
            return "network namespaces are Linux's";
        string name = string.Create(CultureInfo.InvariantCulture, $"stprobe{Environment.ProcessId}");
        (int code, string said) = ShellCommand.Try("ip", "netns", "add", name);
        if (code != 0)
            return $"`ip netns add` is not possible here ({said.Trim()}): it needs root and iproute2";
        (code, said) = ShellCommand.Try("ip", "link", "add", $"stp{Environment.ProcessId % 100_000}", "type", "veth", "peer", "name", "eth0", "netns", name);
        ShellCommand.Try("ip", "netns", "del", name);
        return code == 0 ? null : $"`ip link add … type veth` is not possible here ({said.Trim()})";
    }

    /// <param name="node">From 0.</param>
    public IPAddress AddressOf(int node) => IPAddress.Parse($"{_prefix}{(node + 1).ToString(CultureInfo.InvariantCulture)}");

    /// <summary>What stands in front of a command that is to run at a node.</summary>
    public string[] Words(int node) => ["ip", "netns", "exec", NameOf(node)];

    /// <summary>From now on nothing that one node sends to the other arrives.</summary>
    public void Cut(int from, int to)
    {
        lock (_gate)
        {
            if (_cuts.Add((from, to)))
                ShellCommand.Run("ip", "-n", NameOf(from), "neigh", "replace", AddressOf(to).ToString(), "lladdr", NoSuchHardware, "dev", "eth0", "nud", "permanent");
        }
    }

    public void Heal(int from, int to)
    {
        lock (_gate)
        {
            if (_cuts.Remove((from, to)))
                ShellCommand.Run("ip", "-n", NameOf(from), "neigh", "del", AddressOf(to).ToString(), "dev", "eth0");
        }
    }

    /// <summary>One node hears no other, nor is heard by one. Clients reach it as before.</summary>
    public void Isolate(int node)
    {
        for (int other = 0; other < _nodes; other++)
        {
            if (other != node)
            {
                Cut(node, other);
                Cut(other, node);
            }
        }
    }

    public void HealAll()
    {
        (int From, int To)[] all;
        lock (_gate)
            all = [.. _cuts];
        foreach ((int from, int to) in all)
            Heal(from, to);
    }

    public void Dispose()
    {
        for (int node = 0; node < _nodes; node++)
            ShellCommand.Try("ip", "netns", "del", NameOf(node)); // takes its end of the line with it
        ShellCommand.Try("ip", "link", "del", _bridge);
    }

    private string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"st{_name}-{node + 1}");

    private void Build()
    {
        ShellCommand.Run("ip", "link", "add", _bridge, "type", "bridge");
        ShellCommand.Run("ip", "addr", "add", $"{_prefix}254/24", "dev", _bridge);
        ShellCommand.Run("ip", "link", "set", _bridge, "up");
        for (int node = 0; node < _nodes; node++)
        {
            string name = NameOf(node);
            string line = string.Create(CultureInfo.InvariantCulture, $"stv{_name}{node + 1}");
            ShellCommand.Run("ip", "netns", "add", name);
            ShellCommand.Run("ip", "link", "add", line, "type", "veth", "peer", "name", "eth0", "netns", name);
            ShellCommand.Run("ip", "link", "set", line, "master", _bridge, "up");
            ShellCommand.Run("ip", "-n", name, "addr", "add", $"{AddressOf(node)}/24", "dev", "eth0");
            ShellCommand.Run("ip", "-n", name, "link", "set", "eth0", "up");
            ShellCommand.Run("ip", "-n", name, "link", "set", "lo", "up");
        }
    }

    /// <summary>10.a.b. that no route of this machine has.</summary>
    private static string FreePrefix()
    {
        string routes = ShellCommand.Run("ip", "-4", "route");
        for (int tried = 0; tried < 1_000; tried++)
        {
            string prefix = string.Create(CultureInfo.InvariantCulture, $"10.{200 + Random.Shared.Next(50)}.{Random.Shared.Next(256)}.");
            if (!routes.Contains(prefix, StringComparison.Ordinal))
                return prefix;
        }

        throw new CheckFailedException("no free network 10.200.0.0 to 10.249.255.0 was found for the nodes");
    }
}
