using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>
/// The result code of one payment or control command. Numbers are stable: they enter the state hash with the ids kept and are known
/// to clients. For payments they rise with the order in which SEMANTICS asks, but for two places: <see cref="UnknownSession"/> comes before
/// <see cref="Malformed"/>, and unknown wallets before <see cref="NotAuthorised"/>. For commands the table there has the order.
/// </summary>
public enum Verdict : byte
{
    /// <summary>Not yet judged; never leaves the engine.</summary>
    Undecided = 0,

    /// <summary>Done, durable, final. The client does nothing.</summary>
    Accepted = 1,

    /// <summary>The same id with the same body was decided before; the first verdict comes with it. The client takes that one.</summary>
    Duplicate = 2,

    /// <summary>The stream has decided this number, but so long ago that the verdict is no longer in memory. The client looks it up.</summary>
    DuplicateLookUp = 3,

    /// <summary>
    /// Accepted as a hold until a reviewer releases or refuses it: a rule asks for that, its number is in the outcome. The client waits; if nobody
    /// decides in the rule's time, the amount goes back to the payer. It cannot be captured or voided.
    /// </summary>
    UnderReview = 4,

    // 8..15: refused, and the id is NOT used up: the same id may come again.

    /// <summary>A field has a value that has no meaning: unknown instruction, flag or purpose, id of zero, a field that must be zero. The client corrects its program.</summary>
    Malformed = 8,

    /// <summary>No such session. The client opens one.</summary>
    UnknownSession = 9,

    /// <summary>The stream's number lies beyond its lowest missing number plus the window. The client sends the missing ones first.</summary>
    StreamGap = 10,

    /// <summary>A UUIDv7 from before the window: not settled now, may have been before. The client looks it up.</summary>
    TooOldToTell = 11,

    /// <summary>A UUIDv7 from more than the allowed skew in the future. The client sets its clock.</summary>
    IdFromFuture = 12,

    /// <summary>A table of the engine is full. The client tries later; the operator configures more.</summary>
    CapacityExceeded = 13,

    // 16..: the id is used up, the verdict is kept with it.

    /// <summary>The id was used before with another body. The client uses a fresh id; the first payment stands.</summary>
    IdConflict = 16,

    /// <summary>The block's time is past `valid until`. The client decides whether to pay again, under a fresh id.</summary>
    Expired = 17,

    /// <summary>An amount of zero. The client corrects it.</summary>
    ZeroAmount = 18,

    /// <summary>Payer and payee are one wallet. The client corrects it.</summary>
    SelfPayment = 19,

    /// <summary>The ledger does not know the currency. The client corrects it, or an operator declares it.</summary>
    UnknownCurrency = 20,

    /// <summary>Refused for a reason that the session may not know (labels, or data above its clearance). The client asks its operator.</summary>
    Refused = 21,

    /// <summary>The session's participant has no right to this: another's wallet, another's currency, a command of the operator's.</summary>
    NotAuthorised = 22,

    UnknownPayer = 23,
    UnknownPayee = 24,

    /// <summary>A wallet has no account in the payment's currency, or the target is in another one.</summary>
    WrongCurrency = 25,

    PayerFrozen = 26,
    PayerClosed = 27,
    PayeeFrozen = 28,
    PayeeClosed = 29,

    /// <summary>No open hold or refundable payment of that id that this session may act on: it never was, or was captured, voided, or has expired.</summary>
    UnknownTarget = 30,

    /// <summary>More than the hold holds, or more than was paid less what was refunded.</summary>
    OverTarget = 31,

    /// <summary>
    /// The payer's wallet asks for its owner's consent, and there is none: too few valid signatures of its keys, or no open chain whose links reach this payment's number. The client
    /// gets the signatures, or the next link, and pays again under a fresh id. For commands: too few signatures of the wallet's keys.
    /// </summary>
    ConsentMissing = 32,

    /// <summary>
    /// The owner's chain is there and does not cover this: more than one payment or all of them may take, past its expiry, another currency or another payee. The client
    /// asks the owner for a further chain, and pays under a fresh id.
    /// </summary>
    ConsentExceeded = 33,

    /// <summary>A rule forbids it; the rule's number is in the outcome.</summary>
    DeniedByRule = 34,

    /// <summary>With earlier payments of the window it would exceed a rule's cumulative limit; the rule's number is in the outcome.</summary>
    LimitExceeded = 35,

    /// <summary>A hold or refundable payment of this id is already kept for the payee's participant.</summary>
    TargetTaken = 36,
    InsufficientFunds = 37,

    /// <summary>The payer's participant would owe more than its net debit cap.</summary>
    CapExceeded = 38,

    /// <summary>The credited account could not hold the sum in 64 bits.</summary>
    Overflow = 39,

    /// <summary>The table of holds and refundable payments, of sums, or of batches not yet settled is full. The operator configures more.</summary>
    TableFull = 40,

    // 48..: control commands only.

    /// <summary>Counted; takes effect when enough different sessions have sent the same command.</summary>
    AwaitingQuorum = 48,

    /// <summary>It exists with other attributes that cannot be changed this way.</summary>
    AlreadyExists = 49,

    /// <summary>The wallet has a balance or a hold.</summary>
    NotEmpty = 50,

    UnknownParticipant = 51,
    UnknownWallet = 52,
    UnknownBatch = 53,

    /// <summary>The value is outside what the command allows.</summary>
    InvalidValue = 54,

    // 55..62: governance (BadSignature: keys and consent, too).

    /// <summary>The signature is not the device's, or the wallet's key's, over this message of this ledger. It is signed again.</summary>
    BadSignature = 55,

    /// <summary>No such device, or it is not one of the module's that the command is about.</summary>
    UnknownDevice = 56,

    /// <summary>The device was revoked, and votes no more.</summary>
    DeviceRevoked = 57,

    /// <summary>No proposal of that number has that payload.</summary>
    UnknownProposal = 58,

    /// <summary>The proposal is not, or no longer, to be voted or scheduled.</summary>
    VotingClosed = 59,

    /// <summary>Too few devices, or of too few makers, have voted for it; or the module has too few devices to be founded.</summary>
    QuorumMissing = 60,

    /// <summary>The text cannot be read, does not hold a check, or no plan can be built with it. `rules check` says why.</summary>
    RulesUnsound = 61,
    UnknownModule = 62,

    /// <summary>No such key of this session or wallet, or it was revoked.</summary>
    UnknownKey = 63,
}

/// <summary>What is answered for one payment: 16 bytes, parallel to its slot in the ring.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct Outcome
{
    /// <summary>
    /// Available after the payment, logical (closed pending counted): the payer's; for issue and refund the payee's; for capture and void the
    /// original payer's. 0 unless accepted (<see cref="Verdicts.IsAccepted"/>), and unless the wallet is of the session's participant (or the session an
    /// operator's) and not above its clearance.
    /// </summary>
    [FieldOffset(0)] public ulong Available;

    /// <summary>What control commands have in the place of a batch.</summary>
    public const uint NoBatch = 0;

    /// <summary>The batch that was open when it was decided (low 32 bits of its number).</summary>
    [FieldOffset(8)] public uint Batch;

    /// <summary>The lowest rule that refused it, or sent it to review; 0: none.</summary>
    [FieldOffset(12)] public ushort Rule;

    [FieldOffset(14)] public Verdict Verdict;

    /// <summary>For <see cref="Domain.Verdict.Duplicate"/> and <see cref="Domain.Verdict.IdConflict"/>: the verdict given the first time.</summary>
    [FieldOffset(15)] public Verdict First;
}

public static class Verdicts
{
    /// <summary>Whether it took effect: money moved, or was held, and the payment is a leaf of its batch's tree.</summary>
    public static bool IsAccepted(this Verdict verdict) => verdict is Verdict.Accepted or Verdict.UnderReview;

    /// <summary>Whether the id stays free to be used: refused before it was looked at.</summary>
    public static bool LeavesIdFree(this Verdict verdict) => verdict is >= Verdict.Malformed and <= Verdict.CapacityExceeded;
}
