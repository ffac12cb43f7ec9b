using System.Numerics;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Reference;

/// <summary>The engine itself behind the face that scenarios and generated histories know. Checks conservation after every block.</summary>
public sealed class EngineLedger : ILedgerUnderTest, IDisposable
{
    private LedgerState _state;
    private Settler _settler;
    private MemoryIdStore _store = new();
    private readonly List<ClosedBatch> _closed = [];

    /// <param name="genesis">Capacities.</param>
    /// <param name="idMemoryBytes">Least: what exceeds it spills, into memory here.</param>
    public EngineLedger(Genesis genesis, long idMemoryBytes = Deduplicator.IdMemoryBytesMin)
    {
        _state = new LedgerState(in genesis, new Deduplicator(in genesis, idMemoryBytes, _store));
        _settler = new Settler(_state);
        _state.Batch.Closed = _closed.Add;
    }

    public LedgerState State => _state;

    public IReadOnlyList<ClosedBatch> Closed => _closed;

    public ulong OpenBatch => _state.Batch.Number;

    public Outcome[] Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> evidence = default)
    {
        var outcomes = new Outcome[slots.Length];
        _settler.Apply(in header, slots, evidence, outcomes);
        _state.VerifyConservation();
        return outcomes;
    }

    /// <summary>Goes on in a state that was written and read back, with other memory for ids.</summary>
    public void Reload(long idMemoryBytes)
    {
        using var file = new MemoryStream();
        var writer = new SnapshotWriter(file, new SnapshotHead { Sequence = _state.Sequence });
        Genesis genesis = _state.Genesis;
        _settler.Save(writer);
        writer.Finish(_state.Batch.StateHashNow());
        Dispose();
        _store = new MemoryIdStore();
        _state = new LedgerState(in genesis, new Deduplicator(in genesis, idMemoryBytes, _store));
        _settler = new Settler(_state);
        _state.Batch.Closed = _closed.Add;
        file.Position = 0;
        var reader = new SnapshotReader(file, "memory");
        _settler.Load(reader);
        Assert.That(reader.Finish(), Is.EqualTo(_state.Batch.StateHashNow()));
    }

    public Verdict Decide(ushort participant, UInt128 id, bool releases)
    {
        int target = _settler.Reviews.Find(participant, id);
        Verdict verdict = target == 0 ? Verdict.UnknownTarget : _settler.Reviews.Decide(target, releases, _state.Sequence);
        _state.VerifyConservation();
        return verdict;
    }

    public AccountView? Account(ulong wallet, ushort currency)
    {
        int head = _state.Accounts.Find(wallet);
        byte index = _state.Currencies.IndexOf(currency);
        int row = index == 0 ? 0 : _state.Accounts.InCurrency(head, index);
        if (row == 0)
            return null;
        AccountRow account = _state.Accounts[row];
        bool pends = account.Batch == (uint)_state.Batch.Number;
        return new AccountView(account.Available + (pends ? 0 : account.Pending), pends ? account.Pending : 0, account.Held);
    }

    public WalletView? Wallet(ulong wallet)
    {
        int row = _state.Accounts.Find(wallet);
        if (row == 0)
            return null;
        AccountRow account = _state.Accounts[row];
        return new WalletView(account.Participant, account.Country, account.Tier, account.Kind, account.Level, account.Status, account.Holder);
    }

    public string ConsentText(ulong wallet) => _state.Consent.FindWallet(wallet) is { } consent
        ? $"{consent.Policy} {consent.SignaturesAbove} above {consent.Threshold}, counter {consent.Counter}, keys {string.Join(' ', consent.Keys.Where(key => !key.IsRevoked).Select(key => key.Number))}"
        : "none";

    public string ChainText(ushort participant, ulong stream, ulong wallet) =>
        _state.Consent.FindChain(participant, stream, wallet) is { } chain ? $"{chain.Last} links, {chain.Spent} spent" : "none";

    public BigInteger OpenPosition(ushort participant, ushort currency) => PositionOf(participant, currency).Open;

    public BigInteger UnsettledPosition(ushort participant, ushort currency) => PositionOf(participant, currency).Unsettled;

    public BigInteger Outstanding(ushort currency)
    {
        byte index = _state.Currencies.IndexOf(currency);
        return index == 0 ? 0 : _state.Currencies[index].Outstanding;
    }

    public BatchView Batch(ulong number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, (ulong)_closed.Count);
        ClosedBatch batch = _closed[(int)number - 1];
        return new BatchView(batch.Number, batch.OpenedNs, batch.ClosedNs, batch.Count,
            batch.Gross.ToDictionary(gross => gross.Currency, gross => (BigInteger)gross.Amount),
            batch.Net.Where(net => net.Fee > 0).ToDictionary(net => (net.Participant, net.Currency), net => (BigInteger)net.Fee),
            batch.Net.Where(net => net.Net != 0).ToDictionary(net => (net.Participant, net.Currency), net => (BigInteger)net.Net));
    }

    public void Dispose()
    {
        _state.Dispose();
        _store.Dispose();
    }

    private PositionRow PositionOf(ushort participant, ushort currency)
    {
        byte index = _state.Currencies.IndexOf(currency);
        return index == 0 ? default : _state.Positions.At(participant, index);
    }
}

/// <summary>
/// The tests' own table rules as the engine's: what is encoded here the engine compiles and judges by corridor rows and programs, while
/// the twin, told the same bytes, asks the plain list.
/// </summary>
public sealed class SharedRules : INaiveRules
{
    private readonly Dictionary<string, IReadOnlyList<TableRule>> _plans = [];
    private readonly TableRules _active = new();

    public byte[] Encode(IReadOnlyList<TableRule> rules)
    {
        var builder = new RuleTableBuilder();
        foreach (TableRule rule in rules)
            Add(builder, rule);
        byte[] encoded = builder.Build().Encode().ToArray();
        _plans[Convert.ToHexString(encoded)] = rules;
        return encoded;
    }

    /// <summary>The same plans, none of them active: for another twin of the same history.</summary>
    public SharedRules Fresh()
    {
        var fresh = new SharedRules();
        foreach ((string encoded, IReadOnlyList<TableRule> rules) in _plans)
            fresh._plans.Add(encoded, rules);
        return fresh;
    }

    public ushort Judge(in NaiveFacts facts, bool denyOnly) => _active.Judge(in facts, denyOnly);

    public ushort Review(in NaiveFacts facts) => _active.Review(in facts);

    public ulong HoldNs(ushort rule) => _active.HoldNs(rule);

    public IEnumerable<NaiveLimit> Limits(NaiveFacts facts) => _active.Limits(facts);

    public bool NeedsSums(ushort country, ushort currency) => _active.NeedsSums(country, currency);

    public bool TryDecode(ReadOnlySpan<byte> encoded) =>
        _plans.TryGetValue(Convert.ToHexString(encoded), out IReadOnlyList<TableRule>? rules) && _active.TryDecode(TableRules.Encode(rules));

    private static void Add(RuleTableBuilder builder, TableRule rule)
    {
        Condition when = When.Always;
        if (rule.Source != 0)
            when = when.And(When.Source(rule.Source));
        if (rule.Destination != 0)
            when = when.And(When.Destination(rule.Destination));
        if (rule.Currency != 0)
            when = when.And(When.Currency(rule.Currency));
        when = when.And(When.Tier(RuleOperator.AtMost, rule.TierMax));
        if (rule.PayerKind != PartyKind.Unstated)
            when = when.And(new FieldCondition(RuleField.PayerKind, RuleOperator.Equal, (ushort)rule.PayerKind));
        if (rule.PayeeKind != PartyKind.Unstated)
            when = when.And(new FieldCondition(RuleField.PayeeKind, RuleOperator.Equal, (ushort)rule.PayeeKind));
        string name = $"rule.{rule.Number}";
        ulong holdNs = rule.HoldHours * Engine.Domain.Limits.NsPerHour;
        _ = rule.Kind switch
        {
            TableRuleKind.Deny => builder.Deny(rule.Number, name, when),
            TableRuleKind.Ceiling => builder.Require(rule.Number, name, When.Always.Not(), when.And(Above(rule))),
            TableRuleKind.Review => builder.Review(rule.Number, name, holdNs, when.And(Above(rule))),
            TableRuleKind.ReviewLimit =>
                builder.ReviewLimit(rule.Number, name, holdNs, WindowOf(rule.Window), rule.Currency, TierCeilings.Same(rule.Ceiling), when),
            _ => builder.Limit(rule.Number, name, WindowOf(rule.Window), rule.Currency, TierCeilings.Same(rule.Ceiling), when),
        };
    }

    /// <summary>An amount is compared in one currency; a rule for any currency names those that tests use.</summary>
    private static Condition Above(TableRule rule)
    {
        ushort[] currencies = rule.Currency != 0 ? [rule.Currency] : [Scenario.Euro, Scenario.Dollar, Scenario.Pound];
        Condition[] above = [.. currencies.Select(currency => When.Amount(RuleOperator.More, currency, rule.Ceiling))];
        return above.Length == 1 ? above[0] : new AnyCondition(above);
    }

    private static LimitWindow WindowOf(NaiveWindow window) => window.Kind switch
    {
        NaiveWindowKind.Day => LimitWindow.Day,
        NaiveWindowKind.Month => LimitWindow.Month,
        NaiveWindowKind.Rolling30Days => LimitWindow.Rolling30Days,
        _ => LimitWindow.YearFrom(window.Month, window.Day),
    };
}
