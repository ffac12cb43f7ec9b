using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: finds a payment of which a formula is true, or that there is none: it splits cases at the comparisons that are still open, and nothing else.
/// Each step asks the formula in three-valued logic over what is known so far; when it is true, anything within that is a witness.
/// Invariant: exact. A window's sum, with the payment, is at least its amount; windows are independent of each other, for they may have begun to count on
/// different days. Countries are those that exist. Deterministic.
/// Bound: steps, a visit to a part of the formula each; then the answer is that it is not known. Memory: a case a split on the way.
/// </summary>
internal sealed class FormulaSearch(long steps)
{
    private const int FieldCount = (int)RuleField.PayeeKind + 1;

    private long _stepsLeft = steps;

    public long StepsLeft => _stepsLeft;

    /// <summary>What is known of the payment in one case.</summary>
    private sealed class Case
    {
        public required ValueSet[] Fields { get; init; }

        public ulong AmountLow { get; init; } = 1;

        public ulong AmountHigh { get; init; } = ulong.MaxValue;

        /// <summary>What was paid in a window with this payment: low and high, both included.</summary>
        public (LimitWindow Window, ulong Low, ulong High)[] Totals { get; init; } = [];

        public (ulong Low, ulong High) Total(LimitWindow window)
        {
            foreach ((LimitWindow known, ulong low, ulong high) in Totals)
                if (known == window)
                    return (Math.Max(low, AmountLow), high);
            return (AmountLow, ulong.MaxValue);
        }

        /// <summary>Whether a comparison is true in all of the case, false in all of it, or neither.</summary>
        public bool? Ask(Formula leaf)
        {
            switch (leaf.Kind)
            {
                case FormulaKind.Values:
                    ValueSet values = Fields[(int)leaf.Field];
                    return values.IsWithin(leaf.Values) ? true : values.And(leaf.Values).IsEmpty ? false : null;
                case FormulaKind.Amount:
                    return AmountLow >= leaf.Threshold ? !leaf.IsNegated : AmountHigh < leaf.Threshold ? leaf.IsNegated : null;
                default:
                    (ulong low, ulong high) = Total(leaf.Window);
                    return low > leaf.Threshold ? !leaf.IsNegated : high <= leaf.Threshold ? leaf.IsNegated : null;
            }
        }

        /// <summary>The part of the case where a comparison that is neither has this answer: never empty.</summary>
        public Case With(Formula leaf, bool holds)
        {
            bool over = holds != leaf.IsNegated;
            if (leaf.Kind == FormulaKind.Values)
            {
                ValueSet[] fields = [.. Fields];
                ref ValueSet set = ref fields[(int)leaf.Field];
                set = holds ? set.And(leaf.Values) : set.Without(leaf.Values);
                return new Case { Fields = fields, AmountLow = AmountLow, AmountHigh = AmountHigh, Totals = Totals };
            }
            if (leaf.Kind == FormulaKind.Amount)
                return new Case
                {
                    Fields = Fields,
                    AmountLow = over ? leaf.Threshold : AmountLow,
                    AmountHigh = over ? AmountHigh : leaf.Threshold - 1,
                    Totals = Totals,
                };
            (ulong low, ulong high) = Total(leaf.Window);
            (low, high) = over ? (leaf.Threshold + 1, high) : (low, leaf.Threshold);
            return new Case
            {
                Fields = Fields,
                AmountLow = AmountLow,
                // What the sum may not exceed, the payment may not either.
                AmountHigh = Math.Min(AmountHigh, high),
                Totals = [.. Totals.Where(total => total.Window != leaf.Window), (leaf.Window, low, high)],
            };
        }
    }

    /// <summary>Looks for a payment in one currency.</summary>
    /// <param name="formula">Of this currency alone: its amounts name none.</param>
    /// <param name="currency">ISO 4217.</param>
    /// <param name="witness">Null unless the answer is yes.</param>
    public SatisfiabilityAnswer Find(Formula formula, ushort currency, out LawWitness? witness)
    {
        witness = null;
        Stack<Case> open = [];
        open.Push(new Case { Fields = [.. Enum.GetValues<RuleField>().Order().Select(ValueSet.Real)] });
        while (open.TryPop(out Case? one))
        {
            bool? holds = Ask(formula, one, out Formula? undecided);
            if (_stepsLeft < 0)
                return SatisfiabilityAnswer.Unknown;
            if (holds == true)
            {
                witness = Witness(one, currency);
                return SatisfiabilityAnswer.Yes;
            }
            if (holds == false)
                continue;
            open.Push(one.With(undecided!, false));
            open.Push(one.With(undecided!, true));
        }
        return SatisfiabilityAnswer.No;
    }

    /// <param name="formula">What is asked.</param>
    /// <param name="one">Of this case.</param>
    /// <param name="undecided">A comparison on which the answer hangs, where there is none.</param>
    private bool? Ask(Formula formula, Case one, out Formula? undecided)
    {
        _stepsLeft--;
        undecided = null;
        if (formula.IsConstant)
            return formula.Kind == FormulaKind.True;
        if (formula.Children.Length == 0)
        {
            undecided = formula;
            return one.Ask(formula);
        }
        bool absorbing = formula.Kind == FormulaKind.Any;
        bool isOpen = false;
        foreach (Formula child in formula.Children)
        {
            bool? answer = _stepsLeft < 0 ? null : Ask(child, one, out Formula? hint) is { } known ? known : Open(hint, ref undecided);
            if (answer == absorbing)
                return absorbing;
            isOpen |= answer is null;
        }
        return isOpen ? null : !absorbing;
    }

    private static bool? Open(Formula? hint, ref Formula? undecided)
    {
        undecided ??= hint;
        return null;
    }

    /// <summary>The smallest payment of a case; of a field that may have several values, the plainest.</summary>
    private static LawWitness Witness(Case one, ushort currency)
    {
        ushort Pick(RuleField field, params ReadOnlySpan<ushort> plain)
        {
            foreach (ushort value in plain)
                if (one.Fields[(int)field].Contains(value))
                    return value;
            return one.Fields[(int)field].ToArray()[0];
        }
        RuleFacts facts = new(
            Pick(RuleField.Source), Pick(RuleField.Destination), currency, one.AmountLow, (byte)Pick(RuleField.Tier), (byte)Pick(RuleField.Purpose),
            (byte)Pick(RuleField.Level), (byte)Pick(RuleField.Instruction, (ushort)Instruction.Immediate), (byte)Pick(RuleField.PayerKind),
            (byte)Pick(RuleField.PayeeKind));
        return new LawWitness(facts, [.. one.Totals.Select(total => (total.Window, one.Total(total.Window).Low - one.AmountLow))
            .Where(static spent => spent.Item2 > 0)]);
    }
}
