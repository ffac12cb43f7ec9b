using System.Diagnostics;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Governance;

/// <summary>The language behind governance: the shipped modules are checked, built, held against the interpreter, and put in force.</summary>
internal sealed class LawCompilerTests
{
    private const string Us = """
        module us version 1 effective 2026-01-01 until 2027-01-01 authority "a test" for US
        deny us.closed when src = US and dst = IN illustrative "closed"
        deny us.later when src = US and dst = DE illustrative "later" from 2026-06-01
        limit us.year at most EUR 1000 per year from 04-01 when src = US illustrative "a year"
        test "closed" { src US dst IN amount EUR 1 } => no us.closed
        test "open" { src US dst GB amount EUR 1 } => yes
        test "not yet" { src US dst DE amount EUR 1 } => yes
        test "later" { src US dst DE amount EUR 1 on 2026-06-01 } => no us.later
        test "year" { src US dst GB amount EUR 1000.01 } => no us.year
        """;

    private static readonly LawInputs s_none = new([], [], [], [(978, 2), (840, 2)]);

    [Test]
    public void A_text_that_holds_its_checks_is_sound_and_says_what_it_is()
    {
        LawCheck check = LawCompiler.Shared.Check(s_none, Text(Us));
        Assert.That((check.Fault, check.Name, check.Version), Is.EqualTo(((string?)null, "us", 1u)));
        Assert.That(LawCompiler.Shared.Check(s_none, Text(Us.Replace("1000.01", "1000.00", StringComparison.Ordinal))).Fault, Does.Contain("line 9"));
        Assert.That(LawCompiler.Shared.Check(s_none, Text("module us")).Fault, Does.Contain("error"));
    }

    [Test]
    public void No_module_makes_itself_the_law_of_anothers_country_or_currency()
    {
        var inForce = new LawInputs([Text(Us)], [], [], s_none.Currencies);
        static LawText France(string scope) => new("fr", 1, Encoding.UTF8.GetBytes($"module fr version 1 effective 2026-01-01 authority \"a test\" for {scope}\ndeny fr.all when amount > EUR 1 illustrative \"a test\"\n"
            + "test \"at\" { src FR dst FR amount EUR 1 } => yes\ntest \"above\" { src FR dst FR amount EUR 1.01 } => no fr.all\n"));
        Assert.That(LawCompiler.Shared.Check(inForce, France("FR")).Fault, Is.Null);
        Assert.That(LawCompiler.Shared.Check(inForce, France("{ FR, US }")).Fault, Does.Contain("US is a country of module us"));
        Assert.That(LawCompiler.Shared.Check(inForce, France("FR currencies { USD }")).Fault, Does.Contain("USD is a currency of module us"));
    }

    [Test]
    public void A_version_is_not_put_in_force_before_its_day()
    {
        using var ledger = new GovernanceLedger(compiler: LawCompiler.Shared);
        ulong july = (ulong)Calendar.DayOf(2026, 7, 1) * Limits.NsPerDay;
        const string Later = """
            module us version 1 effective 2026-07-01 authority "a test" for US
            deny us.closed when src = US and dst = IN illustrative "closed"
            test "closed" { src US dst IN amount EUR 1 } => no us.closed
            test "open" { src US dst GB amount EUR 1 } => yes
            """;
        GovernanceLedger.Expect(ledger.Propose(ProposalPayload.OfText("us", 1, Later), "us1"));
        ledger.VoteAll("us");
        GovernanceLedger.Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 10)), Verdict.InvalidValue);
        GovernanceLedger.Expect(ledger.Schedule(ActivationPoint.AtTime(july - 1)), Verdict.InvalidValue);
        GovernanceLedger.Expect(ledger.Schedule(ActivationPoint.AtTime(july)));
    }

    /// <summary>A date may end limits in some years and begin others: there is no room for both to be counted at one time, and there need not be.</summary>
    [Test]
    public void A_date_that_brings_other_years_than_it_ends_stops_nothing()
    {
        using var ledger = new GovernanceLedger(reloads: true, compiler: LawCompiler.Shared);
        var text = new StringBuilder("module us version 1 effective 2026-01-01 authority \"a test\" for US\n");
        for (int month = 1; month <= 6; month++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"limit us.l{month} at most EUR {month}00 per year from 0{month}-01 when src = US and dst = IN illustrative \"a test\" {(month <= 3 ? "until" : "from")} 2026-01-16\n");
        GovernanceLedger.Expect(ledger.Propose(ProposalPayload.OfText("us", 1, text.ToString()), "us1"));
        ledger.VoteAll("us");
        GovernanceLedger.Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 3)));
        ledger.AttestAll();
        ledger.Pay(GovernanceLedger.WalletDe, GovernanceLedger.WalletUs);
        ledger.Pay(GovernanceLedger.WalletDe, GovernanceLedger.WalletUs);
        ledger.AttestAll();
        GovernanceLedger.Expect(ledger.Pay(GovernanceLedger.WalletUs, GovernanceLedger.WalletIn, 10_001), Verdict.LimitExceeded);
        ledger.Wait(14 * Limits.NsPerHour); // it is 16 January
        GovernanceLedger.Expect(ledger.Pay(GovernanceLedger.WalletUs, GovernanceLedger.WalletIn, 40_001), Verdict.LimitExceeded);
        GovernanceLedger.Expect(ledger.Pay(GovernanceLedger.WalletUs, GovernanceLedger.WalletIn, 40_000));
    }

    [Test]
    public void A_build_has_the_days_plan_its_origins_and_when_it_changes()
    {
        int may = Calendar.DayOf(2026, 5, 1);
        LawBuild build = LawCompiler.Shared.Build(new LawInputs([Text(Us)], [], [], s_none.Currencies), may);
        Assert.That((build.Fault, build.NextChangeDay), Is.EqualTo(((string?)null, (int?)Calendar.DayOf(2026, 6, 1))));
        Assert.That(build.Origins.Select(origin => origin.Law), Is.All.EqualTo("us"));
        Assert.That(build.Plan!.YearStarts.ToArray(), Is.EqualTo((LimitWindow[])[LimitWindow.YearFrom(4, 1)]));
    }

    /// <summary>A plan that answers otherwise than the law is found out: here that of another day.</summary>
    [Test]
    public void A_wrong_plan_does_not_pass_the_self_check()
    {
        Assert.That(LawCompiler.TryRead(new LawInputs([Text(Us)], [], [], s_none.Currencies), out RuleSet? rules, out _), Is.True);
        int june = Calendar.DayOf(2026, 6, 1);
        Assert.That(RuleSetLowering.TryLower(rules!, june - 1, out LoweredRules? may, out _), Is.True);
        RulePlan plan = RulePlan.Build(may!.Table, Iso4217.OwnerCountry);
        Assert.That(PlanSelfCheck.Fault(rules!, june - 1, may, plan), Is.Null);
        Assert.That(PlanSelfCheck.Fault(rules!, june, may, plan), Does.Contain("us.later"));
    }

    [Test]
    public void The_shipped_modules_are_built_and_swapped_in()
    {
        LawInputs shipped = Shipped();
        int day = Calendar.DayOf(2026, 7, 1);
        var watch = Stopwatch.StartNew();
        LawBuild build = LawCompiler.Shared.Build(shipped, day);
        TimeSpan built = watch.Elapsed;
        Assert.That(build.Fault, Is.Null);
        Assert.That(build.Origins.Select(origin => origin.Law).Distinct().Count(), Is.GreaterThan(8));

        using var sums = new SumTable(1 << 16);
        sums.Activate(build.Plan!);
        for (int row = 1; row <= 1 << 16; row++)
            sums.Add(sums.Take(), 1, (ulong)day * Limits.NsPerDay);
        var swaps = new List<double>();
        for (int round = 0; round < 1_000; round++)
        {
            watch.Restart();
            sums.Await([LimitWindow.YearFrom((byte)(1 + (round % 12)), 5)]);
            sums.Activate(build.Plan!);
            swaps.Add(watch.Elapsed.TotalMicroseconds);
        }

        swaps.Sort();
        TestContext.Out.WriteLine($"{build.Plan!.Table.Rules.Length} rules built and checked in {built.TotalMilliseconds:F0} ms; a swap takes {swaps[500]:F1} us (median), {swaps[^1]:F1} us at most, {sums.RowsUsed} sum rows in use");
    }

    private static LawInputs Shipped()
    {
        var modules = new List<LawText>();
        var treaties = new List<TreatyText>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "gateway", "rules"), "*.rules").Order(StringComparer.Ordinal))
        {
            ModuleReading reading = ModuleReader.Read(File.ReadAllText(file), file);
            LawModule module = reading.Module ?? throw new InvalidOperationException(reading.Report());
            var text = new LawText(module.Name, module.Version, File.ReadAllBytes(file));
            if (module.IsTreaty)
                treaties.Add(new TreatyText(text, module.Between));
            else
                modules.Add(text);
        }

        (ushort, byte)[] currencies = [(978, 2), (840, 2), (826, 2), (756, 2), (356, 2), (156, 2), (392, 0), (986, 2)];
        return new LawInputs(modules, treaties, [.. currencies.Select(currency => (ParameterName.RateOf(currency.Item1), ParameterName.One))], currencies);
    }

    private static LawText Text(string text) => new("us", 1, Encoding.UTF8.GetBytes(text));
}
