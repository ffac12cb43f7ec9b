using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Snapshots;

namespace Settlement.Gateway.Cluster;

/// <summary>Makes a node's journal from another's: from its newest snapshot, or, where it has none, from the genesis block; the consensus brings the rest.</summary>
/// <remarks>
/// What comes is checked whole: a snapshot's checksums, its block against it, a genesis block against the ledger expected. A snapshot that was cut off is gone on from where it ended.
/// Safe for a member that votes only where its own log is shorter than what it gets, which is so when the others have cut away what it lacks: nothing that it ever answered for is forgotten. One whose
/// journal was lost is another matter: it may have answered for blocks that it no longer has, so it is removed and joins anew, under another key.
/// </remarks>
internal static class SeedFetch
{
    private const string AsideEnding = ".replaced";
    private const string DiscardedEnding = ".discarded";
    private const string FetchedPrefix = "seed-";

    /// <summary>In a journal that is set aside: the last block that it had.</summary>
    private const string LastBlockName = "last-block";

    private const int Tries = 5;

    /// <summary>Whether a replacement was begun and not finished: whatever stands as the journal is not whole.</summary>
    public static bool IsUnfinished(ClusterFolder folder) => folder.Exists && Directory.Exists(AsidePath(folder));

    /// <summary>Where a journal is that is being replaced.</summary>
    public static string AsidePath(ClusterFolder folder) => folder.JournalPath + AsideEnding;

    /// <summary>Takes away what a replacement that is finished had no time left to.</summary>
    public static void Tidy(ClusterFolder folder)
    {
        if (Directory.Exists(folder.JournalPath + DiscardedEnding))
            Directory.Delete(folder.JournalPath + DiscardedEnding, recursive: true);
    }

    /// <summary>Fills a folder that has no journal.</summary>
    /// <param name="folder">The node's.</param>
    /// <param name="from">Who gives it.</param>
    /// <param name="ledgerId">Whose journal is expected.</param>
    /// <param name="lastBlock">Of the log that this one replaces; 0: of none. What its node answered for must not be forgotten, so nothing that ends before it is taken.</param>
    /// <param name="tell">Told what it does.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ClusterException">It could not be fetched.</exception>
    /// <exception cref="JournalException">What came is not what it should be.</exception>
    public static async Task FillAsync(ClusterFolder folder, BulkClient from, UInt128 ledgerId, ulong lastBlock, Action<string> tell, CancellationToken cancel)
    {
        SnapshotOffer? newest = await from.NewestSnapshotAsync(cancel).ConfigureAwait(false);
        if ((newest?.Block ?? 0) < lastBlock)
            throw new ClusterException(string.Create(CultureInfo.InvariantCulture, $"It has {(newest is null ? "no snapshot" : $"a snapshot behind block {newest.Block}")}, and this node's log ended with block {lastBlock}: what this node answered for must not be forgotten. A later snapshot will do."));
        Directory.CreateDirectory(folder.JournalPath);
        JournalOptions options = JournalOptions.Default with { LedgerId = ledgerId };
        if (newest is not { } offer)
        {
            byte[] genesis = await from.BlockAsync(0, cancel).ConfigureAwait(false);
            BlockHeader header = MemoryMarshal.Read<BlockHeader>(genesis);
            if (header.LedgerId != ledgerId || header.Kind != BlockKind.Genesis)
                throw new ClusterException(string.Create(CultureInfo.InvariantCulture, $"The first block that was sent is of ledger {header.LedgerId:x32}, and {ledgerId:x32} is expected: two clusters are mixed up."));
            FasterJournal.Create(folder.JournalPath, header.LedgerId, header.TimeNs, genesis.AsSpan(BlockHeader.Size), options).Dispose();
            return;
        }

        tell(string.Create(CultureInfo.InvariantCulture, $"Fetches the snapshot behind block {offer.Block}, {offer.Bytes:N0} bytes."));
        string path = System.IO.Path.Combine(folder.Path, FetchedPrefix + offer.Name);
        foreach (string other in Directory.EnumerateFiles(folder.Path, FetchedPrefix + "*").Where(other => other != path))
            File.Delete(other); // of a snapshot that is not offered any more
        await FetchAsync(from, offer, path, cancel).ConfigureAwait(false);
        byte[] block = await from.BlockAsync(offer.Block, cancel).ConfigureAwait(false);
        try
        {
            using FileStream snapshot = File.OpenRead(path);
            ReplicaLog.Seed(folder.JournalPath, snapshot, block, options);
        }
        finally
        {
            // Also when it is damaged, or put together from two members' snapshots of one name: whole as it is, nothing more would be fetched of it, and no later attempt would get further.
            File.Delete(path);
        }
    }

    /// <summary>
    /// For a member that the others have left behind: its journal is set aside and made anew. Asks all members until one gives it, and says what it does.
    /// </summary>
    /// <param name="folder">The node's.</param>
    /// <param name="lastBlock">Of the log that is to be replaced; where a replacement was begun already, what was noted then counts.</param>
    /// <param name="tell">Told what it does.</param>
    /// <param name="cancel">Gives up; it may be begun again.</param>
    public static async Task ReplaceAsync(ClusterFolder folder, ulong lastBlock, Action<string> tell, CancellationToken cancel)
    {
        using NodeIdentity identity = NodeIdentity.Load(folder.Path);
        using MembersFile members = MembersFile.Open(folder.Path);
        string aside = SetAside(folder, ref lastBlock);
        tell($"This node's journal ends before the first block that the others still have. It is set aside as '{aside}', and a snapshot takes its place.");
        string told = "";
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            foreach (PinnedEndPoint member in members.Members.All.Where(member => member.Pin != identity.Pin))
            {
                try
                {
                    if (ClusterNode.BulkOf(member.Clients) is not { } bulk)
                        continue;
                    using var client = new BulkClient(bulk, member.Pin.ToString(), identity.Certificate);
                    await FillAsync(folder, client, identity.LedgerId, lastBlock, tell, cancel).ConfigureAwait(false);
                    await LearnMembersAsync(members, client, cancel).ConfigureAwait(false);
                    CopyKeys(aside, folder.JournalPath);
                    Discard(folder, aside);
                    tell("This node has its journal anew, and goes on.");
                    return;
                }
                catch (Exception failed) when (failed is ClusterException or JournalException or SnapshotException or IOException)
                {
                    if (failed.Message != told)
                        tell($"The node at {member} gave no seed: {told = failed.Message}");
                }
            }

            await Task.Delay(1_000, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>A journal that a replacement before has set aside and not finished is still there: what stands in its place is no whole one.</summary>
    private static string SetAside(ClusterFolder folder, ref ulong lastBlock)
    {
        string aside = AsidePath(folder);
        if (!Directory.Exists(aside))
        {
            File.WriteAllText(System.IO.Path.Combine(folder.JournalPath, LastBlockName), string.Create(CultureInfo.InvariantCulture, $"{lastBlock}\n"));
            Directory.Move(folder.JournalPath, aside);
            return aside;
        }

        string noted = System.IO.Path.Combine(aside, LastBlockName);
        if (File.Exists(noted) && ulong.TryParse(File.ReadAllText(noted).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong before))
            lastBlock = before;
        if (Directory.Exists(folder.JournalPath))
            Directory.Delete(folder.JournalPath, recursive: true);
        return aside;
    }

    /// <summary>
    /// The lists of members that stand in front of the snapshot do not come with it, and this node would go on counting votes among the members of before. Whoever had the snapshot knows the list as of it, or a later one;
    /// all of them are committed.
    /// </summary>
    private static async Task LearnMembersAsync(MembersFile members, BulkClient from, CancellationToken cancel)
    {
        StatusReport there = await from.StatusAsync(cancel).ConfigureAwait(false);
        await members.SaveAsync(ClusterFounding.ListOf(there.Members), (long)there.MembersBlock, cancel).ConfigureAwait(false);
    }

    /// <summary>The ledger's seal key lies beside the journal, and is not in any snapshot. Durable on return, for the only other copy goes next.</summary>
    private static void CopyKeys(string from, string to)
    {
        foreach (string name in (string[])[Init.NodeKeyFile.PrivateName, Init.NodeKeyFile.PublicName])
        {
            string copy = System.IO.Path.Combine(to, name);
            if (!File.Exists(System.IO.Path.Combine(from, name)))
                continue;
            File.Copy(System.IO.Path.Combine(from, name), copy, overwrite: true);
            using FileStream file = File.Open(copy, FileMode.Open, FileAccess.ReadWrite);
            file.Flush(flushToDisk: true);
        }

        DirectoryFlush.Of(to);
    }

    /// <summary>By a name of its own first: were it taken away under the old one, a crash in the midst would leave a replacement that looks unfinished, and no keys to finish it with.</summary>
    private static void Discard(ClusterFolder folder, string aside)
    {
        Tidy(folder);
        Directory.Move(aside, folder.JournalPath + DiscardedEnding);
        DirectoryFlush.Of(folder.Data);
        Tidy(folder);
    }

    private static async Task FetchAsync(BulkClient from, SnapshotOffer offer, string path, CancellationToken cancel)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await from.FetchSnapshotAsync(offer, path, cancel).ConfigureAwait(false);
                return;
            }
            catch (ClusterException) when (attempt < Tries)
            {
                await Task.Delay(500, cancel).ConfigureAwait(false);
            }
        }
    }
}
