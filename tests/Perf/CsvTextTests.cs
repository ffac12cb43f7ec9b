using System.Text;
using Settlement.Perf.Generate;

namespace Settlement.Tests.Perf;

public sealed class CsvTextTests
{
    [TestCase(0UL, 0, "0")]
    [TestCase(0UL, 2, "0.00")]
    [TestCase(7UL, 2, "0.07")]
    [TestCase(1234UL, 2, "12.34")]
    [TestCase(1234UL, 3, "1.234")]
    [TestCase(16383UL, 0, "16383")]
    [TestCase(ulong.MaxValue, 3, "18446744073709551.615")]
    public void An_amount_has_all_its_decimal_places(ulong units, int scale, string text) => Assert.That(Written(to => to.Amount(units, scale)), Is.EqualTo(text));

    [Test]
    public void A_uuid_is_one_big_endian_number() =>
        Assert.That(Written(to => to.Uuid(0x0123_4567_89AB_CDEF, 0x8123_4567_89AB_CDEF)), Is.EqualTo("01234567-89ab-cdef-8123-456789abcdef"));

    [Test]
    public void A_time_is_rfc_3339_in_utc() => Assert.That(Written(to => to.Time(4_102_444_799)), Is.EqualTo("2099-12-31T23:59:59Z"));

    [Test]
    public void Lines_beyond_the_buffer_come_out_whole_and_are_counted()
    {
        using var stream = new MemoryStream();
        var expected = new StringBuilder();
        using (var text = new CsvText(stream))
        {
            for (ulong line = 0; line < 50_000; line++)
            {
                text.Number(line);
                text.Comma();
                text.Text("payments"u8);
                text.EndLine();
                expected.Append(line).Append(",payments\n");
            }

            text.Flush();
            Assert.That(text.BytesWritten, Is.EqualTo(expected.Length));
        }

        Assert.That(Encoding.ASCII.GetString(stream.ToArray()), Is.EqualTo(expected.ToString()));
    }

    private static string Written(Action<CsvText> write)
    {
        using var stream = new MemoryStream();
        using (var text = new CsvText(stream))
            write(text);
        return Encoding.ASCII.GetString(stream.ToArray());
    }
}
