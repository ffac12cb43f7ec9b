using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Settlement.Engine.Simd;

/// <summary>
/// A 32-bit hash of eight 64-bit words, four lanes at a time: not against forgery, but equal on every platform.
/// </summary>
/// <remarks>
/// Each word is masked, mixed with a constant of its own, multiplied and folded; the two halves are added lane by lane, each
/// lane multiplied by another odd constant, the lanes added and mixed once more. Addition and multiplication wrap at 64 bits
/// in vectors as in scalars, so the twin in the tests is eight lines of plain arithmetic.
/// </remarks>
public static class WordHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;
    private const ulong Finisher = 0xBF58_476D_1CE4_E5B9;

    /// <param name="words">The first of eight.</param>
    /// <param name="lastMask">The bits of the last word that count.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Of(ref ulong words, ulong lastMask)
    {
        // The fraction of pi: constants without a purpose of their own.
        Vector256<ulong> first = Vector256.LoadUnsafe(ref words) ^ Vector256.Create(
            0x243F_6A88_85A3_08D3UL, 0x1319_8A2E_0370_7344UL, 0xA409_3822_299F_31D0UL, 0x082E_FA98_EC4E_6C89UL);
        Vector256<ulong> second = (Vector256.LoadUnsafe(ref words, 4)
                & Vector256.Create(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, lastMask))
            ^ Vector256.Create(
                0x4528_21E6_38D0_1377UL, 0xBE54_66CF_34E9_0C6CUL, 0xC0AC_29B7_C97C_50DDUL, 0x3F84_D5B5_B547_0917UL);
        first *= Vector256.Create(Multiplier);
        second *= Vector256.Create(Multiplier);
        first ^= Vector256.ShiftRightLogical(first, 32);
        second ^= Vector256.ShiftRightLogical(second, 29);
        ulong all = Vector256.Sum((first + second) * Vector256.Create(
            0x9216_D5D9_8979_FB1BUL, 0xD131_0BA6_98DF_B5ADUL, 0x2FFD_72DB_D01A_DFB7UL, 0xB8E1_AFED_6A26_7E97UL));
        all ^= all >> 32;
        all *= Finisher;
        return (uint)(all >> 32);
    }
}
