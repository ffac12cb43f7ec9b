using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Simd;

/// <summary>
/// The compression function of SHA-256 (FIPS 180-4, section 6.2.2) in every lane of a vector at once.
/// </summary>
/// <remarks>
/// Where there are 32 registers (AVX-512 at any width, NEON), the working variables and 16 words of the schedule stay in
/// them: rounds are written out by sixteen, and the schedule is extended in place between sixteens. Where there are 16 (AVX2),
/// that would spill at every step and take nearly four times as long; there the whole schedule is computed first and read
/// from memory, and rounds are written out by eight, after which the variables have their first names again.
/// </remarks>
internal static class Sha256Compression
{
    /// <summary>Words of the state.</summary>
    public const int StateWords = 8;

    /// <summary>Words of a block.</summary>
    public const int BlockWords = 16;

    public const int RoundCount = 64;

    /// <summary>FIPS 180-4, section 5.3.3.</summary>
    public static ReadOnlySpan<uint> Initial =>
        [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    /// <summary>FIPS 180-4, section 4.2.2.</summary>
    public static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    /// <summary>Takes one block of each lane, as 16 vectors of words, into the 8 vectors of state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compress<TWidth, TVector>(ref TVector state, ref TVector words)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        if (TWidth.HasManyRegisters) CompressInRegisters<TWidth, TVector>(ref state, ref words);
        else CompressInMemory<TWidth, TVector>(ref state, ref words);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CompressInRegisters<TWidth, TVector>(ref TVector state, ref TVector words)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        TVector a = state, b = Unsafe.Add(ref state, 1), c = Unsafe.Add(ref state, 2), d = Unsafe.Add(ref state, 3);
        TVector e = Unsafe.Add(ref state, 4), f = Unsafe.Add(ref state, 5);
        TVector g = Unsafe.Add(ref state, 6), h = Unsafe.Add(ref state, 7);
        TVector w0 = words, w1 = Unsafe.Add(ref words, 1), w2 = Unsafe.Add(ref words, 2);
        TVector w3 = Unsafe.Add(ref words, 3), w4 = Unsafe.Add(ref words, 4), w5 = Unsafe.Add(ref words, 5);
        TVector w6 = Unsafe.Add(ref words, 6), w7 = Unsafe.Add(ref words, 7), w8 = Unsafe.Add(ref words, 8);
        TVector w9 = Unsafe.Add(ref words, 9), w10 = Unsafe.Add(ref words, 10), w11 = Unsafe.Add(ref words, 11);
        TVector w12 = Unsafe.Add(ref words, 12), w13 = Unsafe.Add(ref words, 13), w14 = Unsafe.Add(ref words, 14);
        TVector w15 = Unsafe.Add(ref words, 15);
        ref uint k = ref MemoryMarshal.GetReference(Constants);

        for (nuint round = 0; ; round += BlockWords)
        {
            Round<TWidth, TVector>(a, b, c, ref d, e, f, g, ref h, w0, ref Unsafe.Add(ref k, round));
            Round<TWidth, TVector>(h, a, b, ref c, d, e, f, ref g, w1, ref Unsafe.Add(ref k, round + 1));
            Round<TWidth, TVector>(g, h, a, ref b, c, d, e, ref f, w2, ref Unsafe.Add(ref k, round + 2));
            Round<TWidth, TVector>(f, g, h, ref a, b, c, d, ref e, w3, ref Unsafe.Add(ref k, round + 3));
            Round<TWidth, TVector>(e, f, g, ref h, a, b, c, ref d, w4, ref Unsafe.Add(ref k, round + 4));
            Round<TWidth, TVector>(d, e, f, ref g, h, a, b, ref c, w5, ref Unsafe.Add(ref k, round + 5));
            Round<TWidth, TVector>(c, d, e, ref f, g, h, a, ref b, w6, ref Unsafe.Add(ref k, round + 6));
            Round<TWidth, TVector>(b, c, d, ref e, f, g, h, ref a, w7, ref Unsafe.Add(ref k, round + 7));
            Round<TWidth, TVector>(a, b, c, ref d, e, f, g, ref h, w8, ref Unsafe.Add(ref k, round + 8));
            Round<TWidth, TVector>(h, a, b, ref c, d, e, f, ref g, w9, ref Unsafe.Add(ref k, round + 9));
            Round<TWidth, TVector>(g, h, a, ref b, c, d, e, ref f, w10, ref Unsafe.Add(ref k, round + 10));
            Round<TWidth, TVector>(f, g, h, ref a, b, c, d, ref e, w11, ref Unsafe.Add(ref k, round + 11));
            Round<TWidth, TVector>(e, f, g, ref h, a, b, c, ref d, w12, ref Unsafe.Add(ref k, round + 12));
            Round<TWidth, TVector>(d, e, f, ref g, h, a, b, ref c, w13, ref Unsafe.Add(ref k, round + 13));
            Round<TWidth, TVector>(c, d, e, ref f, g, h, a, ref b, w14, ref Unsafe.Add(ref k, round + 14));
            Round<TWidth, TVector>(b, c, d, ref e, f, g, h, ref a, w15, ref Unsafe.Add(ref k, round + 15));
            if (round == RoundCount - BlockWords) break;

            w0 = Extend<TWidth, TVector>(w0, w1, w9, w14);
            w1 = Extend<TWidth, TVector>(w1, w2, w10, w15);
            w2 = Extend<TWidth, TVector>(w2, w3, w11, w0);
            w3 = Extend<TWidth, TVector>(w3, w4, w12, w1);
            w4 = Extend<TWidth, TVector>(w4, w5, w13, w2);
            w5 = Extend<TWidth, TVector>(w5, w6, w14, w3);
            w6 = Extend<TWidth, TVector>(w6, w7, w15, w4);
            w7 = Extend<TWidth, TVector>(w7, w8, w0, w5);
            w8 = Extend<TWidth, TVector>(w8, w9, w1, w6);
            w9 = Extend<TWidth, TVector>(w9, w10, w2, w7);
            w10 = Extend<TWidth, TVector>(w10, w11, w3, w8);
            w11 = Extend<TWidth, TVector>(w11, w12, w4, w9);
            w12 = Extend<TWidth, TVector>(w12, w13, w5, w10);
            w13 = Extend<TWidth, TVector>(w13, w14, w6, w11);
            w14 = Extend<TWidth, TVector>(w14, w15, w7, w12);
            w15 = Extend<TWidth, TVector>(w15, w0, w8, w13);
        }
        AddTo<TWidth, TVector>(ref state, a, b, c, d);
        AddTo<TWidth, TVector>(ref Unsafe.Add(ref state, 4), e, f, g, h);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    [SkipLocalsInit]
    private static void CompressInMemory<TWidth, TVector>(ref TVector state, ref TVector words)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        Unsafe.SkipInit(out Schedule<TVector> schedule);
        ref TVector w = ref schedule[0];
        for (nuint t = 0; t < BlockWords; t++) Unsafe.Add(ref w, t) = Unsafe.Add(ref words, t);
        // Two words at a time: the word two before each stays in a register.
        TVector even = Unsafe.Add(ref w, BlockWords - 2), odd = Unsafe.Add(ref w, BlockWords - 1);
        for (nuint t = BlockWords; t < RoundCount; t += 2)
        {
            ref TVector from = ref Unsafe.Add(ref w, t - BlockWords);
            even = Extend<TWidth, TVector>(from, Unsafe.Add(ref from, 1), Unsafe.Add(ref from, 9), even);
            odd = Extend<TWidth, TVector>(Unsafe.Add(ref from, 1), Unsafe.Add(ref from, 2), Unsafe.Add(ref from, 10), odd);
            Unsafe.Add(ref from, 16) = even;
            Unsafe.Add(ref from, 17) = odd;
        }

        TVector a = state, b = Unsafe.Add(ref state, 1), c = Unsafe.Add(ref state, 2), d = Unsafe.Add(ref state, 3);
        TVector e = Unsafe.Add(ref state, 4), f = Unsafe.Add(ref state, 5);
        TVector g = Unsafe.Add(ref state, 6), h = Unsafe.Add(ref state, 7);
        ref uint k = ref MemoryMarshal.GetReference(Constants);
        for (nuint round = 0; round < RoundCount; round += StateWords)
        {
            ref TVector at = ref Unsafe.Add(ref w, round);
            Round<TWidth, TVector>(a, b, c, ref d, e, f, g, ref h, at, ref Unsafe.Add(ref k, round));
            Round<TWidth, TVector>(h, a, b, ref c, d, e, f, ref g, Unsafe.Add(ref at, 1), ref Unsafe.Add(ref k, round + 1));
            Round<TWidth, TVector>(g, h, a, ref b, c, d, e, ref f, Unsafe.Add(ref at, 2), ref Unsafe.Add(ref k, round + 2));
            Round<TWidth, TVector>(f, g, h, ref a, b, c, d, ref e, Unsafe.Add(ref at, 3), ref Unsafe.Add(ref k, round + 3));
            Round<TWidth, TVector>(e, f, g, ref h, a, b, c, ref d, Unsafe.Add(ref at, 4), ref Unsafe.Add(ref k, round + 4));
            Round<TWidth, TVector>(d, e, f, ref g, h, a, b, ref c, Unsafe.Add(ref at, 5), ref Unsafe.Add(ref k, round + 5));
            Round<TWidth, TVector>(c, d, e, ref f, g, h, a, ref b, Unsafe.Add(ref at, 6), ref Unsafe.Add(ref k, round + 6));
            Round<TWidth, TVector>(b, c, d, ref e, f, g, h, ref a, Unsafe.Add(ref at, 7), ref Unsafe.Add(ref k, round + 7));
        }
        AddTo<TWidth, TVector>(ref state, a, b, c, d);
        AddTo<TWidth, TVector>(ref Unsafe.Add(ref state, 4), e, f, g, h);
    }

    /// <summary>
    /// Takes one block that is the same in all lanes, given as 64 sums of constant and schedule word: what a round adds. About
    /// half the work of <see cref="Compress"/>, for there is no schedule to extend.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void CompressShared<TWidth, TVector>(ref TVector state, ref uint sums)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        TVector a = state, b = Unsafe.Add(ref state, 1), c = Unsafe.Add(ref state, 2), d = Unsafe.Add(ref state, 3);
        TVector e = Unsafe.Add(ref state, 4), f = Unsafe.Add(ref state, 5);
        TVector g = Unsafe.Add(ref state, 6), h = Unsafe.Add(ref state, 7);
        TVector none = default;
        for (nuint round = 0; round < RoundCount; round += StateWords)
        {
            Round<TWidth, TVector>(a, b, c, ref d, e, f, g, ref h, none, ref Unsafe.Add(ref sums, round));
            Round<TWidth, TVector>(h, a, b, ref c, d, e, f, ref g, none, ref Unsafe.Add(ref sums, round + 1));
            Round<TWidth, TVector>(g, h, a, ref b, c, d, e, ref f, none, ref Unsafe.Add(ref sums, round + 2));
            Round<TWidth, TVector>(f, g, h, ref a, b, c, d, ref e, none, ref Unsafe.Add(ref sums, round + 3));
            Round<TWidth, TVector>(e, f, g, ref h, a, b, c, ref d, none, ref Unsafe.Add(ref sums, round + 4));
            Round<TWidth, TVector>(d, e, f, ref g, h, a, b, ref c, none, ref Unsafe.Add(ref sums, round + 5));
            Round<TWidth, TVector>(c, d, e, ref f, g, h, a, ref b, none, ref Unsafe.Add(ref sums, round + 6));
            Round<TWidth, TVector>(b, c, d, ref e, f, g, h, ref a, none, ref Unsafe.Add(ref sums, round + 7));
        }
        AddTo<TWidth, TVector>(ref state, a, b, c, d);
        AddTo<TWidth, TVector>(ref Unsafe.Add(ref state, 4), e, f, g, h);
    }

    /// <summary>The 64 sums of constant and schedule word for one block.</summary>
    /// <param name="block">64 bytes.</param>
    /// <param name="sums">64 words, written.</param>
    public static void SumSchedule(ReadOnlySpan<byte> block, Span<uint> sums)
    {
        for (int t = 0; t < BlockWords; t++) sums[t] = BinaryPrimitives.ReadUInt32BigEndian(block[(t * 4)..]);
        for (int t = BlockWords; t < RoundCount; t++)
        {
            uint x = sums[t - 15], y = sums[t - 2];
            uint sigma0 = uint.RotateRight(x, 7) ^ uint.RotateRight(x, 18) ^ (x >> 3);
            uint sigma1 = uint.RotateRight(y, 17) ^ uint.RotateRight(y, 19) ^ (y >> 10);
            sums[t] = unchecked(sums[t - 16] + sigma0 + sums[t - 7] + sigma1);
        }
        for (int t = 0; t < RoundCount; t++) sums[t] = unchecked(sums[t] + Constants[t]);
    }

    /// <summary>One round; afterwards d is the next e and h the next a.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round<TWidth, TVector>(
        TVector a, TVector b, TVector c, ref TVector d, TVector e, TVector f, TVector g, ref TVector h,
        TVector word, ref uint constant)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        TVector sum1 = TWidth.Xor(TWidth.RotateRight(e, 6), TWidth.RotateRight(e, 11), TWidth.RotateRight(e, 25));
        TVector sum0 = TWidth.Xor(TWidth.RotateRight(a, 2), TWidth.RotateRight(a, 13), TWidth.RotateRight(a, 22));
        // What is known before e and a of this round are comes first: the additions of the longest chain are last.
        TVector known = TWidth.Add(TWidth.Add(word, TWidth.Broadcast(ref constant)), h);
        TVector t1 = TWidth.Add(TWidth.Add(known, TWidth.Choose(e, f, g)), sum1);
        d = TWidth.Add(d, t1);
        h = TWidth.Add(TWidth.Add(t1, TWidth.Majority(a, b, c)), sum0);
    }

    /// <summary>The next word of the schedule, from those 16, 15 (x), 7 and 2 (y) before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Extend<TWidth, TVector>(TVector before16, TVector x, TVector before7, TVector y)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        TVector sigma0 = TWidth.Xor(TWidth.RotateRight(x, 7), TWidth.RotateRight(x, 18), TWidth.ShiftRight(x, 3));
        TVector sigma1 = TWidth.Xor(TWidth.RotateRight(y, 17), TWidth.RotateRight(y, 19), TWidth.ShiftRight(y, 10));
        return TWidth.Add(TWidth.Add(TWidth.Add(before16, before7), sigma0), sigma1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TWidth, TVector>(ref TVector state, TVector first, TVector second, TVector third, TVector fourth)
        where TWidth : struct, ISha256Width<TVector>
        where TVector : unmanaged
    {
        state = TWidth.Add(state, first);
        Unsafe.Add(ref state, 1) = TWidth.Add(Unsafe.Add(ref state, 1), second);
        Unsafe.Add(ref state, 2) = TWidth.Add(Unsafe.Add(ref state, 2), third);
        Unsafe.Add(ref state, 3) = TWidth.Add(Unsafe.Add(ref state, 3), fourth);
    }

    [InlineArray(RoundCount)]
    private struct Schedule<TVector>
    {
        private TVector _first;
    }
}
