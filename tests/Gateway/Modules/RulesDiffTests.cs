using System.Text.Json;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>`rules diff`: every way in which payments are treated differently, with a payment for each.</summary>
[TestFixture]
public sealed class RulesDiffTests
{
    private RulesFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RulesFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    private RulesRun Diff(string old, string renewed, params string[] words)
    {
        RulesRun.Solver();
        return RulesRun.Of(["diff", _folder.Us(old, "old.rules"), _folder.Us(renewed, "new.rules"), .. words]);
    }

    private const string Travel = "require us.travel tier >= 2 when src = US and amount >= USD 3000.00 cite \"31 CFR 1010.410(f)\"";

    [Test]
    public void A_threshold_one_cent_higher_lets_one_amount_through()
    {
        RulesRun run = Diff(Travel, Travel.Replace("3000.00", "3000.01", StringComparison.Ordinal)).Exits(1);
        Assert.That(run.Output, Is.EqualTo(
            """
            us version 1, another text

            1. no by us.travel → yes: no longer refused
               payment: src US dst DE amount USD 3000.00 tier 0 on 2026-01-01 (this amount only)
               before:  us.travel requires tier >= 2, when src = US and amount >= USD 3000.00 [31 CFR 1010.410(f)]

            Payments are treated differently in 1 way; there is no other (proven).

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void More_than_for_at_least_lets_one_amount_through() => Diff(Travel, Travel.Replace(">= USD", "> USD", StringComparison.Ordinal)).Exits(1)
        .Says("no by us.travel → yes", "amount USD 3000.00 tier 0", "(this amount only)", "there is no other (proven)");

    [Test]
    public void A_ceiling_one_cent_lower_refuses_what_meets_it()
    {
        const string Limit = "limit us.day at most USD 100.00 per day cite \"c\"";
        Diff(Limit, Limit.Replace("100.00", "99.99", StringComparison.Ordinal)).Exits(1).Says("yes → no by us.day: refused now", "payment: src US dst DE amount USD 100.00 tier 0 on 2026-01-01 (this amount only)");
    }

    [Test]
    public void A_sum_one_cent_higher_shows_by_a_payment_behind_others()
    {
        const string Sum = "require us.ctr tier >= 3 when sum(payer, day) + amount > USD 10_000 and amount < USD 100 cite \"c\"";
        Diff(Sum, Sum.Replace("10_000", "10_000.01", StringComparison.Ordinal)).Exits(1).Says("no by us.ctr → yes", "amount USD 0.01 tier 0 spent day USD 10000.00");
    }

    [Test]
    public void Comments_spaces_order_of_conditions_and_tests_are_no_difference()
    {
        Diff(Travel, "# a comment\nrequire us.travel not tier < 2\n when amount >= USD 3_000 and src in { US } cite \"other words\"\ntest \"t\" { src US dst DE amount USD 1 } => yes").Exits(0)
            .Says("No payment is treated differently (proven).");
        RulesRun.Of("diff", "--no-solver", _folder.PathOf("old.rules"), _folder.PathOf("old.rules")).Exits(0).Says("us version 1: the same text", "(proven)");
    }

    [Test]
    public void Another_statement_that_decides_a_review_and_how_long_it_holds_are_differences()
    {
        Diff(Travel, Travel.Replace("us.travel", "us.journey", StringComparison.Ordinal)).Exits(1).Says("no by us.travel → no by us.journey: refused as before, by another statement");
        const string Review = "review us.look within 2 days when dst = MX cite \"c\"";
        Diff(Review, Review.Replace("2 days", "47 hours", StringComparison.Ordinal)).Exits(1).Says("review by us.look within 2 days → review by us.look within 47 hours: under review as before, for another time");
        Diff(Review, "deny us.look when dst = MX cite \"c\"").Exits(1).Says("review by us.look within 2 days → no by us.look: refused now");
        Diff("", Review).Exits(1).Says("yes → review by us.look within 2 days: under review now");
    }

    [Test]
    public void What_changes_for_captures_and_refunds_alone_is_found()
    {
        // Both refuse the same payments, but captures and refunds are asked by denials alone.
        Diff("deny us.cuba when dst = CU cite \"c\"", "require us.cuba tier >= 1 and tier < 1 when dst = CU cite \"c\"").Exits(1)
            .Says("no by us.cuba → yes", "instruction capture", "there is no other (proven)");
    }

    [Test]
    public void Days_count_too()
    {
        const string Late = "deny us.cuba when dst = CU cite \"c\" from 2027-01-01";
        Diff(Late, Late.Replace("2027-01-01", "2027-01-02", StringComparison.Ordinal)).Exits(1).Says("no by us.cuba → yes", "on 2027-01-01");
        Diff(Late, Late.Replace("2027-01-01", "2027-01-02", StringComparison.Ordinal), "--on", "2027-01-02").Exits(0);
    }

    [Test]
    public void A_new_version_is_compared_from_the_day_on_which_it_takes_effect()
    {
        RulesRun.Solver();
        string old = _folder.Us(Travel, "old.rules");
        string renewed = _folder.Write("new.rules", File.ReadAllText(old).Replace("version 1 effective 2026-01-01", "version 2 effective 2026-07-01", StringComparison.Ordinal));
        RulesRun.Of("diff", old, renewed).Exits(0).Says("us version 1 becomes version 2, in force from 2026-07-01 (the old one: 2026-01-01); compared from the later day on");
    }

    [Test]
    public void Numbers_that_are_not_given_count_as_1_and_their_absence_is_compared_too()
    {
        const string Indexed = "limit us.day at most USD 100 indexed by USD.cpi per day cite \"c\"";
        Diff(Indexed, Indexed.Replace("100", "101", StringComparison.Ordinal)).Exits(1).Says("Taken as 1: USD.cpi", "no by us.day → yes");
        // With a number they are the same; without, one closes the door.
        Diff("limit us.day at most USD 100 per day cite \"c\"", Indexed).Exits(1).Says("yes → no by us.day: refused now, where rates or indexes have no value");
        Diff("limit us.day at most USD 100 per day cite \"c\"", Indexed, "--parameter", "USD.cpi=1").Exits(0);
        Diff("limit us.day at most USD 100 per day cite \"c\"", Indexed, "--parameter", "USD.cpi=1.5").Exits(1).Says("no by us.day → yes", "amount USD 100.01 tier 0", "(amounts to USD 150.00)");
    }

    [Test]
    public void Several_modules_on_each_side_and_some_that_stand_beside_both()
    {
        RulesRun.Solver();
        string old = _folder.Us(Travel, "old.rules"), renewed = _folder.Us(Travel.Replace("3000", "4000", StringComparison.Ordinal), "new.rules");
        string world = _folder.Write("world.rules", "module world version 1 effective 2026-01-01 authority \"A\" for world\nrequire world.all tier >= 2 cite \"c\"\n");
        RulesRun.Of("diff", old, "--new", renewed, world).Exits(1).Says("world version 1 is new", "yes → no by world.all");
        // World's statement stands behind those of us.
        RulesRun.Of("diff", old, renewed, "--with", world).Exits(1).Says("no by us.travel → no by world.all", "in 1 way;");
        RulesRun.Of("diff", old, world, "--new", world).Exits(1).Says("us version 1 is gone");
    }

    [Test]
    public void As_json_it_has_all_of_it()
    {
        JsonElement said = Diff(Travel, Travel.Replace("3000.00", "2000.00", StringComparison.Ordinal), "--json").Exits(1).Json;
        JsonElement way = said.GetProperty("ways")[0];
        Assert.Multiple(() =>
        {
            Assert.That(said.GetProperty("differs").GetBoolean());
            Assert.That(said.GetProperty("proven").GetBoolean());
            Assert.That(way.GetProperty("before").GetProperty("answer").GetString(), Is.EqualTo("yes"));
            Assert.That(way.GetProperty("after").GetProperty("statement").GetString(), Is.EqualTo("us.travel"));
            Assert.That(way.GetProperty("payment").GetProperty("amount").GetString(), Is.EqualTo("2000.00"));
            Assert.That(way.GetProperty("amount_to").GetString(), Is.EqualTo("2999.99"));
        });
    }

    [Test]
    public void Without_a_solver_a_difference_is_not_proven_and_a_difference_in_words_alone_is()
    {
        Diff(Travel, Travel.Replace("3000.00", "3000.01", StringComparison.Ordinal), "--no-solver").Exits(2).Says("Not proven: no difference was found, but the solver was left out (--no-solver).");
    }

    [Test]
    public void Unusable_words_are_one_sentence_and_exit_code_2()
    {
        string file = _folder.Us(Travel);
        RulesRun.Of("diff", file).Exits(2).Says("Which modules are new?");
        RulesRun.Of("diff", file, _folder.Us("deny us.a whn", "bad.rules")).Exits(2).Says("bad.rules:2:", "error E210");
        RulesRun.Of("diff", file, "--new", file, file).Exits(2).Says("both hold the module us");
    }
}
