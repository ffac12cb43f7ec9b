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
        ModelCase best = found;
        foreach (CaseField field in s_fields)
            best = TrimField(model, best, field, Holds);
        best = TrimSpent(best, cone, Holds);
        best = TrimAmount(best, cone, Holds);
        // A smaller amount may need another sum; what was paid before is then the least again.
        best = TrimSpent(best, cone, Holds);
        // With the amount settled, money of the payer's own country reads best.
        return TrimField(model, best, CaseField.Tier, Holds);
    }

    /// <summary>The first value with which it holds, in order of familiarity.</summary>
    private static ModelCase TrimField(LawModel model, ModelCase from, CaseField field, Func<ModelCase, bool> holds)
    {
        for (int of = 0; of < from[field]; of++)
            if (IsOrdinary(model, from, field, of) && from.With(field, of) is var tried && holds(tried))
                return tried;
        return from;
    }

    /// <summary>A foreign corridor shows a rule on cross-border payments better than one inside a country.</summary>
    private static bool IsOrdinary(LawModel model, ModelCase from, CaseField field, int of) => field != CaseField.Destination ||
        model.Fields.ValueOf(CaseField.Source, from[CaseField.Source]) != model.Fields.ValueOf(CaseField.Destination, of);

    private static ModelCase TrimSpent(ModelCase from, Term[] cone, Func<ModelCase, bool> holds)
    {
        ModelCase best = from;
        for (int number = 1; number < from.Numbers.Length; number++)
            foreach (ulong total in Bounds(cone, number).Prepend(from.Amount).Where(total => total >= best.Amount && total < best.Numbers[number]))
                if (WithNumber(best, number, total) is var tried && holds(tried))
                {
                    best = tried;
                    break;
                }
        return best;
    }

    private static ModelCase TrimAmount(ModelCase from, Term[] cone, Func<ModelCase, bool> holds)
    {
        IEnumerable<ulong> bounds = Enumerable.Range(0, from.Numbers.Length).SelectMany(number => Bounds(cone, number)).Prepend(1UL).Distinct().Order();
        foreach (ulong amount in bounds.Where(amount => amount < from.Amount))
        {
            // What was paid before stays; or the sums stay; or nothing was paid before.
            ulong[] spent = [.. from.Numbers.Select((total, number) => number == 0 ? amount : total - from.Amount + amount)];
            ulong[] sums = [.. from.Numbers.Select((total, number) => number == 0 ? amount : total)];
            ulong[] none = [.. from.Numbers.Select(_ => amount)];
            foreach (ulong[] numbers in new[] { none, spent, sums })
                if (from with { Numbers = numbers } is var tried && holds(tried))
                    return tried;
        }
        return from;
    }

    private static ModelCase WithNumber(ModelCase from, int number, ulong total)
    {
        ulong[] numbers = [.. from.Numbers];
        numbers[number] = total;
        return from with { Numbers = numbers };
    }

    /// <summary>Values at which something about a number changes, ascending.</summary>
    private static ulong[] Bounds(Term[] cone, int number) =>
        [.. cone.Where(term => term.Kind == TermKind.AtLeast && term.Subject == number).SelectMany(term => new[] { term.Bound - 1, term.Bound }).Distinct().Order()];
}
