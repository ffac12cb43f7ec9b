using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>What becomes of a solver that is not there, does not come back, or has no time.</summary>
[TestFixture, Parallelizable]
public sealed class SolverTests
{
    private const string Module = "module us version 1 effective 2026-01-01 authority \"A\" for US\nrequire us.a tier >= 2 when amount >= USD 3000 cite \"c\"\nreview us.b when tier >= 2 cite \"c\"";

    private static RuleSet RulesOf(string text) => new([ModuleReader.Read(text, "us.rules").Module!], [], new Dictionary<ParameterName, ulong>(), _ => 2);

    [Test]
    public void A_library_that_is_not_there_is_no_solver()
    {
        Assert.That(Z3Library.Load(["libz3-that-is-nowhere.so.99"]), Is.Null);
        Assert.That(Z3Library.Load(["libc.so.6"]), Is.Null, "a library without the solver in it");
    }

    [Test]
    public void A_solver_that_does_not_come_back_is_left_alone_and_the_question_is_not_proven()
    {
        Z3Library library = RulesRun.Solver();
        using ManualResetEventSlim never = new();
        LawModel model = new(RulesOf(Module));
        SolverThread thread = new(library, (_, _, _) =>
        {
            never.Wait();
            return "sat";
        });
        using ModelSolver solver = new(thread, model, new SolverBudget(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(20)), pairs: false);
        SolverAnswer answer = solver.Find(model.Sides[0].Refused);
        Assert.Multiple(() =>
        {
            Assert.That(answer.IsProven, Is.False);
            Assert.That(thread.IsLost);
            Assert.That(solver.Find(model.Sides[0].Reviewed).IsProven, Is.False, "nor is any later one");
            Assert.That(solver.NotProven, Is.EqualTo(2));
        });
        never.Set();
    }

    [Test]
    public void An_answer_that_is_no_answer_is_not_proven([Values("", "unknown", "(error \"line 1 column 1: no\")", "sat")] string printed)
    {
        LawModel model = new(RulesOf(Module));
        // After `sat` it prints that again where values are asked for.
        using ModelSolver solver = new(new SolverThread(RulesRun.Solver(), (_, _, _) => printed), model, SolverCheck.Budget(10), pairs: false);
        Assert.That(solver.Find(model.Sides[0].Refused).IsProven, Is.False);
    }

    [Test]
    public void A_question_that_is_hard_is_given_up_in_its_time()
    {
        // Twelve pigeons in eleven holes: minutes of search without counting.
        const int Holes = 11;
        string text = string.Concat(
            Enumerable.Range(0, Holes + 1).SelectMany(pigeon => Enumerable.Range(0, Holes).Select(hole => $"(declare-const p{pigeon}_{hole} Bool)"))
                .Concat(Enumerable.Range(0, Holes + 1).Select(pigeon => $"(assert (or {string.Join(' ', Enumerable.Range(0, Holes).Select(hole => $"p{pigeon}_{hole}"))}))"))
                .Concat(from hole in Enumerable.Range(0, Holes) from one in Enumerable.Range(0, Holes + 1) from other in Enumerable.Range(0, one) select $"(assert (or (not p{one}_{hole}) (not p{other}_{hole})))"));
        using SolverThread thread = new(RulesRun.Solver());
        Assert.That(thread.Run(text + "(set-option :timeout 300)(check-sat)", TimeSpan.FromMilliseconds(300))?.Trim(), Is.EqualTo("unknown"));
        Assert.That(thread.Run("(set-option :timeout 4294967295)(check-sat)", TimeSpan.FromMilliseconds(300))?.Trim(), Is.EqualTo("unknown"), "without a limit of its own it is interrupted");
        Assert.That(thread.Run("(reset)(check-sat)", TimeSpan.FromSeconds(5))?.Trim(), Is.EqualTo("sat"), "and goes on");
    }

    [Test]
    public void Without_time_nothing_is_proven_and_nothing_wrong_is_said()
    {
        SolverReport report = SolverCheck.Run(RulesOf(Module), RulesRun.Solver(), new SolverBudget(TimeSpan.Zero, TimeSpan.Zero), null);
        Assert.That(report.Findings, Is.Not.Empty);
        Assert.That(report.Findings.Select(found => found.Kind), Is.All.EqualTo(FindingKind.NotProven));
        DiffResult diff = RuleSetDiff.Compare(RulesOf(Module), RulesOf(Module.Replace("3000", "3001", StringComparison.Ordinal)), RulesRun.Solver(), new SolverBudget(TimeSpan.Zero, TimeSpan.Zero), null);
        Assert.That(diff.IsProven, Is.False);
        Assert.That(diff.Ways, Is.Empty);
    }

    [Test]
    public void The_same_law_in_other_words_needs_no_solver()
    {
        string other = Module.Replace("tier >= 2 when amount >= USD 3000", "not (tier = 0 or tier = 1) # or more\n  when amount > USD 2_999.995", StringComparison.Ordinal);
        DiffResult diff = RuleSetDiff.Compare(RulesOf(Module), RulesOf(other), null, SolverCheck.Budget(1), null);
        Assert.That(diff.IsProven);
        Assert.That(diff.Ways, Is.Empty);
    }
}
