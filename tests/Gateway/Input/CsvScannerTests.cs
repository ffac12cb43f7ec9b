using System.Text;
using Settlement.Gateway.Input;

namespace Settlement.Tests.Gateway.Input;

public sealed class CsvScannerTests
{
    [Test]
    public void Records_end_with_LF_or_CRLF_or_the_file()
    {
        Assert.That(Scan("a,b\r\nc,d\ne,f"), Is.EqualTo(new[] { "1|a|b", "2|c|d", "3|e|f" }));
        Assert.That(Scan("a,b\r\nc,d\ne,f\n"), Is.EqualTo(new[] { "1|a|b", "2|c|d", "3|e|f" }));
        Assert.That(Scan("a,b\r\nc,d\ne,f\r"), Is.EqualTo(new[] { "1|a|b", "2|c|d", "3|e|f" }));
    }

    [Test]
    public void Empty_fields_count_and_blank_lines_do_not() =>
        Assert.That(Scan("\n,\n  \t\n\r\n,,x,\n\n"), Is.EqualTo(new[] { "2||", "5|||x|" }));

    [Test]
    public void Blanks_around_a_field_are_no_part_of_it() =>
        Assert.That(Scan(" a ,\tb c\t, \" d \" \n"), Is.EqualTo(new[] { "1|a|b c| d " }));

    [Test]
    public void Quotes_hold_commas_quotes_and_line_ends_and_lines_are_still_counted() =>
        Assert.That(Scan("\"a,b\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",\"\"\nlast,\"end\""),
            Is.EqualTo(new[] { "1|a,b|say \"hi\"", "2|two\nlines|", "4|last|end" }));

    [Test]
    public void A_byte_order_mark_is_skipped() =>
        Assert.That(Scan("\uFEFFa,b\n"), Is.EqualTo(new[] { "1|a|b" }));

    [Test]
    public void A_file_of_nothing_has_no_records()
    {
        Assert.That(Scan(""), Is.Empty);
        Assert.That(Scan("\n\r\n \n"), Is.Empty);
        Assert.That(Scan("\uFEFF"), Is.Empty);
    }

    [TestCase("a\nb,\"open", 2, "quote is opened and not closed")]
    [TestCase("\"a\"b", 1, "behind a closing quote")]
    [TestCase("a\n\nb\"c", 3, "quote stands inside a field")]
    public void A_misplaced_quote_is_said_with_its_line(string text, int line, string sentence)
    {
        InputException fault = InputTexts.Thrown(() => Scan(text));
        Assert.That(fault.Line, Is.EqualTo(line));
        Assert.That(fault.Message, Does.StartWith($"payments.csv, line {line}: ").And.Contain(sentence));
    }

    [Test]
    public void UTF_16_is_said()
    {
        byte[] utf16 = [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("id,payer\n")];
        InputException fault = InputTexts.Thrown(() => new CsvScanner(InputTexts.Stream(utf16)).Dispose());
        Assert.That(fault.Message, Does.Contain("UTF-16"));
    }

    [TestCase(0)]
    [TestCase(1)]
    public void A_line_of_the_greatest_length_is_read_and_a_longer_one_refused(int more)
    {
        foreach (bool quoted in new[] { false, true })
        {
            int length = InputLimits.RecordBytesMax - 1 - (quoted ? 2 : 0) + more;
            string field = new('x', length);
            string text = "first\n" + (quoted ? $"\"{field}\"" : field) + "\nlast\n";
            if (more == 0)
                Assert.That(Scan(text)[1], Has.Length.EqualTo(length + 2));
            else
                Assert.That(InputTexts.Thrown(() => Scan(text)).Message, Is.EqualTo("payments.csv, line 2: the line is longer than 65536 bytes"));
        }
    }

    [Test]
    public void A_line_without_end_is_refused_before_it_is_held()
    {
        foreach (string start in new[] { "", "\"" })
            Assert.That(InputTexts.Thrown(() => Scan(start + new string('x', 4 << 20))).Message, Does.Contain("longer than 65536 bytes"));
    }

    [Test]
    public void More_fields_than_the_limit_are_refused()
    {
        Assert.That(Scan(new string(',', InputLimits.ColumnsMax - 1)), Has.Count.EqualTo(1));
        Assert.That(() => Scan(new string(',', InputLimits.ColumnsMax)), Throws.TypeOf<InputException>().With.Message.Contains("more than 64 fields"));
        Assert.That(() => Scan("\"\"" + new string(',', InputLimits.ColumnsMax)), Throws.TypeOf<InputException>().With.Message.Contains("more than 64 fields"));
    }

    [Test]
    public void Without_waiting_only_what_has_arrived_is_read()
    {
        int[] pieces = [6, 3, 100, 100];
        int piece = 0;
        using var scanner = new CsvScanner(new InputStream(
            new InputTexts.Trickle("a\nb\nc\nd\ne\n"u8.ToArray(), () => pieces[piece++]), "-", canReread: false, hashed: false));
        Assert.That(Enumerable.Range(0, 3).All(_ => scanner.Next(wait: false)));
        Assert.That(scanner.Next(wait: false), Is.False, "the next piece was not read");
        Assert.That(scanner.Next(wait: true), Is.True);
        Assert.That(Encoding.UTF8.GetString(scanner.Field(0)), Is.EqualTo("d"));
        Assert.That(scanner.Next(wait: false), Is.False);
        Assert.That(scanner.Next(wait: true), Is.True);
        Assert.That(scanner.Next(wait: true), Is.False, "the end");
    }

    /// <summary>Fields chosen at random, written by the rules, are read back, however the bytes arrive.</summary>
    [Test]
    public void What_is_written_as_CSV_is_read_back()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 300; round++)
        {
            List<string> expected = [];
            var text = new StringBuilder();
            long line = 1;
            int rows = random.Next(1, 200);
            for (int row = 0; row < rows; row++)
            {
                string[] fields = [.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => RandomField(random))];
                expected.Add($"{line}|{string.Join('|', fields)}");
                text.AppendJoin(',', fields.Select(field => Written(field, random))).Append(random.Next(2) == 0 ? "\n" : "\r\n");
                line += 1 + fields.Sum(field => field.Count(c => c == '\n'));
            }
            byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
            int most = random.Next(1, 3_000);
            using var stream = new InputTexts.Trickle(bytes, () => random.Next(1, most + 1));
            Assert.That(Scan(new InputStream(stream, "payments.csv", canReread: true, hashed: false)), Is.EqualTo(expected));
        }
    }

    private static string RandomField(Random random)
    {
        const string alphabet = "abcé ,\"\n7.";
        return string.Concat(Enumerable.Range(0, random.Next(0, 12)).Select(_ => alphabet[random.Next(alphabet.Length)]));
    }

    private static string Written(string field, Random random)
    {
        bool mustQuote = field.AsSpan().IndexOfAny(",\"\n") >= 0 || field.Trim() != field;
        return mustQuote || random.Next(8) == 0 ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
    }

    private static List<string> Scan(string text) => Scan(InputTexts.Stream(text));

    private static List<string> Scan(InputStream input)
    {
        using var scanner = new CsvScanner(input);
        List<string> records = [];
        while (scanner.Next(wait: true))
        {
            IEnumerable<string> fields = Enumerable.Range(0, scanner.FieldCount).Select(place => Encoding.UTF8.GetString(scanner.Field(place)));
            records.Add($"{scanner.Line}|{string.Join('|', fields)}");
        }
        return records;
    }
}
