using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>The small stories, told to the naive twin.</summary>
public sealed class NaiveEngineScenarios : LedgerScenarios
{
    protected override ILedgerUnderTest Open(Genesis genesis) => new NaiveEngine(genesis, new TableRules());

    protected override byte[] Encode(IReadOnlyList<TableRule> rules) => TableRules.Encode(rules);
}

/// <summary>Generated histories: nothing is created or lost, nothing is left to chance, and they reach every verdict.</summary>
public sealed class TwinSelfTests
{
    /// <summary>Two of each temper.</summary>
    private static readonly ulong[] s_seeds = [1, 2, 3, 4, 5, 6, 7, 8];

    [Test]
    public void Over_a_fixed_set_of_seeds_every_verdict_comes_about_and_money_is_conserved_after_every_block()
    {
        Coverage coverage = new();
        foreach (ulong seed in s_seeds)
        {
            StreamGenerator generator = new(seed, decides: true, consents: true);
            int batchesSeen = 0;
            Stopwatch watch = Stopwatch.StartNew();
            foreach (GeneratedBlock block in generator.Blocks())
            {
                watch.Stop();
                coverage.Add(block.Header, block.Slots, block.Expected);
                coverage.Add(block.Decisions);
                ExpectConservation(generator, ref batchesSeen);
                watch.Start();
            }

            coverage.AddEnd(generator.Model);
            TestContext.Out.WriteLine(
                $"seed {seed}: generated and applied in {watch.ElapsedMilliseconds} ms, "
                + $"{generator.Model.ClosedBatches.Count} batches");
        }

        TestContext.Out.WriteLine(coverage);
        coverage.AssertComplete();
    }

    [Test]
    public void A_seed_gives_the_same_history_and_the_same_outcomes_again()
    {
        ulong seed = (ulong)PrintedSeed.Next();
        StreamGenerator first = new(seed, 20_000), second = new(seed, 20_000);
        int blocks = 0;
        foreach ((GeneratedBlock one, GeneratedBlock other) in first.Blocks().Zip(second.Blocks()))
        {
            Assert.That(BytesOf(one.Slots).SequenceEqual(BytesOf(other.Slots)), $"block {blocks}");
            Assert.That(one.Header.TimeNs, Is.EqualTo(other.Header.TimeNs));
            blocks++;
        }

        Assert.That(blocks, Is.EqualTo((int)second.Model.BlockNumberNext));
        StreamGenerator third = new(seed, 20_000);
        Lockstep.Follow(third, new NaiveEngine(third.Genesis, new TableRules()));
    }

    /// <summary>The comparison itself: a ledger that is wrong by one unit, or in one verdict, is caught.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void A_ledger_that_differs_does_not_keep_step(bool inState)
    {
        StreamGenerator generator = new((ulong)PrintedSeed.Next(), 2_000);
        OffByOne wrong = new(new NaiveEngine(generator.Genesis, new TableRules()), inState);
        Assert.That(() => Lockstep.Follow(generator, wrong), Throws.InstanceOf<AssertionException>());
    }

    [Test]
    public void A_journal_that_could_not_have_been_written_stops_the_twin()
    {
        NaiveEngine engine = new(Scenario.SmallGenesis(), new OpenRules());
        BlockHeader genesis = new() { Kind = BlockKind.Genesis, FirstSequence = 1, TimeNs = 1_000 };
        Assert.That(
            () => engine.Apply(genesis with { Kind = BlockKind.Tick }, []), Throws.InvalidOperationException,
            "genesis comes first");
        engine.Apply(genesis, []);
        BlockHeader tick = genesis with { Kind = BlockKind.Tick, Number = 1, TimeNs = 2_000_000_000 };
        Assert.That(() => engine.Apply(tick with { Number = 2 }, []), Throws.InvalidOperationException);
        Assert.That(() => engine.Apply(tick with { FirstSequence = 2 }, []), Throws.InvalidOperationException);
        Assert.That(() => engine.Apply(tick with { Count = 1 }, []), Throws.InvalidOperationException);
        Assert.That(() => engine.Apply(tick with { TimeNs = 999 }, []), Throws.InvalidOperationException);
        engine.Apply(tick with { TimeNs = 5 * Limits.NsPerHour }, []); // directly behind genesis, any step
        BlockHeader late = tick with { Number = 2, TimeNs = 6 * Limits.NsPerHour + 1 };
        Assert.That(() => engine.Apply(late, []), Throws.InvalidOperationException);
        Assert.That(engine.Apply(late with { TimeNs = late.TimeNs - 1 }, []), Is.Empty);
    }

    private static ReadOnlySpan<byte> BytesOf(Payment[] slots) => MemoryMarshal.AsBytes(slots.AsSpan());

    private static void ExpectConservation(StreamGenerator generator, ref int batchesSeen)
    {
        NaiveEngine model = generator.Model;
        foreach (NaiveCurrency currency in model.Currencies)
            if (model.ConservationFault(currency.Number) is { } fault)
                Assert.Fail($"seed {generator.Seed}, block {model.BlockNumberNext - 1}: {fault}");
        for (; batchesSeen < model.ClosedBatches.Count; batchesSeen++)
            if (model.ConservationFault(model.ClosedBatches[batchesSeen]) is { } fault)
                Assert.Fail($"seed {generator.Seed}: {fault}");
    }

    /// <summary>The twin with one fault: a unit more available in every account, or one verdict another.</summary>
    private sealed class OffByOne(NaiveEngine engine, bool inState) : ILedgerUnderTest
    {
        public ulong OpenBatch => engine.OpenBatch;

        public Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
        {
            Outcome[] outcomes = engine.Apply(header, slots, evidence);
            if (!inState && header.Number == 4)
                outcomes[^1].Verdict ^= (Verdict)1;
            return outcomes;
        }

        public Verdict Decide(ushort participant, UInt128 id, bool releases) => engine.Decide(participant, id, releases);

        public AccountView? Account(ulong wallet, ushort currency) =>
            engine.Account(wallet, currency) is { } account
                ? account with { Available = account.Available + (inState ? 1UL : 0) }
                : null;

        public WalletView? Wallet(ulong wallet) => engine.Wallet(wallet);

        public BigInteger OpenPosition(ushort participant, ushort currency) => engine.OpenPosition(participant, currency);

        public BigInteger UnsettledPosition(ushort participant, ushort currency) =>
            engine.UnsettledPosition(participant, currency);

        public BigInteger Outstanding(ushort currency) => engine.Outstanding(currency);

        public BatchView Batch(ulong number) => engine.Batch(number);
    }
}
