using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>Two exceptions of one layer to one statement that apply at once: the law does not say which of them counts.</summary>
internal static class ExceptionCheck
{
    public static void Run(CheckContext check)
    {
        foreach (ModelStatement target in check.All.Statements)
            for (int second = 1; second < target.Exceptions.Count; second++)
                for (int first = 0; first < second; first++)
                    Compare(check, target, target.Exceptions[first], target.Exceptions[second]);
    }

    private static void Compare(CheckContext check, ModelStatement target, ModelStatement one, ModelStatement other)
    {
        if (one.IsAbove(other) || other.IsAbove(one))
            return;
        TermBank bank = check.Bank;
        Term both = bank.Any(new[] { true, false }.Select(sums => bank.All(target.Holds[sums], one.Holds[sums], other.Holds[sums])));
        SolverAnswer answer = check.Solver.Find(both);
        if (answer.Found is { } found)
            check.Add(FindingKind.Error, FindingCode.ExceptionsOverlap, other,
                $"{one} and {other} are exceptions of the same layer to {target}, and both apply to one payment", check.Words(found, both), "give one of them a higher layer, or make their conditions exclude each other");
        else if (!answer.IsProven)
            check.AddNotProven($"whether {one} and {other} apply at once", other);
    }
}
