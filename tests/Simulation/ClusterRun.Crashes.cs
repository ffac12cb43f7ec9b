using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Replication;
using Settlement.Engine.Snapshots;

namespace Settlement.Tests.Simulation;

/// <summary>The part in which replicas go down and come up: where power or a disk ends what one does, what it then may refuse, and when it is made anew from the others.</summary>
internal sealed partial class ClusterRun
{
    private readonly HashSet<int> _anew = []; // damaged: they start with nothing

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
                if (replica.Disk.Struck.Count == struck && !replica.Disk.IsDead)
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
}
