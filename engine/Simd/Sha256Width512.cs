using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>Sixteen lanes: AVX-512.</summary>
internal readonly struct Sha256Width512 : ISha256Width<Vector512<uint>>
{
    public static int LaneCount => 16;

    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

    public static bool HasManyRegisters => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Broadcast(ref readonly uint word) => Vector512.Create(word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Add(Vector512<uint> left, Vector512<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Xor(Vector512<uint> first, Vector512<uint> second, Vector512<uint> third) =>
        Avx512F.TernaryLogic(first, second, third, 0x96);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Choose(Vector512<uint> first, Vector512<uint> second, Vector512<uint> third) =>
        Avx512F.TernaryLogic(first, second, third, 0xCA);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Majority(Vector512<uint> first, Vector512<uint> second, Vector512<uint> third) =>
        Avx512F.TernaryLogic(first, second, third, 0xE8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> RotateRight(Vector512<uint> value, [ConstantExpected] byte bits) =>
        Avx512F.RotateRight(value, bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight(Vector512<uint> value, [ConstantExpected] byte bits) => value >>> bits;

    public static void LoadBlock(ref byte block, nuint strideBytes, ref Vector512<uint> words)
    {
        // Four lanes at a time. After the interleaving, quarter c of vector 4q + j holds word 4c + j of lanes 4q..4q+3.
        for (nuint group = 0; group < 16; group += 4)
        {
            ref byte row = ref Unsafe.AddByteOffset(ref block, group * strideBytes);
            ref Vector512<uint> to = ref Unsafe.Add(ref words, group);
            Interleave(
                LoadRow(ref row, 0), LoadRow(ref row, strideBytes),
                LoadRow(ref row, strideBytes * 2), LoadRow(ref row, strideBytes * 3),
                ref to);
        }
        // Exchanging quarter c of vector q with quarter q of vector c puts word 4c + j of all sixteen lanes into vector 4c + j.
        for (nuint j = 0; j < 4; j++)
        {
            ref Vector512<uint> a = ref Unsafe.Add(ref words, j);
            ref Vector512<uint> b = ref Unsafe.Add(ref words, j + 4);
            ref Vector512<uint> c = ref Unsafe.Add(ref words, j + 8);
            ref Vector512<uint> d = ref Unsafe.Add(ref words, j + 12);
            Vector512<uint> ab01 = Avx512F.Shuffle4x128(a, b, 0x44), ab23 = Avx512F.Shuffle4x128(a, b, 0xEE);
            Vector512<uint> cd01 = Avx512F.Shuffle4x128(c, d, 0x44), cd23 = Avx512F.Shuffle4x128(c, d, 0xEE);
            a = Avx512F.Shuffle4x128(ab01, cd01, 0x88);
            b = Avx512F.Shuffle4x128(ab01, cd01, 0xDD);
            c = Avx512F.Shuffle4x128(ab23, cd23, 0x88);
            d = Avx512F.Shuffle4x128(ab23, cd23, 0xDD);
        }
    }

    public static void StoreDigests(ref Vector512<uint> state, ref byte digests)
    {
        for (nuint half = 0; half < 2; half++)
        {
            ref Vector512<uint> from = ref Unsafe.Add(ref state, half * 4);
            Interleave(from, Unsafe.Add(ref from, 1), Unsafe.Add(ref from, 2), Unsafe.Add(ref from, 3), ref from);
            // Now quarter c of vector j holds four words of lane 4c + j.
            for (nuint j = 0; j < 4; j++)
            {
                Vector512<byte> words = Swap(Unsafe.Add(ref from, j));
                ref byte to = ref Unsafe.AddByteOffset(ref digests, (j * 32) + (half * 16));
                Avx512F.ExtractVector128(words, 0).StoreUnsafe(ref to);
                Avx512F.ExtractVector128(words, 1).StoreUnsafe(ref to, 4 * 32);
                Avx512F.ExtractVector128(words, 2).StoreUnsafe(ref to, 8 * 32);
                Avx512F.ExtractVector128(words, 3).StoreUnsafe(ref to, 12 * 32);
            }
        }
    }

    /// <summary>Transposes the 4 x 4 words inside each quarter of four vectors into four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(
        Vector512<uint> first, Vector512<uint> second, Vector512<uint> third, Vector512<uint> fourth, ref Vector512<uint> to)
    {
        Vector512<ulong> low12 = Avx512F.UnpackLow(first, second).AsUInt64();
        Vector512<ulong> low34 = Avx512F.UnpackLow(third, fourth).AsUInt64();
        Vector512<ulong> high12 = Avx512F.UnpackHigh(first, second).AsUInt64();
        Vector512<ulong> high34 = Avx512F.UnpackHigh(third, fourth).AsUInt64();
        to = Avx512F.UnpackLow(low12, low34).AsUInt32();
        Unsafe.Add(ref to, 1) = Avx512F.UnpackHigh(low12, low34).AsUInt32();
        Unsafe.Add(ref to, 2) = Avx512F.UnpackLow(high12, high34).AsUInt32();
        Unsafe.Add(ref to, 3) = Avx512F.UnpackHigh(high12, high34).AsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> LoadRow(ref byte row, nuint offsetBytes) =>
        Swap(Vector512.LoadUnsafe(ref row, offsetBytes).AsUInt32()).AsUInt32();

    /// <summary>Big-endian words to native ones, and back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Swap(Vector512<uint> words) =>
        Avx512BW.Shuffle(words.AsByte(), Vector512.Create(
            0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul, 0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul,
            0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul, 0x0405_0607_0001_0203ul, 0x0C0D_0E0F_0809_0A0Bul).AsByte());
}
