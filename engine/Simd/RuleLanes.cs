using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>A set of bytes as two tables of 16: bit h of entry l says whether byte h * 16 + l is in it (High: from 128
/// on).</summary>
internal readonly record struct NibbleSet(Vector128<byte> Low, Vector128<byte> High);

/// <summary>
/// Purpose: the comparisons of a rule program on 64 payments at a time; bit i of an answer is payment i. One implementation
/// a vector width, and a scalar one that says what they mean.
/// Failure assumed: each reads 64 entries from its reference on; the caller has made sure they are there.
/// </summary>
internal interface IRuleLanes
{
    /// <summary>low &lt;= x &lt;= low + span.</summary>
    static abstract ulong InRange(ref readonly byte source, byte low, byte span);

    static abstract ulong InSet(ref readonly byte source, in NibbleSet set);

    static abstract ulong AtLeast(ref readonly ulong source, ulong constant);

    /// <summary>How many steps the amount is above: at most 248 steps, a multiple of 8.</summary>
    static abstract byte CountBelow(ReadOnlySpan<ulong> steps, ulong amount);
}

/// <summary>One payment after the other: for the rest of a chunk below 64, and where there are no vectors.</summary>
internal readonly struct RuleLanes1 : IRuleLanes
{
    public static ulong InRange(ref readonly byte source, byte low, byte span) =>
        InRange(MemoryMarshal.CreateReadOnlySpan(in source, 64), low, span);

    public static ulong InSet(ref readonly byte source, in NibbleSet set) =>
        InSet(MemoryMarshal.CreateReadOnlySpan(in source, 64), set);

    public static ulong AtLeast(ref readonly ulong source, ulong constant) =>
        AtLeast(MemoryMarshal.CreateReadOnlySpan(in source, 64), constant);

    public static ulong InRange(ReadOnlySpan<byte> source, byte low, byte span)
    {
        ulong bits = 0;
        for (int i = 0; i < source.Length; i++)
            bits |= (byte)(source[i] - low) <= span ? 1UL << i : 0;
        return bits;
    }

    public static ulong InSet(ReadOnlySpan<byte> source, in NibbleSet set)
    {
        ulong bits = 0;
        for (int i = 0; i < source.Length; i++)
        {
            int high = source[i] >> 4;
            int table = (high < 8 ? set.Low : set.High)[source[i] & 15];
            bits |= (ulong)(table >> (high & 7) & 1) << i;
        }
        return bits;
    }

    public static ulong AtLeast(ReadOnlySpan<ulong> source, ulong constant)
    {
        ulong bits = 0;
        for (int i = 0; i < source.Length; i++)
            bits |= source[i] >= constant ? 1UL << i : 0;
        return bits;
    }

    public static byte CountBelow(ReadOnlySpan<ulong> steps, ulong amount)
    {
        int count = 0;
        foreach (ulong step in steps)
            count += amount > step ? 1 : 0;
        return (byte)count;
    }
}

internal readonly struct RuleLanes128 : IRuleLanes
{
    // Entry h: the bit that a byte with high nibble h has in the low table, in the high table.
    internal static readonly Vector128<byte> LowBits =
        Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);
    internal static readonly Vector128<byte> HighBits =
        Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128);

    public static ulong InRange(ref readonly byte source, byte low, byte span)
    {
        Vector128<byte> lows = Vector128.Create(low), spans = Vector128.Create(span);
        ulong bits = 0;
        for (int i = 0; i < 64; i += 16)
        {
            Vector128<byte> x = Vector128.LoadUnsafe(in source, (nuint)i) - lows;
            bits |= (ulong)Vector128.LessThanOrEqual(x, spans).ExtractMostSignificantBits() << i;
        }
        return bits;
    }

    public static ulong InSet(ref readonly byte source, in NibbleSet set)
    {
        ulong bits = 0;
        for (int i = 0; i < 64; i += 16)
        {
            Vector128<byte> x = Vector128.LoadUnsafe(in source, (nuint)i);
            Vector128<byte> low = x & Vector128.Create((byte)15);
            Vector128<byte> high = Vector128.ShiftRightLogical(x, 4);
            Vector128<byte> hit = (Vector128.Shuffle(set.Low, low) & Vector128.Shuffle(LowBits, high)) |
                (Vector128.Shuffle(set.High, low) & Vector128.Shuffle(HighBits, high));
            bits |= (ulong)(~Vector128.Equals(hit, Vector128<byte>.Zero)).ExtractMostSignificantBits() << i;
        }
        return bits;
    }

    public static byte CountBelow(ReadOnlySpan<ulong> steps, ulong amount)
    {
        ref readonly ulong first = ref MemoryMarshal.GetReference(steps);
        Vector128<ulong> amounts = Vector128.Create(amount), count = Vector128<ulong>.Zero;
        for (nuint i = 0; i < (nuint)steps.Length; i += 2)
            count -= Vector128.GreaterThan(amounts, Vector128.LoadUnsafe(in first, i));
        return (byte)Vector128.Sum(count);
    }

    public static ulong AtLeast(ref readonly ulong source, ulong constant)
    {
        Vector128<ulong> constants = Vector128.Create(constant);
        ulong bits = 0;
        for (int i = 0; i < 64; i += 2)
            bits |= (ulong)Vector128.GreaterThanOrEqual(Vector128.LoadUnsafe(in source, (nuint)i), constants)
                .ExtractMostSignificantBits() << i;
        return bits;
    }
}

internal readonly struct RuleLanes256 : IRuleLanes
{
    public static ulong InRange(ref readonly byte source, byte low, byte span)
    {
        Vector256<byte> lows = Vector256.Create(low), spans = Vector256.Create(span);
        Vector256<byte> first = Vector256.LoadUnsafe(in source) - lows;
        Vector256<byte> second = Vector256.LoadUnsafe(in source, 32) - lows;
        return Vector256.LessThanOrEqual(first, spans).ExtractMostSignificantBits() |
            (ulong)Vector256.LessThanOrEqual(second, spans).ExtractMostSignificantBits() << 32;
    }

    public static ulong InSet(ref readonly byte source, in NibbleSet set) => Avx2.IsSupported
        ? Half(in source, set) | (ulong)Half(in Unsafe.Add(ref Unsafe.AsRef(in source), 32), set) << 32
        : RuleLanes128.InSet(in source, set);

    private static uint Half(ref readonly byte source, in NibbleSet set)
    {
        Vector256<byte> x = Vector256.LoadUnsafe(in source);
        Vector256<byte> low = x & Vector256.Create((byte)15);
        Vector256<byte> high = Vector256.ShiftRightLogical(x, 4);
        Vector256<byte> hit = (Avx2.Shuffle(Twice(set.Low), low) & Avx2.Shuffle(Twice(RuleLanes128.LowBits), high)) |
            (Avx2.Shuffle(Twice(set.High), low) & Avx2.Shuffle(Twice(RuleLanes128.HighBits), high));
        return (~Vector256.Equals(hit, Vector256<byte>.Zero)).ExtractMostSignificantBits();
    }

    internal static Vector256<byte> Twice(Vector128<byte> table) => Vector256.Create(table, table);

    public static byte CountBelow(ReadOnlySpan<ulong> steps, ulong amount)
    {
        ref readonly ulong first = ref MemoryMarshal.GetReference(steps);
        Vector256<ulong> amounts = Vector256.Create(amount), count = Vector256<ulong>.Zero;
        for (nuint i = 0; i < (nuint)steps.Length; i += 4)
            count -= Vector256.GreaterThan(amounts, Vector256.LoadUnsafe(in first, i));
        return (byte)Vector256.Sum(count);
    }

    public static ulong AtLeast(ref readonly ulong source, ulong constant)
    {
        Vector256<ulong> constants = Vector256.Create(constant);
        ulong bits = 0;
        for (int i = 0; i < 64; i += 4)
            bits |= (ulong)Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(in source, (nuint)i), constants)
                .ExtractMostSignificantBits() << i;
        return bits;
    }
}

internal readonly struct RuleLanes512 : IRuleLanes
{
    public static ulong InRange(ref readonly byte source, byte low, byte span) =>
        Vector512.LessThanOrEqual(Vector512.LoadUnsafe(in source) - Vector512.Create(low), Vector512.Create(span))
            .ExtractMostSignificantBits();

    public static ulong InSet(ref readonly byte source, in NibbleSet set) =>
        Avx512BW.IsSupported ? Whole(in source, set) : RuleLanes256.InSet(in source, set);

    private static ulong Whole(ref readonly byte source, in NibbleSet set)
    {
        Vector512<byte> x = Vector512.LoadUnsafe(in source);
        Vector512<byte> low = x & Vector512.Create((byte)15);
        Vector512<byte> high = Vector512.ShiftRightLogical(x, 4);
        Vector512<byte> hit =
            (Avx512BW.Shuffle(Fourfold(set.Low), low) & Avx512BW.Shuffle(Fourfold(RuleLanes128.LowBits), high)) |
            (Avx512BW.Shuffle(Fourfold(set.High), low) & Avx512BW.Shuffle(Fourfold(RuleLanes128.HighBits), high));
        return (~Vector512.Equals(hit, Vector512<byte>.Zero)).ExtractMostSignificantBits();
    }

    private static Vector512<byte> Fourfold(Vector128<byte> table) =>
        Vector512.Create(RuleLanes256.Twice(table), RuleLanes256.Twice(table));

    public static byte CountBelow(ReadOnlySpan<ulong> steps, ulong amount)
    {
        ref readonly ulong first = ref MemoryMarshal.GetReference(steps);
        Vector512<ulong> amounts = Vector512.Create(amount), count = Vector512<ulong>.Zero;
        for (nuint i = 0; i < (nuint)steps.Length; i += 8)
            count -= Vector512.GreaterThan(amounts, Vector512.LoadUnsafe(in first, i));
        return (byte)Vector512.Sum(count);
    }

    public static ulong AtLeast(ref readonly ulong source, ulong constant)
    {
        Vector512<ulong> constants = Vector512.Create(constant);
        ulong bits = 0;
        for (int i = 0; i < 64; i += 8)
            bits |= Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(in source, (nuint)i), constants)
                .ExtractMostSignificantBits() << i;
        return bits;
    }
}
