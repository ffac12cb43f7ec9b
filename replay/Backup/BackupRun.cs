using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Common;

namespace Settlement.Replay.Backup;

/// <summary>What a backup did.</summary>
/// <param name="Manifest">Of the backup as it is now.</param>
/// <param name="CopiedBytes">Written this time.</param>
/// <param name="CopiedFiles">Files that were made or grew.</param>
/// <param name="KeptFiles">Files that were there already.</param>
/// <param name="NewBlocks">Blocks that the backup before did not have.</param>
internal sealed record BackupResult(BackupManifest Manifest, long CopiedBytes, int CopiedFiles, int KeptFiles, ulong NewBlocks);

/// <summary>
/// One backup: the journal up to its last durable block, its newest snapshots and the node's public key, into a directory that holds the backup before or
/// nothing.
/// </summary>
/// <remarks>
/// The order is what makes it safe: the journal's new blocks are verified, their bytes appended to the copies (which changes no byte that the manifest before is
/// about), the copies read back and verified, the manifest renamed into place, and only then is deleted what it does not name.
/// Beside a running node the note tells what is durable; a block beyond it is left for the next backup, because power could still take it back.
/// The copy of the note is there so that every verb can read a backup as a journal; restore makes its own.
/// </remarks>
internal sealed class BackupRun(string journal, string target, bool check)
{
    private const string LockName = "backup.lock";
    private const int SnapshotsKept = 2;

    private readonly List<BackupFile> _listed = [];
    private long _copiedBytes;
    private int _copiedFiles;
    private int _keptFiles;

    /// <exception cref="BackupException">The target is damaged, or not a backup of this journal.</exception>
    /// <exception cref="JournalException">The journal cannot be read, or is damaged.</exception>
    public BackupResult Run(bool full)
    {
        if (!Directory.Exists(journal))
            throw new JournalException($"There is no directory '{journal}'. Name the directory of a journal.");
        JournalFiles source = JournalFiles.ReadLayout(journal, null);
        using FileStream held = Take(source);
        BackupManifest? before = BackupManifest.Read(target);
        if (before is not null && before.LedgerId != source.LedgerId)
            throw new BackupException($"The directory '{target}' holds a backup of ledger {before.Ledger}, the journal is of {source.LedgerId:x32}. Name another directory.");
        SnapshotHead end = EndOf(source, before);
        JournalFiles copy = source with { Directory = Path.GetFullPath(target) };
        CopySegments(source, copy, before, end.EndAddress);
        CopySnapshots(before, in end);
        CopyPublicKey(before);
        Verify(copy, before, in end, full);
        JournalEnding.WriteNote(copy, end.EndAddress, end.Block);
        BackupManifest manifest = BackupManifest.Of(source, in end, _listed);
        manifest.Write(target);
        DeleteUnlistedSnapshots();
        return new BackupResult(manifest, _copiedBytes, _copiedFiles, _keptFiles, manifest.Blocks - (before?.Blocks ?? 0));
    }

    /// <summary>Makes the target this run's own; refuses what is neither empty nor a backup.</summary>
    private FileStream Take(JournalFiles source)
    {
        string lockPath = Path.Combine(target, LockName);
        if (Path.GetFullPath(target).TrimEnd('/') == Path.GetFullPath(source.Directory).TrimEnd('/'))
            throw new UsageException($"'{target}' is the journal itself. Name another directory for its backup.");
        if (Directory.Exists(target) && !File.Exists(lockPath) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new UsageException($"The directory '{target}' is neither empty nor a backup. Name an empty one, a new one, or that of an earlier backup.");
        Directory.CreateDirectory(target);
        try
        {
            return new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException held) when (held is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(lockPath))
        {
            throw new UsageException($"Another backup into '{target}' is under way. Wait for it to end.");
        }
    }

    /// <summary>Verifies the journal from where the backup before ends, to its last durable block; of a replicated journal, to the last that is committed.</summary>
    private SnapshotHead EndOf(JournalFiles source, BackupManifest? before)
    {
        using JournalReader reader = ReaderBehind(source, before);
        SnapshotHead end = before?.End ?? default;
        bool any = before is not null;
        TailNote? note = TailNote.ReadNewest(source.NotePath);
        while (reader.Next())
        {
            if (note is { Kept: true } && reader.Header.Number > note.SettledBlock)
            {
                note = TailNote.ReadNewest(source.NotePath);
                if (note is { Kept: true } && reader.Header.Number > note.SettledBlock)
                    return any ? end : throw Empty();
            }

            (end, any) = (reader.HeadOfSnapshot(), true);
        }

        if (reader.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        return any ? end : throw Empty();
    }

    private JournalException Empty() =>
        new($"The journal in '{journal}' holds no whole genesis block: its creation was cut short, and there is nothing to back up.");

    private JournalReader ReaderBehind(JournalFiles source, BackupManifest? before)
    {
        if (before is null)
            return JournalCopy.OpenFirst(source);
        SnapshotHead end = before.End;
        if (source.SegmentOf(end.BlockAddress) < source.FirstSegment())
            throw new BackupException(
                $"The backup in '{target}' ends with block {end.Block}, and the journal in '{journal}' was cut behind that: what lies between is not in the journal any more. Keep that backup, and name another directory for a new one, which begins with a snapshot.");
        try
        {
            return JournalReader.OpenBehind(source, in end);
        }
        catch (JournalException)
        {
            throw new BackupException(
                $"The backup in '{target}' ends with block {end.Block}, which the journal in '{journal}' does not have: the backup is ahead of it, or of another history. Keep that backup, find out which is right, and name another directory.");
        }
    }

    private void CopySegments(JournalFiles source, JournalFiles copy, BackupManifest? before, long endAddress)
    {
        long first = source.FirstSegment();
        string name(long segment) => Path.GetFileName(source.SegmentPath(segment));
        for (long segment = 0; before is not null && segment < first; segment++)
        {
            // Cut away in front of the journal: the backup is where it still is.
            if (before.Find(name(segment)) is { } kept)
                Keep(kept);
        }

        for (long segment = first; segment <= source.SegmentOf(endAddress - 1); segment++)
        {
            BackupFile? kept = before?.Find(name(segment));
            long bytes = JournalCopy.BytesOf(source, segment, endAddress);
            if (kept is not null && (kept.Bytes == bytes || (segment < source.SegmentOf(before!.EndAddress - 1) && kept.Bytes >= bytes)))
            {
                Keep(kept);
                continue;
            }

            string hash = HashedCopy.Extend(source.SegmentPath(segment), copy.SegmentPath(segment), bytes, kept);
            Copied(new BackupFile(name(segment), bytes, hash), bytes - (kept?.Bytes ?? 0));
        }
    }

    private void CopySnapshots(BackupManifest? before, in SnapshotHead end)
    {
        Directory.CreateDirectory(Path.Combine(target, JournalCopy.SnapshotsFolder));
        foreach (string path in new SnapshotStore(journal).Paths().Take(SnapshotsKept))
        {
            try
            {
                if (SnapshotStore.Check(path).Block <= end.Block)
                    CopyWhole(path, JournalCopy.SnapshotName(path), before);
            }
            catch (Exception unusable) when (unusable is SnapshotException or FileNotFoundException)
            {
                // A damaged one is of no use in a backup, and a running node lets go of old ones: the blocks are all that a restore needs.
            }
        }
    }

    private void CopyPublicKey(BackupManifest? before)
    {
        string path = Path.Combine(journal, JournalCopy.PublicKeyName);
        if (File.Exists(path))
            CopyWhole(path, JournalCopy.PublicKeyName, before);
    }

    private void CopyWhole(string path, string name, BackupManifest? before)
    {
        long bytes = new FileInfo(path).Length;
        string copy = Path.Combine(target, name);
        if (before?.Find(name) is { } kept && kept.Bytes == bytes && File.Exists(copy) && kept.Sha256 == HashedCopy.HashOf(path, bytes))
        {
            Keep(kept);
            return;
        }

        string part = copy + WholeFile.PartSuffix;
        File.Delete(part);
        string hash = HashedCopy.Extend(path, part, bytes, null);
        File.Move(part, copy, overwrite: true);
        Copied(new BackupFile(name, bytes, hash), bytes);
    }

    /// <summary>A file that is there already: its length is looked at always, its bytes if asked for.</summary>
    private void Keep(BackupFile kept)
    {
        string path = Path.Combine(target, kept.Name);
        if (!File.Exists(path) || new FileInfo(path).Length < kept.Bytes)
            throw BackupException.Damaged(path, "is missing or too short");
        if (check && HashedCopy.HashOf(path, kept.Bytes) != kept.Sha256)
            throw BackupException.Damaged(path, "has other bytes than its manifest's hash is of");
        _keptFiles++;
        _listed.Add(kept);
    }

    private void Copied(BackupFile file, long bytes)
    {
        _copiedFiles++;
        _copiedBytes += bytes;
        _listed.Add(file);
    }

    /// <summary>Reads what was copied back: CRC and chain from where the backup before ended to the new end; in full, every block is applied as well.</summary>
    private void Verify(JournalFiles copy, BackupManifest? before, in SnapshotHead end, bool full)
    {
        if (before is null)
            JournalEnding.WriteNote(copy, end.EndAddress, end.Block);
        SnapshotHead begun = before?.End ?? default;
        using (JournalReader reader = before is null ? JournalCopy.OpenFirst(copy) : JournalReader.OpenBehind(copy, in begun))
        {
            while (reader.Position.NextNumber <= end.Block && reader.Next())
            {
            }

            if (reader.Position.NextNumber != end.Block + 1 || reader.Position.Previous != end.Previous)
                throw BackupException.Damaged(target, $"does not read back behind block {reader.Position.NextNumber}: {reader.End?.What ?? "its chain is another"}");
        }

        if (!full)
            return;
        JournalEnding.WriteNote(copy, end.EndAddress, end.Block);
        using JournalWalk walk = JournalWalk.Open(target, new WalkOptions());
        while (walk.Next())
        {
        }

        if (walk.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        walk.State.VerifyConservation();
    }

    private void DeleteUnlistedSnapshots()
    {
        foreach (string path in Directory.EnumerateFiles(Path.Combine(target, JournalCopy.SnapshotsFolder)))
        {
            if (_listed.TrueForAll(file => file.Name != JournalCopy.SnapshotName(path)))
                File.Delete(path);
        }
    }
}
