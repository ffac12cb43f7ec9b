using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
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
}
