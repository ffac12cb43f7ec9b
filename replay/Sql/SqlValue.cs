using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using DuckDB.NET.Native;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Sql;

/// <summary>Values of a result as text and as JSON, exact: decimals of 38 digits do not fit .NET's. Zeros at the end of a decimal are left out.</summary>
internal static class SqlValue
{
    /// <summary>What a JSON reader that keeps doubles keeps exactly.</summary>
    private const long SafeMax = 1L << 53;

    /// <param name="value">As the reader gives it.</param>
    /// <param name="isUtc">Of an instant: whether it is one, and not a time of some clock.</param>
    public static string Text(object? value, bool isUtc) => value switch
    {
        null or DBNull => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        DuckDBDecimal number => Decimal(number),
        decimal number => Trimmed(number.ToString(CultureInfo.InvariantCulture)),
        DuckDBTimestamp time => Time(time, isUtc),
        DuckDBDateOnly date => Date(date),
        DuckDBTimeOnly time => TimeOfDay(time),
        DuckDBInterval interval => string.Create(CultureInfo.InvariantCulture, $"{interval.Months} months {interval.Days} days {interval.Micros} us"),
        Stream bytes => Hex(bytes),
        IDictionary map => $"{{{string.Join(", ", map.Keys.Cast<object>().Select(key => $"{Text(key, isUtc)}: {Text(map[key], isUtc)}"))}}}",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(item => Text(item, isUtc)))}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    public static void WriteJson(Utf8JsonWriter json, object? value, bool isUtc)
    {
        switch (value)
        {
            case null or DBNull:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case sbyte or short or int or byte or ushort or uint:
            case long and <= SafeMax and >= -SafeMax:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case IDictionary map:
                json.WriteStartObject();
                foreach (object key in map.Keys)
                {
                    json.WritePropertyName(Text(key, isUtc));
                    WriteJson(json, map[key], isUtc);
                }

                json.WriteEndObject();
                break;
            case IEnumerable list and not string:
                json.WriteStartArray();
                foreach (object? item in list)
                    WriteJson(json, item, isUtc);
                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Text(value, isUtc));
                break;
        }
    }

    /// <summary>Whether values of a type stand to the right in a column.</summary>
    public static bool IsNumber(Type type) =>
        type == typeof(DuckDBDecimal) || type == typeof(decimal) || type == typeof(BigInteger) || (type.IsPrimitive && type != typeof(bool));

    private static string Decimal(DuckDBDecimal number)
    {
        Int128 units = number.Value.ToInt128();
        if (number.Scale <= Limits.ScaleMax)
            return Trimmed(AmountText.ToText(units, number.Scale));
        string digits = Int128.Abs(units).ToString(CultureInfo.InvariantCulture).PadLeft(number.Scale + 1, '0');
        return Trimmed($"{(units < 0 ? "-" : "")}{digits[..^number.Scale]}.{digits[^number.Scale..]}");
    }

    private static string Trimmed(string text) => text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;

    private static string Time(DuckDBTimestamp time, bool isUtc) =>
        time.IsPositiveInfinity ? "infinity"
        : time.IsNegativeInfinity ? "-infinity"
        : $"{Date(time.Date)}T{TimeOfDay(time.Time)}{(isUtc ? "Z" : "")}";

    private static string Date(DuckDBDateOnly date) =>
        date.IsPositiveInfinity ? "infinity"
        : date.IsNegativeInfinity ? "-infinity"
        : string.Create(CultureInfo.InvariantCulture, $"{date.Year:d4}-{date.Month:d2}-{date.Day:d2}");

    private static string TimeOfDay(DuckDBTimeOnly time)
    {
        string seconds = string.Create(CultureInfo.InvariantCulture, $"{time.Hour:d2}:{time.Min:d2}:{time.Sec:d2}");
        return time.Microsecond == 0 ? seconds : string.Create(CultureInfo.InvariantCulture, $"{seconds}.{time.Microsecond:d6}");
    }

    private static string Hex(Stream bytes)
    {
        using var memory = new MemoryStream();
        bytes.CopyTo(memory);
        return Convert.ToHexStringLower(memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }
}
