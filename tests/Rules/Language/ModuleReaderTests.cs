using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class ModuleReaderTests
{
    private const int Rounds = 600;

    [Test]
    public void What_is_written_is_read_and_every_construct_is_written()
    {
        Random random = PrintedSeed.Create();
        RandomModules modules = new(random);
        RandomLawText writer = new(random);
        for (int round = 0; round < Rounds; round++)
        {
            LawModule module = modules.Next();
            string text = writer.Write(module);
            ModuleReading reading = ModuleReader.Read(text, "a.rules");
            Assert.That(reading.Module, Is.Not.Null, $"{text}\n{reading.Report()}");
            Assert.That(LawDump.Of(reading.Module!), Is.EqualTo(LawDump.Of(module)), text);
        }
        Assert.That(Constructs().Except(writer.Seen), Is.Empty, "these were never written");
    }

    /// <summary>Every word of the language, every comparison of every field, every list of every kind.</summary>
    private static IEnumerable<string> Constructs() =>
    [
        .. LawWords.Headers, .. LawWords.Items, .. LawWords.Clauses, .. LawWords.Effects, .. LawWords.TestItems, .. LawWords.Answers, .. LawWords.Fields,
        "version", "effective", "authority", "for", "world", "currencies", "between", "to", "layer", "within", "days", "hours", "day", "hour", "at", "most", "none", "per", "adapts", "exempt",
        "month", "year", "and", "or", "not", "in", "is", "equiv", "indexed", "by", "#",
        .. Enumerable.Range(1, 10).Select(field => $"{(RuleField)field} in values"),
        .. new[] { RuleField.Source, RuleField.Destination, RuleField.Owner, RuleField.Currency, RuleField.Purpose }.Select(field => $"{field} in list"),
        .. Enumerable.Range(1, 8).SelectMany(field => Enumerable.Range(1, (RuleField)field is RuleField.Tier or RuleField.Level ? 6 : 2).Select(comparison => $"{(RuleField)field} {(RuleOperator)comparison}")),
        .. Enumerable.Range(1, 6).Select(comparison => $"amount {(RuleOperator)comparison}"),
        .. Enumerable.Range(1, 4).SelectMany(window => new[] { $"sum {(WindowKind)window} More", $"sum {(WindowKind)window} AtLeast" }),
    ];

    [Test]
    public void The_example_of_the_design_means_what_it_says()
    {
        LawModule module = ModuleReader.Read("""
            module us version 7 effective 2026-01-01 authority "US Treasury" for US
            list @sanctioned = { IR, CU, KP }  cite "31 CFR 515, 560, 510"

            deny     us.sanctions  when src = US or dst = US
                                   unless not (src in @sanctioned or dst in @sanctioned)  cite "31 CFR 515"
            require  us.travel     tier >= 2  when src = US and amount >= USD 3000.00   cite "31 CFR 1010.410(f)"
            limit    us.year       at most equiv USD 50_000 indexed by USD.cpi per year from 04-01  illustrative "a year"
            exception us.known to us.travel layer 2 review within 12 hours when payer is not person cite "x" from 2026-02-01 until 2027-01-01

            test "at" { src US dst DE amount USD 3000.00 tier 1 spent day USD 5 parameter EUR.rate 1.08 } => no us.travel
            """, "us.rules").Module!;
        Assert.That(LawDump.Of(module), Is.EqualTo("""
            us 7 20454  US Treasury
            for  840 / 840,997 between 
            list sanctioned False Source 192,364,408 Citation { Text = 31 CFR 515, 560, 510, IsIllustrative = False }
            us.sanctions Deny to  layer 0 when all (any (Source Equal 840; Destination Equal 840); not (not (any (Source in sanctioned [192,364,408]; Destination in sanctioned [192,364,408])))) needs    adapts  holds 0 Citation { Text = 31 CFR 515, IsIllustrative = False } from  until 
            us.travel Require to  layer 0 when all (Source Equal 840; amount AtLeast 840 300000/10^2 ) needs Tier AtLeast 2   adapts  holds 0 Citation { Text = 31 CFR 1010.410(f), IsIllustrative = False } from  until 
            us.year Limit to  layer 0 when always needs  year from 04-01 equiv 840 50000/10^0 ParameterName { Currency = 840, Name = cpi },equiv 840 50000/10^0 ParameterName { Currency = 840, Name = cpi },equiv 840 50000/10^0 ParameterName { Currency = 840, Name = cpi },equiv 840 50000/10^0 ParameterName { Currency = 840, Name = cpi } adapts  holds 0 Citation { Text = a year, IsIllustrative = True } from  until 
            us.known Review to us.travel layer 2 when PayerKind NotEqual 1 needs    adapts  holds 43200000000000 Citation { Text = x, IsIllustrative = False } from 20485 until 20819
            test at RuleFacts { Source = 840, Destination = 276, Currency = 840, Amount = 0, Tier = 1, Purpose = 0, Level = 0, Instruction = 2, PayerKind = 0, PayeeKind = 0 } 840 300000/10^2  spent day 840 5/10^0  parameters (ParameterName { Currency = 978, Name = rate }, 1080000000) on  No us.travel
            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void A_module_keeps_its_text_and_its_hash()
    {
        byte[] bytes = [.. Encoding.UTF8.Preamble, .. "module us version 1 effective 2026-01-01 authority \"Größe\" for US\r\n"u8];
        LawModule module = ModuleReader.Read(bytes, "us.rules").Module!;
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetBytes(module.Text), Is.EqualTo(bytes));
            Assert.That(module.Hash, Is.EqualTo(Digest.From(SHA256.HashData(bytes))));
            Assert.That(ModuleReader.Read(module.Text, "us.rules").Module!.Hash, Is.EqualTo(module.Hash));
        });
    }

    [Test]
    public void Long_chains_are_one_node_and_mixed_ones_follow_and_before_or()
    {
        string chain = string.Join(" and ", Enumerable.Repeat("tier = 1", 5_000));
        LawModule module = ModuleReader.Read($"module us version 1 effective 2026-01-01 authority \"A\" for US deny us.a when {chain} cite \"x\" " +
            "deny us.b when src = US or tier = 1 and tier = 2 or not tier = 3 and tier = 0 cite \"x\"", "us.rules").Module!;
        Assert.Multiple(() =>
        {
            Assert.That(((LawAll)module.Statements[0].When).Children, Has.Count.EqualTo(5_000));
            Assert.That(LawDump.Of(module.Statements[1].When),
                Is.EqualTo("any (Source Equal 840; all (Tier Equal 1; Tier Equal 2); all (not (Tier Equal 3); Tier Equal 0))"));
        });
    }

    [Test]
    public void The_deepest_condition_that_may_stand_does_and_the_next_does_not()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Nested(31).Module, Is.Not.Null);
            Assert.That(Nested(32).Faults.Select(fault => fault.Code), Is.EqualTo(new[] { FaultCode.ConditionTooDeep }));
            Assert.That(Nested(50_000).Faults.Select(fault => fault.Code), Is.EqualTo(new[] { FaultCode.ConditionTooDeep }));
        });

        static ModuleReading Nested(int parentheses) => ModuleReader.Read("module us version 1 effective 2026-01-01 authority \"A\" for US deny us.a when " +
            $"{new string('(', parentheses)}tier = 1{new string(')', parentheses)} cite \"x\"", "us.rules");
    }

    [Test]
    public void Places_are_those_of_names_and_of_whole_conditions()
    {
        LawModule module = ModuleReader.Read("module us version 1 effective 2026-01-01 authority \"A\" for US\n  deny us.a when src = US and (dst = US\n  or tier = 1) cite \"x\"", "us.rules").Module!;
        var all = (LawAll)module.Statements[0].When;
        Assert.Multiple(() =>
        {
            Assert.That(module.Statements[0].Place, Is.EqualTo(new TextPlace(2, 8, 4)));
            Assert.That(all.Place, Is.EqualTo(new TextPlace(2, 18, 22)), "to the end of its first line");
            Assert.That(all.Children[0].Place, Is.EqualTo(new TextPlace(2, 18, 8)));
            Assert.That(((LawAny)all.Children[1]).Children[1].Place, Is.EqualTo(new TextPlace(3, 6, 8)));
        });
    }

    [Test]
    public void A_module_may_be_named_by_a_word_of_the_language()
    {
        LawModule module = ModuleReader.Read("""
            module in version 1 effective 2026-01-01 authority "A" for IN
            deny in.a cite "x"
            exception in.e to in.a
              deny
              when src = IN cite "x"
            test "t" { src IN dst IN amount INR 1 } => no
              in.a
            """, "in.rules").Module!;
        Assert.That(module.Statements.Select(statement => statement.Name), Is.EqualTo(new[] { "in.a", "in.e" }));
    }

    [Test]
    public void A_module_of_a_bloc_has_the_currencies_that_it_states()
    {
        LawModule module = ModuleReader.Read("""
            module eu version 1 effective 2026-01-01 authority "A" for @members currencies { SEK, EUR }
            list @members = { SE, DE } cite "TEU"
            """, "eu.rules").Module!;
        Assert.Multiple(() =>
        {
            Assert.That(module.Jurisdiction.Countries, Is.EqualTo(new[] { 276, 752 }));
            Assert.That(module.Jurisdiction.Currencies, Is.EqualTo(new[] { 752, 978 }));
            Assert.That(module.Jurisdiction.Governs(840, 840, 978), Is.True);
            Assert.That(module.Jurisdiction.Governs(840, 276, 840), Is.True);
            Assert.That(module.Jurisdiction.Governs(840, 840, 840), Is.False);
        });
    }
}
