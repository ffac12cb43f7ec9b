using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

public class ShippedModulesTests
{
    /// <summary>A day on which all of them are in force.</summary>
    private static readonly int s_day = ShippedModules.DayOf(2026, 6, 1);

    private static IEnumerable<string> Files => ShippedModules.Files;

    private static ModuleReading Read(string file) => ShippedModules.Readings.Single(reading => reading.FileName == file);

    [TestCaseSource(nameof(Files))]
    public void It_reads_without_a_fault_but_for_the_warning_that_sums_are_kept_by_currency(string file)
    {
        ModuleReading reading = Read(file);

        Assert.That(reading.Faults.Where(fault => fault.Code != FaultCode.EquivalentSum).Select(fault => fault.Print(file, reading.Text)), Is.Empty);
        Assert.That(reading.Module?.Name, Is.EqualTo(Path.GetFileNameWithoutExtension(file)), "one module a file, named as it");
    }

    [TestCaseSource(nameof(Files))]
    public void It_stands_in_the_one_way_of_writing(string file) =>
        Assert.That(ModuleFormatter.Format(Read(file).Text), Is.EqualTo(Read(file).Text));

    [TestCaseSource(nameof(Files))]
    public void It_passes_every_check_and_its_own_tests_with_nothing_left_to_say(string file)
    {
        ModuleReading reading = Read(file);
        RuleSet others = ShippedModules.Together(ShippedModules.Parameters, ShippedModules.ScaleWhereUsed);

        Assert.That(ModuleCheck.Check(others, reading.Module!).Select(fault => fault.Print(file, reading.Text)), Is.Empty);
        Assert.That(ShippedModules.Failing(reading.Module!), Is.Empty);
    }

    [Test]
    public void All_together_become_a_plan_with_rates_and_without_on_every_day_that_changes_something(
        [Values("EUR JPY BHD", "USD EUR GBP CHF CNY INR JPY BRL NGN SGD CAD")] string currencies, [Values] bool hasRates)
    {
        HashSet<ushort> declared = [.. currencies.Split(' ').Select(letters => Iso4217.NumberOf(letters))];
        RuleSet rules = ShippedModules.Together(hasRates ? ShippedModules.Parameters : new Dictionary<ParameterName, ulong>(),
            currency => declared.Contains(currency) ? Iso4217.ScaleOf(currency) : -1);

        HashSet<string> lowered = [];
        for (int? day = s_day; day is { } at;)
        {
            Assert.That(RuleSetLowering.TryLower(rules, at, out LoweredRules? table, out string error), error);
            Assert.That(RulePlan.TryBuild(table!.Table, Iso4217.OwnerCountry, out _, out error), error);
            lowered.UnionWith(table.Origins.Select(origin => origin.Statement.Name));
            day = table.NextChangeDay;
        }
        // Without EUR.rate nothing is at most 50 EUR, so what lets small amounts pass has no rule.
        if (hasRates)
            Assert.That(ShippedModules.All.SelectMany(module => module.Statements).Where(one => one.Effect != LawEffect.Allow && IsInADeclaredCurrency(one, declared))
                .Select(one => one.Name), Is.SubsetOf(lowered), "no statement is lost");
    }

    private static bool IsInADeclaredCurrency(LawStatement one, HashSet<ushort> declared) =>
        one.Ceilings.OfType<LawMoney>().All(money => money.IsEquivalent || declared.Contains(money.Currency)) &&
            Leaves(one.When).All(leaf => leaf switch
            {
                LawSum { Money: { IsEquivalent: false } money } => declared.Contains(money.Currency),
                LawField { Field: RuleField.Currency, Operator: RuleOperator.Equal, Value: var currency } => declared.Contains(currency),
                _ => true,
            });

    [Test]
    public void The_table_of_all_together_says_of_every_embedded_test_what_the_texts_say()
    {
        HashSet<string> deciding = [];
        Dictionary<string, (RuleSetInterpreter, RuleTable)> known = [];
        foreach ((LawModule module, LawTest test) in ShippedModules.All.SelectMany(module => module.Tests.Select(test => (module, test))))
        {
            string conditions = $"{test.Day ?? module.EffectiveDay} {test.Amount.Currency} {string.Join(' ', test.Parameters)}";
            if (!known.TryGetValue(conditions, out (RuleSetInterpreter Texts, RuleTable Table) both))
                known.Add(conditions, both = BothOf(test, test.Day ?? module.EffectiveDay));
            LawCase payment = ShippedModules.CaseOf(test);
            LawDecision said = both.Texts.Judge(payment);

            (LawAnswer answer, string? statement) = Ask(both.Table, payment);

            Assert.That((answer, statement), Is.EqualTo((said.Answer, said.Decider?.Statement.Name)), $"{module.Name}, \"{test.Name}\"");
            deciding.Add(statement ?? "");
        }
        Assert.That(deciding, Has.Count.GreaterThan(60), "many statements decide");
    }

    /// <summary>Under a test's parameters. Only the payment's currency is declared: the table stays small, and nothing else is asked.</summary>
    private static (RuleSetInterpreter, RuleTable) BothOf(LawTest test, int day)
    {
        RuleSet rules = ShippedModules.Together(test.Parameters.ToDictionary(one => one.Name, one => one.Value),
            currency => currency == test.Amount.Currency ? Iso4217.ScaleOf(currency) : -1);
        Assert.That(RuleSetLowering.TryLower(rules, day, out LoweredRules? lowered, out string error), error);
        return (new RuleSetInterpreter(rules, day), lowered!.Table);
    }

    /// <summary>By the precedence of SEMANTICS 12, 13 and reviews, rule by rule.</summary>
    private static (LawAnswer Answer, string? Statement) Ask(RuleTable table, LawCase payment)
    {
        RuleFacts facts = payment.Facts;
        ushort owner = Iso4217.OwnerCountry(facts.Currency);
        Rule? First(bool isReview, bool isLimit)
        {
            foreach (Rule rule in table.Rules)
                if (rule.IsReview == isReview && rule.IsLimit == isLimit && rule.Bites(facts, owner) &&
                    (!isLimit || (UInt128)payment.Spent(rule.Window) + facts.Amount > rule.Ceilings[facts.Tier]))
                    return rule;
            return null;
        }
        if ((First(isReview: false, isLimit: false) ?? First(isReview: false, isLimit: true)) is { } refusing)
            return (LawAnswer.No, refusing.Name);
        (Rule? plain, Rule? bySum) = (First(isReview: true, isLimit: false), First(isReview: true, isLimit: true));
        Rule? review = plain is null || bySum?.Id < plain.Id ? bySum : plain;
        return review is null ? (LawAnswer.Yes, null) : (LawAnswer.Review, review.Name);
    }

    [Test]
    public void They_show_every_construct_of_the_language()
    {
        IReadOnlyList<LawModule> all = ShippedModules.All;
        LawStatement[] statements = [.. all.SelectMany(module => module.Statements)];
        LawCondition[] leaves = [.. statements.SelectMany(one => Leaves(one.When).Concat(one.Needs is { } needs ? Leaves(needs) : []))];
        LawMoney[] money = [.. leaves.Select(MoneyOf).Concat(statements.SelectMany(one => one.Ceilings)).OfType<LawMoney>()];
        LimitWindow[] windows = [.. leaves.OfType<LawSum>().Select(sum => sum.Window).Concat(statements.Where(one => one.Effect == LawEffect.Limit).Select(one => one.Window))];
        Assert.Multiple(() =>
        {
            Assert.That(statements.Where(one => !one.IsException).Select(one => one.Effect).Distinct(), Is.EquivalentTo(Enum.GetValues<LawEffect>().Except([LawEffect.Allow])));
            Assert.That(statements.Where(one => one.IsException).Select(one => one.Effect).Distinct(), Is.EquivalentTo(Enum.GetValues<LawEffect>()));
            Assert.That(leaves.Select(FieldOf).Distinct(), Is.SupersetOf(Enum.GetValues<RuleField>()), "None: an amount or a sum");
            Assert.That(leaves.OfType<LawAmount>().Select(one => one.Operator).Distinct(),
                Is.SupersetOf((RuleOperator[])[RuleOperator.Less, RuleOperator.AtMost, RuleOperator.More, RuleOperator.AtLeast]));
            Assert.That(leaves.OfType<LawSum>().Select(one => one.Operator).Distinct(), Is.EquivalentTo((RuleOperator[])[RuleOperator.More, RuleOperator.AtLeast]));
            Assert.That(leaves.OfType<LawIn>().Any(one => one.List is null) && leaves.OfType<LawIn>().Any(one => one.List is not null), "lists written out and named");
            Assert.That(windows.Select(window => window.Kind).Distinct(), Is.EquivalentTo(Enum.GetValues<WindowKind>().Except([WindowKind.None])));
            Assert.That(money.Select(one => (one.IsEquivalent, one.Index is not null)).Distinct(), Is.SupersetOf(((bool, bool)[])[(false, false), (true, false), (false, true)]));
            Assert.That(statements.SelectMany(one => one.Adaptations).Select(one => one.Percent == 0).Distinct().Count(), Is.EqualTo(2), "exempt, and a share");
            Assert.That(statements.Any(one => one.Ceilings.Contains(null)) && statements.Any(one => one.Ceilings.Count > 0 && !one.Ceilings.Contains(null)), "with and without a ceiling");
            Assert.That(statements.Any(one => one.FromDay is not null) && statements.Any(one => one.UntilDay is not null), "from and until");
            Assert.That(statements.Select(one => one.Layer).Distinct(), Is.SupersetOf((int[])[0, 1, 2]));
            Assert.That(statements.Select(one => one.Citation.IsIllustrative).Distinct().Count(), Is.EqualTo(2));
            Assert.That(all.SelectMany(module => module.Lists).Select(list => (list.IsClass, list.Field)).Distinct(), Is.SupersetOf(
                ((bool, RuleField)[])[(true, RuleField.Source), (false, RuleField.Source), (false, RuleField.Currency), (false, RuleField.Purpose)]));
            Assert.That(all.Any(module => module.Jurisdiction.IsWorld) && all.Any(module => module.UntilDay is not null), "a module for the world, and one that ends");
            Assert.That(all.Where(module => module.IsTreaty).SelectMany(module => module.Statements).Any(one => one.Targets.Count > 1), "a treaty's exception to several");
            LawTest[] tests = [.. all.SelectMany(module => module.Tests)];
            Assert.That(tests.Select(test => test.Expected).Distinct().Count(), Is.EqualTo(3));
            Assert.That(tests.Any(test => test.Day is not null) && tests.Any(test => test.Spent.Count > 0) && tests.Any(test => test.Parameters.Count > 0));
        });
    }

    [Test]
    public void Every_statement_decides_in_a_test_of_its_module_and_has_one_that_it_lets_pass()
    {
        foreach (LawModule module in ShippedModules.All)
        {
            HashSet<string?> deciding = [.. module.Tests.Select(test => test.ExpectedStatement)];
            Assert.That(module.Statements.Where(one => one.Effect != LawEffect.Allow && !deciding.Contains(one.Name)).Select(one => one.Name), Is.Empty, "never decides");
            Assert.That(module.Tests.Any(test => test.Expected == LawAnswer.Yes), $"{module.Name} lets something pass");
        }
    }

    [Test]
    public void The_floor_of_the_world_leaves_alone_the_countries_that_have_a_module()
    {
        LawModule world = ShippedModules.All.Single(module => module.Jurisdiction.IsWorld);
        IEnumerable<ushort> countries = ShippedModules.All.SelectMany(module => module.Jurisdiction.Countries).Distinct().Order();

        Assert.That(world.Lists.Single(list => list.Name == "own_law").Values, Is.EqualTo(countries));
    }

    [Test]
    public void The_union_has_27_members_and_parts_of_them()
    {
        LawModule union = ShippedModules.All.Single(module => module.Name == "eu");
        string[] parts = ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"];

        Assert.That(union.Jurisdiction.Countries.Select(Iso3166.LettersOf).Except(parts).ToArray(), Has.Length.EqualTo(27));
        Assert.That(union.Jurisdiction.Currencies, Is.EqualTo((ushort[])[Iso4217.NumberOf("EUR")]));
    }

    [TestCase("US", "IN", "USD", 400_00ul, 1, LawAnswer.Yes, null)]
    [TestCase("US", "IN", "USD", 3_000_00ul, 1, LawAnswer.No, "us.travel")]
    [TestCase("DE", "US", "EUR", 1_000_00ul, 1, LawAnswer.Yes, null)]
    [TestCase("DE", "US", "EUR", 1_000_01ul, 1, LawAnswer.No, "eu.verified")]
    [TestCase("NG", "GB", "NGN", 50_000_00ul, 1, LawAnswer.Yes, null)]
    [TestCase("CH", "IR", "CHF", 10_00ul, 3, LawAnswer.No, "fatf.countermeasures")]
    public void Together_they_answer_as_a_lawyer_would(string from, string to, string currency, ulong amount, byte tier, LawAnswer answer, string? statement)
    {
        RuleFacts facts = new(Iso3166.NumberOf(from), Iso3166.NumberOf(to), Iso4217.NumberOf(currency), amount, tier, 0, 0, (byte)Instruction.Immediate);

        LawDecision decision = RuleSetInterpreter.Judge(ShippedModules.Together(ShippedModules.Parameters, ShippedModules.ScaleOf), s_day, LawCase.First(facts));

        Assert.That((decision.Answer, decision.Decider?.Statement.Name), Is.EqualTo((answer, statement)));
    }

    private static RuleField FieldOf(LawCondition leaf) => leaf switch
    {
        LawField field => field.Field,
        LawIn list => list.Field,
        _ => RuleField.None,
    };

    private static LawMoney? MoneyOf(LawCondition leaf) => leaf switch
    {
        LawAmount amount => amount.Money,
        LawSum sum => sum.Money,
        _ => null,
    };

    private static IEnumerable<LawCondition> Leaves(LawCondition condition) => condition switch
    {
        LawNot not => Leaves(not.Inner),
        LawAll all => all.Children.SelectMany(Leaves),
        LawAny any => any.Children.SelectMany(Leaves),
        _ => [condition],
    };
}
