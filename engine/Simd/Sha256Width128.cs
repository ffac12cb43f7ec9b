using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>Four lanes: SSSE3, better with AVX-512's rotations; NEON.</summary>
internal readonly struct Sha256Width128 : ISha256Width<Vector128<uint>>
{
    public static int LaneCount => 4;

    public static bool IsSupported => Ssse3.IsSupported || AdvSimd.Arm64.IsSupported;

    public static bool HasManyRegisters => Avx512F.VL.IsSupported || AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Broadcast(ref readonly uint word) => Vector128.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Add(Vector128<uint> left, Vector128<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Xor(Vector128<uint> first, Vector128<uint> second, Vector128<uint> third) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(first, second, third, 0x96) : first ^ second ^ third;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Choose(Vector128<uint> first, Vector128<uint> second, Vector128<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0xCA)
            : third ^ (first & (second ^ third));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Majority(Vector128<uint> first, Vector128<uint> second, Vector128<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0xE8)
            : (first & second) | (third & (first | second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> RotateRight(Vector128<uint> value, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateRight(value, bits) : (value >>> bits) | (value << (32 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ShiftRight(Vector128<uint> value, [ConstantExpected] byte bits) => value >>> bits;

    public static void LoadBlock(ref byte block, nuint strideBytes, ref Vector128<uint> words)
    {
        for (nuint quarter = 0; quarter < 4; quarter++)
        {
            ref byte row = ref Unsafe.AddByteOffset(ref block, quarter * 16);
            ref Vector128<uint> to = ref Unsafe.Add(ref words, quarter * 4);
            Interleave(
                LoadRow(ref row, 0), LoadRow(ref row, strideBytes),
                LoadRow(ref row, strideBytes * 2), LoadRow(ref row, strideBytes * 3),
                ref to);
        }
    }

    public static void StoreDigests(ref Vector128<uint> state, ref byte digests)
    {
        for (nuint half = 0; half < 2; half++)
        {
            ref Vector128<uint> from = ref Unsafe.Add(ref state, half * 4);
            Interleave(from, Unsafe.Add(ref from, 1), Unsafe.Add(ref from, 2), Unsafe.Add(ref from, 3), ref from);
            // Now vector j holds four words of lane j.
            for (nuint j = 0; j < 4; j++)
                Swap(Unsafe.Add(ref from, j)).StoreUnsafe(ref digests, (j * 32) + (half * 16));
        }
    }

    /// <summary>Transposes the 4 x 4 words of four vectors into four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(
        Vector128<uint> first, Vector128<uint> second, Vector128<uint> third, Vector128<uint> fourth, ref Vector128<uint> to)
    {
        Vector128<uint> low13 = UnpackLow(first, third), high13 = UnpackHigh(first, third);
        Vector128<uint> low24 = UnpackLow(second, fourth), high24 = UnpackHigh(second, fourth);
        to = UnpackLow(low13, low24);
        Unsafe.Add(ref to, 1) = UnpackHigh(low13, low24);
        Unsafe.Add(ref to, 2) = UnpackLow(high13, high24);
        Unsafe.Add(ref to, 3) = UnpackHigh(high13, high24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> UnpackLow(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackLow(left, right) : AdvSimd.Arm64.ZipLow(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> UnpackHigh(Vector128<uint> left, Vector128<uint> right) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(left, right) : AdvSimd.Arm64.ZipHigh(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> LoadRow(ref byte row, nuint offsetBytes) =>
        Swap(Vector128.LoadUnsafe(ref row, offsetBytes).AsUInt32()).AsUInt32();

    /// <summary>Big-endian words to native ones, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Swap(Vector128<uint> words) =>
        Vector128.Shuffle(words.AsByte(), Vector128.Create(0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul).AsByte());
}
