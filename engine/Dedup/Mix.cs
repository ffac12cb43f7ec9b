using System.Runtime.CompilerServices;

namespace Settlement.Engine.Dedup;

/// <summary>Multiply-mixing: the two halves of a 128-bit product, folded. For places in tables and for the state's sum.</summary>
internal static class Mix
{
    // The fraction of pi, 64 bits at a time: constants without a purpose of their own.
    public const ulong Pi0 = 0x243F_6A88_85A3_08D3;
    public const ulong Pi1 = 0x082E_FA98_EC4E_6C89;
    public const ulong Pi2 = 0xB8E1_AFED_6A26_7E97;
    public const ulong Pi3 = 0x9216_D5D9_8979_FB1B;
    public const ulong Pi4 = 0x3F84_D5B5_B547_0917;
    public const ulong Pi5 = 0x4528_21E6_38D0_1377;
    public const ulong Pi6 = 0xBE54_66CF_34E9_0C6C;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Fold(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}
