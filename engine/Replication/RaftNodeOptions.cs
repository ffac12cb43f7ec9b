using System.Net;

namespace Settlement.Engine.Replication;

/// <summary>Settings of a node's part in the consensus. They change speed and patience, never what is agreed.</summary>
public sealed record RaftNodeOptions
{
    /// <summary>DIR/cluster: identity, list of members, term and vote.</summary>
    public required string Directory { get; init; }

    /// <summary>Address and port at which the others reach this node; where the list of members has this node's key, the address there counts.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Where to listen; null: at <see cref="Address"/>.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>For this node's entry in the list of members, where it is not in it yet.</summary>
    public IReadOnlyList<string> Clients { get; init; } = [];

    /// <summary>
    /// Least time without a word of the leader after which an election begins; each node draws its own between this and twice this. The leader speaks every half of it. Lower: faster takeover, more idle work, more false alarms.
    /// </summary>
    public int ElectionMs { get; init; } = 300;

    /// <summary>
    /// How long one request may take, 8 MiB of blocks and their flush included. Also how long a leader that is cut off without a word goes on believing that it leads: it commits nothing meanwhile.
    /// </summary>
    public int RequestMs { get; init; } = 5_000;

    /// <summary>How long to wait for a connection.</summary>
    public int ConnectMs { get; init; } = 1_000;

    /// <summary>Told sentences for the operator: refused peers, elections, changes of members. Any thread; must not wait.</summary>
    public Action<string>? Tell { get; init; }

    /// <summary>Where the consensus library logs; null: nowhere.</summary>
    internal Microsoft.Extensions.Logging.ILoggerFactory? LibraryLog { get; init; }

    /// <summary>Latest format of blocks that this node reads and writes: that of the program, but for tests of an upgrade.</summary>
    internal int FormatVersion { get; init; } = Domain.BlockHeader.FormatVersion;

    internal void Check()
    {
        if (ElectionMs is < 50 or > 60_000)
            throw new ClusterException($"An election time of {ElectionMs} ms: 50 to 60,000 are possible.");
        if (RequestMs < ElectionMs || ConnectMs is < 1 or > 60_000)
            throw new ClusterException($"A request time of {RequestMs} ms and a connection time of {ConnectMs} ms: the first is at least the election time of {ElectionMs} ms, the second 1 to 60,000.");
    }
}

/// <summary>One member as this node knows it.</summary>
/// <param name="Member">Address, pin, client addresses, learner or voter.</param>
/// <param name="IsLocal">This node.</param>
/// <param name="IsLeader">Whom this node follows, or itself.</param>
/// <param name="IsAvailable">It answered the last request; learners are not called, so never.</param>
/// <param name="KnownBlock">Highest block that it is known to have on its disk, by the leader; null: this node does not know.</param>
/// <param name="LagBlocks">Blocks between that and the leader's last; null: this node does not know.</param>
/// <param name="LagBytes">Their bytes, at least; null: this node does not know.</param>
/// <param name="ContactMs">Milliseconds since its last answer, or on a follower since the leader's last word; null: never.</param>
public sealed record MemberStatus(
    PinnedEndPoint Member, bool IsLocal, bool IsLeader, bool IsAvailable, ulong? KnownBlock, ulong? LagBlocks, long? LagBytes, long? ContactMs);
