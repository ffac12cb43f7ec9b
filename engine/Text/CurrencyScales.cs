using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>
/// Digits behind the point that amounts of each currency have in the ledger: ISO's, unless the ledger declared more. A currency
/// that the ledger does not know is read at ISO's scale, so that the engine can say that it is unknown.
/// </summary>
internal sealed class CurrencyScales
{
    private readonly sbyte[] _scales = new sbyte[Iso4217.NumberMax + 1]; // written by: who sets the readers up

    public CurrencyScales()
    {
        for (int number = 0; number < _scales.Length; number++)
            _scales[number] = (sbyte)Iso4217.ScaleOf((ushort)number);
    }

    /// <summary>Scale of a currency of ISO 4217.</summary>
    public int this[ushort currency] => _scales[currency];

    /// <summary>States a ledger's scale.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such currency, or a scale below ISO's or above 18.</exception>
    public void Declare(ushort currency, int scale)
    {
        if (!Iso4217.IsKnown(currency))
            throw new ArgumentOutOfRangeException(nameof(currency), currency, "an ISO 4217 number is expected");
        if (scale < Iso4217.ScaleOf(currency) || scale > Limits.ScaleMax)
            throw new ArgumentOutOfRangeException(nameof(scale), scale,
                $"a scale of {Iso4217.LettersOf(currency)} is {Iso4217.ScaleOf(currency)} to {Limits.ScaleMax}");
        _scales[currency] = (sbyte)scale;
    }

    /// <summary>Reads a currency's letters or number.</summary>
    public static bool TryFindCurrency(ReadOnlySpan<byte> text, out ushort currency)
    {
        currency = Iso4217.NumberOf(text);
        if (currency == 0 && FieldText.TryReadNumber(text, Iso4217.NumberMax, out ulong number) && Iso4217.IsKnown((ushort)number))
            currency = (ushort)number;
        return currency != 0;
    }
}
