using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Common;

namespace Settlement.Replay.Backup;

/// <summary>What backup and restore both ask of a journal's files.</summary>
internal static class JournalCopy
{
    public const string PublicKeyName = "node.pub";
    public const string SnapshotsFolder = "snapshots";
    public const string SegmentPrefix = "journal.log.";

    /// <summary>A reader from the first block that can be verified: genesis, or, where the journal was cut in front, the one behind the oldest snapshot.</summary>
    /// <exception cref="JournalException">There is none.</exception>
    public static JournalReader OpenFirst(JournalFiles files)
    {
        if (files.FirstSegment() <= 0)
            return JournalReader.Open(files);
        foreach (string path in new SnapshotStore(files.Directory).Paths().Reverse())
        {
            try
            {
                SnapshotHead head = SnapshotStore.Check(path);
                if (files.SegmentOf(head.BlockAddress) >= files.FirstSegment())
                    return JournalReader.OpenBehind(files, in head);
            }
            catch (SnapshotException)
            {
                // A newer one may serve; that there is none is told by the reader below.
            }
        }

        return JournalReader.Open(files);
    }

    public static string SnapshotName(string path) => SnapshotsFolder + "/" + Path.GetFileName(path);

    /// <summary>How many bytes of a segment belong to a log that ends at an address.</summary>
    public static long BytesOf(JournalFiles files, long segment, long endAddress) =>
        Math.Min(endAddress - (segment * files.SegmentBytes), new FileInfo(files.SegmentPath(segment)).Length);
}
