using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf apply`: all of Settle, over blocks that are already in memory: dedup, look-up, labels, rules, apply, cut-offs, closes and state hashes on
/// one thread; leaves and trees on a second, as in the pipeline. A run ends when both are through.
/// </summary>
internal sealed class ApplyLoad : IDisposable
{
    private const int WarmUps = 4;

    private readonly LoadLedger _ledger;
    private readonly RuleTable _rules;
    private readonly FasterIdStore _store;
    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-apply-").FullName;
    private readonly LedgerState _state;
    private readonly Settler _settler;
    private readonly BatchTrees _trees = new(default);
    private readonly Payment[] _payments;
    private readonly Outcome[] _outcomes;
    private readonly bool _uuidV7;
    private ulong _block;
    private ulong _numbered = 1;
    private readonly SemaphoreSlim _blocks = new(0);
    private long _settled; // payments of the run under way; written by: settle thread

    private ApplyLoad(int wallets, int payments, bool uuidV7, RuleTable? rules = null, Func<RuleFacts, bool>? passes = null)
    {
        _ledger = new LoadLedger(wallets, Seed: 1);
        _rules = rules ?? TwentyCountries.Table();
        _uuidV7 = uuidV7;
        _store = new FasterIdStore(_folder);
        Genesis genesis = _ledger.Genesis;
        _state = new LedgerState(in genesis, new Deduplicator(in genesis, 2L << 30, _store));
        _settler = new Settler(_state);
        _state.Batch.Closed = _trees.Close;
        _payments = new Payment[payments];
        _outcomes = new Outcome[Math.Max(payments, Limits.BlockSlotsMax)];
        SetUp();
        _ledger.Fill(_payments, passes);
    }

    /// <summary>The same payments under each of the rule tables, side by side: what rules cost inside all of Settle.</summary>
    /// <param name="options">Runs and size.</param>
    /// <param name="passes">Payments that no table refuses: what does not pass is not drawn.</param>
    /// <param name="tables">Two or more.</param>
    /// <exception cref="CheckFailedException">A payment is refused, or money or a hash is not as it must be.</exception>
    internal static Runs[] UnderRules(LoadOptions options, Func<RuleFacts, bool> passes, params RuleTable[] tables)
    {
        (int wallets, int payments) = Size(options);
        ApplyLoad[] loads = [.. tables.Select(table => new ApplyLoad(wallets, payments, uuidV7: false, table, passes))];
        try
        {
            Runs[] runs = Runs.InTurn(options.Runs, [.. loads.Select(load => (Func<Run>)load.RunOnce)]);
            foreach (ApplyLoad load in loads)
                load.Verify();
            return runs;
        }
        finally
        {
            foreach (ApplyLoad load in loads)
                load.Dispose();
        }
    }

    private static (int Wallets, int Payments) Size(LoadOptions options) => options.Small ? (4_000, 20_000) : (1_000_000, 1_048_576);

    public static int Run(LoadOptions options)
    {
        (int wallets, int payments) = Size(options);
        Figure figure;
        using (var streams = new ApplyLoad(wallets, payments, uuidV7: false))
        {
            Runs runs = Runs.Of(options.Runs, streams.RunOnce, WarmUps);
            streams.Verify();
            figure = new Figure("apply", "payments through all of Settle, from blocks in memory: stream ids, labels, 20 countries' rows, "
                + $"{wallets:N0} wallets with one account each in 8 currencies, uniform; batches of {LoadLedger.BatchCount:N0} closed, hashed, their trees built on a second thread; no journal", runs)
                .With("bytes_per_wallet", streams._state.Accounts.BytesPerAccount, "a wallet with one account, index included, at full capacity");
        }

        using (var uuids = new ApplyLoad(wallets, payments, uuidV7: true))
        {
            Runs runs = Runs.Of(options.Runs, uuids.RunOnce, WarmUps);
            uuids.Verify();
            figure = figure.With("uuidv7_payments_per_second", runs.PerSecond.Median, "the same with UUIDv7 ids, 2 GiB set aside for them, none spilled");
        }

        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    public void Dispose()
    {
        _blocks.Dispose();
        _trees.Dispose();
        _state.Dispose();
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void SetUp()
    {
        Apply(BlockKind.Control, LoadLedger.Rules(_rules));
        foreach (ControlCommand[] commands in _ledger.Commands().Chunk(Limits.BlockSlotsMax))
            Apply(BlockKind.Control, System.Runtime.InteropServices.MemoryMarshal.Cast<ControlCommand, Payment>(commands));
        foreach (Payment[] openings in _ledger.Openings().Chunk(Limits.BlockSlotsMax))
            Apply(BlockKind.Payments, openings);
    }

    private void Apply(BlockKind kind, ReadOnlySpan<Payment> slots)
    {
        Span<Outcome> outcomes = _outcomes.AsSpan(0, slots.Length);
        Apply(kind, slots, outcomes);
        foreach (ref readonly Outcome outcome in outcomes)
        {
            if (outcome.Verdict != Verdict.Accepted)
                throw new CheckFailedException($"the set-up was refused: {outcome.Verdict}");
        }
    }

    private void Apply(BlockKind kind, ReadOnlySpan<Payment> slots, Span<Outcome> outcomes)
    {
        var header = new BlockHeader
        {
            Kind = kind,
            Number = ++_block,
            FirstSequence = _state.Sequence + 1,
            Count = (uint)slots.Length,
            TimeNs = LoadLedger.TimeNs,
        };
        _settler.Apply(in header, slots, outcomes);
    }

    private Run RunOnce()
    {
        LoadLedger.Number(_payments, _numbered, _uuidV7);
        _numbered += (ulong)_payments.Length;
        _settled = 0;
        ulong first = _state.Sequence + 1;
        var trees = new Thread(() => GrowTrees(first)) { Name = "tree" };
        return Common.Run.Time(_payments.Length, () =>
        {
            trees.Start();
            for (int start = 0; start < _payments.Length; start += Limits.BlockSlotsMax)
            {
                int count = Math.Min(Limits.BlockSlotsMax, _payments.Length - start);
                Apply(BlockKind.Payments, _payments.AsSpan(start, count), _outcomes.AsSpan(start, count));
                Volatile.Write(ref _settled, start + count);
                _blocks.Release();
            }

            trees.Join();
        });
    }

    private void GrowTrees(ulong firstSequence)
    {
        for (int grown = 0; grown < _payments.Length;)
        {
            int settled = (int)Volatile.Read(ref _settled);
            if (settled == grown)
            {
                _blocks.Wait(); // spinning would take the core from who is measured, where others work on this machine
                continue;
            }

            _trees.Grow(_payments.AsSpan(grown, settled - grown), _outcomes.AsSpan(grown, settled - grown), firstSequence + (ulong)grown);
            grown = settled;
            while (_trees.TryPublish(firstSequence + (ulong)grown - 1, out _))
            {
            }
        }
    }

    /// <summary>What was measured was also right: all accepted, no unit lost, the incremental hash that of a full walk.</summary>
    private void Verify()
    {
        foreach (ref readonly Outcome outcome in _outcomes.AsSpan(0, _payments.Length))
        {
            if (outcome.Verdict != Verdict.Accepted)
                throw new CheckFailedException($"a payment that should pass got {outcome.Verdict}, rule {outcome.Rule}");
        }

        _state.VerifyConservation();
        if (_state.Balances.Value != BalanceFold.Recompute(_state.Accounts))
            throw new CheckFailedException("the incremental sum of accounts is not that of a walk over all of them");
    }
}
