using System.Diagnostics.Metrics;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Gateway.Serve.Metrics;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;
using Settlement.Tests.Live;

namespace Settlement.Tests.Gateway.Serve;

/// <summary>Tallies, the text of the scrape page, and the instruments of the meter, without a server.</summary>
public sealed class MetricsPageTests
{
    [Test]
    public void A_time_falls_into_the_first_bucket_whose_bound_it_does_not_exceed()
    {
        var tally = new LatencyTally();
        foreach (long us in (long[])[0, 25, 26, 1_000, 1_001, 10_000_000, 10_000_001])
            tally.Record(us);
        HistogramReading read = tally.Read();
        Assert.That(CountAt(read, 25e-6), Is.EqualTo(2));
        Assert.That(CountAt(read, 50e-6), Is.EqualTo(1));
        Assert.That(CountAt(read, 1e-3), Is.EqualTo(1));
        Assert.That(CountAt(read, 1.5e-3), Is.EqualTo(1));
        Assert.That(CountAt(read, 10), Is.EqualTo(1));
        Assert.That(read.Counts[^1], Is.EqualTo(1));
        Assert.That(read.SumSeconds, Is.EqualTo(20.002053).Within(1e-9));
    }

    [Test]
    public void Counting_answers_allocates_nothing()
    {
        var tallies = new EgressTallies();
        var outcomes = new Outcome[100];
        for (int i = 0; i < outcomes.Length; i++)
            outcomes[i].Verdict = i % 10 == 0 ? Verdict.InsufficientFunds : Verdict.Accepted;
        Count(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Count(1_000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That((tallies.Payments, tallies.Of(Verdict.Accepted), tallies.Of(Verdict.InsufficientFunds)), Is.EqualTo((100_100L, 90_090L, 10_010L)));
        Assert.That(tallies.Frames.Read().Counts.Sum(), Is.EqualTo(1_001));

        void Count(int frames)
        {
            for (int i = 0; i < frames; i++)
            {
                tallies.Decided(outcomes);
                tallies.Answered(System.Diagnostics.Stopwatch.GetTimestamp(), areCommands: false);
            }
        }
    }

    [Test]
    public void The_page_escapes_what_would_break_its_lines() => Assert.That(
        MetricsPage.Write([Metric.Labelled(MetricKind.Gauge, "a", "1", "two\nlines \\", "of", () => [new Sample("q\"\\\n", 1.5)])]),
        Is.EqualTo("# HELP a two\\nlines \\\\\n# TYPE a gauge\na{of=\"q\\\"\\\\\\n\"} 1.5\n"));

    [Test]
    public void A_histogram_on_the_page_is_cumulative_and_agrees_with_itself() => Assert.That(
        MetricsPage.Write([Metric.Histogram("h", "Help.", () => new HistogramReading([0.001, 0.5], [2, 3, 4], 7.25))]),
        Is.EqualTo("# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"0.001\"} 2\nh_bucket{le=\"0.5\"} 5\nh_bucket{le=\"+Inf\"} 9\nh_sum 7.25\nh_count 9\n"));

    [TestCase("settlement_payments_total", "settlement.payments")]
    [TestCase("settlement_frame_latency_seconds", "settlement.frame_latency_seconds")]
    [TestCase("alone", "alone")]
    public void An_instrument_is_called_after_its_metric(string name, string instrument) =>
        Assert.That(Metric.Gauge(name, "1", "Help.", () => 0).InstrumentName, Is.EqualTo(instrument));

    [Test]
    public void The_meter_tells_what_the_page_tells_and_histograms_pass_on_what_is_new()
    {
        long[] counts = [1, 0, 0];
        Metric counter = Metric.Labelled(MetricKind.Counter, "test_meter_things_total", "1", "Help.", "kind", () => [new Sample("a", 3), new Sample("b", 4)]);
        Metric histogram = Metric.Histogram("test_meter_time_seconds", "Help.", () => new HistogramReading([0.001, 0.5], [.. counts], 0));
        using var folder = new TemporaryFolder();
        using var ledger = new LiveLedger(folder.PathOf("journal"), new HandClock(LiveLedger.StartNs));
        using var instruments = new MeterInstruments([counter, histogram], new LedgerFigures(new NodeEngine(ledger.Node, new PendingFrames(0))));
        var told = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, its) =>
            {
                if (instrument.Name.StartsWith("test.meter", StringComparison.Ordinal))
                    its.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            lock (told)
                told.Add(string.Create(CultureInfo.InvariantCulture, $"{instrument.Name}{(tags.Length > 0 ? $" {tags[0].Value}" : "")} {value}"));
        });
        listener.Start();
        listener.RecordObservableInstruments();
        counts = [1, 2, 1];
        instruments.Pass();
        instruments.Pass();
        lock (told)
            Assert.That(told, Is.EqualTo(new[] { "test.meter_things a 3", "test.meter_things b 4", "test.meter_time_seconds 0.2505", "test.meter_time_seconds 0.2505", "test.meter_time_seconds 1" }));
    }

    private static long CountAt(HistogramReading read, double bound) => read.Counts[Array.FindIndex(read.BoundsSeconds, one => Math.Abs(one - bound) < 1e-12)];
}
