using System.Reflection;
using System.Text;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class ModuleFaultTests
{
    [TestCaseSource(typeof(FaultCases), nameof(FaultCases.All))]
    public void One_fault_is_told_once_and_at_its_place(string code, string marked)
    {
        int start = marked.IndexOf('⟦', StringComparison.Ordinal), end = marked.IndexOf('⟧', StringComparison.Ordinal) - 1;
        string text = marked.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal);
        int lineStart = start == 0 ? 0 : text.LastIndexOf('\n', start - 1) + 1;
        TextPlace expected = new(text[..start].Count(letter => letter == '\n') + 1, start - lineStart + 1, end - start);

        ModuleReading reading = ModuleReader.Read(text, "a.rules");

        // There are not as many values as a list may have: what is one too many was there before.
        IEnumerable<ModuleFault> faults = reading.Faults.Where(fault => code != FaultCode.TooMany || fault.Code != FaultCode.ValueTwice);
        Assert.That(faults.Select(fault => $"{fault.Code} {fault.Place} length {fault.Place.Length}"),
            Is.EqualTo(new[] { $"{code} {expected} length {expected.Length}" }), reading.Report());
        Assert.That(reading.Faults[0].Hint ?? reading.Faults[0].Message, Is.Not.Empty);
        Assert.That(reading.Module is null, Is.EqualTo(code[0] == 'E'), "a module stands unless there is an error");
    }

    [Test]
    public void Every_code_has_a_case_and_no_two_are_equal()
    {
        string[] codes = [.. typeof(FaultCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];
        string[] shown = [.. FaultCases.All.Select(test => (string)test.Arguments[0]!).Distinct()];
        Assert.Multiple(() =>
        {
            Assert.That(codes, Is.Unique);
            // These two cannot be marked in a text of one fault: the tests below show them.
            Assert.That(codes.Except(shown), Is.EquivalentTo(new[] { FaultCode.NotUtf8, FaultCode.TooManyFaults }));
        });
    }

    [Test]
    public void One_pass_tells_the_faults_of_all_statements_and_of_all_clauses()
    {
        const string Text = """
            module us version 7 effective 2026-02-30 authority "US Treasury" for US
            list @sanctioned = { CU, IR, KPP, EUR }  cite "31 CFR 515, 560, 510"
            lst @other = { US } cite "x"
            deny us.sanctions  wehn src = US or dst = USA and (amount > 3000 USD
                               cite "x"
            require us.travel  tier >= US  when src >= US and amount >= USD 3,000.00   cite "31 CFR 1010.410(f)"
            require us.ctr     tier >= 3  when source = UK and sum(payer, 7 days) + amount > USD 10000.00
            limit us.lrs tier 0 at most USD 10, tier 1 at most USD 1_000 per year cite “y”
            exception us.small to us.travle layer 2 limit at most USD 10 per 30 days
                when purpose in {medical, educatoin} and currency in @sanctoined cite "q"
            dney eu.x when src = us, cite "x
            test "at"  { src US dst DE amout USD 3000.00 tier 5 } => no us.traveel
            """;
        string[] told = [.. ModuleReader.Read(Text, "us.rules").Faults.Select(fault => fault.ToString()[..fault.ToString().IndexOf(": ", 10, StringComparison.Ordinal)])];
        Assert.That(told, Is.EqualTo(new[]
        {
            "1:31: error E602", "2:30: error E301", "2:35: error E403", "3:1: error E210", "4:20: error E210", "4:43: error E301", "4:51: error E208", "4:61: error E502",
            "6:28: error E401", "6:41: error E402", "6:65: error E107", "7:36: error E310", "7:45: error E301", "7:63: error E216",
            "8:14: error E215", "8:71: error E216", "8:76: error E104", "9:23: error E308", "10:31: error E303", "10:58: error E306",
            "11:1: error E210", "11:6: error E312", "11:22: error E301", "11:24: error E213", "11:31: error E105", "12:28: error E210", "12:51: error E405", "12:61: error E309",
        }));
    }

    [Test]
    public void A_fault_prints_its_line_a_mark_below_and_what_to_do()
    {
        ModuleReading reading = ModuleReader.Read("module us version 7 effective 2026-01-01 authority \"US Treasury\" for US\r\n\r\n" +
            "\trequire us.travel tier >= US when src = US cite \"31 CFR\"\r\n", "rules/us.rules");
        Assert.That(reading.Report(), Is.EqualTo("""
            rules/us.rules:3:28: error E401: `US` is a country; `tier` is compared with a number
                	require us.travel tier >= US when src = US cite "31 CFR"
                	                          ^^
                hint: identity tiers are whole numbers from 0 to 3
            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void A_long_line_is_shown_around_the_place_and_hidden_characters_as_signs()
    {
        string text = "module us version 7 effective 2026-01-01 authority \"A\" for US\n" +
            $"deny us.a when src in {{ {string.Join(", ", Enumerable.Repeat("US", 60))}, \u202EZZ, {string.Join(", ", Enumerable.Repeat("US", 60))} }} cite \"x\"";
        string[] printed = ModuleReader.Read(text, "us.rules").Faults.Single(fault => fault.Code == FaultCode.UnknownCountry).Print("us.rules", text).Split('\n');
        Assert.Multiple(() =>
        {
            Assert.That(printed[1], Has.Length.LessThan(170).And.Contains("US, \uFFFDZZ, US"));
            Assert.That(printed[2].IndexOf('^', StringComparison.Ordinal), Is.EqualTo(printed[1].IndexOf("ZZ", StringComparison.Ordinal)));
        });
    }

    [Test]
    public void What_is_quoted_is_shortened()
    {
        ModuleReading reading = ModuleReader.Read($"module us version 1 effective 2026-01-01 authority \"A\" for US deny us.a when src = {new string('Z', 10_000)} cite \"x\"", "us.rules");
        Assert.That(reading.Faults.Single().Message, Has.Length.LessThan(100));
    }

    [Test]
    public void There_are_never_more_than_a_hundred_faults_and_the_last_says_so()
    {
        string text = "module us version 1 effective 2026-01-01 authority \"A\" for US\n" + string.Concat(Enumerable.Range(0, 200).Select(at => $"deny us.s{at} when src = ZZ cite \"x\"\n"));
        ModuleReading reading = ModuleReader.Read(text, "us.rules");
        Assert.Multiple(() =>
        {
            Assert.That(reading.Faults, Has.Count.EqualTo(LanguageBounds.FaultsMax));
            Assert.That(reading.Faults.SkipLast(1).Select(fault => fault.Code), Is.All.EqualTo(FaultCode.UnknownCountry));
            Assert.That(reading.Faults[^1].Code, Is.EqualTo(FaultCode.TooManyFaults));
            Assert.That(reading.Module, Is.Null);
        });
    }

    [Test]
    public void A_hundred_warnings_do_not_hide_an_error()
    {
        string text = "module us version 1 effective 2026-01-01 authority \"A\" for US\n" +
            string.Concat(Enumerable.Range(0, 200).Select(at => $"deny us.s{at} when src in {{ US, US }} cite \"x\"\n")) + "deny us.last when src = ZZ cite \"x\"";
        ModuleReading reading = ModuleReader.Read(text, "us.rules");
        Assert.Multiple(() =>
        {
            Assert.That(reading.Module, Is.Null);
            Assert.That(reading.Faults, Has.Count.LessThanOrEqualTo(LanguageBounds.FaultsMax));
            Assert.That(reading.Faults[^1].Code, Is.EqualTo(FaultCode.UnknownCountry));
        });
    }

    [Test]
    public void Bytes_that_are_no_text_are_told_at_their_place()
    {
        byte[] bytes = [.. "module us version 1 effective 2026-01-01 authority \"A\" for US\ndeny us.a cite \"ü"u8, 0xFF, .. "\""u8];
        ModuleFault fault = ModuleReader.Read(bytes, "us.rules").Faults.Single();
        Assert.Multiple(() =>
        {
            Assert.That(fault.Code, Is.EqualTo(FaultCode.NotUtf8));
            Assert.That(fault.Place, Is.EqualTo(new TextPlace(2, 18, 1)));
        });
    }

    [TestCase("require us.travel tier >= 2 when src = US cite \"x\" exception us.e to us.travle allow cite \"x\"", "did you mean `us.travel`?")]
    [TestCase("deny us.travel cite \"x\" exception us.e to travel allow cite \"x\"", "did you mean `us.travel`?")]
    [TestCase("deny us.a when purpose = family_suport cite \"x\"", "did you mean `family_support`?")]
    [TestCase("deny us.a when purpose = Medical cite \"x\"", "write `medical`")]
    [TestCase("deny us.a when payer is busines cite \"x\"", "did you mean `business`?")]
    [TestCase("deny us.a when currency = UDS cite \"x\"", "did you mean `USD`?")]
    [TestCase("deny us.a when currency = RMB cite \"x\"", "did you mean `CNY`?")]
    [TestCase("deny us.a when currency = US cite \"x\"", "its currency is `USD`")]
    [TestCase("deny us.a when src = UK cite \"x\"", "did you mean `GB`?")]
    [TestCase("deny us.a when src = JPY cite \"x\"", "its country is `JP`; the currency of a payment is asked by `currency`")]
    [TestCase("deny us.a when src = EU cite \"x\"", "the European Union is no country: declare a list of its members; its currency is `EUR`")]
    [TestCase("deny us.a when source = US cite \"x\"", "did you mean `src`?")]
    [TestCase("deny us.a when src = US or CA cite \"x\"", "write `src = CA` or `dst = CA`; several values are a list: `src in { US, CA }`")]
    [TestCase("deny us.a when payer is company cite \"x\"", "did you mean `business`?")]
    [TestCase("deny us.a when amount > XAU 5 cite \"x\"", "amounts in it have no smallest unit to be counted in")]
    [TestCase("deny us.a cite \"x\" exception us.e to us.b allow cite \"x\"", "did you mean `us.a`?")]
    [TestCase("limit us.a tier 0 at most none, tier 2 at most USD 1 per day cite \"x\"", "name all four tiers, 0 to 3; where there is no ceiling, write `at most none`")]
    [TestCase("DENY us.a cite \"x\"", "write `deny`")]
    [TestCase("deny us.a when amount at least USD 5 cite \"x\"", "write `>=` instead of `at least`")]
    [TestCase("deny us.a when amount > 3000 usd cite \"x\"", "write `USD 3000`")]
    [TestCase("deny us.Travel-Rule cite \"x\"", "it is written with small letters, digits and `_`, with points between words, a letter in front: `us.travel_rule`")]
    [TestCase("deny travel cite \"x\"", "write `us.travel`")]
    [TestCase("deny us.a cite \"x\" from 2026-02-30", "2026-02 has the days 01 to 28")]
    public void What_to_do_is_said(string body, string hint)
    {
        ModuleReading reading = ModuleReader.Read("module us version 1 effective 2026-01-01 authority \"A\" for US\n" + body, "us.rules");
        Assert.That(reading.Faults.Select(fault => fault.Hint), Has.Member(hint), reading.Report());
    }

    [Test]
    public void The_mark_that_editors_put_in_front_moves_no_column()
    {
        byte[] bytes = [.. Encoding.UTF8.Preamble, .. "module us version 0 effective 2026-01-01 authority \"A\" for US"u8];
        Assert.That(ModuleReader.Read(bytes, "us.rules").Faults.Single().Place, Is.EqualTo(new TextPlace(1, 19, 1)));
    }
}
