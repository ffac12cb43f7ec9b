using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Diff;

/// <summary>What a rule set says to a payment, as far as two can differ in it: the answer, whose it is, and of a review how long it holds.</summary>
/// <param name="Answer">Yes, no or review.</param>
/// <param name="Statement">Name of the statement that decides; empty: none.</param>
/// <param name="HoldNs">Of a review.</param>
internal readonly record struct DiffAnswer(LawAnswer Answer, string Statement, ulong HoldNs)
{
    public static DiffAnswer Of(LawAnswer answer, LawStatement? decider) =>
        new(answer, decider?.Name ?? "", answer == LawAnswer.Review ? decider!.HoldNs : 0);
}

/// <summary>One way in which payments are treated differently, with a payment that shows it, as both interpreters confirm.</summary>
/// <param name="Before">What the old rule set says to it, and by which statement; null: none.</param>
/// <param name="BeforeBy">The statement.</param>
/// <param name="After">What the new one says.</param>
/// <param name="AfterBy">The statement.</param>
/// <param name="Payment">The payment.</param>
/// <param name="Day">Its day.</param>
/// <param name="AmountMax">The same holds for this payment with amounts up to this one.</param>
internal sealed record DiffWay(DiffAnswer Before, LawStatement? BeforeBy, DiffAnswer After, LawStatement? AfterBy, LawCase Payment, int Day, ulong AmountMax);

/// <summary>What the comparison of two rule sets gave.</summary>
/// <param name="Ways">Every way in which payments are treated differently, as far as <paramref name="IsProven"/>.</param>
/// <param name="IsProven">There is no other way.</param>
/// <param name="Windows">Windows in which the payers of <paramref name="Ways"/> may have paid something.</param>
internal sealed record DiffResult(IReadOnlyList<DiffWay> Ways, bool IsProven, IReadOnlyList<LimitWindow> Windows);

/// <summary>The model and the interpreter do not agree on a payment: a fault of this program, and not of anybody's rules.</summary>
internal sealed class ModelMismatchException(string payment, string model, string interpreter) : Exception(
    $"The solver's model and the interpreter do not agree on the payment {{ {payment} }}: {model} here, {interpreter} there. This is a fault of this program; nothing it says about these modules is to be relied on.");

/// <summary>Finds every way in which two rule sets treat payments differently.</summary>
internal static class RuleSetDiff
{
    public const int WaysMax = 200;

    /// <param name="before">The old rule set.</param>
    /// <param name="after">The new one.</param>
    /// <param name="library">The solver; null: what follows without one.</param>
    /// <param name="budget">How long it may take.</param>
    /// <param name="onlyDay">The one day that is asked about; null: every day.</param>
    /// <exception cref="ModelMismatchException">The model and the interpreter do not agree.</exception>
    public static DiffResult Compare(RuleSet before, RuleSet after, Z3Library? library, SolverBudget budget, int? onlyDay)
    {
        try
        {
            LawModel model = new([before, after], onlyDay);
            Term differs = Differs(model);
            if (differs.Kind == TermKind.False)
                return new DiffResult([], true, model.Windows);
            if (library is null)
                return new DiffResult([], false, model.Windows);
            using ModelSolver solver = new(library, model, budget);
            return Enumerate(model, differs, solver);
        }
        catch (ModelTooLargeException)
        {
            return new DiffResult([], false, []);
        }
    }

    /// <summary>The two answer differently. Terms that are the same on both sides are the same object, so most of it folds away.</summary>
    private static Term Differs(LawModel model)
    {
        ILookup<DiffAnswer, Term> after = model.Sides[1].Outcomes.ToLookup(KeyOf, outcome => outcome.Holds);
        return model.Bank.Any(model.Sides[0].Outcomes.Select(outcome => model.Bank.AndNot(outcome.Holds, model.Bank.Any(after[KeyOf(outcome)]))));
    }

    private static DiffAnswer KeyOf(ModelOutcome outcome) => DiffAnswer.Of(outcome.Answer, outcome.Decider?.Statement);

    private static DiffResult Enumerate(LawModel model, Term differs, ModelSolver solver)
    {
        List<DiffWay> ways = [];
        List<Term> asked = [differs];
        while (ways.Count < WaysMax)
        {
            SolverAnswer answer = solver.Find(asked);
            if (answer.Found is not { } found)
                return new DiffResult([.. ways.OrderBy(WeightOf)], answer.IsProven, model.Windows);
            ModelOutcome before = model.Sides[0].OutcomeOf(found), after = model.Sides[1].OutcomeOf(found);
            Term way = model.Bank.And(before.Holds, after.Holds);
            ModelCase trimmed = CaseTrimming.Trim(model, found, way);
            ways.Add(Confirm(model, trimmed, before, after) with { AmountMax = AmountMax(trimmed, way) });
            asked.Add(model.Bank.Not(way));
        }
        return new DiffResult(ways, false, model.Windows);
    }

    /// <summary>What a reader wants to know first: doors that close, doors that open, reviews; who refuses comes last.</summary>
    private static int WeightOf(DiffWay way) => (way.Before.Answer, way.After.Answer) switch
    {
        (LawAnswer.Yes, LawAnswer.No) => 0,
        (LawAnswer.No, LawAnswer.Yes) => 1,
        (LawAnswer.Yes, LawAnswer.Review) => 2,
        (LawAnswer.Review, LawAnswer.Yes) => 3,
        (LawAnswer.Review, LawAnswer.No) => 4,
        (LawAnswer.No, LawAnswer.Review) => 5,
        _ => 6,
    };

    private static DiffWay Confirm(LawModel model, ModelCase found, ModelOutcome before, ModelOutcome after)
    {
        LawCase payment = model.CaseOf(found);
        int day = model.DayOf(found);
        for (int side = 0; side < 2; side++)
        {
            ModelOutcome expected = side == 0 ? before : after;
            LawDecision decision = RuleSetInterpreter.Judge(model.Sides[side].Rules, day, payment);
            DiffAnswer said = DiffAnswer.Of(decision.Answer, decision.Decider?.Statement);
            if (said != KeyOf(expected))
                throw new ModelMismatchException(CaseWords.Of(payment, model.Windows, currency => Iso4217.ScaleOf(currency), day), DiffWords.Of(KeyOf(expected)), DiffWords.Of(said));
        }
        return new DiffWay(KeyOf(before), before.Decider?.Statement, KeyOf(after), after.Decider?.Statement, payment, day, 0);
    }

    /// <summary>How far the amount can rise, what was paid before staying, until something changes.</summary>
    private static ulong AmountMax(ModelCase found, Term way)
    {
        Term[] cone = TermBank.Cone(way);
        bool[] values = new bool[way.Id + 1];
        ulong most = ulong.MaxValue - found.Numbers.Max(total => total - found.Amount);
        IEnumerable<ulong> changes = cone.Where(term => term.Kind == TermKind.AtLeast)
            .Select(term => (term.Bound, Spent: found.Numbers[term.Subject] - found.Amount)).Where(one => one.Bound > one.Spent).Select(one => one.Bound - one.Spent)
            .Where(amount => amount > found.Amount && amount <= most).Distinct().Order();
        foreach (ulong amount in changes)
            if (!(found with { Numbers = [.. found.Numbers.Select(total => total - found.Amount + amount)] }).Evaluate(cone, values))
                return amount - 1;
        return most;
    }
}
