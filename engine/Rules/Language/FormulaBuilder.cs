using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: a law's condition as a formula: every fraction becomes the whole number of smallest units at which a comparison turns, every currency's by
/// itself.
/// Two ways to ask. Of all currencies at once, currency 0: then every comparison of a sum is false, as the first of the two looks at a payment has it
/// (SEMANTICS 12). Of one currency: then sums are parts of the formula.
/// </summary>
internal sealed class FormulaBuilder(RuleSet rules, FormulaPool pool)
{
    public FormulaPool Pool => pool;

    public RuleSet Rules => rules;

    /// <param name="condition">Any.</param>
    /// <param name="currency">ISO 4217; 0: all, without sums.</param>
    public Formula Of(LawCondition condition, ushort currency) => condition switch
    {
        LawAlways => pool.True,
        LawField field => Values(field.Field, value => RuleFields.Compare((ulong)value, field.Operator, field.Value), currency),
        LawIn list => Values(list.Field, ValueSet.Of([.. list.Values]).Contains, currency),
        LawAmount amount => currency == 0 ? Amounts(amount.Money, amount.Operator) : Amount(amount.Money, amount.Operator, currency, 0),
        LawSum sum => currency == 0 ? pool.False : Sum(sum, currency),
        LawNot not => pool.Not(Of(not.Inner, currency)),
        LawAll all => pool.All(all.Children.Select(child => Of(child, currency))),
        LawAny any => pool.Any(any.Children.Select(child => Of(child, currency))),
        _ => throw new InvalidOperationException($"{condition.GetType().Name} in a condition"),
    };

    public Formula Values(RuleField field, IReadOnlyList<ushort> values, ushort currency) => Values(field, ValueSet.Of([.. values]).Contains, currency);

    /// <summary>The owner of a currency is a matter of the currency.</summary>
    private Formula Values(RuleField field, Func<int, bool> passes, ushort currency)
    {
        Func<int, bool> asked = field == RuleField.Owner ? value => passes(Iso4217.OwnerCountry((ushort)value)) : passes;
        RuleField column = field == RuleField.Owner ? RuleField.Currency : field;
        return column == RuleField.Currency && currency != 0 ? pool.Constant(asked(currency)) : pool.Values(column, ValueSet.Where(column, asked));
    }

    private Formula Amounts(LawMoney money, RuleOperator op)
    {
        if (!money.IsEquivalent)
            return pool.All(pool.Values(RuleField.Currency, ValueSet.Of(money.Currency)), Amount(money, op, money.Currency, money.Currency));
        List<Formula> parts = [];
        ValueSet valued = ValueSet.Empty;
        foreach (ushort currency in Iso4217.Numbers)
            if (TryNumber(money, currency, out _, out _))
            {
                valued = valued.Or(ValueSet.Of(currency));
                parts.Add(pool.All(pool.Values(RuleField.Currency, ValueSet.Of(currency)), Amount(money, op, currency, currency)));
            }
        if (IsTrueAboveAll(op))
            parts.Add(pool.Values(RuleField.Currency, ValueSet.Domain(RuleField.Currency).Without(valued)));
        return pool.Any(parts);
    }

    private static bool IsTrueAboveAll(RuleOperator op) => op is RuleOperator.More or RuleOperator.AtLeast or RuleOperator.NotEqual;

    /// <param name="money">What is compared with.</param>
    /// <param name="op">How.</param>
    /// <param name="currency">The payment's.</param>
    /// <param name="named">The currency that the formula's amounts name; 0 where the payment's is known to all of it.</param>
    private Formula Amount(LawMoney money, RuleOperator op, ushort currency, ushort named)
    {
        if (!money.IsEquivalent && money.Currency != currency)
            return pool.False;
        if (!TryNumber(money, currency, out BigInteger floor, out bool isWhole))
            return pool.Constant(IsTrueAboveAll(op));
        BigInteger ceiling = isWhole ? floor : floor + 1;
        return op switch
        {
            RuleOperator.AtLeast => AtLeast(named, ceiling),
            RuleOperator.Less => pool.Not(AtLeast(named, ceiling)),
            RuleOperator.More => AtLeast(named, floor + 1),
            RuleOperator.AtMost => pool.Not(AtLeast(named, floor + 1)),
            RuleOperator.Equal => Equal(named, floor, isWhole),
            _ => pool.Not(Equal(named, floor, isWhole)),
        };
    }

    private Formula Equal(ushort currency, BigInteger floor, bool isWhole) =>
        isWhole ? pool.All(AtLeast(currency, floor), pool.Not(AtLeast(currency, floor + 1))) : pool.False;

    private Formula AtLeast(ushort currency, BigInteger units) =>
        units > ulong.MaxValue ? pool.False : units <= 1 ? pool.True : pool.AmountAtLeast(currency, (ulong)units);

    private Formula Sum(LawSum sum, ushort currency)
    {
        if (!sum.Money.IsEquivalent && sum.Money.Currency != currency)
            return pool.False;
        // More than nothing: always, for the payment itself is in its sum.
        if (!TryNumber(sum.Money, currency, out BigInteger floor, out bool isWhole))
            return pool.SumAbove(sum.Window, 0);
        BigInteger above = sum.Operator == RuleOperator.AtLeast && isWhole ? floor - 1 : floor;
        return pool.SumAbove(sum.Window, Saturate(above));
    }

    /// <summary>What a limit's sum may reach; null: it has no ceiling there.</summary>
    /// <param name="money">Null: none.</param>
    /// <param name="percent">Of it.</param>
    /// <param name="currency">The payment's.</param>
    public ulong? Ceiling(LawMoney? money, int percent, ushort currency)
    {
        if (money is null || percent == 0 || (!money.IsEquivalent && money.Currency != currency))
            return null;
        if (!TryFraction(money, currency, out BigInteger numerator, out BigInteger denominator))
            return 0;
        ulong ceiling = Saturate(numerator * percent / (denominator * 100));
        return ceiling == TierCeilings.None ? null : ceiling;
    }

    private static ulong Saturate(BigInteger units) => units > ulong.MaxValue ? ulong.MaxValue : units.Sign < 0 ? 0 : (ulong)units;

    /// <summary>False: a rate or an index that it needs has no value.</summary>
    private bool TryNumber(LawMoney money, ushort currency, out BigInteger floor, out bool isWhole)
    {
        bool known = TryFraction(money, currency, out BigInteger numerator, out BigInteger denominator);
        floor = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        isWhole = rest.IsZero;
        return known;
    }

    private bool TryFraction(LawMoney money, ushort currency, out BigInteger numerator, out BigInteger denominator)
    {
        (numerator, denominator) = (money.Mantissa, BigInteger.Pow(10, money.Decimals));
        // A currency that the ledger does not have has no scale; no payment is in it.
        if (rules.ScaleOf(currency) is not (>= 0 and var scale))
            return false;
        numerator *= BigInteger.Pow(10, scale);
        ulong index = ParameterName.One, from = 1, to = 1;
        if (money.Index is { } name && !rules.Parameters.TryGetValue(name, out index))
            return false;
        if (money.Currency != currency && (!TryRate(money.Currency, out from) || !TryRate(currency, out to)))
            return false;
        numerator = numerator * index * from;
        denominator = denominator * ParameterName.One * to;
        return true;
    }

    /// <summary>A rate of 0 counts as none: it would make money of nothing.</summary>
    private bool TryRate(ushort currency, out ulong rate) => rules.Parameters.TryGetValue(ParameterName.RateOf(currency), out rate) && rate > 0;
}
