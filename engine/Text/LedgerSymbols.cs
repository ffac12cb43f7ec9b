using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>What countries, currencies and amounts in a rule file mean: the ISO tables, and the ledger's scales.</summary>
internal sealed class LedgerSymbols(CurrencyScales scales) : IRuleSymbols
{
    public bool TryCountry(string text, out ushort country)
    {
        country = Iso3166.NumberOf(text);
        if (country == 0 && FieldText.TryReadNumber(Encoding.UTF8.GetBytes(text), Iso3166.NumberMax, out ulong number) && Iso3166.IsKnown((ushort)number))
            country = (ushort)number;
        return country != 0;
    }

    public bool TryCurrency(string text, out ushort currency) => CurrencyScales.TryFindCurrency(Encoding.UTF8.GetBytes(text), out currency);

    public bool TryAmount(string text, ushort currency, out ulong amount) => AmountText.TryParse(text, scales[currency], out amount, out _);
}
