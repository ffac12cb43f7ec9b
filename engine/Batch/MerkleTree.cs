using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Batch;

/// <summary>
/// What a batch's tree hashes: the bytes of its leaves, nodes and root. <see cref="MerkleBuilder"/> builds it fast,
/// <see cref="MerklePath"/> proves one leaf of it.
/// </summary>
/// <remarks>
/// All hashes are SHA-256. Leaf i is the batch's i-th accepted payment, by sequence. A node has 16 children, the last of a
/// level as many as are left (1 to 16); levels are built until one node is left.
/// <code>
///   leaf    0  1          17         25                          89
///           |00| salt     | sequence | payment                   |          89 bytes
///
///   node    0          32                    32 n n  n + 1
///           | child 0  | child 1  | …          |01| n|                      32 n + 2 bytes, n = 1 … 16: 34, 66, … 514
///
///   root    0  1          9                                41
///           |02| leaves   | the one node that is left       |               41 bytes
///
///   a tree of no leaves has, as the one node that is left, the hash of the 33 bytes <see cref="EmptyLabel"/>
/// </code>
/// Why no message can stand for another: 32 n + 2 is 2 modulo 32, and 89, 41 and 33 are 25, 9 and 1. So the length alone tells
/// what a message is, and how many children a node has; inside one kind each field has its place. Two different trees, of
/// whatever sizes, have one root only with a collision of SHA-256, and a node's bytes can never be shown as a leaf. (01 and n
/// are redundant, for readers; standing behind the children they let the children begin on block boundaries, so that a full
/// node is 8 blocks and one that never changes.) The root binds the number of leaves, from which the shape follows: a path
/// needs to say no more than index and siblings.
/// </remarks>
public static class MerkleTree
{
    public const int FanOut = 16;

    /// <summary>Domain byte, salt, sequence, payment.</summary>
    public const int LeafBytes = 1 + LeafSalt.SaltBytes + sizeof(ulong) + Payment.Size;

    /// <summary>Most leaves of a batch: ten levels of nodes.</summary>
    public const long LeafCountMax = 1L << 40;

    /// <summary>Levels with the leaves' own: 16^10 = 2^40.</summary>
    public const int LevelsMax = 11;

    internal const int SaltOffset = 1;
    internal const int SequenceOffset = SaltOffset + LeafSalt.SaltBytes;
    internal const int PaymentOffset = SequenceOffset + sizeof(ulong);

    private const byte LeafMark = 0x00;
    private const byte NodeMark = 0x01;
    private const byte RootMark = 0x02;

    /// <summary>Children of a full node, in bytes: 8 blocks.</summary>
    internal const int NodeBytes = FanOut * Sha256Lanes.DigestBytes;

    /// <summary>What stands for the one node that is left where there is none.</summary>
    public static ReadOnlySpan<byte> EmptyLabel => "settlement: batch without payment"u8;

    /// <summary>What follows the sixteen children of a full node.</summary>
    internal static Sha256Ending FullNodeEnding { get; } = new(NodeBytes, [NodeMark, FanOut]);

    /// <summary>Nodes above a level of <paramref name="count"/>.</summary>
    public static long ParentCount(long count) => (count + FanOut - 1) / FanOut;

    /// <summary>Writes a leaf's message but its salt.</summary>
    internal static void WriteLeaf(Span<byte> leaf, ulong sequence, in Payment payment)
    {
        leaf[0] = LeafMark;
        BinaryPrimitives.WriteUInt64LittleEndian(leaf[SequenceOffset..], sequence);
        MemoryMarshal.Write(leaf[PaymentOffset..], in payment);
    }

    /// <summary>Digest of one leaf.</summary>
    public static Digest HashLeaf(UInt128 salt, ulong sequence, in Payment payment)
    {
        Span<byte> leaf = stackalloc byte[LeafBytes];
        WriteLeaf(leaf, sequence, payment);
        BinaryPrimitives.WriteUInt128LittleEndian(leaf[SaltOffset..], salt);
        return Hash(leaf);
    }

    /// <summary>Digest of a node, full or not.</summary>
    /// <param name="children">1 to 16 digests of 32 bytes.</param>
    public static Digest HashNode(ReadOnlySpan<byte> children)
    {
        Span<byte> node = stackalloc byte[NodeBytes + 2];
        children.CopyTo(node);
        node[children.Length] = NodeMark;
        node[children.Length + 1] = (byte)(children.Length / Sha256Lanes.DigestBytes);
        return Hash(node[..(children.Length + 2)]);
    }

    /// <summary>The root of a tree of <paramref name="leafCount"/> leaves, <paramref name="top"/> being the one node that is left.</summary>
    public static Digest HashRoot(long leafCount, in Digest top)
    {
        Span<byte> root = stackalloc byte[1 + sizeof(long) + Sha256Lanes.DigestBytes];
        root[0] = RootMark;
        BinaryPrimitives.WriteInt64LittleEndian(root[1..], leafCount);
        ((ReadOnlySpan<byte>)top).CopyTo(root[(1 + sizeof(long))..]);
        return Hash(root);
    }

    /// <summary>The root of a tree without leaves.</summary>
    public static Digest EmptyRoot { get; } = HashRoot(0, Hash(EmptyLabel));

    private static Digest Hash(ReadOnlySpan<byte> message)
    {
        Digest digest = default;
        SHA256.HashData(message, digest);
        return digest;
    }
}
