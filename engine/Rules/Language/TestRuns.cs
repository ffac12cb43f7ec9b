using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: a module's own tests, run by the interpreter, and what they leave open. A test asks the module alone, a treaty's test the treaty and the modules
/// it is between, as if all of them had agreed.
/// A threshold is tested when two tests stand right below and right above it, at most one unit of the currency's own apart from it, and each would be answered
/// otherwise if the comparison were.
/// Bound: <see cref="JudgementsMax"/>; a module with more tests and thresholds is not wholly looked at, and that is said.
/// </summary>
internal sealed class TestRuns
{
    /// <summary>Statements judged for a test, in all: about a second.</summary>
    private const int JudgementsMax = 1 << 21;

    private readonly LawModule _module;
    private readonly List<Run> _runs = [];
    private readonly Dictionary<(int Day, string Parameters), (RuleSet Rules, RuleSetInterpreter Interpreter)> _asked = [];
    private int _judgementsLeft = JudgementsMax;

    private sealed record Run(RuleSet Rules, RuleSetInterpreter Interpreter, LawCase Case, LawDecision Decision);

    /// <summary>A comparison of a statement with an amount, which a test may stand beside.</summary>
    /// <param name="Turned">What to turn round in the interpreter.</param>
    /// <param name="Label">Which of a limit's ceilings; empty for a comparison.</param>
    /// <param name="Place">Of the comparison, or the limit.</param>
    /// <param name="Of">The amount it has in a test, and what is compared with it; null: another ceiling, or none.</param>
    private readonly record struct Threshold(object Turned, string Label, TextPlace Place, Func<LawEvaluation, (LawNumber Number, BigInteger Units)?> Of);

    private TestRuns(LawModule module) => _module = module;

    public static TestRuns Of(RuleSet together, LawModule module, CheckFaults faults)
    {
        TestRuns runs = new(module);
        foreach (LawTest test in module.Tests)
            runs.Add(test, together, faults);
        return runs;
    }

    private void Add(LawTest test, RuleSet together, CheckFaults faults)
    {
        (RuleSet rules, RuleSetInterpreter interpreter) = Asked(test, together);
        if (!TryCase(test, rules, out LawCase payment, out string fault))
        {
            faults.Error(CheckCode.TestAmount, test.Place, $"the test \"{test.Name}\" has {fault}");
            return;
        }
        LawDecision decision = interpreter.Judge(payment);
        _judgementsLeft -= _module.Statements.Count;
        _runs.Add(new Run(rules, interpreter, payment, decision));
        string? decider = decision.Decider?.Statement.Name;
        if (decision.Answer == test.Expected && decider == test.ExpectedStatement)
            return;
        faults.Error(CheckCode.TestFails, test.Place,
            $"the test \"{test.Name}\" expects {Words(test.Expected, test.ExpectedStatement)}, and the module says {Words(decision.Answer, decider)}", Why(test, decision));
    }

    private static string Words(LawAnswer answer, string? statement) => answer switch
    {
        LawAnswer.Yes => "yes",
        LawAnswer.No => $"no {statement}",
        _ => $"review {statement}",
    };

    /// <summary>What became of the statement that was expected, or the one that decided instead.</summary>
    private static string? Why(LawTest test, LawDecision decision)
    {
        LawFinding? expected = decision.Findings.FirstOrDefault(finding => finding.Statement.Name == test.ExpectedStatement);
        if (test.ExpectedStatement is not null && expected is null)
            return $"{test.ExpectedStatement} does not apply to this payment: its conditions or its scope do not hold";
        LawFinding? told = expected ?? decision.Decider;
        if (told is null)
            return null;
        if (told.ReplacedBy.Count > 0)
            return $"{told.Statement.Name} gives way to {string.Join(", ", told.ReplacedBy.Select(static one => one.Name))}";
        // Of a statement that was to decide, what does not hold; of one that was not, what does; where there is neither, all.
        LawSeen[] all = [.. told.Seen];
        LawSeen[] telling = Array.FindAll(all, seen => seen.Holds != (told == expected));
        string asked = string.Join("; ", (telling.Length > 0 ? telling : all).Take(3).Select(static seen => $"`{seen.Asked}` and sees {seen.Saw}"));
        return asked.Length == 0 ? null : $"{told.Statement.Name} asks {asked}";
    }

    /// <summary>Tests of one day and the same parameters are judged by one interpreter.</summary>
    private (RuleSet Rules, RuleSetInterpreter Interpreter) Asked(LawTest test, RuleSet together)
    {
        int day = test.Day ?? _module.EffectiveDay;
        string parameters = string.Join(' ', test.Parameters.Select(static one => $"{one.Name.Currency}.{one.Name.Name}={one.Value}"));
        if (_asked.TryGetValue((day, parameters), out (RuleSet, RuleSetInterpreter) known))
            return known;
        Dictionary<ParameterName, ulong> values = [];
        foreach ((ParameterName name, ulong value) in test.Parameters)
            values[name] = value;
        RuleSet rules = _module.IsTreaty
            ? new RuleSet([.. together.Modules.Where(one => _module.Between.Contains(one.Name))], [new BoundTreaty(_module, _module.Between)], values, together.ScaleOf)
            : new RuleSet([_module], [], values, together.ScaleOf);
        known = (rules, new RuleSetInterpreter(rules, day));
        _asked.Add((day, parameters), known);
        return known;
    }

    /// <summary>A test as a payment of the ledger.</summary>
    internal static bool TryCase(LawTest test, RuleSet rules, out LawCase payment, out string fault)
    {
        payment = default;
        Dictionary<LimitWindow, ulong> spent = [];
        if (!TryUnits(test.Amount, rules, out ulong amount, out fault))
            return false;
        foreach ((LimitWindow window, LawMoney money) in test.Spent)
        {
            if (money.Currency != test.Amount.Currency)
            {
                fault = $"{LawPhrase.Of(money)} spent before, and pays in another currency: sums are kept by currency";
                return false;
            }
            if (!TryUnits(money, rules, out ulong units, out fault))
                return false;
            spent[window] = units;
        }
        payment = new LawCase(test.Facts with { Currency = test.Amount.Currency, Amount = amount }, window => spent.GetValueOrDefault(window));
        return true;
    }

    private static bool TryUnits(LawMoney money, RuleSet rules, out ulong units, out string fault)
    {
        int scale = rules.ScaleOf(money.Currency);
        fault = "";
        units = 0;
        if (scale < 0)
        {
            fault = $"the currency {LawPhrase.Of(RuleField.Currency, money.Currency)}, which this ledger does not have";
            return false;
        }
        BigInteger whole = BigInteger.DivRem((BigInteger)money.Mantissa * BigInteger.Pow(10, scale), BigInteger.Pow(10, money.Decimals), out BigInteger rest);
        if (!rest.IsZero)
            fault = $"{LawPhrase.Of(money)}, which has more than the {scale} digits behind the point in which this ledger counts";
        else if (whole > ulong.MaxValue)
            fault = $"{LawPhrase.Of(money)}, which is more than an account can hold";
        units = fault.Length == 0 ? (ulong)whole : 0;
        return fault.Length == 0;
    }

    /// <summary>Statements that no test meets or that every test meets, and thresholds without a test on both sides.</summary>
    public void CheckCoverage(CheckFaults faults)
    {
        foreach (LawStatement statement in _module.Statements)
        {
            int met = _runs.Count(run => Acts(run.Decision, statement));
            if (met == 0 || met == _runs.Count)
                faults.Warning(CheckCode.NotTested, statement.Place,
                    met == 0 ? $"{statement.Name} {Met(statement)} in no test" : $"{statement.Name} {Met(statement)} in every test",
                    met == 0 ? "write a test of a payment that meets it" : "write a test of a payment that it lets pass");
            if (met > 0)
                CheckBoundaries(statement, faults);
        }
        if (_judgementsLeft <= 0)
            faults.Warning(CheckCode.NotAllChecked, ModuleCheck.Start, "it has more tests and thresholds than can be held against each other: not all were looked at",
                "split it into two modules");
    }

    private static bool Acts(LawDecision decision, LawStatement statement) =>
        decision.Findings.Any(finding => ReferenceEquals(finding.Statement, statement) && finding.Outcome >= LawOutcome.Allows);

    private static string Met(LawStatement statement) => statement.Effect switch
    {
        LawEffect.Allow => "lets a payment pass",
        LawEffect.Review => "holds a payment",
        _ => "refuses a payment",
    };

    private void CheckBoundaries(LawStatement statement, CheckFaults faults)
    {
        foreach (Threshold threshold in Thresholds(statement))
        {
            bool met = false, missed = false;
            foreach (Run run in _runs)
                if (!(met && missed) && _judgementsLeft > 0)
                    Look(run, threshold, ref met, ref missed);
            if ((met && missed) || _judgementsLeft <= 0)
                continue;
            string what = threshold.Label.Length > 0 ? threshold.Label : $"`{LawPhrase.Of((LawCondition)threshold.Turned)}`";
            faults.Warning(CheckCode.BoundaryNotTested, threshold.Place,
                met || missed ? $"{statement.Name}: tests stand on one side of {what} alone" : $"{statement.Name}: no test stands at {what} and is decided by it",
                "write two tests, one with the last amount below it and one with the first above, that are answered differently");
        }
    }

    /// <summary>Whether a test stands right at the threshold, on which side, and is decided by it.</summary>
    private void Look(Run run, in Threshold threshold, ref bool met, ref bool missed)
    {
        LawEvaluation evaluation = new(run.Rules, run.Case);
        if (threshold.Of(evaluation) is not { } compared)
            return;
        ushort currency = evaluation.ValueOf(RuleField.Currency);
        BigInteger step = BigInteger.Pow(10, Math.Max(0, run.Rules.ScaleOf(currency) - Math.Max(0, Iso4217.ScaleOf(currency))));
        BigInteger distance = compared.Units * compared.Number.Denominator - compared.Number.Numerator;
        if (BigInteger.Abs(distance) > step * compared.Number.Denominator)
            return;
        bool isMet = threshold.Turned is LawCondition condition ? evaluation.Holds(condition, sums: true) : distance.Sign > 0;
        if (isMet ? met : missed)
            return;
        _judgementsLeft -= _module.Statements.Count;
        LawDecision turned = run.Interpreter.Judge(run.Case, threshold.Turned);
        if (turned.Answer == run.Decision.Answer && ReferenceEquals(turned.Decider?.Statement, run.Decision.Decider?.Statement))
            return;
        met |= isMet;
        missed |= !isMet;
    }

    private static IEnumerable<Threshold> Thresholds(LawStatement statement)
    {
        foreach (LawCondition leaf in ModuleCheck.Comparisons(statement))
            if (leaf is LawAmount amount)
                yield return new Threshold(leaf, "", leaf.Place, evaluation => Compared(evaluation, amount.Money, evaluation.Amount));
            else if (leaf is LawSum sum)
                yield return new Threshold(leaf, "", leaf.Place, evaluation => Compared(evaluation, sum.Money, evaluation.TotalIn(sum.Window)));
        if (statement.Effect != LawEffect.Limit)
            yield break;
        foreach (LawMoney? money in statement.Ceilings.Distinct())
            if (money is not null)
                yield return new Threshold(statement, $"its ceiling of {LawPhrase.Of(money)}", statement.Place, evaluation =>
                    evaluation.CeilingOf(statement) is { Number: { } number } ceiling && ceiling.Money == money ? (number, evaluation.TotalIn(statement.Window)) : null);
        foreach (Adaptation adaptation in statement.Adaptations)
            if (adaptation.Percent is not (0 or 100))
                yield return new Threshold(statement, $"its ceiling for @{adaptation.Class}", statement.Place, evaluation =>
                    evaluation.CeilingOf(statement) is { Number: { } number } && IsFirst(statement, adaptation, evaluation.ValueOf(RuleField.Source))
                        ? (number, evaluation.TotalIn(statement.Window)) : null);
    }

    private static bool IsFirst(LawStatement statement, Adaptation adaptation, ushort country) =>
        ReferenceEquals(statement.Adaptations.FirstOrDefault(one => one.Countries.Contains(country)), adaptation);

    private static (LawNumber, BigInteger)? Compared(LawEvaluation evaluation, LawMoney money, BigInteger units) =>
        evaluation.IsAbout(money) && evaluation.NumberOf(money) is { } number ? (number, units) : null;
}
