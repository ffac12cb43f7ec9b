using System.Buffers.Binary;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Journal;

/// <summary>
/// The intention to take the end of a log away behind a block, and the taking: the one way in which a log ever becomes shorter. A member of a cluster does it
/// to blocks that were never committed, when a new leader has others in their place.
/// </summary>
/// <remarks>
/// Invariant: the intention, <c>journal.cut</c>, is whole and on disk before a byte of the log changes, and goes away last. Each step writes what the intention says and
/// nothing else, so all of them may be done again: whoever opens the journal for writing finishes a cut that was interrupted, and whoever reads it meanwhile
/// ends where the intention says. The sector in which the log will end is part of the intention, because writing it may tear it.
/// Both tail notes are lowered: the older one alone, if the newer tore later, would call the cut a loss.
/// Failure assumed: a crash between any two writes and inside any of them; a file of another name (`.new`) is no intention.
/// <code>
///  0       4   6   8              24              32              40     44      4096            8192
///  | magic |ver| - | ledger id    | block         | end address   | CRC | zeros  | copy of sector |
/// </code>
/// The CRC-32C covers all 8,192 bytes with its own field zero.
/// </remarks>
/// <param name="LedgerId">Of the journal.</param>
/// <param name="Block">The last block that stays.</param>
/// <param name="EndAddress">Log address behind it.</param>
/// <param name="Sector">The sector in which that is, as it was before.</param>
internal sealed record TailCut(UInt128 LedgerId, ulong Block, long EndAddress, byte[] Sector)
{
    public const int FileBytes = 2 * JournalFiles.SectorBytes;

    /// <summary>"STLC".</summary>
    private const uint Magic = 0x434C_5453;
    private const ushort Version = 1;
    private const int CrcOffset = 40;
    private const int HeadBytes = CrcOffset + 4;
    private const string Unfinished = ".new";

    public static string PathIn(string directory) => Path.Combine(directory, "journal.cut");

    /// <summary>The intention in a journal's directory; null: there is none.</summary>
    /// <exception cref="JournalException">There is one that cannot be read: what was to become of the log's end is unknown.</exception>
    public static TailCut? Read(JournalFiles files)
    {
        string path = PathIn(files.Directory);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }

        if (bytes.Length != FileBytes)
            throw Damaged(path, $"it has {bytes.Length} bytes, {FileBytes} are expected");
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(CrcOffset));
        bytes.AsSpan(CrcOffset, 4).Clear();
        if (crc != Crc32C.Append(0, bytes) || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
            throw Damaged(path, "its checksum is not that of its bytes");
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(4));
        if (version > Version)
            throw JournalFiles.NewerFormat(files.Directory, version, Version);
        var cut = new TailCut(
            BinaryPrimitives.ReadUInt128LittleEndian(bytes.AsSpan(8)),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24)),
            BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(32)),
            bytes.AsSpan(JournalFiles.SectorBytes).ToArray());
        if (cut.LedgerId != files.LedgerId)
            throw Damaged(path, $"it is of ledger {cut.LedgerId:x32}, the journal is of {files.LedgerId:x32}");
        return cut;
    }

    /// <summary>Makes the intention durable.</summary>
    /// <param name="files">The journal, which no device has open.</param>
    /// <param name="step">Told after each write, for tests; null: nobody asks.</param>
    public void Intend(JournalFiles files, Action<string>? step = null)
    {
        byte[] bytes = new byte[FileBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(8), LedgerId);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Block);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), EndAddress);
        Sector.CopyTo(bytes, JournalFiles.SectorBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcOffset), Crc32C.Append(0, bytes));
        string path = PathIn(files.Directory);
        using (var file = File.OpenHandle(path + Unfinished, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.WriteThrough))
        {
            RandomAccess.Write(file, bytes, 0);
            RandomAccess.FlushToDisk(file);
        }

        step?.Invoke("intention written");
        File.Move(path + Unfinished, path, overwrite: true);
        JournalStart.SyncDirectory(files.Directory);
        step?.Invoke("intention named");
    }

    /// <summary>Lowers the notes, takes the bytes away, and then the intention. Durable on return.</summary>
    /// <param name="files">The journal, which no device has open.</param>
    /// <param name="kept">Whether the device that goes on writes notes.</param>
    /// <param name="step">Told after each write, for tests; null: nobody asks.</param>
    /// <returns>Serial of the newest note.</returns>
    public ulong Finish(JournalFiles files, bool kept, Action<string>? step = null)
    {
        TailNote? before = TailNote.ReadNewest(files.NotePath);
        ulong serial = before?.Serial ?? 0;
        for (int slot = 0; slot < 2; slot++)
        {
            new TailNote(++serial, EndAddress, Block, kept, Sector, before is null ? 0 : before.Committed).WriteAtRest(files.NotePath);
            step?.Invoke("note lowered");
        }

        long last = files.SegmentOf(EndAddress - 1);
        for (long segment = files.LastSegment(); segment > last; segment--)
        {
            File.Delete(files.SegmentPath(segment));
            step?.Invoke("segment deleted");
        }

        using (var file = File.OpenHandle(files.SegmentPath(last), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            int acknowledged = (int)(EndAddress & (JournalFiles.SectorBytes - 1));
            long sector = EndAddress - acknowledged - (last * files.SegmentBytes);
            RandomAccess.SetLength(file, sector + (acknowledged > 0 ? JournalFiles.SectorBytes : 0));
            step?.Invoke("segment shortened");
            if (acknowledged > 0)
            {
                byte[] ending = new byte[JournalFiles.SectorBytes];
                Sector.AsSpan(0, acknowledged).CopyTo(ending);
                RandomAccess.Write(file, ending, sector);
            }

            RandomAccess.FlushToDisk(file);
            step?.Invoke("sector written");
        }

        JournalStart.SyncDirectory(files.Directory);
        File.Delete(PathIn(files.Directory));
        JournalStart.SyncDirectory(files.Directory);
        step?.Invoke("intention removed");
        return serial;
    }

    /// <summary>Finishes a cut that was interrupted, before the journal is verified; null: there is none.</summary>
    /// <exception cref="JournalException">The intention cannot be read.</exception>
    public static string? FinishInterrupted(JournalFiles files, bool kept)
    {
        File.Delete(PathIn(files.Directory) + Unfinished);
        if (Read(files) is not { } cut)
            return null;
        cut.Finish(files, kept);
        return $"the log's end behind block {cut.Block}, which another leader's blocks are to replace, was taken away: a crash had interrupted that";
    }

    private static JournalException Damaged(string path, string what) => new(
        $"'{path}' says where the journal's uncommitted end was to be cut, and cannot be read: {what}. Nothing was changed. Restore the node from the others of its cluster.");
}
