using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Text;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>`cluster recover`: the way out when most nodes are gone for ever. It gives up what makes a cluster safe, so it is loud, and asks.</summary>
/// <remarks>
/// This node's log becomes the ledger, as it is: what the others acknowledged and this one never got is lost; what this one has and the cluster never committed becomes part of it. Both are said.
/// The list of members is this node alone, and is younger than any that its log states.
/// </remarks>
internal static class ClusterRecovery
{
    /// <exception cref="UsageException">It was not confirmed.</exception>
    /// <exception cref="JournalException">The server runs, or the journal cannot be opened.</exception>
    public static void Run(ClusterFolder folder, string? confirmed, TextWriter output)
    {
        if (!folder.Exists)
            throw new UsageException($"'{folder.Data}' is no node's of a cluster.");
        if (SeedFetch.IsUnfinished(folder))
            throw new UsageException($"'{folder.Data}' was about to get another node's copy of the ledger: what stands as its journal may be a part of one, and its own is set aside as '{SeedFetch.AsidePath(folder)}'. Recover from another node; if there is none, put the one that was set aside back in its place first.");
        ClusterNote note = folder.ReadNote();
        using NodeIdentity identity = NodeIdentity.Load(folder.Path);
        var disk = new DiskSignals(WaitStrategyKind.Phased);
        using ReplicaLog log = ReplicaLog.Open(folder.JournalPath, JournalOptions.Default, disk, out _);
        if (ClusterFounding.Text(log.LedgerId) != note.Ledger || identity.LedgerId != log.LedgerId)
            throw new UsageException($"'{folder.Data}' is put together from several ledgers: the note says {note.Ledger}, the journal {ClusterFounding.Text(log.LedgerId)}. Nothing was changed.");
        MemberList before;
        using (MembersFile file = MembersFile.Open(folder.Path))
            before = file.Members;
        Warn(folder, log, before, output);
        if (confirmed != note.Ledger)
        {
            throw new UsageException(confirmed is null
                ? $"Nothing was changed. To go on, make sure that no other node of this cluster runs or ever will, and say so: --confirm {note.Ledger}"
                : $"--confirm {confirmed}: the ledger's id is {note.Ledger}. Nothing was changed.");
        }

        var address = ClusterNode.EndPointOf(note.Raft);
        var alone = new PinnedEndPoint(address.Address, address.Port, identity.Pin, note.Clients.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        MembersFile.Create(folder.Path, MemberList.Empty.With(alone), (long)log.LastBlock);
        folder.Release(log.LastBlock);
        folder.WriteNote(note with
        {
            Learner = false, Contacts = [], Forgotten = [.. note.Forgotten.Concat(before.All.Select(static member => member.Pin.ToString())).Where(pin => pin != identity.Pin.ToString()).Distinct()],
        });
        output.WriteLine("This node is a cluster of its own now. Start it, then let others join with empty folders. Wipe the folders of all nodes that were members before: none of them may run again. Those that reach this node end by themselves; two that do not reach it would go on as the cluster before.");
    }

    private static void Warn(ClusterFolder folder, ReplicaLog log, MemberList before, TextWriter output)
    {
        byte[] block = [];
        log.Read(log.LastBlock, ref block);
        BlockHeader last = MemoryMarshal.Read<BlockHeader>(block);
        output.WriteLine("WARNING. Recovery from a lost quorum gives up what the cluster promised:");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  - This node's log ends with block {log.LastBlock} of term {log.LastTerm}, sequence {last.FirstSequence + last.Count - 1}, {TimeText.Format(last.TimeNs)}."));
        output.WriteLine("  - Payments that clients were told are accepted, and that stand behind it on other nodes only, are LOST: compare with `cluster status` or `replay verify` on every node that can still be read, and take the one that is furthest.");
        if (log.CommittedBlock < log.LastBlock)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  - Its blocks {log.CommittedBlock + 1} to {log.LastBlock} are not known to have been committed: they become part of the ledger, though nobody may have been told."));
        if (folder.ReadReached() is { } reached && reached > log.LastBlock)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  - This node had committed block {reached}: its blocks {log.LastBlock + 1} to {reached} are gone from this journal. Look for the one that has them."));
        if (folder.ReadRemoval() is not null)
            output.WriteLine("  - This node was removed from the cluster, which went on without it: whatever came since is not here.");
        output.WriteLine($"  - The members so far ({string.Join(", ", before.All)}) are forgotten. If any of them runs on, there are TWO ledgers of one id, and receipts of both verify.");
    }
}
