using Settlement.Engine.Domain;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>
/// Makes a payment that the solver found one that a reader understands: whatever of it does not matter becomes ordinary (nothing paid before, no purpose stated, a familiar
/// corridor), and its amount the least with which what was found still is so: the boundary itself.
/// </summary>
internal static class CaseTrimming
{
    /// <summary>In which order fields become ordinary: the first are those that confuse most.</summary>
    private static readonly CaseField[] s_fields =
    [
        CaseField.Day, CaseField.Instruction, CaseField.Level, CaseField.PayeeKind, CaseField.PayerKind, CaseField.Purpose, CaseField.Currency, CaseField.Source, CaseField.Destination, CaseField.Tier,
    ];

    /// <param name="model">The model.</param>
    /// <param name="found">What the solver found.</param>
    /// <param name="what">What holds for it, and must go on to hold.</param>
    public static ModelCase Trim(LawModel model, ModelCase found, Term what)
    {
        Term[] cone = TermBank.Cone(what);
        bool[] values = new bool[what.Id + 1];
        bool Holds(ModelCase one) => one.Evaluate(cone, values);
        ModelCase best = TrimFields(model, found, Holds);
        best = TrimSpent(best, cone, Holds);
        best = TrimAmount(best, cone, Holds);
        // A smaller amount may need another sum; what was paid before is then the least again.
        best = TrimSpent(best, cone, Holds);
        // With the amount settled, money of the payer's own country reads best.
        return TrimField(model, best, CaseField.Tier, Holds);
    }

    /// <summary>The same of its fields alone.</summary>
    public static ModelCase TrimFields(LawModel model, ModelCase found, Func<ModelCase, bool> holds)
    {
        ModelCase best = found;
        foreach (CaseField field in s_fields)
            best = TrimField(model, best, field, holds);
        return best;
    }

    /// <summary>The first value with which it holds, in order of familiarity.</summary>
    private static ModelCase TrimField(LawModel model, ModelCase start, CaseField field, Func<ModelCase, bool> holds)
    {
        for (int of = 0; of < start[field]; of++)
            if (IsOrdinary(model, start, field, of) && start.With(field, of) is var tried && holds(tried))
                return tried;
        return start;
    }

    /// <summary>A foreign corridor shows a rule on cross-border payments better than one inside a country.</summary>
    private static bool IsOrdinary(LawModel model, ModelCase start, CaseField field, int of) => field != CaseField.Destination ||
        model.Fields.ValueOf(CaseField.Source, start[CaseField.Source]) != model.Fields.ValueOf(CaseField.Destination, of);

    private static ModelCase TrimSpent(ModelCase start, Term[] cone, Func<ModelCase, bool> holds)
    {
        ModelCase best = start;
        for (int number = 1; number < start.Numbers.Length; number++)
            foreach (ulong total in Bounds(cone, number).Prepend(start.Amount).Where(total => total >= best.Amount && total < best.Numbers[number]))
                if (WithNumber(best, number, total) is var tried && holds(tried))
                {
                    best = tried;
                    break;
                }
        return best;
    }

    private static ModelCase TrimAmount(ModelCase start, Term[] cone, Func<ModelCase, bool> holds)
    {
        ulong[] amounts = [.. Enumerable.Range(0, start.Numbers.Length).SelectMany(number => Bounds(cone, number)).Append(1UL).Where(amount => amount > 0).Distinct().Order()];
        // A larger first payment reads better than a smaller one behind others.
        foreach (ulong amount in amounts)
            if (start with { Numbers = [.. start.Numbers.Select(_ => amount)] } is var first && holds(first))
                return first;
        foreach (ulong amount in amounts.Where(amount => amount < start.Amount))
        {
            // What was paid before stays, or the sums stay.
            ulong[] spent = [.. start.Numbers.Select((total, number) => number == 0 ? amount : total - start.Amount + amount)];
            ulong[] sums = [.. start.Numbers.Select((total, number) => number == 0 ? amount : total)];
            foreach (ulong[] numbers in new[] { spent, sums })
                if (start with { Numbers = numbers } is var tried && holds(tried))
                    return tried;
        }
        return start;
    }

    private static ModelCase WithNumber(ModelCase start, int number, ulong total)
    {
        ulong[] numbers = [.. start.Numbers];
        numbers[number] = total;
        return start with { Numbers = numbers };
    }

    /// <summary>Values at which something about a number changes, ascending.</summary>
    private static ulong[] Bounds(Term[] cone, int number) =>
        [.. cone.Where(term => term.Kind == TermKind.AtLeast && term.Subject == number).SelectMany(term => new[] { term.Bound - 1, term.Bound }).Distinct().Order()];
}
