using Settlement.Engine.Domain;

namespace Settlement.Engine.Governance;

// Purpose: what the law book holds: laws (modules and treaties), their devices, and every proposal with every step it took.
// All written by: settle thread (LawBook, GovernanceApply, LawActivation). Others may read while the engine is still.

/// <summary>How far a proposal is. Numbers are in snapshots.</summary>
public enum ProposalStatus : byte
{
    None = 0,
    Proposed = 1,

    /// <summary>Its text was read and holds the checks.</summary>
    Checked = 2,

    /// <summary>A what-if's report was recorded.</summary>
    Sandboxed = 3,

    /// <summary>A device has voted.</summary>
    Voting = 4,
    Scheduled = 5,

    /// <summary>In force; of a device: admitted; of an emergency: done.</summary>
    Active = 6,

    /// <summary>Another version took its place.</summary>
    Superseded = 7,

    /// <summary>It was in force, and an earlier version took its place.</summary>
    RolledBack = 8,

    /// <summary>The check does not hold, or no plan can be built, or a later version was there first.</summary>
    Failed = 9,
}

/// <summary>A step, with who and when.</summary>
/// <param name="Status">What it became.</param>
/// <param name="Sequence">Of the command's last slot; of what time brought about: of the slot that comes next.</param>
/// <param name="TimeNs">Of the block.</param>
/// <param name="Session">Who sent the command; 0: time or a sequence brought it about.</param>
/// <param name="Device">Whose signature it bore; zero: none.</param>
public readonly record struct ProposalStep(ProposalStatus Status, ulong Sequence, ulong TimeNs, ushort Session, KeyId Device);

/// <summary>One device's vote.</summary>
public readonly record struct CastVote(KeyId Device, bool IsYes, ulong Sequence, ulong TimeNs, ushort Session);

/// <summary>A what-if's report, by its hash.</summary>
public readonly record struct SandboxReport(ulong FirstSequence, ulong LastSequence, Digest Report, ulong Sequence, ulong TimeNs, ushort Session);

/// <summary>A proposal; that of a text is the version it proposes.</summary>
public sealed class Proposal
{
    private readonly List<ProposalStep> _steps = [];
    private readonly List<CastVote> _votes = [];
    private readonly List<SandboxReport> _reports = [];

    /// <summary>From 1, in the order of the journal.</summary>
    public required ulong Number { get; init; }

    public required ProposalKind Kind { get; init; }

    /// <summary>What it is about.</summary>
    public required Law Law { get; init; }

    /// <summary>Of the text; 0: none.</summary>
    public required uint Version { get; init; }

    /// <summary>What votes name.</summary>
    public required Digest PayloadHash { get; init; }

    public required KeyId Proposer { get; init; }

    /// <summary>SHA-256 of the text; of what has none: zero.</summary>
    public required Digest TextHash { get; init; }

    /// <summary>Of a text: held while it is open, in force or last good; else null, and found in the journal at <see cref="Steps"/>[0].</summary>
    public LawText? Text { get; internal set; }

    /// <summary>Of a device that shall be admitted.</summary>
    public NodeKey DeviceKey { get; internal init; }

    public string DeviceMaker { get; internal init; } = "";

    /// <summary>Of a treaty once it is checked: the modules it is between, ascending.</summary>
    public IReadOnlyList<Law> Between { get; internal set; } = [];

    /// <summary>Of a treaty once it is scheduled: those whose voters agreed, ascending.</summary>
    public IReadOnlyList<Law> Bound { get; internal set; } = [];

    /// <summary>Once it is scheduled.</summary>
    public ActivationPoint Point { get; internal set; }

    /// <summary>Why it failed, in a sentence; empty: it did not.</summary>
    public string FailureReason { get; internal set; } = "";

    public ProposalStatus Status => _steps.Count == 0 ? ProposalStatus.None : _steps[^1].Status;

    /// <summary>In the order of the journal.</summary>
    public IReadOnlyList<ProposalStep> Steps => _steps;

    public IReadOnlyList<CastVote> Votes => _votes;

    public IReadOnlyList<SandboxReport> Reports => _reports;

    public bool HasText => Kind is ProposalKind.Text or ProposalKind.Treaty or ProposalKind.Rollback;

    /// <summary>Whether it can still be voted for and scheduled.</summary>
    public bool IsVotable => Status is >= ProposalStatus.Proposed and <= ProposalStatus.Voting;

    public bool IsOpen => IsVotable || Status == ProposalStatus.Scheduled;

    /// <summary>A text that no command has needed the check of yet.</summary>
    public bool AwaitsCheck => HasText && Status == ProposalStatus.Proposed;

    internal List<ProposalStep> StepList => _steps;

    internal List<CastVote> VoteList => _votes;

    internal List<SandboxReport> ReportList => _reports;

    public override string ToString() => $"proposal {Number}";
}

/// <summary>A module, or a treaty between modules.</summary>
public sealed class Law
{
    private readonly List<Proposal> _versions = [];

    /// <summary>From 1, in the order of the journal: what a held payment carries.</summary>
    public required ushort Number { get; init; }

    public required string Name { get; init; }

    /// <summary>It was first proposed, not founded, and has no devices: those of the modules that it is between vote.</summary>
    public required bool IsTreaty { get; init; }

    /// <summary>Devices that must agree.</summary>
    public required ushort Quorum { get; init; }

    /// <summary>Different makers among them.</summary>
    public required ushort Makers { get; init; }

    /// <summary>Devices that must agree to an emergency.</summary>
    public required ushort EmergencyQuorum { get; init; }

    public required ulong FoundedSequence { get; init; }

    public required ulong FoundedNs { get; init; }

    public required ushort FoundedBy { get; init; }

    /// <summary>The version in force; null: none was yet.</summary>
    public Proposal? Active { get; internal set; }

    /// <summary>What an emergency goes back to; null: nothing.</summary>
    public Proposal? LastGood { get; internal set; }

    /// <summary>Highest version that ever was in force.</summary>
    public uint VersionHighest { get; internal set; }

    /// <summary>Proposals of texts, in order.</summary>
    public IReadOnlyList<Proposal> Versions => _versions;

    internal List<Proposal> VersionList => _versions;

    public override string ToString() => Name;
}

/// <summary>A voting device.</summary>
public sealed class Device
{
    public required KeyId Id { get; init; }

    public required NodeKey Key { get; init; }

    /// <summary>Name of the module it votes for.</summary>
    public required string Module { get; init; }

    public required string Maker { get; init; }

    public required ulong RegisteredSequence { get; init; }

    public required ulong RegisteredNs { get; init; }

    /// <summary>Of the command that revoked it; 0: it was not.</summary>
    public ulong RevokedSequence { get; internal set; }

    public ulong RevokedNs { get; internal set; }

    public bool IsRevoked => RevokedSequence != 0;
}

/// <summary>A change that is scheduled: of a proposal, or of a parameter.</summary>
public sealed class ScheduledChange
{
    public required ActivationPoint Point { get; init; }

    /// <summary>Sequence of the command that scheduled it: of two due at one point the lower comes first.</summary>
    public required ulong Order { get; init; }

    /// <summary>Null: a parameter.</summary>
    public Proposal? Proposal { get; init; }

    public Rules.Language.ParameterName Parameter { get; init; }

    public ulong Value { get; init; }

    /// <summary>What its plan was attested for; null: it was not.</summary>
    public (Digest Laws, int Day, LawBuild Build)? Attested { get; internal set; }

    /// <summary>Whether it can change a rule.</summary>
    public bool ChangesRules => Proposal is null || Proposal.HasText;
}
