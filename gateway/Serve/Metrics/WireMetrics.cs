using Settlement.Client.Wire;
using Settlement.Engine.Text;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What the ports tell: connections, sessions, frames, credit, refusals. Never whose.</summary>
internal static class WireMetrics
{
    public static IEnumerable<Metric> Of(ServerCounters counters, EgressTallies answers)
    {
        yield return Metric.Gauge("settlement_connections", "{connection}", "Connections of the binary port that are open.", () => Read(ref counters.ConnectionsOpen));
        yield return Metric.Counter("settlement_connections_total", "{connection}", "Connections accepted since the start.", () => Read(ref counters.ConnectionsAccepted));
        yield return Metric.Counter("settlement_connections_refused_total", "{connection}", "Connections refused because there were too many.", () => Read(ref counters.ConnectionsRefused));
        yield return Metric.Gauge("settlement_sessions", "{session}", "Connections that have shown whose session they are.", () => Read(ref counters.SessionsOpen));
        yield return Metric.Counter("settlement_sessions_total", "{session}", "Sessions opened over the binary port since the start.", () => Read(ref counters.SessionsOpened));
        yield return Metric.Counter("settlement_authentications_failed_total", "{connection}", "Connections that showed no key of an open session.", () => Read(ref counters.NotAuthenticated));
        yield return Metric.Counter("settlement_frames_total", "{frame}", "Frames whose slots were put into the ring.", () => Read(ref counters.FramesTaken));
        yield return Metric.Counter("settlement_claims_waited_total", "{frame}", "Frames that had to wait for room in the ring.", () => Read(ref counters.ClaimsThatWaited));
        yield return Metric.Gauge("settlement_credit_outstanding_slots", "{slot}", "Slots taken from clients and not yet answered.",
            () => Math.Max(0, Read(ref counters.SlotsTaken) - answers.Slots));
        yield return Metric.Counter("settlement_evidence_dropped_total", "{piece}", "Signatures and links of payers' consent that did not hold.", () => Read(ref counters.EvidenceDropped));
        yield return Metric.Counter("settlement_questions_total", "{question}", "Questions about ids, streams and balances.", () => Read(ref counters.Asked));
        yield return Metric.Labelled(MetricKind.Counter, "settlement_refusals_total", "{frame}", "Frames and connections refused, by reason.", "code",
            () => Enum.GetValues<RefusalCode>().Where(code => code != RefusalCode.None)
                .Select(code => new Sample(SnakeCase.Of(code), Read(ref counters.Refusals[(int)code]))));
    }

    private static double Read(ref long counter) => Volatile.Read(ref counter);
}
