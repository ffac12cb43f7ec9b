using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

[TestFixture]
public sealed class ModuleFormatterTests
{
    [Test]
    public void A_module_is_written_one_clause_a_line()
    {
        const string Text = """
            # The law of the United States.

            module us version 7 effective 2026-01-01 authority "US Treasury" for {US,PR}
            list @sanctioned={CU,IR,KP}cite "31 CFR 515"
            # Lower ceilings.
            class @low = { BD, ET } illustrative "x"
            deny us.sanctions when src = US or dst = US unless not(src in @sanctioned or dst in @sanctioned)cite "x" # both ways
            # From the first dollar.
            require us.ctr tier>=3 when src=US and sum ( payer,1 day )+amount>USD 10_000.00 cite "31 CFR 1010.311"
            limit us.year tier 0 at most USD 10, tier 1 at most equiv USD 1_000, tier 2 at most none, tier 3 at most EUR 3.5 indexed by EUR.cpi per year
              from 04-01 adapts to @low at 50 % when payer is not person cite "y" from 2026-02-01
            exception us.small to us.ctr layer 2 review within 12 hours
              # Doctors wait for nobody.
              when purpose in {medical,education} cite "q"
            test "one" {src US dst DE amount USD 2999.99}=>yes
            test "two" { src US dst DE amount USD 3000.00 tier 1 spent day USD 5 parameter EUR.rate 1.08 on 2026-03-01 payer person } => no us.ctr


            test "three" {src US dst DE amount USD 1}=>yes
            # The end.
            """;
        Assert.That(ModuleFormatter.Format(Text), Is.EqualTo("""
            # The law of the United States.

            module us version 7 effective 2026-01-01
              authority "US Treasury"
              for { US, PR }

            list @sanctioned = { CU, IR, KP }
              cite "31 CFR 515"
            # Lower ceilings.
            class @low = { BD, ET }
              illustrative "x"

            deny us.sanctions
              when src = US or dst = US
              unless not (src in @sanctioned or dst in @sanctioned)
              cite "x"  # both ways

            # From the first dollar.
            require us.ctr tier >= 3
              when src = US and sum(payer, 1 day) + amount > USD 10_000.00
              cite "31 CFR 1010.311"

            limit us.year tier 0 at most USD 10, tier 1 at most equiv USD 1_000, tier 2 at most none,
                tier 3 at most EUR 3.5 indexed by EUR.cpi per year from 04-01
              adapts to @low at 50%
              when payer is not person
              cite "y"
              from 2026-02-01

            exception us.small to us.ctr layer 2
              review within 12 hours
              # Doctors wait for nobody.
              when purpose in { medical, education }
              cite "q"

            test "one" { src US dst DE amount USD 2999.99 } => yes
            test "two" { src US dst DE amount USD 3000.00 tier 1 spent day USD 5 parameter EUR.rate 1.08
                on 2026-03-01 payer person } => no us.ctr

            test "three" { src US dst DE amount USD 1 } => yes
            # The end.

            """.ReplaceLineEndings("\n")));
    }

    [Test]
    public void Formatting_changes_neither_meaning_nor_comments_and_nothing_the_second_time()
    {
        Random random = PrintedSeed.Create();
        RandomModules modules = new(random);
        RandomLawText writer = new(random);
        for (int round = 0; round < 300; round++)
        {
            LawModule module = modules.Next();
            string text = writer.Write(module);
            Assert.That(ModuleFormatter.TryFormat(text, out string formatted), Is.True, text);
            ModuleReading reading = ModuleReader.Read(formatted, "a.rules");
            Assert.That(reading.Module, Is.Not.Null, $"{formatted}\n{reading.Report()}");
            Assert.That(LawDump.Of(reading.Module!), Is.EqualTo(LawDump.Of(module)), formatted);
            Assert.That(Comments(formatted), Is.EqualTo(Comments(text)));
            Assert.That(ModuleFormatter.Format(formatted), Is.EqualTo(formatted));
            Assert.That(formatted, Does.Not.Contain('\r').And.Not.Contain("\n\n\n").And.Not.Contain(" \n").And.EndsWith("\n"));
        }
    }

    [Test]
    public void However_the_spaces_stand_the_form_is_one()
    {
        Random random = PrintedSeed.Create();
        RandomModules modules = new(random);
        RandomLawText writer = new(random);
        for (int round = 0; round < 300; round++)
        {
            writer.Write(modules.Next());
            string one = string.Join(' ', writer.Words), other = string.Join("\r\n", writer.Words);
            Assert.That(ModuleFormatter.Format(other), Is.EqualTo(ModuleFormatter.Format(one)));
        }
    }

    private static IEnumerable<string> Comments(string text) => Lexer.Read(text, new FaultList()).Comments.Select(comment => comment.Text);

    [Test]
    public void What_cannot_be_read_is_left_as_it_is_and_what_means_nothing_is_formatted()
    {
        const string Unreadable = "module  us version 1 effective 2026-01-01 authority \"A\" for US deny us.a wehn src = US cite \"x\"";
        const string Meaningless = "module  us version 1 effective 2026-01-01 authority \"A\" for ZZ";
        Assert.Multiple(() =>
        {
            Assert.That(ModuleFormatter.TryFormat(Unreadable, out string left), Is.False);
            Assert.That(left, Is.EqualTo(Unreadable));
            Assert.That(ModuleFormatter.Format(Meaningless), Is.EqualTo("module us version 1 effective 2026-01-01\n  authority \"A\"\n  for ZZ\n"));
        });
    }
}
