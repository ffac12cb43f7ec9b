using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>The interpreter's meaning by example, and the table's beside it.</summary>
[TestFixture]
public sealed class InterpreterTests
{
    private const string Tail = "illustrative \"test\"";
    private const ushort US = 840, DE = 276, IN = 356, USD = 840, EUR = 978, JPY = 392;
    private static readonly int s_day = Calendar.DayOf(2026, 3, 1);

    private static RuleSet Rules(params string[] texts) => Rules([], texts);

    private static RuleSet Rules((string Name, ulong Value)[] parameters, params string[] texts)
    {
        LawModule[] all = [.. texts.Select(LawModules.Read)];
        return new([.. all.Where(one => !one.IsTreaty)], [.. all.Where(one => one.IsTreaty).Select(one => new BoundTreaty(one, one.Between))],
            parameters.ToDictionary(one => new ParameterName(Iso4217.NumberOf(one.Name.AsSpan(0, 3)), one.Name[4..]), one => one.Value),
            currency => Math.Max(Iso4217.ScaleOf(currency), 0));
    }

    private static RuleFacts Pay(ulong amount, byte tier = 0, ushort source = US, ushort destination = DE, ushort currency = USD, Purpose purpose = Purpose.Goods,
        Instruction instruction = Instruction.Immediate) =>
        new(source, destination, currency, amount, tier, (byte)purpose, 0, (byte)instruction);

    /// <summary>As the interpreter has it, and the table, which must say the same.</summary>
    private static string Ask(RuleSet rules, RuleFacts facts, ulong spent = 0, int? day = null)
    {
        LawDecision decision = RuleSetInterpreter.Judge(rules, day ?? s_day, new LawCase(facts, _ => spent));
        Assert.That(RuleSetLowering.TryLower(rules, day ?? s_day, out LoweredRules? law, out string error), error);
        Dictionary<LimitWindow, ulong> paid = law!.Table.Rules.ToArray().Where(rule => rule.IsLimit).Select(rule => rule.Window).Distinct().ToDictionary(one => one, _ => spent);
        ushort rule = LoweringTests.TableAnswer(law.Table, facts, paid, out LawAnswer answer);
        Assert.That((answer, rule == 0 ? null : law.Origins[rule - 1].Statement.Name), Is.EqualTo((decision.Answer, decision.Decider?.Statement.Name)));
        return decision.Answer == LawAnswer.Yes ? "yes" : $"{decision.Answer.ToString().ToLowerInvariant()} {decision.Decider!.Statement.Name}";
    }

    [Test]
    public void The_lowest_refusal_without_sums_comes_before_a_lower_one_by_sums_and_a_review_last()
    {
        RuleSet rules = Rules($"""
            review us.look when amount >= USD 1 {Tail}
            limit us.day at most USD 5 per day {Tail}
            require us.tier tier >= 1 when amount >= USD 3 {Tail}
            deny us.much when amount >= USD 10 {Tail}
            """);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(rules, Pay(99)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(100)), Is.EqualTo("review us.look"));
            Assert.That(Ask(rules, Pay(100), spent: 400), Is.EqualTo("review us.look"));
            Assert.That(Ask(rules, Pay(100), spent: 401), Is.EqualTo("no us.day"));
            Assert.That(Ask(rules, Pay(300), spent: 401), Is.EqualTo("no us.tier"), "though us.day has the lower number");
            Assert.That(Ask(rules, Pay(1_000)), Is.EqualTo("no us.tier"), "the lower of two");
            Assert.That(Ask(rules, Pay(1_000, tier: 1)), Is.EqualTo("no us.much"));
        });
    }

    [Test]
    public void An_exception_takes_its_targets_when_not_its_need_and_the_higher_layer_counts()
    {
        RuleSet rules = Rules($"""
            require us.travel tier >= 2 when amount >= USD 30 {Tail}
            exception us.medical to us.travel allow when purpose = medical {Tail}
            exception us.large to us.travel layer 2 require tier >= 3 when amount >= USD 100 {Tail}
            """);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(rules, Pay(3_000, 1)), Is.EqualTo("no us.travel"));
            Assert.That(Ask(rules, Pay(3_000, 1, purpose: Purpose.Medical)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(10_000, 2)), Is.EqualTo("no us.large"), "where the target's need is met, too");
            Assert.That(Ask(rules, Pay(10_000, 1, purpose: Purpose.Medical)), Is.EqualTo("no us.large"), "the lower exception gives way");
            Assert.That(Ask(rules, Pay(10_000, 3, purpose: Purpose.Medical)), Is.EqualTo("yes"));
        });
        LawDecision decision = RuleSetInterpreter.Judge(rules, s_day, LawCase.First(Pay(10_000, 1, purpose: Purpose.Medical)));
        Assert.That(decision.Findings.Select(finding => $"{finding} {string.Join(',', finding.ReplacedBy.Select(one => one.Name))}>" +
            string.Join(',', finding.InPlaceOf.Select(one => one.Name))), Is.EqualTo((string[])
            ["us.large: Refuses >us.travel", "us.medical: Replaced us.large>", "us.travel: Replaced us.medical,us.large>"]));
    }

    [TestCase("require us.more tier >= 2 when sum(payer, day) + amount > USD 100", "us.more", "require tier >= 3")]
    [TestCase("limit us.low at most USD 100 per day", "us.low", "deny")]
    public void Above_a_larger_sum_the_exception_is_named_that_takes_the_place_of_what_refused_below(string target, string name, string effect)
    {
        RuleSet rules = Rules($"""
            {target} {Tail}
            exception us.most to {name} {effect} when sum(payer, day) + amount > USD 500 {Tail}
            exception us.all to {name} layer 2 deny when sum(payer, day) + amount > USD 900 {Tail}
            """);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(rules, Pay(100), spent: 9_900), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(100), spent: 9_901), Is.EqualTo($"no {name}"));
            Assert.That(Ask(rules, Pay(100), spent: 49_900), Is.EqualTo($"no {name}"));
            Assert.That(Ask(rules, Pay(100), spent: 49_901), Is.EqualTo("no us.most"));
            Assert.That(Ask(rules, Pay(100), spent: 90_000), Is.EqualTo("no us.all"));
        });
    }

    [Test]
    public void An_exception_by_another_sum_is_named_where_both_are_exceeded()
    {
        RuleSet rules = Rules($"""
            limit us.low at most USD 100 per day {Tail}
            exception us.high to us.low deny when sum(payer, month) + amount > USD 500 {Tail}
            """);

        Assert.That(Ask(rules, Pay(100), spent: 49_900), Is.EqualTo("no us.low"));
        Assert.That(Ask(rules, Pay(100), spent: 49_901), Is.EqualTo("no us.high"));
    }

    [Test]
    public void What_takes_a_place_stands_before_it_wherever_it_is_written_and_treaties_before_all()
    {
        RuleSet rules = Rules($"""
            exception us.first to us.b allow when tier = 1 {Tail}
            deny us.a {Tail}
            deny us.b when dst = US {Tail}
            exception us.third to us.b layer 3 allow when tier = 3 {Tail}
            exception us.second to us.b allow when tier = 2 {Tail}
            deny us.c {Tail}
            """,
            $"module in version 1 effective 2026-01-01 authority \"test\" for IN\ndeny in.a {Tail}",
            $"treaty us_z version 1 effective 2026-01-01 authority \"test\" between in, us\n" +
            $"exception us_z.low to us.c allow when tier = 3 {Tail}\nexception us_z.high to us.a, in.a layer 2 allow {Tail}",
            $"treaty us_a version 1 effective 2026-01-01 authority \"test\" between in, us\nexception us_a.low to us.c allow when tier = 1 {Tail}");

        Assert.That(LawInForce.On(rules, s_day).Statements.Select(one => one.Statement.Name), Is.EqualTo((string[])
            ["us_z.high", "us_a.low", "us_z.low", "in.a", "us.a", "us.third", "us.first", "us.second", "us.b", "us.c"]));
        LawDecision decision = RuleSetInterpreter.Judge(rules, s_day, LawCase.First(Pay(100, 3, destination: US)));
        Assert.That(decision.Findings.Select(finding => $"{finding}"), Is.EqualTo((string[])
            ["us_z.high: Allows", "us_z.low: Allows", "us.a: Replaced", "us.third: Allows", "us.b: Replaced", "us.c: Replaced"]));
    }

    [Test]
    public void A_treaty_reaches_what_it_binds_between_its_countries_and_stands_above_every_layer()
    {
        const string India = "module in version 1 effective 2026-01-01 authority \"test\" for IN\nrequire in.travel tier >= 2 illustrative \"test\"";
        const string America = "require us.travel tier >= 2 illustrative \"test\"\nexception us.none to us.travel layer 100 deny when purpose = tax illustrative \"test\"";
        const string Treaty = "treaty in_us version 1 effective 2026-01-01 authority \"test\" between in, us\n" +
            "exception in_us.spared to in.travel, us.travel require tier >= 1 when amount <= USD 10 illustrative \"test\"";
        RuleSet both = Rules(India, America, Treaty);
        RuleSet half = new(both.Modules, [new BoundTreaty(both.Treaties[0].Treaty, ["us"])], both.Parameters, both.ScaleOf);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(both, Pay(1_000, 1, US, IN)), Is.EqualTo("yes"));
            Assert.That(Ask(both, Pay(1_000, 0, US, IN)), Is.EqualTo("no in_us.spared"));
            Assert.That(Ask(both, Pay(1_000, 1, US, IN, purpose: Purpose.Tax)), Is.EqualTo("yes"), "above layer 100");
            Assert.That(Ask(both, Pay(1_001, 1, US, IN)), Is.EqualTo("no in.travel"));
            Assert.That(Ask(both, Pay(1_000, 1, US, DE)), Is.EqualTo("no us.travel"), "another country");
            Assert.That(Ask(half, Pay(1_000, 1, US, IN)), Is.EqualTo("no in.travel"), "India did not agree");
            Assert.That(Ask(half, Pay(1_000, 1, US, US)), Is.EqualTo("yes"), "between countries of what it binds: the one");
        });
    }

    [TestCase(Instruction.Micropayment, "no us.require")]
    [TestCase(Instruction.Hold, "no us.require")]
    [TestCase(Instruction.Capture, "no us.deny")]
    [TestCase(Instruction.Refund, "no us.deny")]
    [TestCase(Instruction.Void, "yes")]
    [TestCase(Instruction.Issue, "yes")]
    [TestCase(Instruction.Redeem, "yes")]
    public void Captures_and_refunds_ask_deny_statements_without_sums_and_others_none(Instruction instruction, string expected)
    {
        RuleSet rules = Rules($"""
            require us.require tier >= 1 {Tail}
            deny us.sum when sum(payer, day) + amount > USD 1 {Tail}
            deny us.deny when dst = DE {Tail}
            """);

        Assert.That(RuleSetInterpreter.Judge(rules, s_day, new LawCase(Pay(500, instruction: instruction), _ => 0)) is { } decision
            ? decision.Decider is null ? "yes" : $"no {decision.Decider.Statement.Name}" : "", Is.EqualTo(expected));
    }

    [Test]
    public void Amounts_compare_as_fractions_in_every_currency()
    {
        RuleSet rules = Rules([("USD.rate", 1_000_000_000), ("EUR.rate", 1_080_000_000), ("JPY.rate", 6_500_000), ("USD.cpi", 1_000_000_001)], $"""
            require us.a tier >= 1 when amount >= USD 30.005 {Tail}
            require us.b tier >= 2 when amount > equiv USD 100 {Tail}
            require us.c tier >= 3 when amount >= USD 1_000 indexed by USD.cpi {Tail}
            """);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(rules, Pay(3_000)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(3_001)), Is.EqualTo("no us.a"));
            Assert.That(Ask(rules, Pay(10_000, 1)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(10_001, 1)), Is.EqualTo("no us.b"));
            // 100 / 1.08 = 92.592592…
            Assert.That(Ask(rules, Pay(9_259, 1, currency: EUR)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(9_260, 1, currency: EUR)), Is.EqualTo("no us.b"));
            // 100 / 0.0065 = 15384.6…
            Assert.That(Ask(rules, Pay(15_384, 1, currency: JPY)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(15_385, 1, currency: JPY)), Is.EqualTo("no us.b"));
            Assert.That(Ask(rules, Pay(1, 1, currency: 826)), Is.EqualTo("no us.b"), "a currency without a rate");
            Assert.That(Ask(rules, Pay(100_000, 2)), Is.EqualTo("yes"), "1,000.000001 is above 1,000.00");
            Assert.That(Ask(rules, Pay(100_001, 2)), Is.EqualTo("no us.c"));
        });
    }

    [Test]
    public void A_limits_ceilings_adapt_to_the_first_class_of_the_payers_country()
    {
        RuleSet rules = Rules($$"""
            module fatf version 1 effective 2026-01-01 authority "test" for world
            class @poor = { IN } {{Tail}}
            class @spared = { IN, DE } {{Tail}}
            limit fatf.day tier 0 at most USD 1, tier 1 at most USD 2.01, tier 2 at most none, tier 3 at most none per day
              adapts to @poor at 50%, @spared exempt {{Tail}}
            """);

        Assert.Multiple(() =>
        {
            Assert.That(Ask(rules, Pay(100)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(101)), Is.EqualTo("no fatf.day"));
            Assert.That(Ask(rules, Pay(50, source: IN)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(51, source: IN)), Is.EqualTo("no fatf.day"));
            Assert.That(Ask(rules, Pay(100, 1, IN)), Is.EqualTo("yes"), "half of 2.01 is 1.005: 1.00 is not above");
            Assert.That(Ask(rules, Pay(101, 1, IN)), Is.EqualTo("no fatf.day"));
            Assert.That(Ask(rules, Pay(ulong.MaxValue, source: DE)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(ulong.MaxValue, 2)), Is.EqualTo("yes"));
        });
    }

    [Test]
    public void Days_decide_what_is_in_force_and_when_the_table_changes_next()
    {
        RuleSet rules = Rules($"""
            module us version 1 effective 2026-01-01 until 2027-01-01 authority "test" for US
            deny us.first when tier = 0 until 2026-02-01 {Tail}
            deny us.second when tier = 0 from 2026-06-01 {Tail}
            exception us.spared to us.second allow when purpose = tax from 2026-06-10 until 2026-06-20 {Tail}
            """);
        int Next(int day) => RuleSetLowering.TryLower(rules, day, out LoweredRules? law, out _) ? law.NextChangeDay ?? -1 : -2;
        int Day(int month, int day) => Calendar.DayOf(2026, month, day);

        Assert.Multiple(() =>
        {
            Assert.That(Next(Day(1, 1) - 1), Is.EqualTo(Day(1, 1)));
            Assert.That(Next(Day(1, 1)), Is.EqualTo(Day(2, 1)));
            Assert.That(Next(Day(2, 1)), Is.EqualTo(Day(6, 1)));
            Assert.That(Next(Day(6, 1)), Is.EqualTo(Day(6, 10)));
            Assert.That(Next(Day(6, 20)), Is.EqualTo(Calendar.DayOf(2027, 1, 1)));
            Assert.That(Next(Calendar.DayOf(2027, 1, 1)), Is.EqualTo(-1));
            Assert.That(Ask(rules, Pay(1), day: Day(1, 1) - 1), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(1), day: Day(1, 31)), Is.EqualTo("no us.first"));
            Assert.That(Ask(rules, Pay(1), day: Day(2, 1)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(1, purpose: Purpose.Tax), day: Day(6, 9)), Is.EqualTo("no us.second"));
            Assert.That(Ask(rules, Pay(1, purpose: Purpose.Tax), day: Day(6, 10)), Is.EqualTo("yes"));
            Assert.That(Ask(rules, Pay(1, purpose: Purpose.Tax), day: Day(6, 20)), Is.EqualTo("no us.second"));
            Assert.That(Ask(rules, Pay(1), day: Calendar.DayOf(2027, 1, 1)), Is.EqualTo("yes"));
        });
    }

    [Test]
    public void A_table_has_a_statements_rules_in_order_by_its_name_and_none_for_what_never_bites()
    {
        RuleSet rules = Rules($$"""
            deny us.none when src = DE and dst = DE and currency = EUR {{Tail}}
            require us.travel tier >= 2 when src = US and amount >= USD 3_000 {{Tail}}
            require us.report tier >= 3 when src = US and (amount > USD 10_000 or sum(payer, day) + amount > USD 10_000 or sum(payer, month) + amount > USD 50_000) {{Tail}}
            limit us.day at most USD 500 per day when src = US unless dst in { US, CA } {{Tail}}
            """);
        Assert.That(RuleSetLowering.TryLower(rules, s_day, out LoweredRules? law, out string error), error);

        Assert.That(law!.Table.Rules.ToArray().Select(rule => $"{rule.Id} {rule.Name} {rule.Kind}: {ConditionText.Of(rule.Condition)}" +
            (rule.Needs is { } needs ? $" needs {ConditionText.Of(needs)}" : "") + (rule.IsLimit ? $" {rule.Window} {rule.Ceilings[0]}" : "")), Is.EqualTo((string[])
        [
            "1 us.travel Require: all (Source Equal 840; AtLeast 840 300000) needs Tier AtLeast 2",
            "2 us.report Require: all (Source Equal 840; AtLeast 840 1000001) needs Tier Equal 3",
            "3 us.report Limit: all (Source Equal 840; Tier NotEqual 3) day 1000000",
            "4 us.report Limit: all (Source Equal 840; Tier NotEqual 3) month 5000000",
            "5 us.day Limit: all (Source Equal 840; not (Destination in 124,840)) day 50000",
        ]));
        Assert.That(law.Origins.Select(one => $"{one.RuleId} {one.Statement.Name}"), Is.EqualTo(law.Table.Rules.ToArray().Select(rule => $"{rule.Id} {rule.Name}")));
    }

    [Test]
    public void A_currency_that_the_ledger_does_not_have_takes_no_rules()
    {
        RuleSet all = Rules($"limit us.day at most equiv USD 500 per day {Tail}");
        RuleSet few = new(all.Modules, [], all.Parameters, currency => currency is USD or EUR ? 2 : -1);
        Assert.That(RuleSetLowering.TryLower(all, s_day, out LoweredRules? large, out _));
        Assert.That(RuleSetLowering.TryLower(few, s_day, out LoweredRules? small, out _));

        Assert.That(large!.Table.Rules.Length, Is.EqualTo(Iso4217.Count));
        Assert.That(small!.Table.Rules.ToArray().Select(rule => (rule.Currency, rule.Ceilings[0])), Is.EqualTo(((ushort, ulong)[])[(USD, 50_000), (EUR, 0)]));
    }

    [Test]
    public void What_was_asked_and_seen_is_told_in_the_languages_words()
    {
        RuleSet rules = Rules($"require us.report tier >= 3 when src in {{ US, CA }} and sum(payer, month) + amount > USD 100 and amount > EUR 5 {Tail}\n" +
            $"limit us.day at most USD 5 per day {Tail}");
        LawDecision decision = RuleSetInterpreter.Judge(rules, s_day, new LawCase(Pay(300), _ => 400));

        Assert.That(decision.Findings.Single().Seen.Select(seen => $"{seen.Asked}: {seen.Saw} {seen.Holds}"), Is.EqualTo((string[])
            ["at most USD 5 per day: USD 4.00 before and USD 3.00 now False"]));
        decision = RuleSetInterpreter.Judge(Rules($"require us.report tier >= 3 when src in {{ US, CA }} and sum(payer, month) + amount > USD 1 {Tail}"), s_day,
            new LawCase(Pay(300), _ => 400));
        Assert.That(decision.Decider!.Seen.Select(seen => $"{seen.Asked}: {seen.Saw} {seen.Holds}"), Is.EqualTo((string[])
        [
            "src in { CA, US }: src US True", "sum(payer, month) + amount > USD 1: USD 4.00 before and USD 3.00 now True", "tier >= 3: tier 0 False",
        ]));
        Assert.That(decision.Decider.BySum);
    }
}
