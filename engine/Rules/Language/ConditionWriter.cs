namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: a formula as the condition of a table rule, in few words: a set as the list or the opposite of a list, whichever is shorter; a currency not said
/// twice where an amount says it.
/// </summary>
internal sealed class ConditionWriter
{
    private readonly Dictionary<(int Formula, ushort Currency), Condition> _written = [];

    /// <summary>Parts of conditions written so far: each takes at least a byte of a table.</summary>
    public long Size { get; private set; }

    /// <summary>A condition that never holds.</summary>
    public static Condition Never { get; } = When.Always.Not();

    /// <param name="formula">Without sums.</param>
    /// <param name="currency">What an amount that names none is in; 0: there is none such.</param>
    public Condition Write(Formula formula, ushort currency)
    {
        Size++;
        if (_written.TryGetValue((formula.Number, currency), out Condition? known))
        {
            Size += Weight(known);
            return known;
        }
        Condition condition = formula.Kind switch
        {
            FormulaKind.True => When.Always,
            FormulaKind.False => Never,
            FormulaKind.Values => Values(formula.Field, formula.Values),
            FormulaKind.Amount => Amount(formula, currency),
            FormulaKind.All => Join(formula, currency, static parts => new AllCondition(parts)),
            FormulaKind.Any => Join(formula, currency, static parts => new AnyCondition(parts)),
            _ => throw new InvalidOperationException("a sum in a condition: it is a limit's"),
        };
        _written.Add((formula.Number, currency), condition);
        return condition;
    }

    private static int Weight(Condition condition) => condition switch
    {
        ListCondition list => list.Values.Length,
        NotCondition not => 1 + Weight(not.Inner),
        AllCondition all => Weight(all.Children),
        AnyCondition any => Weight(any.Children),
        _ => 1,
    };

    private static int Weight(ReadOnlySpan<Condition> conditions)
    {
        int weight = 1;
        foreach (Condition condition in conditions)
            weight += Weight(condition);
        return weight;
    }

    private static Condition Amount(Formula formula, ushort currency)
    {
        if (formula.Currency == 0)
            return When.Amount(formula.IsNegated ? RuleOperator.Less : RuleOperator.AtLeast, currency, formula.Threshold);
        Condition atLeast = When.Amount(RuleOperator.AtLeast, formula.Currency, formula.Threshold);
        return formula.IsNegated ? atLeast.Not() : atLeast;
    }

    /// <summary>
    /// In an "all", what is in one currency and less than an amount is one comparison, and so is in an "any" what is in another currency or at least an
    /// amount.
    /// </summary>
    private Condition Join(Formula formula, ushort currency, Func<Condition[], Condition> join)
    {
        bool all = formula.Kind == FormulaKind.All;
        Formula? named = Array.Find(formula.Children, static child => child is { Kind: FormulaKind.Values, Field: RuleField.Currency });
        ValueSet? one = named is null ? null : all ? named.Values : ValueSet.Domain(RuleField.Currency).Without(named.Values);
        ushort single = one is { Count: 1 } ? one.ToArray()[0] : (ushort)0;
        bool implied = single != 0 && Array.Exists(formula.Children, child => child.Kind == FormulaKind.Amount && child.Currency == single);
        List<Condition> parts = [];
        foreach (Formula child in formula.Children)
            if (implied && child.Kind == FormulaKind.Amount && child.Currency == single && child.IsNegated == all)
            {
                Condition less = When.Amount(RuleOperator.Less, single, child.Threshold);
                parts.Add(all ? less : less.Not());
            }
            else if (!implied || child != named)
            {
                parts.Add(Write(child, currency));
            }
        Size += parts.Count;
        return parts.Count == 1 ? parts[0] : join([.. parts]);
    }

    private Condition Values(RuleField field, ValueSet values)
    {
        ValueSet others = ValueSet.Domain(field).Without(values);
        if (values.Count == 1)
            return new FieldCondition(field, RuleOperator.Equal, values.ToArray()[0]);
        if (others.Count == 1)
            return new FieldCondition(field, RuleOperator.NotEqual, others.ToArray()[0]);
        if (RuleFields.HasOrder(field) && Range(field, values) is { } range)
            return range;
        // A list that numbers above ISO's are in can be written only by what is not in it.
        bool direct = field <= RuleField.Owner ? !values.Contains(ValueSet.Beyond) : values.Count <= others.Count;
        ushort[] written = (direct ? values : others).ToArray();
        Size += written.Length;
        ListCondition list = new(field, written);
        return direct ? list : list.Not();
    }

    private static Condition? Range(RuleField field, ValueSet values)
    {
        ushort[] all = values.ToArray();
        (ushort low, ushort high, int last) = (all[0], all[^1], ValueSet.Domain(field).Count - 1);
        if (high - low + 1 != all.Length)
            return null;
        Condition atLeast = new FieldCondition(field, RuleOperator.AtLeast, low), atMost = new FieldCondition(field, RuleOperator.AtMost, high);
        return low == 0 ? atMost : high == last ? atLeast : atLeast.And(atMost);
    }
}
