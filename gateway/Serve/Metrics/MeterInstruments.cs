using System.Diagnostics.Metrics;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>The meter "Settlement": the same metrics as instruments, for OpenTelemetry, dotnet-counters and whoever else listens.</summary>
/// <remarks>
/// Counters and gauges are asked when they are collected, and cost nothing otherwise. The framework has no histogram that is asked: while somebody listens to one, once a
/// second what is new in each bucket is recorded as values in its middle, so buckets are exact and only the sum is rounded; what came before anybody listened is not told.
/// </remarks>
internal sealed class MeterInstruments : IDisposable
{
    public const string MeterName = "Settlement";

    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    private readonly Meter _meter = new(MeterName, typeof(MeterInstruments).Assembly.GetName().Version?.ToString(3));
    private readonly List<Relay> _relays = [];
    private readonly LedgerFigures _ledger;
    private readonly Timer _timer;
    private readonly Lock _turn = new();

    public MeterInstruments(IEnumerable<Metric> metrics, LedgerFigures ledger)
    {
        _ledger = ledger;
        foreach (Metric metric in metrics)
        {
            if (metric.ReadHistogram is { } read)
                _relays.Add(new Relay(_meter, metric, read));
            else if (metric.Kind == MetricKind.Counter)
                _meter.CreateObservableCounter(metric.InstrumentName, () => Measure(metric), metric.Unit, metric.Help);
            else
                _meter.CreateObservableGauge(metric.InstrumentName, () => Measure(metric), metric.Unit, metric.Help);
        }

        _timer = new Timer(_ => Pass(), null, s_every, s_every);
    }

    /// <summary>Passes on what histograms have counted since the last time.</summary>
    public void Pass()
    {
        lock (_turn)
        {
            bool isHeard = false;
            foreach (Relay relay in _relays)
                isHeard |= relay.Pass();
            if (isHeard)
                _ledger.Refresh();
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _meter.Dispose();
    }

    private static IEnumerable<Measurement<double>> Measure(Metric metric) => metric.Read!().Select(sample =>
        sample.Label is { } label ? new Measurement<double>(sample.Value, new KeyValuePair<string, object?>(metric.Label!, label)) : new Measurement<double>(sample.Value));

    private sealed class Relay(Meter meter, Metric metric, Func<HistogramReading> read)
    {
        private readonly Histogram<double> _instrument = meter.CreateHistogram(
            metric.InstrumentName, metric.Unit, metric.Help, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = read().BoundsSeconds });

        private long[] _passed = read().Counts;

        /// <returns>Whether somebody listens.</returns>
        public bool Pass()
        {
            HistogramReading now = read();
            for (int bucket = 0; bucket < now.Counts.Length && _instrument.Enabled; bucket++)
            {
                double bound = now.BoundsSeconds[Math.Min(bucket, now.BoundsSeconds.Length - 1)];
                double below = bucket == 0 ? 0 : now.BoundsSeconds[bucket - 1];
                double middle = bucket < now.BoundsSeconds.Length ? (below + bound) / 2 : 2 * bound;
                for (long i = _passed[bucket]; i < now.Counts[bucket]; i++)
                    _instrument.Record(middle);
            }

            _passed = now.Counts;
            return _instrument.Enabled;
        }
    }
}
