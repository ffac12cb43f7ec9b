using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Dedup;

/// <summary>
/// 32 bits that stand for a payment's body: equal bodies have equal ones, different bodies differ but for once in 2^32.
/// </summary>
/// <remarks>
/// Purpose: tells a repeat from a second use of the same id, without keeping 64 bytes a payment. The session field is left
/// out, so that a client may repeat over another session.
/// <para>
/// A multiply-mix over the eight words: each pair is multiplied to 128 bits and both halves are kept. 64-bit integer
/// arithmetic alone, so it is the same on every platform. XxHash3 costs twice to four times as much on so short an input
/// (`perf dedup` prints both).
/// </para>
/// Failure assumed: who crafts two bodies with one fingerprint is told "duplicate" where "conflict" were right, on an id of
/// his own: the first payment stands either way.
/// </remarks>
public static class Fingerprint
{
    /// <summary>All of the last word but the session, which is its two highest bytes.</summary>
    private const ulong SessionCleared = 0x0000_FFFF_FFFF_FFFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(in Payment payment)
    {
        ref ulong words = ref Unsafe.As<Payment, ulong>(ref Unsafe.AsRef(in payment));
        ulong first = Mix.Fold(words ^ Mix.Pi0, Unsafe.Add(ref words, 1) ^ Mix.Pi1);
        ulong second = Mix.Fold(Unsafe.Add(ref words, 2) ^ Mix.Pi2, Unsafe.Add(ref words, 3) ^ Mix.Pi3);
        ulong third = Mix.Fold(Unsafe.Add(ref words, 4) ^ Mix.Pi4, Unsafe.Add(ref words, 5) ^ Mix.Pi5);
        ulong fourth = Mix.Fold(Unsafe.Add(ref words, 6) ^ Mix.Pi6, (Unsafe.Add(ref words, 7) & SessionCleared) ^ Mix.Pi7);
        ulong all = Mix.Fold((first ^ third) + Mix.Pi0, (second + fourth) ^ Mix.Pi1);
        return (uint)(all ^ (all >> 32));
    }
}

/// <summary>Multiply-mixing: the two halves of a 128-bit product, folded. Shared by fingerprints, tables and the state's sum.</summary>
internal static class Mix
{
    // The fraction of pi, 64 bits at a time: constants without a purpose of their own.
    public const ulong Pi0 = 0x243F_6A88_85A3_08D3;
    public const ulong Pi1 = 0x1319_8A2E_0370_7344;
    public const ulong Pi2 = 0xA409_3822_299F_31D0;
    public const ulong Pi3 = 0x082E_FA98_EC4E_6C89;
    public const ulong Pi4 = 0x4528_21E6_38D0_1377;
    public const ulong Pi5 = 0xBE54_66CF_34E9_0C6C;
    public const ulong Pi6 = 0xC0AC_29B7_C97C_50DD;
    public const ulong Pi7 = 0x3F84_D5B5_B547_0917;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Fold(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}
