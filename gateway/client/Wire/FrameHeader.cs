using System.Runtime.InteropServices;

namespace Settlement.Client.Wire;

/// <summary>What a frame is. Below 128: from a client; from 128: from a server. Numbers are stable.</summary>
public enum FrameKind : byte
{
    None = 0,

    /// <summary>The first of a connection: <see cref="HelloBody"/>.</summary>
    Hello = 1,

    /// <summary>Who the client is: <see cref="AuthenticateBody"/> and its signature.</summary>
    Authenticate = 2,

    /// <summary>Payments: <see cref="PaymentsBody"/>, then so many payments, then their evidence.</summary>
    Payments = 3,

    /// <summary>Control commands with their continuations, never parted: laid out as payments, without evidence.</summary>
    Commands = 4,

    /// <summary>What became of ids: <see cref="CountBody"/>, then so many <see cref="AskedId"/>.</summary>
    AskIds = 5,

    /// <summary>How far streams are: <see cref="CountBody"/>, then so many names of 8 bytes.</summary>
    AskStreams = 6,

    /// <summary>Balances: <see cref="CountBody"/>, then so many <see cref="AskedAccount"/>.</summary>
    AskAccounts = 7,

    /// <summary>Nothing but a sign of life; answered by <see cref="Pong"/>.</summary>
    Ping = 8,

    /// <summary>The client sends no more: what it sent is answered, then the server closes.</summary>
    Bye = 9,

    /// <summary>Answers <see cref="Hello"/>: <see cref="ChallengeBody"/>.</summary>
    Challenge = 128,

    /// <summary>Answers <see cref="Authenticate"/>: <see cref="SessionBody"/>.</summary>
    Session = 129,

    /// <summary>Answers <see cref="Payments"/> and <see cref="Commands"/>: <see cref="VerdictsBody"/>, then what it lists.</summary>
    Verdicts = 130,

    /// <summary>Answers <see cref="AskIds"/>: <see cref="AnswersBody"/>, then so many <see cref="IdAnswer"/>.</summary>
    Ids = 131,

    /// <summary>Answers <see cref="AskStreams"/>: <see cref="AnswersBody"/>, then so many <see cref="StreamAnswer"/>.</summary>
    Streams = 132,

    /// <summary>Answers <see cref="AskAccounts"/>: <see cref="AnswersBody"/>, then so many <see cref="AccountAnswer"/>.</summary>
    Accounts = 133,

    Pong = 134,

    /// <summary>A frame was not taken: <see cref="RefusalBody"/>, then a sentence in UTF-8.</summary>
    Refusal = 135,

    /// <summary>The server ends soon: the client finishes what it waits for and connects again. No body.</summary>
    GoingAway = 136,
}

[Flags]
public enum FrameFlags : byte
{
    None = 0,

    /// <summary>Payments: list every payment's verdict, not only those that are not plainly accepted.</summary>
    ListAll = 1,

    /// <summary>Payments: tell balances, so entries are <see cref="VerdictEntry"/> with <see cref="BalanceEntry"/> behind each. Verdicts: they are.</summary>
    Balances = 2,

    /// <summary>Every bit that has a meaning.</summary>
    Known = ListAll | Balances,
}

/// <summary>The 16 bytes before every frame's body, little-endian.</summary>
/// <remarks>
/// <code>
///  0        4    5    6       8               16
///  | bytes  |kind|flag| zero  | number        |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct FrameHeader
{
    public const int Size = 16;

    /// <summary>Length of the body behind this header.</summary>
    [FieldOffset(0)] public uint Bytes;
    [FieldOffset(4)] public FrameKind Kind;
    [FieldOffset(5)] public FrameFlags Flags;
    [FieldOffset(6)] public ushort Reserved;

    /// <summary>The client's own, rising by any step from frame to frame; an answer has the number of what it answers. 0 where a server speaks unasked.</summary>
    [FieldOffset(8)] public ulong Number;
}
