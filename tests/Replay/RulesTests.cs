using System.Globalization;
using System.Text.Json;
using Settlement.Tests.Gateway.Modules;
using static Settlement.Tests.Replay.ReplayRuns;

namespace Settlement.Tests.Replay;

/// <summary>
/// `replay rules`: one story, made by command lines, asked about at its end and at points before. Version 1 lets nobody of tier 0 pay 3,000 USD or more, version 2 nobody
/// 1,000 or more; version 3 is voted and to come.
/// </summary>
public sealed class RulesTests
{
    private static readonly string s_version1 = LawFolder.TravelFrom3000;
    private static readonly string s_version2 = Version(2, "1_000.00");
    private static readonly string s_version3 = Version(3, "2_000.00");
    private static LawFolder s_law = null!;
    private static ulong s_version1At;
    private static ulong s_version2At;

    private static string Journal => s_law.Journal;

    [OneTimeSetUp]
    public void MakeTheStory()
    {
        s_law = new LawFolder();
        s_law.Activate("us1.rules", s_version1);
        s_law.Pay("a", 3, "999.99", "1000", "2999.99", "3000");
        Assert.That(s_law.Verdicts, Is.EqualTo(new[] { "accepted", "accepted", "accepted", "denied_by_rule:1" }));
        s_law.Pay("b", 1, "10000", "10000.01", "20000");
        Assert.That(s_law.Verdicts, Is.EqualTo(new[] { "accepted", "under_review:2", "under_review:2" }));
        s_law.Activate("us2.rules", s_version2);
        s_law.Pay("c", 3, "999.99", "1000", "2999.99", "3000");
        Assert.That(s_law.Verdicts, Is.EqualTo(new[] { "accepted", "denied_by_rule:1", "denied_by_rule:1", "denied_by_rule:1" }));
        s_law.Rules(0, "parameter", "USD.rate=1.08");
        s_law.Rules(0, "review", "release", "b:2", "--reason", "Invoice seen", "--device", s_law.KeyOf(2));
        s_law.Rules(0, "schedule", s_law.Carry("us3.rules", s_version3), "--at", "2026-03-01T00:00:00Z");
        JsonElement[] actives = [.. Steps().Where(step => Text(step, "step") == "active")];
        (s_version1At, s_version2At) = (Number(actives[0], "sequence"), Number(actives[1], "sequence"));
    }

    [OneTimeTearDown]
    public void DeleteTheStory() => s_law.Dispose();

    [Test]
    public void List_shows_what_is_in_force_and_what_is_to_come_as_of_any_point()
    {
        JsonElement now = Json(Exits(0, "rules", "list", Journal, "--json"));
        JsonElement us = now.GetProperty("laws").EnumerateArray().Single();
        Assert.That((us.GetProperty("version").GetInt32(), us.GetProperty("last_good_version").GetInt32(), us.GetProperty("devices").GetInt32()), Is.EqualTo((2, 1, 5)));
        Assert.That(Text(us, "text_hash"), Is.EqualTo(Sha256(s_version2)));
        Assert.That(Number(us, "since"), Is.EqualTo(s_version2At));
        JsonElement coming = now.GetProperty("to_come").EnumerateArray().Single();
        Assert.That((Text(coming, "from"), coming.GetProperty("attested").GetBoolean()), Is.EqualTo(("2026-03-01T00:00:00Z", true)));
        Assert.That(Text(now.GetProperty("parameters").EnumerateArray().Single(), "value"), Is.EqualTo("1.080000000"));
        JsonElement before = Json(Exits(0, "rules", "list", Journal, "--at", Points(s_version2At - 1), "--json"));
        Assert.That(before.GetProperty("laws").EnumerateArray().Single().GetProperty("version").GetInt32(), Is.EqualTo(1));
        Assert.That(before.GetProperty("parameters").GetArrayLength(), Is.Zero);
        Assert.That(Exits(0, "rules", "list", Journal), Does.Contain("module us  version 2 since sequence").And.Contain("to come").And.Contain("parameter USD.rate = 1.08"));
    }

    [Test]
    public void Show_gives_every_version_s_text_byte_for_byte_also_of_one_that_the_ledger_has_let_go()
    {
        Assert.That(Exits(0, "rules", "show", Journal, "us", "--text"), Is.EqualTo(s_version2));
        Assert.That(Exits(0, "rules", "show", Journal, "us", "--text", "--at", Points(s_version1At)), Is.EqualTo(s_version1));
        foreach ((string version, string text) in ((string, string)[])[("1", s_version1), ("2", s_version2), ("3", s_version3)])
        {
            Assert.That(Exits(0, "rules", "show", Journal, "us", "--version", version, "--text"), Is.EqualTo(text));
            JsonElement shown = Json(Exits(0, "rules", "show", Journal, "us", "--version", version, "--json"));
            Assert.That((Text(shown, "text"), Text(shown, "text_hash")), Is.EqualTo((text, Sha256(text))));
            Assert.That(Exits(0, "rules", "show", Journal, "us", "--version", version), Does.StartWith("# module: us\n").And.EndsWith(text));
        }
    }

    [Test]
    public void History_has_every_step_with_who_and_when()
    {
        JsonElement[] steps = Steps();
        Assert.That(steps.Select(step => Number(step, "sequence")), Is.Ordered);
        Assert.That(steps.Select(step => Text(step, "step")).Distinct(), Is.EquivalentTo(new[] { "device_registered", "founded", "proposed", "checked", "vote_yes", "scheduled", "active", "superseded" }));
        Assert.That(steps.Count(step => Text(step, "step") == "vote_yes"), Is.EqualTo(9));
        Assert.That(steps.Where(step => Text(step, "step") == "vote_yes").Take(3).Select(step => Text(step, "maker")), Is.EqualTo(new[] { "Acme", "Borg", "Corp" }));
        Assert.That(steps.Where(step => Text(step, "step") is "proposed" or "vote_yes").Select(step => Text(step, "device")), Has.All.Length.EqualTo(32));
        Assert.That(Exits(0, "rules", "history", Journal, "us"), Does.Contain("superseded").And.Contain("1: module 'us' version 1"));
        Assert.That(Steps("--at", Points(s_version1At - 1)).Select(step => Text(step, "step")), Has.None.EqualTo("active"));
    }

    [TestCase("999.99", 0, "yes", "yes")]
    [TestCase("1000", 0, "yes", "no")]
    [TestCase("2999.99", 0, "yes", "no")]
    [TestCase("3000", 0, "no", "no")]
    [TestCase("3000", 1, "yes", "yes")]
    [TestCase("10000", 1, "yes", "yes")]
    [TestCase("10000.01", 1, "review", "review")]
    [TestCase("10000.01", 0, "no", "no")]
    public void May_answers_by_the_rules_of_the_point(string amount, int tier, string before, string after)
    {
        string[] question = ["--from", "US", "--to", "IN", "--amount", $"{amount} USD", "--tier", Points((ulong)tier)];
        Assert.That(May("255", [.. question, "--at", Points(s_version1At)]).GetProperty("answer").GetString(), Is.EqualTo(before));
        Assert.That(May("255", [.. question, "--at", Points(s_version2At - 1)]).GetProperty("answer").GetString(), Is.EqualTo(before));
        Assert.That(May("255", [.. question, "--at", Points(s_version2At)]).GetProperty("answer").GetString(), Is.EqualTo(after));
        Assert.That(May("255", question).GetProperty("answer").GetString(), Is.EqualTo(after));
        Assert.That(May("255", [.. question, "--at", Points(s_version1At - 1)]).GetProperty("answer").GetString(), Is.EqualTo("yes"), "no law yet");
    }

    [Test]
    public void May_tells_as_much_of_the_reason_as_the_clearance_allows()
    {
        string[] refused = ["--from", "US", "--to", "IN", "--amount", "1000 USD"];
        string stranger = Exits(0, ["rules", "may", Journal, .. refused, "--clearance", "63"]);
        Assert.That(stranger.TrimEnd(), Does.Not.Contain("\n").And.StartWith("no,"));
        string party = Exits(0, ["rules", "may", Journal, .. refused, "--clearance", "64"]);
        Assert.That(party, Does.Contain("module 'us' of US Treasury: 31 CFR 1010.410(f)").And.Not.Contain("us.travel").And.Not.Contain("1000"));
        string office = Exits(0, ["rules", "may", Journal, .. refused, "--clearance", "128"]);
        Assert.That(office, Does.Contain("us.travel, version 2").And.Contain("tier >= 1: it is not (tier 0)").And.Not.Contain("999.99"));
        string authority = Exits(0, ["rules", "may", Journal, .. refused]);
        Assert.That(authority, Does.Contain("next below, at 999.99 USD: yes"));
        JsonElement near = May("255", "--from", "US", "--to", "IN", "--amount", "USD 9000", "--tier", "1");
        Assert.That((Text(near.GetProperty("turns_above"), "amount"), Text(near.GetProperty("turns_above"), "answer")), Is.EqualTo(("10000.01", "review")));
        Assert.That(near.GetProperty("findings").EnumerateArray().Select(finding => Text(finding, "outcome")), Is.EqualTo(new[] { "satisfied" }));
    }

    [Test]
    public void Who_may_not_know_is_told_the_same_whether_a_rule_or_something_else_refuses()
    {
        string rule = Exits(0, "rules", "may", Journal, "--from", "US", "--to", "IN", "--amount", "1000 USD", "--clearance", "0", "--json");
        string level = Exits(0, "rules", "may", Journal, "--from", "US", "--to", "IN", "--amount", "1 USD", "--level", "9", "--clearance", "0", "--json");
        string currency = Exits(0, "rules", "may", Journal, "--from", "FR", "--to", "IN", "--amount", "1 EUR", "--clearance", "0", "--json");
        Assert.That(new[] { level, currency }, Has.All.EqualTo(rule));
        Assert.That(Json(rule).EnumerateObject().Select(field => field.Name), Is.EqualTo(new[] { "at", "sequence", "time", "answer" }));
        string review = Exits(0, "rules", "may", Journal, "--from", "US", "--to", "IN", "--amount", "10001 USD", "--tier", "1", "--clearance", "0");
        Assert.That(review, Does.StartWith("ask,"));
        Assert.That(Text(May("128", "--from", "FR", "--to", "IN", "--amount", "1 EUR"), "obstacle"), Does.Contain("no currency EUR"));
    }

    [Test]
    public void Reviews_lists_what_waits_with_the_statement_that_held_it_as_of_then()
    {
        JsonElement open = Json(Exits(0, "rules", "reviews", Journal, "--json")).GetProperty("reviews").EnumerateArray().Single();
        Assert.That((Text(open, "amount"), Text(open, "payer"), Text(open, "payee"), Text(open, "statement"), Text(open, "law")), Is.EqualTo(("20000.00", "1", "2", "us.large", "us")));
        Assert.That((Text(open, "since"), Text(open, "expires")), Is.EqualTo(("2026-02-01T10:00:00Z", "2026-02-04T10:00:00Z")));
        JsonElement then = Json(Exits(0, "rules", "reviews", Journal, "--at", Points(s_version2At), "--json"));
        Assert.That(then.GetProperty("reviews").GetArrayLength(), Is.EqualTo(2));
        Assert.That(Exits(0, "rules", "reviews", Journal, "--at", Points(s_version1At)), Does.Contain("0 payments under review"));
        Assert.That(Exits(0, "rules", "reviews", Journal), Does.Contain("1 payment under review").And.Contain("us.large"));
    }

    [Test]
    public void Everything_is_the_same_from_a_snapshot()
    {
        using var folder = new TemporaryFolder();
        CopyFolder(Journal, folder.Path);
        Exits(0, "snapshot", folder.Path);
        foreach (string[] asked in (string[][])[["list"], ["history"], ["show", "us", "--version", "1"], ["reviews"], ["may", "--from", "US", "--to", "IN", "--amount", "1000 USD"]])
        {
            string[] from = ["rules", asked[0], folder.Path, .. asked[1..]];
            Assert.That(Exits(0, from).Replace(folder.Path, Journal, StringComparison.Ordinal), Is.EqualTo(Exits(0, ["rules", asked[0], Journal, .. asked[1..]])), asked[0]);
        }
    }

    [Test]
    public void Show_prints_the_commands_of_governance_by_what_they_say()
    {
        string[] lines = Exits(0, "show", Journal, "--kind", "control").Split('\n');
        foreach (string said in (string[])
            ["  register_device  device ", "  found_module  module us  quorum 3  makers 2  emergency_quorum 2", "  propose  proposal 1  kind text  module us  version 1", "  vote  proposal 2  module us  vote yes",
                "  schedule  proposal 3  module us  from 2026-03-01T00:00:00Z", "  set_parameter  parameter USD.rate  value 1.080000000  from now", "  attest_plan  rule_set ", "  decide_review  payment "])
            Assert.That(lines, Has.Some.Contain(said), said);
        Assert.That(lines, Has.None.Contains("unreadable"));
        using var folder = new TemporaryFolder();
        Exits(0, "export", Journal, "--format", "csv", "--out", folder.PathOf("x"), "--tables", "commands");
        string[] votes = [.. File.ReadLines(folder.PathOf("x/commands.csv")).Where(line => line.Contains(",vote,accepted,", StringComparison.Ordinal))];
        Assert.That(votes, Has.Length.EqualTo(9).And.All.Contain(",us,").And.All.Contain("vote yes; hash "));
    }

    [Test]
    public void A_ledger_with_a_table_answers_from_its_rules_and_says_so()
    {
        using var law = new LawFolder(founds: false);
        string[] question = ["--from", "US", "--to", "IN", "--amount", "1000 USD"];
        Assert.That(Exits(0, ["rules", "may", law.Journal, .. question]), Does.StartWith("yes,").And.Contain("every corridor is open"));
        string table = law.Write("table.json", """
            { "version": 1, "rules": [
              { "id": 3, "name": "day", "kind": "limit", "window": "day", "ceiling": "USD 9500.00", "when": { "src": "US" } },
              { "id": 7, "name": "big", "kind": "deny", "when": { "amount": { ">": "USD 20000.00" } } },
              { "id": 9, "name": "ask", "kind": "review", "when": { "amount": { ">=": "USD 5000.00" } } } ] }
            """);
        law.Settle(null, "--rules", table);
        string Answer(params string[] words) => Text(Json(Exits(0, ["rules", "may", law.Journal, "--from", "US", "--to", "IN", "--json", .. words])), "answer");
        Assert.That(Answer("--amount", "4999.99 USD"), Is.EqualTo("yes"));
        Assert.That(Answer("--amount", "5000 USD"), Is.EqualTo("review"));
        Assert.That(Answer("--amount", "5000 USD", "--spent", "day 4500 USD"), Is.EqualTo("review"));
        Assert.That(Answer("--amount", "5000 USD", "--spent", "day 4500.01 USD"), Is.EqualTo("no"));
        Assert.That(Answer("--amount", "20000.01 USD"), Is.EqualTo("no"));
        string reason = Exits(0, ["rules", "may", law.Journal, .. question, "--spent", "day 9000 USD"]);
        Assert.That(reason, Does.Contain("by the rule table in force, which was activated by hand").And.Contain("rule 3, day").And.Contain("next below, at 500.00 USD: yes"));
        Assert.That(Exits(0, "rules", "list", law.Journal), Does.Contain("no module is founded: a rule table of 3 rules is in force").And.Contain("rule 7"));
        Assert.That(Run("rules", "show", law.Journal, "us").Error, Does.Contain("No module is founded"));
    }

    [TestCase("--from UK --to IN --amount 1_USD", "Great Britain is GB")]
    [TestCase("--from US --to IN --amount 400", "an amount and a currency")]
    [TestCase("--from US --to IN --amount 400_USX", "no currency of ISO 4217")]
    [TestCase("--from US --to IN --amount 0_USD", "an amount above 0")]
    [TestCase("--from US --to IN --amount 0.001_USD", "2 digits behind the point")]
    [TestCase("--from US --to IN --amount 1_USD --tier 4", "from 0 to 3")]
    [TestCase("--from US --to IN --amount 1_USD --purpose fun", "family_support")]
    [TestCase("--from US --to IN --amount 1_USD --payer people", "expected one of unstated, person")]
    [TestCase("--from US --to IN --amount 1_USD --instruction capture", "micropayment, immediate, hold")]
    [TestCase("--from US --to IN --amount 1_USD --spent week_3_USD", "windows are day, month, 30 days")]
    [TestCase("--from US --to IN --amount 1_USD --spent day_3_EUR", "in each currency by itself")]
    [TestCase("--from US --to IN --amount 1_USD --spent year_from_02-30_3_USD", "windows are")]
    [TestCase("--from US --to IN --amount 1_USD --clearance 256", "from 0 to 255")]
    [TestCase("--from US --to IN --amount 1_USD --at tomorrow", "--at tomorrow")]
    public void A_question_that_cannot_be_read_says_what_is_expected(string words, string expected)
    {
        (int code, string output, string error) = Run(["rules", "may", Journal, .. words.Split(' ').Select(word => word.Replace('_', ' '))]);
        Assert.That((code, output), Is.EqualTo((2, "")));
        Assert.That(error, Does.Contain(expected));
        Assert.That(error.TrimEnd('\n'), Does.Not.Contain("\n"));
    }

    [Test]
    public void A_module_or_version_that_is_not_there_is_named_with_those_that_are()
    {
        Assert.That(Run("rules", "show", Journal, "fr"), Is.EqualTo((2, "", $"There is no module or treaty 'fr' at end: sequence {Sequence()}, 2026-02-01T10:00:00Z; there are: us.\n")));
        Assert.That(Run("rules", "show", Journal, "us", "--version", "9").Error, Does.Contain("'us' has the versions 1, 2, 3"));
        Assert.That(Run("rules", "history", Journal, "fr").Code, Is.EqualTo(2));
    }

    private static string Version(int version, string amount) =>
        LawFolder.TravelFrom3000.Replace("version 1", $"version {version}", StringComparison.Ordinal).Replace("3_000.00", amount, StringComparison.Ordinal);

    private static JsonElement May(string clearance, params string[] words) => Json(Exits(0, ["rules", "may", Journal, .. words, "--clearance", clearance, "--json"]));

    private static JsonElement[] Steps(params string[] words) => [.. Json(Exits(0, ["rules", "history", Journal, "--json", .. words])).GetProperty("steps").EnumerateArray()];

    private static string Sequence() => ulong.Parse(Text(Json(Exits(0, "state", Journal, "--json")), "sequence"), CultureInfo.InvariantCulture).ToString("N0", CultureInfo.InvariantCulture);

    private static string Sha256(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    private static string Points(ulong sequence) => sequence.ToString(CultureInfo.InvariantCulture);

    private static string Text(JsonElement holder, string name) => holder.GetProperty(name).GetString()!;

    private static ulong Number(JsonElement holder, string name) => ulong.Parse(Text(holder, name), CultureInfo.InvariantCulture);
}
