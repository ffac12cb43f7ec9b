using System.Globalization;

namespace Settlement.Replay.Stats;

/// <summary>A distribution drawn with characters: a bar for each class of values, eight steps a character.</summary>
internal static class HistogramPicture
{
    public const int WidthDefault = 80;

    private const int WidthMin = 50;
    private const int WidthMax = 160;
    private const int RowsMax = 14;

    /// <summary>Where round classes would be fewer, the span from least to greatest is cut into equal ones.</summary>
    private const int RowsMin = 4;

    private const string Eighths = "▏▎▍▌▋▊▉█";

    /// <summary>Where a class ends and the next begins, within a power of ten: finer classes first, coarser ones where those would be too many.</summary>
    private static readonly long[][] s_steps = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1], [1, 0]];

    /// <param name="Low">The least value of the class.</param>
    /// <param name="End">The least above it.</param>
    /// <param name="Count">How many values fell into it.</param>
    internal readonly record struct Row(long Low, long End, long Count);

    /// <summary>The terminal's width where the output is one; a default where it is none.</summary>
    public static int WidthOf(TextWriter output)
    {
        if (!ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected)
            return WidthDefault;
        int width = Console.WindowWidth;
        return width <= 0 ? WidthDefault : Math.Clamp(width - 1, WidthMin, WidthMax);
    }

    /// <summary>Head, percentiles and, where there is more than one value, bars.</summary>
    public static void Draw(Distribution distribution, int width, TextWriter output)
    {
        string Value(double value) => QuantityText.Of(value, distribution.Quantity);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{distribution.Title}: {distribution.Count:N0} values"));
        output.WriteLine(
            $"  p50 {Value(distribution.At(50))}   p90 {Value(distribution.At(90))}   p99 {Value(distribution.At(99))}   p99.9 {Value(distribution.At(99.9))}   max {Value(distribution.Max)}");
        if (distribution.Min == distribution.Max)
            return;
        IReadOnlyList<Row> rows = RowsOf(distribution);
        string[] labels = [.. rows.Select(row => row.End == row.Low + 1 && distribution.Quantity == Quantity.Number
            ? Value(row.Low) : $"{Value(row.Low)} - {Value(distribution.Quantity == Quantity.Number ? row.End - 1 : row.End)}")];
        string[] shares = [.. rows.Select(row => string.Create(CultureInfo.InvariantCulture, $"{100.0 * row.Count / distribution.Count:F1}%"))];
        string[] counts = [.. rows.Select(row => row.Count.ToString("N0", CultureInfo.InvariantCulture))];
        int labelWidth = labels.Max(label => label.Length), countWidth = counts.Max(count => count.Length);
        int barWidth = Math.Max(8, width - 2 - labelWidth - 2 - countWidth - 2 - 7);
        long most = rows.Max(row => row.Count);
        for (int i = 0; i < rows.Count; i++)
            output.WriteLine($"  {labels[i].PadLeft(labelWidth)} {BarOf(rows[i].Count, most, barWidth).PadRight(barWidth)} {counts[i].PadLeft(countWidth)} {shares[i],7}");
    }

    /// <summary>Classes from the one of the least value to that of the greatest, as fine as their number allows.</summary>
    internal static IReadOnlyList<Row> RowsOf(Distribution distribution)
    {
        foreach (long[] steps in s_steps)
        {
            List<long> bounds = BoundsOf(distribution.Min, distribution.Max, steps);
            if (bounds.Count - 1 < RowsMin && distribution.Max - distribution.Min >= RowsMin)
                return Filled(distribution, EqualBounds(distribution.Min, distribution.Max));
            if (bounds.Count - 1 <= RowsMax || steps[^1] == 0)
                return Filled(distribution, bounds);
        }

        throw new InvalidOperationException("the coarsest classes are taken whatever their number");
    }

    /// <summary>Bounds around least and greatest; a step of 0 at the end means every other power of ten.</summary>
    private static List<long> BoundsOf(long min, long max, long[] steps)
    {
        var bounds = new List<long>();
        if (min == 0)
            bounds.Add(0);
        bool everyOther = steps[^1] == 0;
        for (long power = 1; bounds.Count == 0 || bounds[^1] <= max; power *= everyOther ? 100 : 10)
        {
            foreach (long step in steps.Where(step => step != 0))
            {
                long bound = step * power;
                if (bound <= min && min != 0)
                    bounds.Clear();
                bounds.Add(bound);
                if (bound > max)
                    break;
            }
        }

        return bounds;
    }

    private static List<long> EqualBounds(long min, long max)
    {
        long step = 1;
        for (int next = 0; (max - min) / step >= RowsMax - 1; next++)
            step = next % 3 == 1 ? step / 2 * 5 : step * 2;
        var bounds = new List<long> { min / step * step };
        while (bounds[^1] <= max)
            bounds.Add(bounds[^1] + step);
        return bounds;
    }

    private static List<Row> Filled(Distribution distribution, List<long> bounds)
    {
        long[] counts = new long[bounds.Count - 1];
        int at = 0;
        foreach ((long value, long count) in distribution.Values())
        {
            while (value >= bounds[at + 1])
                at++;
            counts[at] += count;
        }

        return [.. counts.Select((count, i) => new Row(bounds[i], bounds[i + 1], count))];
    }

    private static string BarOf(long count, long most, int width)
    {
        if (count == 0)
            return "";
        int eighths = (int)Math.Max(1, Math.Round(8.0 * width * count / most));
        string whole = new('█', eighths / 8);
        return eighths % 8 == 0 ? whole : whole + Eighths[(eighths % 8) - 1];
    }
}
