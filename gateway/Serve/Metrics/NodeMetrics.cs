using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Text;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What the engine tells about itself: ring, stages, disk, batches, answers.</summary>
internal static class NodeMetrics
{
    /// <summary>Bounds of <see cref="DiskFigures"/> and of <see cref="Settlement.Engine.Replication.CommitFigures"/>: bucket n ends below 2^n us; the last one has no end.</summary>
    private static readonly double[] s_boundsSeconds = [.. Enumerable.Range(0, DiskFigures.BucketCount - 1).Select(bucket => (1L << bucket) / 1e6)];

    private static readonly Verdict[] s_ofPayments =
        [.. Enum.GetValues<Verdict>().Where(verdict => verdict is not Verdict.Undecided and < Verdict.AwaitingQuorum)];

    public static IEnumerable<Metric> Of(LedgerEngine engine, EgressTallies answers, LedgerFigures ledger)
    {
        DiskFigures disk = engine.Disk;
        yield return Metric.Gauge("settlement_engine_running", "1", "1 while the engine takes payments; 0 once a stage has stopped it.",
            () => engine.Failure is null ? 1 : 0);
        yield return Metric.Labelled(MetricKind.Counter, "settlement_payments_total", "{payment}", "Payments answered, by verdict.", "verdict",
            () => s_ofPayments.Select(verdict => new Sample(VerdictText.NameOf(verdict), answers.Of(verdict))));
        yield return Metric.Counter("settlement_command_frames_total", "{frame}", "Frames of control commands answered.", () => answers.Commands);
        yield return Metric.Histogram("settlement_frame_latency_seconds",
            "Time of a frame from the claim of its slots in the ring to its answer, durable; the network is not in it.", answers.Frames.Read);
        yield return Metric.Gauge("settlement_ring_slots", "{slot}", "Slots of the ring.", () => engine.Progress.RingSlots);
        yield return Metric.Gauge("settlement_ring_used_slots", "{slot}", "Slots claimed and not yet free again.", () => engine.Progress.RingUsed);
        yield return Metric.Counter("settlement_slots_settled_total", "{slot}", "Slots decided since the start.", () => engine.Progress.SlotsSettled);
        yield return Metric.Labelled(MetricKind.Gauge, "settlement_block_number", "{block}", "Number of the last block, by the stage that it has passed.", "stage",
            () =>
            {
                PipelineProgress now = engine.Progress;
                return [new Sample("appended", now.LastBlock), new Sample("durable", now.DurableBlock), new Sample("settled", now.SettledBlock)];
            });
        yield return Metric.Counter("settlement_journal_bytes_total", "By", "Bytes written durably to the journal since the start.", () => disk.Bytes);
        yield return Metric.Histogram("settlement_journal_write_seconds", "Time of one durable write of the journal.", () => Read(disk.InBucket, disk.WriteNs));
        yield return Metric.Gauge("settlement_sequence", "{slot}", "Sequence of the last slot decided, as the scrape before or this one was told.", () => ledger.Now.Sequence);
        yield return Metric.Gauge("settlement_batch_open_payments", "{payment}", "Payments accepted in the open batch.", () => ledger.Now.BatchPayments);
        yield return Metric.Counter("settlement_batches_closed_total", "{batch}", "Batches that the ledger has closed.", () => ledger.Now.Batch - 1);
        yield return Metric.Counter("settlement_batches_published_total", "{batch}", "Batches whose root is computed and published.", () => engine.Progress.BatchPublished);
        yield return Metric.Gauge("settlement_accounts", "{account}", "Accounts in the ledger.", () => ledger.Now.Accounts);
        yield return Metric.Gauge("settlement_accounts_max", "{account}", "Accounts that the ledger has room for.", () => ledger.Now.AccountsMax);
        yield return Metric.Counter("settlement_declassified_total", "{payment}", "Payments that a trusted session let pass to a lower level.", () => ledger.Now.Declassified);
    }

    internal static HistogramReading Read(Func<int, long> inBucket, long sumNs)
    {
        var counts = new long[DiskFigures.BucketCount];
        for (int bucket = 0; bucket < counts.Length; bucket++)
            counts[bucket] = inBucket(bucket);
        return new HistogramReading(s_boundsSeconds, counts, sumNs / 1e9);
    }
}
