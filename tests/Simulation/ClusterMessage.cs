namespace Settlement.Tests.Simulation;

internal enum MessageKind
{
    AskVote,
    Vote,
    Append,
    Appended,
}

/// <summary>What replicas of a simulated consensus say to each other. It is Raft, in the smallest form that is correct.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="From">Who says it.</param>
/// <param name="To">To whom.</param>
/// <param name="Term">Of who says it.</param>
internal sealed record ClusterMessage(MessageKind Kind, int From, int To, ulong Term)
{
    /// <summary>AskVote: the candidate's last block. Append: the block before those sent. Appended: the last block that is the same as the leader's.</summary>
    public ulong Block { get; init; }

    /// <summary>Term of that block.</summary>
    public ulong BlockTerm { get; init; }

    /// <summary>Append: header and body of each.</summary>
    public IReadOnlyList<byte[]> Blocks { get; init; } = [];

    /// <summary>Append: the leader's committed block.</summary>
    public ulong Committed { get; init; }

    /// <summary>Append: the leader's last block, and whether its own term's block is committed.</summary>
    public ulong LeaderLast { get; init; }

    public bool IsLeaderConfirmed { get; init; }

    /// <summary>Vote: it is given. Appended: the blocks follow on what is there.</summary>
    public bool IsYes { get; init; }

    /// <summary>How often the follower's journal was made anew: what an earlier one had does not count. Append: as far as the leader knows.</summary>
    public int Incarnation { get; init; }

    /// <summary>Appended: the follower lost its journal and has not caught up; it counts for no quorum.</summary>
    public bool IsRecovering { get; init; }
}
