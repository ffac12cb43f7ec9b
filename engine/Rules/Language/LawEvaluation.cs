using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: whether conditions hold for one payment, read off the text: slow and obvious. It shares nothing with the lowering, so that one's mistake is
/// the other's finding. Amounts are compared as fractions, never rounded.
/// </summary>
/// <param name="rules">For parameters and scales.</param>
/// <param name="payment">The payment.</param>
/// <param name="turned">A comparison whose answer is to be the opposite of the truth, or a limit whose ceiling is; null: none. By it the checker sees what a
/// comparison decides.</param>
internal sealed class LawEvaluation(RuleSet rules, LawCase payment, object? turned = null)
{
    private readonly RuleFacts _facts = payment.Facts;

    public ulong Amount => _facts.Amount;

    /// <summary>Whether a condition holds.</summary>
    /// <param name="condition">Any.</param>
    /// <param name="sums">False: every comparison of a sum is false.</param>
    public bool Holds(LawCondition condition, bool sums)
    {
        bool holds = condition switch
        {
            LawAlways => true,
            LawField field => Compare(((int)ValueOf(field.Field)).CompareTo(field.Value), field.Operator),
            LawIn list => list.Values.Contains(ValueOf(list.Field)),
            LawAmount amount => Compares(amount.Money, amount.Operator, _facts.Amount),
            LawSum sum => sums && Compares(sum.Money, sum.Operator, TotalIn(sum.Window)),
            LawNot not => !Holds(not.Inner, sums),
            LawAll all => all.Children.All(child => Holds(child, sums)),
            LawAny any => any.Children.Any(child => Holds(child, sums)),
            _ => throw new InvalidOperationException($"{condition.GetType().Name} in a condition"),
        };
        return holds != (ReferenceEquals(condition, turned) && (sums || condition is not LawSum));
    }

    /// <summary>Whether what the payer paid, with this payment, is above a limit's ceiling.</summary>
    public bool Exceeds(LawStatement limit)
    {
        bool exceeds = CeilingOf(limit) is { } ceiling && (ceiling.Number is not { } number || number.Compare(TotalIn(limit.Window)) > 0);
        return exceeds != (ReferenceEquals(limit, turned) && CeilingOf(limit) is not null);
    }

    /// <summary>The ceiling that a limit has for this payer; null: none. Its number is null where a parameter it needs has no value: then everything is above it.</summary>
    public (LawMoney Money, int Percent, LawNumber? Number)? CeilingOf(LawStatement limit)
    {
        if (limit.Ceilings[_facts.Tier & Limits.TierMax] is not { } money || !IsAbout(money))
            return null;
        int percent = limit.Adaptations.FirstOrDefault(one => one.Countries.Contains(_facts.Source))?.Percent ?? 100;
        if (percent == 0)
            return null;
        return (money, percent, NumberOf(money) is { } whole ? new LawNumber(whole.Numerator * percent, whole.Denominator * 100) : null);
    }

    /// <summary>Spent and this payment. A sum is counted up to 2^64 - 1 and stays there.</summary>
    public BigInteger TotalIn(LimitWindow window) => BigInteger.Min((BigInteger)payment.Spent(window) + _facts.Amount, ulong.MaxValue);

    public ushort ValueOf(RuleField field) => field switch
    {
        RuleField.Source => _facts.Source,
        RuleField.Destination => _facts.Destination,
        RuleField.Currency => _facts.Currency,
        RuleField.Owner => Iso4217.OwnerCountry(_facts.Currency),
        RuleField.Tier => _facts.Tier,
        RuleField.Purpose => _facts.Purpose,
        RuleField.Level => _facts.Level,
        RuleField.Instruction => _facts.Instruction,
        RuleField.PayerKind => _facts.PayerKind,
        RuleField.PayeeKind => _facts.PayeeKind,
        _ => throw new InvalidOperationException($"field {(byte)field} in a condition"),
    };

    /// <summary>Whether an amount of this payment's currency can be compared with it at all.</summary>
    public bool IsAbout(LawMoney money) => money.IsEquivalent || money.Currency == _facts.Currency;

    /// <summary>An amount in smallest units of this payment's currency; null: a parameter that it needs has no value.</summary>
    public LawNumber? NumberOf(LawMoney money)
    {
        if (rules.ScaleOf(_facts.Currency) is not (>= 0 and var scale))
            return null;
        BigInteger numerator = (BigInteger)money.Mantissa * BigInteger.Pow(10, scale);
        BigInteger denominator = BigInteger.Pow(10, money.Decimals);
        if (money.Index is { } index)
        {
            if (!rules.Parameters.TryGetValue(index, out ulong level))
                return null;
            numerator *= level;
            denominator *= ParameterName.One;
        }
        if (money.Currency == _facts.Currency)
            return new LawNumber(numerator, denominator);
        // A rate of 0 would make money of nothing: it counts as no value.
        if (RateOf(money.Currency) is not (> 0 and var from) || RateOf(_facts.Currency) is not (> 0 and var to))
            return null;
        return new LawNumber(numerator * from, denominator * to);
    }

    private ulong RateOf(ushort currency) => rules.Parameters.TryGetValue(ParameterName.RateOf(currency), out ulong rate) ? rate : 0;

    private bool Compares(LawMoney money, RuleOperator op, BigInteger units)
    {
        if (!IsAbout(money))
            return false;
        // Without a number, the amount counts as larger than any.
        return Compare(NumberOf(money)?.Compare(units) ?? 1, op);
    }

    private static bool Compare(int order, RuleOperator op) => op switch
    {
        RuleOperator.Equal => order == 0,
        RuleOperator.NotEqual => order != 0,
        RuleOperator.Less => order < 0,
        RuleOperator.AtMost => order <= 0,
        RuleOperator.More => order > 0,
        RuleOperator.AtLeast => order >= 0,
        _ => throw new InvalidOperationException($"operator {(byte)op} in a condition"),
    };
}
