using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Export.Iso;

[Flags]
internal enum MovementMarks : byte
{
    None = 0,

    /// <summary>Into the account.</summary>
    Credit = 1,

    /// <summary>Available only when its batch closes.</summary>
    Pends = 2,
    StreamId = 4,
    Opening = 8,
}

/// <summary>One change of an account's booked balance: 88 bytes, as they lie in the sort's file.</summary>
/// <remarks>
/// Of a wallet's account, <see cref="Instruction"/> is the payment's. Of a participant's settlement account it is the command's that moves it:
/// CloseBatch brings the net position of the batch, SettledBatch takes it away; the fee inside a net position stands in the fields of the target.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct Movement
{
    public const int Size = 88;

    [FieldOffset(0)] public ulong Sequence;
    [FieldOffset(8)] public ulong TimeNs;

    /// <summary>In the smallest unit of the ledger. A wallet's fits 64 bits; a participant's net position may not.</summary>
    [FieldOffset(16)] public UInt128 Amount;

    /// <summary>The other wallet; 0: the reserve, or the settlement agent.</summary>
    [FieldOffset(32)] public ulong Counterparty;
    [FieldOffset(40)] public ulong IdLow;
    [FieldOffset(48)] public ulong IdHigh;

    /// <summary>The client's reference, or the low half of the target's id.</summary>
    [FieldOffset(56)] public ulong Reference;

    /// <summary>High half of the target's id.</summary>
    [FieldOffset(64)] public ulong TargetHigh;

    /// <summary>Whose it is, from 1: the account's row, or the currency's index.</summary>
    [FieldOffset(72)] public int Account;

    /// <summary>Low 32 bits of the batch's number.</summary>
    [FieldOffset(76)] public uint Batch;
    [FieldOffset(80)] public ushort CounterpartyParticipant;
    [FieldOffset(82)] public Instruction Instruction;
    [FieldOffset(83)] public MovementMarks Marks;
    [FieldOffset(84)] public Purpose Purpose;

    public readonly bool IsCredit => (Marks & MovementMarks.Credit) != 0;

    public readonly bool Has(MovementMarks mark) => (Marks & mark) != 0;

    public readonly UInt128 Target => new(TargetHigh, Reference);

    /// <summary>The batch's number, given one that is not before it and less than 2^32 ahead.</summary>
    public readonly ulong BatchUpTo(ulong later) => later - ((uint)later - Batch);
}
