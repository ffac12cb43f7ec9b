using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Perf.Micro;

namespace Settlement.Tests.Perf;

/// <summary>The benchmarks run once, so that none rots; no time is asserted.</summary>
public sealed class TreeBenchmarksTests
{
    [Test]
    public void Every_tree_benchmark_runs_and_its_widths_agree()
    {
        using TreeBenchmarks benchmarks = new();
        Digest once = benchmarks.WholeTree(), again = benchmarks.WholeTree();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(again, Is.EqualTo(once));
            Assert.That(once, Is.Not.EqualTo(MerkleTree.EmptyRoot));
            // The benchmark's key is 32 zeros and its sequences are zero: FIPS 197's cipher of zeros begins with DC.
            Assert.That(benchmarks.Salts(), Is.EqualTo(0xDC));
            foreach (int lanes in (int[])[4, 8, 16])
            {
                Assert.That(benchmarks.LeafOf89Bytes(lanes), Is.EqualTo(benchmarks.LeafOf89Bytes(1)));
                Assert.That(benchmarks.NodeOf514Bytes(lanes), Is.EqualTo(benchmarks.NodeOf514Bytes(1)));
                Assert.That(benchmarks.ChainLinkOf32Bytes(lanes), Is.EqualTo(benchmarks.ChainLinkOf32Bytes(1)));
            }
        }
    }
}
