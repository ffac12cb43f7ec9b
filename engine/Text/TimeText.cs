using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>
/// Instants as text: RFC 3339 for files of our own (`2026-01-31T12:00:00.123456789Z`, `+01:00`), exact to the nanosecond. In
/// nanoseconds since the Unix epoch, of 86,400-second days as everywhere; a leap second (`:60`) has no such number and is refused.
/// </summary>
internal static class TimeText
{
    public const string Expected = "an RFC 3339 time with Z or an offset, after 1970 and before 2554, such as 2026-01-31T12:00:00Z";

    private const int FractionDigitsMax = 9;
    private const int SecondsPerDay = 86_400;

    private static readonly string[] s_xmlForms =
        ["yyyy-MM-dd", "yyyy-MM-ddK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>Reads an RFC 3339 date and time.</summary>
    /// <returns>False: another form, no such day, not after the epoch, or beyond 64 bits of nanoseconds (July 2554).</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out ulong timeNs)
    {
        timeNs = 0;
        // 0123456789012345678
        // 2026-01-31T12:00:00
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) != 't' || text[13] != ':' || text[16] != ':')
            return false;
        int year = Digits(text[..4]), month = Digits(text.Slice(5, 2)), day = Digits(text.Slice(8, 2));
        int hour = Digits(text.Slice(11, 2)), minute = Digits(text.Slice(14, 2)), second = Digits(text.Slice(17, 2));
        if (year < 1969 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 59)
            return false;

        if (!TryFraction(text[19..], out uint fractionNs, out int used) || !TryOffset(text[(19 + used)..], out int offsetMinutes))
            return false;

        int days = new DateOnly(year, month, day).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
        long seconds = (long)days * SecondsPerDay + hour * 3600 + (minute - offsetMinutes) * 60 + second;
        Int128 ns = (Int128)seconds * Limits.NsPerSecond + fractionNs;
        if (ns <= 0 || ns > ulong.MaxValue)
            return false;
        timeNs = (ulong)ns;
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out ulong)"/>
    public static bool TryParse(string text, out ulong timeNs) => TryParse(Encoding.UTF8.GetBytes(text), out timeNs);

    /// <summary>The instant as RFC 3339 text in UTC, to the nanosecond where it is not a whole second.</summary>
    public static string Format(ulong timeNs)
    {
        string seconds = DateTime.UnixEpoch.AddSeconds((long)(timeNs / Limits.NsPerSecond)).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        ulong fraction = timeNs % Limits.NsPerSecond;
        return fraction == 0 ? seconds + "Z" : string.Create(CultureInfo.InvariantCulture, $"{seconds}.{fraction:d9}Z");
    }

    /// <summary>The instant as an XML date and time in UTC, cut to the millisecond: what ISO 20022 carries.</summary>
    public static string FormatXml(ulong timeNs) =>
        DateTime.UnixEpoch.AddTicks((long)(timeNs / 100)).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Its day in UTC, as an XML date.</summary>
    public static string FormatXmlDate(ulong timeNs) =>
        DateTime.UnixEpoch.AddTicks((long)(timeNs / 100)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>
    /// Reads an XML date (its first instant) or date and time; without an offset it is UTC. Years 1 to 9999, in whole seconds since
    /// the epoch, which may be negative.
    /// </summary>
    public static bool TryParseXml(string text, out long seconds)
    {
        bool read = DateTimeOffset.TryParseExact(text, s_xmlForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);
        seconds = read ? time.ToUnixTimeSeconds() : 0;
        return read;
    }

    private static bool TryFraction(ReadOnlySpan<byte> text, out uint ns, out int used)
    {
        ns = 0;
        used = 0;
        if (text.IsEmpty || text[0] != '.')
            return true;
        int digits = 0;
        for (used = 1; used < text.Length && text[used] - (uint)'0' <= 9; used++)
        {
            if (++digits > FractionDigitsMax)
                return false;
            ns = ns * 10 + (text[used] - (uint)'0');
        }
        for (int padded = digits; padded < FractionDigitsMax; padded++)
            ns *= 10;
        return digits > 0;
    }

    private static bool TryOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.Length == 1)
            return (text[0] | 0x20) == 'z';
        if (text.Length != 6 || text[0] is not ((byte)'+' or (byte)'-') || text[3] != ':')
            return false;
        int hour = Digits(text.Slice(1, 2)), minute = Digits(text.Slice(4, 2));
        if (hour is < 0 or > 23 || minute is < 0 or > 59)
            return false;
        minutes = (hour * 60 + minute) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    /// <summary>Decimal digits as a number; -1 where one is none.</summary>
    private static int Digits(ReadOnlySpan<byte> text)
    {
        int value = 0;
        foreach (byte next in text)
        {
            uint digit = next - (uint)'0';
            if (digit > 9)
                return -1;
            value = value * 10 + (int)digit;
        }
        return value;
    }
}
