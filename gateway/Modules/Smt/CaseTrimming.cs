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
        CaseField.Day, CaseField.Instruction, CaseField.Level, CaseField.PayeeKind, CaseField.PayerKind, CaseField.Purpose, CaseField.Source, CaseField.Destination, CaseField.Tier,
    ];

    /// <summary>Pairs of an amount and a sum that are tried in a currency and a window; a try takes microseconds.</summary>
    private const int TriedMax = 4_000;

    /// <summary>Terms looked at for one payment: about a second.</summary>
    private const long StepsMax = 50_000_000;

    /// <param name="model">The model.</param>
    /// <param name="found">What the solver found.</param>
    /// <param name="what">What holds for it, and must go on to hold.</param>
    public static ModelCase Trim(LawModel model, ModelCase found, Term what)
    {
        Term[] cone = TermBank.Cone(what);
        bool[] values = new bool[what.Id + 1];
        // What is tried is bounded: where rules are very many, a payment stays less plain than it might be.
        long left = StepsMax;
        bool Holds(ModelCase one) => (left -= cone.Length) > 0 && one.Evaluate(cone, values);
        // With a familiar currency come other amounts, and with them other fields may become ordinary.
        ModelCase best = TrimMoney(model, TrimFields(model, found, Holds), cone, Holds);
        return TrimFields(model, best, Holds);
    }

    /// <summary>The most familiar currency in which it can be shown, with the least amount.</summary>
    private static ModelCase TrimMoney(LawModel model, ModelCase start, Term[] cone, Func<ModelCase, bool> holds)
    {
        for (int currency = 0; currency < start[CaseField.Currency]; currency++)
            if (FindAmount(start.With(CaseField.Currency, currency), cone, holds) is { } found)
                return found;
        ModelCase best = TrimSpent(start, cone, holds);
        best = FindAmount(best, cone, holds) ?? TrimAmount(best, cone, holds);
        return TrimSpent(best, cone, holds);
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
        foreach (int of in Enumerable.Range(0, model.Fields.Count(field)).OrderBy(of => RankOf(model, start, field, of)))
            if (RankOf(model, start, field, of) >= RankOf(model, start, field, start[field]))
                break;
            else if (start.With(field, of) is var tried && holds(tried))
                return tried;
        return start;
    }

    /// <summary>The lower, the more ordinary. Payments that cross a border come before those inside a country.</summary>
    private static int RankOf(LawModel model, ModelCase start, CaseField field, int of) =>
        field == CaseField.Destination && model.Fields.ValueOf(CaseField.Source, start[CaseField.Source]) == model.Fields.ValueOf(CaseField.Destination, of) ? of + model.Fields.Count(field) : of;

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

    /// <summary>A first payment, of the least amount; or one behind others, in one window.</summary>
    private static ModelCase? FindAmount(ModelCase start, Term[] cone, Func<ModelCase, bool> holds)
    {
        foreach (ulong amount in Amounts(cone, start.Numbers.Length))
            if (start with { Numbers = [.. start.Numbers.Select(_ => amount)] } is var first && holds(first))
                return first;
        ulong[] amounts = [1, .. Bounds(cone, 0).Where(amount => amount > 1)];
        for (int number = 1; number < start.Numbers.Length; number++)
        {
            ulong[] totals = Bounds(cone, number);
            foreach (ulong amount in amounts.Length * totals.Length <= TriedMax ? amounts : [1])
                foreach (ulong total in totals.Where(total => total >= amount))
                    if (start with { Numbers = [.. start.Numbers.Select((_, other) => other == number ? total : amount)] } is var later && holds(later))
                        return later;
        }
        return null;
    }

    private static ModelCase TrimAmount(ModelCase start, Term[] cone, Func<ModelCase, bool> holds)
    {
        foreach (ulong amount in Amounts(cone, start.Numbers.Length).Where(amount => amount < start.Amount))
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

    /// <summary>Amounts at which something changes, of any sum, ascending.</summary>
    private static ulong[] Amounts(Term[] cone, int numbers) =>
        [.. Enumerable.Range(0, numbers).SelectMany(number => Bounds(cone, number)).Append(1UL).Where(amount => amount > 0).Distinct().Order()];

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
