using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>
/// The engine and its naive twin, side by side on generated histories of 100,000 payments and more: the same outcomes, balances,
/// positions and batches. Seeds are printed; SETTLEMENT_SEED repeats one.
/// </summary>
[TestFixture, Parallelizable]
public sealed class TwinTests
{
    // The two lowest bits of a seed choose the history's temper: one of each.
    private static readonly ulong[] s_seeds = [4, 5, 6, 7];

    private static ulong[] Seeds() =>
        ulong.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out ulong seed) ? [seed] : s_seeds;

    [TestCaseSource(nameof(Seeds))]
    public void The_engine_decides_as_its_twin(ulong seed)
    {
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        var coverage = new Coverage();
        Compare(seed, payments: 100_000, coverage);
        Assert.That(coverage.Payments, Is.GreaterThanOrEqualTo(100_000));
    }

    [Test, Category(LongRun.Category)]
    public void The_engine_decides_as_its_twin_on_ever_new_histories()
    {
        ulong first = (ulong)PrintedSeed.Create().NextInt64();
        var time = new LongRun();
        for (int round = 0; time.MayGoOn(round); round++)
            Compare(first + (ulong)round, payments: 20_000, new Coverage());
    }

    [Test]
    public void The_same_history_gives_the_same_state_hashes_however_much_memory_there_is_for_ids()
    {
        Digest[] small = HashesOf(seed: 6, Engine.Dedup.Deduplicator.IdMemoryBytesMin);
        Digest[] large = HashesOf(seed: 6, 64L << 20);
        Assert.That(small, Is.Not.Empty);
        Assert.That(small, Is.EqualTo(large));
        Assert.That(small, Is.Unique, "every close changes the state hash");
    }

    [Test]
    public void The_incremental_sum_of_accounts_is_that_of_a_walk_over_all_of_them()
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed: 7, 20_000, rules, rules.Encode);
        using var engine = new EngineLedger(generator.Genesis);
        int compared = 0;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            engine.Apply(block.Header, block.Slots);
            Assert.That(engine.State.Balances.Value, Is.EqualTo(BalanceFold.Recompute(engine.State.Accounts)), $"block {block.Header.Number}");
            compared++;
        }

        Assert.That(compared, Is.GreaterThan(10));
    }

    private static Digest[] HashesOf(ulong seed, long idMemoryBytes)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 20_000, rules, rules.Encode);
        using var engine = new EngineLedger(generator.Genesis, idMemoryBytes);
        foreach (GeneratedBlock block in generator.Blocks())
            engine.Apply(block.Header, block.Slots);
        return [.. engine.Closed.Select(batch => batch.StateHash)];
    }

    private static void Compare(ulong seed, int payments, Coverage coverage)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, payments, rules, rules.Encode, decides: true, consents: true);
        using var engine = new EngineLedger(generator.Genesis);
        Lockstep.Follow(generator, engine, coverage);
    }
}
