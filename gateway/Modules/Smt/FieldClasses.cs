using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>
/// Purpose: of each field, which values no rule of some rule sets tells apart. The 249 countries become some dozens of classes, so that a question is about classes of
/// corridors and not about ten million corridors.
/// Invariant: any condition of these rule sets, any scope, ceiling and day of force is the same for all values of a class.
/// </summary>
internal sealed class FieldClasses
{
    /// <summary>Who stands for a class that holds several: readers know them.</summary>
    private static readonly string[] s_familiar =
        ["US", "DE", "GB", "JP", "IN", "BR", "CN", "NG", "CH", "FR", "CA", "AU", "MX", "KE", "ZA", "SG", "AE", "IR", "KP", "RU"];

    private static readonly string[] s_familiarMoney = ["USD", "EUR", "GBP", "JPY", "INR", "BRL", "CNY", "NGN", "CHF", "CAD", "AUD", "KES"];

    private readonly int[][] _values = new int[ModelCase.FieldCount][];
    private readonly int[][] _classOf = new int[ModelCase.FieldCount][]; // by the value's place in _values
    private readonly int[][] _representatives = new int[ModelCase.FieldCount][];

    public FieldClasses(IReadOnlyList<RuleSet> sides, IReadOnlyList<int> days)
    {
        int[] countries = Preferring(s_familiar.Select(letters => Iso3166.NumberOf(letters)), Iso3166.Numbers);
        _values[(int)CaseField.Source] = countries;
        _values[(int)CaseField.Destination] = countries;
        _values[(int)CaseField.Currency] = Preferring(s_familiarMoney.Select(letters => Iso4217.NumberOf(letters)), Iso4217.Numbers);
        _values[(int)CaseField.Tier] = Upto(Limits.TierMax);
        _values[(int)CaseField.Purpose] = Upto((int)Purpose.Last);
        _values[(int)CaseField.Level] = Upto(byte.MaxValue);
        // The first stands for what has no rule of its own.
        _values[(int)CaseField.Instruction] = [.. new[] { Instruction.Immediate, Instruction.Micropayment, Instruction.Hold, Instruction.Capture, Instruction.Refund }.Select(one => (int)one)];
        _values[(int)CaseField.PayerKind] = Upto((int)PartyKind.Last);
        _values[(int)CaseField.PayeeKind] = Upto((int)PartyKind.Last);
        _values[(int)CaseField.Day] = [.. days];
        for (int field = 0; field < ModelCase.FieldCount; field++)
            _classOf[field] = new int[_values[field].Length];

        Split(CaseField.Instruction, value => value > (int)Instruction.Hold);
        foreach (int day in days)
            Split(CaseField.Day, value => value >= day);
        foreach (RuleSet side in sides)
            SplitBy(side);
        for (int field = 0; field < ModelCase.FieldCount; field++)
        {
            _representatives[field] = new int[_classOf[field].Max() + 1];
            for (int at = _values[field].Length - 1; at >= 0; at--)
                _representatives[field][_classOf[field][at]] = _values[field][at];
        }
    }

    public int Count(CaseField field) => _representatives[(int)field].Length;

    public IReadOnlyList<int> Counts => [.. _representatives.Select(one => one.Length)];

    /// <summary>The value that stands for a class.</summary>
    public int ValueOf(CaseField field, int of) => _representatives[(int)field][of];

    public int ClassOf(CaseField field, int value) => _classOf[(int)field][Array.IndexOf(_values[(int)field], value)];

    /// <summary>How many values a class has.</summary>
    public int SizeOf(CaseField field, int of) => _classOf[(int)field].Count(one => one == of);

    /// <summary>Values of a class, the one that stands for it first.</summary>
    public IEnumerable<int> ValuesOf(CaseField field, int of) => _values[(int)field].Where((_, at) => _classOf[(int)field][at] == of);

    /// <summary>The classes whose values have a property that all values of a class share.</summary>
    public BigInteger Where(CaseField field, Func<int, bool> holds)
    {
        BigInteger classes = BigInteger.Zero;
        for (int one = 0; one < Count(field); one++)
            if (holds(ValueOf(field, one)))
                classes |= BigInteger.One << one;
        return classes;
    }

    private void SplitBy(RuleSet side)
    {
        foreach (LawModule module in side.Modules)
        {
            SplitParties(module.Jurisdiction.Countries);
            Split(CaseField.Currency, value => module.Jurisdiction.Currencies.Contains((ushort)value));
            foreach (LawStatement statement in module.Statements)
                SplitBy(statement, side);
        }
        foreach (BoundTreaty treaty in side.Treaties)
        {
            SplitParties(LawScope.CountriesOf(treaty, side));
            foreach (LawStatement statement in treaty.Treaty.Statements)
                SplitBy(statement, side);
        }
    }

    private void SplitParties(IReadOnlyList<ushort> countries)
    {
        Split(CaseField.Source, value => countries.Contains((ushort)value));
        Split(CaseField.Destination, value => countries.Contains((ushort)value));
    }

    private void SplitBy(LawStatement statement, RuleSet side)
    {
        SplitBy(statement.When, side);
        if (statement.Needs is { } needs)
            SplitBy(needs, side);
        foreach (Adaptation adaptation in statement.Adaptations)
            Split(CaseField.Source, value => adaptation.Countries.Contains((ushort)value));
        foreach (Adaptation? adaptation in statement.Adaptations.Cast<Adaptation?>().Append(null))
            foreach (LawMoney? ceiling in statement.Ceilings)
                SplitBy(ceiling, adaptation?.Percent ?? 100, side);
        for (int tier = 0; tier < statement.Ceilings.Count; tier++)
        {
            int above = tier;
            Split(CaseField.Tier, value => value >= above);
        }
    }

    private void SplitBy(LawCondition condition, RuleSet side)
    {
        switch (condition)
        {
            case LawField one:
                Split(one.Field, value => LawArithmetic.Compares(value.CompareTo(one.Value), one.Operator));
                break;
            case LawIn list:
                Split(list.Field, value => list.Values.Contains((ushort)value));
                break;
            case LawAmount amount:
                SplitBy(amount.Money, 100, side);
                break;
            case LawSum sum:
                SplitBy(sum.Money, 100, side);
                break;
            case LawNot not:
                SplitBy(not.Inner, side);
                break;
            case LawAll all:
                foreach (LawCondition child in all.Children)
                    SplitBy(child, side);
                break;
            case LawAny any:
                foreach (LawCondition child in any.Children)
                    SplitBy(child, side);
                break;
        }
    }

    private void SplitBy(LawMoney? money, int percent, RuleSet side)
    {
        if (money is null)
            return;
        if (money.IsEquivalent)
            Split(CaseField.Currency, value => LawArithmetic.UnitsOf(money, percent, (ushort)value, side));
        else
            Split(CaseField.Currency, value => value == money.Currency);
    }

    private void Split(RuleField field, Func<int, bool> holds)
    {
        if (field == RuleField.Owner)
            Split(CaseField.Currency, value => holds(Iso4217.OwnerCountry((ushort)value)));
        else
            Split(FieldOf(field), holds);
    }

    /// <summary>Values of a class that a key tells apart go to classes of their own.</summary>
    private void Split<TKey>(CaseField field, Func<int, TKey> key)
    {
        int[] values = _values[(int)field], classes = _classOf[(int)field];
        Dictionary<(int, TKey), int> split = [];
        for (int at = 0; at < values.Length; at++)
        {
            (int, TKey) now = (classes[at], key(values[at]));
            if (!split.TryGetValue(now, out int to))
                split.Add(now, to = split.Count);
            classes[at] = to;
        }
    }

    public static CaseField FieldOf(RuleField field) => field switch
    {
        RuleField.Source => CaseField.Source,
        RuleField.Destination => CaseField.Destination,
        RuleField.Currency => CaseField.Currency,
        RuleField.Tier => CaseField.Tier,
        RuleField.Purpose => CaseField.Purpose,
        RuleField.Level => CaseField.Level,
        RuleField.Instruction => CaseField.Instruction,
        RuleField.PayerKind => CaseField.PayerKind,
        RuleField.PayeeKind => CaseField.PayeeKind,
        _ => throw new InvalidOperationException($"field {(byte)field} in a condition"),
    };

    private static int[] Preferring(IEnumerable<ushort> first, ReadOnlySpan<ushort> all)
    {
        ushort[] preferred = [.. first];
        return [.. preferred.Concat(all.ToArray().Except(preferred)).Select(one => (int)one)];
    }

    private static int[] Upto(int last) => [.. Enumerable.Range(0, last + 1)];
}
