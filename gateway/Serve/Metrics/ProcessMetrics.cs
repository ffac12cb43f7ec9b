using System.Diagnostics;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What the process takes from the machine, under the names that dashboards know.</summary>
internal static class ProcessMetrics
{
    public static IEnumerable<Metric> All()
    {
        var process = Process.GetCurrentProcess();
        double started = new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1e3;
        yield return Metric.Counter("process_cpu_seconds_total", "s", "Time that the process has had on processors.", () => Environment.CpuUsage.TotalTime.TotalSeconds);
        yield return Metric.Gauge("process_resident_memory_bytes", "By", "Memory that the process has in use.", () => Environment.WorkingSet);
        yield return Metric.Gauge("process_start_time_seconds", "s", "When the process began, in seconds since the Unix epoch.", () => started);
        yield return Metric.Counter("dotnet_gc_allocated_bytes_total", "By", "Bytes allocated on the collected heap.", () => GC.GetTotalAllocatedBytes());
        yield return Metric.Labelled(MetricKind.Counter, "dotnet_gc_collections_total", "{collection}", "Garbage collections, by generation.", "generation",
            () => Enumerable.Range(0, GC.MaxGeneration + 1)
                .Select(generation => new Sample(generation.ToString(System.Globalization.CultureInfo.InvariantCulture), GC.CollectionCount(generation))));
        yield return Metric.Counter("dotnet_gc_pause_seconds_total", "s", "Time for which collections have stopped the process.", () => GC.GetTotalPauseDuration().TotalSeconds);
    }
}
