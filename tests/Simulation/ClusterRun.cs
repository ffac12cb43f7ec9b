using System.Globalization;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// One run of several replicas: clients, operators, clocks, disks, network and consensus, all of one seed.
/// </summary>
/// <remarks>
/// What must hold: what was told is in the journal of every replica once all are well again, in the same place; no two replicas ever commit different blocks, publish different
/// batches or come to different states; damage to one replica's disk is found, and that replica made anew from the others.
/// Time: leaders speak every second, elections come after 3 to 5; clients act every few seconds.
/// </remarks>
internal sealed partial class ClusterRun : IDisposable
{
    private const ulong StartNs = 1_768_473_000 * Limits.NsPerSecond; // 2026-01-15 10:30 UTC
    private const ulong HeartbeatNs = Limits.NsPerSecond;

    private enum HappeningKind
    {
        Arrival,
        Election,
        Heartbeat,
        Restart,
        Step,
    }

    private readonly record struct Happening(HappeningKind Kind, int Replica, long Generation, ClusterMessage? Message);

    private readonly SimulationPlan _plan;
    private readonly TraceHash _trace;
    private readonly RunFigures _figures;
    private readonly SeededRandom _random;
    private readonly SeededRandom _power;
    private readonly Workload _workload;
    private readonly Witness _witness = new();
    private readonly SimulatedNetwork _network;
    private readonly string _folder;
    private readonly ClusterReplica[] _replicas;
    private readonly long[] _generations;
    private readonly int[] _cutStepsLeft;
    private readonly bool[] _cutsAfterVote;
    private readonly bool[] _comesBackSoon;
    private readonly Dictionary<ulong, (uint Crc, ulong Term)> _committed = [];
    private readonly PriorityQueue<Happening, (ulong TimeNs, long Order)> _queue = new();
    private readonly Claim[] _cast;
    private int _castAnswered;
    private bool _isCastSent;
    private long _order;
    private ulong _nowNs = StartNs;
    private int _step;

    public ClusterRun(string folder, SimulationPlan plan, TraceHash trace, RunFigures figures, Mutant mutant)
    {
        (_folder, _plan, _trace, _figures) = (folder, plan, trace, figures);
        _random = new SeededRandom(plan.SeedOf("run"));
        _power = new SeededRandom(plan.SeedOf("power"));
        _network = new SimulatedNetwork(new SeededRandom(plan.SeedOf("network")), plan.Replicas);
        _workload = new Workload(new SeededRandom(plan.SeedOf("workload")), plan.IsBulky);
        _cast = [.. _workload.Cast()];
        _replicas = [.. Enumerable.Range(0, plan.Replicas).Select(index => NewReplica(index, mutant))];
        _generations = new long[plan.Replicas];
        _cutStepsLeft = new int[plan.Replicas];
        _cutsAfterVote = new bool[plan.Replicas];
        _comesBackSoon = new bool[plan.Replicas];
    }

    private ClusterReplica NewReplica(int index, Mutant mutant)
    {
        string folder = FolderOf(index);
        Directory.CreateDirectory(folder);
        var disk = new SimulatedDisk(folder) { IsFlushSkipped = mutant == Mutant.SkipFlush };
        return new ClusterReplica(index, _plan.Replicas, folder, disk, mutant)
        {
            Send = Send,
            Answered = Answer,
            NotAnswered = NotAnswered,
            Published = Publish,
            OnApplied = header => CheckCommitted(index, header),
            CutStep = step => CutsPower(index, step),
        };
    }

    private string FolderOf(int index) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"replica{index}"));

    public int Struck { get; private set; }

    public void Run()
    {
        foreach (ClusterReplica replica in _replicas)
        {
            replica.Create(StartNs);
            replica.Open();
            Schedule(0, new Happening(HappeningKind.Restart, replica.Index, 0, null));
        }

        Schedule(0, new Happening(HappeningKind.Step, 0, 0, null));
        while (_step < _plan.Steps)
            Next();
        Heal();
        Finish();
    }

    private void Schedule(ulong inNs, Happening happening) => _queue.Enqueue(happening, (_nowNs + inNs, _order++));

    private void Next()
    {
        if (!_queue.TryDequeue(out Happening happening, out (ulong TimeNs, long Order) at))
            throw new InvalidOperationException("nothing is left to happen");
        _figures.SimulatedNs += at.TimeNs - _nowNs;
        _nowNs = at.TimeNs;
        ClusterReplica replica = _replicas[happening.Replica];
        if (happening.Kind == HappeningKind.Step)
        {
            Step();
            return;
        }

        if (happening.Kind == HappeningKind.Restart)
        {
            if (!replica.IsUp)
                Restart(replica);
            if (replica.IsUp && happening.Generation == 0)
                BeginTimers(replica);
            return;
        }

        if (!replica.IsUp || (happening.Kind != HappeningKind.Arrival && happening.Generation != _generations[replica.Index]))
            return;
        Guarded(replica, () => Happen(replica, happening));
    }

    private void Happen(ClusterReplica replica, Happening happening)
    {
        switch (happening.Kind)
        {
            case HappeningKind.Arrival:
                bool wasLeading = replica.IsLeading;
                bool isHeard = replica.Take(happening.Message!);
                if (!wasLeading && replica.IsLeading)
                    BeginToLead(replica);
                else if (isHeard || (wasLeading && !replica.IsLeading))
                    BeginTimers(replica);
                if (isHeard && happening.Message!.Kind == MessageKind.AskVote && _cutsAfterVote[replica.Index])
                {
                    (_cutsAfterVote[replica.Index], _comesBackSoon[replica.Index]) = (false, true);
                    throw new SimulatedPowerCut();
                }

                break;
            case HappeningKind.Election:
                replica.Elect();
                BeginTimers(replica);
                break;
            case HappeningKind.Heartbeat when replica.IsLeading:
                replica.SendAll();
                Schedule(HeartbeatNs, happening);
                break;
        }
    }

    /// <summary>An election comes when nothing is heard for so long.</summary>
    private void BeginTimers(ClusterReplica replica)
    {
        if (replica.IsLeading)
            return;
        long generation = ++_generations[replica.Index];
        // In steps of whole heartbeats, so that candidates often meet.
        Schedule((3 + _random.Below(3UL)) * HeartbeatNs + _random.Below(HeartbeatNs / 20), new Happening(HappeningKind.Election, replica.Index, generation, null));
    }

    private void BeginToLead(ClusterReplica replica)
    {
        _figures.Elections++;
        Trace("leads", (ulong)replica.Index, replica.Term);
        Schedule(HeartbeatNs, new Happening(HappeningKind.Heartbeat, replica.Index, ++_generations[replica.Index], null));
    }

    private void Send(ClusterMessage message)
    {
        if (_replicas[message.From].Disk.IsDead)
            return;
        foreach (ulong at in _network.Arrivals(message, _nowNs))
            _queue.Enqueue(new Happening(HappeningKind.Arrival, message.To, 0, message), (at, _order++));
    }

    private void Answer(Claim claim, ulong firstSequence, Outcome[] outcomes)
    {
        Trace("answer", firstSequence, (ulong)outcomes.Length);
        _trace.Add<Outcome>(outcomes);
        _figures.Payments += outcomes.Length;
        _witness.Tell(firstSequence, claim.Slots, outcomes, claim.IsControl);
        _workload.Answered(claim, outcomes);
        if (_castAnswered < _cast.Length && claim == _cast[_castAnswered])
            (_castAnswered, _isCastSent) = (_castAnswered + 1, false);
    }

    /// <summary>Of the cast, commands too are sent again: one that took effect changes nothing a second time.</summary>
    private void NotAnswered(Claim claim)
    {
        if (_castAnswered < _cast.Length && claim == _cast[_castAnswered])
            _isCastSent = false;
        else
            _workload.NotAnswered(claim);
    }

    private void Publish(ClosedBatch batch)
    {
        _trace.Add<byte>(batch.Encode());
        _witness.TellBatch(batch);
        _figures.Batches++;
    }

    /// <summary>The same block, wherever it is committed.</summary>
    private void CheckCommitted(int replica, BlockHeader header)
    {
        if (_committed.TryAdd(header.Number, (header.Crc, header.Term)))
            _figures.Blocks++;
        else if (_committed[header.Number] is var first && first != (header.Crc, header.Term))
            throw new BrokenPromiseException($"replica {replica} committed block {header.Number} of term {header.Term}; another one of term {first.Term} was committed elsewhere");
    }

    private bool CutsPower(int replica, string step)
    {
        Trace("cut: " + step, (ulong)replica);
        return _cutStepsLeft[replica] > 0 && --_cutStepsLeft[replica] == 0;
    }

    private void Step()
    {
        _step++;
        foreach (SimulatedFault fault in _plan.Faults)
        {
            if (!_isHealing && fault.Step == _step)
                Begin(fault);
        }

        if (_replicas.Where(one => one.TakesClaims).MaxBy(one => one.Term) is { } leader)
            Guarded(leader, () => Act(leader));
        int looks = _random.Below(_plan.Replicas * 60);
        if (looks < _plan.Replicas && _replicas[looks] is { IsUp: true } replica)
            Guarded(replica, () => TakeSnapshot(replica));
        ulong next = _random.Below(100) switch
        {
            < 45 => _random.Below(40_000_000UL),
            < 95 => _random.Below(8 * Limits.NsPerSecond),
            _ => _random.Below(120 * Limits.NsPerSecond),
        };
        Schedule(next, new Happening(HappeningKind.Step, 0, 0, null));
    }

    private void Act(ClusterReplica leader)
    {
        leader.TickIfDue(_nowNs);
        if (_random.OneIn(3))
            leader.Seal();
        if (leader.Log.LastBlock - leader.Log.CommittedBlock >= 6)
            return;
        if (_castAnswered < _cast.Length)
        {
            // One by one, each when the one before was answered.
            if (!_isCastSent)
            {
                _isCastSent = true;
                leader.Submit(_cast[_castAnswered], _nowNs);
            }

            return;
        }

        if (leader.NeedsToAcceptTime(_nowNs) && _random.OneIn(3))
            leader.Submit(new Claim([Scenarios.AcceptTime]), _nowNs);
        else if (!_isHealing || _workload.Unanswered > 0)
            leader.Submit(_workload.Next((ulong)((long)_nowNs + leader.ClockErrorNs)), _nowNs);
    }

    private void TakeSnapshot(ClusterReplica replica)
    {
        SnapshotTaken? taken;
        try
        {
            taken = replica.TakeSnapshot();
        }
        catch (Exception refused) when (replica.Disk.IsDamaged && refused is JournalException or SnapshotException or LedgerBrokenException)
        {
            return;
        }

        _figures.Snapshots++;
        Trace("snapshot", (ulong)replica.Index, taken?.Head.Block ?? 0);
    }

    private void Trace(string what, ulong a = 0, ulong b = 0, ulong c = 0, ulong d = 0) =>
        _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_nowNs - StartNs} {what} {a} {b} {c} {d}"));

    public void Dispose()
    {
        foreach (ClusterReplica replica in _replicas)
        {
            Struck += replica.Disk.Struck.Count;
            _figures.Cuts += replica.Cuts;
            replica.Dispose();
        }
    }
}
