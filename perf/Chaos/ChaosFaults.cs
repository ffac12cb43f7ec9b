using System.Globalization;
using Settlement.Gateway.Settle;
using Settlement.Perf.Cluster;

namespace Settlement.Perf.Chaos;

/// <summary>What can go wrong with a cluster here, by chance, one after the other, some of them at once; and how all of it is made good again.</summary>
/// <remarks>
/// The order of the kinds, and what each fault draws, follow from the seed; who leads when one strikes, and which payment it meets, do not, for processes run as the machine lets them.
/// A node whose disk refuses a write must end at once and say so: it is waited for, and <see cref="Wrongs"/> names one that goes on. A node that has ended is started again,
/// as whoever watches a server does; one that ended and nothing here explains it is named, too.
/// </remarks>
internal sealed class ChaosFaults : IDisposable
{
    private const int StopMsMax = 120_000;
    private const int QuietMsMax = 600_000; // nobody leads, and nothing is written: a node cannot meet its disk
    private static readonly TimeSpan s_clockMax = TimeSpan.FromMinutes(25); // the ledger asks an operator beyond an hour

    /// <summary>A node whose disk refuses writes from now on.</summary>
    /// <param name="Words">That its last words must have one of.</param>
    /// <param name="Trace">What refuses them; null: it is full.</param>
    private sealed record Failing(string What, string[] Words, CallFault? Trace);

    private readonly LocalCluster _cluster;
    private readonly HistoryWriter _history;
    private readonly Random _random;
    private readonly int _lastMsMax;
    private readonly FaultDeck _deck;
    private readonly Dictionary<string, Func<Random, (bool IsDone, string What)>> _kinds = [];
    private readonly Dictionary<string, int> _done = [];
    private readonly Dictionary<int, CallFault> _slow = []; // by node
    private readonly Dictionary<int, Failing> _failing = []; // by node
    private readonly List<string> _wrongs = [];

    /// <param name="cluster">With all that this machine has for it.</param>
    /// <param name="history">Where the faults stand as comments.</param>
    /// <param name="seed">Of all of them.</param>
    /// <param name="lastMsMax">How long a fault lasts at most before the next one or the healing.</param>
    public ChaosFaults(LocalCluster cluster, HistoryWriter history, int seed, int lastMsMax)
    {
        (_cluster, _history, _random, _lastMsMax) = (cluster, history, new Random(seed), lastMsMax);
        bool hasNetwork = cluster.Network is not null;
        bool canTrace = CallFault.WhyNot() is null;
        (string Name, int Weight, Func<Random, (bool, string)> Do, bool IsPossible)[] all =
        [
            ("kill", 5, Kill, true), ("pause", 4, Pause, true), ("transfer", 2, Transfer, true), ("wipe", 1, Wipe, true),
            ("partition", 4, Partition, hasNetwork), ("one-way", 3, OneWay, hasNetwork), ("flap", 2, Flap, hasNetwork),
            ("slow-disk", 3, SlowDisk, canTrace), ("write-error", 2, WriteError, canTrace), ("full-disk", 2, FullDisk, cluster.Disks.Count > 0), ("clock", 3, Clock, cluster.Clocks.Count > 0),
        ];
        foreach ((string name, _, Func<Random, (bool, string)> fault, bool isPossible) in all)
        {
            if (isPossible)
                _kinds.Add(name, fault);
        }

        _deck = new FaultDeck(new Random(seed), all.Where(one => one.IsPossible).Select(one => (one.Name, one.Weight)));
    }

    /// <summary>How often each kind was done.</summary>
    public IReadOnlyDictionary<string, int> Done => _done;

    /// <summary>Kinds that are possible here and have not been done.</summary>
    public IReadOnlyList<string> NotDone => [.. _kinds.Keys.Where(kind => !_done.ContainsKey(kind))];

    /// <summary>Nodes that ended by themselves, or did not when they should have, and what they said.</summary>
    public IReadOnlyList<string> Wrongs => _wrongs;

    /// <summary>Nodes that ended as they should because their disk refused a write; each was started again.</summary>
    public int Stops { get; private set; }

    /// <summary>One fault, and the time that it, or what it leaves, is given; then, mostly, everything is healed.</summary>
    public void Step()
    {
        var random = new Random(_random.Next()); // its own: however much a fault draws, the next one draws the same
        string kind = _deck.Draw();
        (bool isDone, string what) = _kinds[kind](random);
        _history.Note(isDone ? what : $"no {kind} now: {what}");
        if (isDone)
            _done[kind] = _done.GetValueOrDefault(kind) + 1;
        else
            _deck.PutBack(kind);
        Thread.Sleep(random.Next(200, _lastMsMax));
        // Two faults at once every now and then: with most nodes away nothing is acknowledged, and nothing may be lost.
        if (random.Next(4) > 0)
            Heal();
    }

    /// <summary>Lines, disks and nodes are as they should be; returns when all nodes were started. Clocks stay as they are until they are set again.</summary>
    public void Heal()
    {
        _cluster.Network?.HealAll();
        foreach (CallFault fault in _slow.Values)
            fault.Dispose();
        _slow.Clear();
        foreach (ClusterMember member in _cluster.Members)
        {
            if (member.IsPaused)
                member.Resume();
            if (!_failing.ContainsKey(member.Number))
                Revive(member);
        }

        foreach ((int number, Failing failing) in _failing)
            End(_cluster.Members[number], failing);
        _failing.Clear();
    }

    /// <summary>Clocks are right again, too, and all nodes serve.</summary>
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
        foreach (CallFault? fault in _slow.Values.Concat(_failing.Values.Select(failing => failing.Trace)))
            fault?.Dispose();
    }

    /// <summary>The leader every other time, else any.</summary>
    private ClusterMember Some(Random random)
    {
        bool isLeader = random.Next(2) == 0;
        ClusterMember any = _cluster.Members[random.Next(_cluster.Members.Count)];
        return (isLeader ? _cluster.Leader() : null) ?? any;
    }

    private (int From, int To) Pair(Random random)
    {
        int from = random.Next(_cluster.Members.Count);
        return (from, (from + 1 + random.Next(_cluster.Members.Count - 1)) % _cluster.Members.Count);
    }

    private void Revive(ClusterMember member)
    {
        if (member.IsRunning)
            return;
        if (member.WaitForExit(0) is { } code)
            Wrong($"{member.Name} ended by itself with code {code}: {member.LastWords}");
        member.Start();
    }

    /// <summary>Sees a node whose disk refuses writes end in order, gives it a good disk, and starts it.</summary>
    private void End(ClusterMember member, Failing failing)
    {
        long answers = _history.AnswerCount;
        int? ended;
        for (long begun = Environment.TickCount64; (ended = member.WaitForExit(100)) is null && member.IsRunning;)
        {
            // A log whose end was cut has a device of its own again, with another thread.
            if (failing.Trace is { IsAttached: false } lost && FailWrites(member) is { } again)
            {
                lost.Dispose();
                failing = failing with { Trace = again };
            }

            long waitedMs = Environment.TickCount64 - begun;
            if (waitedMs > QuietMsMax || (waitedMs > StopMsMax && _history.AnswerCount > answers))
                break;
        }

        if (ended is { } code)
        {
            bool isSaid = failing.Words.Any(word => member.LastWords.Contains(word, StringComparison.OrdinalIgnoreCase));
            if (code == SettleCommand.ExitEngineStopped && isSaid)
                Stops++;
            else
                Wrong($"{member.Name}, {failing.What}, ended with code {code}, {(isSaid ? "" : "not ")}saying why: {member.LastWords}");
            _history.Note($"{member.Name} stopped, {failing.What}");
        }
        else if (member.IsRunning)
        {
            Wrong($"{member.Name} went on for two minutes, {failing.What}, while {_history.AnswerCount - answers} verdicts were told: {member.LastWords}");
            member.Kill();
        }

        failing.Trace?.Dispose();
        if (failing.Trace is null)
            _cluster.Disks[member.Number].Empty();
        member.Start();
    }

    private void Wrong(string what)
    {
        _wrongs.Add(what);
        _history.Note($"WRONG: {what}");
    }

    private (bool, string) Kill(Random random)
    {
        ClusterMember member = Some(random);
        if (!member.IsRunning)
            return (false, $"{member.Name} is down");
        member.Kill();
        return (true, $"kill {member.Name}");
    }

    private (bool, string) Pause(Random random)
    {
        ClusterMember member = Some(random);
        if (!member.IsRunning || member.IsPaused || _failing.ContainsKey(member.Number))
            return (false, $"{member.Name} does not run");
        member.Pause();
        return (true, $"pause {member.Name}");
    }

    private (bool, string) Transfer(Random random)
    {
        ClusterMember member = _cluster.Members[random.Next(_cluster.Members.Count)];
        try
        {
            LocalCluster.Verb("cluster", "transfer", "--data", member.Data);
            return (true, $"transfer, asked of {member.Name}");
        }
        catch (Common.CheckFailedException refused)
        {
            return (false, refused.Message); // an election may be under way, the node may be down
        }
    }

    /// <summary>
    /// Only when all others are well: a cluster of three that has lost one disk must not lose another before the first is back. The last node is spared: its journal is the one that is
    /// there from the beginning, and all others are held against it.
    /// </summary>
    private (bool, string) Wipe(Random random)
    {
        ClusterMember member = _cluster.Members[random.Next(_cluster.Members.Count - 1)];
        Heal();
        try
        {
            _cluster.WaitAllReady();
        }
        catch (Common.CheckFailedException busy)
        {
            return (false, busy.Message);
        }

        member.Wipe();
        _history.Note($"wipe {member.Name}");
        _cluster.Rejoin(member);
        return (true, $"{member.Name} joins again");
    }

    private (bool, string) Partition(Random random)
    {
        ClusterMember member = Some(random);
        _cluster.Network!.Isolate(member.Number);
        return (true, $"isolate {member.Name}");
    }

    private (bool, string) OneWay(Random random)
    {
        (int from, int to) = Pair(random);
        _cluster.Network!.Cut(from, to);
        return (true, $"cut {_cluster.Members[from].Name} to {_cluster.Members[to].Name}");
    }

    private (bool, string) Flap(Random random)
    {
        (int from, int to) = Pair(random);
        for (int i = 0; i < 10; i++)
        {
            _cluster.Network!.Cut(from, to);
            _cluster.Network.Cut(to, from);
            Thread.Sleep(random.Next(50, _lastMsMax / 10));
            _cluster.Network.Heal(from, to);
            _cluster.Network.Heal(to, from);
            Thread.Sleep(random.Next(50, _lastMsMax / 10));
        }

        return (true, $"flap {_cluster.Members[from].Name} and {_cluster.Members[to].Name}");
    }

    private (bool, string) SlowDisk(Random random)
    {
        ClusterMember member = Some(random);
        int milliseconds = random.Next(5, 150);
        if (!CanFail(member) || Trace(() => CallFault.Slow(member.ProcessId, TimeSpan.FromMilliseconds(milliseconds))) is not { } fault)
            return (false, $"{member.Name} has no device to slow");
        _slow.Add(member.Number, fault);
        return (true, string.Create(CultureInfo.InvariantCulture, $"slow disk of {member.Name}: {milliseconds} ms a write"));
    }

    private (bool, string) WriteError(Random random)
    {
        ClusterMember member = Some(random);
        if (!CanFail(member) || FailWrites(member) is not { } fault)
            return (false, $"{member.Name} has no device to fail");
        _failing.Add(member.Number, new Failing("whose writes fail", ["errno 5"], fault));
        return (true, $"write error at {member.Name}");
    }

    private (bool, string) FullDisk(Random random)
    {
        ClusterMember member = Some(random);
        if (!CanFail(member))
            return (false, $"{member.Name} has no disk to fill");
        _cluster.Disks[member.Number].Fill();
        _failing.Add(member.Number, new Failing("whose disk is full", ["errno 28", "no space left", "disk full"], null));
        return (true, $"full disk of {member.Name}");
    }

    private (bool, string) Clock(Random random)
    {
        int number = random.Next(_cluster.Clocks.Count);
        TimeSpan offset = s_clockMax * ((random.NextDouble() * 2) - 1);
        _cluster.Clocks[number].Set(offset);
        return (true, string.Create(CultureInfo.InvariantCulture, $"clock of {_cluster.Members[number].Name} off by {offset.TotalSeconds:0} s"));
    }

    /// <summary>It takes part, so that it writes, and nothing is wrong with its disk yet.</summary>
    private bool CanFail(ClusterMember member) => !_slow.ContainsKey(member.Number) && !_failing.ContainsKey(member.Number) && member.Status() is { IsReady: true };

    private static CallFault? FailWrites(ClusterMember member) => Trace(() => CallFault.Fail(member.ProcessId, "EIO"));

    /// <returns>Null: the node has no device now.</returns>
    private static CallFault? Trace(Func<CallFault> trace)
    {
        try
        {
            return trace();
        }
        catch (Exception gone) when (gone is Common.CheckFailedException or IOException)
        {
            return null;
        }
    }
}
