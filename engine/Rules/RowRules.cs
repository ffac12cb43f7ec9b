namespace Settlement.Engine.Rules;

/// <summary>Purpose: what one rule does in one corridor, as ceilings; the questions that the row compiler asks of a
/// rule.</summary>
internal static class RowRules
{
    /// <summary>Whether corridor, tier and amount decide the rule (for a limit: corridor and tier).</summary>
    public static bool Fits(Rule rule) =>
        Fits(rule.Condition, rule.IsLimit) && (rule.Needs is null || Fits(rule.Needs, rule.IsLimit));

    private static bool Fits(Condition condition, bool isLimit) => condition switch
    {
        FieldCondition field => RuleFields.InCorridor(field.Field),
        ListCondition list => RuleFields.InCorridor(list.Field),
        AmountCondition => !isLimit,
        NotCondition not => Fits(not.Inner, isLimit),
        AllCondition all => FitAll(all.Children, isLimit),
        AnyCondition any => FitAll(any.Children, isLimit),
        _ => true,
    };

    private static bool FitAll(ReadOnlySpan<Condition> children, bool isLimit)
    {
        foreach (Condition child in children)
            if (!Fits(child, isLimit))
                return false;
        return true;
    }

    public static int NodeCount(Rule rule) => NodeCount(rule.Condition) + (rule.Needs is null ? 0 : NodeCount(rule.Needs));

    private static int NodeCount(Condition condition)
    {
        int count = 1;
        foreach (Condition child in Children(condition))
            count += NodeCount(child);
        return count;
    }

    /// <summary>
    /// The amounts, from 1, at which the rule's answer in a currency may change: between two of them it is constant, for
    /// every comparison changes only at its constant and behind it.
    /// </summary>
    /// <returns>Ascending, distinct, the first is 1 (no payment of 0 reaches the rules).</returns>
    public static ulong[] Points(Rule rule, ushort currency)
    {
        SortedSet<ulong> points = [1];
        AddPoints(rule.Condition, currency, points);
        if (rule.Needs is { } needs)
            AddPoints(needs, currency, points);
        return [.. points];
    }

    private static void AddPoints(Condition condition, ushort currency, SortedSet<ulong> points)
    {
        if (condition is AmountCondition amount && amount.Currency == currency)
        {
            points.Add(Math.Max(amount.Amount, 1));
            if (amount.Amount != ulong.MaxValue)
                points.Add(amount.Amount + 1);
        }
        foreach (Condition child in Children(condition))
            AddPoints(child, currency, points);
    }

    private static ReadOnlySpan<Condition> Children(Condition condition) => condition switch
    {
        NotCondition not => new Condition[] { not.Inner },
        AllCondition all => all.Children,
        AnyCondition any => any.Children,
        _ => default,
    };

    /// <summary>False: in some tier the refused (or reviewed) amounts are not all those above a ceiling.</summary>
    public static bool TryCeilings(Rule rule, RuleFacts corridor, ushort owner, ulong[] points, out TierCeilings ceilings)
    {
        ceilings = TierCeilings.Same(TierCeilings.None);
        for (byte tier = 0; tier < TierCeilings.Count; tier++)
        {
            bool refusing = false;
            foreach (ulong point in points)
            {
                bool bites = rule.Bites(corridor with { Tier = tier, Amount = point }, owner);
                if (bites && !refusing)
                    ceilings[tier] = rule.IsLimit ? rule.Ceilings[tier] : point - 1;
                if (refusing && !bites)
                    return false;
                refusing = bites;
            }
        }
        return true;
    }

    public static int WindowIndex(LimitWindow window, LimitWindow[] yearStarts) => window.Kind switch
    {
        WindowKind.Day => SumWindow.Day,
        WindowKind.Month => SumWindow.Month,
        WindowKind.Rolling30Days => SumWindow.Rolling30Days,
        _ => SumWindow.Year + Array.IndexOf(yearStarts, window),
    };
}
