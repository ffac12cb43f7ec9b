using System.IO.Compression;
using System.Text;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;
using static Settlement.Tests.Gateway.Input.InputTexts;

namespace Settlement.Tests.Gateway.Input;

public sealed class InputCheckTests
{
    private const string Mixed = PaymentHeader + ",7,8,1,EUR\nshop:3,7,8,1,EUR\n,7,8,2,EUR\n";

    private Folder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new Folder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void A_good_file_is_counted_and_named()
    {
        InputSummary summary = InputCheck.Run(_folder.Write("payments.csv", Mixed), Options);
        Assert.That((summary.Records, summary.RecordsWithoutId, summary.Bytes), Is.EqualTo((3L, 2L, (long)Mixed.Length)));
        Assert.That(summary.ContentStream, Is.EqualTo(StreamName.OfContent(new MemoryStream(Encoding.UTF8.GetBytes(Mixed)))));
    }

    [Test]
    public void A_bad_last_line_is_found_before_anything_is_read()
    {
        string path = _folder.Write("payments.csv", Mixed + ",7,8,x,EUR");
        InputException fault = Thrown(() => PaymentInput.OpenChecked(path, Options, out _));
        Assert.That((fault.File, fault.Line), Is.EqualTo((path, 5L)));
        Assert.That(Thrown(() => PaymentInput.OpenChecked(path, Options with { Stream = 4 }, out _)).Line, Is.EqualTo(5), "with --stream, too");
    }

    [Test]
    public void A_files_content_names_its_stream_unless_a_stream_is_named()
    {
        string path = _folder.Write("payments.csv", Mixed);
        List<PaymentRecord> records = All(PaymentInput.OpenChecked(path, Options, out InputSummary? summary));
        Assert.That(records.Select(r => r.Payment.IdHigh), Is.EqualTo(new[] { summary!.ContentStream, StreamName.OfName("shop"), summary.ContentStream }));
        records = All(PaymentInput.OpenChecked(path, Options with { Stream = 4 }, out _));
        Assert.That(records.Select(r => r.Payment.IdHigh), Is.EqualTo(new[] { 4ul, StreamName.OfName("shop"), 4ul }));
    }

    [Test]
    public void A_gzipped_file_reads_as_its_content_and_has_the_same_name()
    {
        string plain = _folder.Write("payments.csv", Mixed), zipped = _folder.Write("payments.csv.GZ", Gzip(Mixed));
        InputSummary ofPlain = InputCheck.Run(plain, Options), ofZipped = InputCheck.Run(zipped, Options);
        Assert.That(ofZipped.ContentStream, Is.EqualTo(ofPlain.ContentStream));
        Assert.That(All(PaymentInput.OpenChecked(zipped, Options, out _)).Select(r => r.Payment),
            Is.EqualTo(All(PaymentInput.OpenChecked(plain, Options, out _)).Select(r => r.Payment)));
    }

    [Test]
    public void A_gzip_that_is_none_or_is_cut_is_said()
    {
        byte[] whole = Gzip(PaymentHeader + string.Concat(Enumerable.Range(1, 5_000).Select(n => $"shop:{n},7,8,{n},EUR\n")));
        string text = _folder.Write("text.gz", Mixed), cut = _folder.Write("cut.gz", whole[..(whole.Length / 2)]);
        whole[whole.Length / 2] ^= 0x10;
        string flipped = _folder.Write("flipped.gz", whole);
        foreach (string path in new[] { text, cut, flipped })
            Assert.That(Thrown(() => InputCheck.Run(path, Options)).File, Is.EqualTo(path));
        Assert.That(Thrown(() => InputCheck.Run(text, Options)).Message, Does.StartWith($"{text}: the file is not whole gzip"));
        Assert.That(Thrown(() => InputCheck.Run(cut, Options)).Message, Does.StartWith($"{cut}: the file is not whole gzip"));
    }

    [Test]
    public void A_file_that_changes_between_check_and_reading_is_said_with_its_stream()
    {
        string path = _folder.Write("payments.csv", Mixed);
        using IPaymentReader reader = PaymentInput.OpenChecked(path, Options, out InputSummary? summary);
        File.AppendAllText(path, ",7,8,3,EUR\n");
        // The reader holds the header and, of so short a file, the rest; its end it has not seen yet.
        InputException fault = Thrown(() => All(reader));
        Assert.That(fault.Message, Does.Contain("was changed while it was read").And.Contain($"{summary!.ContentStream:x16}"));
    }

    [Test]
    public void A_file_that_is_not_there_or_no_file_is_said()
    {
        string missing = Path.Combine(Path.GetTempPath(), "no-such-folder-of-settlement", "payments.csv");
        Assert.That(Thrown(() => PaymentInput.OpenChecked(missing, Options, out _)).Message, Is.EqualTo($"{missing}: there is no such file"));
        Assert.That(Thrown(() => PaymentInput.OpenChecked(Path.GetTempPath(), Options, out _)).Message, Does.Contain("the file cannot be opened"));
    }

    [Test]
    public void CSV_and_XML_are_told_apart_by_the_first_character_whatever_comes_before_it()
    {
        foreach (string start in new[] { "", "\n  \t", "\uFEFF", "\uFEFF \r\n" })
        {
            Assert.That(Stream(start + "<Document/>").LooksLikeXml(), Is.True);
            using InputStream csv = Stream(start + Mixed);
            Assert.That(csv.LooksLikeXml(), Is.False);
            Assert.That(csv.LooksLikeXml(), Is.False, "asked again");
            using var reader = new StreamReader(csv);
            Assert.That(reader.ReadToEnd(), Is.EqualTo((start + Mixed).TrimStart('\uFEFF')), "nothing is taken away");
        }
        Assert.That(Stream("").LooksLikeXml(), Is.False);
        Assert.That(Stream(new string(' ', 5_000) + "<").LooksLikeXml(), Is.False, "it looks only so far");
    }

    private static byte[] Gzip(string text)
    {
        using var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest))
            zip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }
}
