using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal;

/// <summary>
/// Whether bytes of a log's page are an entry as FASTER writes it: a block, or one of FASTER's commit records. Whoever reads or makes a log's bytes goes by these rules.
/// </summary>
/// <remarks>
/// <code>
///  block           0       4                              132            132 + body, then zeros to a multiple of 4
///                  | bytes | header                        | body … |
///  commit record   0       4         8         16      24      32       40          44       48
///                  | -44   | version | checksum | begin | until | number | iterators | cookie |
/// </code>
/// Nothing here looks at the chain. Failure assumed: any byte may be anything.
/// </remarks>
internal static class LogEntries
{
    private const int CommitVersion = 1;
    private const int NoCookie = -1;

    /// <summary>Bytes that a block of so many bytes, header included, takes in the log.</summary>
    public static int BytesOf(int block) => 4 + ((block + 3) & ~3);

    /// <summary>What is wrong with the bytes of one entry, wherever in the chain it stands; null: it is a block.</summary>
    /// <param name="page">From its beginning, as far as it is there.</param>
    /// <param name="offset">Of the entry in the page.</param>
    /// <param name="length">That its first four bytes state.</param>
    /// <param name="pageBytes">Of a whole page.</param>
    public static string? ObjectionToBlock(ReadOnlySpan<byte> page, int offset, int length, int pageBytes)
    {
        if (length < BlockHeader.Size || length > pageBytes - offset - 4)
            return $"an entry of {length} bytes cannot be there";
        if (length > page.Length - offset - 4)
            return $"its file ends {length - (page.Length - offset - 4)} bytes before the block does";
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(page.Slice(offset + 4, BlockHeader.Size));
        if (header.Magic != BlockHeader.MagicValue)
            return "no block header begins there";
        if (header.BodyBytes != length - BlockHeader.Size)
            return $"its header says {header.BodyBytes} bytes of body, its entry {length - BlockHeader.Size}";
        uint crc = BlockSeal.CrcOf(in header, page.Slice(offset + 4 + BlockHeader.Size, (int)header.BodyBytes), default);
        if (header.Crc != crc)
            return $"its CRC is {crc:x8}, its header says {header.Crc:x8}";
        int pad = Math.Min(-length & 3, page.Length - offset - 4 - length);
        return page.Slice(offset + 4 + length, pad).IndexOfAnyExcept((byte)0) < 0 ? null : "the bytes behind it are not zero";
    }

    /// <summary>What is wrong with a commit record; null: nothing.</summary>
    /// <param name="page">From its beginning, as far as it is there.</param>
    /// <param name="offset">Of the entry in the page.</param>
    /// <param name="length">That its first four bytes state.</param>
    /// <param name="address">Of the entry in the log.</param>
    /// <param name="before">Number of the record before it.</param>
    /// <param name="number">Its own.</param>
    public static string? ObjectionToCommit(ReadOnlySpan<byte> page, int offset, int length, long address, long before, out long number)
    {
        number = 0;
        if (length != -(FasterJournal.CommitRecordBytes - 4) || page.Length - offset < FasterJournal.CommitRecordBytes)
            return $"an entry of {length} bytes cannot be there";
        ReadOnlySpan<byte> record = page.Slice(offset, FasterJournal.CommitRecordBytes);
        number = NumberOf(record);
        Span<byte> expected = stackalloc byte[FasterJournal.CommitRecordBytes];
        WriteCommit(expected, address, number);
        return number > before && record.SequenceEqual(expected) ? null : "a commit record of FASTER's is damaged";
    }

    /// <summary>Writes the commit record that stands at an address.</summary>
    public static void WriteCommit(Span<byte> target, long address, long number)
    {
        long until = address + FasterJournal.CommitRecordBytes;
        BinaryPrimitives.WriteInt32LittleEndian(target, -(FasterJournal.CommitRecordBytes - 4));
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], CommitVersion);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], ChecksumOf(until, number));
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], JournalFiles.FirstAddress);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], until);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], number);
        BinaryPrimitives.WriteInt32LittleEndian(target[40..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(target[44..], NoCookie);
    }

    public static long NumberOf(ReadOnlySpan<byte> record) => BinaryPrimitives.ReadInt64LittleEndian(record[32..]);

    /// <summary>The number that a record's checksum gives, if its address is right.</summary>
    public static long NumberByChecksum(ReadOnlySpan<byte> record, long address) =>
        ChecksumOf(address + FasterJournal.CommitRecordBytes, BinaryPrimitives.ReadInt64LittleEndian(record[8..]));

    // FASTER's own: every field and its complement, by exclusive or; so it gives the number from the checksum as well.
    private static long ChecksumOf(long until, long other) => JournalFiles.FirstAddress ^ until ^ other ^ -1L;
}
