using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>What a block carries.</summary>
public enum BlockKind : ushort
{
    None = 0,

    /// <summary>The first block of a ledger: its id, salt key and capacities.</summary>
    Genesis = 1,

    /// <summary>1 to 16,384 payments.</summary>
    Payments = 2,

    /// <summary>Control commands and their continuation slots.</summary>
    Control = 3,

    /// <summary>Nothing but a time: lets holds expire and batches close by age while no payment comes.</summary>
    Tick = 4,

    /// <summary>A closed batch's statement, root and state hash. Takes no sequence and changes no ledger state.</summary>
    Seal = 5,

    /// <summary>
    /// A new leader's first block in a replicated journal: no body. What is behind it on a quorum is that leader's for certain, and all before it with it.
    /// Takes no sequence, changes no ledger state, and has the time of the block before it.
    /// </summary>
    Term = 6,

    /// <summary>The members of the cluster from here on, as the consensus library writes them down. Takes no sequence, changes no ledger state, and has the time of the block before it.</summary>
    Members = 7,
}

/// <summary>What kinds of blocks mean to who applies them.</summary>
public static class BlockKinds
{
    /// <summary>The highest that this program knows.</summary>
    public const BlockKind Last = BlockKind.Members;

    /// <summary>Whether a block of this kind is applied: it gives the ledger its time, and may have slots.</summary>
    public static bool IsApplied(this BlockKind kind) => kind is BlockKind.Payments or BlockKind.Control or BlockKind.Tick;
}

/// <summary>
/// The 128 bytes before a block's body, little-endian. The CRC covers header (with the CRC field zero) and body; the chain
/// is the SHA-256 of the previous block's header and body, CRC included.
/// </summary>
/// <remarks>
/// <code>
///   0       4   6   8              24              32              40      44      48
///   | magic |ver|knd| ledger id    | block number  | first sequence| count | bytes | …
///  48              56              64                              96     100     104       128
///   | time, ns     | term          | SHA-256 of the previous block | CRC   | attach| reserved |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct BlockHeader
{
    public const int Size = 128;

    /// <summary>"STLB".</summary>
    public const uint MagicValue = 0x424C_5453;
    public const ushort FormatVersion = 1;

    [FieldOffset(0)] public uint Magic;
    [FieldOffset(4)] public ushort Version;
    [FieldOffset(6)] public BlockKind Kind;
    [FieldOffset(8)] public UInt128 LedgerId;

    /// <summary>0 for genesis, then 1, 2, 3 …</summary>
    [FieldOffset(24)] public ulong Number;

    /// <summary>
    /// Sequence of the first slot. Sequences start at 1, count payments and control slots, and have no gap. A block that
    /// takes none (all but payments and control) states the sequence that comes next.
    /// </summary>
    [FieldOffset(32)] public ulong FirstSequence;

    /// <summary>Slots of 64 bytes that take a sequence.</summary>
    [FieldOffset(40)] public uint Count;

    /// <summary>Length of the body behind the header, attachment included.</summary>
    [FieldOffset(44)] public uint BodyBytes;

    /// <summary>Nanoseconds since the Unix epoch, assigned once by the journal stage; never decreases.</summary>
    [FieldOffset(48)] public ulong TimeNs;

    /// <summary>Of the leader that sealed it; 0 on a node that is alone. Never decreases.</summary>
    [FieldOffset(56)] public ulong Term;
    [FieldOffset(64)] public Digest Previous;
    [FieldOffset(96)] public uint Crc;

    /// <summary>Length of the attachment section at the end of the body.</summary>
    [FieldOffset(100)] public uint AttachmentBytes;
    [FieldOffset(104)] public ulong Reserved0;
    [FieldOffset(112)] public ulong Reserved1;
    [FieldOffset(120)] public ulong Reserved2;
}

/// <summary>32 bytes of a SHA-256.</summary>
[InlineArray(32)]
public struct Digest : IEquatable<Digest>
{
    private byte _first;

    public static Digest From(ReadOnlySpan<byte> bytes)
    {
        Digest digest = default;
        bytes[..32].CopyTo(digest);
        return digest;
    }

    public readonly bool Equals(Digest other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is Digest other && Equals(other);

    public override readonly int GetHashCode() => MemoryMarshal.Read<int>(this);

    public override readonly string ToString() => Convert.ToHexStringLower(this);

    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);
}
