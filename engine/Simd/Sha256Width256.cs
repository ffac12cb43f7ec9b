using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>Eight lanes: AVX2, better where AVX-512 brings its rotations to 256 bits.</summary>
internal readonly struct Sha256Width256 : ISha256Width<Vector256<uint>>
{
    public static int LaneCount => 8;

    public static bool IsSupported => Avx2.IsSupported;

    public static bool HasManyRegisters => Avx512F.VL.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Broadcast(ref readonly uint word) => Vector256.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Add(Vector256<uint> left, Vector256<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Xor(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.TernaryLogic(first, second, third, 0x96) : first ^ second ^ third;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Choose(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0xCA)
            : third ^ (first & (second ^ third));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Majority(Vector256<uint> first, Vector256<uint> second, Vector256<uint> third) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.TernaryLogic(first, second, third, 0xE8)
            : (first & second) | (third & (first | second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> RotateRight(Vector256<uint> value, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateRight(value, bits) : (value >>> bits) | (value << (32 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ShiftRight(Vector256<uint> value, [ConstantExpected] byte bits) => value >>> bits;

    public static void LoadBlock(ref byte block, nuint strideBytes, ref Vector256<uint> words)
    {
        for (nuint half = 0; half < 2; half++)
        {
            ref Vector256<uint> to = ref Unsafe.Add(ref words, half * 8);
            // Four lanes at a time. After the interleaving, half c of vector 4q + j holds word 4c + j of lanes 4q..4q+3.
            for (nuint group = 0; group < 8; group += 4)
            {
                ref byte row = ref Unsafe.AddByteOffset(ref block, (group * strideBytes) + (half * 32));
                ref Vector256<uint> rows = ref Unsafe.Add(ref to, group);
                Interleave(
                    LoadRow(ref row, 0), LoadRow(ref row, strideBytes),
                    LoadRow(ref row, strideBytes * 2), LoadRow(ref row, strideBytes * 3),
                    ref rows);
            }
            // Exchanging the inner halves puts word 4c + j of all eight lanes into vector 4c + j.
            for (nuint j = 0; j < 4; j++)
            {
                ref Vector256<uint> a = ref Unsafe.Add(ref to, j);
                ref Vector256<uint> b = ref Unsafe.Add(ref to, j + 4);
                (a, b) = (Avx2.Permute2x128(a, b, 0x20), Avx2.Permute2x128(a, b, 0x31));
            }
        }
    }

    public static void StoreDigests(ref Vector256<uint> state, ref byte digests)
    {
        for (nuint half = 0; half < 2; half++)
        {
            ref Vector256<uint> from = ref Unsafe.Add(ref state, half * 4);
            Interleave(from, Unsafe.Add(ref from, 1), Unsafe.Add(ref from, 2), Unsafe.Add(ref from, 3), ref from);
            // Now half c of vector j holds four words of lane 4c + j.
            for (nuint j = 0; j < 4; j++)
            {
                Vector256<byte> words = Swap(Unsafe.Add(ref from, j));
                ref byte to = ref Unsafe.AddByteOffset(ref digests, (j * 32) + (half * 16));
                words.GetLower().StoreUnsafe(ref to);
                words.GetUpper().StoreUnsafe(ref to, 4 * 32);
            }
        }
    }

    /// <summary>Transposes the 4 x 4 words inside each half of four vectors into four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(
        Vector256<uint> first, Vector256<uint> second, Vector256<uint> third, Vector256<uint> fourth, ref Vector256<uint> to)
    {
        Vector256<ulong> low12 = Avx2.UnpackLow(first, second).AsUInt64();
        Vector256<ulong> low34 = Avx2.UnpackLow(third, fourth).AsUInt64();
        Vector256<ulong> high12 = Avx2.UnpackHigh(first, second).AsUInt64();
        Vector256<ulong> high34 = Avx2.UnpackHigh(third, fourth).AsUInt64();
        to = Avx2.UnpackLow(low12, low34).AsUInt32();
        Unsafe.Add(ref to, 1) = Avx2.UnpackHigh(low12, low34).AsUInt32();
        Unsafe.Add(ref to, 2) = Avx2.UnpackLow(high12, high34).AsUInt32();
        Unsafe.Add(ref to, 3) = Avx2.UnpackHigh(high12, high34).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> LoadRow(ref byte row, nuint offsetBytes) =>
        Swap(Vector256.LoadUnsafe(ref row, offsetBytes).AsUInt32()).AsUInt32();

    /// <summary>Big-endian words to native ones, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Swap(Vector256<uint> words) =>
        Avx2.Shuffle(words.AsByte(), Vector256.Create(
            0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul, 0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul).AsByte());
}
