namespace Settlement.Gateway.Serve.Metrics;

internal enum MetricKind
{
    /// <summary>Only rises while the process runs.</summary>
    Counter,
    Gauge,
    Histogram,
}

/// <summary>A histogram at one moment.</summary>
/// <param name="BoundsSeconds">Upper bounds, inclusive, ascending.</param>
/// <param name="Counts">One a bound, and behind them those above the last.</param>
/// <param name="SumSeconds">Of all that was recorded.</param>
internal sealed record HistogramReading(double[] BoundsSeconds, long[] Counts, double SumSeconds);

/// <summary>One value, told apart from others of its metric by its label.</summary>
/// <param name="Label">Value of the metric's label; null: it has none.</param>
/// <param name="Value">Now.</param>
internal readonly record struct Sample(string? Label, double Value);

/// <summary>Something that is measured: named once, and read by the scrape page and by the instruments of the meter alike, so that both say the same.</summary>
/// <remarks>Invariant: reading it changes nothing, and never waits for the engine.</remarks>
internal sealed record Metric
{
    /// <summary>As on the scrape page: a counter ends in <c>_total</c>, and a unit is the base one.</summary>
    public required string Name { get; init; }

    public required MetricKind Kind { get; init; }

    /// <summary>One sentence.</summary>
    public required string Help { get; init; }

    /// <summary>UCUM: <c>s</c>, <c>By</c>, <c>{payment}</c>.</summary>
    public required string Unit { get; init; }

    /// <summary>Name of the one label; null: there is none.</summary>
    public string? Label { get; init; }

    /// <summary>Counters and gauges.</summary>
    public Func<IEnumerable<Sample>>? Read { get; init; }

    /// <summary>Histograms.</summary>
    public Func<HistogramReading>? ReadHistogram { get; init; }

    /// <summary>The instrument's name: OpenTelemetry writes a dot behind what it is about, and leaves `total` to the kind.</summary>
    public string InstrumentName
    {
        get
        {
            string name = Name.EndsWith("_total", StringComparison.Ordinal) ? Name[..^"_total".Length] : Name;
            int first = name.IndexOf('_', StringComparison.Ordinal);
            return first < 0 ? name : $"{name[..first]}.{name[(first + 1)..]}";
        }
    }

    public static Metric Counter(string name, string unit, string help, Func<double> read) => Of(MetricKind.Counter, name, unit, help, read);

    public static Metric Gauge(string name, string unit, string help, Func<double> read) => Of(MetricKind.Gauge, name, unit, help, read);

    public static Metric Labelled(MetricKind kind, string name, string unit, string help, string label, Func<IEnumerable<Sample>> read) =>
        new() { Name = name, Kind = kind, Unit = unit, Help = help, Label = label, Read = read };

    public static Metric Histogram(string name, string help, Func<HistogramReading> read) =>
        new() { Name = name, Kind = MetricKind.Histogram, Unit = "s", Help = help, ReadHistogram = read };

    private static Metric Of(MetricKind kind, string name, string unit, string help, Func<double> read) =>
        new() { Name = name, Kind = kind, Unit = unit, Help = help, Read = () => [new Sample(null, read())] };
}
