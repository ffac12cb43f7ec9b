using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Settlement.Engine.Domain;

/// <summary>Why a text is no amount. Where several apply: the lowest.</summary>
public enum AmountError : byte
{
    None = 0,
    Empty = 1,

    /// <summary>Not digits with at most one point between them: a sign, an exponent, grouping, a space, `.5`, `5.`.</summary>
    NotDecimal = 2,

    /// <summary>A digit other than zero stands behind the scale's last place.</summary>
    TooFine = 3,

    /// <summary>2^64 smallest units or more.</summary>
    TooLarge = 4,
}

/// <summary>
/// Amounts as decimal text (`12`, `12.3`, `0012.30`) to and from the smallest unit at a scale: exact, integers all the way,
/// no culture. Zeros behind the scale's last place change no value and are read (`1.230` at scale 2 is 123); any other digit
/// there is refused, never rounded. Scale: digits behind the point, 0 to <see cref="Limits.ScaleMax"/>.
/// </summary>
public static class AmountText
{
    /// <summary>Longest text that <see cref="Format"/> writes: 20 digits of a 64-bit number and a point.</summary>
    public const int BytesMax = 21;

    /// <summary>Up to here a digit can be appended without a check: (2^64 - 1 - 9) / 10.</summary>
    private const ulong SafeToExtend = (ulong.MaxValue - 9) / 10;

    private static ReadOnlySpan<ulong> PowersOfTen =>
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
    ];

    /// <summary>10 to the power of a scale: how many smallest units make one whole.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not 0..18.</exception>
    public static ulong UnitsPerWhole(int scale)
    {
        CheckScale(scale);
        return PowersOfTen[scale];
    }

    /// <summary>Reads UTF-8 text into smallest units.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not 0..18.</exception>
    public static bool TryParse(ReadOnlySpan<byte> text, int scale, out ulong amount, out AmountError error)
    {
        error = Parse(text, scale, out amount);
        return error == AmountError.None;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, int, out ulong, out AmountError)"/>
    public static bool TryParse(ReadOnlySpan<char> text, int scale, out ulong amount, out AmountError error)
    {
        error = Parse(text, scale, out amount);
        return error == AmountError.None;
    }

    /// <summary>Writes an amount with all digits of its scale (`12.30`); at scale 0 without a point.</summary>
    /// <returns>False, with nothing said of the destination, where it is too short; <see cref="BytesMax"/> always suffices.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not 0..18.</exception>
    public static bool Format(ulong amount, int scale, Span<byte> destination, out int written)
    {
        CheckScale(scale);
        Span<byte> text = stackalloc byte[BytesMax];
        int at = BytesMax;
        int digits = 0;
        do
        {
            if (digits == scale && scale != 0)
                text[--at] = (byte)'.';
            text[--at] = (byte)('0' + amount % 10);
            amount /= 10;
            digits++;
        }
        while (amount != 0 || digits <= scale);

        written = BytesMax - at;
        return text[at..].TryCopyTo(destination);
    }

    /// <summary>The amount as text, with all digits of its scale.</summary>
    public static string ToText(ulong amount, int scale) => ToText((Int128)amount, scale);

    /// <summary>A sum or a net position as text, with all digits of its scale and, below zero, a minus.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not 0..18.</exception>
    public static string ToText(Int128 amount, int scale)
    {
        CheckScale(scale);
        bool negative = amount < 0;
        // Negated in unsigned arithmetic, the lowest value of all has its absolute value, too.
        UInt128 units = negative ? 0 - (UInt128)amount : (UInt128)amount;
        string digits = units.ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        return string.Concat(negative ? "-" : "", digits.AsSpan(0, digits.Length - scale), scale == 0 ? "" : ".",
            digits.AsSpan(digits.Length - scale));
    }

    private static AmountError Parse<T>(ReadOnlySpan<T> text, int scale, out ulong amount) where T : unmanaged, IBinaryInteger<T>
    {
        CheckScale(scale);
        amount = 0;
        ulong value = 0;
        int point = -1, fraction = 0;
        bool fine = false, large = false;
        for (int at = 0; at < text.Length; at++)
        {
            uint digit = uint.CreateTruncating(text[at]) - '0';
            if (digit > 9)
            {
                if (digit != unchecked('.' - (uint)'0') || point >= 0)
                    return AmountError.NotDecimal;
                point = at;
            }
            else if (point >= 0 && fraction == scale)
            {
                fine |= digit != 0;
            }
            else
            {
                large |= value > SafeToExtend && value > (ulong.MaxValue - digit) / 10;
                value = unchecked(value * 10 + digit);
                if (point >= 0)
                    fraction++;
            }
        }

        if (text.IsEmpty)
            return AmountError.Empty;
        if (point == 0 || point == text.Length - 1)
            return AmountError.NotDecimal;
        if (fine)
            return AmountError.TooFine;

        ulong high = Math.BigMul(value, PowersOfTen[scale - fraction], out value);
        if (large || high != 0)
            return AmountError.TooLarge;
        amount = value;
        return AmountError.None;
    }

    private static void CheckScale(int scale)
    {
        if ((uint)scale > Limits.ScaleMax)
            ThrowScale(scale);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowScale(int scale) =>
        throw new ArgumentOutOfRangeException(nameof(scale), scale, $"a scale is 0 to {Limits.ScaleMax}");
}
