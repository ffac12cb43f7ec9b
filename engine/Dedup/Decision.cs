using System.Buffers;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>What is kept with an id: 16 bytes, in the table, in the store and in a snapshot alike.</summary>
/// <remarks>
/// <code>
///  0               8               12      14  15  16
///  | sequence      | fingerprint   | partic| vd| 0 |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct Decision
{
    public const int Size = 16;

    /// <summary>The sequence at which it was decided; the id counts only for payments behind it.</summary>
    [FieldOffset(0)] public ulong Sequence;

    /// <summary><see cref="Dedup.Fingerprint"/> of the body.</summary>
    [FieldOffset(8)] public uint Fingerprint;

    /// <summary>Whose id it is.</summary>
    [FieldOffset(12)] public ushort Participant;

    /// <summary><see cref="Verdict.Undecided"/> between judgement and decision of one chunk.</summary>
    [FieldOffset(14)] public Verdict Verdict;
}

/// <summary>A kept id in memory: 32 bytes, two a cache line.</summary>
/// <remarks>
/// <code>
///  0               8               16                              32
///  | id, low half  | id, high half | decision                      |
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct IdEntry
{
    public const int Size = 32;

    [FieldOffset(0)] public ulong IdLow;
    [FieldOffset(8)] public ulong IdHigh;
    [FieldOffset(16)] public Decision Decision;
}

/// <summary>An id as the store knows it: scoped by participant, with the upper part of its seeded hash. 24 bytes.</summary>
/// <remarks>
/// <code>
///  0               8               16      18              24
///  | id, low half  | id, high half | partic| hash, upper 48|
/// </code>
/// The hash follows from id and participant, so keys are equal exactly if their bytes are.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct IdKey
{
    public const int Size = 24;

    [FieldOffset(0)] public ulong IdLow;
    [FieldOffset(8)] public ulong IdHigh;
    [FieldOffset(16)] public ulong HashAndParticipant;

    public IdKey(ulong idLow, ulong idHigh, ushort participant, ulong hash)
    {
        IdLow = idLow;
        IdHigh = idHigh;
        HashAndParticipant = (hash & ~0xFFFFUL) | participant;
    }
}

/// <summary>The kinds of id that are kept one by one; they are forgotten by different clocks.</summary>
public enum IdKind
{
    /// <summary>Forgotten by its own timestamp.</summary>
    UuidV7 = 0,

    /// <summary>Forgotten by the hour in which it was decided.</summary>
    Other = 1,
}

/// <summary>Where an id's bits say what it is.</summary>
internal static class IdKinds
{
    /// <summary>The last millisecond that 64 bits of nanoseconds can name, in the year 2554.</summary>
    public const ulong MillisecondLast = ulong.MaxValue / NsPerMillisecond;
    public const ulong NsPerMillisecond = 1_000_000;

    /// <summary>Version bits 7, variant bits 10 (RFC 9562).</summary>
    public static bool IsUuidV7(ulong idHigh, ulong idLow) => (idHigh & 0xF000) == 0x7000 && idLow >> 62 == 2;

    /// <summary>Milliseconds since the Unix epoch, 48 bits.</summary>
    public static ulong TimestampMilliseconds(ulong idHigh) => idHigh >> 16;

    /// <summary>For ids that were accepted into memory: their timestamps are below <see cref="MillisecondLast"/>.</summary>
    public static ulong TimestampHour(ulong idHigh) => TimestampMilliseconds(idHigh) * NsPerMillisecond / Limits.NsPerHour;
}

/// <summary>The verdicts that can be kept with an id: a payment was decided so, and its id is used up.</summary>
internal static class KeptVerdicts
{
    private static readonly SearchValues<byte> s_numbers = SearchValues.Create(
    [
        .. from verdict in Enum.GetValues<Verdict>()
           where verdict is Verdict.Accepted or Verdict.UnderReview or (> Verdict.IdConflict and < Verdict.AwaitingQuorum)
           select (byte)verdict,
    ]);

    public static bool Have(Verdict verdict) => s_numbers.Contains((byte)verdict);

    public static bool HaveAll(ReadOnlySpan<Verdict> verdicts) => !MemoryMarshal.AsBytes(verdicts).ContainsAnyExcept(s_numbers);
}
