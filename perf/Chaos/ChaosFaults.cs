using System.Globalization;
using Settlement.Perf.Cluster;

namespace Settlement.Perf.Chaos;

/// <summary>What can go wrong with a cluster here, by chance, one after the other, some of them at once; and how all of it is made good again.</summary>
/// <remarks>
/// The sequence of faults follows from the seed; when each meets which payment does not, for processes run as the machine lets them.
/// A node that has ended is started again after a moment, as whoever watches a server does. <see cref="UnexpectedEnds"/> are those that nothing here explains.
/// </remarks>
internal sealed class ChaosFaults : IDisposable
{
    private const string NotDone = "no "; // begins the note of a fault that could not be
    private static readonly TimeSpan s_clockMax = TimeSpan.FromMinutes(25); // the ledger asks an operator beyond an hour

    private readonly LocalCluster _cluster;
    private readonly HistoryWriter _history;
    private readonly Random _random;
    private readonly List<(string Name, int Weight, Func<string> Do)> _kinds = [];
    private readonly Dictionary<string, int> _done = [];
    private readonly Dictionary<int, CallFault> _slow = [];
    private readonly HashSet<int> _excused = []; // nodes that may end by themselves: their disk was full, or failed
    private readonly List<string> _unexpectedEnds = [];
    private bool _isDiskFull;

    public ChaosFaults(LocalCluster cluster, HistoryWriter history, int seed)
    {
        (_cluster, _history, _random) = (cluster, history, new Random(seed));
        Add("kill", 5, Kill);
        Add("pause", 4, Pause);
        Add("transfer", 2, Transfer);
        Add("wipe", 1, Wipe);
        Add("partition", 4, Partition, cluster.Network is not null);
        Add("one-way", 3, OneWay, cluster.Network is not null);
        Add("flap", 2, Flap, cluster.Network is not null);
        Add("slow-disk", 3, SlowDisk, CallFault.WhyNot() is null);
        Add("write-error", 1, WriteError, CallFault.WhyNot() is null);
        Add("full-disk", 2, FullDisk, cluster.Disk is not null);
        Add("clock", 3, Clock, cluster.Clocks.Count > 0);
    }

    /// <summary>How often each kind was done.</summary>
    public IReadOnlyDictionary<string, int> Done => _done;

    /// <summary>Nodes that ended by themselves, and what they said.</summary>
    public IReadOnlyList<string> UnexpectedEnds => _unexpectedEnds;

    /// <summary>One fault, and the time that it, or what it leaves, is given; at its end a node that is down is started.</summary>
    public void Step()
    {
        int total = _kinds.Sum(kind => kind.Weight);
        int drawn = _random.Next(total);
        int at = 0;
        while (drawn >= _kinds[at].Weight)
            drawn -= _kinds[at++].Weight;
        string what = _kinds[at].Do();
        if (!what.StartsWith(NotDone, StringComparison.Ordinal))
            _done[_kinds[at].Name] = _done.GetValueOrDefault(_kinds[at].Name) + 1;
        _history.Note(what);
        Thread.Sleep(_random.Next(200, 4_000));
        // Two faults at once every now and then: with most nodes away nothing is acknowledged, and nothing may be lost.
        if (_random.Next(4) > 0)
            Heal();
    }

    /// <summary>Lines, clocks, disks and nodes are as they should be; returns when all nodes were started.</summary>
    public void Heal()
    {
        _cluster.Network?.HealAll();
        foreach (CallFault fault in _slow.Values)
            fault.Dispose();
        _slow.Clear();
        if (_isDiskFull)
            _cluster.Disk!.Empty();
        _isDiskFull = false;
        foreach (ClusterMember member in _cluster.Members)
        {
            if (member.IsPaused)
                member.Resume();
            Revive(member);
        }
    }

    /// <summary>Clocks are right again, too.</summary>
    public void HealForGood()
    {
        foreach (ClockFault clock in _cluster.Clocks)
            clock.Set(TimeSpan.Zero);
        Heal();
        foreach (ClusterMember member in _cluster.Members)
            member.WaitReady();
    }

    public void Dispose()
    {
        foreach (CallFault fault in _slow.Values)
            fault.Dispose();
    }

    private void Add(string name, int weight, Func<string> fault, bool isPossible = true)
    {
        if (isPossible)
            _kinds.Add((name, weight, fault));
    }

    /// <summary>The leader every other time, else any.</summary>
    private ClusterMember Some() => (_random.Next(2) == 0 ? _cluster.Leader() : null) ?? _cluster.Members[_random.Next(_cluster.Members.Count)];

    private void Revive(ClusterMember member)
    {
        if (member.IsRunning)
            return;
        if (member.WaitForExit(0) is { } code && !_excused.Contains(member.Number))
        {
            _unexpectedEnds.Add($"{member.Name} ended by itself with code {code}: {member.LastWords}");
            _history.Note(_unexpectedEnds[^1]);
        }

        _excused.Remove(member.Number);
        member.Start();
    }

    private string Kill()
    {
        ClusterMember member = Some();
        member.Kill();
        return $"kill {member.Name}";
    }

    private string Pause()
    {
        ClusterMember member = Some();
        if (member.IsRunning)
            member.Pause();
        return $"pause {member.Name}";
    }

    private string Transfer()
    {
        ClusterMember member = _cluster.Members[_random.Next(_cluster.Members.Count)];
        try
        {
            LocalCluster.Verb("cluster", "transfer", "--data", member.Data);
            return $"transfer, asked of {member.Name}";
        }
        catch (Common.CheckFailedException refused)
        {
            return $"{NotDone}transfer: {refused.Message}"; // an election may be under way, the node may be down
        }
    }

    /// <summary>Only when all others are well: a cluster of three that has lost one disk must not lose another before the first is back.</summary>
    private string Wipe()
    {
        Heal();
        try
        {
            _cluster.WaitAllReady();
        }
        catch (Common.CheckFailedException busy)
        {
            return $"{NotDone}wipe: {busy.Message}";
        }

        ClusterMember member = _cluster.Disk is null ? Some() : _cluster.Members[_random.Next(_cluster.Members.Count - 1)];
        member.Wipe();
        _history.Note($"wipe {member.Name}");
        _cluster.Rejoin(member);
        return $"{member.Name} joins again";
    }

    private string Partition()
    {
        ClusterMember member = Some();
        _cluster.Network!.Isolate(member.Number);
        return $"isolate {member.Name}";
    }

    private string OneWay()
    {
        (int from, int to) = Pair();
        _cluster.Network!.Cut(from, to);
        return $"cut {_cluster.Members[from].Name} to {_cluster.Members[to].Name}";
    }

    private string Flap()
    {
        (int from, int to) = Pair();
        for (int i = 0; i < 10; i++)
        {
            _cluster.Network!.Cut(from, to);
            _cluster.Network.Cut(to, from);
            Thread.Sleep(_random.Next(50, 400));
            _cluster.Network.Heal(from, to);
            _cluster.Network.Heal(to, from);
            Thread.Sleep(_random.Next(50, 400));
        }

        return $"flap {_cluster.Members[from].Name} and {_cluster.Members[to].Name}";
    }

    private string SlowDisk()
    {
        ClusterMember member = Some();
        int milliseconds = _random.Next(5, 150);
        return Trace(member, () => CallFault.Slow(member.ProcessId, TimeSpan.FromMilliseconds(milliseconds)))
            ? string.Create(CultureInfo.InvariantCulture, $"slow disk of {member.Name}: {milliseconds} ms a write") : $"{NotDone}device of {member.Name} to slow";
    }

    private string WriteError()
    {
        ClusterMember member = Some();
        if (!Trace(member, () => CallFault.Fail(member.ProcessId, "EIO")))
            return $"{NotDone}device of {member.Name} to fail";
        _excused.Add(member.Number);
        return $"write error at {member.Name}";
    }

    private string FullDisk()
    {
        _cluster.Disk!.Fill();
        _isDiskFull = true;
        _excused.Add(_cluster.Members.Count - 1);
        return $"full disk of {_cluster.Members[^1].Name}";
    }

    private string Clock()
    {
        int number = _random.Next(_cluster.Clocks.Count);
        TimeSpan offset = s_clockMax * ((_random.NextDouble() * 2) - 1);
        _cluster.Clocks[number].Set(offset);
        return string.Create(CultureInfo.InvariantCulture, $"clock of {_cluster.Members[number].Name} off by {offset.TotalSeconds:0} s");
    }

    private (int From, int To) Pair()
    {
        int from = _random.Next(_cluster.Members.Count);
        return (from, (from + 1 + _random.Next(_cluster.Members.Count - 1)) % _cluster.Members.Count);
    }

    private bool Trace(ClusterMember member, Func<CallFault> trace)
    {
        if (!member.IsRunning || member.IsPaused || _slow.ContainsKey(member.Number))
            return false;
        try
        {
            _slow.Add(member.Number, trace());
            return true;
        }
        catch (Exception gone) when (gone is Common.CheckFailedException or IOException)
        {
            return false;
        }
    }
}
