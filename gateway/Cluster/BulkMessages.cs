using System.Text.Json;
using System.Text.Json.Serialization;
using Settlement.Engine.Replication;

namespace Settlement.Gateway.Cluster;

/// <summary>How one node sees a member of the cluster.</summary>
internal sealed record MemberReport
{
    public required string Pin { get; init; }

    /// <summary>Where it agrees with the others, HOST:PORT.</summary>
    public required string Raft { get; init; }

    /// <summary>Where clients reach it, and its bulk port, in the words of a ready line.</summary>
    public required string Clients { get; init; }

    public bool IsLeader { get; init; }

    public bool IsSelf { get; init; }

    public bool IsLearner { get; init; }

    /// <summary>Whether it answered lately; of others only a leader knows.</summary>
    public bool? IsAvailable { get; init; }

    /// <summary>The last block that it is known to have; null: not known here.</summary>
    public ulong? LastBlock { get; init; }

    /// <summary>How far it is behind the leader's last block.</summary>
    public ulong? LagBlocks { get; init; }

    public long? LagBytes { get; init; }

    public long? LagMs { get; init; }
}

/// <summary>What a node says of itself and of its cluster.</summary>
internal sealed record StatusReport
{
    public required string Ledger { get; init; }

    public required string Pin { get; init; }

    /// <summary>leader, follower, or none while nobody leads.</summary>
    public required string Role { get; init; }

    public required ulong Term { get; init; }

    public required ulong Elections { get; init; }

    /// <summary>The lowest that it still has.</summary>
    public required ulong FirstBlock { get; init; }

    public required ulong LastBlock { get; init; }

    public required ulong CommittedBlock { get; init; }

    public required ulong AppliedBlock { get; init; }

    public required ulong Sequence { get; init; }

    /// <summary>Whether it is ready for clients: leads, or follows and is caught up.</summary>
    public required bool IsReady { get; init; }

    /// <summary>When the journal's files were last read through to their end, in ms since the Unix epoch; 0: not yet.</summary>
    public long AuditedUnixMs { get; init; }

    /// <summary>Found since its start, the repaired ones among them.</summary>
    public long DamagedBlocks { get; init; }

    public long RepairedBlocks { get; init; }

    /// <summary>What is damaged on its disk and was not repaired; null: nothing that is known.</summary>
    public string? Damage { get; init; }

    public required IReadOnlyList<MemberReport> Members { get; init; }

    /// <summary>Number of the block that stated the members, or of an earlier one; 0: none did.</summary>
    public ulong MembersBlock { get; init; }
}

/// <summary>What an operator's `cluster add` gets.</summary>
/// <param name="Secret">Good once.</param>
/// <param name="Minutes">For so long.</param>
internal sealed record Invitation(string Secret, int Minutes);

/// <summary>A node that wants in. Who it is, its certificate shows.</summary>
internal sealed record JoinRequest
{
    public required string Secret { get; init; }

    public required string Raft { get; init; }

    public required string Clients { get; init; }

    public bool Learner { get; init; }
}

/// <summary>What a node gets that was let in: all that it needs to have a copy of the ledger, and to lead it one day.</summary>
internal sealed record JoinAnswer
{
    public required string Ledger { get; init; }

    /// <summary>PEM of the ledger's seal key; null: its seals are not signed, or this node is an extra copy that never seals.</summary>
    public string? SealKey { get; init; }

    public required IReadOnlyList<MemberReport> Members { get; init; }

    /// <summary>Number of the block that stated them, so that no list of an earlier one takes their place while the node reads what it missed: the leader of today may be in none of those. 0: not told.</summary>
    public long MembersBlock { get; init; }
}

/// <summary>A node that was let in is there, and wants to be among the members.</summary>
internal sealed record MemberRequest
{
    public required string Pin { get; init; }

    public required string Raft { get; init; }

    public required string Clients { get; init; }

    public bool Learner { get; init; }
}

/// <summary>The newest snapshot that a node has.</summary>
internal sealed record SnapshotOffer(string Name, long Bytes, ulong Block);

/// <summary>Why something was not done.</summary>
/// <param name="Sentence">For people.</param>
/// <param name="UnknownAsOf">Where the caller's key is no member's: number of the block that stated the list in which it is not.</param>
/// <param name="IsRecovered">Whether that list was made by `cluster recover`, so that all others are out, whatever theirs say.</param>
internal sealed record BulkFault(string Sentence, long? UnknownAsOf = null, bool? IsRecovered = null);

/// <summary>A node does not know this one's key.</summary>
internal sealed class NotKnownException(string sentence, long asOf, bool isRecovered) : ClusterException(sentence)
{
    /// <inheritdoc cref="BulkFault(string, long?, bool?)"/>
    public long AsOf { get; } = asOf;

    public bool IsRecovered { get; } = isRecovered;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(Invitation))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinAnswer))]
[JsonSerializable(typeof(MemberRequest))]
[JsonSerializable(typeof(SnapshotOffer))]
[JsonSerializable(typeof(BulkFault))]
internal sealed partial class BulkJson : JsonSerializerContext
{
    /// <summary>Indented, for `cluster status --json`.</summary>
    public static JsonSerializerOptions ForPeople => new(Default.Options) { WriteIndented = true };
}
