using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Export;

/// <summary>Currencies as a column names them: letters, or the number where ISO 4217 has no letters for it.</summary>
internal static class CurrencyNames
{
    private static readonly string?[] s_names = new string?[ushort.MaxValue + 1];

    public static string Of(ushort currency)
    {
        string letters = Iso4217.LettersOf(currency);
        return letters.Length > 0 ? letters : s_names[currency] ??= currency.ToString(CultureInfo.InvariantCulture);
    }
}
