using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class LoweringTests
{
    [Test]
    public void Generated_rule_sets_answer_as_the_interpreter_does_by_the_same_statement()
    {
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        int lowered = 0, refused = 0;
        HashSet<string> answers = [];
        for (int round = 0; round < 400; round++)
        {
            RuleSet rules = generator.RuleSet();
            int day = LawGenerator.FirstDay + random.Next(8);
            if (!RuleSetLowering.TryLower(rules, day, out LoweredRules? law, out string error))
            {
                Assert.That(error, Does.Contain("sum").Or.Contain("paid more"), "the only faults that generated rule sets have");
                Assert.That(error, Does.Not.Contain("entangled").And.Not.Contain("compare sums in more than"), "they are small enough to be judged");
                refused++;
                continue;
            }
            lowered++;
            RuleSetInterpreter interpreter = new(rules, day);
            IReadOnlyList<LawMoney> stated = LawGenerator.Stated(rules);
            for (int i = 0; i < 60; i++)
            {
                (RuleFacts facts, Dictionary<LimitWindow, ulong> spent) = generator.Payment(rules, stated);
                LawDecision expected = interpreter.Judge(new LawCase(facts, window => spent[window]));
                ushort rule = TableAnswer(law.Table, facts, spent, out LawAnswer answer);
                string? statement = rule == 0 ? null : law.Origins[rule - 1].Statement.Name;
                answers.Add($"{answer}{(expected.Decider?.BySum == true ? " by sum" : "")}");
                if (answer != expected.Answer || statement != expected.Decider?.Statement.Name)
                    Assert.Fail($"round {round}, day {day}: {facts} {string.Join(' ', spent)}\n{answer} {statement} where " +
                        $"{expected.Answer} {expected.Decider} was expected\n{LawText.Of(rules)}");
            }
        }
        TestContext.Out.WriteLine($"{lowered} lowered, {refused} refused");

        Assert.That(lowered, Is.GreaterThan(refused), "most rule sets have a table");
        Assert.That(refused, Is.Positive, "some say of sums what none can");
        Assert.That(answers, Is.SupersetOf((string[])["Yes", "No", "No by sum", "Review", "Review by sum"]));
        Assert.That(generator.Seen, Is.SupersetOf(Constructs().Distinct()), "constructs generated");
    }

    internal static IEnumerable<string> Constructs()
    {
        foreach (RuleField field in Enum.GetValues<RuleField>().Where(field => field != RuleField.None))
            foreach (string how in (string[])["list", "Equal", "NotEqual"])
                yield return $"{field} {how}";
        foreach (RuleOperator op in Enum.GetValues<RuleOperator>().Where(op => op != RuleOperator.None))
            foreach (string what in (string[])["Tier", "Level", "amount"])
                yield return $"{what} {op}";
        foreach (LawEffect effect in Enum.GetValues<LawEffect>())
        {
            yield return $"exception {effect}";
            if (effect != LawEffect.Allow)
                yield return effect.ToString();
        }
        foreach (LimitWindow window in LawGenerator.Windows)
            yield return $"window {window}";
        foreach (string other in (string[])["always", "not", "all", "any", "sum More", "sum AtLeast", "equiv", "indexed", "exempt", "percent", "tiers",
            "one ceiling", "world", "countries", "treaty's own statement", "treaty's exception", "several targets"])
            yield return other;
    }

    /// <summary>Rule by rule, as SEMANTICS 12 and 13 and then review have it.</summary>
    internal static ushort TableAnswer(RuleTable table, RuleFacts facts, IReadOnlyDictionary<LimitWindow, ulong> spent, out LawAnswer answer)
    {
        ushort owner = Iso4217.OwnerCountry(facts.Currency);
        bool denyOnly = facts.Instruction is (byte)Instruction.Capture or (byte)Instruction.Refund;
        answer = LawAnswer.No;
        foreach (Rule rule in table.Rules)
            if ((rule.Kind == RuleKind.Deny || (rule.Kind == RuleKind.Require && !denyOnly)) && rule.Bites(facts, owner))
                return rule.Id;
        foreach (LawAnswer asked in denyOnly ? [] : (LawAnswer[])[LawAnswer.No, LawAnswer.Review])
            foreach (Rule rule in table.Rules)
            {
                answer = asked;
                bool review = asked == LawAnswer.Review;
                if (review && rule.Kind == RuleKind.Review && rule.Bites(facts, owner))
                    return rule.Id;
                if (rule.Kind == (review ? RuleKind.ReviewLimit : RuleKind.Limit) && rule.Bites(facts, owner) &&
                    SumTable.Saturate(spent[rule.Window], facts.Amount) > rule.Ceilings[facts.Tier])
                    return rule.Id;
            }
        answer = LawAnswer.Yes;
        return 0;
    }
}

/// <summary>A rule set in words, to read what failed.</summary>
internal static class LawText
{
    public static string Of(RuleSet rules) => string.Join("\n", rules.Modules.Select(Of).Concat(rules.Treaties.Select(treaty =>
        $"{Of(treaty.Treaty)}\n  binds {string.Join(", ", treaty.Bound)}")).Concat(
            ((Dictionary<ParameterName, ulong>)rules.Parameters).Select(one => $"{LawPhrase.Of(one.Key)} = {one.Value}")));

    private static string Of(LawModule module) =>
        $"{module.Name} {(module.Jurisdiction.IsWorld ? "world" : string.Join(',', module.Jurisdiction.Countries) + "/" + string.Join(',', module.Jurisdiction.Currencies))} " +
        $"{module.EffectiveDay}..{module.UntilDay}\n{string.Join("\n", module.Statements.Select(Of))}";

    private static string Of(LawStatement one) =>
        $"  {one.Effect} {one.Name}{(one.IsException ? $" to {string.Join(", ", one.Targets)} layer {one.Layer}" : "")}" +
        $"{(one.Needs is { } needs ? $" needs {LawPhrase.Of(needs)}" : "")}" +
        $"{(one.Effect == LawEffect.Limit ? $" at most {string.Join("; ", one.Ceilings.Select(money => money is null ? "none" : LawPhrase.Of(money)))} per {one.Window}" : "")}" +
        $"{string.Concat(one.Adaptations.Select(part => $" @{part.Class}({string.Join(',', part.Countries)}) {part.Percent}%"))}" +
        $" when {LawPhrase.Of(one.When)} {one.FromDay}..{one.UntilDay}";
}
