using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>
/// One command that moves an amount from a payer wallet to a payee wallet in one currency: 64 bytes, little-endian,
/// one cache line, the same in the ring, on the wire and in the journal.
/// </summary>
/// <remarks>
/// <code>
///  0               8               16              24              32
///  | id, low half  | id, high half | payer         | payee         |
///  32              40              48              56  58 59 60 61 62
///  | amount        | reference     | valid until   |ccy|in|fl|lv|pu|ses|
/// </code>
/// A stream id has the stream in the high half and 1, 2, 3 … in the low half. A UUID is its sixteen bytes read as one
/// big-endian number. For capture, void and refund the target's id is (payee field, reference).
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct Payment : IEquatable<Payment>
{
    public const int Size = 64;

    [FieldOffset(0)] public ulong IdLow;
    [FieldOffset(8)] public ulong IdHigh;
    [FieldOffset(16)] public ulong Payer;
    [FieldOffset(24)] public ulong Payee;

    /// <summary>In the smallest unit of the currency at the ledger's scale.</summary>
    [FieldOffset(32)] public ulong Amount;
    [FieldOffset(40)] public ulong Reference;

    /// <summary>Nanoseconds since the Unix epoch; 0: no limit. For a hold: when it expires.</summary>
    [FieldOffset(48)] public ulong ValidUntilNs;

    /// <summary>ISO 4217 number.</summary>
    [FieldOffset(56)] public ushort Currency;
    [FieldOffset(58)] public Instruction Instruction;
    [FieldOffset(59)] public PaymentFlags Flags;
    [FieldOffset(60)] public byte Level;
    [FieldOffset(61)] public Purpose Purpose;

    /// <summary>Zero from clients, filled at ingress: the index of a journaled session record.</summary>
    [FieldOffset(62)] public ushort Session;

    /// <summary>The id as one number, the high half first.</summary>
    public readonly UInt128 Id => new(IdHigh, IdLow);

    /// <summary>The id of the hold or payment that a capture, void or refund is about.</summary>
    public readonly UInt128 TargetId => new(Payee, Reference);

    public readonly bool HasStreamId
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Flags & PaymentFlags.StreamId) != 0;
    }

    public readonly bool Equals(Payment other) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<Payment>(in this))
            .SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<Payment>(in other)));

    public override readonly bool Equals(object? obj) => obj is Payment other && Equals(other);

    public override readonly int GetHashCode() => IdLow.GetHashCode();

    public static bool operator ==(Payment left, Payment right) => left.Equals(right);

    public static bool operator !=(Payment left, Payment right) => !left.Equals(right);
}

/// <summary>What a slot of the ring asks for. Below 128: a payment; from 128: a control command (<see cref="ControlCommand"/>).</summary>
public enum Instruction : byte
{
    None = 0,

    /// <summary>Debits the payer at once; the payee has it when the open batch closes.</summary>
    Micropayment = 1,

    /// <summary>Final at once on both sides.</summary>
    Immediate = 2,

    /// <summary>Moves an amount from available to held, for a later capture or void.</summary>
    Hold = 3,

    /// <summary>Takes a hold once, wholly or in part; the rest is released.</summary>
    Capture = 4,

    /// <summary>Releases a hold.</summary>
    Void = 5,

    /// <summary>Gives back a refundable payment, wholly or in part.</summary>
    Refund = 6,

    /// <summary>The currency's authority credits the payee from the reserve.</summary>
    Issue = 7,

    /// <summary>The currency's authority takes from the payer into the reserve.</summary>
    Redeem = 8,

    DeclareCurrency = 128,
    DeclareParticipant = 129,
    OpenSession = 130,
    OpenWallet = 131,
    OpenAccount = 132,
    CloseWallet = 133,
    SetWalletStatus = 134,
    SetWalletTier = 135,
    SetWalletLevel = 136,
    SetWalletCountry = 137,
    SetCap = 138,
    SetFee = 139,
    SetSetting = 140,
    ActivateRules = 141,
    CloseBatch = 142,
    SettledBatch = 143,

    /// <summary>Accepts that the clock went forward by more than an hour; must stand first in its block.</summary>
    AcceptTime = 144,
    SetWalletKind = 145,

    // 146..155: the law and its governance; what each says stands in its continuation (Governance/).

    /// <summary>A payment held for review goes on, or back: signed by a device of the module that held it.</summary>
    DecideReview = 146,
    FoundModule = 147,
    RegisterDevice = 148,
    RevokeDevice = 149,
    Propose = 150,
    RecordSandbox = 151,
    Vote = 152,
    Schedule = 153,

    /// <summary>A currency's authority journals a rate or an index.</summary>
    SetParameter = 154,

    /// <summary>The node says what it built for rules that are to come: every replica compares.</summary>
    AttestPlan = 155,

    // 156..161: sessions, keys, mandates and consent; what each says stands in its continuation (ConsentPayloads).

    /// <summary>A public key speaks for a session, or for a wallet's owner.</summary>
    RegisterKey = 156,
    RevokeKey = 157,
    CloseSession = 158,

    /// <summary>Another participant's sessions may debit a wallet, or may no more.</summary>
    SetMandate = 159,

    /// <summary>How a wallet's owner consents to payments.</summary>
    SetConsent = 160,

    /// <summary>A wallet's owner has committed to a chain whose links pay.</summary>
    OpenChain = 161,
}

[Flags]
public enum PaymentFlags : byte
{
    None = 0,

    /// <summary>The id is a stream id.</summary>
    StreamId = 1,

    /// <summary>A record is kept so that the payment can be refunded.</summary>
    Refundable = 2,

    /// <summary>An issue that is the wallet's opening balance: once per wallet and currency, for ever.</summary>
    Opening = 4,

    /// <summary>Every bit that has a meaning; any other makes a payment malformed.</summary>
    Known = StreamId | Refundable | Opening,
}

/// <summary>What a payment is for, as the payer says; rules may ask for it.</summary>
public enum Purpose : byte
{
    Unstated = 0,
    Goods = 1,
    Services = 2,
    FamilySupport = 3,
    Medical = 4,
    Education = 5,
    Salary = 6,
    Investment = 7,
    Donation = 8,
    Tax = 9,

    /// <summary>The highest number in use; above it a payment is malformed.</summary>
    Last = Tax,
}

/// <summary>What the owner of a wallet is; rules may ask for it.</summary>
public enum PartyKind : byte
{
    Unstated = 0,
    Person = 1,
    Business = 2,
    Government = 3,
    FinancialInstitution = 4,
    NonProfit = 5,

    /// <summary>The highest number in use.</summary>
    Last = NonProfit,
}

public static class Instructions
{
    /// <summary>A slot with this bit set is a control command.</summary>
    public const byte ControlBit = 0x80;

    /// <summary>The lowest and the highest number of a control command.</summary>
    public const Instruction ControlFirst = Instruction.DeclareCurrency;
    public const Instruction ControlLast = Instruction.OpenChain;

    /// <summary>Whether it opens or changes a wallet: the command's subject.</summary>
    public static bool IsAboutWallet(this Instruction instruction) =>
        instruction is (>= Instruction.OpenWallet and <= Instruction.SetWalletCountry) or Instruction.SetWalletKind;

    /// <summary>Whether it is a command of governance.</summary>
    public static bool IsGovernance(this Instruction instruction) => instruction is >= Instruction.DecideReview and <= Instruction.AttestPlan;

    /// <summary>Whether it is a command about keys, sessions' ends, mandates or consent.</summary>
    public static bool IsConsent(this Instruction instruction) => instruction is >= Instruction.RegisterKey and <= Instruction.OpenChain;

    /// <summary>Whether what the command says stands in the slots behind it.</summary>
    public static bool HasContinuation(this Instruction instruction) =>
        instruction == Instruction.ActivateRules || instruction.IsGovernance() || instruction.IsConsent();

    public static bool IsControl(this Instruction instruction) => ((byte)instruction & ControlBit) != 0;
}
