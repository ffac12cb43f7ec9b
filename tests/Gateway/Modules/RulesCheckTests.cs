using System.Text.Json;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>`rules check`: what it finds, what it lets stand, and how it says so.</summary>
[TestFixture]
public sealed class RulesCheckTests
{
    private RulesFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RulesFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    /// <summary>Kind, code and message of what the solver finds.</summary>
    private string[] Found(string statements, int code, params string[] others)
    {
        RulesRun.Solver();
        JsonElement said = RulesRun.Of(["check", _folder.Us(statements), .. others, "--json"]).Exits(code).Json;
        return [.. said.GetProperty("findings").EnumerateArray().Where(found => found.GetProperty("code").GetString()!.StartsWith("C5", StringComparison.Ordinal))
            .Select(found => $"{found.GetProperty("kind").GetString()} {found.GetProperty("code").GetString()} {found.GetProperty("message").GetString()} | {found.GetProperty("payment").GetString()}")];
    }

    [Test]
    public void The_modules_that_ship_are_sound_and_everything_about_them_is_proven()
    {
        RulesRun.Solver();
        RulesRun.Of("check", Repository.PathOf("gateway", "rules")).Exits(0).Says("Sound: 0 errors", "0 not proven", "questions to the solver");
    }

    [Test]
    public void A_statement_that_no_payment_meets_is_dead_and_why_is_said()
    {
        string[] found = Found(
            """
            deny us.never when src = US and src = CA cite "c"
            deny us.elsewhere when src = FR and dst = FR and currency = EUR cite "c"
            require us.always tier <= 3 cite "c"
            limit us.out_of_reach at most USD 200_000_000_000_000_000 per day cite "c"
            deny us.travel when dst = CU cite "c"
            exception us.all to us.travel allow cite "c"
            """, 1);
        Assert.That(found, Is.EquivalentTo(new[]
        {
            "error C501 us.never is dead: its condition holds for no payment that the module is asked about | ",
            "error C501 us.elsewhere is dead: its condition holds for no payment that the module is asked about | ",
            "error C501 us.always is dead: what it requires holds wherever it applies | ",
            "error C501 us.out_of_reach is dead: no payment passes its ceiling | ",
            "error C501 us.travel is dead: an exception always takes its place (us.all) | ",
        }));
    }

    [Test]
    public void A_statement_behind_another_that_always_decides_first_is_shadowed()
    {
        string[] found = Found(
            """
            require us.low tier >= 1 when amount >= USD 100 cite "c"
            require us.high tier >= 1 when amount >= USD 200 and purpose = goods cite "c"
            review us.looked_at when tier = 0 and amount >= USD 300 cite "c"
            """, 1);
        Assert.That(found, Is.EquivalentTo(new[]
        {
            "error C502 us.high never decides: us.low always decides before it | ",
            "error C502 us.looked_at never decides: us.low always decides before it | ",
        }));
    }

    [Test]
    public void What_another_modules_statement_always_decides_first_is_a_note()
    {
        string other = _folder.Write("ca.rules", "module ca version 1 effective 2026-01-01 authority \"A\" for world\ndeny ca.korea when dst = KP cite \"c\"\n");
        string[] found = Found("deny us.korea when dst = KP cite \"c\"", 0, other);
        Assert.That(found, Has.Some.StartsWith("note C503 us.korea never decides in this rule set: ca.korea always decides before it"));
    }

    [Test]
    public void Exceptions_of_one_layer_that_meet_are_told_with_a_payment_in_both()
    {
        const string Statements =
            """
            deny us.cuba when dst = CU cite "c"
            exception us.family to us.cuba allow when purpose = family_support cite "c"
            exception us.large to us.cuba review when amount >= USD 1000 cite "c"
            """;
        RulesRun.Of("check", _folder.Us(Statements)).Exits(1).Says("us.family", "us.large");
        string[] found = Found(Statements.Replace("us.cuba review", "us.cuba layer 2 review", StringComparison.Ordinal), 0);
        Assert.That(found.Where(one => one.Contains("C504", StringComparison.Ordinal)), Is.Empty, "a higher layer says which of them counts");
    }

    [Test]
    public void A_corridor_that_a_denial_closes_is_listed_and_one_that_closes_otherwise_is_a_fault()
    {
        string[] found = Found(
            """
            deny us.cuba when dst = CU cite "c"
            require us.much tier >= 3 when src = US and dst = MX and amount >= USD 0.02 cite "c"
            require us.little tier >= 2 and tier < 2 when src = US and dst = MX and amount < USD 0.02 cite "c"
            require us.nobody tier < 3 when src = US and dst = MX and amount >= USD 0.02 cite "c"
            """, 1);
        Assert.That(found, Has.Some.StartsWith("note C506 us.cuba closes corridors altogether: such as US to CU in USD"));
        string closed = found.Single(one => one.Contains("C505", StringComparison.Ordinal));
        Assert.That(closed, Does.StartWith("error C505 nothing can pass in some corridors: us.much and us.little and us.nobody together refuse every payment there; such as US to MX in USD"));
    }

    [Test]
    public void A_ceiling_of_nothing_closes_a_corridor_too()
    {
        string[] found = Found("limit us.nothing at most USD 0 per day when dst = MX cite \"c\"", 1);
        Assert.That(found, Has.Some.Contains("us.nothing refuses every payment there; such as US to MX in USD (249 of 62,001 pairs of countries, in one currency at least)"));
    }

    [Test]
    public void More_identity_that_turns_yes_into_no_is_told_with_a_payment()
    {
        string[] found = Found(
            """
            deny us.strange when tier >= 2 and amount >= USD 500.00 and purpose = goods cite "c"
            review us.curious when tier = 1 and purpose = services cite "c"
            """, 1);
        Assert.That(found, Is.SupersetOf(new[]
        {
            "error C507 more identity turns yes into no: accepted with tier 1, refused by us.strange with tier 2 | src US dst DE amount USD 500.00 tier 1 purpose goods",
            "warning C508 more identity turns yes into review: accepted with tier 0, under review by us.curious with tier 1 | src US dst DE amount USD 0.01 tier 0 purpose services",
        }));
    }

    [Test]
    public void A_larger_amount_that_escapes_a_statement_is_a_note()
    {
        string[] found = Found("deny us.band when amount >= USD 10 and amount <= USD 20 cite \"c\"\nrequire us.rising tier >= 2 when amount > USD 50 cite \"c\"", 0);
        Assert.That(found, Has.Length.EqualTo(1));
        Assert.That(found[0], Does.StartWith("note C509 a larger amount turns no into yes: this payment is refused by us.band, and USD "));
    }

    [Test]
    public void Missing_numbers_count_as_1_and_that_is_said()
    {
        string file = _folder.Us("limit us.year at most equiv USD 1000 indexed by USD.cpi per year from 04-01 cite \"c\"");
        RulesRun.Of("check", file, "--no-solver").Exits(0).Says("Taken as 1: USD.cpi, every currency's rate", "The solver's checks were left out: --no-solver.");
        RulesRun.Of("check", file, "--no-solver", "--parameter", "USD.cpi=1.02", "--parameter", "EUR.rate=1.08").Exits(0).Says("Taken as 1: every currency's rate but EUR.rate");
    }

    [Test]
    public void Days_are_told_where_the_rules_change_with_them()
    {
        const string Statements = "deny us.late when dst = MX cite \"c\" from 2027-01-01\nrequire us.tier tier >= 1 when dst = MX cite \"c\"";
        Assert.That(Found(Statements, 0), Has.Some.Contains("us.late closes corridors altogether: such as US to MX in USD on 2027-01-01"));
        Assert.That(Found(Statements, 0, "--on", "2026-06-01"), Has.None.Contains("us.late closes"));
    }

    [Test]
    public void A_treaty_binds_those_of_its_modules_that_are_there()
    {
        string other = _folder.Write("mx.rules", "module mx version 1 effective 2026-01-01 authority \"A\" for MX\nrequire mx.tier tier >= 1 cite \"c\"\n");
        string treaty = _folder.Write("t.rules",
            "treaty mx_us version 1 effective 2026-01-01 authority \"A\" between us, mx\nexception mx_us.family to us.mexico allow when purpose = family_support cite \"c\"\n");
        const string Statements = "deny us.mexico when dst = MX and src = US cite \"c\"";
        Assert.That(Found(Statements, 0, other), Has.Some.Contains("us.mexico closes corridors altogether"));
        Assert.That(Found(Statements, 0, other, treaty), Has.None.Contains("closes corridors"));
    }

    [Test]
    public void Faults_of_the_text_are_shown_where_they_stand_and_the_rest_is_left_out()
    {
        string file = _folder.Us("deny us.a whn dst = MX cite \"c\"");
        RulesRun.Of("check", file).Exits(1).Says($"{file}:2:11: error E210:", "whn", "Checks of the modules together were left out", "Not sound");
        JsonElement said = RulesRun.Of("check", file, "--json").Exits(1).Json;
        Assert.That(said.GetProperty("sound").GetBoolean(), Is.False);
        Assert.That(said.GetProperty("findings")[0].GetProperty("line").GetInt32(), Is.EqualTo(2));
    }

    [Test]
    public void A_test_that_fails_is_a_fault() => RulesRun.Of("check", "--no-solver", _folder.Us(
        "deny us.a when dst = MX cite \"c\"\ntest \"no\" { src US dst MX amount USD 1 } => yes")).Exits(1).Says("error C102");

    [Test]
    public void Unusable_words_are_one_sentence_and_exit_code_2()
    {
        string file = _folder.Us("deny us.a when dst = MX cite \"c\"");
        RulesRun.Of("check", _folder.Path + "/none.rules").Exits(2).Says("there is no such file");
        RulesRun.Of("check", file, "--parameter", "USD").Exits(2).Says("--parameter 'USD': a currency, a name and a value are expected");
        RulesRun.Of("check", file, "--parameter", "USX.rate=1").Exits(2).Says("no currency of ISO 4217");
        RulesRun.Of("check", file, "--parameter", "USD.rate=1.0000000001").Exits(2).Says("at most 9 digits");
        RulesRun.Of("check", file, "--parameter", "USD.rate=1", "--parameter", "USD.rate=2").Exits(2).Says("is there twice, with two values");
        RulesRun.Of("check", file, "--seconds", "0").Exits(2).Says("--seconds 0: expected");
        RulesRun.Of("check", file, "--on", "yesterday").Exits(2).Says("expected a date");
        RulesRun.Of("check", Directory.CreateDirectory(_folder.Path + "/empty").FullName).Exits(2).Says("no file in this folder ends in .rules");
    }

    [Test]
    public void Two_versions_of_a_module_must_not_be_in_force_on_one_day()
    {
        string file = _folder.Us("deny us.a when dst = MX cite \"c\"");
        string next = _folder.Write("next.rules", File.ReadAllText(file).Replace("version 1 effective 2026-01-01", "version 2 effective 2027-01-01", StringComparison.Ordinal));
        RulesRun.Of("check", "--no-solver", file, next).Exits(1).Says("error C107");
        string ended = _folder.Write("ended.rules", File.ReadAllText(file).Replace("2026-01-01", "2026-01-01 until 2027-01-01", StringComparison.Ordinal));
        RulesRun.Of("check", "--no-solver", ended, next).Exits(0);
    }

    [Test]
    public void Without_the_library_the_solvers_checks_say_so_and_the_rest_runs()
    {
        RuleFiles files = RuleFiles.Read([_folder.Us("deny us.a when src = US and src = CA cite \"c\"")]);
        CheckReport report = CheckCommand.Check(files, RuleParameters.None, null, null, "there is no libz3", SolverCheck.Budget(1));
        using StringWriter output = new();
        report.Write(output);
        Assert.That(output.ToString(), Does.Contain("left out: there is no libz3").And.Contain("C201"), "what needs no solver is told");
        Assert.That(report.IsSound, Is.False);
    }
}
