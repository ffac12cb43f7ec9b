namespace Settlement.Engine.Journal;

/// <summary>Makes a copy of a journal, which nobody has open, end behind a given block: opening it finds a clean end there, and no torn tail.</summary>
/// <remarks>Failure assumed: whoever calls it has the journal's original elsewhere, and throws the copy away when anything fails.</remarks>
internal static class JournalEnding
{
    /// <summary>
    /// Writes layout and note anew, ends the log's last file in zeros up to a whole sector, and deletes the files behind it. Durable on return, but for
    /// the directory.
    /// </summary>
    /// <param name="files">The copy, with the layout that it shall have.</param>
    /// <param name="endAddress">Behind the last block.</param>
    /// <param name="lastBlock">Its number.</param>
    public static void EndAt(JournalFiles files, long endAddress, ulong lastBlock)
    {
        long last = files.SegmentOf(endAddress - 1);
        for (long segment = files.LastSegment(); segment > last; segment--)
            File.Delete(files.SegmentPath(segment));
        using (var file = File.OpenHandle(files.SegmentPath(last), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            long bytes = endAddress - (last * files.SegmentBytes);
            RandomAccess.SetLength(file, bytes);
            RandomAccess.SetLength(file, (bytes + JournalFiles.SectorBytes - 1) & -JournalFiles.SectorBytes);
            RandomAccess.FlushToDisk(file);
        }

        WriteNote(files, endAddress, lastBlock);
    }

    /// <summary>Writes layout and note alone, for a copy that ends behind the block already.</summary>
    public static void WriteNote(JournalFiles files, long endAddress, ulong lastBlock)
    {
        files.WriteLayout();
        new TailNote(1, endAddress, lastBlock, OperatingSystem.IsLinux(), JournalStart.SectorAt(files, endAddress)).WriteAtRest(files.NotePath);
    }
}
