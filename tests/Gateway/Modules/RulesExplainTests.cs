using System.Text.Json;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>`rules explain` and `rules format`.</summary>
[TestFixture]
public sealed class RulesExplainTests
{
    private const string Rules =
        """
        require us.travel tier >= 2
          when src = US and amount >= USD 3000.00
          cite "31 CFR 1010.410(f)"

        require us.ctr tier >= 3
          when src = US and sum(payer, day) + amount > USD 10000.00
          cite "31 CFR 1010.311"

        exception us.banks to us.ctr allow
          when payer is financial_institution
          cite "31 CFR 1020.315"

        review us.relief within 36 hours
          when purpose = donation and amount >= USD 100
          illustrative "shows a review"
        """;

    private RulesFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RulesFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    private RulesRun Explain(params string[] words) =>
        RulesRun.Of(["explain", "--src", "US", "--dst", "DE", "--on", "2026-03-01", .. words, _folder.Us(Rules)]).Exits(0);

    [Test]
    public void Who_refuses_and_why_and_what_would_have_to_be_different()
    {
        Assert.That(Explain("--amount", "USD 3000.00", "--tier", "1").Output, Is.EqualTo(
            """
            A payment of USD 3000.00 from US to DE, tier 1, on 2026-03-01: no, by us.travel.
              us.travel requires tier >= 2, when src = US and amount >= USD 3000.00 [31 CFR 1010.410(f)]
                  src = US                                     yes  src US
                  amount >= USD 3000.00                        yes  amount USD 3000.00
                  tier >= 2                                    no   tier 1

            The answer would be another with one of these:
              an amount of at most USD 2999.99                 yes
              tier 2 or 3                                      yes

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void What_was_paid_before_counts_and_is_told() => Explain("--amount", "USD 2_000", "--tier", "2", "--spent", "day USD 9000")
        .Says("no, by us.ctr, which counts what is paid in a time.", "USD 9000.00 before and USD 2000.00 now", "an amount of at most USD 1000.00", "at most USD 8000.00 paid before (day)", "tier 3 ",
            "payer financial_institution");

    [Test]
    public void A_yes_says_which_exception_lets_it_pass_and_what_would_not()
    {
        Explain("--amount", "USD 10000.01", "--tier", "2", "--payer", "financial_institution")
            .Says(": yes.", "Lets it pass where another statement would not:", "in place of us.ctr", "its place is taken by us.banks", "tier 0 or 1", "no by us.travel");
        Explain("--amount", "USD 99.99", "--purpose", "donation").Says("an amount of at least USD 100.00", "review by us.relief within 36 hours");
    }

    [Test]
    public void A_review_says_how_long() => Explain("--amount", "USD 100", "--purpose", "donation")
        .Says("review, by us.relief: a reviewer decides within 36 hours, or the amount goes back to the payer.", "illustrative: shows a review");

    [Test]
    public void Nothing_to_say_is_said() => RulesRun.Of("explain", "--src", "FR", "--dst", "DE", "--amount", "EUR 5", _folder.Us(Rules)).Exits(0)
        .Says("A payment of EUR 5.00 from FR to DE", ": yes.", "No statement of these modules has anything to say to it.");

    [Test]
    public void As_json_it_has_all_of_it()
    {
        JsonElement said = Explain("--amount", "USD 3000.00", "--tier", "1", "--json").Json;
        Assert.Multiple(() =>
        {
            Assert.That(said.GetProperty("answer").GetString(), Is.EqualTo("no"));
            Assert.That(said.GetProperty("statement").GetString(), Is.EqualTo("us.travel"));
            Assert.That(said.GetProperty("findings")[0].GetProperty("cite").GetString(), Is.EqualTo("31 CFR 1010.410(f)"));
            Assert.That(said.GetProperty("findings")[0].GetProperty("seen")[1].GetProperty("holds").GetBoolean());
            Assert.That(said.GetProperty("near_misses").GetArrayLength(), Is.EqualTo(2));
            Assert.That(said.GetProperty("payment").GetProperty("on").GetString(), Is.EqualTo("2026-03-01"));
        });
    }

    [Test]
    public void Unusable_words_are_one_sentence_and_exit_code_2()
    {
        string file = _folder.Us(Rules);
        foreach ((string option, string value, string sentence) in new[]
        {
            ("--src", "UK", "--src 'UK': expected a country of ISO 3166 in two letters, such as DE. Did you mean GB?"), ("--amount", "3000 USD", "--amount '3000 USD': expected a currency and an amount"),
            ("--amount", "USD 1.005", "USD has 2 digits behind the point"), ("--amount", "USD 0", "a payment of nothing"), ("--tier", "4", "--tier 4: expected a tier, 0 to 3."),
            ("--purpose", "fun", "--purpose 'fun': expected one of unstated, goods"), ("--spent", "day EUR 5", "sums are kept currency by currency"), ("--spent", "week USD 5", "expected a window and an amount"),
            ("--payer", "robot", "expected one of unstated, person"), ("--level", "256", "expected a level"), ("--instruction", "gift", "expected one of micropayment"),
        })
        {
            List<string> words = ["explain", "--src", "US", "--dst", "DE", "--amount", "USD 5", file];
            int given = words.IndexOf(option);
            if (given >= 0)
                words[given + 1] = value;
            else
                words.AddRange([option, value]);
            RulesRun.Of([.. words]).Exits(2).Says(sentence);
        }
    }

    [Test]
    public void Format_prints_checks_and_writes()
    {
        string file = _folder.Write("us.rules", "module us version 1 effective 2026-01-01 authority \"A\" for US # the law\ndeny   us.a when dst=MX cite \"c\"\n");
        string formatted = RulesRun.Of("format", file).Exits(0).Output;
        Assert.That(formatted, Does.Contain("deny us.a\n").And.Contain("# the law"));
        RulesRun.Of("format", "--check", file).Exits(1).Says(file);
        RulesRun.Of("format", "--write", file).Exits(0);
        Assert.That(File.ReadAllText(file), Is.EqualTo(formatted));
        Assert.That(Directory.GetFiles(_folder.Path), Has.Length.EqualTo(1), "nothing is left beside it");
        Assert.That(RulesRun.Of("format", "--check", file).Exits(0).Output, Is.Empty);
        RulesRun.Of("format", "--check", "--write", file).Exits(2).Says("one of the two");
        RulesRun.Of("format", _folder.Us("deny us.a whn")).Exits(2).Says("error E");
    }

    [Test]
    public void The_modules_that_ship_are_in_the_one_way_of_writing() => RulesRun.Of("format", "--check", Repository.PathOf("gateway", "rules")).Exits(0);
}
