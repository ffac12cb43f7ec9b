using Settlement.Engine.Journal.Integrity;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What the audit of the journal's files has come to: on every node, alone or in a cluster.</summary>
internal static class AuditMetrics
{
    public static IEnumerable<Metric> Of(AuditFigures audit)
    {
        yield return Metric.Counter("settlement_audit_bytes_total", "By", "Bytes of journal and snapshots that were read again from the disk and checked since the start.", () => audit.Bytes);
        yield return Metric.Counter("settlement_audit_passes_total", "{pass}", "Passes over all files that came to their end.", () => audit.Passes);
        yield return Metric.Gauge("settlement_audit_last_pass_timestamp_seconds", "s", "When the last pass came to its end, since the Unix epoch; 0: none has yet.", () => audit.LastPassUnixMs / 1e3);
        yield return Metric.Counter("settlement_audit_damaged_total", "{block}", "Damaged blocks found; damage between blocks counts as one.", () => audit.Found);
        yield return Metric.Counter("settlement_audit_repaired_total", "{block}", "Damaged blocks repaired from another member, and read back.", () => audit.Repaired);
        yield return Metric.Gauge("settlement_audit_damaged", "{block}", "Damaged blocks that stand on the disk and were not repaired.", () => audit.StandingBlocks);
        yield return Metric.Gauge("settlement_audit_damaged_snapshots", "{file}", "Snapshots that are damaged.", () => audit.DamagedSnapshots.Count);
    }
}
