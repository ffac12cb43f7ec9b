using System.Globalization;

namespace Settlement.Replay.Stats;

/// <summary>Measured values as people read them: three digits and a unit. Where exact numbers are needed, JSON has them.</summary>
internal static class QuantityText
{
    private static readonly (double Size, string Unit)[] s_times =
        [(86_400e6, "d"), (3_600e6, "h"), (60e6, "min"), (1e6, "s"), (1e3, "ms"), (1, "us")];

    private static readonly (double Size, string Unit)[] s_bytes =
        [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")];

    private static readonly (double Size, string Unit)[] s_numbers = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

    public static string Of(double value, Quantity quantity) => quantity switch
    {
        Quantity.Microseconds => Scaled(value, s_times, " "),
        Quantity.Bytes => Scaled(value, s_bytes, " "),
        _ => value.ToString(value == Math.Floor(value) ? "N0" : "N1", CultureInfo.InvariantCulture),
    };

    /// <summary>A number in little room: 1.25M.</summary>
    public static string Short(double value) => Scaled(value, s_numbers, "");

    private static string Scaled(double value, (double Size, string Unit)[] units, string space)
    {
        double size = Math.Abs(value);
        foreach ((double unitSize, string unit) in units)
        {
            if (size >= unitSize)
                return (value / unitSize).ToString(size / unitSize >= 100 || size % unitSize == 0 ? "0" : size / unitSize >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture) + space + unit;
        }

        return value.ToString("0.##", CultureInfo.InvariantCulture) + (ReferenceEquals(units, s_numbers) ? "" : space + units[^1].Unit);
    }
}
