using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Input;

/// <summary>What a `yes or no` column may hold.</summary>
internal static class YesOrNo
{
    public static bool TryFind(ReadOnlySpan<byte> text, out bool value)
    {
        value = Ascii.EqualsIgnoreCase(text, "yes") || Ascii.EqualsIgnoreCase(text, "true");
        return value || Ascii.EqualsIgnoreCase(text, "no") || Ascii.EqualsIgnoreCase(text, "false");
    }
}

/// <summary>A currency's reserve as a party: `reserve:EUR`.</summary>
internal static class ReserveName
{
    private const string Prefix = "reserve:";

    public static string Of(ushort currency) => Prefix + Iso4217.LettersOf(currency);

    public static bool Is(ReadOnlySpan<byte> text, ushort currency) =>
        text.Length > Prefix.Length && Ascii.EqualsIgnoreCase(text[..Prefix.Length], Prefix)
        && CurrencyScales.TryFindCurrency(text[Prefix.Length..], out ushort named) && named == currency;
}

/// <summary>What an amount should have been.</summary>
internal static class AmountExpectation
{
    public static string Of(AmountError error, ushort currency, int scale) => error switch
    {
        AmountError.TooFine when scale == 0 => $"no fraction, because {Iso4217.LettersOf(currency)} has scale 0 here",
        AmountError.TooFine => $"at most {scale} digits behind the point, the scale of {Iso4217.LettersOf(currency)} here",
        AmountError.TooLarge => $"less than 2^64 smallest units of {Iso4217.LettersOf(currency)} at scale {scale}",
        _ => "a decimal amount such as 12.34, without sign, exponent or grouping",
    };
}
