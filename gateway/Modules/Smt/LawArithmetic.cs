using System.Numerics;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>A module's amount of money in smallest units of a payment's currency, as a fraction; not counted: a parameter that it needs has no value.</summary>
internal readonly record struct LawUnits(bool IsCounted, BigInteger Numerator, BigInteger Denominator)
{
    /// <summary>The least whole number that is not below it.</summary>
    public BigInteger Ceiling => BigInteger.Divide(Numerator + Denominator - 1, Denominator);

    /// <summary>The least whole number above it.</summary>
    public BigInteger Above => BigInteger.Divide(Numerator, Denominator) + 1;

    public bool IsWhole => BigInteger.Remainder(Numerator, Denominator).IsZero;
}

/// <summary>
/// What money of a law is in a payment's currency, read off the language's definition for the solver's model and shared with neither the interpreter nor the lowering.
/// </summary>
internal static class LawArithmetic
{
    /// <param name="money">As the law states it.</param>
    /// <param name="percent">Of it.</param>
    /// <param name="currency">The payment's; with <paramref name="money"/>'s the same, or the money is equivalent.</param>
    /// <param name="side">Gives scales and parameters.</param>
    public static LawUnits UnitsOf(LawMoney money, int percent, ushort currency, RuleSet side)
    {
        BigInteger numerator = (BigInteger)money.Mantissa * percent * BigInteger.Pow(10, side.ScaleOf(currency));
        BigInteger denominator = BigInteger.Pow(10, money.Decimals) * 100;
        if (money.Index is { } index)
        {
            if (!side.Parameters.TryGetValue(index, out ulong level))
                return default;
            numerator *= level;
            denominator *= ParameterName.One;
        }
        if (currency != money.Currency)
        {
            if (RateOf(money.Currency, side) is not (> 0 and var ours) || RateOf(currency, side) is not (> 0 and var theirs))
                return default;
            numerator *= ours;
            denominator *= theirs;
        }
        // Lowest terms, so that equal amounts are equal values.
        BigInteger common = BigInteger.GreatestCommonDivisor(numerator, denominator);
        return new LawUnits(true, numerator / common, denominator / common);
    }

    /// <summary>What parameters a rule set's money needs.</summary>
    public static IEnumerable<ParameterName> ParametersOf(LawMoney money)
    {
        if (money.Index is { } index)
            yield return index;
        if (money.IsEquivalent)
            yield return ParameterName.RateOf(money.Currency);
    }

    /// <summary>A rate of zero would make money of nothing: it counts as none.</summary>
    private static ulong RateOf(ushort currency, RuleSet side) => side.Parameters.TryGetValue(ParameterName.RateOf(currency), out ulong rate) ? rate : 0;

    public static bool Compares(int order, RuleOperator op) => op switch
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

/// <summary>Whom a treaty's statements are about.</summary>
internal static class LawScope
{
    /// <summary>Countries of the modules that a treaty binds.</summary>
    public static IReadOnlyList<ushort> CountriesOf(BoundTreaty treaty, RuleSet side) =>
        [.. side.Modules.Where(module => treaty.Bound.Contains(module.Name)).SelectMany(module => module.Jurisdiction.Countries).Distinct()];
}
