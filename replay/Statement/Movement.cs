using Settlement.Engine.Domain;
using Settlement.Replay.State;

namespace Settlement.Replay.Statement;

/// <summary>What moved a wallet's money, or changed what of it is available.</summary>
internal enum MovementKind
{
    None = 0,

    /// <summary>A micropayment or an immediate payment.</summary>
    PaymentIn = 1,
    PaymentOut = 2,

    /// <summary>Available becomes held.</summary>
    Hold = 3,

    /// <summary>A hold is paid, wholly or in part; the rest of it is available again.</summary>
    CaptureOut = 4,
    CaptureIn = 5,
    Void = 6,

    /// <summary>Holds, and payments under review, whose time was over are available again. Those of one moment are one movement.</summary>
    HoldExpired = 7,

    /// <summary>Money of an earlier payment comes back.</summary>
    RefundIn = 8,
    RefundOut = 9,
    Opening = 10,
    Issue = 11,
    Redeem = 12,

    /// <summary>What was pending is available, because its batch closed.</summary>
    PendingAvailable = 13,

    /// <summary>Available becomes held: a rule sent the payment to review.</summary>
    Review = 14,

    /// <summary>A reviewer released it: it is paid.</summary>
    ReviewOut = 15,
    ReviewIn = 16,

    /// <summary>A reviewer refused it: what was held is available again.</summary>
    ReviewRefused = 17,
}

/// <summary>One line of a statement.</summary>
internal readonly record struct Movement
{
    /// <summary>From this sequence on the ledger shows it: the payment's own; for what the beginning of a block brings about, the one that comes next.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Of the block, ns since the Unix epoch.</summary>
    public required ulong TimeNs { get; init; }

    /// <summary>The batch that was open; for pending that becomes available, the one that closed.</summary>
    public required ulong Batch { get; init; }

    public required MovementKind Kind { get; init; }

    /// <summary>ISO 4217.</summary>
    public required ushort Currency { get; init; }

    /// <summary>What was moved, in the smallest unit.</summary>
    public required ulong Amount { get; init; }

    /// <summary>By how much the sum of available, pending and held changed.</summary>
    public required Int128 Change { get; init; }

    /// <summary>What the account holds after it.</summary>
    public required LogicalBalance After { get; init; }

    /// <summary>The payment that did it, or that a reviewer decided about; default where none did.</summary>
    public Payment Payment { get; init; }

    /// <summary>The wallet on the other side; 0: the reserve, or none.</summary>
    public ulong Counterparty { get; init; }
}
