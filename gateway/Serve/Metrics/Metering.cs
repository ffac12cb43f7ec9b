using Settlement.Engine;
using Settlement.Gateway.Http.Webhooks;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Everything that one server measures.</summary>
internal sealed class Metering : IDisposable
{
    private readonly MeterInstruments _instruments;

    public Metering(Node node, ServerCounters counters, EgressTallies answers, WebhookBook webhooks)
    {
        Ledger = new LedgerFigures(node.Pipeline);
        Metric[] own = [.. NodeMetrics.Of(node, answers, Ledger), .. WireMetrics.Of(counters, answers), .. WebhookMetrics.Of(webhooks)];
        All = [.. own, .. ProcessMetrics.All()];
        _instruments = new MeterInstruments(own, Ledger); // the runtime has a meter of its own
    }

    /// <summary>In the order of the page.</summary>
    public IReadOnlyList<Metric> All { get; }

    public LedgerFigures Ledger { get; }

    public void Dispose() => _instruments.Dispose();
}
