using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using static System.FormattableString;

namespace Settlement.Replay.Stats.Charts;

/// <summary>The page of `--svg`: rate over time, batch sizes, net flows of the busiest currencies, one above the other.</summary>
/// <remarks>Colours are told apart by who sees no red or green, and in grey.</remarks>
internal static class ChartPage
{
    private const double Width = 1_120;
    private const double HeadRoom = 84;

    /// <summary>More currencies would make a page that nobody scrolls.</summary>
    private const int CurrenciesMax = 4;

    private const string Blue = "#0b5fa5";
    private const string Orange = "#e08214";

    public static void Write(StatsReport report, string path)
    {
        List<FlowChart> flows =
        [
            .. report.Stats.Flows.ByCount().GroupBy(flow => flow.Currency).OrderByDescending(group => group.Sum(flow => flow.Count))
                .Select(group => new FlowChart(report, group.Key, [.. group])).Where(chart => chart.HasFlows).Take(CurrenciesMax),
        ];
        double height = HeadRoom + (2 * ColumnChart.Height) + flows.Sum(chart => chart.Height) + 16;
        WholeFile.Write(path, stream =>
        {
            string title = $"Ledger {report.LedgerId.ToString("x32", CultureInfo.InvariantCulture)}";
            using var svg = new SvgWriter(stream, Width, height, title, DescriptionOf(report));
            svg.Text(28, 36, title, 20, bold: true);
            svg.Text(28, 60, DescriptionOf(report), 13, fill: SvgWriter.PaleInk);
            double top = HeadRoom;
            RatesOf(report.Stats.Time).Draw(svg, top, Width);
            top += ColumnChart.Height;
            BatchesOf(report.Stats.Batches).Draw(svg, top, Width);
            top += ColumnChart.Height;
            foreach (FlowChart chart in flows)
            {
                chart.Draw(svg, top, Width);
                top += chart.Height;
            }
        });
    }

    private static string DescriptionOf(StatsReport report)
    {
        TimeFigures time = report.Stats.Time;
        return time.Count == 0
            ? "No payments."
            : Invariant($"{time.Count:N0} payments in {report.Stats.BlocksCount:N0} blocks, {TimeText.Format(time.FirstNs)} to {TimeText.Format(time.LastNs)}; {report.Stats.Batches.Size.Count:N0} batches closed.");
    }

    private static ColumnChart RatesOf(TimeFigures time)
    {
        AdaptiveBins bins = time.Bins;
        int joined = Math.Max(1, (bins.Count + ColumnChart.ColumnsMax - 1) / ColumnChart.ColumnsMax);
        int columns = (bins.Count + joined - 1) / joined;
        ulong widthNs = bins.Width * (ulong)joined;
        double seconds = widthNs / (double)Limits.NsPerSecond;
        int places = Math.Max(columns, 24);
        ulong end = bins.Origin + (widthNs * (ulong)places);
        return new ColumnChart(
            Invariant($"Rate over time: payments a second, by block time, in steps of {QuantityText.Of(widthNs / 1_000.0, Quantity.Microseconds)}"),
            "payments/s", time.Count == 0 ? "time (UTC)" : $"time (UTC), {Scale.Days(bins.Origin, end)}")
        {
            Series = [("accepted", Blue), ("other verdicts", Orange)],
            Columns =
            [
                .. Enumerable.Range(0, columns).Select(column =>
                {
                    long accepted = Sum(bins, column, joined, TimeFigures.AcceptedSeries), others = Sum(bins, column, joined, TimeFigures.OtherSeries);
                    string tip = Invariant($"{TimeText.Format(bins.Origin + (widthNs * (ulong)column))}: {accepted:N0} accepted, {others:N0} others");
                    return (new[] { accepted / seconds, others / seconds }, tip);
                }),
            ],
            PlacesCount = places,
            Marks = time.Count == 0 ? [] : [.. Scale.TimeTicks(bins.Origin, end).Select(tick => ((tick.TimeNs - bins.Origin) / (double)widthNs, tick.Label))],
        };
    }

    private static ColumnChart BatchesOf(BatchFigures batches)
    {
        AdaptiveBins bins = batches.Bins;
        int joined = Math.Max(1, (bins.Count + ColumnChart.ColumnsMax - 1) / ColumnChart.ColumnsMax);
        int columns = (bins.Count + joined - 1) / joined;
        ulong width = bins.Width * (ulong)joined;
        int places = Math.Max(columns, 12);
        string each = width == 1 ? "" : Invariant($", mean of {width} batches a column");
        int markStep = Math.Max(1, (int)Scale.WholeTicks(columns, 10)[1]);
        return new ColumnChart("Batch sizes: payments that count, a batch" + each, "payments", "batch number")
        {
            Series = [("payments", Blue)],
            Columns =
            [
                .. Enumerable.Range(0, columns).Select(column =>
                {
                    long payments = Sum(bins, column, joined, BatchFigures.SizeSeries), count = Sum(bins, column, joined, BatchFigures.CountSeries);
                    ulong first = bins.Origin + (width * (ulong)column);
                    string tip = width == 1 ? Invariant($"batch {first}: {payments:N0} payments") : Invariant($"batches {first} to {first + width - 1}: {payments:N0} payments in {count:N0} batches");
                    return (new[] { count == 0 ? 0 : payments / (double)count }, tip);
                }),
            ],
            PlacesCount = places,
            Marks = [.. Enumerable.Range(0, columns).Where(column => column % markStep == 0).Select(column => (column + 0.5, (bins.Origin + (width * (ulong)column)).ToString(CultureInfo.InvariantCulture)))],
            AreWhole = true,
        };
    }

    private static long Sum(AdaptiveBins bins, int column, int joined, int series)
    {
        long sum = 0;
        for (int bin = column * joined; bin < Math.Min(bins.Count, (column + 1) * joined); bin++)
            sum += bins[bin, series];
        return sum;
    }
}
