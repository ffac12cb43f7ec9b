using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Snapshots;

/// <summary>The parts of a snapshot, in the order in which they stand in it. Numbers are stable.</summary>
public enum SnapshotSection : ushort
{
    None = 0,
    Genesis = 1,
    Cast = 2,
    Accounts = 3,
    Positions = 4,
    Targets = 5,
    Rules = 6,
    Sums = 7,
    Ids = 8,
    Batch = 9,
    Trees = 10,
    End = 0xFFFF,
}

/// <summary>
/// The first 128 bytes of a snapshot: the block behind which it was taken, and all that is needed to read the journal on from there.
/// </summary>
/// <remarks>
/// Purpose: the ledger's whole state at a block boundary, so that neither starting nor going back needs the journal from its first block.
/// Behind the head stand the sections (<see cref="SnapshotSection"/>), each in one or more chunks of up to 1 MiB, and an end chunk:
/// <code>
///  head
///  0       4   6   8              24              32              40              48
///  | magic |ver| 0 | ledger id    | block         | sequence      | time, ns      |
///  48              56              64                              96     100     104             112   128
///  | log address   | commit        | SHA-256 of that block         | CRC  | 0      | block address | zero |
///  chunk
///  0       4       8   10 12      16
///  | bytes | CRC   |sec| 0 | index | data …
///  end chunk's data
///  0                               32              40              48
///  | state hash                    | chunks before | file bytes    |
/// </code>
/// A chunk's CRC-32C begins with the head's CRC, then covers the chunk's head (its CRC field zero) and data: so a chunk of another snapshot, another place or
/// another section is found out. Any single error of up to 32 bits in a row is found for certain, any other but for one chance in 2^32.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct SnapshotHead
{
    public const int Size = 128;

    /// <summary>"STLS".</summary>
    public const uint MagicValue = 0x534C_5453;
    public const ushort FormatVersion = 3;

    [FieldOffset(0)] public uint Magic;
    [FieldOffset(4)] public ushort Version;
    [FieldOffset(6)] public ushort Reserved;
    [FieldOffset(8)] public UInt128 LedgerId;

    /// <summary>The last block applied.</summary>
    [FieldOffset(24)] public ulong Block;

    /// <summary>The last sequence applied.</summary>
    [FieldOffset(32)] public ulong Sequence;

    /// <summary>Time of that block.</summary>
    [FieldOffset(40)] public ulong TimeNs;

    /// <summary>Log address behind the block.</summary>
    [FieldOffset(48)] public long EndAddress;

    /// <summary>Number of the last of FASTER's commit records before it.</summary>
    [FieldOffset(56)] public long CommitNumber;

    /// <summary>SHA-256 of the block: what the next one states as its predecessor.</summary>
    [FieldOffset(64)] public Digest Previous;
    [FieldOffset(96)] public uint Crc;

    /// <summary>Log address of the block itself: the journal is asked whether it holds it.</summary>
    [FieldOffset(104)] public long BlockAddress;
}

[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct SnapshotChunkHead
{
    public const int Size = 16;
    public const int BytesMax = 1 << 20;

    [FieldOffset(0)] public uint Bytes;
    [FieldOffset(4)] public uint Crc;
    [FieldOffset(8)] public SnapshotSection Section;
    [FieldOffset(10)] public ushort Reserved;
    [FieldOffset(12)] public uint Index;
}

/// <summary>A snapshot cannot be used: it is damaged, of another version, or of another ledger. The message says what and where.</summary>
public sealed class SnapshotException : Exception
{
    public SnapshotException(string message)
        : base(message)
    {
    }

    public SnapshotException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
