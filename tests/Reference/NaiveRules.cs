using System.Numerics;
using Settlement.Engine.Rules;

namespace Settlement.Tests.Reference;

/// <summary>
/// The slow, obvious twin of plans and sum tables: every rule is interpreted by itself, in ascending id, and a sum is added
/// up from the list of all payments, in numbers without end.
/// </summary>
public sealed class NaiveRules(Func<ushort, ushort> ownerOf)
{
    private readonly Dictionary<LimitWindow, long> _yearsSince = [];
    private long _paymentsCounted;

    public RuleTable Table { get; private set; } = RuleTable.Empty;

    /// <summary>From now on these rules; a year that the rules before did not count starts at zero.</summary>
    public void Activate(RuleTable table)
    {
        Table = table;
        HashSet<LimitWindow> years = [.. table.Rules.ToArray().Where(rule => rule.Window.Kind == WindowKind.Year)
            .Select(rule => rule.Window)];
        foreach (LimitWindow gone in _yearsSince.Keys.Except(years).ToArray())
            _yearsSince.Remove(gone);
        foreach (LimitWindow year in years)
            _yearsSince.TryAdd(year, _paymentsCounted);
    }

    /// <summary>The lowest deny or require that refuses; 0: none.</summary>
    public ushort DeniedBy(RuleFacts facts, bool denyOnly)
    {
        foreach (Rule rule in Table.Rules)
        {
            if (rule.Kind == RuleKind.Deny && Holds(rule.Condition, facts))
                return rule.Id;
            if (rule.Kind == RuleKind.Require && !denyOnly && Holds(rule.Condition, facts) && !Holds(rule.Needs!, facts))
                return rule.Id;
        }
        return 0;
    }

    /// <summary>The lowest review, sums apart, that bites; 0: none.</summary>
    public ushort ReviewedBy(RuleFacts facts)
    {
        foreach (Rule rule in Table.Rules)
            if (rule.Kind == RuleKind.Review && Holds(rule.Condition, facts))
                return rule.Id;
        return 0;
    }

    /// <summary>Whether payments of such a payer are counted at all.</summary>
    public bool Counts(ushort source, ushort currency) => Table.Rules.ToArray().Any(rule =>
        rule.Kind is RuleKind.Limit or RuleKind.ReviewLimit && rule.Currency == currency && Known(rule.Condition, source, currency) != false);

    /// <summary>The lowest limit, of those that refuse or of those that send to review, that this payment would exceed; 0: none.</summary>
    public ushort FirstLimitExceeded(RuleFacts facts, NaiveSums paid, ulong timeNs, RuleKind kind = RuleKind.Limit)
    {
        foreach (Rule rule in Table.Rules)
        {
            if (rule.Kind != kind || rule.Currency != facts.Currency || !Holds(rule.Condition, facts))
                continue;
            ulong ceiling = rule.Ceilings[facts.Tier];
            if (ceiling != TierCeilings.None && Sum(paid, rule.Window, timeNs) + facts.Amount > ceiling)
                return rule.Id;
        }
        return 0;
    }

    public void Add(NaiveSums paid, ulong amount, ulong timeNs) =>
        paid.Payments.Add((_paymentsCounted++, DateOf(timeNs), amount));

    public BigInteger Sum(NaiveSums paid, LimitWindow window, ulong timeNs)
    {
        DateTime today = DateOf(timeNs);
        long since = window.Kind == WindowKind.Year ? _yearsSince[window] : 0;
        BigInteger sum = 0;
        foreach ((long number, DateTime day, ulong amount) in paid.Payments)
            if (number >= since && day >= Start(window, today))
                sum += amount;
        return sum;
    }

    private static DateTime Start(LimitWindow window, DateTime today)
    {
        switch (window.Kind)
        {
            case WindowKind.Day:
                return today;
            case WindowKind.Month:
                return new DateTime(today.Year, today.Month, 1);
            case WindowKind.Rolling30Days:
                return today.AddDays(-29);
            default:
                DateTime start = new(today.Year, window.StartMonth, window.StartDay);
                return start <= today ? start : start.AddYears(-1);
        }
    }

    private static DateTime DateOf(ulong timeNs) => DateTime.UnixEpoch.AddTicks((long)(timeNs / 100)).Date;

    private bool Holds(Condition condition, RuleFacts facts) => condition switch
    {
        AlwaysCondition => true,
        FieldCondition field => Compare(Value(field.Field, facts), field.Operator, field.Value),
        ListCondition list => list.Values.ToArray().Any(value => value == Value(list.Field, facts)),
        AmountCondition amount => amount.Currency == facts.Currency && Compare(facts.Amount, amount.Operator, amount.Amount),
        NotCondition not => !Holds(not.Inner, facts),
        AllCondition all => all.Children.ToArray().All(child => Holds(child, facts)),
        AnyCondition any => any.Children.ToArray().Any(child => Holds(child, facts)),
        _ => throw new NotSupportedException(condition.GetType().Name),
    };

    /// <summary>Null: unknown as long as only the payer's country and the currency are known.</summary>
    private bool? Known(Condition condition, ushort source, ushort currency)
    {
        RuleFacts facts = new(source, 0, currency, 0, 0, 0, 0, 0);
        switch (condition)
        {
            case FieldCondition { Field: not (RuleField.Source or RuleField.Currency or RuleField.Owner) }:
            case ListCondition { Field: not (RuleField.Source or RuleField.Currency or RuleField.Owner) }:
                return null;
            case AmountCondition amount:
                return amount.Currency == currency ? null : false;
            case NotCondition not:
                return Known(not.Inner, source, currency) is { } inner ? !inner : null;
            case AllCondition all:
                bool?[] parts = [.. all.Children.ToArray().Select(child => Known(child, source, currency))];
                return parts.Contains(false) ? false : parts.Contains(null) ? null : true;
            case AnyCondition any:
                parts = [.. any.Children.ToArray().Select(child => Known(child, source, currency))];
                return parts.Contains(true) ? true : parts.Contains(null) ? null : false;
            default:
                return Holds(condition, facts);
        }
    }

    private ushort Value(RuleField field, RuleFacts facts) => field switch
    {
        RuleField.Source => facts.Source,
        RuleField.Destination => facts.Destination,
        RuleField.Currency => facts.Currency,
        RuleField.Owner => facts.Currency <= 999 ? ownerOf(facts.Currency) : (ushort)0,
        RuleField.Tier => facts.Tier,
        RuleField.Purpose => facts.Purpose,
        RuleField.Level => facts.Level,
        RuleField.Instruction => facts.Instruction,
        RuleField.PayerKind => facts.PayerKind,
        RuleField.PayeeKind => facts.PayeeKind,
        _ => throw new NotSupportedException(field.ToString()),
    };

    private static bool Compare(ulong left, RuleOperator op, ulong right) => op switch
    {
        RuleOperator.Equal => left == right,
        RuleOperator.NotEqual => left != right,
        RuleOperator.Less => left < right,
        RuleOperator.AtMost => left <= right,
        RuleOperator.More => left > right,
        RuleOperator.AtLeast => left >= right,
        _ => throw new NotSupportedException(op.ToString()),
    };
}

/// <summary>All that one account or holder has paid: number of the payment among all counted ones, day, amount.</summary>
public sealed class NaiveSums
{
    public List<(long Number, DateTime Day, ulong Amount)> Payments { get; } = [];
}
