using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class LoweredPlanTests
{
    private const int PaymentsOfChunk = 4;

    [Test]
    public void Compiled_plans_answer_as_the_interpreter_does_payment_after_payment_and_day_after_day()
    {
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        HashSet<string> answers = [];
        int judged = 0;
        for (int round = 0; round < 100; round++)
        {
            RuleSet rules = generator.RuleSet();
            IReadOnlyList<LawMoney> stated = LawGenerator.Stated(rules);
            using SumTable sums = new(1);
            NaiveSums paid = new();
            NaiveRules naive = new(Iso4217.OwnerCountry);
            int row = sums.Take();
            int? next = LawGenerator.FirstDay;
            LoweredRules? law = null;
            RulePlan? plan = null;
            for (int day = LawGenerator.FirstDay; day < LawGenerator.FirstDay + 10; day += random.Next(1, 4))
            {
                if (next <= day)
                {
                    if (!RuleSetLowering.TryLower(rules, day, out law, out _) || law.Table.Rules.Length > 400 ||
                        !RulePlan.TryBuild(law.Table, Iso4217.OwnerCountry, out plan, out _))
                        break;
                    sums.Activate(plan);
                    naive.Activate(law.Table);
                    next = law.NextChangeDay;
                }
                for (int chunk = 0; chunk < 16; chunk++)
                    Judge(rules, stated, new RuleSetInterpreter(rules, day), law!, plan!, (ulong)day * Limits.NsPerDay, generator, sums, row, naive, paid, answers,
                        () => $"round {round}, day {day}\n{LawText.Of(rules)}");
                judged += 16 * PaymentsOfChunk;
            }
        }
        TestContext.Out.WriteLine($"{judged} payments judged");

        Assert.That(answers, Is.SupersetOf((string[])["Yes", "No", "No by sum", "Review", "Review by sum"]));
    }

    /// <summary>A chunk of one payer, each payment of which counts in the sums of those behind it if it is accepted.</summary>
    private static void Judge(
        RuleSet rules, IReadOnlyList<LawMoney> stated, RuleSetInterpreter interpreter, LoweredRules law, RulePlan plan, ulong time, LawGenerator generator,
        SumTable sums, int row, NaiveRules naive, NaiveSums paid, HashSet<string> answers, Func<string> context)
    {
        RuleFacts[] facts = [.. Enumerable.Range(0, PaymentsOfChunk).Select(_ => generator.Payment(rules, stated).Facts)];
        // The first one right up to a limit, or one above it, where there is one in its currency.
        Rule[] limits = [.. law.Table.Rules.ToArray().Where(rule => rule.IsLimit && rule.Currency == facts[0].Currency)];
        if (generator.Some(limits) is { } limit && limit.Ceilings[facts[0].Tier] is var ceiling && ceiling != TierCeilings.None &&
            Spent(law, naive, paid, limit.Window, time) is var before && ceiling > before)
            facts[0] = facts[0] with { Amount = ceiling - before + (facts[1].Amount & 1) };
        RuleChunk chunk = new(facts);
        plan.Judge(chunk.Columns, facts.Length, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
        for (int i = 0; i < facts.Length; i++)
        {
            RuleFacts one = facts[i];
            bool denyOnly = one.Instruction is (byte)Instruction.Capture or (byte)Instruction.Refund;
            // The sums are the table's own, of one payer in all currencies: what matters is that both see the same.
            LawDecision expected = interpreter.Judge(new LawCase(one, window => Spent(law, naive, paid, window, time)));
            ushort rule = denyOnly ? plan.JudgeOne(one, denyOnly: true) : chunk.DeniedBy[i];
            uint limitRow = plan.HasSums ? chunk.Limits[i] : 0;
            ulong mask = plan.HasMaskedLimits ? chunk.LimitMask[i] : 0;
            if (rule == 0 && !denyOnly && plan.HasSums)
                rule = plan.FirstLimitExceeded(limitRow, mask, one.Currency, one.Tier, one.Amount, sums, row, time);
            LawAnswer answer = rule == 0 ? LawAnswer.Yes : LawAnswer.No;
            if (rule == 0 && !denyOnly)
            {
                ushort review = plan.HasReviews ? chunk.ReviewedBy[i] : (ushort)0;
                ushort bySum = plan.FirstReviewLimitExceeded(limitRow, mask, one.Currency, one.Tier, one.Amount, sums, row, time);
                rule = review == 0 || (bySum != 0 && bySum < review) ? bySum : review;
                answer = rule == 0 ? LawAnswer.Yes : LawAnswer.Review;
            }
            string? statement = rule == 0 ? null : law.Origins[rule - 1].Statement.Name;
            answers.Add($"{answer}{(expected.Decider?.BySum == true ? " by sum" : "")}");
            if (answer != expected.Answer || statement != expected.Decider?.Statement.Name)
                Assert.Fail($"payment {i}, {one}: {answer} {statement} where {expected.Answer} {expected.Decider} was expected\n{context()}");
            Assert.That(denyOnly || plan.JudgeOne(one, denyOnly: false) == chunk.DeniedBy[i], "one payment alone is judged as in a chunk");
            if (answer != LawAnswer.Yes || denyOnly || one.Amount > 2_000)
                continue;
            sums.Add(row, one.Amount, time);
            naive.Add(paid, one.Amount, time);
        }
    }

    private static ulong Spent(LoweredRules law, NaiveRules naive, NaiveSums paid, LimitWindow window, ulong time) =>
        law.Table.Rules.ToArray().Any(rule => rule.IsLimit && rule.Window == window) ? (ulong)naive.Sum(paid, window, time) : 0;

    [Test]
    public void Many_statements_without_purpose_level_or_kind_stay_in_corridor_rows()
    {
        Random random = PrintedSeed.Create();
        ushort[] countries = Iso3166.Numbers[..60].ToArray();
        LawModule[] modules = [.. countries.Select((country, index) => LawModules.Of($"m{index:00}", country, Iso4217.Numbers[index % 8], random))];
        RuleSet rules = new(modules, [], new Dictionary<ParameterName, ulong>(), _ => 2);

        Assert.That(RuleSetLowering.TryLower(rules, 20_500, out LoweredRules? law, out string error), error);
        RulePlan plan = RulePlan.Build(law!.Table, Iso4217.OwnerCountry);
        Assert.That(plan.Program.IsEmpty, "nothing is left to the program");
        Assert.That(law.Table.Rules.Length, Is.EqualTo(60 * 5));
    }
}
