using System.Numerics;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Smt;
using Settlement.Tests.Rules.Language;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>The solver's model against the interpreter, which shares nothing with it: on rule sets and payments by chance.</summary>
[TestFixture, Parallelizable]
public sealed class LawModelTests
{
    [Test]
    public void The_model_and_the_interpreter_answer_every_payment_alike()
    {
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        Dictionary<LawAnswer, int> answers = [];
        int bySum = 0, captures = 0;
        for (int round = 0; round < 400; round++)
        {
            RuleSet rules = generator.RuleSet();
            LawModel model = new(rules);
            IReadOnlyList<LawMoney> stated = LawGenerator.Stated(rules);
            for (int payment = 0; payment < 60; payment++)
            {
                (ModelCase? one, LawCase asked, int day) = Case(generator, random, model, stated);
                if (one is null)
                    continue;
                LawDecision said = RuleSetInterpreter.Judge(rules, day, asked);
                ModelOutcome outcome = model.Sides[0].OutcomeOf(one);
                Assert.That(DiffAnswer.Of(outcome.Answer, outcome.Decider?.Statement), Is.EqualTo(DiffAnswer.Of(said.Answer, said.Decider?.Statement)), $"round {round}, {asked.Facts} on {day}");
                answers[said.Answer] = answers.GetValueOrDefault(said.Answer) + 1;
                bySum += said.Decider is { BySum: true } ? 1 : 0;
                captures += asked.Facts.Instruction > (byte)Engine.Domain.Instruction.Hold && said.Answer == LawAnswer.No ? 1 : 0;
            }
        }
        Assert.Multiple(() =>
        {
            Assert.That(answers.GetValueOrDefault(LawAnswer.Yes), Is.GreaterThan(1_000));
            Assert.That(answers.GetValueOrDefault(LawAnswer.No), Is.GreaterThan(1_000));
            Assert.That(answers.GetValueOrDefault(LawAnswer.Review), Is.GreaterThan(100));
            Assert.That(bySum, Is.GreaterThan(100));
            Assert.That(captures, Is.GreaterThan(100));
        });
    }

    /// <summary>A payment by chance, and its case in the model; null: on a day before the model's first.</summary>
    private static (ModelCase? One, LawCase Asked, int Day) Case(LawGenerator generator, Random random, LawModel model, IReadOnlyList<LawMoney> stated)
    {
        (RuleFacts facts, Dictionary<LimitWindow, ulong> spent) = generator.Payment(model.Sides[0].Rules, stated);
        int day = LawGenerator.FirstDay + random.Next(-2, 9);
        LawCase asked = new(facts, window => spent[window]);
        int dayClass = Enumerable.Range(0, model.Fields.Count(CaseField.Day)).LastOrDefault(of => model.Fields.ValueOf(CaseField.Day, of) <= day, -1);
        if (dayClass < 0)
            return (null, asked, day);
        int[] classes = new int[ModelCase.FieldCount];
        foreach ((CaseField field, int value) in new[]
        {
            (CaseField.Source, (int)facts.Source), (CaseField.Destination, facts.Destination), (CaseField.Currency, facts.Currency), (CaseField.Tier, facts.Tier), (CaseField.Purpose, facts.Purpose),
            (CaseField.Level, facts.Level), (CaseField.Instruction, facts.Instruction), (CaseField.PayerKind, facts.PayerKind), (CaseField.PayeeKind, facts.PayeeKind),
        })
            classes[(int)field] = model.Fields.ClassOf(field, value);
        classes[(int)CaseField.Day] = dayClass;
        ulong[] numbers = [facts.Amount, .. model.Windows.Select(window => (ulong)BigInteger.Min((BigInteger)spent[window] + facts.Amount, ulong.MaxValue))];
        return (new ModelCase(classes, numbers), asked, day);
    }

    [Test]
    public void A_difference_has_a_witness_that_both_interpreters_confirm_and_where_none_is_found_no_payment_differs()
    {
        Z3Library library = RulesRun.Solver();
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        int same = 0, different = 0;
        for (int round = 0; round < 60; round++)
        {
            RuleSet before = generator.RuleSet();
            // Parameters and scales are the ledger's: the same on both sides.
            RuleSet after = new(
                [.. before.Modules.Select(module => random.Next(4) == 0 ? generator.Module(module.Name) : Shuffled(module, random))], before.Treaties, before.Parameters, before.ScaleOf);
            // Each way is confirmed by both interpreters, or Compare throws.
            DiffResult result = RuleSetDiff.Compare(before, after, library, SolverCheck.Budget(30), null);
            Assert.That(result.IsProven || result.Ways.Count == RuleSetDiff.WaysMax, $"round {round}");
            HashSet<(DiffAnswer, DiffAnswer)> ways = [.. result.Ways.Select(way => (way.Before, way.After))];
            Assert.That(ways, Has.Count.EqualTo(result.Ways.Count), "each way is told once");
            LawModel model = new(before, after);
            IReadOnlyList<LawMoney> stated = [.. LawGenerator.Stated(before), .. LawGenerator.Stated(after)];
            for (int payment = 0; payment < 200; payment++)
            {
                (ModelCase? one, LawCase asked, int day) = Case(generator, random, model, stated);
                if (one is null || !result.IsProven)
                    continue;
                DiffAnswer Said(RuleSet rules) => RuleSetInterpreter.Judge(rules, day, asked) is var said ? DiffAnswer.Of(said.Answer, said.Decider?.Statement) : default;
                Assert.That(Said(before) == Said(after) || ways.Contains((Said(before), Said(after))), $"round {round}, {asked.Facts} on {day}: {Said(before)}, {Said(after)}");
            }
            same += ways.Count == 0 ? 1 : 0;
            different += ways.Count == 0 ? 0 : 1;
        }
        Assert.Multiple(() =>
        {
            Assert.That(same, Is.GreaterThan(3));
            Assert.That(different, Is.GreaterThan(3));
        });
    }

    /// <summary>The same law, written in another way.</summary>
    private static LawModule Shuffled(LawModule module, Random random) => module with
    {
        Statements = [.. module.Statements.Select(statement => statement with { When = Shuffled(statement.When, random), Needs = statement.Needs is { } needs ? Shuffled(needs, random) : null })],
    };

    private static LawCondition Shuffled(LawCondition condition, Random random) => condition switch
    {
        LawAll all => random.Next(2) == 0
            ? new LawNot(new LawAny([.. all.Children.Select(child => new LawNot(Shuffled(child, random), child.Place))], all.Place), all.Place) : all with { Children = [.. all.Children.Reverse()] },
        LawAny any => random.Next(2) == 0
            ? new LawNot(new LawAll([.. any.Children.Select(child => new LawNot(Shuffled(child, random), child.Place))], any.Place), any.Place) : any with { Children = [.. any.Children.Reverse()] },
        LawNot not => not with { Inner = Shuffled(not.Inner, random) },
        LawIn { Values.Count: > 1 } list => new LawAny([.. list.Values.Select(value => new LawField(list.Field, RuleOperator.Equal, value, list.Place))], list.Place),
        _ => condition,
    };

    [Test]
    public void A_statement_that_the_solver_calls_dead_or_shadowed_never_decides_for_the_interpreter_either()
    {
        Z3Library library = RulesRun.Solver();
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        int dead = 0, shadowed = 0;
        for (int round = 0; round < 60; round++)
        {
            RuleSet rules = generator.RuleSet();
            SolverReport report = SolverCheck.Run(rules, library, SolverCheck.Budget(60), null);
            Assert.That(report.Findings.Where(found => found.Kind == FindingKind.NotProven), Is.Empty);
            HashSet<TextPlace> places = [];
            HashSet<string> never = [];
            foreach (CheckFinding found in report.Findings)
            {
                if (found.Code is FindingCode.Dead or FindingCode.Shadowed or FindingCode.ShadowedByOther)
                    never.Add(found.Message.Split(' ')[0]);
                dead += found.Code == FindingCode.Dead ? 1 : 0;
                shadowed += found.Code is FindingCode.Shadowed or FindingCode.ShadowedByOther ? 1 : 0;
            }
            LawModel model = new(rules);
            IReadOnlyList<LawMoney> stated = LawGenerator.Stated(rules);
            for (int payment = 0; payment < 200; payment++)
            {
                (ModelCase? one, LawCase asked, int day) = Case(generator, random, model, stated);
                if (one is not null && RuleSetInterpreter.Judge(rules, day, asked).Decider is { } decider)
                    Assert.That(never, Does.Not.Contain(decider.Statement.Name), $"round {round}, {asked.Facts} on {day}");
            }
        }
        Assert.Multiple(() =>
        {
            Assert.That(dead, Is.GreaterThan(10));
            Assert.That(shadowed, Is.GreaterThan(3));
        });
    }
}
