namespace Settlement.Gateway.Modules.Smt;

/// <summary>What a payment is in the solver's model besides its numbers. The owner of a currency follows from the currency.</summary>
internal enum CaseField
{
    Source,
    Destination,
    Currency,
    Tier,
    Purpose,
    Level,
    Instruction,
    PayerKind,
    PayeeKind,

    /// <summary>The payment's day: which statements are in force.</summary>
    Day,
}

/// <summary>
/// One payment in the model: of each field the class, of each number its value. Number 0 is the amount; the others are, for each window that the rules sum over, what the
/// payer paid in it with this payment, at most 2^64 - 1, where sums stay.
/// </summary>
/// <param name="Classes">By <see cref="CaseField"/>.</param>
/// <param name="Numbers">In smallest units.</param>
internal sealed record ModelCase(int[] Classes, ulong[] Numbers)
{
    public const int FieldCount = (int)CaseField.Day + 1;

    public ulong Amount => Numbers[0];

    public int this[CaseField field] => Classes[(int)field];

    public ModelCase With(CaseField field, int value)
    {
        int[] classes = [.. Classes];
        classes[(int)field] = value;
        return this with { Classes = classes };
    }

    /// <summary>Whether a term holds for it.</summary>
    /// <param name="cone">The term and all that it stands on (<see cref="TermBank.Cone"/>).</param>
    public bool Satisfies(Term[] cone) => Evaluate(cone, new bool[cone[^1].Id + 1]);

    /// <summary>Fills in, at its id, what each term is; returns what the last is.</summary>
    public bool Evaluate(Term[] cone, bool[] values)
    {
        bool value = false;
        foreach (Term term in cone)
        {
            value = term.Kind switch
            {
                TermKind.False => false,
                TermKind.True => true,
                TermKind.In => term.Has(Classes[term.Subject]),
                TermKind.AtLeast => Numbers[term.Subject] >= term.Bound,
                TermKind.Not => !values[term.Children[0].Id],
                TermKind.All => All(term.Children, values),
                _ => Any(term.Children, values),
            };
            values[term.Id] = value;
        }
        return value;
    }

    private static bool All(IReadOnlyList<Term> children, bool[] values)
    {
        foreach (Term child in children)
            if (!values[child.Id])
                return false;
        return true;
    }

    private static bool Any(IReadOnlyList<Term> children, bool[] values)
    {
        foreach (Term child in children)
            if (values[child.Id])
                return true;
        return false;
    }
}
