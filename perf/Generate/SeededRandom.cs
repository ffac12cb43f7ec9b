using System.Numerics;
using System.Runtime.CompilerServices;

namespace Settlement.Perf.Generate;

/// <summary>
/// Numbers that are the same for one seed on every machine and every runtime, for ever: generated files are compared byte
/// by byte. xoshiro256** (Blackman, Vigna 2018), its state filled by splitmix64; System.Random promises no such thing.
/// </summary>
public struct SeededRandom
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    public SeededRandom(ulong seed)
    {
        _s0 = Mix(seed += Golden);
        _s1 = Mix(seed += Golden);
        _s2 = Mix(seed += Golden);
        _s3 = Mix(seed + Golden);
    }

    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, bound), without bias (Lemire 2019: multiply, and draw again in the rare short interval).</summary>
    /// <param name="bound">At least 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Below(ulong bound)
    {
        ulong high = Math.BigMul(Next(), bound, out ulong low);
        return low >= bound ? high : BelowNearEdge(bound, high, low);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong BelowNearEdge(ulong bound, ulong high, ulong low)
    {
        ulong edge = (0 - bound) % bound;
        while (low < edge)
            high = Math.BigMul(Next(), bound, out low);
        return high;
    }

    /// <summary>One of 2^octaves - 1 values from 1, every octave [2^j, 2^(j+1)) as likely as the next: many small, few large.</summary>
    public ulong Octaves(int octaves)
    {
        ulong floor = 1UL << (int)Below((ulong)octaves);
        return floor + Below(floor);
    }

    /// <summary>A hash of one number: what belongs to wallet i is computed from i, never stored.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
