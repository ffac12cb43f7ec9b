using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Backup;

/// <summary>What a restore made.</summary>
/// <param name="Manifest">Of the backup.</param>
/// <param name="End">Behind which block the journal ends.</param>
/// <param name="IsExact">Whether the point asked for is that block's boundary.</param>
/// <param name="Snapshots">How many were restored with it.</param>
internal sealed record RestoreResult(BackupManifest Manifest, SnapshotHead End, bool IsExact, int Snapshots)
{
    /// <summary>Whether the backup has more.</summary>
    public bool IsCut => End.Block + 1 < Manifest.Blocks;
}

/// <summary>One restore: every file's hash, every block and the chain are checked, and a journal that ends cleanly behind a block takes its place in one rename.</summary>
/// <remarks>
/// A journal can only end behind a block. A point inside a block gives the boundary before it: applying half a block would leave a state that no journal has.
/// </remarks>
internal sealed class RestoreRun(string backup, string directory)
{
    private readonly string _part = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + WholeFile.PartSuffix;

    /// <exception cref="UsageException">The directory is in use, the backup is none, or does not reach the point.</exception>
    /// <exception cref="BackupException">The backup is damaged.</exception>
    public RestoreResult Run(JournalPoint to)
    {
        BackupManifest manifest = BackupManifest.Read(backup)
            ?? throw new UsageException($"There is no whole backup in '{backup}': it has no {BackupManifest.FileName}. Name a backup's directory.");
        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
            throw new UsageException($"'{directory}' exists and is not empty: restore writes into a new or an empty directory and replaces nothing. Name another one.");
        if (Path.Exists(_part))
            throw new UsageException($"'{_part}' is left from a restore that was interrupted. Delete it, and run the same command again.");
        try
        {
            RestoreResult result = Make(manifest, to);
            if (Directory.Exists(directory))
                Directory.Delete(directory);
            Directory.Move(_part, directory);
            DirectoryFlush.Of(Path.GetDirectoryName(_part)!);
            return result;
        }
        catch
        {
            if (Directory.Exists(_part))
                Directory.Delete(_part, recursive: true);
            throw;
        }
    }

    private RestoreResult Make(BackupManifest manifest, JournalPoint to)
    {
        Directory.CreateDirectory(Path.Combine(_part, JournalCopy.SnapshotsFolder));
        foreach (BackupFile file in manifest.Files)
            Copy(file);
        JournalFiles files = manifest.FilesIn(_part);
        SnapshotHead whole = manifest.End;
        JournalEnding.WriteNote(files, whole.EndAddress, whole.Block);
        SnapshotHead end = EndOf(files, manifest, to, out bool isExact);
        JournalEnding.EndAt(files, end.EndAddress, end.Block);
        int snapshots = KeepSnapshotsUpTo(end.Block);
        CheckEnd(files, in end);
        DirectoryFlush.Of(Path.Combine(_part, JournalCopy.SnapshotsFolder));
        DirectoryFlush.Of(_part);
        return new RestoreResult(manifest, end, isExact, snapshots);
    }

    private void Copy(BackupFile file)
    {
        string source = Path.Combine(backup, file.Name);
        if (!File.Exists(source))
            throw BackupException.Damaged(source, "is missing");
        if (HashedCopy.Extend(source, Path.Combine(_part, file.Name), file.Bytes, null) != file.Sha256)
            throw BackupException.Damaged(source, "has other bytes than its manifest's hash is of");
    }

    /// <summary>Verifies every block of the copy, and finds the last that is not beyond the point.</summary>
    private SnapshotHead EndOf(JournalFiles files, BackupManifest manifest, JournalPoint to, out bool isExact)
    {
        ulong lastSequence = to.Kind switch
        {
            PointKind.Sequence => to.Value,
            PointKind.Batch => LastSequenceOf(files, to.Value),
            _ => ulong.MaxValue,
        };
        ulong lastNs = to.Kind == PointKind.Time ? to.Value : ulong.MaxValue;
        SnapshotHead end = default;
        bool any = false, isBeyond = false;
        using JournalReader reader = JournalCopy.OpenFirst(files);
        while (reader.Next())
        {
            ref readonly BlockHeader header = ref reader.Header;
            isBeyond |= header.FirstSequence + header.Count - 1 > lastSequence || header.TimeNs > lastNs;
            if (!isBeyond)
                (end, any) = (reader.HeadOfSnapshot(), true);
        }

        if (reader.End!.Kind != JournalEndKind.End || reader.Position.NextNumber != manifest.Blocks || reader.Position.Previous != manifest.End.Previous)
            throw BackupException.Damaged(backup, $"holds other blocks than its manifest says: {reader.End.What}");
        if (!any)
            throw new UsageException($"--to {to} lies before the first block that can be restored. Name a later point.");
        bool isInside = to.Kind is PointKind.Sequence ? to.Value <= manifest.LastSequence : to.Kind is not PointKind.Time || to.Value <= manifest.End.TimeNs;
        if (!isInside)
            throw new UsageException($"--to {to} lies behind the backup's end: its last sequence is {manifest.LastSequence}, its last block of {manifest.Created}. Name an earlier point, or a later backup.");
        isExact = lastSequence == ulong.MaxValue || end.Sequence == lastSequence;
        return end;
    }

    private static ulong LastSequenceOf(JournalFiles files, ulong batch)
    {
        ulong lastSealed = 0;
        using JournalReader reader = JournalCopy.OpenFirst(files);
        while (reader.Next())
        {
            if (reader.Header.Kind != BlockKind.Seal)
                continue;
            var statement = ClosedBatch.Decode(reader.Body[..^(int)reader.Header.AttachmentBytes]);
            lastSealed = statement.Number;
            if (lastSealed == batch)
                return statement.LastSequence;
        }

        throw new UsageException($"batch:{batch} is not in the backup: its last sealed batch is {lastSealed}.");
    }

    private int KeepSnapshotsUpTo(ulong block)
    {
        int kept = 0;
        foreach (string path in new SnapshotStore(_part).Paths())
        {
            if (SnapshotStore.Check(path).Block <= block)
                kept++;
            else
                File.Delete(path);
        }

        return kept;
    }

    private static void CheckEnd(JournalFiles files, in SnapshotHead end)
    {
        using JournalReader reader = JournalReader.OpenBehind(files, in end);
        if (reader.Next() || reader.End!.Kind != JournalEndKind.End)
            throw new JournalException($"What was restored does not end behind block {end.Block}, but: {reader.End?.What ?? "with more blocks"}. It was deleted again.");
    }
}
