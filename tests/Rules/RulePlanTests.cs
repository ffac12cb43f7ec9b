using RuleFacts = Settlement.Engine.Rules.RuleFacts;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Simd;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Rules;

[TestFixture]
public sealed class RulePlanTests
{
    private const ushort US = 840;
    private const ushort DE = 276;
    private const ushort CU = 192;
    private const ushort USD = 840;
    private const ushort EUR = 978;

    [Test]
    public void Generated_plans_answer_as_rule_by_rule_evaluation_does_at_every_width()
    {
        Random random = PrintedSeed.Create();
        RandomRules generator = new(random);
        HashSet<string> met = [];
        int[] counts = [0, 1, 2, 63, 64, 65, 127, 129, 500, 1_023, 1_024];
        for (int round = 0; round < 300; round++)
        {
            RuleTable table = generator.Table(rulesMax: round % 10 == 0 ? 60 : 8);
            RulePlan plan = RulePlan.Build(table, RandomRules.OwnerOf);
            NaiveRules naive = new(RandomRules.OwnerOf);
            naive.Activate(table);
            RuleFacts[] facts = [.. Enumerable.Range(0, counts[random.Next(counts.Length)]).Select(_ => generator.Facts())];
            Note(plan, met);
            CheckDenied(plan, naive, facts);
            CheckLimits(plan, naive, facts, random);
        }
        string[] kinds = [.. Enum.GetValues<RuleField>().Where(field => field != RuleField.None).SelectMany(field => (string[])
            [$"{field} list", $"{field} Equal", $"{field} NotEqual"])];
        string[] ordered = [.. Enum.GetValues<RuleOperator>().Where(op => op != RuleOperator.None).SelectMany(op => (string[])
            [$"Tier {op}", $"Level {op}", $"amount {op}"])];
        Assert.That(generator.Seen, Is.SupersetOf(kinds.Concat(ordered).Concat(
            ["always", "not", "all", "any", "Day", "Month", "Year", "Rolling30Days", "review Day", "review Month", "review Year", "review Rolling30Days"]).Distinct()),
            "constructs generated");
        Assert.That(met, Is.SupersetOf((string[])
            ["row: one step", "row: several steps", "limit row", "masked limit", "review row", "review limit row", "masked limit of a review", "Review", "InRange", "InSet", "AmountRank", "And",
                "Or", "Not",
             "Always", "Deny", "Limit"]), "parts of plans met");
    }

    private static void Note(RulePlan plan, HashSet<string> met)
    {
        string text = plan.Describe();
        foreach (ref CorridorRow row in plan.Corridors.Rows.Rows)
        {
            met.Add(row.Rules[0] != 0 ? "row: one step" : row.StepEnds[0] > 1 ? "row: several steps" : "row: no step");
            if (plan.Corridors.LimitsOf(row.Limits, reviews: false).Length > 0)
                met.Add("limit row");
            if (plan.Corridors.LimitsOf(row.Limits, reviews: true).Length > 0)
                met.Add("review limit row");
        }
        if (plan.Corridors.ReviewRows.Count > 0)
            met.Add("review row");
        if (text.Contains("= review rule", StringComparison.Ordinal))
            met.Add("masked limit of a review");
        if (text.Contains("masked limit", StringComparison.Ordinal))
            met.Add("masked limit");
        foreach (ref readonly RuleInstruction step in plan.Program.Instructions)
            met.Add(step.Column == RuleColumn.AmountRank ? "AmountRank" : step.Op.ToString());
    }

    private static void CheckDenied(RulePlan plan, NaiveRules naive, RuleFacts[] facts)
    {
        ushort[] expected = [.. facts.Select(one => naive.DeniedBy(one, denyOnly: false))];
        ushort[] reviewed = [.. facts.Select(naive.ReviewedBy)];
        foreach (RuleWidth width in Enum.GetValues<RuleWidth>())
        {
            RuleChunk chunk = new(facts);
            plan.Judge(width, chunk.Columns, facts.Length, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
            Assert.That(chunk.DeniedBy, Is.EqualTo(expected), () => $"{width}\n{plan.Describe()}");
            if (plan.HasReviews)
                Assert.That(chunk.ReviewedBy, Is.EqualTo(reviewed), () => $"{width}, reviews\n{plan.Describe()}");
            else
                Assert.That(reviewed, Is.All.Zero);
        }
        // Asserting each would take most of the test's time.
        for (int i = 0; i < facts.Length; i++)
            if (plan.JudgeOne(facts[i], denyOnly: false) != expected[i] ||
                plan.JudgeOne(facts[i], denyOnly: true) != naive.DeniedBy(facts[i], denyOnly: true) ||
                plan.NeedsSums(facts[i].Source, facts[i].Currency) != naive.Counts(facts[i].Source, facts[i].Currency))
                Assert.Fail($"{facts[i]}\n{plan.Describe()}");
    }

    private static void CheckLimits(RulePlan plan, NaiveRules naive, RuleFacts[] facts, Random random)
    {
        const ulong Time = 1_709_164_800_000_000_000;
        using SumTable sums = new(1);
        sums.Activate(plan);
        NaiveSums paid = new();
        int row = sums.Take();
        RuleWidth width = (RuleWidth)random.Next(4);
        RuleChunk chunk = new(facts);
        plan.Judge(width, chunk.Columns, facts.Length, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
        for (int i = 0; i < facts.Length; i++)
        {
            uint limits = plan.HasSums ? chunk.Limits[i] : 0;
            ulong mask = plan.HasMaskedLimits ? chunk.LimitMask[i] : 0;
            ushort expected = naive.FirstLimitExceeded(facts[i], paid, Time);
            ushort answer = plan.FirstLimitExceeded(limits, mask, facts[i].Currency, facts[i].Tier, facts[i].Amount, sums, row, Time);
            if (answer != expected)
                Assert.Fail($"{facts[i]}: {answer} where {expected} was expected\n{plan.Describe()}");
            ushort review = naive.FirstLimitExceeded(facts[i], paid, Time, RuleKind.ReviewLimit);
            answer = plan.FirstReviewLimitExceeded(limits, mask, facts[i].Currency, facts[i].Tier, facts[i].Amount, sums, row, Time);
            if (answer != review)
                Assert.Fail($"{facts[i]}: review {answer} where {review} was expected\n{plan.Describe()}");
            if ((expected | review) != 0 && !plan.NeedsSums(facts[i].Source, facts[i].Currency))
                Assert.Fail("a limit that can refuse needs sums");
            if (random.Next(8) != 0)
                continue;
            sums.Add(row, facts[i].Amount, Time);
            naive.Add(paid, facts[i].Amount, Time);
        }
    }

    [Test]
    public void A_review_of_a_threshold_takes_a_row_beside_that_of_what_refuses()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Review(9, "large", 1, When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 100)))
            .Review(3, "larger", 1, When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 500)))
            .Deny(5, "largest", When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 1_000)))
            .Build(), RandomRules.OwnerOf);
        RuleChunk chunk = new([.. new ulong[] { 99, 100, 499, 500, 1_000 }.Select(amount => new RuleFacts(US, DE, USD, amount, 0, 0, 0, 1))]);
        plan.Judge(chunk.Columns, 5, chunk.DeniedBy, chunk.ReviewedBy, default, default);

        Assert.That(plan.Program.IsEmpty, "thresholds need no program");
        Assert.That(chunk.ReviewedBy, Is.EqualTo(new ushort[] { 0, 9, 9, 3, 3 }));
        Assert.That(chunk.DeniedBy, Is.EqualTo(new ushort[] { 0, 0, 0, 0, 5 }));
        Assert.That(plan.JudgeOne(new RuleFacts(US, DE, USD, 999, 0, 0, 0, 1), denyOnly: false), Is.Zero, "a review refuses nothing");
        Assert.That(plan.Describe(), Does.Contain("above 99 sent to review by rule 9"));
    }

    [Test]
    public void A_plan_knows_how_long_each_review_holds()
    {
        RandomRules generator = new(PrintedSeed.Create());
        int reviews = 0;
        for (int round = 0; round < 20; round++)
        {
            RulePlan plan = RulePlan.Build(generator.Table(rulesMax: 12), RandomRules.OwnerOf);
            foreach (Rule rule in plan.Table.Rules)
                if (rule.IsReview)
                {
                    Assert.That(plan.HoldNsOf(rule.Id), Is.EqualTo(rule.HoldNs));
                    reviews++;
                }
        }
        Assert.That(reviews, Is.Positive);
    }

    [Test]
    public void The_same_bytes_give_the_same_plan_to_the_letter()
    {
        Random random = PrintedSeed.Create();
        RandomRules generator = new(random);
        for (int round = 0; round < 50; round++)
        {
            RuleTable table = generator.Table(rulesMax: 12);
            Assert.That(RuleTable.TryDecode(table.Encode(), out RuleTable? again, out _));
            Assert.That(RulePlan.Build(again!, RandomRules.OwnerOf).Describe(),
                Is.EqualTo(RulePlan.Build(table, RandomRules.OwnerOf).Describe()));
        }
    }

    [Test]
    public void The_lowest_refusing_rule_is_named_though_a_higher_one_is_tighter()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Deny(9, "tight", When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 100)))
            .Deny(5, "middle", When.Source(US).And(When.Amount(RuleOperator.More, USD, 200)))
            .Require(3, "wide", When.Tier(RuleOperator.AtLeast, 2), When.Source(US)
                .And(When.Amount(RuleOperator.AtLeast, USD, 1_000)))
            .Deny(7, "never decides", When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 500)))
            .Build(), RandomRules.OwnerOf);
        ushort Judge(ulong amount, byte tier, bool denyOnly = false) =>
            plan.JudgeOne(new RuleFacts(US, DE, USD, amount, tier, 0, 0, 1), denyOnly);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Program.IsEmpty, "thresholds need no program");
            Assert.That(Judge(99, 0), Is.Zero);
            Assert.That(Judge(100, 0), Is.EqualTo(9));
            Assert.That(Judge(200, 0), Is.EqualTo(9));
            Assert.That(Judge(201, 0), Is.EqualTo(5));
            Assert.That(Judge(999, 1), Is.EqualTo(5));
            Assert.That(Judge(1_000, 1), Is.EqualTo(3));
            Assert.That(Judge(1_000, 2), Is.EqualTo(5));
            Assert.That(Judge(1_000, 1, denyOnly: true), Is.EqualTo(5));
            Assert.That(plan.Describe(), Does.Not.Contain("rule 7"));
        });
    }

    [Test]
    public void Countries_that_no_rule_tells_apart_share_a_class_and_a_row()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Deny(1, "list", When.Source(US).And(When.Destination(CU, 364, 408)))
            .Deny(2, "euro", When.Owner(DE).And(When.Destination(CU, 364, 408)))
            .Build(), RandomRules.OwnerOf);

        Assert.That(plan.Corridors.Cells, Has.Length.EqualTo(2 * 2 * 2));
        Assert.That(plan.Corridors.Rows.Count, Is.EqualTo(3),
            "open, rule 1, rule 2 (a row where both refuse names 1 in all tiers)");
    }

    [Test]
    public void A_minimum_amount_does_not_fit_a_ceiling_and_runs_as_program()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Deny(1, "dust", When.Amount(RuleOperator.Less, USD, 10))
            .Build(), RandomRules.OwnerOf);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Program.IsEmpty, Is.False);
            Assert.That(plan.JudgeOne(new RuleFacts(US, DE, USD, 9, 0, 0, 0, 1), false), Is.EqualTo(1));
            Assert.That(plan.JudgeOne(new RuleFacts(US, DE, USD, 10, 0, 0, 0, 1), false), Is.Zero);
            Assert.That(plan.JudgeOne(new RuleFacts(US, DE, EUR, 9, 0, 0, 0, 1), false), Is.Zero);
        });
    }

    [Test]
    public void A_plan_beyond_a_bound_is_refused_with_a_sentence()
    {
        RuleTableBuilder masked = new();
        for (ushort id = 1; id <= 65; id++)
            masked.Limit(id, "one each", LimitWindow.Day, USD, TierCeilings.Same(id), When.Level(RuleOperator.AtLeast, (byte)id));
        RuleTableBuilder countries = new();
        for (ushort id = 1; id <= 256; id++)
            countries.Deny(id, "one each", When.Source(id));

        RuleTableBuilder years = new();
        for (byte month = 1; month <= 5; month++)
            years.Limit(month, "year", LimitWindow.YearFrom(month, 1), USD, TierCeilings.Same(1), When.Always);

        Assert.That(RulePlan.TryBuild(years.Build(), RandomRules.OwnerOf, out _, out string tooMany), Is.False);
        Assert.That(tooMany, Does.Contain("5 different years"));
        Assert.That(RulePlan.TryBuild(masked.Build(), RandomRules.OwnerOf, out _, out string error), Is.False);
        Assert.That(error, Does.Contain("at most 64 expected"));
        Assert.That(RulePlan.TryBuild(countries.Build(), RandomRules.OwnerOf, out _, out error), Is.False);
        Assert.That(error, Does.Contain("more than 256 countries"));
    }

    [Test]
    public void Limits_of_one_condition_share_a_bit_and_each_is_asked_in_its_own_currency_alone()
    {
        const ulong Time = 1_709_164_800_000_000_000;
        RuleTableBuilder builder = new();
        for (ushort currency = 1; currency <= 200; currency++)
            builder.Limit(currency, "goods", LimitWindow.Day, currency, TierCeilings.Same(1_000u + currency), When.Purpose(Purpose.Goods));
        RulePlan plan = RulePlan.Build(builder.Build(), RandomRules.OwnerOf);
        Assert.That(plan.Program.Instructions.ToArray().Count(step => step.Op == RuleOp.Limit), Is.EqualTo(1));
        using SumTable sums = new(1);
        sums.Activate(plan);
        for (ushort currency = 1; currency <= 201; currency++)
        {
            RuleChunk chunk = new([new RuleFacts(US, DE, currency, 1, 0, (byte)Purpose.Goods, 0, 1)]);
            plan.Judge(chunk.Columns, 1, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
            ulong ceiling = 1_000u + currency;
            Assert.That(plan.FirstLimitExceeded(chunk.Limits[0], chunk.LimitMask[0], currency, 0, ceiling, sums, 0, Time), Is.Zero);
            Assert.That(plan.FirstLimitExceeded(chunk.Limits[0], chunk.LimitMask[0], currency, 0, ceiling + 1, sums, 0, Time), Is.EqualTo(currency <= 200 ? currency : 0));
        }
    }

    /// <summary>Up to 248 steps are ranks, one of them is taken by the threshold in two currencies; more are compared as they are.</summary>
    [TestCase(1, true)]
    [TestCase(240, true)]
    [TestCase(247, true)]
    [TestCase(248, false)]
    [TestCase(700, false)]
    public void Thresholds_are_ranks_as_long_as_there_are_ranks_and_judge_alike_without(int count, bool ranked)
    {
        RuleTableBuilder builder = new();
        for (int i = 1; i <= count; i++)
            builder.Deny((ushort)(1 + count - i), "threshold", When.Purpose(Purpose.Goods).And(When.Amount(RuleOperator.AtLeast, USD, (ulong)i * 10)));
        builder.Deny((ushort)(count + 1), "everywhere", When.Purpose(Purpose.Tax).And(When.Amount(RuleOperator.AtLeast, USD, 50).Or(When.Amount(RuleOperator.AtLeast, EUR, 40))));
        RulePlan plan = RulePlan.Build(builder.Build(), RandomRules.OwnerOf);
        NaiveRules naive = new(RandomRules.OwnerOf);
        naive.Activate(plan.Table);
        Assert.That(plan.Program.Instructions.ToArray().Any(step => step.Op == RuleOp.AmountAtLeast), Is.EqualTo(!ranked));
        CheckDenied(plan, naive, [.. Enumerable.Range(1, 1_000).Select(i => new RuleFacts(US, DE, i % 3 == 0 ? EUR : USD, (ulong)i * 7, 0, (byte)(i % 5 == 0 ? Purpose.Tax : Purpose.Goods), 0, 1))]);
        CheckDenied(plan, naive, [new RuleFacts(US, DE, USD, ulong.MaxValue, 0, (byte)Purpose.Goods, 0, 1), new RuleFacts(US, DE, EUR, ulong.MaxValue, 0, (byte)Purpose.Goods, 0, 1)]);
    }

    [Test]
    public void A_threshold_stated_in_every_currency_stands_at_one_rank()
    {
        RuleTableBuilder builder = new();
        Condition Equivalent(ulong dollars) => When.Amount(RuleOperator.AtLeast, USD, dollars * 100).Or(When.Amount(RuleOperator.AtLeast, EUR, dollars * 90));
        builder.Deny(1, "goods", When.Purpose(Purpose.Goods).And(Equivalent(10)));
        builder.Deny(2, "tax", When.Purpose(Purpose.Tax).And(Equivalent(20)));
        builder.Deny(3, "euro", When.Purpose(Purpose.Medical).And(When.Amount(RuleOperator.More, EUR, 1_234)));
        RulePlan plan = RulePlan.Build(builder.Build(), RandomRules.OwnerOf);
        AmountLadder ladder = plan.Program.Ladder!;
        Assert.That(plan.Program.Instructions.ToArray().Count(step => step.Column == RuleColumn.AmountRank), Is.EqualTo(3), plan.Describe());
        foreach (int currency in Enumerable.Range(0, plan.Corridors.CurrencyCount))
        {
            ReadOnlySpan<ulong> steps = ladder.Steps.AsSpan(ladder.FirstSteps[currency], ladder.StepCount);
            foreach (ulong amount in (ulong[])[1, 899, 900, 901, 999, 1_000, 1_001, 1_234, 1_235, 1_799, 1_800, 1_999, 2_000, 2_001, ulong.MaxValue])
            {
                int rank = ladder.RankOfAmount(currency, amount);
                Assert.That(((int)RuleLanes1.CountBelow(steps, amount), (int)RuleLanes128.CountBelow(steps, amount), (int)RuleLanes256.CountBelow(steps, amount), (int)RuleLanes512.CountBelow(steps, amount)),
                    Is.EqualTo((rank, rank, rank, rank)));
            }
        }
    }

    [Test]
    public void Many_countries_with_many_rules_fit_rows_within_the_bounds()
    {
        RuleTableBuilder builder = new();
        for (ushort country = 1; country <= 200; country++)
            for (ushort rule = 0; rule < 10; rule++)
                builder.Deny((ushort)(country * 10 + rule), "threshold",
                    (rule % 2 == 0 ? When.Source(country) : When.Destination(country))
                    .And(When.Amount(RuleOperator.AtLeast, Currency(country), 10_000UL - country * 10u - rule)));
        static ushort Currency(ushort country) => (ushort)(country % 100 + 1);
        RuleTable table = builder.Build();
        RulePlan plan = RulePlan.Build(table, RandomRules.OwnerOf);
        NaiveRules naive = new(RandomRules.OwnerOf);
        naive.Activate(table);
        Random random = PrintedSeed.Create();

        Assert.That(plan.Program.IsEmpty, "every rule fits rows");
        for (int i = 0; i < 2_000; i++)
        {
            ushort source = (ushort)random.Next(1, 201);
            RuleFacts facts = new(source, (ushort)random.Next(1, 201), Currency(source), (ulong)random.Next(7_900, 10_001), 0, 0,
                0, 1);
            Assert.That(plan.JudgeOne(facts, false), Is.EqualTo(naive.DeniedBy(facts, false)), facts.ToString());
        }
    }

    [Test]
    public void Columns_that_are_too_short_are_not_read()
    {
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Limit(1, "day", LimitWindow.Day, USD, TierCeilings.Same(5), When.Always).Build(), RandomRules.OwnerOf);
        RuleChunk chunk = new(new RuleFacts[10]);

        Assert.Multiple(() =>
        {
            Assert.That(() => plan.Judge(chunk.Columns, 11, new ushort[11], default, new uint[11], default), Throws.ArgumentException);
            Assert.That(() => plan.Judge(chunk.Columns, 10, chunk.DeniedBy, default, default, default), Throws.ArgumentException);
            Assert.That(() => plan.Judge(chunk.Columns, -1, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, default), Throws.ArgumentException);
        });
        RulePlan kinds = RulePlan.Build(new RuleTableBuilder()
            .Review(1, "kinds", 1, new FieldCondition(RuleField.PayerKind, RuleOperator.Equal, (ushort)PartyKind.Person)).Build(), RandomRules.OwnerOf);
        ushort[] countries = new ushort[10];
        byte[] bytes = new byte[10];

        Assert.Multiple(() =>
        {
            Assert.That(() => kinds.Judge(chunk.Columns, 10, chunk.DeniedBy, default, default, default), Throws.ArgumentException);
            Assert.That(() => kinds.Judge(new RuleColumns
            {
                Source = countries,
                Destination = countries,
                Currency = countries,
                Amount = new ulong[10],
                Tier = bytes,
                Purpose = bytes,
                Level = bytes,
                Instruction = bytes,
            }, 10, chunk.DeniedBy, chunk.ReviewedBy, default, default), Throws.ArgumentException);
        });
    }

    [Test]
    public void Judging_allocates_nothing()
    {
        RandomRules generator = new(new Random(7));
        RulePlan plan = RulePlan.Build(new RuleTableBuilder()
            .Deny(1, "row", When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 100)))
            .Deny(2, "program", When.Source(US, DE).And(When.Purpose(Purpose.Goods).Or(When.Level(RuleOperator.More, 3))))
            .Limit(3, "limit", LimitWindow.Month, USD, TierCeilings.Same(1_000), When.Always)
            .Limit(4, "masked", LimitWindow.Day, USD, TierCeilings.Same(1_000), When.Purpose(Purpose.Salary))
            .Review(5, "review row", 1, When.Source(US).And(When.Amount(RuleOperator.AtLeast, USD, 200)))
            .Review(6, "review program", 1, new FieldCondition(RuleField.PayeeKind, RuleOperator.Equal, (ushort)PartyKind.Business))
            .ReviewLimit(7, "review limit", 1, LimitWindow.Day, USD, TierCeilings.Same(500), When.Always)
            .Build(), RandomRules.OwnerOf);
        RuleChunk chunk = new([.. Enumerable.Range(0, 1_000).Select(_ => generator.Facts())]);
        using SumTable sums = new(1);
        sums.Activate(plan);
        int row = sums.Take();
        long Judge(ulong time)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            plan.Judge(chunk.Columns, 1_000, chunk.DeniedBy, chunk.ReviewedBy, chunk.Limits, chunk.LimitMask);
            ulong exceeded = 0;
            for (int i = 0; i < 1_000; i++)
            {
                exceeded += plan.JudgeOne(chunk.Facts[i], denyOnly: true);
                exceeded += plan.FirstLimitExceeded(chunk.Limits[i], chunk.LimitMask[i], chunk.Facts[i].Currency, chunk.Facts[i].Tier,
                    chunk.Facts[i].Amount, sums, row, time);
                exceeded += plan.FirstReviewLimitExceeded(chunk.Limits[i], chunk.LimitMask[i], chunk.Facts[i].Currency, chunk.Facts[i].Tier,
                    chunk.Facts[i].Amount, sums, row, time);
                sums.Add(row, 1, time);
            }
            Assert.That(exceeded, Is.Positive);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Judge(Limits.NsPerDay);

        Assert.That(Judge(40 * Limits.NsPerDay), Is.LessThan(2_000), "but for what the assertion itself takes");
    }

    [Test]
    public unsafe void Rows_are_as_pictured_and_each_in_one_cache_line()
    {
        CorridorRow row = default;
        byte* start = (byte*)&row;
        Assert.Multiple(() =>
        {
            Assert.That(sizeof(CorridorRow), Is.EqualTo(64));
            Assert.That(sizeof(SumRow), Is.EqualTo(320));
        });
        Assert.That((byte*)&row.Rules - start, Is.EqualTo(32));
        Assert.That((byte*)&row.StepFirst - start, Is.EqualTo(40));
        Assert.That((byte*)&row.StepEnds - start, Is.EqualTo(44));
        Assert.That((byte*)&row.Limits - start, Is.EqualTo(52));
        Assert.That(&row.Window - start, Is.EqualTo(56));
        SumRow sums = default;
        Assert.That((byte*)&sums.Sums - (byte*)&sums, Is.EqualTo(8));
        Assert.That((byte*)&sums.Days - (byte*)&sums, Is.EqualTo(64));
        AlignedRows<CorridorRow> rows = new(3);
        fixed (CorridorRow* first = rows.Rows)
            Assert.That((int)((nuint)first % 64), Is.Zero);
    }
}
