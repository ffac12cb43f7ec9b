using System.Numerics;

namespace Settlement.Gateway.Modules.Smt;

internal enum TermKind : byte
{
    False,
    True,

    /// <summary>A field of the payment is in one of some classes.</summary>
    In,

    /// <summary>A number of the payment is at least a bound.</summary>
    AtLeast,
    Not,
    All,
    Any,
}

/// <summary>
/// A statement about one payment, true or false: a node of a graph in which equal terms are the same object. Made by <see cref="TermBank"/> alone.
/// </summary>
internal sealed class Term
{
    private readonly bool[] _classes;

    internal Term(int id, TermKind kind, int subject, BigInteger classes, ulong bound, Term[] children)
    {
        (Id, Kind, Subject, Classes, Bound, Children) = (id, kind, subject, classes, bound, children);
        _classes = new bool[(int)classes.GetBitLength()];
        for (int of = 0; of < _classes.Length; of++)
            _classes[of] = !(classes >> of).IsEven;
    }

    /// <summary>Higher than every child's: ascending ids are an order in which children come first.</summary>
    public int Id { get; }

    public TermKind Kind { get; }

    /// <summary>Of <see cref="TermKind.In"/> the field, of <see cref="TermKind.AtLeast"/> the number.</summary>
    public int Subject { get; }

    /// <summary>Of <see cref="TermKind.In"/>: one bit a class; some and not all.</summary>
    public BigInteger Classes { get; }

    /// <summary>Whether a class is one of <see cref="Classes"/>.</summary>
    public bool Has(int of) => of < _classes.Length && _classes[of];

    public ulong Bound { get; }

    /// <summary>Ascending by id, without repeats.</summary>
    public IReadOnlyList<Term> Children { get; }

    public bool IsLeaf => Kind <= TermKind.AtLeast;

    public override string ToString() => Kind switch
    {
        TermKind.In => $"field {Subject} in {Classes:b}",
        TermKind.AtLeast => $"number {Subject} >= {Bound}",
        TermKind.False or TermKind.True => Kind.ToString(),
        _ => $"{Kind}({string.Join(", ", Children.Select(child => $"#{child.Id}"))})",
    };
}

/// <summary>
/// Purpose: makes terms, folds what is constant, and keeps one object for equal ones, so that two rule sets that say the same in a place share it, and their difference
/// there vanishes before any solver is asked.
/// Failure assumed: a hostile module; past <see cref="TermsMax"/> terms, or <see cref="WorkMax"/> steps on the way, it throws <see cref="ModelTooLargeException"/>.
/// </summary>
/// <param name="classCounts">Of each field, in how many classes its values fall.</param>
internal sealed class TermBank(IReadOnlyList<int> classCounts)
{
    /// <summary>About 150 bytes each here and a line of 40 characters for the solver: 60 MB and 16 MB.</summary>
    public const int TermsMax = 400_000;

    /// <summary>Children looked at while terms are made: a few seconds.</summary>
    public const long WorkMax = 40_000_000;

    private long _work;

    private readonly record struct Key(TermKind Kind, int Subject, BigInteger Classes, ulong Bound, string Children);

    private readonly Dictionary<Key, Term> _terms = [];

    public Term False { get; } = new(0, TermKind.False, 0, default, 0, []);

    public Term True { get; } = new(1, TermKind.True, 0, default, 0, []);

    /// <summary>One above the highest id.</summary>
    public int Count => _terms.Count + 2;

    public BigInteger AllOf(int field) => (BigInteger.One << classCounts[field]) - 1;

    public Term Of(bool value) => value ? True : False;

    public Term In(int field, BigInteger classes) =>
        classes.IsZero ? False : classes == AllOf(field) ? True : Make(TermKind.In, field, classes, 0, []);

    /// <summary>Every number of a payment is at least 1.</summary>
    public Term AtLeast(int number, ulong bound) => bound <= 1 ? True : Make(TermKind.AtLeast, number, default, bound, []);

    public Term Not(Term term) => term.Kind switch
    {
        TermKind.False => True,
        TermKind.True => False,
        TermKind.Not => term.Children[0],
        TermKind.In => In(term.Subject, AllOf(term.Subject) & ~term.Classes),
        _ => Make(TermKind.Not, 0, default, 0, [term]),
    };

    public Term And(Term left, Term right) => Combine(TermKind.All, [left, right]);

    public Term AndNot(Term left, Term right) => And(left, Not(right));

    public Term Or(Term left, Term right) => Combine(TermKind.Any, [left, right]);

    public Term All(params IEnumerable<Term> terms) => Combine(TermKind.All, terms);

    public Term Any(params IEnumerable<Term> terms) => Combine(TermKind.Any, terms);

    /// <summary>The same statement with other leaves.</summary>
    /// <param name="root">What is copied.</param>
    /// <param name="leaf">What stands for a leaf.</param>
    public Term Copy(Term root, Func<Term, Term> leaf) => Copy([root], leaf)[0];

    /// <inheritdoc cref="Copy(Term, Func{Term, Term})"/>
    public Term[] Copy(IReadOnlyList<Term> roots, Func<Term, Term> leaf)
    {
        Dictionary<int, Term> copies = [];
        Term[] cone = Cone(roots);
        Work(cone.Length);
        foreach (Term term in cone)
            copies[term.Id] = term.Kind switch
            {
                TermKind.False or TermKind.True => term,
                TermKind.In or TermKind.AtLeast => leaf(term),
                TermKind.Not => Not(copies[term.Children[0].Id]),
                _ => Combine(term.Kind, term.Children.Select(child => copies[child.Id])),
            };
        return [.. roots.Select(root => copies[root.Id])];
    }

    /// <summary>All that terms stand on, themselves included: children before parents.</summary>
    public static Term[] Cone(params IReadOnlyList<Term> roots) => Cone(roots, []);

    /// <param name="roots">The terms.</param>
    /// <param name="known">Terms that are known with all that they stand on: left out, and the others added.</param>
    public static Term[] Cone(IReadOnlyList<Term> roots, HashSet<int> known)
    {
        List<Term> found = [];
        Stack<Term> open = new(roots);
        while (open.TryPop(out Term? term))
        {
            if (!known.Add(term.Id))
                continue;
            found.Add(term);
            foreach (Term child in term.Children)
                open.Push(child);
        }
        found.Sort(static (one, other) => one.Id.CompareTo(other.Id));
        return [.. found];
    }

    /// <summary>And or or: folds constants, opposites and repeats, and joins what is said of one field.</summary>
    private Term Combine(TermKind kind, IEnumerable<Term> terms)
    {
        Term neutral = kind == TermKind.All ? True : False, absorbing = kind == TermKind.All ? False : True;
        Dictionary<int, BigInteger> fields = [];
        SortedDictionary<int, Term> kept = [];
        foreach (Term term in terms)
        {
            Work(1);
            if (term == absorbing)
                return absorbing;
            if (term.Kind == TermKind.In)
                fields[term.Subject] = !fields.TryGetValue(term.Subject, out BigInteger before) ? term.Classes
                    : kind == TermKind.All ? before & term.Classes : before | term.Classes;
            else if (term != neutral)
                kept[term.Id] = term;
        }
        foreach ((int field, BigInteger classes) in fields)
        {
            Term joined = In(field, classes);
            if (joined == absorbing)
                return absorbing;
            if (joined != neutral)
                kept[joined.Id] = joined;
        }
        foreach (Term term in kept.Values)
            if (term.Kind == TermKind.Not && kept.ContainsKey(term.Children[0].Id))
                return absorbing;
        return kept.Count switch
        {
            0 => neutral,
            1 => kept.Values.First(),
            _ => Make(kind, 0, default, 0, [.. kept.Values]),
        };
    }

    private void Work(int steps)
    {
        _work += steps;
        if (_work > WorkMax)
            throw new ModelTooLargeException();
    }

    private Term Make(TermKind kind, int subject, BigInteger classes, ulong bound, Term[] children)
    {
        Key key = new(kind, subject, classes, bound, string.Join(',', children.Select(child => child.Id)));
        if (_terms.TryGetValue(key, out Term? known))
            return known;
        if (_terms.Count >= TermsMax)
            throw new ModelTooLargeException();
        Term made = new(Count, kind, subject, classes, bound, children);
        _terms.Add(key, made);
        return made;
    }
}

/// <summary>The modules say more than the solver's model has room for.</summary>
internal sealed class ModelTooLargeException() : Exception("the modules are too large for the solver");
