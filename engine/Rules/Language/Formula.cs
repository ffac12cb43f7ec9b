namespace Settlement.Engine.Rules.Language;

internal enum FormulaKind : byte
{
    False,
    True,

    /// <summary>A field's value is one of a set.</summary>
    Values,

    /// <summary>The amount is at least so much, in a currency.</summary>
    Amount,

    /// <summary>What was paid in a window, with this payment, is more than so much.</summary>
    Sum,
    All,
    Any,
}

/// <summary>
/// A condition in one shape: negation stands at comparisons only, every comparison of amounts is "at least", every comparison of sums "more than", in
/// whole smallest units. Made by a <see cref="FormulaPool"/>, in which equal formulas are one object.
/// </summary>
internal sealed class Formula
{
    internal Formula(int number, FormulaKind kind) => (Number, Kind) = (number, kind);

    /// <summary>In its pool, in order of making: operands have lower numbers.</summary>
    public int Number { get; }

    public FormulaKind Kind { get; }

    /// <summary>Of an amount or sum: the opposite is meant.</summary>
    public bool IsNegated { get; init; }

    /// <summary>Of values.</summary>
    public RuleField Field { get; init; }

    public ValueSet Values { get; init; } = ValueSet.Empty;

    /// <summary>Of an amount: in which currency; in any other it is false (and its opposite true). 0: whatever the payment's is, which is known here.</summary>
    public ushort Currency { get; init; }

    /// <summary>Of a sum, always in the payment's currency, which is known here.</summary>
    public LimitWindow Window { get; init; }

    /// <summary>Of an amount: at least this, from 2. Of a sum: more than this, below 2^64 - 1.</summary>
    public ulong Threshold { get; init; }

    /// <summary>Of all and any: two or more, ascending by number.</summary>
    public Formula[] Children { get; init; } = [];

    /// <summary>A bit for each field that it asks about; an amount with a currency asks for the currency.</summary>
    public uint FieldMask { get; init; }

    public bool HasSums { get; init; }

    public bool HasNegatedSums { get; init; }

    internal Formula? Negation { get; set; }

    public bool IsConstant => Kind <= FormulaKind.True;
}

/// <summary>
/// Purpose: makes formulas and keeps them small: sets of a field meet, what is implied by a neighbour goes, equal formulas are one.
/// Invariant: every formula made is equivalent to what was asked for. Deterministic.
/// Bound: <see cref="WorkMax"/> steps; from then on formulas stay as long as they are, <see cref="IsExhausted"/> says so, and whoever makes them stops.
/// </summary>
internal sealed class FormulaPool
{
    /// <summary>Steps of simplification: a few seconds at worst.</summary>
    public const long WorkMax = 1L << 24;

    /// <summary>Among so many parts of an "all" it is looked whether one implies another.</summary>
    private const int ImpliedAmongMax = 8;

    private const int FieldCount = (int)RuleField.PayeeKind + 1;
    private readonly Dictionary<FormulaKey, Formula> _known = [];
    private long _work;

    public FormulaPool()
    {
        False = new Formula(0, FormulaKind.False);
        True = new Formula(1, FormulaKind.True) { Negation = False };
        False.Negation = True;
        Count = 2;
    }

    public Formula False { get; }

    public Formula True { get; }

    public int Count { get; private set; }

    public bool IsExhausted => _work > WorkMax;

    public Formula Constant(bool value) => value ? True : False;

    public Formula Values(RuleField field, ValueSet values)
    {
        ValueSet inDomain = values.And(ValueSet.Domain(field));
        if (inDomain.IsEmpty || inDomain.Count == ValueSet.Domain(field).Count)
            return Constant(!inDomain.IsEmpty);
        FormulaKey key = new(FormulaKind.Values, false, (ulong)field, default, 0, inDomain, []);
        return Find(key) ?? Add(key, new Formula(Count, FormulaKind.Values) { Field = field, Values = inDomain, FieldMask = 1u << (int)field });
    }

    /// <param name="currency">0: the payment's, known.</param>
    /// <param name="units">From 0: no payment is of nothing, so up to 1 only the currency is asked.</param>
    public Formula AmountAtLeast(ushort currency, ulong units) =>
        units > 1 ? Amount(currency, units, false) : currency == 0 ? True : Values(RuleField.Currency, ValueSet.Of(currency));

    private Formula Amount(ushort currency, ulong units, bool negated)
    {
        FormulaKey key = new(FormulaKind.Amount, negated, currency, default, units, null, []);
        return Find(key) ?? Add(key, new Formula(Count, FormulaKind.Amount)
        {
            IsNegated = negated,
            Currency = currency,
            Threshold = units,
            FieldMask = currency == 0 ? 0 : 1u << (int)RuleField.Currency,
        });
    }

    /// <summary>Sums stay at 2^64 - 1: more than that is never.</summary>
    public Formula SumAbove(LimitWindow window, ulong units) => units == ulong.MaxValue ? False : Sum(window, units, false);

    private Formula Sum(LimitWindow window, ulong units, bool negated)
    {
        FormulaKey key = new(FormulaKind.Sum, negated, 0, window, units, null, []);
        return Find(key) ?? Add(key, new Formula(Count, FormulaKind.Sum)
        {
            IsNegated = negated,
            Window = window,
            Threshold = units,
            HasSums = true,
            HasNegatedSums = negated,
        });
    }

    public Formula Not(Formula formula)
    {
        if (formula.Negation is { } known)
            return known;
        Formula negation = formula.Kind switch
        {
            FormulaKind.Values => Values(formula.Field, ValueSet.Domain(formula.Field).Without(formula.Values)),
            FormulaKind.Amount => Amount(formula.Currency, formula.Threshold, !formula.IsNegated),
            FormulaKind.Sum => Sum(formula.Window, formula.Threshold, !formula.IsNegated),
            FormulaKind.All => Join(FormulaKind.Any, [.. formula.Children.Select(Not)]),
            _ => Join(FormulaKind.All, [.. formula.Children.Select(Not)]),
        };
        formula.Negation = negation;
        negation.Negation ??= formula;
        return negation;
    }

    public Formula Any(params IEnumerable<Formula> parts) => Not(All(parts.Select(Not)));

    public Formula All(params IEnumerable<Formula> parts)
    {
        Conjunction conjunction = new(this);
        foreach (Formula part in parts)
            conjunction.Add(part);
        return conjunction.Close();
    }

    /// <summary>The same wherever the fields have values of these sets; elsewhere anything.</summary>
    /// <param name="formula">Any.</param>
    /// <param name="within">By field; null: all of it.</param>
    /// <param name="mask">A bit for each field that has a set.</param>
    public Formula Restrict(Formula formula, ValueSet?[] within, uint mask)
    {
        if ((formula.FieldMask & mask) == 0 || ++_work > WorkMax)
            return formula;
        switch (formula.Kind)
        {
            case FormulaKind.Values:
                ValueSet context = within[(int)formula.Field]!;
                ValueSet both = formula.Values.And(context);
                return both.IsEmpty ? False : both.Count == context.Count ? True : Shorter(formula, both);
            case FormulaKind.Amount:
                return within[(int)RuleField.Currency]!.Contains(formula.Currency) ? formula : Constant(formula.IsNegated);
            case FormulaKind.All:
                return All(formula.Children.Select(child => Restrict(child, within, mask)));
            default:
                return Any(formula.Children.Select(child => Restrict(child, within, mask)));
        }
    }

    /// <summary>Inside its context a set may be stated with or without what lies outside: the one with fewer words.</summary>
    private Formula Shorter(Formula formula, ValueSet both) =>
        WordsOf(formula.Field, both) < WordsOf(formula.Field, formula.Values) ? Values(formula.Field, both) : formula;

    private static int WordsOf(RuleField field, ValueSet values) => Math.Min(values.Count, ValueSet.Domain(field).Count - values.Count);

    /// <summary>All or any of formulas that are simple already.</summary>
    private Formula Join(FormulaKind kind, List<Formula> parts)
    {
        parts.Sort(static (left, right) => left.Number.CompareTo(right.Number));
        FormulaKey key = new(kind, false, 0, default, 0, null, [.. parts]);
        if (Find(key) is { } known)
            return known;
        uint mask = 0;
        bool sums = false, negated = false;
        foreach (Formula part in parts)
        {
            mask |= part.FieldMask;
            sums |= part.HasSums;
            negated |= part.HasNegatedSums;
        }
        return Add(key, new Formula(Count, kind) { Children = key.Children, FieldMask = mask, HasSums = sums, HasNegatedSums = negated });
    }

    private Formula? Find(in FormulaKey key) => _known.TryGetValue(key, out Formula? known) ? known : null;

    private Formula Add(in FormulaKey key, Formula formula)
    {
        _known.Add(key, formula);
        Count++;
        return formula;
    }

    /// <summary>Gathers the parts of an "all", each as small as the others let it be.</summary>
    private sealed class Conjunction(FormulaPool pool)
    {
        private readonly ValueSet?[] _fields = new ValueSet?[FieldCount];
        private readonly List<Formula> _amounts = [];
        private readonly List<Formula> _sums = [];
        private readonly List<Formula> _composites = [];
        private uint _mask;
        private bool _isFalse;

        public void Add(Formula part)
        {
            pool._work++;
            switch (part.Kind)
            {
                case FormulaKind.False:
                    _isFalse = true;
                    break;
                case FormulaKind.Values:
                    Narrow(part.Field, part.Values);
                    break;
                case FormulaKind.Amount:
                    if (part is { IsNegated: false, Currency: not 0 })
                        Narrow(RuleField.Currency, ValueSet.Of(part.Currency));
                    Keep(_amounts, part, _amounts.Find(other => other.Currency == part.Currency && other.IsNegated == part.IsNegated));
                    break;
                case FormulaKind.Sum:
                    Keep(_sums, part, _sums.Find(other => other.Window == part.Window && other.IsNegated == part.IsNegated));
                    break;
                case FormulaKind.All:
                    foreach (Formula child in part.Children)
                        Add(child);
                    break;
                case FormulaKind.Any:
                    _composites.Add(part);
                    break;
            }
        }

        private void Narrow(RuleField field, ValueSet values)
        {
            ref ValueSet? set = ref _fields[(int)field];
            set = set is null ? values : set.And(values);
            _mask |= 1u << (int)field;
            _isFalse |= set.IsEmpty;
        }

        /// <summary>Of two comparisons the same way, the one that says more.</summary>
        private static void Keep(List<Formula> parts, Formula part, Formula? same)
        {
            if (same is null)
                parts.Add(part);
            else if (part.IsNegated ? part.Threshold < same.Threshold : part.Threshold > same.Threshold)
                parts[parts.IndexOf(same)] = part;
        }

        public Formula Close()
        {
            while (!_isFalse && !pool.IsExhausted && Shorten())
            {
            }
            if (_isFalse || Contradicts(_amounts) || Contradicts(_sums))
                return pool.False;
            for (int i = _composites.Count - 1; i >= 0 && _composites.Count is > 1 and <= ImpliedAmongMax; i--)
                if (_composites.Exists(other => other != _composites[i] && Implies(other, _composites[i])))
                    _composites.RemoveAt(i);
            List<Formula> parts = [.. Literals(), .. _composites];
            return parts.Count switch { 0 => pool.True, 1 => parts[0], _ => pool.Join(FormulaKind.All, parts) };
        }

        /// <summary>Literals: what is known of the payment inside this "all".</summary>
        private List<Formula> Literals()
        {
            List<Formula> literals = [];
            for (int field = 0; field < FieldCount; field++)
                if (_fields[field] is { } values && pool.Values((RuleField)field, values) is { IsConstant: false } leaf)
                    literals.Add(leaf);
            ValueSet? currency = _fields[(int)RuleField.Currency];
            literals.AddRange(_amounts.Where(amount => amount.Currency == 0 || currency is null || currency.Contains(amount.Currency)));
            literals.AddRange(_sums);
            return literals;
        }

        /// <summary>True: something was learnt, and what was there already may be shorter by it.</summary>
        private bool Shorten()
        {
            if (_composites.Count == 0)
                return false;
            Formula[] before = [.. _composites];
            _composites.Clear();
            bool learnt = false;
            foreach (Formula composite in before)
            {
                Formula shorter = pool.Restrict(composite, _fields, _mask);
                if (shorter.Kind == FormulaKind.Any)
                    shorter = Resolve(shorter);
                if (shorter.Kind == FormulaKind.Any)
                {
                    if (!_composites.Contains(shorter))
                        _composites.Add(shorter);
                    continue;
                }
                learnt |= shorter.Kind != FormulaKind.True;
                Add(shorter);
            }
            return learnt;
        }

        /// <summary>An "any" with a part that is known to hold, holds; a part that is known not to, goes.</summary>
        private Formula Resolve(Formula any)
        {
            List<Formula> left = [];
            foreach (Formula child in any.Children)
            {
                pool._work++;
                bool? truth = child.Kind switch
                {
                    FormulaKind.Amount => Truth(child, _amounts),
                    FormulaKind.Sum => Truth(child, _sums),
                    _ => null,
                };
                if (truth == true)
                    return pool.True;
                if (truth is null)
                    left.Add(child);
            }
            return left.Count == any.Children.Length ? any : pool.Any(left);
        }

        /// <summary>By the comparisons of this "all"; null: they do not tell.</summary>
        private static bool? Truth(Formula asked, List<Formula> known)
        {
            foreach (Formula one in known)
                if (one.Currency == asked.Currency && one.Window == asked.Window &&
                    (one.IsNegated ? asked.Threshold >= one.Threshold : asked.Threshold <= one.Threshold))
                    return one.IsNegated == asked.IsNegated;
            return null;
        }

        /// <summary>Whether each branch of one "any" makes the other true: who pays from here to abroad or from abroad to here, pays from here or to here.</summary>
        private bool Implies(Formula any, Formula other) => Array.TrueForAll(any.Children, branch =>
        {
            ValueSet?[] within = new ValueSet?[FieldCount];
            uint mask = 0;
            foreach (Formula part in branch.Kind == FormulaKind.All ? branch.Children : [branch])
            {
                pool._work++;
                if (other.Children.Contains(part))
                    return true;
                if (part.Kind != FormulaKind.Values)
                    continue;
                within[(int)part.Field] = part.Values;
                mask |= 1u << (int)part.Field;
            }
            return pool.Restrict(other, within, mask).Kind == FormulaKind.True;
        });

        /// <summary>At least a, and not at least b, with a no less than b; the same of sums.</summary>
        private static bool Contradicts(List<Formula> parts) => parts.Exists(part => !part.IsNegated && parts.Exists(other =>
            other.IsNegated && other.Currency == part.Currency && other.Window == part.Window && part.Threshold >= other.Threshold));
    }

    private readonly struct FormulaKey(
        FormulaKind kind, bool negated, ulong number, LimitWindow window, ulong threshold, ValueSet? values, Formula[] children) : IEquatable<FormulaKey>
    {
        private readonly ulong _first = (ulong)kind | (negated ? 256UL : 0) | number << 16 | (ulong)window.Kind << 32 |
            (ulong)window.StartMonth << 40 | (ulong)window.StartDay << 48;
        private readonly ulong _threshold = threshold;
        private readonly ValueSet? _values = values;

        public Formula[] Children { get; } = children;

        public bool Equals(FormulaKey other) => _first == other._first && _threshold == other._threshold &&
            Equals(_values, other._values) && Children.AsSpan().SequenceEqual(other.Children);

        public override bool Equals(object? obj) => obj is FormulaKey other && Equals(other);

        public override int GetHashCode()
        {
            ulong hash = (_first * 0x9E37_79B9_7F4A_7C15 ^ _threshold) * 0xC2B2_AE3D_27D4_EB4F;
            foreach (Formula child in Children)
                hash = (hash ^ (uint)child.Number) * 0x9E37_79B9_7F4A_7C15 ^ hash >> 29;
            return (int)(hash >> 32) ^ (_values?.GetHashCode() ?? 0);
        }
    }
}
