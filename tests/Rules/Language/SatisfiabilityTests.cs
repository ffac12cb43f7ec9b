using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class SatisfiabilityTests
{
    private const int CasesMax = 30_000;

    [Test]
    public void The_answer_is_that_of_trying_every_payment_that_a_condition_can_tell_apart()
    {
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        int[] answers = new int[2];
        for (int round = 0; round < 1_200; round++)
        {
            RuleSet rules = generator.RuleSet();
            // Without parts at odds, nearly every condition can be met.
            LawCondition condition = new LawAll([.. Enumerable.Range(0, random.Next(2, 5)).Select(_ => generator.Condition(random.Next(1, 4)))], default);
            if (!TryAll(condition, rules, out bool expected))
                continue;
            SatisfiabilityAnswer answer = Satisfiability.TryFind(condition, rules, out LawWitness? witness);
            Assert.That(answer, Is.EqualTo(expected ? SatisfiabilityAnswer.Yes : SatisfiabilityAnswer.No),
                () => $"round {round}: {LawPhrase.Of(condition)}\n{LawText.Of(rules)}");
            Assert.That(witness, expected ? Is.Not.Null : Is.Null);
            if (witness is not null)
                Assert.That(new LawEvaluation(rules, witness.Case).Holds(condition, sums: true),
                    () => $"round {round}: {LawPhrase.Of(condition)} of {witness.Describe(rules.ScaleOf)}\n{LawText.Of(rules)}");
            answers[(int)answer]++;
        }
        TestContext.Out.WriteLine($"{answers[0]} no, {answers[1]} yes");

        Assert.That(answers, Has.All.GreaterThan(100));
    }

    [Test]
    public void A_statement_that_can_never_bite_is_told_from_one_that_can()
    {
        Random random = PrintedSeed.Create();
        LawGenerator generator = new(random);
        int dead = 0, alive = 0;
        for (int round = 0; round < 150; round++)
        {
            RuleSet rules = generator.RuleSet();
            int day = LawGenerator.FirstDay + random.Next(8);
            RuleSetInterpreter interpreter = new(rules, day);
            HashSet<string> bitten = [];
            IReadOnlyList<LawMoney> stated = LawGenerator.Stated(rules);
            for (int i = 0; i < 200; i++)
            {
                (RuleFacts facts, Dictionary<LimitWindow, ulong> spent) = generator.Payment(rules, stated);
                bitten.UnionWith(interpreter.Judge(new LawCase(facts, window => spent[window])).Findings
                    .Where(finding => finding.Outcome >= LawOutcome.Allows).Select(finding => finding.Statement.Name));
            }
            foreach (LawStatement one in rules.Modules.SelectMany(module => module.Statements).Concat(rules.Treaties.SelectMany(one => one.Treaty.Statements)))
            {
                SatisfiabilityAnswer answer = Satisfiability.TryFindBitten(rules, day, one.Name, out LawWitness? witness);
                if (answer == SatisfiabilityAnswer.No)
                {
                    Assert.That(bitten, Does.Not.Contain(one.Name), $"round {round}\n{LawText.Of(rules)}");
                    dead++;
                    continue;
                }
                Assert.That(answer, Is.EqualTo(SatisfiabilityAnswer.Yes));
                LawDecision decision = interpreter.Judge(witness!.Case);
                Assert.That(decision.Findings.Where(finding => finding.Outcome >= LawOutcome.Allows).Select(finding => finding.Statement.Name),
                    Does.Contain(one.Name), () => $"round {round}, day {day}: {witness.Describe(rules.ScaleOf)}\n{LawText.Of(rules)}");
                alive++;
            }
        }
        TestContext.Out.WriteLine($"{dead} dead, {alive} alive");

        Assert.That(dead, Is.Positive);
        Assert.That(alive, Is.Positive);
    }

    [Test]
    public void A_condition_made_to_be_hard_ends_as_unknown()
    {
        // Clauses about three fields that have millions of combinations, and too many clauses for any to meet all.
        Random random = new(7);
        LawCondition Some(RuleField field, ReadOnlySpan<ushort> values) =>
            new LawIn(field, [.. values.ToArray().Where(_ => random.Next(4) == 0).Order()], null, default);
        ushort[] levels = [.. Enumerable.Range(0, 256).Select(level => (ushort)level)];
        LawCondition[] parts = [.. Enumerable.Range(0, 120).Select(_ => new LawAny(
            [Some(RuleField.Source, Iso3166.Numbers), Some(RuleField.Destination, Iso3166.Numbers), Some(RuleField.Level, levels)], default))];
        RuleSet rules = new([], [], new Dictionary<ParameterName, ulong>(), _ => 2);

        Assert.Multiple(() =>
        {
            Assert.That(Satisfiability.TryFind(new LawAll(parts, default), rules, out _, stepsMax: 1_000), Is.EqualTo(SatisfiabilityAnswer.Unknown));
            Assert.That(Satisfiability.TryFind(new LawAll(parts, default), rules, out _), Is.EqualTo(SatisfiabilityAnswer.No));
        });
    }

    /// <summary>False: there are too many to try.</summary>
    private static bool TryAll(LawCondition condition, RuleSet rules, out bool found)
    {
        found = false;
        List<LawCondition> leaves = [.. Leaves(condition)];
        ushort[] Values(RuleField field, params ushort[] others) => [.. leaves.SelectMany(leaf => leaf switch
        {
            LawField one when one.Field == field => [one.Value, (ushort)(one.Value - 1), (ushort)(one.Value + 1)],
            LawIn list when list.Field == field => list.Values,
            LawField { Field: RuleField.Owner } one when field == RuleField.Currency => Owned([one.Value]),
            LawIn { Field: RuleField.Owner } list when field == RuleField.Currency => Owned(list.Values),
            _ => [],
        }).Concat(others).Distinct().Where(value => field switch
        {
            RuleField.Source or RuleField.Destination => Iso3166.IsKnown(value),
            RuleField.Currency => Iso4217.IsKnown(value),
            _ => RuleFields.Fault(field, value) is null,
        })];
        bool Asks(RuleField field) => leaves.Exists(leaf => leaf is LawField one && one.Field == field || leaf is LawIn list && list.Field == field);
        ushort[] All(RuleField field, ushort last) => Asks(field) ? Values(field, [.. Enumerable.Range(0, last + 1).Select(value => (ushort)value)]) : [1];
        ushort[][] fields =
        [
            // Austria and the dirham are named by nothing.
            Values(RuleField.Source, 40), Values(RuleField.Destination, 40), Values(RuleField.Currency, 840, 978, 392, 356, 826, 784),
            All(RuleField.Tier, 3), Values(RuleField.Purpose, 9), Values(RuleField.Level, 200), All(RuleField.Instruction, 8),
            All(RuleField.PayerKind, 5), All(RuleField.PayeeKind, 5),
        ];
        LawSum[] sums = [.. leaves.OfType<LawSum>()];
        long cases = fields.Aggregate(1L, (product, values) => product * values.Length);
        if (cases > CasesMax || sums.Select(sum => sum.Window).Distinct().Count() > 2)
            return false;
        for (long i = 0; i < cases; i++)
        {
            long rest = i;
            ushort[] one = [.. fields.Select(values =>
            {
                ushort value = values[rest % values.Length];
                rest /= values.Length;
                return value;
            })];
            RuleFacts facts = new(one[0], one[1], one[2], 1, (byte)one[3], (byte)one[4], (byte)one[5], (byte)one[6], (byte)one[7], (byte)one[8]);
            if (TryAmounts(condition, rules, facts, leaves, sums))
            {
                found = true;
                return true;
            }
        }
        return true;
    }

    private static ushort[] Owned(IReadOnlyList<ushort> countries) =>
        [.. Iso4217.Numbers.ToArray().Where(currency => countries.Contains(Iso4217.OwnerCountry(currency)))];

    private static bool TryAmounts(LawCondition condition, RuleSet rules, RuleFacts facts, List<LawCondition> leaves, LawSum[] sums)
    {
        LawEvaluation money = new(rules, LawCase.First(facts));
        IEnumerable<BigInteger> Near(LawMoney one) => money.IsAbout(one) && money.NumberOf(one) is { } number
            ? Enumerable.Range(-1, 3).Select(step => number.Numerator / number.Denominator + step) : [];
        ulong[] amounts = [.. leaves.OfType<LawAmount>().SelectMany(leaf => Near(leaf.Money)).Append(1)
            .Where(units => units >= 1 && units <= ulong.MaxValue).Select(units => (ulong)units).Distinct()];
        foreach (ulong amount in amounts)
        {
            LimitWindow[] windows = [.. sums.Select(sum => sum.Window).Distinct()];
            ulong[][] spent = [.. windows.Select(window => (ulong[])[0, .. sums.Where(sum => sum.Window == window).SelectMany(sum => Near(sum.Money))
                .Select(units => units - amount).Where(units => units > 0 && units <= ulong.MaxValue).Select(units => (ulong)units).Distinct()])];
            int combinations = spent.Aggregate(1, (product, values) => product * values.Length);
            for (int i = 0; i < combinations; i++)
            {
                int rest = i;
                Dictionary<LimitWindow, ulong> paid = [];
                for (int window = 0; window < windows.Length; window++)
                {
                    paid[windows[window]] = spent[window][rest % spent[window].Length];
                    rest /= spent[window].Length;
                }
                if (new LawEvaluation(rules, new LawCase(facts with { Amount = amount }, window => paid.GetValueOrDefault(window))).Holds(condition, sums: true))
                    return true;
            }
        }
        return false;
    }

    private static IEnumerable<LawCondition> Leaves(LawCondition condition) => condition switch
    {
        LawNot not => Leaves(not.Inner),
        LawAll all => all.Children.SelectMany(Leaves),
        LawAny any => any.Children.SelectMany(Leaves),
        _ => [condition],
    };
}
