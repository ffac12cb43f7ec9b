using System.Text;
using Settlement.Engine.Rules.Language;

namespace Settlement.Tests.Rules.Language;

/// <summary>Whatever is read: no exception, no hang, a bounded list of faults at places that are in the text, and a module if and only if there is no error.</summary>
[TestFixture, Parallelizable]
public sealed class ModuleFuzzTests
{
    private static readonly string[] s_soup =
    [
        .. LawWords.Headers, .. LawWords.Items, .. LawWords.Clauses, .. LawWords.Effects, .. LawWords.Fields, .. LawWords.TestItems, .. LawWords.Answers, "version", "effective", "authority",
        "for", "world", "currencies", "between", "to", "layer", "within", "days", "hours", "at", "most", "none", "per", "adapts", "exempt", "and", "or", "not", "in", "is", "equiv",
        "indexed", "by", "{", "}", "(", ")", ",", "=", "!=", "<", "<=", ">", ">=", "+", "%", "=>", "US", "DE", "ZZ", "USD", "EUR", "us", "us.a", "us.b", "eu.a", "@l", "@m", "medical",
        "person", "1", "30", "3000.00", "2026-01-01", "04-01", "USD.cpi", "\"text\"", "\"", "#", "\n", "\n", "“", "≥", "\u202E", "wehn", "dney", "1.2.3", "\\", "😀", "\uD800",
    ];

    [Test]
    public void Bytes_of_any_kind()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 3_000; round++)
        {
            byte[] bytes = new byte[random.Next(300)];
            random.NextBytes(bytes);
            if (round % 2 == 0)
                for (int at = 0; at < bytes.Length; at++)
                    bytes[at] = (byte)(bytes[at] % 96 + 31);
            Check(ModuleReader.Read(bytes, "fuzz.rules"));
        }
    }

    [Test]
    public void Soup_of_the_languages_words()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 5_000; round++)
        {
            string start = round % 3 == 0 ? "" : "module us version 1 effective 2026-01-01 authority \"A\" for US ";
            string text = start + string.Join(random.Next(8) == 0 ? "" : " ", Enumerable.Range(0, random.Next(60)).Select(_ => s_soup[random.Next(s_soup.Length)]));
            Check(ModuleReader.Read(text, "fuzz.rules"));
        }
    }

    [Test]
    public void Modules_with_words_and_letters_changed_and_some_of_them_still_stand()
    {
        Random random = PrintedSeed.Create();
        RandomModules modules = new(random);
        RandomLawText writer = new(random);
        int standing = 0, fallen = 0;
        HashSet<string> codes = [];
        for (int round = 0; round < 3_000; round++)
        {
            string text = writer.Write(modules.Next());
            text = round % 2 == 0 ? writer.Spaced(ChangeWords(random, [.. writer.Words])) : ChangeLetters(random, text);
            ModuleReading reading = ModuleReader.Read(text, "fuzz.rules");
            Check(reading);
            codes.UnionWith(reading.Faults.Select(fault => fault.Code));
            if (reading.Module is null)
                fallen++;
            else
                standing++;
        }
        Assert.Multiple(() =>
        {
            Assert.That(standing, Is.GreaterThan(100));
            Assert.That(fallen, Is.GreaterThan(500));
            Assert.That(codes, Has.Count.GreaterThan(50), "the changes reach most kinds of fault");
        });
    }

    private static List<string> ChangeWords(Random random, List<string> words)
    {
        for (int change = random.Next(1, 4); change > 0 && words.Count > 1; change--)
        {
            int at = random.Next(words.Count), other = random.Next(words.Count);
            switch (random.Next(5))
            {
                case 0:
                    words.RemoveAt(at);
                    break;
                case 1:
                    words.Insert(at, words[other]);
                    break;
                case 2:
                    (words[at], words[other]) = (words[other], words[at]);
                    break;
                case 3:
                    words[at] = s_soup[random.Next(s_soup.Length)];
                    break;
                default:
                    words.RemoveRange(at, Math.Min(words.Count - at, random.Next(1, 10)));
                    break;
            }
        }
        return [.. words.Where(word => word.Length > 0)];
    }

    private static string ChangeLetters(Random random, string text)
    {
        var changed = new StringBuilder(text);
        for (int change = random.Next(1, 4); change > 0 && changed.Length > 0; change--)
        {
            int at = random.Next(changed.Length);
            switch (random.Next(4))
            {
                case 0:
                    changed.Remove(at, 1);
                    break;
                case 1:
                    changed.Insert(at, (char)random.Next(' ', 0x7F));
                    break;
                case 2:
                    changed[at] = random.Next(20) == 0 ? (char)random.Next(0x10000) : (char)random.Next(' ', 0x7F);
                    break;
                default:
                    changed.Length = at;
                    break;
            }
        }
        return changed.ToString();
    }

    /// <summary>The longest text of what is nasty: each would take hours, or the stack, if reading were not linear and bounded in depth.</summary>
    [Test]
    public void The_longest_texts_of_nasty_repetitions([ValueSource(nameof(Nasty))] string repeated)
    {
        const string Start = "module us version 1 effective 2026-01-01 authority \"A\" for US\n";
        int bytes = Encoding.UTF8.GetByteCount(repeated);
        string[] starts = ["", Start, Start + "deny us.a when ", Start + "list @l = { ", Start + "test \"t\" { ", Start + "limit us.l tier 0 at most "];
        foreach (string start in starts)
        {
            // In full twice: behind nothing, and in a condition, which nests.
            int most = start.Length == 0 || start.EndsWith("when ", StringComparison.Ordinal) ? LanguageBounds.TextBytesMax : LanguageBounds.TextBytesMax / 16;
            string text = start + string.Concat(Enumerable.Repeat(repeated, (most - start.Length) / bytes));
            Check(ModuleReader.Read(text, "fuzz.rules"), isPrinted: false);
        }
    }

    private static IEnumerable<string> Nasty() =>
    [
        "(", "not ", "not (", "src = US and ", "src = US or ", "(src = US or tier = 1 and ", "\"", "\"\n", "@", "@a ", "{", "}", ",", "US, ", "US ", "=", "=>", "\n", "\r", "#", "#\n", "\u202E", "é", "😀",
        "\\", "\"\\", "1", "1_", "1.", "1.2.", "-", "2026-01-01 ", "x", "x ", "x.", "x.x ", "deny ", "deny us.a ", "deny\n", "dney \"x\"\n", "dney us.a\n", "wehn ", "when ", "cite ", "cite \"x\" ",
        "test ", "test \"t\" { src US dst DE amount USD 1 } => no us.b\n", "list @l = { US } cite \"x\"\n", "exception us.e to us.a, us.b, us.c allow cite \"x\"\n", "sum(payer, day) + amount > ",
        "tier 0 at most USD 1, ", "src in { US } and not ", "module ", "version 1 ", "amount > 3,000 USD and ", "adapts to @l at 5%, ", "review us.",
        "deny us.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa cite \"x\" exception us.e to us.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabb allow cite \"x\"\n",
    ];

    private static void Check(ModuleReading reading, bool isPrinted = true)
    {
        string[] lines = reading.Text.TrimStart('\uFEFF').Split('\n');
        if (reading.Module is null != reading.Faults.Any(fault => fault.IsError))
            Assert.Fail($"a module if and only if there is no error:\n{reading.Text}\n{reading.Report()}");
        if (reading.Faults.Count > LanguageBounds.FaultsMax)
            Assert.Fail($"{reading.Faults.Count} faults");
        foreach (ModuleFault fault in reading.Faults)
        {
            bool isInText = fault.Place.Line >= 1 && fault.Place.Line <= lines.Length && fault.Place.Column >= 1 && fault.Place.Length >= 0
                && fault.Place.Column - 1 + fault.Place.Length <= lines[fault.Place.Line - 1].Length;
            if (!isInText)
                Assert.Fail($"{fault} of length {fault.Place.Length} is not in the text:\n{reading.Text}");
        }
        if (isPrinted)
            reading.Report();
        // Formatting reads what cannot be judged, too, and its own result again.
        string formatted = ModuleFormatter.Format(reading.Text);
        if (ModuleFormatter.Format(formatted) != formatted)
            Assert.Fail($"formatting twice differs:\n{reading.Text}\n---\n{formatted}\n---\n{ModuleFormatter.Format(formatted)}");
    }
}
