using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Snapshots;

/// <summary>What cutting a journal came to.</summary>
/// <param name="Files">Files taken away.</param>
/// <param name="Bytes">Of them.</param>
/// <param name="Kept">Why no more, or none.</param>
public sealed record FilesCut(int Files, long Bytes, string Kept);

/// <summary>
/// Takes away the files at a journal's beginning that nothing needs any more: whole segments in front of every snapshot that is kept.
/// </summary>
/// <remarks>
/// Invariant: two snapshots are there, both read through, and every block from the older one's on; and each reader (<see cref="JournalReaders"/>) finds a
/// snapshot at or before what it has taken. So whichever of the two is lost, the state, and every reader's next row, can be made again.
/// Files go from the lowest up: cut short at any point, what is left has no hole. With an archive, a file is there, flushed and read back,
/// before it goes here.
/// Failure assumed: a crash between any two steps; an archive that is full or of another ledger's.
/// </remarks>
public static class JournalCutting
{
    private const string Unfinished = ".tmp";

    /// <param name="directory">Of the journal; it may be in use.</param>
    /// <param name="archive">Where the files are copied to first; null: they are deleted.</param>
    /// <exception cref="JournalException">A reader's mark cannot be read.</exception>
    /// <exception cref="IOException">A file cannot be copied or deleted.</exception>
    public static FilesCut Cut(string directory, string? archive)
    {
        JournalFiles files = JournalFiles.ReadLayout(directory, null);
        if (archive is not null)
            CheckElsewhere(directory, archive);
        SnapshotHead[] heads = [.. new SnapshotStore(directory).Usable(_ => { }).Select(snapshot => snapshot.Head)];
        if (heads.Length < SnapshotStore.KeptMax)
            return new FilesCut(0, 0, $"{heads.Length} of {SnapshotStore.KeptMax} usable snapshots are there; a journal is cut behind the older of two");
        foreach (JournalReaderMark reader in JournalReaders.ReadAll(directory))
        {
            if (!heads.Any(head => head.Block <= reader.Block))
                return new FilesCut(0, 0, $"the reader '{reader.Name}' has taken block {reader.Block} only, and no snapshot lies before that");
        }

        long needed = heads.Min(head => head.BlockAddress);
        int count = 0;
        long bytes = 0;
        for (long segment = files.FirstSegment(); segment >= 0 && (segment + 1) * files.SegmentBytes <= needed; segment++)
        {
            string path = files.SegmentPath(segment);
            bytes += new FileInfo(path).Length;
            if (archive is not null)
                Keep(path, archive);
            File.Delete(path);
            DirectoryFlush.Of(directory);
            count++;
        }

        return new FilesCut(count, bytes, $"what follows is needed behind block {heads.MinBy(head => head.BlockAddress).Block}");
    }

    /// <summary>Whatever links lead there: a file that is made in the one must not be seen in the other.</summary>
    private static void CheckElsewhere(string directory, string archive)
    {
        Directory.CreateDirectory(archive);
        string probe = Path.Combine(archive, $"probe-{Guid.NewGuid():n}");
        File.WriteAllBytes(probe, []);
        bool isJournal = File.Exists(Path.Combine(directory, Path.GetFileName(probe)));
        File.Delete(probe);
        if (isJournal)
            throw new IOException($"The archive '{archive}' is the journal's own directory. Name another folder; nothing was cut.");
    }

    private static void Keep(string path, string archive)
    {
        string target = Path.Combine(archive, Path.GetFileName(path));
        if (File.Exists(target))
        {
            if (!SameContent(path, target))
                throw new IOException($"'{target}' is there already and is not the same as '{path}'. Name another folder; nothing was cut.");
            return;
        }

        string temporary = target + Unfinished;
        using (FileStream from = File.OpenRead(path))
        using (var to = new PacedFile(temporary, bytesPerSecondMax: 0))
        {
            from.CopyTo(to, 1 << 20);
            to.Flush();
        }

        if (!SameContent(path, temporary))
            throw new IOException($"'{temporary}' does not read back as what was copied from '{path}'; that file was not cut.");
        File.Move(temporary, target);
        DirectoryFlush.Of(archive);
    }

    private static bool SameContent(string one, string other)
    {
        using FileStream a = File.OpenRead(one);
        using FileStream b = File.OpenRead(other);
        if (a.Length != b.Length)
            return false;
        byte[] piece = new byte[1 << 20];
        byte[] twin = new byte[1 << 20];
        for (int read; (read = a.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)) > 0;)
        {
            if (b.ReadAtLeast(twin.AsSpan(0, read), read, throwOnEndOfStream: false) != read || !piece.AsSpan(0, read).SequenceEqual(twin.AsSpan(0, read)))
                return false;
        }

        return true;
    }
}
