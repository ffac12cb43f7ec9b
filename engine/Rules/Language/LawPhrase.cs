using System.Globalization;
using System.Numerics;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Engine.Rules.Language;

/// <summary>Conditions, payments and what was seen, in the language's own words, for a reader's eyes: reasons and messages.</summary>
public static class LawPhrase
{
    public static string Of(LawCondition condition) => condition switch
    {
        LawField { Field: RuleField.PayerKind or RuleField.PayeeKind } kind =>
            $"{Of(kind.Field)} is {(kind.Operator == RuleOperator.NotEqual ? "not " : "")}{Of(kind.Field, kind.Value)}",
        LawField field => $"{Of(field.Field)} {Of(field.Operator)} {Of(field.Field, field.Value)}",
        LawIn { List: { } list } named => $"{Of(named.Field)} in @{list}",
        LawIn list => $"{Of(list.Field)} in {{ {string.Join(", ", list.Values.Select(value => Of(list.Field, value)))} }}",
        LawAmount amount => $"amount {Of(amount.Operator)} {Of(amount.Money)}",
        LawSum sum => $"sum(payer, {Of(sum.Window)}) + amount {Of(sum.Operator)} {Of(sum.Money)}",
        LawNot not => $"not {Inner(not.Inner)}",
        LawAll all => string.Join(" and ", all.Children.Select(Inner)),
        LawAny any => string.Join(" or ", any.Children.Select(Inner)),
        _ => "always",
    };

    private static string Inner(LawCondition condition) => condition is LawAll or LawAny ? $"({Of(condition)})" : Of(condition);

    public static string Of(LimitWindow window) => window.Kind switch
    {
        WindowKind.Day => "day",
        WindowKind.Month => "month",
        WindowKind.Rolling30Days => "30 days",
        _ => window.ToString(),
    };

    public static string Of(LawMoney money)
    {
        string digits = money.Mantissa.ToString(CultureInfo.InvariantCulture).PadLeft(money.Decimals + 1, '0');
        string number = money.Decimals == 0 ? digits : $"{digits[..^money.Decimals]}.{digits[^money.Decimals..]}";
        return (money.IsEquivalent ? "equiv " : "") + $"{Of(RuleField.Currency, money.Currency)} {number}" +
            (money.Index is { } index ? $" indexed by {Of(index)}" : "");
    }

    public static string Of(ParameterName parameter) => $"{Of(RuleField.Currency, parameter.Currency)}.{parameter.Name}";

    /// <summary>A field's name as modules write it.</summary>
    public static string Of(RuleField field) => field switch
    {
        RuleField.Source => "src",
        RuleField.Destination => "dst",
        RuleField.PayerKind => "payer",
        RuleField.PayeeKind => "payee",
        _ => SnakeCase.Of(field),
    };

    /// <summary>A field's value as modules write it; its number where it has no name.</summary>
    public static string Of(RuleField field, ushort value)
    {
        string letters = field switch
        {
            RuleField.Source or RuleField.Destination or RuleField.Owner => Iso3166.LettersOf(value),
            RuleField.Currency => Iso4217.LettersOf(value),
            RuleField.Purpose => SnakeCase.Of((Purpose)value),
            RuleField.Instruction => SnakeCase.Of((Instruction)value),
            RuleField.PayerKind or RuleField.PayeeKind => SnakeCase.Of((PartyKind)value),
            _ => "",
        };
        return letters.Length > 0 ? letters : value.ToString(CultureInfo.InvariantCulture);
    }

    public static string Of(RuleOperator op) => op switch
    {
        RuleOperator.Equal => "=",
        RuleOperator.NotEqual => "!=",
        RuleOperator.Less => "<",
        RuleOperator.AtMost => "<=",
        RuleOperator.More => ">",
        _ => ">=",
    };

    /// <summary>A payment in a sentence's middle: <c>a payment of USD 3000.00 from US to IN, tier 0</c>; what is as by default is not told.</summary>
    /// <param name="facts">The payment.</param>
    /// <param name="spent">What its payer paid before, window by window.</param>
    /// <param name="scaleOf">Digits behind the point of a currency.</param>
    public static string Of(in RuleFacts facts, IReadOnlyList<(LimitWindow Window, ulong Amount)> spent, Func<ushort, int> scaleOf)
    {
        StringBuilder words = new("a payment of ");
        words.Append(Units(facts.Amount, facts.Currency, scaleOf)).Append(" from ").Append(Of(RuleField.Source, facts.Source)).Append(" to ")
            .Append(Of(RuleField.Destination, facts.Destination)).Append(CultureInfo.InvariantCulture, $", tier {facts.Tier}");
        if (facts.Purpose != 0)
            words.Append(", purpose ").Append(Of(RuleField.Purpose, facts.Purpose));
        if (facts.Level != 0)
            words.Append(CultureInfo.InvariantCulture, $", level {facts.Level}");
        if (facts.Instruction != (byte)Instruction.Immediate)
            words.Append(", instruction ").Append(Of(RuleField.Instruction, facts.Instruction));
        if (facts.PayerKind != 0)
            words.Append(", payer ").Append(Of(RuleField.PayerKind, facts.PayerKind));
        if (facts.PayeeKind != 0)
            words.Append(", payee ").Append(Of(RuleField.PayeeKind, facts.PayeeKind));
        foreach ((LimitWindow window, ulong amount) in spent)
            words.Append(", ").Append(Units(amount, facts.Currency, scaleOf)).Append(" paid before (").Append(Of(window)).Append(')');
        return words.ToString();
    }

    private static string Units(ulong amount, ushort currency, Func<ushort, int> scaleOf) =>
        $"{Of(RuleField.Currency, currency)} {AmountText.ToText(amount, scaleOf(currency))}";

    /// <summary>Every comparison of a statement with its answer.</summary>
    internal static IReadOnlyList<LawSeen> Seen(LawStatement statement, LawEvaluation evaluation, RuleSet rules)
    {
        List<LawSeen> seen = [];
        Add(statement.When, evaluation, rules, seen);
        if (statement.Needs is { } needs)
            Add(needs, evaluation, rules, seen);
        if (statement.Effect == LawEffect.Limit)
        {
            string asked = evaluation.CeilingOf(statement) is { } ceiling
                ? $"at most {Of(ceiling.Money)}{(ceiling.Percent == 100 ? "" : $" at {ceiling.Percent}%")} per {Of(statement.Window)}"
                : $"no ceiling here per {Of(statement.Window)}";
            seen.Add(new LawSeen(statement.Place, asked, Total(statement.Window, evaluation, rules), !evaluation.Exceeds(statement)));
        }
        return seen;
    }

    private static void Add(LawCondition condition, LawEvaluation evaluation, RuleSet rules, List<LawSeen> seen)
    {
        switch (condition)
        {
            case LawAll all:
                foreach (LawCondition child in all.Children)
                    Add(child, evaluation, rules, seen);
                return;
            case LawAny any:
                foreach (LawCondition child in any.Children)
                    Add(child, evaluation, rules, seen);
                return;
            case LawNot not:
                Add(not.Inner, evaluation, rules, seen);
                return;
            case LawAlways:
                return;
        }
        string saw = condition switch
        {
            LawField field => $"{Of(field.Field)} {Of(field.Field, evaluation.ValueOf(field.Field))}",
            LawIn list => $"{Of(list.Field)} {Of(list.Field, evaluation.ValueOf(list.Field))}",
            LawSum sum => Total(sum.Window, evaluation, rules) + Doubt(sum.Money, evaluation),
            LawAmount amount => $"amount {Paid(evaluation, rules)}" + Doubt(amount.Money, evaluation),
            _ => "",
        };
        seen.Add(new LawSeen(condition.Place, Of(condition), saw, evaluation.Holds(condition, sums: true)));
    }

    private static string Paid(LawEvaluation evaluation, RuleSet rules) =>
        Units(evaluation.Amount, evaluation.ValueOf(RuleField.Currency), rules.ScaleOf);

    private static string Total(LimitWindow window, LawEvaluation evaluation, RuleSet rules)
    {
        BigInteger total = evaluation.TotalIn(window);
        return $"{Units((ulong)(total - evaluation.Amount), evaluation.ValueOf(RuleField.Currency), rules.ScaleOf)} before and {Paid(evaluation, rules)} now";
    }

    private static string Doubt(LawMoney money, LawEvaluation evaluation) =>
        !evaluation.IsAbout(money) ? $", which is not {Of(RuleField.Currency, money.Currency)}"
            : evaluation.NumberOf(money) is null ? ", and a rate or an index that is needed has no value" : "";
}
