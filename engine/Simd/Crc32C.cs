using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Simd;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, initial value and final inversion of all ones), as in RFC 3720.
/// </summary>
/// <remarks>
/// The processor's CRC instruction has a latency of three cycles and a throughput of one, so a single chain of it leaves two
/// thirds of the unit idle. Long spans are cut into three lanes of <see cref="LaneBytes"/> that run side by side; a CRC is
/// linear, so the lanes are joined by moving a lane's register over the zeros of the lanes behind it, which is a table
/// look-up per byte of the register.
/// </remarks>
public static class Crc32C
{
    /// <summary>Long enough that joining (8 look-ups per three lanes) costs nothing, short enough for control blocks to profit.</summary>
    private const int LaneBytes = 1024;
    private const uint Polynomial = 0x82F63B78;

    private static readonly uint[] OverOneLane = MoveOverZeros(LaneBytes);

    /// <summary>CRC of <paramref name="data"/> as a continuation of <paramref name="crc"/> (0 to begin with).</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint register = ~crc;
        while (data.Length >= 3 * LaneBytes)
        {
            register = ThreeLanes(register, data);
            data = data[(3 * LaneBytes)..];
        }
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (ulong word in words)
            register = BitOperations.Crc32C(register, word);
        foreach (byte single in data[(words.Length * sizeof(ulong))..])
            register = BitOperations.Crc32C(register, single);
        return ~register;
    }

    private static uint ThreeLanes(uint register, ReadOnlySpan<byte> data)
    {
        const int words = LaneBytes / sizeof(ulong);
        ref ulong first = ref Unsafe.As<byte, ulong>(ref MemoryMarshal.GetReference(data));
        ref ulong second = ref Unsafe.Add(ref first, words);
        ref ulong third = ref Unsafe.Add(ref second, words);
        uint a = register, b = 0, c = 0;
        for (int i = 0; i < words; i++)
        {
            a = BitOperations.Crc32C(a, Unsafe.Add(ref first, i));
            b = BitOperations.Crc32C(b, Unsafe.Add(ref second, i));
            c = BitOperations.Crc32C(c, Unsafe.Add(ref third, i));
        }
        return Move(Move(a) ^ b) ^ c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Move(uint register)
    {
        uint[] table = OverOneLane;
        return table[register & 0xFF]
            ^ table[256 + ((register >> 8) & 0xFF)]
            ^ table[512 + ((register >> 16) & 0xFF)]
            ^ table[768 + (register >> 24)];
    }

    /// <summary>What each byte value in each of the register's four places becomes after that many zero bytes.</summary>
    private static uint[] MoveOverZeros(int bytes)
    {
        Span<uint> bits = stackalloc uint[32];
        for (int bit = 0; bit < 32; bit++)
        {
            uint register = 1u << bit;
            for (int step = 0; step < bytes * 8; step++)
                register = (register >> 1) ^ ((register & 1) * Polynomial);
            bits[bit] = register;
        }
        uint[] table = new uint[4 * 256];
        for (int place = 0; place < 4; place++)
        {
            for (int value = 0; value < 256; value++)
            {
                uint moved = 0;
                for (int bit = 0; bit < 8; bit++)
                    moved ^= (uint)((value >> bit) & 1) * bits[(place * 8) + bit];
                table[(place * 256) + value] = moved;
            }
        }
        return table;
    }
}
