using System.Diagnostics.CodeAnalysis;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: the condition of a rule, a boolean combination of comparisons with constants. It is what a table says, what the
/// rule language will compile to, and what a plan is built from; nothing is evaluated from it on the fast path.
/// Invariant: a condition that exists is well formed (constants in range, lists ascending and not empty), but for its depth,
/// which <see cref="RuleTable"/> checks. Total: every condition is true or false for every payment.
/// </summary>
public abstract class Condition
{
    private protected Condition(int depth) => Depth = depth;

    /// <summary>1 for a leaf.</summary>
    public int Depth { get; }

    public Condition And(Condition other) =>
        new AllCondition(this is AllCondition all ? [.. all.Children, other] : [this, other]);

    public Condition Or(Condition other) =>
        new AnyCondition(this is AnyCondition any ? [.. any.Children, other] : [this, other]);

    public Condition Not() => new NotCondition(this);

    /// <param name="facts">The payment.</param>
    /// <param name="owner">The country of the payment's currency; 0: none.</param>
    internal abstract bool Holds(in RuleFacts facts, ushort owner);

    /// <summary>
    /// What is known when only the payer's country and the currency are: true, false, or null where it depends on the rest
    /// (three-valued logic over the tree as written). It decides who needs sums.
    /// </summary>
    internal abstract bool? HoldsKnowing(ushort source, ushort currency, ushort owner);
}

/// <summary>What a comparison or list is about. Numbers are journaled.</summary>
public enum RuleField : byte
{
    None = 0,
    Source = 1,
    Destination = 2,
    Currency = 3,

    /// <summary>The country of the currency.</summary>
    Owner = 4,

    /// <summary>The payer's identity tier.</summary>
    Tier = 5,
    Purpose = 6,
    Level = 7,
    Instruction = 8,

    /// <summary>What the payer is (<see cref="Domain.PartyKind"/>).</summary>
    PayerKind = 9,
    PayeeKind = 10,
}

/// <summary>Numbers are journaled. Only tier, level and amount have an order.</summary>
public enum RuleOperator : byte
{
    None = 0,
    Equal = 1,
    NotEqual = 2,
    Less = 3,
    AtMost = 4,
    More = 5,
    AtLeast = 6,
}

/// <summary>Always true: a rule without a condition.</summary>
public sealed class AlwaysCondition : Condition
{
    internal static readonly AlwaysCondition Instance = new();

    private AlwaysCondition() : base(1)
    {
    }

    internal override bool Holds(in RuleFacts facts, ushort owner) => true;

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner) => true;
}

/// <summary><c>field op constant</c>.</summary>
public sealed class FieldCondition : Condition
{
    public FieldCondition(RuleField field, RuleOperator op, ushort value) : base(1)
    {
        if (Fault(field, op, value) is { } fault)
            throw new ArgumentException(fault);
        (Field, Operator, Value) = (field, op, value);
    }

    public RuleField Field { get; }
    public RuleOperator Operator { get; }
    public ushort Value { get; }

    /// <summary>What is wrong, or null.</summary>
    internal static string? Fault(RuleField field, RuleOperator op, ushort value) =>
        RuleFields.Fault(field, value) ??
        (op is < RuleOperator.Equal or > RuleOperator.AtLeast ? $"operator {(byte)op}: 1 to 6 expected" :
        op > RuleOperator.NotEqual && !RuleFields.HasOrder(field) ? $"{field} has no order: equal or not equal expected" :
        null);

    internal override bool Holds(in RuleFacts facts, ushort owner) =>
        RuleFields.Compare(RuleFields.Of(field: Field, facts, owner), Operator, Value);

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner) =>
        RuleFields.TryKnow(Field, source, currency, owner, out ushort value) ? RuleFields.Compare(value, Operator, Value) : null;
}

/// <summary><c>field in { … }</c>.</summary>
public sealed class ListCondition : Condition
{
    private readonly ushort[] _values;

    /// <param name="field">What is looked up.</param>
    /// <param name="values">In any order, without repeats, at least one.</param>
    public ListCondition(RuleField field, params ReadOnlySpan<ushort> values) : base(1)
    {
        ushort[] ascending = values.ToArray();
        Array.Sort(ascending);
        if (Fault(field, ascending) is { } fault)
            throw new ArgumentException(fault);
        (Field, _values) = (field, ascending);
    }

    public RuleField Field { get; }

    /// <summary>Ascending.</summary>
    public ReadOnlySpan<ushort> Values => _values;

    internal static string? Fault(RuleField field, ReadOnlySpan<ushort> ascending)
    {
        if (ascending.IsEmpty)
            return "an empty list: at least one value expected";
        for (int i = 0; i < ascending.Length; i++)
        {
            if (RuleFields.Fault(field, ascending[i]) is { } fault)
                return fault;
            if (i > 0 && ascending[i] <= ascending[i - 1])
                return $"{ascending[i]} after {ascending[i - 1]} in a list: ascending values without repeats expected";
        }
        return null;
    }

    internal override bool Holds(in RuleFacts facts, ushort owner) =>
        _values.AsSpan().BinarySearch(RuleFields.Of(Field, facts, owner)) >= 0;

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner) =>
        RuleFields.TryKnow(Field, source, currency, owner, out ushort value) ? _values.AsSpan().BinarySearch(value) >= 0 : null;
}

/// <summary><c>amount op USD 3000.00</c>: false in any other currency, so its negation is true there.</summary>
public sealed class AmountCondition : Condition
{
    public AmountCondition(RuleOperator op, ushort currency, ulong amount) : base(1)
    {
        if (Fault(op, currency) is { } fault)
            throw new ArgumentException(fault);
        (Operator, Currency, Amount) = (op, currency, amount);
    }

    public RuleOperator Operator { get; }
    public ushort Currency { get; }
    public ulong Amount { get; }

    internal static string? Fault(RuleOperator op, ushort currency) =>
        op is < RuleOperator.Equal or > RuleOperator.AtLeast ? $"operator {(byte)op}: 1 to 6 expected" :
        RuleFields.Fault(RuleField.Currency, currency);

    internal override bool Holds(in RuleFacts facts, ushort owner) =>
        facts.Currency == Currency && RuleFields.Compare(facts.Amount, Operator, Amount);

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner) => currency == Currency ? null : false;
}

public sealed class NotCondition(Condition inner) : Condition(inner.Depth + 1)
{
    public Condition Inner { get; } = inner;

    internal override bool Holds(in RuleFacts facts, ushort owner) => !Inner.Holds(facts, owner);

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner) =>
        !Inner.HoldsKnowing(source, currency, owner);
}

/// <summary>And: two children or more.</summary>
public sealed class AllCondition : Condition
{
    private readonly Condition[] _children;

    public AllCondition(params Condition[] children) : base(RuleFields.DepthAbove(children)) => _children = [.. children];

    public ReadOnlySpan<Condition> Children => _children;

    internal override bool Holds(in RuleFacts facts, ushort owner)
    {
        foreach (Condition child in _children)
            if (!child.Holds(facts, owner))
                return false;
        return true;
    }

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner)
    {
        bool? all = true;
        foreach (Condition child in _children)
            all &= child.HoldsKnowing(source, currency, owner);
        return all;
    }
}

/// <summary>Or: two children or more.</summary>
public sealed class AnyCondition : Condition
{
    private readonly Condition[] _children;

    public AnyCondition(params Condition[] children) : base(RuleFields.DepthAbove(children)) => _children = [.. children];

    public ReadOnlySpan<Condition> Children => _children;

    internal override bool Holds(in RuleFacts facts, ushort owner)
    {
        foreach (Condition child in _children)
            if (child.Holds(facts, owner))
                return true;
        return false;
    }

    internal override bool? HoldsKnowing(ushort source, ushort currency, ushort owner)
    {
        bool? any = false;
        foreach (Condition child in _children)
            any |= child.HoldsKnowing(source, currency, owner);
        return any;
    }
}

/// <summary>What each field may be compared with, and how.</summary>
internal static class RuleFields
{
    internal static bool HasOrder(RuleField field) => field is RuleField.Tier or RuleField.Level;

    /// <summary>Whether a corridor row can answer: payer's and payee's country, currency, its owner, and the tier.</summary>
    internal static bool InCorridor(RuleField field) => field <= RuleField.Tier;

    internal static string? Fault(RuleField field, ushort value)
    {
        (ushort low, ushort high) = field switch
        {
            RuleField.Source or RuleField.Destination or RuleField.Currency or RuleField.Owner =>
                ((ushort)1, RuleBounds.IsoNumberMax),
            RuleField.Tier => ((ushort)0, Limits.TierMax),
            RuleField.Purpose => ((ushort)0, (ushort)Purpose.Last),
            RuleField.Level => ((ushort)0, (ushort)255),
            RuleField.Instruction => ((ushort)Instruction.Micropayment, (ushort)Instruction.Redeem),
            RuleField.PayerKind or RuleField.PayeeKind => ((ushort)0, (ushort)PartyKind.Last),
            _ => ((ushort)1, (ushort)0),
        };
        return low > high ? $"field {(byte)field}: 1 to 10 expected"
            : value < low || value > high ? $"{field} {value}: {low} to {high} expected"
            : null;
    }

    internal static ushort Of(RuleField field, in RuleFacts facts, ushort owner) => field switch
    {
        RuleField.Source => facts.Source,
        RuleField.Destination => facts.Destination,
        RuleField.Currency => facts.Currency,
        RuleField.Owner => owner,
        RuleField.Tier => facts.Tier,
        RuleField.Purpose => facts.Purpose,
        RuleField.Level => facts.Level,
        RuleField.Instruction => facts.Instruction,
        RuleField.PayerKind => facts.PayerKind,
        RuleField.PayeeKind => facts.PayeeKind,
        _ => throw new InvalidOperationException($"field {(byte)field} in a condition"),
    };

    internal static bool TryKnow(RuleField field, ushort source, ushort currency, ushort owner, out ushort value)
    {
        value = field switch
        {
            RuleField.Source => source,
            RuleField.Currency => currency,
            RuleField.Owner => owner,
            _ => 0,
        };
        return field is RuleField.Source or RuleField.Currency or RuleField.Owner;
    }

    internal static bool Compare(ulong left, RuleOperator op, ulong right) => op switch
    {
        RuleOperator.Equal => left == right,
        RuleOperator.NotEqual => left != right,
        RuleOperator.Less => left < right,
        RuleOperator.AtMost => left <= right,
        RuleOperator.More => left > right,
        RuleOperator.AtLeast => left >= right,
        _ => throw new InvalidOperationException($"operator {(byte)op} in a condition"),
    };

    internal static int DepthAbove(Condition[] children)
    {
        if (children.Length is < 2 or > ushort.MaxValue)
            throw new ArgumentException($"{children.Length} conditions to combine: 2 to {ushort.MaxValue} expected");
        int depth = 0;
        foreach (Condition child in children)
            depth = Math.Max(depth, child.Depth);
        return depth + 1;
    }
}

/// <summary>Words to write conditions with: <c>When.Source(US).And(When.Tier(RuleOperator.Less, 2))</c>.</summary>
[SuppressMessage("Naming", "CA1716", Justification = "A keyword of Visual Basic only; here it is the law's own word.")]
public static class When
{
    public static Condition Always => AlwaysCondition.Instance;

    public static Condition Source(params ReadOnlySpan<ushort> countries) => Among(RuleField.Source, countries);

    public static Condition Destination(params ReadOnlySpan<ushort> countries) => Among(RuleField.Destination, countries);

    public static Condition Currency(params ReadOnlySpan<ushort> currencies) => Among(RuleField.Currency, currencies);

    public static Condition Owner(params ReadOnlySpan<ushort> countries) => Among(RuleField.Owner, countries);

    public static Condition Tier(RuleOperator op, byte tier) => new FieldCondition(RuleField.Tier, op, tier);

    public static Condition Level(RuleOperator op, byte level) => new FieldCondition(RuleField.Level, op, level);

    public static Condition Purpose(Purpose purpose) =>
        new FieldCondition(RuleField.Purpose, RuleOperator.Equal, (ushort)purpose);

    public static Condition Instruction(Instruction instruction) =>
        new FieldCondition(RuleField.Instruction, RuleOperator.Equal, (ushort)instruction);

    /// <param name="op">How.</param>
    /// <param name="currency">ISO 4217 number; in another currency the condition is false.</param>
    /// <param name="amount">In the currency's smallest unit at the ledger's scale.</param>
    public static Condition Amount(RuleOperator op, ushort currency, ulong amount) => new AmountCondition(op, currency, amount);

    private static Condition Among(RuleField field, ReadOnlySpan<ushort> values) =>
        values.Length == 1 ? new FieldCondition(field, RuleOperator.Equal, values[0]) : new ListCondition(field, values);
}
