using Settlement.Engine.Journal.Integrity;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http.Webhooks;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Everything that one server measures.</summary>
internal sealed class Metering : IDisposable
{
    private readonly MeterInstruments _instruments;

    public Metering(LedgerEngine engine, ClusterNode? cluster, AuditFigures audit, ServerCounters counters, EgressTallies answers, WebhookBook webhooks)
    {
        Ledger = new LedgerFigures(engine);
        Metric[] own = [.. NodeMetrics.Of(engine, answers, Ledger), .. ClusterMetrics.Of(engine, cluster), .. AuditMetrics.Of(audit), .. WireMetrics.Of(counters, answers), .. WebhookMetrics.Of(webhooks)];
        All = [.. own, .. ProcessMetrics.All()];
        _instruments = new MeterInstruments(own, Ledger); // the runtime has a meter of its own
    }

    /// <summary>In the order of the page.</summary>
    public IReadOnlyList<Metric> All { get; }

    public LedgerFigures Ledger { get; }

    public void Dispose() => _instruments.Dispose();
}
