using System.Numerics;

namespace Settlement.Perf.Generate;

/// <summary>
/// Draws ranks 1 to Count with probability proportional to 1/rank (Zipf's law with exponent 1), exactly, in integers and
/// in no memory.
/// </summary>
/// <remarks>
/// By rejection over octaves. The envelope gives every rank of the octave [2^j, 2^(j+1)) the weight 2^-j, so every octave weighs
/// the same, 2^j * 2^-j = 1: an octave is drawn uniformly, then a rank k uniformly inside it. It is kept with probability (1/k) / 2^-j
/// = 2^j / k: when a number uniform in [0, k) lies below 2^j. Ranks above Count are drawn again. About ln 2 = 69% of the draws are
/// kept, whatever the count (less where the last octave is cut short, never under half of that).
/// </remarks>
public readonly struct ZipfRank
{
    private readonly ulong _octaves;

    /// <param name="count">Ranks, 1 to 2^62.</param>
    public ZipfRank(ulong count)
    {
        ArgumentOutOfRangeException.ThrowIfZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 1UL << 62);
        Count = count;
        _octaves = (ulong)BitOperations.Log2(count) + 1;
    }

    public ulong Count { get; }

    public ulong Next(ref SeededRandom random)
    {
        while (true)
        {
            ulong floor = 1UL << (int)random.Below(_octaves);
            ulong rank = floor + random.Below(floor);
            if (rank <= Count && random.Below(rank) < floor)
                return rank;
        }
    }
}
