using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>
/// Purpose: one or two rule sets as terms over the same payment, for a solver. Built from <see cref="LawModule"/> and the definition of the language, with nothing of the
/// interpreter and nothing of the lowering, so that each finds the others' mistakes.
/// Invariant: a payment of the model and the payments that it stands for (every choice of values out of its classes) get the same answer.
/// </summary>
internal sealed class LawModel
{
    private readonly List<LimitWindow> _windows = [];

    public LawModel(params IReadOnlyList<RuleSet> sides) : this(sides, null)
    {
    }

    /// <param name="sides">Rule sets that are to be looked at together.</param>
    /// <param name="onlyDay">The one day that is asked about; null: all of them.</param>
    public LawModel(IReadOnlyList<RuleSet> sides, int? onlyDay)
    {
        foreach (LimitWindow window in sides.SelectMany(LawWalk.Windows))
            if (!_windows.Contains(window))
                _windows.Add(window);
        Fields = new FieldClasses(sides, onlyDay is { } day ? [day] : LawWalk.Days(sides));
        Bank = new TermBank(Fields.Counts);
        Sides = [.. sides.Select(side => new ModelSide(this, side))];
    }

    public FieldClasses Fields { get; }

    public TermBank Bank { get; }

    /// <summary>Number 1 is what was paid in the first of them, and so on; number 0 is the amount.</summary>
    public IReadOnlyList<LimitWindow> Windows => _windows;

    public int NumberCount => _windows.Count + 1;

    public IReadOnlyList<ModelSide> Sides { get; }

    public int NumberOf(LimitWindow window) => _windows.IndexOf(window) + 1;

    /// <summary>The field's value has a property.</summary>
    public Term Where(CaseField field, Func<int, bool> holds) => Bank.In((int)field, Fields.Where(field, holds));

    /// <summary>The field is of one class.</summary>
    public Term Is(CaseField field, int of) => Bank.In((int)field, BigInteger.One << of);

    /// <summary>The same statement about a payment whose field is of another class: the field's own class does not matter any more.</summary>
    public Term[] Fixing(IReadOnlyList<Term> terms, CaseField field, int of) =>
        Bank.Copy(terms, leaf => leaf.Kind != TermKind.In || leaf.Subject != (int)field ? leaf : Bank.Of(leaf.Has(of)));

    /// <summary>The payment that a case of the model stands for.</summary>
    public LawCase CaseOf(ModelCase one)
    {
        ushort Value(CaseField field) => (ushort)Fields.ValueOf(field, one[field]);
        RuleFacts facts = new(
            Value(CaseField.Source), Value(CaseField.Destination), Value(CaseField.Currency), one.Amount, (byte)Value(CaseField.Tier), (byte)Value(CaseField.Purpose),
            (byte)Value(CaseField.Level), (byte)Value(CaseField.Instruction), (byte)Value(CaseField.PayerKind), (byte)Value(CaseField.PayeeKind));
        return new LawCase(facts, window => SpentIn(one, window));
    }

    /// <summary>What was paid in a window before the payment.</summary>
    public ulong SpentIn(ModelCase one, LimitWindow window) => NumberOf(window) is > 0 and int number ? one.Numbers[number] - one.Amount : 0;

    public int DayOf(ModelCase one) => Fields.ValueOf(CaseField.Day, one[CaseField.Day]);
}

/// <summary>What is gathered from modules before a model is built.</summary>
internal static class LawWalk
{
    public static IEnumerable<(LawModule Module, BoundTreaty? Treaty)> Modules(RuleSet rules) =>
        rules.Modules.Select(module => (module, (BoundTreaty?)null)).Concat(rules.Treaties.Select(treaty => (treaty.Treaty, (BoundTreaty?)treaty)))
            .OrderBy(one => one.Item1.Name, StringComparer.Ordinal);

    /// <summary>Every window that something sums over.</summary>
    public static IEnumerable<LimitWindow> Windows(RuleSet rules) =>
        Modules(rules).SelectMany(one => one.Module.Statements).SelectMany(statement => statement.Effect == LawEffect.Limit
            ? Conditions(statement).OfType<LawSum>().Select(sum => sum.Window).Prepend(statement.Window)
            : Conditions(statement).OfType<LawSum>().Select(sum => sum.Window)).Distinct();

    /// <summary>First days of the stretches in which the same statements are in force, ascending; before the first, none is.</summary>
    public static IReadOnlyList<int> Days(IEnumerable<RuleSet> sides)
    {
        SortedSet<int> days = [];
        foreach ((LawModule module, _) in sides.SelectMany(Modules))
        {
            days.Add(module.EffectiveDay);
            if (module.UntilDay is { } until)
                days.Add(until);
            foreach (LawStatement statement in module.Statements)
            {
                if (statement.FromDay is { } from && from > module.EffectiveDay)
                    days.Add(from);
                if (statement.UntilDay is { } end && end > module.EffectiveDay)
                    days.Add(end);
            }
        }
        return days.Count == 0 ? [0] : [.. days];
    }

    /// <summary>Every condition of a statement, the inner ones too.</summary>
    public static IEnumerable<LawCondition> Conditions(LawStatement statement)
    {
        Stack<LawCondition> open = new(statement.Needs is { } needs ? [statement.When, needs] : [statement.When]);
        while (open.TryPop(out LawCondition? condition))
        {
            yield return condition;
            IEnumerable<LawCondition> inner = condition switch
            {
                LawNot not => [not.Inner],
                LawAll all => all.Children,
                LawAny any => any.Children,
                _ => [],
            };
            foreach (LawCondition one in inner)
                open.Push(one);
        }
    }

    /// <summary>Every amount of money that a rule set states, tests apart.</summary>
    public static IEnumerable<LawMoney> Money(RuleSet rules) => Modules(rules).SelectMany(one => one.Module.Statements).SelectMany(statement =>
        Conditions(statement).Select(condition => condition switch { LawAmount amount => amount.Money, LawSum sum => sum.Money, _ => null })
            .Concat(statement.Ceilings)).OfType<LawMoney>();
}
