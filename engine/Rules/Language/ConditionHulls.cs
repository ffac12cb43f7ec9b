using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: tells most conditions that exclude each other at a glance, so that only the others are searched. A condition's hull has, field by field, every value
/// with which it may hold; where two hulls have no value of a field in common, no payment meets both.
/// Invariant: never wrong where it says that two do not meet. Amounts and sums are not looked at.
/// </summary>
internal sealed class ConditionHulls
{
    private const int FieldCount = (int)RuleField.PayeeKind + 1;
    private static readonly ValueSet[] s_all = [.. Enum.GetValues<RuleField>().Order().Select(ValueSet.Domain)];
    private readonly Dictionary<LawCondition, ValueSet[]> _known = new(ReferenceEqualityComparer.Instance); // asked, never walked

    public bool Meet(LawCondition first, LawCondition second)
    {
        ValueSet[] left = Of(first), right = Of(second);
        for (int field = (int)RuleField.Source; field < FieldCount; field++)
            if (!left[field].Meets(right[field]))
                return false;
        return true;
    }

    private ValueSet[] Of(LawCondition condition)
    {
        if (!_known.TryGetValue(condition, out ValueSet[]? hull))
            _known.Add(condition, hull = Hull(condition, holds: true));
        return hull;
    }

    private static ValueSet[] Hull(LawCondition condition, bool holds) => condition switch
    {
        LawNot not => Hull(not.Inner, !holds),
        LawAll all => Join(all.Children, holds, narrow: holds),
        LawAny any => Join(any.Children, holds, narrow: !holds),
        LawField { Field: not RuleField.Owner } field => One(field.Field, value => RuleFields.Compare((ulong)value, field.Operator, field.Value) == holds),
        LawIn { Field: not RuleField.Owner } list => One(list.Field, value => list.Values.Contains((ushort)value) == holds),
        LawField owner => One(RuleField.Currency, value => RuleFields.Compare(Iso4217.OwnerCountry((ushort)value), owner.Operator, owner.Value) == holds),
        LawIn owner => One(RuleField.Currency, value => owner.Values.Contains(Iso4217.OwnerCountry((ushort)value)) == holds),
        _ => s_all,
    };

    private static ValueSet[] Join(IReadOnlyList<LawCondition> children, bool holds, bool narrow)
    {
        ValueSet[] joined = [.. Hull(children[0], holds)];
        foreach (LawCondition child in children.Skip(1))
        {
            ValueSet[] hull = Hull(child, holds);
            for (int field = 0; field < FieldCount; field++)
                joined[field] = narrow ? joined[field].And(hull[field]) : joined[field].Or(hull[field]);
        }
        return joined;
    }

    private static ValueSet[] One(RuleField field, Func<int, bool> passes)
    {
        ValueSet[] hull = [.. s_all];
        hull[(int)field] = ValueSet.Where(field, passes);
        return hull;
    }
}
