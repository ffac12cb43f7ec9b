using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class ModuleCheckTests
{
    private const string Tail = "illustrative \"test\"";

    private static RuleSet Beside(params LawModule[] modules) => Beside(new Dictionary<ParameterName, ulong>(), modules);

    private static RuleSet Beside(Dictionary<ParameterName, ulong> parameters, params LawModule[] modules) => new(
        [.. modules.Where(one => !one.IsTreaty)], [.. modules.Where(one => one.IsTreaty).Select(one => new BoundTreaty(one, one.Between))],
        parameters, currency => Math.Max(Iso4217.ScaleOf(currency), 0));

    private static ModuleFault[] Check(string text, RuleSet? beside = null, int? today = null) =>
        [.. ModuleCheck.Check(beside ?? Beside(), LawModules.Read(text), today)];

    private static string[] Codes(IEnumerable<ModuleFault> faults) => [.. faults.Select(fault => fault.Code)];

    [Test]
    public void A_module_with_tests_at_both_sides_of_everything_has_no_faults()
    {
        ModuleFault[] faults = Check("""
            class @poor = { US } illustrative "test"
            deny us.sanctions when dst in { KP, IR } illustrative "test"
            require us.travel tier >= 2 when amount >= USD 3000 illustrative "test"
            limit us.day tier 0 at most USD 50, tier 1 at most USD 100, tier 2 at most none, tier 3 at most none per day adapts to @poor at 50% illustrative "test"
            test "sanctioned" { src US dst KP amount USD 1 tier 2 } => no us.sanctions
            test "below" { src US dst DE amount USD 2999.99 tier 1 } => no us.day
            test "below from abroad" { src DE dst US amount USD 2999.99 tier 3 } => yes
            test "travel missed" { src DE dst US amount USD 3000 tier 2 } => yes
            test "at" { src DE dst US amount USD 3000 tier 1 } => no us.travel
            test "just below" { src DE dst US amount USD 2999.99 tier 1 } => no us.day
            test "day 0 at" { src DE dst US amount USD 20 tier 0 spent day USD 30 } => yes
            test "day 0 above" { src DE dst US amount USD 20.01 tier 0 spent day USD 30 } => no us.day
            test "day 1 at" { src DE dst US amount USD 20 tier 1 spent day USD 80 } => yes
            test "day 1 above" { src DE dst US amount USD 20.01 tier 1 spent day USD 80 } => no us.day
            test "day 1 poor at" { src US dst DE amount USD 20 tier 1 spent day USD 30 } => yes
            test "day 1 poor above" { src US dst DE amount USD 20.01 tier 1 spent day USD 30 } => no us.day
            """);

        Assert.That(faults.Select(fault => fault.ToString()), Is.Empty);
    }

    [TestCase("when dst in { IN, CN }", "when dst in { CN, JP }", "layer 1", true)]
    [TestCase("when dst in { IN, CN }", "when dst in { GB, JP }", "layer 1", false)]
    [TestCase("when dst in { IN, CN }", "when dst in { CN, JP }", "layer 2", false)]
    [TestCase("when amount < USD 10.005", "when amount > USD 10", "", false)]
    [TestCase("when amount <= USD 10.01", "when amount > USD 10", "", true)]
    [TestCase("when sum(payer, month) + amount > USD 500", "when not sum(payer, month) + amount > USD 500", "", false)]
    [TestCase("when sum(payer, month) + amount > USD 500", "when not sum(payer, day) + amount > USD 500", "", true)]
    public void Two_exceptions_of_one_layer_may_not_meet(string first, string second, string layer, bool meet)
    {
        ModuleFault[] faults = Check($"""
            require us.travel tier >= 2 when src = US {Tail}
            exception us.one to us.travel allow {first} {Tail}
            exception us.two to us.travel {layer} require tier >= 3 {second} {Tail}
            """);

        ModuleFault[] found = [.. faults.Where(fault => fault.Code == CheckCode.ExceptionsOverlap)];
        Assert.That(found, Has.Length.EqualTo(meet ? 1 : 0), string.Join('\n', faults.Select(fault => fault.ToString())));
        if (meet)
            Assert.That(found[0].Message, Does.StartWith("us.two and us.one, both exceptions to us.travel in layer 1, can apply at once, for example to a payment of"));
        if (meet && first.Contains("CN", StringComparison.Ordinal))
            Assert.That(found[0].Message, Does.Contain("from US to CN"));
    }

    [Test]
    public void Exceptions_of_two_treaties_may_not_meet_either()
    {
        LawModule us = LawModules.Read($"require us.travel tier >= 2 {Tail}");
        LawModule japan = LawModules.Read($"module jp version 1 effective 2026-01-01 authority \"test\" for JP\nrequire jp.travel tier >= 2 {Tail}");
        static string Treaty(string name, string when) => $"treaty {name} version 1 effective 2026-01-01 authority \"test\" between us, jp\n" +
            $"exception {name}.spared to us.travel, jp.travel allow when {when} {Tail}";
        LawModule old = LawModules.Read(Treaty("a", "purpose = medical"));

        Assert.That(Codes(Check(Treaty("b", "payer is person"), Beside(us, japan, old))), Does.Contain(CheckCode.ExceptionsOverlap));
        Assert.That(Codes(Check(Treaty("b", "purpose = goods"), Beside(us, japan, old))), Does.Not.Contain(CheckCode.ExceptionsOverlap));
        Assert.That(Codes(Check(Treaty("a", "payer is person"), Beside(us, japan, old))), Does.Not.Contain(CheckCode.ExceptionsOverlap), "it takes the old one's place");
    }

    [Test]
    public void A_test_that_fails_says_what_was_decided_instead_and_why()
    {
        ModuleFault[] faults = [.. Check($$"""
            require us.travel tier >= 2 when amount >= USD 3000 {{Tail}}
            exception us.medical to us.travel allow when purpose = medical {{Tail}}
            test "satisfied" { src US dst DE amount USD 3000 tier 2 } => no us.travel
            test "not applied" { src US dst DE amount USD 2999.99 } => no us.travel
            test "replaced" { src US dst DE amount USD 3000 purpose medical } => no us.travel
            test "decided" { src US dst DE amount USD 3000 tier 1 } => yes
            """).Where(fault => fault.IsError)];

        Assert.That(faults.Select(fault => $"{fault.Code} {fault.Message}\n{fault.Hint}"), Is.EqualTo((string[])
        [
            "C102 the test \"satisfied\" expects no us.travel, and the module says yes\nus.travel asks `amount >= USD 3000` and sees amount USD 3000.00; `tier >= 2` and sees tier 2",
            "C102 the test \"not applied\" expects no us.travel, and the module says yes\nus.travel does not apply to this payment: its conditions or its scope do not hold",
            "C102 the test \"replaced\" expects no us.travel, and the module says yes\nus.travel gives way to us.medical",
            "C102 the test \"decided\" expects yes, and the module says no us.travel\nus.travel asks `amount >= USD 3000` and sees amount USD 3000.00",
        ]));
    }

    [Test]
    public void A_test_is_about_the_module_alone_with_its_own_parameters_on_its_own_day()
    {
        LawModule other = LawModules.Read($"module fatf version 1 effective 2026-01-01 authority \"test\" for world\ndeny fatf.all {Tail}");
        string[] codes = Codes(Check($$"""
            require us.travel tier >= 2 when amount >= equiv USD 3000 from 2026-06-01 {{Tail}}
            test "not yet" { src US dst DE amount USD 3000 on 2026-05-31 } => yes
            test "from then on" { src US dst DE amount USD 3000 on 2026-06-01 } => no us.travel
            test "converted, at" { src US dst DE amount EUR 2400 on 2026-06-01 parameter EUR.rate 1.25 parameter USD.rate 1 } => no us.travel
            test "converted, below" { src US dst DE amount EUR 2399.99 on 2026-06-01 parameter EUR.rate 1.25 parameter USD.rate 1 } => yes
            test "a missing rate opens no door" { src US dst DE amount EUR 0.01 on 2026-06-01 } => no us.travel
            """, Beside(other)));

        Assert.That(codes, Is.EqualTo((string[])[CheckCode.NumberMissing]));
    }

    [TestCase("amount USD 1.005", "more than the 2 digits")]
    [TestCase("amount USD 200000000000000000", "more than an account can hold")]
    public void A_test_of_a_payment_that_cannot_be_is_no_test(string amount, string expected)
    {
        ModuleFault fault = Check($"deny us.all {Tail}\ntest \"odd\" {{ src US dst DE {amount} }} => no us.all").Single(one => one.IsError);

        Assert.That(fault.Code, Is.EqualTo(CheckCode.TestAmount));
        Assert.That(fault.Message, Does.Contain(expected));
    }

    [Test]
    public void What_no_rule_table_can_say_is_an_error_with_its_statement()
    {
        // Thirty-two deep as the text has it, and one deeper with the module's scope around it.
        string deep = "tier = 1";
        for (int i = 0; i < 30; i++)
            deep = i % 2 == 0 ? $"(amount > USD {100 + i} or {deep})" : $"(level != {i} and {deep})";
        string years = string.Concat(Enumerable.Range(1, 5).Select(month =>
            $"limit us.year{month} at most USD 100 per year from 0{month}-01 {Tail}\n"));
        ModuleFault fault = Check(years).Single(one => one.IsError);

        Assert.That(fault.Code, Is.EqualTo(CheckCode.NotLowerable));
        Assert.That(fault.Message, Does.Contain("5 different years"));
        fault = Check($"deny us.deep when amount > USD 200 or {deep} {Tail}").Single(one => one.IsError);
        Assert.That((fault.Code, fault.Message), Is.EqualTo((CheckCode.NotLowerable,
            "us.deep: with its exceptions its condition is 33 deep: at most 32 fit; write it flatter")));
        Assert.That(Check($"deny us.deep when {deep} {Tail}").Where(one => one.IsError), Is.Empty);
    }

    [TestCase("deny us.both when sum(payer, day) + amount > USD 100 and sum(payer, month) + amount > USD 500", "two sums at once")]
    [TestCase("require us.less tier >= 1 when not sum(payer, day) + amount > USD 100 and amount > USD 5", "treated better")]
    [TestCase("review us.less when not sum(payer, day) + amount > USD 100", "treated better")]
    [TestCase("limit us.both at most USD 100 per day when sum(payer, month) + amount > USD 500", "two sums at once")]
    [TestCase("deny us.all\nexception us.spared to us.all allow when sum(payer, day) + amount > USD 100", "treated better")]
    [TestCase("limit us.low at most USD 50 per day\nexception us.mild to us.low limit at most USD 10 per day when not sum(payer, day) + amount > USD 100", "behind it")]
    [TestCase("review us.look\nexception us.mild to us.look review within 1 hours when sum(payer, day) + amount > USD 100 and not sum(payer, day) + amount > USD 500", "behind it")]
    public void Sums_that_are_needed_together_or_treat_more_better_are_errors_with_an_example(string statement, string expected)
    {
        ModuleFault fault = Check(statement.Replace("\n", $" {Tail}\n", StringComparison.Ordinal) + " " + Tail).Single(one => one.IsError);

        Assert.That(fault.Code, Is.EqualTo(CheckCode.SumsEntangled), fault.Message);
        Assert.That(fault.Message, Does.Contain(expected).And.Contain("for example a payment of USD"));
    }

    [TestCase("deny us.one when sum(payer, day) + amount > USD 100 or sum(payer, month) + amount > USD 500")]
    [TestCase("deny us.nested when sum(payer, day) + amount > USD 100 and (tier = 0 or sum(payer, day) + amount > USD 500)")]
    [TestCase("limit us.same at most USD 500 per day when sum(payer, day) + amount > USD 100")]
    [TestCase("require us.more tier >= 2 when sum(payer, day) + amount > USD 100\nexception us.most to us.more require tier >= 3 when sum(payer, day) + amount > USD 500")]
    [TestCase("limit us.low at most USD 5 per day\nexception us.high to us.low deny when sum(payer, month) + amount > USD 100")]
    [TestCase("limit us.low at most USD 5 per day\nexception us.high to us.low deny when sum(payer, day) + amount > USD 100")]
    [TestCase("limit us.low at most USD 50 per day\nexception us.mild to us.low review when not sum(payer, day) + amount > USD 100")]
    [TestCase("require us.all tier >= 2\nexception us.some to us.all require tier >= 1 when not sum(payer, day) + amount > USD 100")]
    [TestCase("review us.look when src = US\nexception us.refused to us.look deny when sum(payer, day) + amount > USD 500")]
    public void Sums_that_follow_from_one_each_are_none(string statement) =>
        Assert.That(Check(statement.Replace("\n", $" {Tail}\n", StringComparison.Ordinal) + " " + Tail).Where(one => one.IsError).Select(one => one.Message), Is.Empty);

    [Test]
    public void A_treaty_needs_its_modules_and_their_statements()
    {
        LawModule us = LawModules.Read($"require us.travel tier >= 2 {Tail}");
        LawModule japan = LawModules.Read($"module jp version 1 effective 2026-01-01 authority \"test\" for JP\nrequire jp.travel tier >= 2 {Tail}");
        string treaty = $"treaty us_jp version 1 effective 2026-01-01 authority \"test\" between us, jp\nexception us_jp.spared to us.travel, jp.travels allow {Tail}";
        ModuleFault alone = Check(treaty, Beside(us)).First(fault => fault.IsError);
        ModuleFault misspelt = Check(treaty, Beside(us, japan)).First(fault => fault.IsError);
        ModuleFault gone = Check($"require us.travelling tier >= 2 {Tail}", Beside(us, japan, LawModules.Read(treaty)))
            .First(fault => fault.Code == CheckCode.TreatyTargetGone);

        Assert.Multiple(() =>
        {
            Assert.That((alone.Code, alone.Message), Is.EqualTo((CheckCode.TreatyWithout, "the treaty is between jp and others, and there is no module jp")));
            Assert.That((misspelt.Code, misspelt.Hint), Is.EqualTo((CheckCode.TreatyWithout, "did you mean `jp.travel`?")));
            Assert.That(gone.Message, Does.Contain("us_jp.spared of the treaty us_jp is an exception to us.travel"));
        });
    }

    [Test]
    public void Statements_that_can_never_bite_are_told()
    {
        ModuleFault[] dead = [.. Check($$"""
            deny us.never when src = DE and dst = DE and currency = GBP {{Tail}}
            deny us.amounts when amount > USD 10 and amount <= EUR 20 {{Tail}}
            require us.there tier >= 1 when tier >= 2 {{Tail}}
            limit us.huge at most USD 184467440737095516.15 per day {{Tail}}
            deny us.alive when src = DE and currency = GBP {{Tail}}
            deny us.later when tier = 1 from 2027-01-01 {{Tail}}
            exception us.idle to us.later allow when tier = 2 {{Tail}}
            exception us.over to us.alive layer 2 allow when tier >= 1 {{Tail}}
            exception us.under to us.alive review when tier = 3 {{Tail}}
            """).Where(fault => fault.Code == CheckCode.Dead)];

        Assert.That(dead.Select(fault => fault.Message.Split(' ')[0]), Is.EqualTo((string[])["us.never", "us.amounts", "us.there", "us.huge", "us.idle", "us.under"]));
        Assert.That(dead[^1].Message, Is.EqualTo("us.under can never hold a payment: no payment meets its conditions together with those of its target"));
    }

    [Test]
    public void What_tests_leave_open_is_told()
    {
        ModuleFault[] faults = Check($$"""
            deny us.untested when dst = KP {{Tail}}
            deny us.always when dst = IR or dst = DE {{Tail}}
            require us.travel tier >= 2 when amount > USD 3000 {{Tail}}
            test "a" { src US dst IR amount USD 3000.02 } => no us.always
            test "b" { src US dst DE amount USD 3000.00 } => no us.always
            """);

        Assert.That(faults.Select(fault => $"{fault.Code} {fault.Message}"), Is.EqualTo((string[])
        [
            "C202 us.untested refuses a payment in no test",
            "C202 us.always refuses a payment in every test",
            "C203 us.travel: no test stands at `amount > USD 3000` and is decided by it",
        ]));
    }

    [Test]
    public void A_number_without_a_value_and_a_window_that_has_begun_are_told()
    {
        const string Text = """
            require us.travel tier >= 2 when amount > equiv USD 3000 or amount >= USD 5000 indexed by USD.cpi illustrative "test"
            limit us.year at most USD 100 per year from 04-06 illustrative "test"
            limit us.month at most USD 100 per month illustrative "test"
            """;
        Dictionary<ParameterName, ulong> parameters = new() { [ParameterName.RateOf(840)] = ParameterName.One, [new ParameterName(840, "cpi")] = ParameterName.One };
        LawModule before = LawModules.Read(Text);
        static string[] Of(ModuleFault[] faults, string code) => [.. faults.Where(fault => fault.Code == code).Select(fault => fault.Message.Split(':')[0])];
        int day = Calendar.DayOf(2026, 1, 1);

        Assert.Multiple(() =>
        {
            Assert.That(Of(Check(Text), CheckCode.NumberMissing), Is.EqualTo((string[])["USD.rate has no value", "the index USD.cpi has no value"]));
            Assert.That(Of(Check(Text, Beside(parameters)), CheckCode.NumberMissing), Is.Empty);
            Assert.That(Of(Check(Text), CheckCode.WindowBegun), Is.EqualTo((string[])
                ["us.year sums over a year from 04-06, and the one of its first day, 2026-01-01, began on 2025-04-06"]));
            Assert.That(Of(Check(Text, today: Calendar.DayOf(2025, 4, 6)), CheckCode.WindowBegun), Is.Empty, "it counts from the window's first day on");
            Assert.That(Of(Check(Text, today: Calendar.DayOf(2025, 4, 7)), CheckCode.WindowBegun), Has.Length.EqualTo(1));
            Assert.That(Of(Check(Text, today: day + 40), CheckCode.WindowBegun), Has.Length.EqualTo(1), "a month that begins with it is whole");
            Assert.That(Of(Check(Text, Beside(before)), CheckCode.WindowBegun), Is.Empty, "the version before counts already");
        });
    }

    [Test]
    public void Versions_of_one_module_may_not_be_in_force_together()
    {
        static LawModule Version(int version, string from, string until = "") => LawModules.Read(
            $"module us version {version} effective {from} {until} authority \"test\" for US\ndeny us.all {Tail}");
        string[] Messages(params LawModule[] versions) => [.. ModuleCheck.CheckVersions(versions).Select(one => one.Fault.Message)];

        Assert.Multiple(() =>
        {
            Assert.That(Messages(Version(2, "2027-01-01"), Version(1, "2026-01-01", "until 2027-01-01")), Is.Empty);
            Assert.That(Messages(Version(2, "2027-01-01"), Version(1, "2026-01-01", "until 2027-01-02")), Is.EqualTo((string[])
                ["us version 1 is still in force on 2027-01-01, when us version 2 begins"]));
            Assert.That(Messages(Version(1, "2026-01-01"), Version(1, "2027-01-01")), Is.EqualTo((string[])["version 1 of us is given twice"]));
        });
    }

    [Test]
    public void More_days_than_are_looked_at_are_told()
    {
        string text = string.Concat(Enumerable.Range(1, 35).Select(day =>
            $"deny us.from{day} when tier = 0 from {DateOnly.FromDayNumber(739_616 + day):yyyy-MM-dd} {Tail}\n"));

        Assert.That(Codes(Check(text)), Does.Contain(CheckCode.NotAllChecked));
    }

    [Test]
    public void The_same_text_is_told_the_same()
    {
        LawModule[] all = Shipped();
        RuleSet rules = Beside(all);
        LawModule us = all.Single(one => one.Name == "us");

        IReadOnlyList<ModuleFault> first = ModuleCheck.Check(rules, us);
        Assert.That(ModuleCheck.Check(rules, us), Is.EqualTo(first));
    }

    [Test]
    public void Shipped_modules_stand_together()
    {
        LawModule[] all = Shipped();
        Dictionary<ParameterName, ulong> parameters = [];
        foreach (ushort currency in (ushort[])[840, 978, 826, 756, 356, 156, 392, 986])
            parameters[ParameterName.RateOf(currency)] = ParameterName.One;
        RuleSet rules = new([.. all.Where(one => !one.IsTreaty)], [.. all.Where(one => one.IsTreaty).Select(one => new BoundTreaty(one, one.Between))],
            parameters, currency => parameters.ContainsKey(ParameterName.RateOf(currency)) ? Iso4217.ScaleOf(currency) : all.SelectMany(Currencies).Contains(currency) ? 2 : -1);

        foreach (LawModule module in all)
            Assert.That(ModuleCheck.Check(rules, module).Where(fault => fault.Code != CheckCode.NumberMissing).Select(fault => fault.ToString()), Is.Empty, module.Name);
    }

    /// <summary>Those of its tests' amounts, which a ledger that judges by it has.</summary>
    private static IEnumerable<ushort> Currencies(LawModule module) => module.Tests.Select(test => test.Amount.Currency);

    private static LawModule[] Shipped() => [.. Directory.GetFiles(Path.Combine(Repository.Root, "gateway", "rules"), "*.rules").Order(StringComparer.Ordinal)
        .Select(file => ModuleReader.Read(File.ReadAllBytes(file), file).Module!)];
}
