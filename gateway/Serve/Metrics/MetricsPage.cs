using System.Globalization;
using System.Text;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Metrics in the text format that Prometheus scrapes (version 0.0.4).</summary>
/// <remarks>
/// Written here and by no exporter: engine and reply thread count in buckets of their own, which no instrument takes, and a scrape of them costs as much after a year as
/// after a second. So the public port has no library more, either.
/// </remarks>
internal static class MetricsPage
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IEnumerable<Metric> metrics)
    {
        var page = new StringBuilder(16 << 10);
        foreach (Metric metric in metrics)
        {
            page.Append(CultureInfo.InvariantCulture, $"# HELP {metric.Name} {Escape(metric.Help, quotes: false)}\n");
            page.Append(CultureInfo.InvariantCulture, $"# TYPE {metric.Name} {KindOf(metric.Kind)}\n");
            if (metric.ReadHistogram is { } read)
                Append(page, metric.Name, read());
            foreach (Sample sample in metric.Read?.Invoke() ?? [])
            {
                page.Append(metric.Name);
                if (sample.Label is { } label)
                    page.Append(CultureInfo.InvariantCulture, $"{{{metric.Label}=\"{Escape(label, quotes: true)}\"}}");
                page.Append(CultureInfo.InvariantCulture, $" {sample.Value}\n");
            }
        }

        return page.ToString();
    }

    private static void Append(StringBuilder page, string name, HistogramReading histogram)
    {
        long below = 0;
        for (int bucket = 0; bucket < histogram.BoundsSeconds.Length; bucket++)
        {
            below += histogram.Counts[bucket];
            page.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"{histogram.BoundsSeconds[bucket]:0.#########}\"}} {below}\n");
        }

        below += histogram.Counts[^1];
        page.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{le=\"+Inf\"}} {below}\n{name}_sum {histogram.SumSeconds}\n{name}_count {below}\n");
    }

    private static string KindOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Gauge => "gauge",
        _ => "histogram",
    };

    private static string Escape(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }
}
