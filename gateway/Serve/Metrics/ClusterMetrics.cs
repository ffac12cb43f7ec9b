using System.Globalization;
using Settlement.Engine.Replication;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Serve.Roles;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>What a node tells about its part in a cluster: who leads, how often that changed, how far the others are. A single node leads, in term 0, and has no others.</summary>
/// <remarks>
/// A frame's answer waits for its commit: of <c>settlement_frame_latency_seconds</c>, <c>settlement_cluster_commit_seconds</c> is the share of disks and network, and
/// <c>settlement_journal_write_seconds</c> this node's disk's share of that. A member is named by its consensus address, which every node of the cluster knows.
/// </remarks>
internal static class ClusterMetrics
{
    public static IEnumerable<Metric> Of(LedgerEngine engine, ClusterNode? cluster)
    {
        yield return Metric.Gauge("settlement_cluster_leading", "1", "1 while this node leads, or is the only one.", () => engine.Leading is null ? 0 : 1);
        yield return Metric.Gauge("settlement_cluster_ready", "1", "1 while this node leads and takes payments, or follows and is caught up.", () => engine.IsReady || engine.IsCaughtUp ? 1 : 0);
        yield return Metric.Gauge("settlement_cluster_term", "{term}", "The consensus' term; 0 on a single node.", () => cluster?.Term ?? 0);
        yield return Metric.Counter("settlement_cluster_elections_total", "{election}", "Elections that this node has seen the end of since its start.", () => cluster?.Elections ?? 0);
        yield return Metric.Gauge("settlement_cluster_members", "{node}", "Nodes of the cluster, learners among them.", () => cluster?.Members.Count ?? 1);
        yield return Metric.Histogram("settlement_cluster_commit_seconds", "Time from the append of a block here, while this node leads, until it is on the disks of a majority.",
            () => cluster?.Commits is { } commits ? NodeMetrics.Read(commits.InBucket, commits.LatencyNs) : NodeMetrics.Read(static _ => 0, 0));
        yield return Metric.Gauge("settlement_cluster_apply_lag_blocks", "{block}", "Blocks that this node knows to be committed and has not applied yet.", () => cluster?.Engine.LagBlocks ?? 0);
        yield return Metric.Labelled(MetricKind.Gauge, "settlement_cluster_member_lag_blocks", "{block}", "How many blocks a member is behind this node's last; of those that the leader knows.", "member",
            () => Of(cluster, static member => member.LagBlocks));
        yield return Metric.Labelled(MetricKind.Gauge, "settlement_cluster_member_lag_bytes", "By", "The bytes of those blocks, at least.", "member", () => Of(cluster, static member => member.LagBytes));
        yield return Metric.Labelled(MetricKind.Gauge, "settlement_cluster_member_silence_seconds", "s", "Time since a member answered the leader last.", "member", () => Of(cluster, static member => member.ContactMs / 1e3));
    }

    private static IEnumerable<Sample> Of(ClusterNode? cluster, Func<MemberStatus, double?> read)
    {
        foreach (MemberStatus member in cluster?.Members ?? [])
        {
            if (!member.IsLocal && member.LagBlocks is not null && read(member) is { } value)
                yield return new Sample(string.Create(CultureInfo.InvariantCulture, $"{member.Member}"), value);
        }
    }
}
