using System.Buffers.Binary;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Journal;

/// <summary>
/// What was durable when the last log write had completed: the end address, the block, and a copy of the sector in which it
/// ends. The next write rewrites that sector, so a tear could reach acknowledged bytes: the copy puts them back. The address
/// tells damage (below it) from a torn tail (at or beyond it).
/// </summary>
/// <remarks>
/// Two slots are written in turn, so that a tear of one leaves the other. A note is written after its log write was
/// acknowledged and before the next begins; hence at most one log write, and never more than a page, lies beyond the newest.
/// Where a crash falls between an acknowledgement and its note, that one write is verified by chain and CRC like all others,
/// and only a second, independent fault in it could be taken for a torn tail.
/// <code>
///  sector 0         1              2                3              4
///  | layout       | slot 0: head | copy of sector | slot 1: head | copy of sector |
///  head: 0       4       8               16              24              32   33      40              48
///        | magic | CRC   | serial        | end address   | block         |kept|stated| committed     | zeros …
/// </code>
/// </remarks>
/// <param name="Serial">Counts the notes; its lowest bit is the slot.</param>
/// <param name="EndAddress">Where the durable log ended.</param>
/// <param name="Block">Number of the last durable block.</param>
/// <param name="Kept">Written by a device that writes a note after every log write; otherwise only when opening.</param>
/// <param name="Sector">Copy of the sector in which the log ended.</param>
/// <param name="Committed">In a replicated journal, the last block that was known to be committed; null: the journal is one node's own, and what is durable counts.</param>
internal sealed record TailNote(ulong Serial, long EndAddress, ulong Block, bool Kept, byte[] Sector, ulong? Committed = null)
{
    public const int SlotBytes = 2 * JournalFiles.SectorBytes;
    public const int FileBytes = JournalFiles.SectorBytes + (2 * SlotBytes);

    /// <summary>"STLN".</summary>
    private const uint Magic = 0x4E4C_5453;
    private const int HeadBytes = 48;

    /// <summary>The last block that nothing will take back.</summary>
    public ulong SettledBlock => Math.Min(Committed ?? Block, Block);

    /// <summary>Whether any block was durable.</summary>
    public bool HasBlock => EndAddress > JournalFiles.FirstAddress;

    /// <summary>Address of the sector that <see cref="Sector"/> copies.</summary>
    public long SectorAddress => EndAddress & -JournalFiles.SectorBytes;

    public static long OffsetOf(ulong serial) => JournalFiles.SectorBytes + ((long)(serial & 1) * SlotBytes);

    /// <summary>Fills the head of a slot whose second sector already holds the copy.</summary>
    public static void Format(Span<byte> slot, ulong serial, long endAddress, ulong block, bool kept, ulong? committed = null)
    {
        slot[..HeadBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(slot, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], serial);
        BinaryPrimitives.WriteInt64LittleEndian(slot[16..], endAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[24..], block);
        slot[32] = kept ? (byte)1 : (byte)0;
        slot[33] = committed is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteUInt64LittleEndian(slot[40..], committed ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(slot[4..], Crc32C.Append(0, slot[..SlotBytes]));
    }

    /// <summary>The newer of the valid slots; null: none is valid.</summary>
    public static TailNote? ReadNewest(string path)
    {
        byte[] bytes = new byte[FileBytes];
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            RandomAccess.Read(file, bytes, 0);
        TailNote? even = Parse(bytes.AsSpan((int)OffsetOf(0), SlotBytes));
        TailNote? odd = Parse(bytes.AsSpan((int)OffsetOf(1), SlotBytes));
        return even is null || (odd is not null && odd.Serial > even.Serial) ? odd : even;
    }

    private static TailNote? Parse(Span<byte> slot)
    {
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(slot[4..]);
        slot[4..8].Clear();
        if (BinaryPrimitives.ReadUInt32LittleEndian(slot) != Magic || crc != Crc32C.Append(0, slot))
            return null;
        return new TailNote(
            BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(slot[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(slot[24..]),
            slot[32] != 0,
            slot[JournalFiles.SectorBytes..].ToArray(),
            slot[33] != 0 ? BinaryPrimitives.ReadUInt64LittleEndian(slot[40..]) : null);
    }

    /// <summary>Writes this note while no device is at work (creation, opening, closing) and makes it durable.</summary>
    public void WriteAtRest(string path)
    {
        byte[] slot = new byte[SlotBytes];
        Sector.CopyTo(slot, JournalFiles.SectorBytes);
        Format(slot, Serial, EndAddress, Block, Kept, Committed);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, FileOptions.WriteThrough);
        RandomAccess.Write(file, slot, OffsetOf(Serial));
        RandomAccess.FlushToDisk(file);
    }
}
