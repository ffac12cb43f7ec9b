using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>The part that does to the replicas what the plan says.</summary>
internal sealed partial class ClusterRun
{
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
}
