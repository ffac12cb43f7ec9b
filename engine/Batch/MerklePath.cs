using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Batch;

/// <summary>
/// The proof that one payment is in a batch: with the payment and the batch's root it can be checked by anyone, offline, and it
/// shows no other payment.
/// </summary>
/// <remarks>
/// Where a leaf stands in its node, and how many children each node has, follows from <see cref="Index"/> and
/// <see cref="LeafCount"/>, which the root binds: a path states neither, so nothing has to be believed and one leaf has one path
/// only. A last node of one child has no siblings.
/// </remarks>
public sealed class MerklePath
{
    /// <summary>Place of the leaf among the batch's accepted payments, from 0.</summary>
    public required long Index { get; init; }

    /// <summary>Accepted payments of the batch.</summary>
    public required long LeafCount { get; init; }

    /// <summary>The payment's sequence.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>The leaf's salt, its 16 bytes read as a little-endian number.</summary>
    public required UInt128 Salt { get; init; }

    /// <summary>Siblings of the longest path: 15 at each level of nodes.</summary>
    public const int SiblingsMax = (MerkleTree.LevelsMax - 1) * (MerkleTree.FanOut - 1);

    /// <summary>The other children of each node from the leaf up, in their order: at most 15 a level.</summary>
    public required IReadOnlyList<Digest> Siblings { get; init; }

    /// <summary>Makes the path of one leaf from all leaves of its batch.</summary>
    /// <param name="salt">Of the ledger.</param>
    /// <param name="sequences">Of the batch's accepted payments, rising.</param>
    /// <param name="payments">The payments, parallel to <paramref name="sequences"/>.</param>
    /// <param name="index">Of the leaf, from 0.</param>
    /// <param name="root">The batch's root.</param>
    public static MerklePath Of(
        LeafSalt salt, ReadOnlySpan<ulong> sequences, ReadOnlySpan<Payment> payments, int index, out Digest root)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(payments.Length, sequences.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, payments.Length);
        MerkleBuilder builder = new(salt);
        builder.Watch(index);
        for (int leaf = 0; leaf < payments.Length; leaf++) builder.Append(sequences[leaf], payments[leaf]);
        root = builder.Finish(out MerklePath path);
        return path;
    }

    /// <summary>
    /// Whether <paramref name="path"/> leads from <paramref name="payment"/> to <paramref name="root"/>. Never throws on a path that is not one.
    /// </summary>
    public static bool Verify(in Digest root, in Payment payment, MerklePath path) => TryFollow(payment, path, out Digest reached) && reached == root;

    /// <summary>
    /// The root to which <paramref name="path"/> leads from <paramref name="payment"/>; false where it is no path: its index, its count of leaves and its
    /// siblings do not go together.
    /// </summary>
    public static bool TryFollow(in Payment payment, MerklePath path, out Digest root)
    {
        ArgumentNullException.ThrowIfNull(path);
        root = default;
        if (path.LeafCount is < 1 or > MerkleTree.LeafCountMax || path.Index < 0 || path.Index >= path.LeafCount) return false;
        Span<byte> children = stackalloc byte[MerkleTree.NodeBytes];
        Digest digest = MerkleTree.HashLeaf(path.Salt, path.Sequence, payment);
        int used = 0;
        (long index, long count) = (path.Index, path.LeafCount);
        for (; count > 1; index /= MerkleTree.FanOut, count = MerkleTree.ParentCount(count))
        {
            int place = (int)(index % MerkleTree.FanOut);
            int childCount = (int)Math.Min(MerkleTree.FanOut, count - (index - place));
            if (used + childCount - 1 > path.Siblings.Count) return false;
            for (int child = 0; child < childCount; child++)
            {
                Digest one = child == place ? digest : path.Siblings[used++];
                ((ReadOnlySpan<byte>)one).CopyTo(children[(child * Sha256Lanes.DigestBytes)..]);
            }
            digest = MerkleTree.HashNode(children[..(childCount * Sha256Lanes.DigestBytes)]);
        }
        root = MerkleTree.HashRoot(path.LeafCount, digest);
        return used == path.Siblings.Count;
    }
}
