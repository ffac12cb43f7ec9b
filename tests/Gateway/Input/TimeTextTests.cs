using System.Globalization;
using Settlement.Engine.Text;
using Settlement.Gateway.Input;

namespace Settlement.Tests.Gateway.Input;

public sealed class TimeTextTests
{
    [TestCase(1ul, "1970-01-01T00:00:00.000Z", "1970-01-01")]
    [TestCase(1_709_251_199_123_999_999ul, "2024-02-29T23:59:59.123Z", "2024-02-29")]
    [TestCase(ulong.MaxValue, "2554-07-21T23:34:33.709Z", "2554-07-21")]
    public void An_instant_is_written_for_XML_cut_to_the_millisecond_and_to_the_day(ulong timeNs, string time, string day)
    {
        Assert.That(TimeText.FormatXml(timeNs), Is.EqualTo(time));
        Assert.That(TimeText.FormatXmlDate(timeNs), Is.EqualTo(day));
    }

    [TestCase("1970-01-01T00:00:00.000000001Z", 1ul)]
    [TestCase("1970-01-01T00:00:01Z", 1_000_000_000ul)]
    [TestCase("1969-12-31T23:00:01-01:00", 1_000_000_000ul)]
    [TestCase("2026-11-22T00:00:00Z", InputTexts.ClockNs)]
    [TestCase("2026-11-22t01:30:00.5+01:30", InputTexts.ClockNs + 500_000_000)]
    [TestCase("2024-02-29T23:59:59.123456789z", 1_709_251_199_123_456_789ul)]
    [TestCase("2554-07-21T23:34:33.709551615Z", ulong.MaxValue)]
    public void An_RFC_3339_time_is_read_to_the_nanosecond(string text, ulong expected)
    {
        Assert.That(TimeText.TryParse(text, out ulong timeNs), Is.True);
        Assert.That(timeNs, Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("2026-01-31")]
    [TestCase("2026-01-31T12:00:00")]
    [TestCase("2026-01-31 12:00:00Z")]
    [TestCase("2026-01-31T12:00Z")]
    [TestCase("2026-01-31T12:00:00.Z")]
    [TestCase("2026-01-31T12:00:00.1234567890Z")]
    [TestCase("2026-01-31T12:00:00,5Z")]
    [TestCase("2026-01-31T12:00:00+0100")]
    [TestCase("2026-01-31T12:00:00+24:00")]
    [TestCase("2026-01-31T12:00:00+01:60")]
    [TestCase("2026-01-31T12:00:00ZZ")]
    [TestCase("2026-02-29T12:00:00Z")]
    [TestCase("2026-00-10T12:00:00Z")]
    [TestCase("2026-13-10T12:00:00Z")]
    [TestCase("2026-01-00T12:00:00Z")]
    [TestCase("2026-01-31T24:00:00Z")]
    [TestCase("2026-01-31T23:60:00Z")]
    [TestCase("2016-12-31T23:59:60Z")]
    [TestCase("+026-01-31T12:00:00Z")]
    [TestCase("1970-01-01T00:00:00Z")]
    [TestCase("1969-12-31T23:59:59Z")]
    [TestCase("1970-01-01T00:30:00+01:00")]
    [TestCase("2554-07-21T23:34:33.709551616Z")]
    [TestCase("9999-12-31T23:59:59Z")]
    [TestCase("0000-01-01T00:00:00Z")]
    public void Another_form_and_a_time_that_64_bits_do_not_hold_are_refused(string text) =>
        Assert.That(TimeText.TryParse(text, out _), Is.False);

    [Test]
    public void Random_times_agree_with_the_frameworks_parser()
    {
        Random random = PrintedSeed.Create();
        for (int round = 0; round < 20_000; round++)
        {
            DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(random.NextInt64(1, 18_000_000_000L * TimeSpan.TicksPerSecond))
                .ToOffset(TimeSpan.FromMinutes(random.Next(-14 * 60, 14 * 60 + 1)));
            string text = time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture);
            Assert.That(TimeText.TryParse(text, out ulong timeNs), Is.True, text);
            Assert.That(timeNs, Is.EqualTo((ulong)(time - DateTimeOffset.UnixEpoch).Ticks * 100), text);
        }
    }

    [TestCase("2020-07-28", 1_595_894_400L)]
    [TestCase("2020-07-28Z", 1_595_894_400L)]
    [TestCase("2020-07-28+02:00", 1_595_887_200L)]
    [TestCase("2020-07-28T00:00:10", 1_595_894_410L)]
    [TestCase("2020-07-28T02:00:10.5+02:00", 1_595_894_410L)]
    [TestCase("1900-01-01", -2_208_988_800L)]
    public void An_XML_date_is_its_first_instant_in_UTC_unless_it_says_otherwise(string text, long expected)
    {
        Assert.That(TimeText.TryParseXml(text, out long seconds), Is.True);
        Assert.That(seconds, Is.EqualTo(expected));
    }

    [TestCase("2020-02-30")]
    [TestCase("28.07.2020")]
    [TestCase("12:00:00")]
    [TestCase("")]
    public void What_is_no_XML_date_is_refused(string text) => Assert.That(TimeText.TryParseXml(text, out _), Is.False);
}
