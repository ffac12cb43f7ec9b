using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>
/// The engine and its naive twin, side by side on generated histories of 100,000 payments and more: the same outcomes for every slot, and at every
/// close and at the end the same balances, positions and batches. Seeds are printed; SETTLEMENT_SEED repeats one.
/// </summary>
[TestFixture]
public sealed class TwinTests
{
    // The two lowest bits of a seed choose the history's temper: one of each.
    private static readonly ulong[] s_seeds = [4, 5, 6, 7];

    private static IEnumerable<ulong> Seeds() =>
        ulong.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out ulong seed) ? [seed] : s_seeds;

    [TestCaseSource(nameof(Seeds))]
    public void The_engine_decides_as_its_twin(ulong seed)
    {
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        var coverage = new Coverage();
        Compare(seed, payments: 100_000, coverage);
        Assert.That(coverage.Payments, Is.GreaterThanOrEqualTo(100_000));
    }

    [Test, Category("Long")]
    public void The_engine_decides_as_its_twin_on_ever_new_histories()
    {
        ulong first = (ulong)PrintedSeed.Create().NextInt64();
        for (int round = 0; LongRun.MayGoOn(round); round++)
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

    private static Digest[] HashesOf(ulong seed, long idMemoryBytes)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, 20_000, rules, rules.Encode);
        using var engine = new EngineLedger(generator.Genesis, idMemoryBytes);
        foreach (GeneratedBlock block in generator.Blocks())
            engine.Apply(block.Header, block.Slots);
        engine.State.Batch.SweepAll();
        return [.. engine.Closed.Select(batch => batch.StateHash)];
    }

    private static void Compare(ulong seed, int payments, Coverage coverage)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, payments, rules, rules.Encode);
        using var engine = new EngineLedger(generator.Genesis);
        engine.State.Batch.Hashed = batch => VerifyAccountsShare(engine, batch);
        ulong closedBefore = 1;
        foreach (GeneratedBlock block in generator.Blocks())
        {
            Outcome[] outcomes = engine.Apply(block.Header, block.Slots);
            for (int i = 0; i < outcomes.Length; i++)
                AssertSame(seed, block, i, outcomes[i]);
            coverage.Add(block.Header, block.Slots, outcomes);
            Assert.That(engine.OpenBatch, Is.EqualTo(generator.Model.OpenBatch), $"seed {seed}, block {block.Header.Number}: the open batch");
            for (; closedBefore < engine.OpenBatch; closedBefore++)
                AssertSameBatch(seed, engine.Batch(closedBefore), generator.Model.Batch(closedBefore));
        }

        AssertSameEnd(seed, engine, generator.Model);
    }

    /// <summary>The incremental hash of accounts, held against a walk over all of them whenever nothing has been written since the close.</summary>
    private static void VerifyAccountsShare(EngineLedger engine, ClosedBatch batch)
    {
        if (engine.State.Batch.Accepted == 0 && engine.State.TimeNs == batch.ClosedNs && engine.State.Sequence == batch.LastSequence)
            Assert.That(engine.State.Hasher.AccountsAtClose, Is.EqualTo(StateHasher.Recompute(engine.State.Accounts)), $"batch {batch.Number}");
    }

    private static void AssertSame(ulong seed, GeneratedBlock block, int i, Outcome outcome)
    {
        Outcome expected = block.Expected[i];
        bool same = outcome.Verdict == expected.Verdict && outcome.First == expected.First && outcome.Rule == expected.Rule
            && outcome.Available == expected.Available;
        if (!same)
        {
            Assert.Fail($"seed {seed}, block {block.Header.Number} ({block.Header.Kind}), slot {i} of {block.Slots.Length}, "
                + $"{block.Slots[i].Instruction}: {Text(outcome)}, the twin says {Text(expected)}");
        }
    }

    private static string Text(Outcome outcome) => $"{outcome.Verdict} (first {outcome.First}, rule {outcome.Rule}, available {outcome.Available})";

    private static void AssertSameBatch(ulong seed, BatchView engine, BatchView twin)
    {
        string where = $"seed {seed}, batch {twin.Number}";
        Assert.That((engine.Number, engine.OpenedNs, engine.ClosedNs, engine.Count), Is.EqualTo((twin.Number, twin.OpenedNs, twin.ClosedNs, twin.Count)), where);
        Assert.That(engine.Gross, Is.EquivalentTo(twin.Gross), $"{where}: gross");
        Assert.That(engine.Fees, Is.EquivalentTo(twin.Fees), $"{where}: fees");
        Assert.That(engine.Net, Is.EquivalentTo(twin.Net), $"{where}: net positions");
    }

    private static void AssertSameEnd(ulong seed, EngineLedger engine, NaiveEngine twin)
    {
        int accounts = 0;
        for (int row = 1; row <= engine.State.Accounts.Count; row++)
        {
            ulong wallet = engine.State.Accounts[row].Wallet;
            Assert.That(engine.Wallet(wallet), Is.EqualTo(twin.Wallet(wallet)), $"seed {seed}, wallet {wallet}");
            for (int index = 1; index <= engine.State.Currencies.Count; index++)
            {
                ushort currency = engine.State.Currencies[index].Number;
                Assert.That(engine.Account(wallet, currency), Is.EqualTo(twin.Account(wallet, currency)), $"seed {seed}, wallet {wallet}, currency {currency}");
                accounts++;
            }
        }

        Assert.That(accounts, Is.Positive);
        for (int index = 1; index <= engine.State.Currencies.Count; index++)
        {
            ushort currency = engine.State.Currencies[index].Number;
            Assert.That(engine.Outstanding(currency), Is.EqualTo(twin.Outstanding(currency)), $"seed {seed}, outstanding in {currency}");
            for (ushort participant = 0; participant < engine.State.Participants.Count; participant++)
            {
                Assert.That(engine.OpenPosition(participant, currency), Is.EqualTo(twin.OpenPosition(participant, currency)), $"seed {seed}, open position of {participant} in {currency}");
                Assert.That(engine.UnsettledPosition(participant, currency), Is.EqualTo(twin.UnsettledPosition(participant, currency)), $"seed {seed}, unsettled position of {participant} in {currency}");
            }
        }
    }
}
