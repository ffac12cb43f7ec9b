using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Tests.Simulation;

/// <summary>The part that comes when the plan's steps are done: faults end, the replicas become well, and what is on their disks is held against all that was told.</summary>
internal sealed partial class ClusterRun
{
    private bool _isHealing;

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
}
