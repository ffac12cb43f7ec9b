using System.Diagnostics.CodeAnalysis;
using DotNext.Net.Cluster.Consensus.Raft;

namespace Settlement.Engine.Replication;

/// <summary>The library's cluster with two of its protected members within reach.</summary>
internal sealed class SettlementCluster(RaftCluster.TcpConfiguration configuration) : RaftCluster(configuration)
{
    /// <summary>
    /// Asks the leader's loop for another round now; nothing where this node does not lead. Does not wait and allocates nothing; calls during a round make one round after it.
    /// The library's public call waits for the round; what a follower's question does to its leader is this without the waiting, and a question that knows of no block always asks for a round.
    /// </summary>
    [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "the library answers at once, and the answer is of no interest")]
    public void Replicate() => _ = SynchronizeAsync(-1, CancellationToken.None);

    public ValueTask<bool> StepDownAsync(CancellationToken token) => ResignAsync(token);
}
