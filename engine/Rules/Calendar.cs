using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>
/// The Gregorian calendar in UTC, in integers: days since 1970-01-01 (day 0). 64-bit nanoseconds end in 2554, so a day
/// number stays below 213,504 and never overflows an int.
/// </summary>
public static class Calendar
{
    public static int DayOf(ulong timeNs) => (int)(timeNs / Limits.NsPerDay);

    /// <summary>Days from 0000-03-01 to 1970-01-01: years counted from March put the leap day last.</summary>
    private const int DaysToEpoch = 719_468;
    private const int DaysPerEra = 146_097;

    /// <summary>Year, month 1..12 and day of the month of a day number.</summary>
    public static (int Year, int Month, int Day) Civil(int day)
    {
        int shifted = day + DaysToEpoch;
        int era = shifted / DaysPerEra;
        int dayOfEra = shifted - era * DaysPerEra;
        int yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int monthFromMarch = (5 * dayOfYear + 2) / 153;
        int dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
        int month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth);
    }

    /// <summary>The day number of a date from 1970 on.</summary>
    public static int DayOf(int year, int month, int day)
    {
        int fromMarch = month <= 2 ? year - 1 : year;
        int era = fromMarch / 400;
        int yearOfEra = fromMarch - era * 400;
        int dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * DaysPerEra + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - DaysToEpoch;
    }

    public static int DaysOfMonth(int year, int month) =>
        month == 2 ? (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28) : 30 + (month + month / 8) % 2;

    /// <summary>The first day of the month that a day lies in.</summary>
    public static int MonthStart(int day) => day - Civil(day).Day + 1;

    /// <summary>The first day of the year from month-day that a day lies in; below 0 where that was before 1970.</summary>
    public static int YearStart(int day, int month, int dayOfMonth)
    {
        int year = Civil(day).Year;
        int start = DayOf(year, month, dayOfMonth);
        return start <= day ? start : DayOf(year - 1, month, dayOfMonth);
    }
}
