namespace Settlement.Gateway.Cluster;

/// <summary>How a node of a cluster behaves: the section <c>Settlement:Cluster</c>. A single node reads none of it. What the members are is not here: it is journaled.</summary>
internal sealed class ClusterOptions
{
    /// <summary>
    /// Milliseconds without a word from the leader after which a node stands for election, at least; at most twice as much, by chance. Lower: a takeover is faster, an idle node costs more,
    /// and a machine that is busy for so long is taken for dead.
    /// </summary>
    public int ElectionMs { get; set; } = 300;

    /// <summary>Milliseconds that one request to another node may take, with up to 8 MiB of blocks and their flush.</summary>
    public int RequestMs { get; set; } = 5_000;

    /// <summary>Milliseconds that a connection to another node may take.</summary>
    public int ConnectMs { get; set; } = 1_000;

    /// <summary>Blocks that a node which follows may be behind what it knows to be committed, and still be ready.</summary>
    public int LagBlocksMax { get; set; } = 256;

    /// <summary>Milliseconds that an HTTP request with <c>Settlement-At-Least</c> waits for this node before it is sent to the leader.</summary>
    public int ReadWaitMsMax { get; set; } = 1_000;

    /// <summary>Milliseconds that `cluster transfer` gives what is under way before the role changes.</summary>
    public int TransferMsMax { get; set; } = 5_000;

    /// <summary>Finds what is wrong with them.</summary>
    public void Check(Action<string, long, long, long> range)
    {
        range("Cluster:ElectionMs", ElectionMs, 50, 60_000);
        range("Cluster:RequestMs", RequestMs, ElectionMs, 600_000);
        range("Cluster:ConnectMs", ConnectMs, 1, 60_000);
        range("Cluster:LagBlocksMax", LagBlocksMax, 0, 1 << 30);
        range("Cluster:ReadWaitMsMax", ReadWaitMsMax, 0, 60_000);
        range("Cluster:TransferMsMax", TransferMsMax, 100, 600_000);
    }
}
