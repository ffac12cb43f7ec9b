using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using Settlement.Tests.Rules;

namespace Settlement.Tests.Gateway;

[TestFixture]
public sealed class RuleTableFileTests
{
    /// <summary>A handful of names, two digits behind the point but for yen.</summary>
    private sealed class FewSymbols : IRuleSymbols
    {
        public bool TryCountry(string text, out ushort country)
        {
            country = text switch
            {
                "US" or "840" => 840,
                "DE" => 276,
                "FR" => 250,
                "CU" => 192,
                "IR" => 364,
                "KP" => 408,
                _ => 0,
            };
            return country != 0;
        }

        public bool TryCurrency(string text, out ushort currency)
        {
            currency = text switch { "USD" or "840" => 840, "EUR" => 978, "JPY" => 392, _ => 0 };
            return currency != 0;
        }

        public bool TryAmount(string text, ushort currency, out ulong amount)
        {
            amount = 0;
            int scale = currency == 392 ? 0 : 2;
            if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
                || value.Scale > scale)
                return false;
            amount = (ulong)(value * (scale == 0 ? 1 : 100));
            return true;
        }
    }

    private static RuleTable Parse(string json)
    {
        Assert.That(RuleTableFile.TryParse(Encoding.UTF8.GetBytes(json), "r.json", new FewSymbols(), out RuleTable? table,
            out RuleTableFault? fault), fault?.ToString());
        return table!;
    }

    private static string Fault(string json)
    {
        Assert.That(RuleTableFile.TryParse(Encoding.UTF8.GetBytes(json), "r.json", new FewSymbols(), out RuleTable? table,
            out RuleTableFault? fault), Is.False);
        Assert.That(table, Is.Null);
        return fault!.ToString();
    }

    private static string Rule(string entries) => $$"""{ "version": 1, "rules": [ { "id": 1, "name": "n", {{entries}} } ] }""";

    private static string When(string condition) => Rule($"\"kind\": \"deny\", \"when\": {condition}");

    [Test]
    public void The_documented_example_is_the_table_that_code_would_build()
    {
        string page = File.ReadAllText(Repository.PathOf("engine", "Rules", "TABLE.md"));
        string json = page[(page.IndexOf("```json", StringComparison.Ordinal) + 7)..];
        json = json[..json.IndexOf("```", StringComparison.Ordinal)];
        Condition us = Engine.Rules.When.Source(840);
        RuleTable expected = new RuleTableBuilder()
            .Deny(1, "us.sanctions", us.And(Engine.Rules.When.Destination(192, 364, 408))
                .Or(Engine.Rules.When.Source(192, 364, 408).And(Engine.Rules.When.Destination(840))))
            .Require(2, "us.travel", Engine.Rules.When.Tier(RuleOperator.AtLeast, 2),
                us.And(Engine.Rules.When.Amount(RuleOperator.AtLeast, 840, 300_000)))
            .Limit(3, "us.ctr", LimitWindow.Day, 840, TierCeilings.Of(1_000_000, 1_000_000, 1_000_000, TierCeilings.None), us)
            .Limit(4, "eu.goods", LimitWindow.YearFrom(4, 6), 978, TierCeilings.Same(5_000_000),
                new AllCondition(Engine.Rules.When.Owner(276, 250),
                    new FieldCondition(RuleField.Purpose, RuleOperator.NotEqual, (ushort)Purpose.FamilySupport),
                    Engine.Rules.When.Level(RuleOperator.More, 100).Not()))
            .Review(5, "eu.large", 12 * Limits.NsPerHour, new AllCondition(
                new FieldCondition(RuleField.PayeeKind, RuleOperator.Equal, (ushort)PartyKind.Person),
                Engine.Rules.When.Amount(RuleOperator.More, 978, 1_000_000)))
            .Build();

        Assert.That(Convert.ToHexString(Parse(json).Encode()), Is.EqualTo(Convert.ToHexString(expected.Encode())));
    }

    [TestCase("""{ "src": 840 }""", "Source Equal 840")]
    [TestCase("""{ "src": "840" }""", "Source Equal 840")]
    [TestCase("""{ "src": { "!=": "US" } }""", "Source NotEqual 840")]
    [TestCase("""{ "dst": { "in": ["US", "DE"] } }""", "Destination in 276,840")]
    [TestCase("""{ "dst": { "!=": ["US", "DE"] } }""", "not (Destination in 276,840)")]
    [TestCase("""{ "currency": ["EUR"] }""", "Currency in 978")]
    [TestCase("""{ "owner": "US" }""", "Owner Equal 840")]
    [TestCase("""{ "tier": { ">=": 1, "<": 3 } }""", "all (Tier AtLeast 1; Tier Less 3)")]
    [TestCase("""{ "level": { "<=": 200 } }""", "Level AtMost 200")]
    [TestCase("""{ "purpose": "family_support" }""", "Purpose Equal 3")]
    [TestCase("""{ "purpose": 9 }""", "Purpose Equal 9")]
    [TestCase("""{ "instruction": ["hold", "Immediate"] }""", "Instruction in 2,3")]
    [TestCase("""{ "payer": "person", "payee": { "!=": ["non-profit", 4] } }""", "all (PayerKind Equal 1; not (PayeeKind in 4,5))")]
    [TestCase("""{ "amount": "JPY 5" }""", "Equal 392 5")]
    [TestCase("""{ "amount": { ">": "USD 0.01", "!=": "840 7" } }""", "all (More 840 1; NotEqual 840 700)")]
    [TestCase("""{ "all": [ { "src": "US" } ] }""", "Source Equal 840")]
    [TestCase("""{ "any": [ { "src": "US" }, { "not": { "dst": "DE" } } ], "tier": 0 }""",
        "all (any (Source Equal 840; not (Destination Equal 276)); Tier Equal 0)")]
    [TestCase("true", "always")]
    public void A_condition_means_what_the_page_says(string json, string expected) =>
        Assert.That(ConditionText.Of(Parse(When(json)).Rules[0].Condition), Is.EqualTo(expected));

    [TestCase("", 3 * 24)]
    [TestCase("\"within\": \"1 hour\",", 1)]
    [TestCase("\"within\": \"36 hours\",", 36)]
    [TestCase("\"within\": \"3650 days\",", 3_650 * 24)]
    public void A_review_holds_as_long_as_the_page_says(string within, int hours)
    {
        string entries = within + "\"id\": 1, \"name\": \"n\", \"kind\":";
        Rule one = Parse($$"""{ "version": 1, "rules": [ { {{entries}} "review" } ] }""").Rules[0];
        Rule sum = Parse($$"""{ "version": 1, "rules": [ { {{entries}} "review limit", "window": "day", "ceiling": "USD 1" } ] }""").Rules[0];

        Assert.That((one.Kind, one.HoldNs), Is.EqualTo((RuleKind.Review, (ulong)hours * Limits.NsPerHour)));
        Assert.That((sum.Kind, sum.HoldNs, sum.Currency), Is.EqualTo((RuleKind.ReviewLimit, (ulong)hours * Limits.NsPerHour, (ushort)840)));
    }

    [TestCase("day", "day")]
    [TestCase("month", "month")]
    [TestCase("rolling 30 days", "rolling 30 days")]
    [TestCase("year from 02-28", "year from 02-28")]
    public void A_window_means_what_the_page_says(string json, string expected)
    {
        RuleTable table = Parse(Rule($"\"kind\": \"limit\", \"window\": \"{json}\", \"ceiling\": \"USD 1\""));
        Assert.That(table.Rules[0].Window.ToString(), Is.EqualTo(expected));
    }

    [Test]
    public void A_fault_names_file_line_column_value_and_what_was_expected()
    {
        Assert.That(Fault("{\n  \"version\": 1,\n  \"rules\": [ { \"id\": 1, \"name\": \"é\", \"kind\": \"denial\" } ]\n}"),
            Is.EqualTo("r.json, line 3, column 46: \"denial\": deny, require, limit, review or review limit expected"));
    }

    private static IEnumerable<TestCaseData> Faults()
    {
        static TestCaseData Case(string json, string contains) => new(json, contains);
        yield return Case("", "JSON");
        yield return Case("[]", "an object with version and rules");
        yield return Case("{}", "version and rules");
        yield return Case("""{ "version": 2, "rules": [] }""", "1 expected");
        yield return Case("""{ "version": 1, "rules": {} }""", "a list of rules");
        yield return Case("""{ "version": 1, "rules": [], "rules": [] }""", "each key once");
        yield return Case("""{ "version": 1, "rules": [] } x""", "\"x\": JSON");
        yield return Case("""{ "version": 1, "rules": [""", "the end of the file: JSON");
        yield return Case("""{ "version": 1, "laws": [] }""", "\"laws\": version, lists or rules");
        yield return Case("""{ "version": 1, "rules": [ { "id": 1, "kind": "deny" } ] }""",
            "a deny with id, kind: id, kind, name");
        yield return Case("""{ "version": 1, "rules": [ { "id": 1, "name": "a", "kind": "deny" }, { "id": 1 } ] }""",
            "that no other rule has");
        yield return Case("""{ "version": 1, "rules": [ { "id": 65536 } ] }""", "\"65536\": a number from 1 to 65535");
        yield return Case("""{ "version": 1, "rules": [ { "id": 1.0 } ] }""", "a number from 1 to 65535");
        yield return Case("""{ "version": 1, "rules": [ { "name": "" } ] }""", "a name of 1 to 100 bytes");
        yield return Case("""{ "version": 1, "rules": [ { "name": "\ud800" } ] }""", "UTF-8");
        yield return Case(Rule("\"kind\": \"require\""), "a require with id, name, kind: id, kind, name, needs");
        yield return Case(Rule("\"kind\": \"deny\", \"needs\": true"), "a deny with id, name, kind, needs");
        yield return Case(Rule("\"kind\": \"deny\", \"within\": \"3 days\""), "a deny with id, name, kind, within");
        yield return Case(Rule("\"kind\": \"review\", \"within\": \"0 days\""), "at most 3650 days");
        yield return Case(Rule("\"kind\": \"review\", \"within\": \"3651 days\""), "at most 3650 days");
        yield return Case(Rule("\"kind\": \"review\", \"within\": \"3 weeks\""), "at most 3650 days");
        yield return Case(Rule("\"kind\": \"limit\", \"window\": \"week\""), "rolling 30 days or year from MM-DD");
        yield return Case(Rule("\"kind\": \"limit\", \"window\": \"year from 02-29\""), "(not 02-29)");
        yield return Case(Rule("\"ceiling\": \"USD 0.001\""), "fits the currency's scale");
        yield return Case(Rule("\"ceiling\": \"XXX 1\""), "a currency of ISO 4217");
        yield return Case(Rule("\"ceiling\": \"100\""), "with its currency");
        yield return Case(Rule("\"ceiling\": [null, null, null, null]"), "4 tiers without an amount");
        yield return Case(Rule("\"ceiling\": [\"USD 1\", null]"), "2 tiers");
        yield return Case(Rule("\"ceiling\": [\"USD 1\", \"EUR 1\", null, null]"), "\"EUR 1\": the currency of the tiers before");
        yield return Case(Rule("\"ceiling\": [null, null, null, null, \"USD 1\"]"), "four tiers");
        yield return Case(When("{}"), "a condition");
        yield return Case(When("{ \"all\": [] }"), "a condition");
        yield return Case(When("{ \"source\": \"US\" }"), "\"source\": all, any, not, amount, src");
        yield return Case(When("{ \"src\": \"ZZ\" }"), "\"ZZ\": a country of ISO 3166");
        yield return Case(When("{ \"src\": [] }"), "at least one value");
        yield return Case(When("{ \"src\": [\"US\", \"US\"] }"), "a list without repeats");
        yield return Case(When("{ \"src\": \"@none\" }"), "\"@none\": a list of the lists above");
        yield return Case(When("{ \"src\": { \"<\": \"US\" } }"), "\"<\": =, != or in");
        yield return Case(When("{ \"tier\": 4 }"), "a tier from 0 to 3");
        yield return Case(When("{ \"level\": 256 }"), "a level from 0 to 255");
        yield return Case(When("{ \"purpose\": \"fun\" }"), "FamilySupport");
        yield return Case(When("{ \"instruction\": 0 }"), "1 to 8 or one of Micropayment");
        yield return Case(When("{ \"amount\": [\"USD 1\"] }"), "a value");
        yield return Case(When(string.Concat(Enumerable.Repeat("{ \"not\": ", 33)) + "true" + new string('}', 33)), "deep");
        yield return Case(When(string.Concat(Enumerable.Repeat("{ \"not\": ", 200))), "JSON");
    }

    [TestCaseSource(nameof(Faults))]
    public void Every_fault_says_what_was_expected(string json, string contains) =>
        Assert.That(Fault(json), Does.Contain(contains));

    [Test]
    public void Damaged_files_never_throw()
    {
        Random random = PrintedSeed.Create();
        string page = File.ReadAllText(Repository.PathOf("engine", "Rules", "TABLE.md"));
        byte[] good = Encoding.UTF8.GetBytes(page.Split("```json")[1].Split("```")[0]);
        int refused = 0;
        for (int round = 0; round < 5_000; round++)
        {
            byte[] bytes = [.. good];
            for (int i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)(random.Next(2) == 0 ? "\"{}[],:@0\n"[random.Next(10)]
                    : random.Next(256));
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            if (!RuleTableFile.TryParse(bytes, "r.json", new FewSymbols(), out RuleTable? table, out RuleTableFault? fault))
                refused++;
            Assert.That(table is null, Is.EqualTo(fault is not null));
        }
        Assert.That(refused, Is.InRange(2_500, 4_999));
    }

    [Test]
    public void A_file_that_cannot_be_read_is_a_fault_of_the_file()
    {
        string missing = Path.Combine(TestContext.CurrentContext.WorkDirectory, "no-such-rules.json");
        Assert.That(RuleTableFile.TryRead(missing, new FewSymbols(), out _, out RuleTableFault? fault), Is.False);
        Assert.That(fault!.Line, Is.Zero);
        Assert.That(fault.ToString(), Does.StartWith(missing).And.Contain("a readable file"));
    }
}
