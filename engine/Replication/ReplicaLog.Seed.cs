using System.Buffers.Binary;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Replication;

// Purpose: a member that has nothing, or nothing of use any more, begins where another one's snapshot was taken.
// Invariant: what comes is believed no further than it can be checked: the snapshot's checksums, and that the block is the very one behind which it was taken. That both are the
//   ledger's own history is for the channel to say over which they came, and for the next block, whose chain hash must follow.
// Failure assumed: a crash at any point leaves no journal, and seeding may begin again; the layout, without which there is none, is written last.

public sealed partial class ReplicaLog
{
    /// <summary>
    /// Makes a journal that begins with the block behind which a snapshot was taken, and the snapshot beside it. To every reader it looks like one whose beginning was cut: the first
    /// segment is missing, and the block is the first entry of the second. Durable on return; it is then opened as any other.
    /// </summary>
    /// <param name="directory">Without a journal; it may not exist.</param>
    /// <param name="snapshot">Another member's, from its first byte; read to its end.</param>
    /// <param name="block">Header and body of the block that its head names, as <see cref="Read"/> gave it there.</param>
    /// <param name="options">Page and segment bytes are laid down for good.</param>
    /// <exception cref="JournalException">There is a journal already, or the block is not the snapshot's.</exception>
    /// <exception cref="SnapshotException">The snapshot is damaged.</exception>
    public static void Seed(string directory, Stream snapshot, ReadOnlySpan<byte> block, JournalOptions options)
    {
        options.Check();
        ref readonly BlockHeader header = ref ReplicatedBlockException.CheckAlone(block);
        var reader = new SnapshotReader(snapshot, "from another member");
        SnapshotHead head = reader.Head;
        CheckTogether(in head, in header, block);
        if (options.LedgerId is { } expected && expected != header.LedgerId)
            throw new JournalException($"The snapshot belongs to ledger {header.LedgerId:x32}, not to {expected:x32}.");
        int length = block.Length;
        if (4 + length + FasterJournal.CommitRecordBytes > options.PageBytes)
            throw new JournalException($"Block {header.Number} of {length} bytes does not fit a page of {options.PageBytes} bytes. Use larger pages.");

        Directory.CreateDirectory(directory);
        using FileStream held = JournalFiles.Lock(directory);
        if (JournalStart.Exists(directory))
            throw new JournalException($"There is a journal in '{directory}' already. Move it away, or name another directory.");
        foreach (string leftover in Directory.EnumerateFiles(directory, "journal.log.*").Append(TailCut.PathIn(directory)))
            File.Delete(leftover);
        var files = new JournalFiles(directory, header.LedgerId, options.PageBytes, options.SegmentBytes);
        head.BlockAddress = options.SegmentBytes;
        head.EndAddress = options.SegmentBytes + 4 + ((length + 3) & ~3);
        head.CommitNumber = 0;
        new SnapshotStore(directory).TakeAlone(reader, in head);

        byte[] entry = new byte[(4 + length + JournalFiles.SectorBytes - 1) & -JournalFiles.SectorBytes];
        BinaryPrimitives.WriteInt32LittleEndian(entry, length);
        block.CopyTo(entry.AsSpan(4));
        using (var file = File.OpenHandle(files.SegmentPath(1), FileMode.Create, FileAccess.Write, FileShare.None))
        {
            RandomAccess.Write(file, entry, 0);
            RandomAccess.FlushToDisk(file);
        }

        JournalStart.SyncDirectory(directory);
        files.WriteLayout();
        bool kept = options.DeviceHere == JournalDevice.Direct;
        new TailNote(1, head.EndAddress, head.Block, kept, JournalStart.SectorAt(files, head.EndAddress), head.Block).WriteAtRest(files.NotePath);
        JournalStart.SyncDirectory(directory);
    }

    private static void CheckTogether(in SnapshotHead head, in BlockHeader header, ReadOnlySpan<byte> block)
    {
        using var seal = new BlockSeal();
        bool same = head.LedgerId == header.LedgerId && head.Block == header.Number && head.Sequence + 1 == header.FirstSequence + header.Count && head.TimeNs == header.TimeNs
            && head.Previous == seal.DigestOf(in header, block[BlockHeader.Size..], default);
        if (!same)
            throw new JournalException($"The snapshot was taken behind block {head.Block}, and block {header.Number} that came with it is not that one. Fetch both from one member.");
    }
}
