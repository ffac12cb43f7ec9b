using Settlement.Gateway.Http.Webhooks;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What webhooks tell: how many there are, and what could not be delivered. Never to whom.</summary>
internal static class WebhookMetrics
{
    public static IEnumerable<Metric> Of(WebhookBook book)
    {
        yield return Metric.Gauge("settlement_webhooks", "{webhook}", "Webhooks that are registered.", () => book.All().Count);
        yield return Metric.Gauge("settlement_webhook_dead_letters", "{event}", "Events that were given up and wait in dead-letter lists.", () => book.All().Sum(hook => hook.DeadLetters.Count));
    }
}
