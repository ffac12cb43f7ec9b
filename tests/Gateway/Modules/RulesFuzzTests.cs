using System.Globalization;
using System.Text;
using Settlement.Engine.Rules.Language;
using Settlement.Tests.Rules.Language;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>Modules by chance and modules that mean harm, through the whole command line with little time: an answer, whatever it is, and no crash.</summary>
[TestFixture, Parallelizable]
public sealed class RulesFuzzTests
{
    private const string Header = "module us version 1 effective 2026-01-01 authority \"A\" for world\n";

    private RulesFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new RulesFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Modules_by_chance_are_checked_and_compared()
    {
        Random random = PrintedSeed.Create();
        RandomModules modules = new(random);
        RandomLawText writer = new(random);
        LongRun run = new();
        int compared = 0;
        for (int round = 0; run.MayGoOn(round); round++)
        {
            string one = _folder.Write("one.rules", writer.Write(modules.Next())), other = _folder.Write("other.rules", writer.Write(modules.Next()));
            Assert.That(RulesRun.Of("check", one, "--seconds", "1").Code, Is.AnyOf(0, 1));
            RulesRun diff = RulesRun.Of("diff", one, other, "--seconds", "1");
            Assert.That(diff.Code, Is.AnyOf(0, 1, 2));
            compared += diff.Output.Length > 0 ? 1 : 0;
            Assert.That(RulesRun.Of("explain", one, "--src", "US", "--dst", "DE", "--amount", "USD 100", "--on", "2030-01-01").Code, Is.AnyOf(0, 2));
        }
        Assert.That(compared, Is.GreaterThan(0));
    }

    [Test]
    public void Modules_that_mean_harm_get_an_answer_in_bounded_time([Values] Harm harm)
    {
        string text = TextOf(harm), file = _folder.Write("us.rules", text), other = _folder.Write("other.rules", text.Replace("USD 1", "USD 2", StringComparison.Ordinal));
        Assert.That(ModuleReader.Read(text, "us.rules").Module, Is.Not.Null, RulesRun.Of("check", "--no-solver", file).Output);
        RulesRun check = RulesRun.Of("check", file, "--seconds", "1");
        Assert.That(check.Code, Is.AnyOf(0, 1));
        Assert.That(check.Output, Does.Contain("ound: "));
        RulesRun diff = RulesRun.Of("diff", file, other, "--seconds", "1");
        Assert.That(diff.Code, Is.AnyOf(1, 2), diff.Output + diff.Error);
        RulesRun.Of("explain", file, "--src", "US", "--dst", "DE", "--amount", "USD 100", "--on", "2026-03-01").Exits(0);
    }

    public enum Harm
    {
        ManyThresholds,
        ManyExceptionsOfOneLayer,
        ManyExceptionsOfManyLayers,
        AlternatingSums,
        DeepConditions,
        EveryCountryForItself,
        ManyDays,
    }

    private static string TextOf(Harm harm)
    {
        var text = new StringBuilder(Header);
        string[] windows = ["day", "month", "30 days", "year from 04-01"];
        switch (harm)
        {
            case Harm.ManyThresholds:
                for (int at = 0; at < 900; at++)
                    text.Append(CultureInfo.InvariantCulture, $"require us.s{at} tier >= {at % 4} when amount >= equiv USD 1{at}.{at % 100:00} and purpose != {(at % 2 == 0 ? "goods" : "tax")} cite \"c\"\n");
                break;
            case Harm.ManyExceptionsOfOneLayer or Harm.ManyExceptionsOfManyLayers:
                text.Append("deny us.all when amount > USD 1 cite \"c\"\n");
                for (int at = 0; at < 900; at++)
                    text.Append(CultureInfo.InvariantCulture, $"exception us.e{at} to us.all {(harm == Harm.ManyExceptionsOfManyLayers ? $"layer {at % 100 + 1} " : "")}allow when amount >= USD 1{at} and level = {at % 256} cite \"c\"\n");
                break;
            case Harm.AlternatingSums:
                for (int at = 0; at < 400; at++)
                    text.Append(CultureInfo.InvariantCulture, $"deny us.s{at} when (sum(payer, {windows[at % 4]}) + amount > equiv USD 1{at} or level = {at % 256}) and amount < USD 1{at * 7} and (src = US or not tier >= {at % 4}) cite \"c\"\n");
                break;
            case Harm.DeepConditions:
                for (int at = 0; at < 40; at++)
                {
                    string condition = "amount > USD 1";
                    for (int depth = 0; depth < 14; depth++)
                        condition = depth % 2 == 0 ? $"not ({condition} and level != {at + depth})" : $"({condition} or purpose = tax and tier != {depth % 4})";
                    text.Append(CultureInfo.InvariantCulture, $"deny us.s{at} when {condition} cite \"c\"\n");
                }
                break;
            case Harm.EveryCountryForItself:
                foreach (string country in LawWords.Countries)
                    text.Append(CultureInfo.InvariantCulture, $"require us.{country.ToLowerInvariant()} tier >= 1 when src = {country} and dst != {country} and amount >= equiv USD 1{country[0] - 'A'}{country[1] - 'A'} cite \"c\"\n");
                break;
            default:
                for (int at = 0; at < 600; at++)
                    text.Append(CultureInfo.InvariantCulture, $"deny us.s{at} when amount = USD 1{at} and src = US cite \"c\" from {NumberText.DateOf(20_454 + at)} until {NumberText.DateOf(20_456 + 2 * at)}\n");
                break;
        }
        return text.ToString();
    }
}
