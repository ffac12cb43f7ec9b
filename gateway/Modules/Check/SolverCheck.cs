using System.Globalization;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>What the solver's checks gave.</summary>
/// <param name="Findings">In the order of checks.</param>
/// <param name="Summary">What was asked, in a sentence.</param>
internal sealed record SolverReport(IReadOnlyList<CheckFinding> Findings, string Summary);

/// <summary>All checks of a rule set that need the solver.</summary>
internal static class SolverCheck
{
    /// <summary>The most that one question may take; most take milliseconds.</summary>
    private static readonly TimeSpan s_questionMax = TimeSpan.FromSeconds(5);

    public static SolverBudget Budget(double seconds) => new(TimeSpan.FromSeconds(seconds), s_questionMax);

    /// <param name="rules">The rule set.</param>
    /// <param name="library">The solver.</param>
    /// <param name="budget">How long it may take.</param>
    /// <param name="onlyDay">The one day that is asked about; null: every day.</param>
    public static SolverReport Run(RuleSet rules, Z3Library library, SolverBudget budget, int? onlyDay)
    {
        CheckContext check;
        try
        {
            check = new CheckContext(rules, library, budget, onlyDay);
        }
        catch (ModelTooLargeException tooLarge)
        {
            return TooLarge([], tooLarge);
        }
        using (check)
        {
            try
            {
                return Run(check, library, budget);
            }
            catch (ModelTooLargeException tooLarge)
            {
                return TooLarge(check.Findings, tooLarge);
            }
        }
    }

    private static SolverReport Run(CheckContext check, Z3Library library, SolverBudget budget)
    {
        ExceptionCheck.Run(check);
        new CoverageCheck(check).Run();
        new CorridorCheck(check).Run();
        var monotony = new MonotonyCheck(check);
        monotony.RunIdentity();
        int questions = check.Solver.Questions;
        using (ModelSolver pairs = ModelSolver.Pairs(library, check.Model, budget))
        {
            monotony.RunAmount(pairs);
            questions += pairs.Questions;
        }
        FieldClasses fields = check.Model.Fields;
        return new SolverReport(check.Findings, string.Create(CultureInfo.InvariantCulture,
            $"{questions:N0} questions to the solver in {budget.Spent.TotalSeconds:0.0} s, about {fields.Count(CaseField.Source)} x {fields.Count(CaseField.Destination)} classes of countries, {fields.Count(CaseField.Currency)} of currencies, and {fields.Count(CaseField.Day)} {(fields.Count(CaseField.Day) == 1 ? "day" : "days from which on rules differ")}"));
    }

    private static SolverReport TooLarge(IReadOnlyList<CheckFinding> findings, ModelTooLargeException tooLarge) => new(
        [.. findings, new CheckFinding(FindingKind.NotProven, FindingCode.NotProven, null, default, $"not proven: {tooLarge.Message}")], "the rule set is too large for the solver");
}
