using Settlement.Perf.Generate;

namespace Settlement.Tests.Perf;

public sealed class ZipfRankTests
{
    [Test]
    public void The_numbers_of_a_seed_are_those_of_the_published_algorithm()
    {
        // From a second implementation, in Python, of xoshiro256** filled by splitmix64.
        var random = new SeededRandom(0);
        Assert.That(random.Next(), Is.EqualTo(0x99EC_5F36_CB75_F2B4));
        Assert.That(random.Next(), Is.EqualTo(0xBF6E_1F78_4956_452A));
        Assert.That(random.Next(), Is.EqualTo(0x1A5F_849D_4933_E6E0));
        Assert.That(random.Next(), Is.EqualTo(0x6AA5_94F1_262D_2D2C));
    }

    [Test]
    public void Six_ranks_come_as_often_as_a_second_implementation_says()
    {
        // 60,000 x (1/k) / H(6) would be 24,490 12,245 8,163 6,122 4,898 4,082; the same Python drew these.
        Assert.That(Counts(ranks: 6, draws: 60_000, seed: 1), Is.EqualTo(new[] { 24_528, 12_103, 8_221, 6_246, 4_876, 4_026 }));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(7)]
    [TestCase(8)]
    [TestCase(100)]
    [TestCase(1_000)]
    public void Every_rank_comes_in_proportion_to_its_inverse(int ranks)
    {
        const int Draws = 400_000;
        int[] counts = Counts(ranks, Draws, seed: 7);
        double harmonic = Enumerable.Range(1, ranks).Sum(rank => 1.0 / rank);
        double chiSquared = counts.Select((count, at) =>
        {
            double expected = Draws / ((at + 1) * harmonic);
            return (count - expected) * (count - expected) / expected;
        }).Sum();

        // Mean ranks - 1, standard deviation sqrt(2 (ranks - 1)): five of them never happens with a right law, and always soon with a wrong one.
        Assert.That(chiSquared, Is.LessThanOrEqualTo(ranks - 1 + 5 * Math.Sqrt(2.0 * (ranks - 1)) + 1e-9));
    }

    [Test]
    public void A_bounded_number_is_uniform_also_where_the_bound_divides_badly()
    {
        const ulong Bound = 3UL << 62; // two of three draws' low halves fall short: the rare branch is taken often
        var random = new SeededRandom(5);
        int[] thirds = new int[3];
        for (int i = 0; i < 30_000; i++)
            thirds[random.Below(Bound) / (1UL << 62)]++;
        Assert.That(thirds, Has.All.InRange(9_600, 10_400));
    }

    private static int[] Counts(int ranks, int draws, ulong seed)
    {
        var random = new SeededRandom(seed);
        var zipf = new ZipfRank((ulong)ranks);
        int[] counts = new int[ranks];
        for (int i = 0; i < draws; i++)
            counts[zipf.Next(ref random) - 1]++;
        return counts;
    }
}
