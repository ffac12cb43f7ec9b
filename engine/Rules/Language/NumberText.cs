using System.Globalization;

namespace Settlement.Engine.Rules.Language;

/// <summary>Numbers and days as a module writes them.</summary>
internal static class NumberText
{
    public const string DateForm = "write year, month and day: `2026-01-01`";

    private enum Shape
    {
        Malformed,
        Whole,
        Decimal,
    }

    /// <summary>A whole number; above 2^64 - 1: that.</summary>
    public static bool TryWhole(string text, out ulong number)
    {
        number = 0;
        if (ShapeOf(text) != Shape.Whole)
            return false;
        foreach (char letter in text)
        {
            if (letter == '_')
                continue;
            uint digit = letter - (uint)'0';
            number = number > (ulong.MaxValue - digit) / 10 ? ulong.MaxValue : number * 10 + digit;
        }
        return true;
    }

    /// <summary>A number with or without a point: its digits without leading zeros, and how many of them stand behind the point.</summary>
    public static bool TryDecimal(string text, out string digits, out int decimals)
    {
        (digits, decimals) = ("", 0);
        if (ShapeOf(text) == Shape.Malformed)
            return false;
        int point = text.IndexOf('.');
        decimals = point < 0 ? 0 : text.AsSpan(point + 1).Length - text.AsSpan(point + 1).Count('_');
        digits = string.Concat(text.Where(char.IsAsciiDigit)).TrimStart('0');
        return true;
    }

    /// <summary>Digits, single <c>_</c> between digits, and at most one point between digits.</summary>
    private static Shape ShapeOf(string text)
    {
        int points = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]))
                continue;
            bool isBetween = at > 0 && at + 1 < text.Length && char.IsAsciiDigit(text[at - 1]) && char.IsAsciiDigit(text[at + 1]);
            points += text[at] == '.' ? 1 : 0;
            if (!isBetween || text[at] is not ('_' or '.'))
                return Shape.Malformed;
        }
        return text.Length == 0 || points > 1 ? Shape.Malformed : points == 1 ? Shape.Decimal : Shape.Whole;
    }

    public static bool IsMonthDay(string text) => text.Length == 5 && text[2] == '-' && IsDigits(text[..2]) && IsDigits(text[3..]);

    /// <summary>A day that every year has.</summary>
    public static bool TryMonthDay(string text, out byte month, out byte day)
    {
        (month, day) = (0, 0);
        if (!IsMonthDay(text))
            return false;
        (month, day) = ((byte)Digits(text.AsSpan(0, 2)), (byte)Digits(text.AsSpan(3, 2)));
        return LimitWindow.YearFrom(month, day).Fault() is null;
    }

    public static bool IsDate(string text) => text.Length == 10 && text[4] == '-' && text[7] == '-' && IsDigits(text[..4]) && IsDigits(text[5..7])
        && IsDigits(text[8..]);

    /// <summary>Days since 1970 of a date.</summary>
    /// <returns>What is wrong with it, as the end of a sentence; null: nothing.</returns>
    public static string? ReadDate(string text, out int dayNumber)
    {
        dayNumber = 0;
        int year = Digits(text.AsSpan(0, 4)), month = Digits(text.AsSpan(5, 2)), day = Digits(text.AsSpan(8, 2));
        if (year is < LanguageBounds.YearMin or > LanguageBounds.YearMax)
            return string.Create(CultureInfo.InvariantCulture, $"years are {LanguageBounds.YearMin} to {LanguageBounds.YearMax}");
        if (month is < 1 or > 12)
            return "months are 01 to 12";
        int days = Calendar.DaysOfMonth(year, month);
        if (day < 1 || day > days)
            return string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00} has the days 01 to {days}");
        dayNumber = Calendar.DayOf(year, month, day);
        return null;
    }

    public static string DateOf(int dayNumber)
    {
        (int year, int month, int day) = Calendar.Civil(dayNumber);
        return string.Create(CultureInfo.InvariantCulture, $"{year:0000}-{month:00}-{day:00}");
    }

    private static bool IsDigits(string text) => !text.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static int Digits(ReadOnlySpan<char> digits)
    {
        int number = 0;
        foreach (char digit in digits)
            number = number * 10 + (digit - '0');
        return number;
    }
}
