using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: the rules that are active at one time, as data: what ActivateRules journals and every replica builds its plan from.
/// Invariant: a table that exists is well formed and canonical: rules ascend by id, and its bytes decode to it and to
/// nothing else, so tables are equal exactly when their hashes are.
/// Failure assumed: bytes from a file or a peer may be anything; they end in an error text, never in an exception.
/// </summary>
public sealed class RuleTable
{
    private readonly Rule[] _rules;
    private readonly byte[] _bytes;

    private RuleTable(Rule[] rules, byte[] bytes)
    {
        (_rules, _bytes) = (rules, bytes);
        Hash = Digest.From(SHA256.HashData(bytes));
    }

    public static RuleTable Empty { get; } = new RuleTableBuilder().Build();

    /// <summary>Ascending by id.</summary>
    public ReadOnlySpan<Rule> Rules => _rules;

    /// <summary>SHA-256 of <see cref="Encode"/>.</summary>
    public Digest Hash { get; }

    /// <summary>The canonical bytes (<see cref="RuleTableCode"/> pictures them), below
    /// <see cref="RuleBounds.TableBytesMax"/>.</summary>
    public ReadOnlySpan<byte> Encode() => _bytes;

    /// <summary>Reads what <see cref="Encode"/> gave.</summary>
    /// <param name="bytes">Anything.</param>
    /// <param name="table">Null where the answer is false.</param>
    /// <param name="error">What is wrong and where; empty where the answer is true.</param>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out RuleTable? table, out string error)
    {
        table = null;
        if (!RuleTableCode.TryRead(bytes, out Rule[] rules, out error) || !TryCreate(rules, out table, out error))
            return false;
        if (bytes.SequenceEqual(table!.Encode()))
            return true;
        table = null;
        error = "the same rules have another encoding: the canonical one is expected";
        return false;
    }

    internal static bool TryCreate(Rule[] ascending, out RuleTable? table, out string error)
    {
        table = null;
        if (Fault(ascending) is { } fault)
        {
            error = fault;
            return false;
        }
        byte[] bytes = RuleTableCode.Write(ascending);
        if (bytes.Length >= RuleBounds.TableBytesMax)
        {
            error = $"{bytes.Length} bytes of rules: fewer than {RuleBounds.TableBytesMax} expected";
            return false;
        }
        table = new RuleTable(ascending, bytes);
        error = "";
        return true;
    }

    private static string? Fault(ReadOnlySpan<Rule> rules)
    {
        if (rules.Length > RuleBounds.RulesMax)
            return $"{rules.Length} rules: at most {RuleBounds.RulesMax} expected";
        int previous = 0;
        foreach (Rule rule in rules)
        {
            if (rule.Id <= previous)
                return $"rule {rule.Id} after rule {previous}: ascending numbers from 1 without repeats expected";
            previous = rule.Id;
            if (Fault(rule) is { } fault)
                return $"rule {rule.Id}: {fault}";
        }
        return null;
    }

    private static string? Fault(Rule rule) =>
        NameFault(rule.Name) ??
        (rule.Condition.Depth > RuleBounds.DepthMax
            ? $"a condition {rule.Condition.Depth} deep: at most {RuleBounds.DepthMax} expected" :
        rule.Needs?.Depth > RuleBounds.DepthMax ? $"a need {rule.Needs.Depth} deep: at most {RuleBounds.DepthMax} expected" :
        rule.IsReview && rule.HoldNs is 0 or > RuleBounds.ReviewHoldNsMax
            ? $"held for {rule.HoldNs} ns: 1 to {RuleBounds.ReviewHoldNsMax} expected" :
        rule.IsLimit ? rule.Window.Fault() ?? RuleFields.Fault(RuleField.Currency, rule.Currency) : null);

    private static string? NameFault(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length is 0 or > RuleBounds.NameBytesMax)
            return $"a name of {bytes.Length} bytes: 1 to {RuleBounds.NameBytesMax} of UTF-8 expected";
        foreach (char letter in name)
            if (char.IsControl(letter))
                return "a control character in its name";
        return string.Equals(Encoding.UTF8.GetString(bytes), name, StringComparison.Ordinal) ? null
            : "half a character in its name";
    }
}

/// <summary>Writes a table in code; rules in any order.</summary>
/// <example><code>
/// RuleTable table = new RuleTableBuilder()
///     .Deny(1, "us.sanctions", When.Source(US).And(When.Destination(CU, IR, KP)))
///     .Require(2, "us.travel", When.Tier(RuleOperator.AtLeast, 2),
///         When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 300_000)))
///     .Limit(3, "us.ctr", LimitWindow.Day, USD, TierCeilings.Same(1_000_000), When.Source(US))
///     .Build();
/// </code></example>
public sealed class RuleTableBuilder
{
    private readonly List<Rule> _rules = [];

    public RuleTableBuilder Deny(ushort id, string name, Condition when) => Add(new Rule(id, name, RuleKind.Deny, when));

    /// <param name="id">1..65535, unique.</param>
    /// <param name="name">1 to 100 bytes of UTF-8.</param>
    /// <param name="needs">What must hold where <paramref name="when"/> holds.</param>
    /// <param name="when">When it applies.</param>
    public RuleTableBuilder Require(ushort id, string name, Condition needs, Condition when) =>
        Add(new Rule(id, name, RuleKind.Require, when) { Needs = needs });

    /// <param name="id">1..65535, unique.</param>
    /// <param name="name">1 to 100 bytes of UTF-8.</param>
    /// <param name="window">Over which time it sums.</param>
    /// <param name="currency">The currency it is about.</param>
    /// <param name="ceilings">In that currency's smallest unit at the ledger's scale; <see cref="TierCeilings.None"/>: no
    /// ceiling.</param>
    /// <param name="when">When it applies, beside the currency.</param>
    public RuleTableBuilder Limit(ushort id, string name, LimitWindow window, ushort currency, TierCeilings ceilings,
        Condition when) =>
        Add(new Rule(id, name, RuleKind.Limit, when) { Window = window, Currency = currency, Ceilings = ceilings });

    /// <param name="id">1..65535, unique.</param>
    /// <param name="name">1 to 100 bytes of UTF-8.</param>
    /// <param name="holdNs">After how long the amount goes back to the payer if nobody decides, 1 to <see cref="RuleBounds.ReviewHoldNsMax"/>.</param>
    /// <param name="when">When it applies.</param>
    public RuleTableBuilder Review(ushort id, string name, ulong holdNs, Condition when) =>
        Add(new Rule(id, name, RuleKind.Review, when) { HoldNs = holdNs });

    /// <inheritdoc cref="Review"/>
    /// <param name="id">1..65535, unique.</param>
    /// <param name="name">1 to 100 bytes of UTF-8.</param>
    /// <param name="holdNs">After how long the amount goes back to the payer if nobody decides, 1 to <see cref="RuleBounds.ReviewHoldNsMax"/>.</param>
    /// <param name="window">Over which time it sums.</param>
    /// <param name="currency">The currency it is about.</param>
    /// <param name="ceilings">As of a <see cref="Limit"/>; what is above one is reviewed.</param>
    /// <param name="when">When it applies, beside the currency.</param>
    public RuleTableBuilder ReviewLimit(ushort id, string name, ulong holdNs, LimitWindow window, ushort currency,
        TierCeilings ceilings, Condition when) =>
        Add(new Rule(id, name, RuleKind.ReviewLimit, when)
        {
            HoldNs = holdNs,
            Window = window,
            Currency = currency,
            Ceilings = ceilings,
        });

    /// <summary>The table, or what is wrong with it.</summary>
    public bool TryBuild(out RuleTable? table, out string error)
    {
        Rule[] ascending = [.. _rules];
        Array.Sort(ascending, static (left, right) => left.Id.CompareTo(right.Id));
        return RuleTable.TryCreate(ascending, out table, out error);
    }

    /// <exception cref="ArgumentException">The table is not well formed.</exception>
    public RuleTable Build() => TryBuild(out RuleTable? table, out string error) ? table! : throw new ArgumentException(error);

    private RuleTableBuilder Add(Rule rule)
    {
        _rules.Add(rule);
        return this;
    }
}
