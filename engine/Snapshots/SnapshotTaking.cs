using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Snapshots;

/// <summary>How snapshots are taken. Nothing here changes a verdict.</summary>
public sealed record SnapshotOptions
{
    /// <summary>Bytes of journal behind the newest snapshot at which a node takes another; 0: never.</summary>
    public long EveryJournalBytes { get; init; } = 1L << 30;

    /// <summary>Bytes a second that a snapshot may write, flushed piece by piece; 0: as fast as it goes, in one go, which a running node's payments feel.</summary>
    public long WriteBytesPerSecondMax { get; init; } = 64_000_000;

    /// <summary>For ids in the second engine.</summary>
    public long IdMemoryBytes { get; init; } = Deduplicator.IdMemoryBytesDefault;

    /// <summary>Cut the journal behind the older of the two snapshots once there is a new one.</summary>
    public bool Cut { get; init; }

    /// <summary>Where cut files are copied to first; null: they are deleted.</summary>
    public string? Archive { get; init; }
}

/// <summary>What taking a snapshot came to.</summary>
/// <param name="Path">The file.</param>
/// <param name="Head">Of the block behind which it was taken.</param>
/// <param name="Bytes">Of the file.</param>
/// <param name="BlocksApplied">Blocks between the snapshot before and this one.</param>
/// <param name="Cut">What was cut behind it; null: that was not asked for.</param>
public sealed record SnapshotTaken(string Path, SnapshotHead Head, long Bytes, ulong BlocksApplied, FilesCut? Cut);

/// <summary>
/// Takes a snapshot of a journal, live or not, without the node's help: a second engine starts from the newest snapshot, applies the journal behind it up
/// to the last block that was durable, and in a replicated journal committed, when it began, and writes its state.
/// </summary>
/// <remarks>
/// Purpose: the settle thread is not asked for anything, so no payment waits for a snapshot, whatever the ledger's size. The price is memory, as much as
/// the node's own state, while it is taken, and the processor time to apply the payments since the last one a second time: which also checks, against
/// every seal on the way, that the state follows from the journal.
/// <para>Invariant: a snapshot never runs ahead of what nothing will take back; a journal that does not hold its block has lost its tail.</para>
/// Failure assumed: the disk may be full, the process may be killed at any point: an unfinished file has another name.
/// </remarks>
public static class SnapshotTaking
{
    /// <param name="directory">Of the journal.</param>
    /// <param name="options">Speed and memory.</param>
    /// <param name="warn">Told of snapshots that cannot be used.</param>
    /// <param name="cancelled">Asked between blocks; true ends it with nothing taken.</param>
    /// <returns>Null: nothing was durable behind the newest snapshot, or it was cancelled.</returns>
    /// <exception cref="JournalException">The journal cannot be read, or is damaged.</exception>
    /// <exception cref="SnapshotException">Another process is taking one, or what was written does not read back.</exception>
    /// <exception cref="Ledger.LedgerBrokenException">The journal is not what these rules would have written.</exception>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static SnapshotTaken? Take(string directory, SnapshotOptions options, Action<string> warn, Func<bool>? cancelled = null)
    {
        JournalFiles files = JournalFiles.ReadLayout(directory, null);
        var snapshots = new SnapshotStore(directory);
        Directory.CreateDirectory(snapshots.Folder);
        using FileStream held = Lock(snapshots.Folder);
        string ids = System.IO.Path.Combine(snapshots.Folder, "ids");
        FasterIdStore? store = null;
        BlockReplay? replay = null;
        try
        {
            Deduplicator NewDeduplicator(Genesis genesis)
            {
                store?.Dispose();
                store = new FasterIdStore(ids);
                return new Deduplicator(in genesis, options.IdMemoryBytes, store);
            }

            replay = snapshots.LoadNewest(files.LedgerId, () => new BlockReplay(NewDeduplicator), null, warn, out SnapshotHead head);
            using JournalReader reader = replay is null ? JournalReader.Open(files) : JournalReader.OpenBehind(files, in head);
            replay ??= new BlockReplay(NewDeduplicator);
            ulong last = reader.CommittedBlock;
            while (reader.Position.NextNumber <= last && reader.Next())
            {
                replay.Apply(in reader.Header, reader.Body);
                if (cancelled is not null && cancelled())
                    return null;
            }

            if (reader.End is { Kind: JournalEndKind.Damage } damage)
                throw new JournalException($"No snapshot was taken: the journal in '{directory}' is damaged at block {damage.Block}, {damage.Place}: {damage.What}.");
            if (reader.Blocks == 0)
                return null;
            SnapshotHead taken = reader.HeadOfSnapshot();
            string path = snapshots.Write(replay, in taken, options);
            long bytes = new FileInfo(path).Length;
            FilesCut? cut = options.Cut ? JournalCutting.Cut(directory, options.Archive) : null;
            return new SnapshotTaken(path, taken, bytes, reader.Blocks, cut);
        }
        finally
        {
            replay?.Dispose();
            store?.Dispose();
            if (Directory.Exists(ids))
                Directory.Delete(ids, recursive: true);
        }
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException refused)
        {
            throw new SnapshotException($"Another process is taking a snapshot in '{folder}'. Wait for it, or stop it.", refused);
        }
    }
}
