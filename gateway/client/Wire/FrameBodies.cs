using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Client.Wire;

// Purpose: the fixed parts of frame bodies, as gateway/PROTOCOL.md pictures them. Little-endian; reserved bytes are zero, and a server refuses others.

/// <summary>Bounds of the protocol.</summary>
public static class WireLimits
{
    /// <summary>"STLW".</summary>
    public const uint Magic = 0x574C_5453;

    /// <summary>The newest version: it has <see cref="RefusalCode.NotLeader"/>, and is version 1 in all else.</summary>
    public const ushort Version = 2;

    /// <summary>The oldest that a server still speaks.</summary>
    public const ushort VersionFirst = 1;

    /// <summary>From this version on a client is told who leads.</summary>
    public const ushort VersionOfNotLeader = 2;

    /// <summary>Payments in one frame: 8,190 x 64 B = 511.9 KiB, so that a frame with its header and body's head stays below 512 KiB.</summary>
    public const int FramePaymentsMax = 8_190;

    /// <summary>Evidence of one frame: 8,190 signatures of 64 bytes with their heads.</summary>
    public const int FrameEvidenceBytesMax = FramePaymentsMax * (EvidenceEntry.Size + NodeKey.SignatureBytes);

    /// <summary>Ids, streams or accounts that one frame may ask for.</summary>
    public const int AskedMax = 1_024;

    /// <summary>A signature of any scheme: 3,309 bytes is ML-DSA-65's, the longest.</summary>
    public const int SignatureBytesMax = 4_096;

    public const int RefusalTextBytesMax = 512;

    /// <summary>The longest body of any frame.</summary>
    public const int BodyBytesMax = 16 + (FramePaymentsMax * Payment.Size) + FrameEvidenceBytesMax;
}

/// <summary>32 bytes of chance.</summary>
[System.Runtime.CompilerServices.InlineArray(Size)]
public struct Nonce
{
    public const int Size = 32;

    private byte _first;
}

/// <remarks><code>
///  0        4    6    8                               40
///  | STLW   |from|to  | nonce                         |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct HelloBody
{
    public const int Size = 40;

    [FieldOffset(0)] public uint Magic;

    /// <summary>Lowest and highest protocol version that the client speaks.</summary>
    [FieldOffset(4)] public ushort VersionFirst;
    [FieldOffset(6)] public ushort VersionLast;
    [FieldOffset(8)] public Nonce Nonce;
}

/// <remarks><code>
///  0    2    4        8               24                              56       60       64
///  |ver |zero|payments| ledger id     | nonce                         | beat   | time   |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct ChallengeBody
{
    public const int Size = 64;

    /// <summary>The version that both speak from here on.</summary>
    [FieldOffset(0)] public ushort Version;
    [FieldOffset(2)] public ushort Reserved;

    /// <summary>Payments that one frame may carry.</summary>
    [FieldOffset(4)] public uint FramePaymentsMax;
    [FieldOffset(8)] public UInt128 LedgerId;
    [FieldOffset(24)] public Nonce Nonce;

    /// <summary>A client that has said nothing for so many milliseconds is taken for dead: it sends a ping before.</summary>
    [FieldOffset(56)] public uint SilenceMsMax;

    /// <summary>Milliseconds in which the client must have authenticated itself.</summary>
    [FieldOffset(60)] public uint AuthenticationMsMax;
}

/// <summary>How a client shows who it is.</summary>
public enum AuthenticationKind : byte
{
    None = 0,

    /// <summary>By the key of the certificate that it gave TLS: no signature follows.</summary>
    Certificate = 1,

    /// <summary>By a signature over <see cref="SessionMessage"/>, in the key's own scheme.</summary>
    Signature = 2,
}

/// <summary>The signature follows.</summary>
/// <remarks><code>
///  0    1            4        8               24
///  |kind| zero       | bytes  | key id        |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct AuthenticateBody
{
    public const int Size = 24;

    [FieldOffset(0)] public AuthenticationKind Kind;
    [FieldOffset(4)] public uint SignatureBytes;

    [FieldOffset(8)] public KeyId KeyId;
}

/// <remarks><code>
///  0    2    4 5  6   8        12       16              24              32
///  |sess|part|c|f|zero| credit | zero   | sequence      | time, ns      |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct SessionBody
{
    public const int Size = 32;

    [FieldOffset(0)] public ushort Session;
    [FieldOffset(2)] public ushort Participant;
    [FieldOffset(4)] public byte Clearance;
    [FieldOffset(5)] public SessionFlags Flags;

    /// <summary>Slots that may be under way at one time: sent and not yet answered. An answer gives its frame's slots back.</summary>
    [FieldOffset(8)] public uint Credit;

    /// <summary>The ledger's, as of this answer.</summary>
    [FieldOffset(16)] public ulong Sequence;
    [FieldOffset(24)] public ulong TimeNs;
}

/// <remarks><code>
///  0        4        8               16
///  | count  |evidence| zero          |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct PaymentsBody
{
    public const int Size = 16;

    /// <summary>Slots of 64 bytes.</summary>
    [FieldOffset(0)] public uint Count;

    /// <summary>Length of the evidence behind them (<see cref="EvidenceEntry"/>); 0 for commands.</summary>
    [FieldOffset(4)] public uint EvidenceBytes;
    [FieldOffset(8)] public ulong Reserved;
}

/// <remarks><code>
///  0        4        8               16       20       24
///  | count  | listed | first sequence| batch  |accepted|
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct VerdictsBody
{
    public const int Size = 24;

    /// <summary>Slots of the frame that is answered; so many come back as credit.</summary>
    [FieldOffset(0)] public uint Count;

    /// <summary>Entries that follow.</summary>
    [FieldOffset(4)] public uint Listed;

    /// <summary>Ledger sequence of the frame's first slot; the others follow on it without a gap.</summary>
    [FieldOffset(8)] public ulong FirstSequence;

    /// <summary>Low 32 bits of the number of the batch in which the frame's first payment was decided; 0: of a command.</summary>
    [FieldOffset(16)] public uint Batch;

    /// <summary>How many are <see cref="Verdict.Accepted"/>.</summary>
    [FieldOffset(20)] public uint Accepted;
}

/// <remarks><code>
///  0    2 3 4    6    8
///  |inde|v|f|rule|bat |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct VerdictEntry
{
    public const int Size = 8;

    /// <summary>Which of the frame's slots, from 0.</summary>
    [FieldOffset(0)] public ushort Index;
    [FieldOffset(2)] public Verdict Verdict;

    /// <summary>For repeats: the verdict given first.</summary>
    [FieldOffset(3)] public Verdict First;

    /// <summary>The rule that refused it or sent it to review; 0: none, or not for this session to know.</summary>
    [FieldOffset(4)] public ushort Rule;

    /// <summary>How many batches after the frame's first; 65,535: that or more.</summary>
    [FieldOffset(6)] public ushort BatchesLater;
}

/// <summary>Behind each entry where balances are told: as <see cref="Outcome.Available"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct BalanceEntry
{
    public const int Size = 8;

    [FieldOffset(0)] public ulong Available;
}

[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct CountBody
{
    public const int Size = 8;

    [FieldOffset(0)] public uint Count;
    [FieldOffset(4)] public uint Reserved;
}

/// <remarks><code>
///  0        4        8               16              24
///  | count  | zero   | as of sequence| time, ns      |
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct AnswersBody
{
    public const int Size = 24;

    [FieldOffset(0)] public uint Count;
    [FieldOffset(4)] public uint Reserved;

    /// <summary>The answers are of the ledger behind this sequence.</summary>
    [FieldOffset(8)] public ulong AsOfSequence;
    [FieldOffset(16)] public ulong TimeNs;
}

[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct AskedId
{
    public const int Size = 24;

    [FieldOffset(0)] public ulong IdLow;
    [FieldOffset(8)] public ulong IdHigh;

    /// <summary><see cref="PaymentFlags.StreamId"/>, or none.</summary>
    [FieldOffset(16)] public PaymentFlags Flags;
    [FieldOffset(17)] public byte Reserved1;
    [FieldOffset(18)] public ushort Reserved2;
    [FieldOffset(20)] public uint Reserved3;
}

/// <summary>What the ledger knows of an id of the asker's participant.</summary>
public enum IdKnowledge : byte
{
    None = 0,

    /// <summary>Not decided as of the answer's sequence. If what was sent is not on its way any more, it may be sent again.</summary>
    NotDecided = 1,

    /// <summary>Decided, with this verdict.</summary>
    Decided = 2,

    /// <summary>Decided, but so long ago that the verdict is no longer in memory: look it up in the statements.</summary>
    DecidedLookUp = 3,

    /// <summary>Older than what is kept: it may or may not have been decided.</summary>
    TooOldToTell = 4,
}

[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct IdAnswer
{
    public const int Size = 8;

    [FieldOffset(0)] public IdKnowledge Knowledge;
    [FieldOffset(1)] public Verdict Verdict;
    [FieldOffset(2)] public ushort Reserved1;
    [FieldOffset(4)] public uint Reserved2;
}

/// <summary>How far a stream of the asker's participant is. One that was never used: 1 and 0.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct StreamAnswer
{
    public const int Size = 24;

    [FieldOffset(0)] public ulong Stream;

    /// <summary>The lowest number that is not decided: everything below it is.</summary>
    [FieldOffset(8)] public ulong LowestMissing;

    /// <summary>The highest number that is decided; those between may or may not be.</summary>
    [FieldOffset(16)] public ulong HighestDecided;
}

[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct AskedAccount
{
    public const int Size = 16;

    [FieldOffset(0)] public ulong Wallet;

    /// <summary>ISO 4217 number.</summary>
    [FieldOffset(8)] public ushort Currency;
    [FieldOffset(10)] public ushort Reserved1;
    [FieldOffset(12)] public uint Reserved2;
}

/// <summary>A balance, or, alike, that there is none or that it is not for this session to know.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct AccountAnswer
{
    public const int Size = 40;

    [FieldOffset(0)] public ulong Wallet;
    [FieldOffset(8)] public ulong Available;
    [FieldOffset(16)] public ulong Pending;
    [FieldOffset(24)] public ulong Held;
    [FieldOffset(32)] public ushort Currency;

    /// <summary>1: it is told; 0: there is no such account, or it is another participant's, or above the session's clearance.</summary>
    [FieldOffset(34)] public byte IsKnown;
    [FieldOffset(35)] public WalletStatus Status;
    [FieldOffset(36)] public uint Reserved;
}

/// <summary>Why a frame was not taken. Numbers are stable.</summary>
public enum RefusalCode : ushort
{
    None = 0,

    /// <summary>Bytes that are no frame, or a field that has no meaning. The client corrects its program.</summary>
    Malformed = 1,

    /// <summary>No common version of the protocol.</summary>
    Version = 2,

    /// <summary>A frame, or a count in it, above its bound.</summary>
    TooLarge = 3,

    /// <summary>Anything but a hello and an authentication before there is a session; or a second one.</summary>
    OutOfOrder = 4,

    /// <summary>No such key, or it is revoked, or the signature is not its; never said which.</summary>
    NotAuthenticated = 5,

    /// <summary>Too long without an authentication, a sign of life, or the rest of a frame.</summary>
    TooSlow = 6,

    /// <summary>More under way than the credit. The frame was not taken.</summary>
    CreditExceeded = 7,

    /// <summary>The client does not take its answers.</summary>
    AnswersNotTaken = 8,

    /// <summary>The session was closed, or its key revoked, by its operator.</summary>
    SessionEnded = 9,

    /// <summary>No more connections, or sessions, now. The client tries later.</summary>
    Busy = 10,

    /// <summary>The engine has stopped: nothing is taken any more. What was not answered has an unknown outcome.</summary>
    EngineStopped = 11,

    /// <summary>The server said that it goes away, and takes no more frames. The client connects again.</summary>
    ServerEnding = 12,

    /// <summary>Another node of the cluster leads, or none does now. The client goes to the address named, or asks another node. From version 2 on.</summary>
    NotLeader = 13,
}

/// <summary>What became of the slots of the frame that a refusal names.</summary>
public enum FrameFate : byte
{
    /// <summary>It names none, or one without slots.</summary>
    None = 0,

    /// <summary>None of them was taken; they can be sent again as they are.</summary>
    NotTaken = 1,

    /// <summary>Of whatever was sent and is not answered: it may have been taken or not. The client asks how far its streams and ids are.</summary>
    Unknown = 2,
}

/// <summary>The leader's addresses follow, where it names any (<see cref="NodeAddresses"/>), and a sentence in UTF-8, up to the frame's end.</summary>
/// <remarks><code>
///  0    2 3 4    6    8
///  |code|c|f|addr|zero| addresses, so many bytes; sentence, UTF-8 …
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct RefusalBody
{
    public const int Size = 8;

    [FieldOffset(0)] public RefusalCode Code;

    /// <summary>1: the server takes nothing more on this connection, answers what it had taken, and closes; 0: it goes on.</summary>
    [FieldOffset(2)] public byte Closes;
    [FieldOffset(3)] public FrameFate Fate;

    /// <summary>Length of the addresses; 0 but with <see cref="RefusalCode.NotLeader"/>.</summary>
    [FieldOffset(4)] public ushort AddressBytes;
    [FieldOffset(6)] public ushort Reserved2;
}
