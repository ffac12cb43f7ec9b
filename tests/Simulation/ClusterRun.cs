using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Ledger;
using Settlement.Engine.Replication;
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
internal sealed class ClusterRun : IDisposable
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
    private bool _isHealing;

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

    /// <summary>What a replica does ends where its power or its disk does.</summary>
    private void Guarded(ClusterReplica replica, Action action)
    {
        try
        {
            action();
        }
        catch (SimulatedPowerCut)
        {
            replica.Disk.CutPower();
        }
        catch (BlockDamagedException) when (replica.Disk.IsDamaged)
        {
            Trace("damage found", (ulong)replica.Index);
            GoDown(replica, anew: true);
            return;
        }
        catch (Exception failed) when (failed is JournalFailedException or IOException)
        {
            if (replica.Disk.Struck.Count == 0)
                throw;
            Trace("disk failed", (ulong)replica.Index);
            GoDown(replica);
            return;
        }

        if (replica.Disk.IsDead)
            GoDown(replica);
    }

    private readonly HashSet<int> _anew = [];

    private void GoDown(ClusterReplica replica, bool anew = false)
    {
        if (replica.Disk.IsDead)
            _figures.Crashes++;
        Trace("down", (ulong)replica.Index);
        replica.Close();
        if (anew)
            _anew.Add(replica.Index);
        ulong downNs = _comesBackSoon[replica.Index] ? 10_000_000 : _isHealing ? Limits.NsPerSecond : _random.OneIn(3) ? 20_000_000 : _random.OneIn(2) ? 3 * Limits.NsPerSecond : 40 * Limits.NsPerSecond;
        Schedule(_random.Below(downNs), new Happening(HappeningKind.Restart, replica.Index, 0, null));
        _comesBackSoon[replica.Index] = false;
    }

    private void Restart(ClusterReplica replica)
    {
        for (int tries = 0; ; tries++)
        {
            int struck = replica.Disk.Struck.Count;
            replica.Close();
            replica.Disk.PowerUp(_power);
            try
            {
                if (_anew.Remove(replica.Index))
                    replica.StartAnew(StartNs);
                else
                    replica.Open();
                if (!replica.Disk.IsDead)
                    break;
            }
            catch (SimulatedPowerCut)
            {
                replica.Disk.CutPower();
            }
            catch (Exception refused) when (refused is JournalException or LedgerBrokenException or SnapshotException or IOException)
            {
                if (replica.Disk.Struck.Count == struck && !replica.Disk.IsDead && !(replica.Disk.IsDamaged && refused is JournalException { IsDamage: true } && TryRepair(replica)))
                {
                    if (!replica.Disk.IsDamaged)
                        throw new BrokenPromiseException($"replica {replica.Index} does not open: {refused.Message}", refused);
                    Trace("refused: " + refused.GetType().Name, (ulong)replica.Index);
                    _figures.Refusals++;
                    _anew.Add(replica.Index);
                }
            }

            if (tries > 50)
                throw new BrokenPromiseException($"replica {replica.Index} does not come up");
        }

        Trace("up", (ulong)replica.Index, replica.Log.LastBlock, replica.Log.CommittedBlock, replica.Applied);
    }

    /// <summary>As a member does before it opens a damaged journal: the others are asked for the blocks, and the chain says whether they are right.</summary>
    private bool TryRepair(ClusterReplica replica)
    {
        BlockCopy[] copies =
        [
            .. _replicas.Where(other => other.IsUp && other != replica).Select(other => new BlockCopy($"replica {other.Index}", block =>
            {
                byte[] buffer = [];
                return block <= other.Log.CommittedBlock && other.Log.ReadAsItIs(block, ref buffer) is var bytes and >= 0 ? buffer.AsSpan(0, bytes).ToArray() : null;
            })),
        ];
        try
        {
            AuditFigures found = JournalRepair.Run(FolderOf(replica.Index), LoneReplica.LedgerId, replica.Disk, () => copies, _ => { });
            bool isWhole = found.Standing.Count == 0 && found.Repaired > 0;
            Trace(isWhole ? "repaired" : "not repaired", (ulong)replica.Index, (ulong)found.Repaired, (ulong)found.StandingBlocks);
            _figures.Repairs += isWhole ? 1 : 0;
            return isWhole;
        }
        catch (Exception refused) when (refused is JournalException or IOException)
        {
            return false;
        }
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

    private void CutSnapshotShort(ClusterReplica replica, SeededRandom random)
    {
        try
        {
            Trace("snapshot left", (ulong)SnapshotCrash.Leave(FolderOf(replica.Index), replica.TakeSnapshot, random));
        }
        catch (Exception refused) when (replica.Disk.IsDamaged && refused is JournalException or SnapshotException or LedgerBrokenException)
        {
            Trace("no snapshot");
        }

        replica.Disk.CutPower();
        GoDown(replica);
    }

    private void Begin(SimulatedFault fault)
    {
        Trace("fault", (ulong)fault.Kind, (ulong)fault.Number);
        ClusterReplica replica = _replicas[fault.Replica];
        var random = new SeededRandom(fault.Seed);
        if (fault.StrikesWrite)
        {
            replica.Disk.Arm(fault);
            return;
        }

        Struck++;
        switch (fault.Kind)
        {
            case FaultKind.PowerCut or FaultKind.PowerCutForAll or FaultKind.PowerCutInElection:
                if (fault.Kind == FaultKind.PowerCutInElection)
                {
                    _cutsAfterVote[fault.Replica] = true;
                    Array.Fill(_comesBackSoon, true);
                }

                foreach (ClusterReplica one in fault.Kind == FaultKind.PowerCut ? [replica] : _replicas.Where(one => one.IsUp))
                {
                    one.Disk.CutPower();
                    if (one.IsUp)
                        GoDown(one);
                }

                break;
            case FaultKind.Restart when replica.IsUp:
                GoDown(replica);
                break;
            case FaultKind.SnapshotCutShort when replica.IsUp:
                CutSnapshotShort(replica, random);
                break;
            case FaultKind.PowerCutInSuffixCut:
                _cutStepsLeft[fault.Replica] = random.Between(1, 8);
                break;
            case FaultKind.ClockForward:
                replica.ClockErrorNs += (long)random.Below(2 * Limits.NsPerHour);
                break;
            case FaultKind.ClockBack:
                replica.ClockErrorNs -= (long)random.Below(2 * Limits.NsPerHour);
                break;
            case FaultKind.Pause when replica.IsUp:
                Pause(replica, random.Below(30 * Limits.NsPerSecond));
                break;
            case FaultKind.FlippedBit or FaultKind.FlippedSector when replica.IsUp:
                replica.Close();
                Trace(replica.Disk.Damage(fault) is { } what ? "damage " + what : "nothing to damage");
                GoDown(replica);
                break;
            case FaultKind.Isolated or FaultKind.Parted or FaultKind.OneWayLoss or FaultKind.Storm:
                _network.Part(fault, _nowNs);
                break;
        }
    }

    /// <summary>A replica stands still: what was for it comes late, all at once.</summary>
    private void Pause(ClusterReplica replica, ulong ns)
    {
        var kept = new List<(Happening Happening, (ulong TimeNs, long Order) At)>();
        while (_queue.TryDequeue(out Happening happening, out (ulong TimeNs, long Order) at))
        {
            bool isIts = happening.Kind != HappeningKind.Step && happening.Replica == replica.Index && at.TimeNs < _nowNs + ns;
            kept.Add((happening, isIts ? (_nowNs + ns, at.Order) : at));
        }

        foreach ((Happening happening, (ulong TimeNs, long Order) at) in kept)
            _queue.Enqueue(happening, at);
    }

    private void Heal()
    {
        _isHealing = true;
        _network.Heal();
        Array.Clear(_cutStepsLeft);
        Array.Clear(_cutsAfterVote);
        Trace("heal");
    }

    private bool IsWell => _workload.Unanswered == 0 && _replicas.All(replica => replica.IsUp && !replica.IsRecovering)
        && _replicas.FirstOrDefault(replica => replica.TakesClaims) is { } leader
        && _replicas.All(replica => replica.Applied == leader.Log.LastBlock && replica.Log.LastBlock == leader.Log.LastBlock && replica.Log.FlushedBlock == leader.Log.LastBlock);

    private void BecomeWell()
    {
        ulong until = _nowNs + 3 * Limits.NsPerHour;
        while (!IsWell)
        {
            if (_nowNs > until)
                throw new BrokenPromiseException("an hour and more after all faults ended, the replicas do not agree: " + string.Join("; ", _replicas.Select(Describe)));
            Next();
        }
    }

    private static string Describe(ClusterReplica replica) => !replica.IsUp ? $"{replica.Index} down"
        : $"{replica.Index}: term {replica.Term}, {(replica.IsLeading ? "leads" : "follows")}{(replica.IsRecovering ? ", recovers" : "")}, last block {replica.Log.LastBlock}, committed {replica.Log.CommittedBlock}, applied {replica.Applied}";

    private void Finish()
    {
        for (int rounds = 0; ; rounds++)
        {
            BecomeWell();
            Digest[] states = [.. _replicas.Select(replica => replica.Replay.State.Batch.StateHashNow())];
            ulong last = _replicas[0].Log.LastBlock;
            foreach (ClusterReplica replica in _replicas)
                replica.Close();
            if (TryAudit(states, last))
                return;
            if (rounds > 3)
                throw new BrokenPromiseException("replicas made anew are damaged again");
            foreach (ClusterReplica replica in _replicas)
                GoDown(replica);
        }
    }

    /// <returns>False: one is damaged, and is to be made anew.</returns>
    private bool TryAudit(Digest[] states, ulong last)
    {
        bool isWhole = true;
        Digest? end = null;
        for (int index = 0; index < _replicas.Length; index++)
        {
            if (states[index] != states[0])
                throw new BrokenPromiseException($"replica {index} has the state hash {states[index]}, replica 0 has {states[0]}");
            try
            {
                // The chain says that the others hold the same blocks as the one that is applied again.
                if (end is null)
                    end = AuditFully(index, states[index], last);
                else if (Witness.ReadThrough(FolderOf(index), last) is var found && found != end)
                    throw new BrokenPromiseException($"replica {index} ends with block {found}, another one with {end}");
            }
            catch (Exception refused) when (_replicas[index].Disk.IsDamaged && refused is JournalException or LedgerBrokenException)
            {
                Trace("the audit finds damage", (ulong)index);
                _anew.Add(index);
                isWhole = false;
                continue;
            }

        }

        Trace(string.Create(CultureInfo.InvariantCulture, $"end {states[0]} {end} {_witness.Answers} answers"));
        return isWhole;
    }

    private Digest AuditFully(int index, in Digest state, ulong last)
    {
        (Digest State, Digest Last) audit = _witness.Audit(FolderOf(index), null, Workload.NewRules(), last);
        return audit.State == state ? audit.Last
            : throw new BrokenPromiseException($"replica {index} has the state hash {state}, its journal gives {audit.State}");
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
