using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>
/// Repairs a journal that nobody has open and that opening refuses as damaged, from copies of its blocks: as the audit of a running node would, but at once.
/// </summary>
/// <remarks>
/// Only what is durable by the newest note is touched: what lies behind it is opening's to judge. It begins where opening would, in front of the newest snapshot; older blocks are for the audit once the node runs.
/// Failure assumed: power that goes in between; then opening refuses again, and the repair is begun again.
/// </remarks>
internal static class JournalRepair
{
    /// <param name="directory">Of the journal; an opening has just refused it, so that a torn sector is put back and a cut is finished.</param>
    /// <param name="ledgerId">The ledger that is expected; null: whichever it is.</param>
    /// <param name="calls">Through which files are touched; null: the system's.</param>
    /// <param name="copies">Who may have good blocks.</param>
    /// <param name="tell">Told in sentences what was found and done.</param>
    /// <returns>What stands repaired, and what does not.</returns>
    /// <exception cref="JournalException">The journal is open elsewhere, or its note says nothing.</exception>
    public static AuditFigures Run(string directory, UInt128? ledgerId, IFileCalls? calls, Func<IReadOnlyList<BlockCopy>> copies, Action<string> tell)
    {
        using FileStream held = JournalFiles.Lock(directory);
        JournalFiles files = JournalFiles.ReadLayout(directory, ledgerId);
        if (TailNote.ReadNewest(files.NotePath) is not { HasBlock: true } note)
            throw new JournalException($"The note of the journal in '{directory}' does not say up to where it was durable, so nothing in it can be repaired in its place.");
        long start = Math.Max(0, files.FirstSegment()) * files.SegmentBytes;
        if (Newest(directory, files) is { } snapshot)
            start = Math.Max(start, files.PageStartOf(snapshot.BlockAddress) - files.PageBytes);
        using var audit = new IntegrityAudit(new Resting(files, calls, note.EndAddress), new AuditOptions { BytesPerSecond = 0 }, copies, tell);
        audit.RunFrom(start);
        return audit.Figures;
    }

    private static SnapshotHead? Newest(string directory, JournalFiles files)
    {
        foreach (string path in new SnapshotStore(directory).Paths())
        {
            try
            {
                SnapshotHead head = SnapshotStore.Check(path);
                if (head.LedgerId == files.LedgerId)
                    return head;
            }
            catch (Exception fault) when (fault is SnapshotException or IOException or UnauthorizedAccessException)
            {
                // Opening has said so, and used an older one.
            }
        }

        return null;
    }

    private sealed class Resting(JournalFiles files, IFileCalls? calls, long end) : IAuditedLog
    {
        public JournalFiles Files => files;

        public IFileCalls? FileCalls => calls;

        public long DurableEnd => end;

        public long Cuts => 0;

        public Func<ulong, byte[]?>? InMemory => null;

        public bool TryHold(long cuts, Action action)
        {
            action();
            return true;
        }
    }
}
