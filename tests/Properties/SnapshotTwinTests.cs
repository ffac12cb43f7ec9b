using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Properties;

/// <summary>
/// The state at a point is the same whether it was reached in one go or through snapshots: an engine that is written and read back at random
/// blocks, each time with other memory for ids, decides as the naive twin, and hashes as an engine that never was.
/// </summary>
[TestFixture]
public sealed class SnapshotTwinTests
{
    // The two lowest bits of a seed choose the history's temper: one of each.
    private static readonly ulong[] s_seeds = [4, 5, 6, 7];

    private static ulong[] Seeds() =>
        ulong.TryParse(Environment.GetEnvironmentVariable("SETTLEMENT_SEED"), out ulong seed) ? [seed] : s_seeds;

    [TestCaseSource(nameof(Seeds))]
    public void An_engine_that_goes_through_snapshots_decides_as_the_twin_and_hashes_as_one_that_does_not(ulong seed)
    {
        TestContext.Out.WriteLine($"SETTLEMENT_SEED={seed}");
        Assert.That(Reloads(seed, payments: 40_000), Is.Positive, "else nothing was shown");
    }

    [Test, Category(LongRun.Category)]
    public void So_it_does_on_ever_new_histories()
    {
        ulong first = (ulong)PrintedSeed.Create().NextInt64();
        var time = new LongRun();
        int reloads = 0;
        // A short history of few blocks may come without any.
        for (int round = 0; reloads == 0 || time.MayGoOn(round); round++)
            reloads += Reloads(first + (ulong)round, payments: 10_000);
    }

    private static int Reloads(ulong seed, int payments)
    {
        var rules = new SharedRules();
        var generator = new StreamGenerator(seed, payments, rules, rules.Encode, decides: true, consents: true);
        using var ledger = new ReloadingLedger(generator.Genesis, new Random((int)seed));
        Lockstep.Follow(generator, ledger, blocksPerStateCheck: 8);
        return ledger.Reloads;
    }

    private sealed class ReloadingLedger(Genesis genesis, Random random) : ILedgerUnderTest, IDisposable
    {
        private const int BlocksPerReload = 8;

        private readonly EngineLedger _inner = new(genesis);
        private readonly EngineLedger _plain = new(genesis);
        private int _blocks;

        public int Reloads { get; private set; }

        public ulong OpenBatch => _inner.OpenBatch;

        public Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
        {
            Outcome[] outcomes = _inner.Apply(in header, slots, evidence);
            _plain.Apply(in header, slots, evidence);
            if (random.Next(BlocksPerReload) == 0 || ++_blocks == BlocksPerReload)
            {
                _inner.Reload(Deduplicator.IdMemoryBytesMin * random.Next(1, 9));
                Reloads++;
            }

            Assert.That(_inner.State.Batch.StateHashNow(), Is.EqualTo(_plain.State.Batch.StateHashNow()), $"behind block {header.Number}");
            return outcomes;
        }

        public Verdict Decide(ushort participant, UInt128 id, bool releases)
        {
            _plain.Decide(participant, id, releases);
            return _inner.Decide(participant, id, releases);
        }

        public AccountView? Account(ulong wallet, ushort currency) => _inner.Account(wallet, currency);

        public WalletView? Wallet(ulong wallet) => _inner.Wallet(wallet);

        public System.Numerics.BigInteger OpenPosition(ushort participant, ushort currency) => _inner.OpenPosition(participant, currency);

        public System.Numerics.BigInteger UnsettledPosition(ushort participant, ushort currency) => _inner.UnsettledPosition(participant, currency);

        public System.Numerics.BigInteger Outstanding(ushort currency) => _inner.Outstanding(currency);

        public BatchView Batch(ulong number) => _inner.Batch(number);

        public void Dispose()
        {
            _inner.Dispose();
            _plain.Dispose();
        }
    }
}
