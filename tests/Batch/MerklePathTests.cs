using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Batch;

/// <summary>A path proves its payment and no other, and any change breaks it.</summary>
public sealed class MerklePathTests
{
    [Test]
    public void Every_leaf_of_small_trees_is_proven_and_no_path_proves_another_payment()
    {
        Random random = PrintedSeed.Create();
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        foreach (int count in (int[])[1, 2, 15, 16, 17, 33, 100, 257, 273])
        {
            (ulong Sequence, Payment Payment)[] leaves = MerkleBuilderTests.Generate(random, count);
            Digest root = MerkleBuilderTests.RootOf(new MerkleBuilder(salt), leaves);
            for (int index = 0; index < count; index++)
            {
                MerklePath path = PathOf(salt, leaves, index, out Digest same);
                Assert.That(same, Is.EqualTo(root));
                Assert.That(MerklePath.Verify(root, leaves[index].Payment, path), $"leaf {index} of {count}");
                if (count > 1)
                    Assert.That(MerklePath.Verify(root, leaves[(index + 1) % count].Payment, path), Is.False, $"neighbour of {index} of {count}");
            }
        }
    }

    [Test]
    public void Leaves_of_large_trees_are_proven()
    {
        Random random = PrintedSeed.Create();
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        foreach (int count in (int[])[4_096, 4_097, random.Next(4_098, 70_000)])
        {
            (ulong Sequence, Payment Payment)[] leaves = MerkleBuilderTests.Generate(random, count);
            foreach (int index in (int[])[0, count - 1, random.Next(count), random.Next(count)])
            {
                MerklePath path = PathOf(salt, leaves, index, out Digest root);
                Assert.That(MerklePath.Verify(root, leaves[index].Payment, path), $"leaf {index} of {count}");
            }
        }
    }

    [TestCase(1, 0)]
    [TestCase(16, 3)]
    [TestCase(300, 17)]
    [TestCase(300, 299)]
    [TestCase(4_097, 4_096)]
    public void Any_changed_byte_of_root_payment_or_path_fails(int count, int index)
    {
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        (ulong Sequence, Payment Payment)[] leaves = MerkleBuilderTests.Generate(PrintedSeed.Create(), count);
        Payment payment = leaves[index].Payment;
        MerklePath path = PathOf(salt, leaves, index, out Digest root);
        Assert.That(MerklePath.Verify(root, payment, path));

        List<string> stillTrue = [];
        for (int bit = 0; bit < 8; bit++)
        {
            for (int at = 0; at < 32; at++)
                if (MerklePath.Verify(Flipped(root, at, bit), payment, path)) stillTrue.Add($"root {at}");
            for (int at = 0; at < Payment.Size; at++)
                if (MerklePath.Verify(root, Flipped(payment, at, bit), path)) stillTrue.Add($"payment {at}");
            for (int at = 0; at < 8; at++)
            {
                if (MerklePath.Verify(root, payment, With(path, index: Flipped(path.Index, at, bit)))) stillTrue.Add($"index {at}");
                if (MerklePath.Verify(root, payment, With(path, leafCount: Flipped(path.LeafCount, at, bit)))) stillTrue.Add($"count {at}");
                if (MerklePath.Verify(root, payment, With(path, sequence: Flipped(path.Sequence, at, bit)))) stillTrue.Add($"sequence {at}");
            }
            for (int at = 0; at < 16; at++)
                if (MerklePath.Verify(root, payment, With(path, salt: Flipped(path.Salt, at, bit)))) stillTrue.Add($"salt {at}");
            for (int at = 0; at < path.Siblings.Count * 32; at++)
            {
                Digest[] siblings = [.. path.Siblings];
                siblings[at / 32] = Flipped(siblings[at / 32], at % 32, bit);
                if (MerklePath.Verify(root, payment, With(path, siblings: siblings))) stillTrue.Add($"sibling {at}");
            }
        }
        Assert.That(stillTrue, Is.Empty);
    }

    [Test]
    public void A_path_with_a_sibling_missing_added_or_exchanged_fails_and_does_not_throw()
    {
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        (ulong Sequence, Payment Payment)[] leaves = MerkleBuilderTests.Generate(new Random(11), 50);
        MerklePath path = PathOf(salt, leaves, 20, out Digest root);
        Digest[] exchanged = [.. path.Siblings];
        (exchanged[0], exchanged[1]) = (exchanged[1], exchanged[0]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MerklePath.Verify(root, leaves[20].Payment, path));
            Assert.That(MerklePath.Verify(root, leaves[20].Payment, With(path, siblings: [.. path.Siblings.SkipLast(1)])), Is.False);
            Assert.That(MerklePath.Verify(root, leaves[20].Payment, With(path, siblings: [.. path.Siblings, default])), Is.False);
            Assert.That(MerklePath.Verify(root, leaves[20].Payment, With(path, siblings: exchanged)), Is.False);
            Assert.That(MerklePath.Verify(root, leaves[20].Payment, With(path, siblings: [])), Is.False);
        }
    }

    /// <summary>The attack that missing domain separation would allow: a node's bytes, or a node, shown as a leaf.</summary>
    [Test]
    public void A_node_is_not_a_tree_of_its_own()
    {
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        (ulong Sequence, Payment Payment)[] leaves = MerkleBuilderTests.Generate(new Random(12), 256);
        Digest whole = MerkleBuilderTests.RootOf(new MerkleBuilder(salt), leaves);
        // The sixteen nodes above the leaves, each as the digest of a tree of sixteen leaves, under a root of sixteen.
        byte[] tops = [.. leaves.Chunk(16).SelectMany(group => NodeOf(salt, group))];
        Digest asLeaves = MerkleTree.HashRoot(16, MerkleTree.HashNode(tops));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MerkleTree.HashRoot(256, MerkleTree.HashNode(tops)), Is.EqualTo(whole), "the same nodes");
            Assert.That(asLeaves, Is.Not.EqualTo(whole));
            Assert.That(MerkleTree.HashNode(tops.AsSpan(0, 32)), Is.Not.EqualTo(Digest.From(tops)), "a node of one child is not the child");
        }
    }

    [Test]
    public void A_leaf_that_the_tree_does_not_have_is_not_proven()
    {
        using LeafSalt salt = new(MerkleBuilderTests.SaltKey);
        MerkleBuilder builder = new(salt);
        builder.Watch(1);
        builder.Append(5, default);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => builder.Watch(0), Throws.InvalidOperationException);
            Assert.That(() => builder.Finish(out _), Throws.InvalidOperationException);
            Assert.That(() => MerklePath.Of(salt, [1], new Payment[1], 1, out _), Throws.InstanceOf<ArgumentException>());
        }
    }

    private static byte[] NodeOf(LeafSalt salt, (ulong Sequence, Payment Payment)[] group)
    {
        byte[] children =
        [
            .. group.SelectMany(leaf => Bytes(MerkleTree.HashLeaf(
                MemoryMarshal.Read<UInt128>(salt.Compute([leaf.Sequence])), leaf.Sequence, leaf.Payment))),
        ];
        return Bytes(MerkleTree.HashNode(children));
    }

    private static byte[] Bytes(Digest digest) => ((ReadOnlySpan<byte>)digest).ToArray();

    private static MerklePath PathOf(LeafSalt salt, (ulong Sequence, Payment Payment)[] leaves, int index, out Digest root) =>
        MerklePath.Of(salt, [.. leaves.Select(leaf => leaf.Sequence)], [.. leaves.Select(leaf => leaf.Payment)], index, out root);

    private static T Flipped<T>(T value, int at, int bit)
        where T : unmanaged
    {
        MemoryMarshal.AsBytes(new Span<T>(ref value))[at] ^= (byte)(1 << bit);
        return value;
    }

    private static MerklePath With(
        MerklePath path, long? index = null, long? leafCount = null, ulong? sequence = null, UInt128? salt = null, Digest[]? siblings = null) =>
        new()
        {
            Index = index ?? path.Index,
            LeafCount = leafCount ?? path.LeafCount,
            Sequence = sequence ?? path.Sequence,
            Salt = salt ?? path.Salt,
            Siblings = siblings ?? path.Siblings,
        };
}
