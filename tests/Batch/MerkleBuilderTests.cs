using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Batch;

/// <summary>The streamed tree has the root of the naive one, whatever its size.</summary>
public sealed class MerkleBuilderTests
{
    internal static readonly byte[] SaltKey = [.. Enumerable.Range(1, LeafSalt.KeyBytes).Select(at => (byte)(at * 7))];

    [Test]
    public void Trees_around_the_powers_of_sixteen_have_the_naive_root()
    {
        Random random = PrintedSeed.Create();
        using LeafSalt salt = new(SaltKey);
        MerkleBuilder builder = new(salt);
        int[] counts =
        [
            0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 271, 272, 273, 511, 512, 4_095, 4_096, 4_097, 4_112,
            65_535, 65_536, 65_537,
        ];
        foreach (int count in counts) AssertNaiveRoot(builder, Generate(random, count));
    }

    [Test]
    public void Trees_of_any_size_have_the_naive_root()
    {
        Random random = PrintedSeed.Create();
        using LeafSalt salt = new(SaltKey);
        MerkleBuilder builder = new(salt);
        for (int round = 0; round < 60; round++) AssertNaiveRoot(builder, Generate(random, random.Next(0, 5_001)));
    }

    [Test]
    public void A_tree_of_no_leaves_has_a_root_of_its_own()
    {
        using LeafSalt salt = new(SaltKey);
        Digest root = new MerkleBuilder(salt).Finish();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(root, Is.EqualTo(MerkleTree.EmptyRoot));
            Assert.That(root.ToString(), Is.EqualTo(Convert.ToHexStringLower(NaiveMerkle.Root(SaltKey, []))));
        }
    }

    [Test]
    public void A_leafs_message_lies_as_pictured()
    {
        using LeafSalt salt = new(SaltKey);
        Payment payment = Generate(new Random(7), 1)[0].Payment;
        UInt128 salted = MemoryMarshal.Read<UInt128>(salt.Compute([0x1122_3344_5566_7788]));
        Digest leaf = MerkleTree.HashLeaf(salted, 0x1122_3344_5566_7788, payment);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MerkleTree.LeafBytes, Is.EqualTo(89));
            Assert.That(leaf.ToString(), Is.EqualTo(Convert.ToHexStringLower(NaiveMerkle.Leaf(SaltKey, 0x1122_3344_5566_7788, payment))));
        }
    }

    [Test]
    public void The_lengths_of_leaf_node_root_and_empty_label_tell_them_apart()
    {
        HashSet<int> lengths = [89, 41, MerkleTree.EmptyLabel.Length];
        for (int children = 1; children <= 16; children++) lengths.Add((children * 32) + 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MerkleTree.EmptyLabel.Length, Is.EqualTo(33));
            Assert.That(lengths, Has.Count.EqualTo(3 + 16));
        }
    }

    [Test]
    public void Salts_are_those_of_the_framework_block_by_block_and_differ()
    {
        using LeafSalt salt = new(SaltKey);
        ulong[] sequences = [.. Enumerable.Range(0, LeafSalt.SequencesMax).Select(at => (ulong)at * 0x0101_0101_0101_0101)];
        HashSet<string> seen = [];
        for (int round = 0; round < 2; round++)
        {
            byte[] salts = salt.Compute(sequences).ToArray();
            for (int at = 0; at < sequences.Length; at++)
            {
                byte[] one = salts[(at * 16)..((at + 1) * 16)];
                Assert.That(one, Is.EqualTo(NaiveMerkle.Salt(SaltKey, sequences[at])));
                seen.Add(Convert.ToHexString(one));
            }
        }
        Assert.That(seen, Has.Count.EqualTo(sequences.Length));
    }

    [Test]
    public void The_key_changes_the_root_and_nothing_else_does()
    {
        (ulong, Payment)[] leaves = Generate(new Random(3), 40);
        byte[] otherKey = [.. SaltKey];
        otherKey[31] ^= 1;
        using LeafSalt salt = new(SaltKey), again = new(SaltKey), other = new(otherKey);
        Digest root = RootOf(new MerkleBuilder(salt), leaves);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(RootOf(new MerkleBuilder(again), leaves), Is.EqualTo(root));
            Assert.That(RootOf(new MerkleBuilder(other), leaves), Is.Not.EqualTo(root));
        }
    }

    [Test]
    public void Payments_out_of_order_stop_the_builder_but_a_new_batch_begins_anywhere()
    {
        using LeafSalt salt = new(SaltKey);
        MerkleBuilder builder = new(salt);
        builder.Append(9, default);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => builder.Append(9, default), Throws.InvalidOperationException);
            Assert.That(builder.LeafCount, Is.EqualTo(1));
            builder.Finish();
            Assert.That(builder.LeafCount, Is.Zero);
            Assert.That(() => builder.Append(1, default), Throws.Nothing);
        }
    }

    [Test]
    public void Building_allocates_nothing()
    {
        using LeafSalt salt = new(SaltKey);
        MerkleBuilder builder = new(salt);
        (ulong, Payment)[] leaves = Generate(new Random(5), 5_003);
        RootOf(builder, leaves);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RootOf(builder, leaves);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    /// <summary>Payments of random bytes under rising sequences with gaps (the refused ones).</summary>
    internal static (ulong Sequence, Payment Payment)[] Generate(Random random, int count)
    {
        (ulong Sequence, Payment Payment)[] leaves = new (ulong, Payment)[count];
        ulong sequence = (ulong)random.NextInt64(1L << 50);
        foreach (ref (ulong Sequence, Payment Payment) leaf in leaves.AsSpan())
        {
            sequence += (ulong)random.Next(1, 5);
            leaf.Sequence = sequence;
            random.NextBytes(MemoryMarshal.AsBytes(new Span<Payment>(ref leaf.Payment)));
        }
        return leaves;
    }

    internal static Digest RootOf(MerkleBuilder builder, (ulong Sequence, Payment Payment)[] leaves)
    {
        foreach ((ulong sequence, Payment payment) in leaves) builder.Append(sequence, payment);
        return builder.Finish();
    }

    private static void AssertNaiveRoot(MerkleBuilder builder, (ulong, Payment)[] leaves) =>
        Assert.That(
            RootOf(builder, leaves).ToString(), Is.EqualTo(Convert.ToHexStringLower(NaiveMerkle.Root(SaltKey, leaves))), $"{leaves.Length} leaves");
}
