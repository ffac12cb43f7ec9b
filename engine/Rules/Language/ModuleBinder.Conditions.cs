namespace Settlement.Engine.Rules.Language;

/// <remarks>This file: conditions.</remarks>
internal sealed partial class ModuleBinder
{
    /// <summary>A condition and the levels of its tree.</summary>
    private readonly record struct Bound(LawCondition Condition, int Depth);

    private LawCondition BindCondition(ConditionSyntax syntax) => CheckDepth(Build(syntax));

    /// <summary>When a statement applies: <c>when</c>, and not <c>unless</c>.</summary>
    private LawCondition BindWhen(StatementSyntax statement)
    {
        Bound? when = statement.When is { } written ? Build(written) : null;
        if (statement.Unless is not { } excepted)
            return when is { } alone ? CheckDepth(alone) : new LawAlways(statement.Name.Place);
        Bound unless = Not(Build(excepted), excepted.Place);
        if (when is not { } first)
            return CheckDepth(unless);
        return CheckDepth(first.Condition is LawAll all
            ? new Bound(new LawAll([.. all.Children, unless.Condition], all.Place), Math.Max(first.Depth, unless.Depth + 1))
            : new Bound(new LawAll([first.Condition, unless.Condition], first.Condition.Place), Math.Max(first.Depth, unless.Depth) + 1));
    }

    private LawCondition CheckDepth(Bound bound)
    {
        if (bound.Depth > LanguageBounds.ConditionDepthMax)
            _faults.Error(FaultCode.ConditionTooDeep, bound.Condition.Place,
                $"this condition is nested {bound.Depth} deep; {LanguageBounds.ConditionDepthMax} is the most",
                "write it as several statements, or with a list");
        return bound.Condition;
    }

    /// <summary>Recursion is bounded, because the parser's was.</summary>
    private Bound Build(ConditionSyntax syntax)
    {
        switch (syntax)
        {
            case NotSyntax not:
                return Not(Build(not.Inner), not.Place);
            case ChainSyntax chain:
                Bound[] children = [.. chain.Children.Select(Build)];
                LawCondition[] conditions = [.. children.Select(child => child.Condition)];
                int depth = children.Max(child => child.Depth) + 1;
                return new Bound(chain.IsAnd ? new LawAll(conditions, chain.Place) : new LawAny(conditions, chain.Place), depth);
            case InSyntax look:
                LawCondition isIn = BindIn(look);
                return look.IsNegated ? Not(new Bound(isIn, 1), look.Place) : new Bound(isIn, 1);
            case FieldSyntax field:
                return new Bound(BindField(field), 1);
            case AmountSyntax amount:
                return new Bound(BindMoney(amount.Money) is { } money ? new LawAmount(LawWords.OperatorOf(amount.Operator.Text), money, amount.Place)
                    : new LawAlways(amount.Place), 1);
            case SumSyntax sum:
                return new Bound(BindSum(sum), 1);
            default:
                return new Bound(new LawAlways(syntax.Place), 1);
        }
    }

    private static Bound Not(Bound inner, TextPlace place) => new(new LawNot(inner.Condition, place), inner.Depth + 1);

    private LawCondition BindIn(InSyntax look)
    {
        RuleField field = LawWords.FieldOf(look.Field.Text);
        if (field == RuleField.None)
        {
            _faults.Error(FaultCode.ListOfOtherKind, look.Field.Place, $"`{look.Field.Text}` is not looked up in a list",
                $"write `{look.Field.Text} >= USD 3_000`, or another comparison");
            return new LawAlways(look.Place);
        }
        List<ushort> values = BindValues(look.Values, field, $"`{look.Field.Text}`");
        return values.Count == 0 ? new LawAlways(look.Place) : new LawIn(field, values, look.Values.List?.Text, look.Place);
    }

    private LawCondition BindField(FieldSyntax syntax)
    {
        RuleField field = LawWords.FieldOf(syntax.Field.Text);
        RuleOperator comparison = LawWords.OperatorOf(syntax.Operator.Text);
        ushort? value = BindValue(field, syntax.Value);
        if (comparison > RuleOperator.NotEqual && !RuleFields.HasOrder(field))
            _faults.Error(FaultCode.FieldWithoutOrder, syntax.Operator.Place, $"{LawWords.ValuesOf(field)} is not more or less than another",
                $"`{syntax.Field.Text}` is asked by `=`, `!=` or `in`; only `tier`, `level`, `amount` and `sum` have an order");
        return value is { } known ? new LawField(field, comparison, known, syntax.Place) : new LawAlways(syntax.Place);
    }

    private LawCondition BindSum(SumSyntax sum)
    {
        RuleOperator comparison = LawWords.OperatorOf(sum.Operator.Text);
        if (comparison is not (RuleOperator.More or RuleOperator.AtLeast))
            _faults.Error(FaultCode.SumComparison, sum.Operator.Place, $"a sum is compared by `>` or `>=` only, not by {sum.Operator.Shown}",
                "a payment with a larger sum is never treated better than one with a smaller: say above which sum the statement holds");
        if (BindMoney(sum.Money) is not { } money)
            return new LawAlways(sum.Place);
        WarnOfEquivalent(money, sum.Money.Place);
        return new LawSum(sum.Window, comparison, money, sum.Place);
    }

    private void WarnOfEquivalent(LawMoney money, TextPlace place)
    {
        if (money.IsEquivalent)
            _faults.Warning(FaultCode.EquivalentSum, place, "sums are kept currency by currency, so this holds in each of them separately",
                "what is paid in one currency does not count towards the sum in another; for one currency only, write the amount without `equiv`");
    }
}
