using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>Two exceptions of one layer to one statement that apply at once: the law does not say which of them counts.</summary>
internal static class ExceptionCheck
{
    /// <summary>Pairs told of one statement and layer.</summary>
    private const int ToldMax = 10;

    /// <summary>With sums as they are, and with every comparison of one taken as false.</summary>
    private static readonly bool[] s_both = [true, false];

    public static void Run(CheckContext check)
    {
        foreach (ModelStatement target in check.All.Statements)
            foreach (IGrouping<(bool, int), ModelStatement> layer in target.Exceptions.GroupBy(one => (one.Treaty is not null, one.Statement.Layer)))
                if (layer.Count() > 1)
                    Compare(check, target, [.. layer]);
    }

    private static void Compare(CheckContext check, ModelStatement target, ModelStatement[] layer)
    {
        List<Term> asked = [check.Bank.Any(s_both.Select(sums => check.Bank.And(target.Holds[sums], TwoOf(check.Bank, [.. layer.Select(one => one.Holds[sums])]))))];
        for (int told = 0; told < ToldMax; told++)
        {
            SolverAnswer answer = check.Solver.Find(asked);
            if (answer.Found is not { } found)
            {
                if (!answer.IsProven)
                    check.AddNotProven($"whether two exceptions to {target} apply at once", target);
                return;
            }
            (ModelStatement one, ModelStatement other, Term both) = PairIn(check.Bank, target, layer, found);
            check.Add(FindingKind.Error, FindingCode.ExceptionsOverlap, other,
                $"{one} and {other} are exceptions of the same layer to {target}, and both apply to one payment", check.Words(found, both), "give one of them a higher layer, or make their conditions exclude each other");
            asked.Add(check.Bank.Not(both));
        }
    }

    /// <summary>At least two of them.</summary>
    private static Term TwoOf(TermBank bank, Term[] terms)
    {
        Term one = bank.False, two = bank.False;
        foreach (Term term in terms)
            (one, two) = (bank.Or(one, term), bank.Or(two, bank.And(one, term)));
        return two;
    }

    private static (ModelStatement One, ModelStatement Other, Term Both) PairIn(TermBank bank, ModelStatement target, ModelStatement[] layer, ModelCase found)
    {
        foreach (bool sums in s_both)
        {
            if (!found.Satisfies(TermBank.Cone(target.Holds[sums])))
                continue;
            ModelStatement[] holding = [.. layer.Where(one => found.Satisfies(TermBank.Cone(one.Holds[sums])))];
            if (holding.Length > 1)
                return (holding[0], holding[1], bank.Any(s_both.Select(with => bank.All(target.Holds[with], holding[0].Holds[with], holding[1].Holds[with]))));
        }
        throw new InvalidOperationException($"two exceptions to {target} apply, and none of them");
    }
}
