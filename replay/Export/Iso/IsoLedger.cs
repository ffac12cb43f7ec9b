using System.Globalization;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Export.Iso;

/// <summary>Who and what messages name, as of the range's end.</summary>
internal sealed class IsoLedger
{
    private readonly LedgerState _state;
    private readonly IsoCurrency?[] _currencies;
    private readonly string?[] _names;

    public IsoLedger(UInt128 id, LedgerState state)
    {
        (Id, _state) = (id, state);
        IdText = id.ToString("x32", CultureInfo.InvariantCulture);
        _names = new string?[state.Participants.Count];
        _currencies = new IsoCurrency?[state.Currencies.Count + 1];
        for (int index = 1; index < _currencies.Length; index++)
            _currencies[index] = new IsoCurrency(in state.Currencies[index]);
    }

    public UInt128 Id { get; }

    /// <summary>32 hexadecimal digits: the issuer of all numbers that messages have.</summary>
    public string IdText { get; }

    public int CurrencyCount => _currencies.Length - 1;

    /// <summary>By order of declaration, from 1.</summary>
    public IsoCurrency Currency(int index) => _currencies[index]!;

    public string NameOf(ushort participant) => _names[participant] ??=
        IsoText.Name(_state.Participants.NameOf(participant), IsoText.Max140, "participant " + IsoText.Number(participant));
}

/// <summary>An account as a message shows it, and its balances in the smallest unit of the ledger.</summary>
internal sealed record AccountFacts
{
    /// <summary>What <see cref="Movement.Account"/> says of it.</summary>
    public required int Account { get; init; }

    /// <summary>Unique among all accounts of a currency; names files, and enters ids.</summary>
    public required string Key { get; init; }

    /// <summary>The account's number; who issued it is the ledger.</summary>
    public required string Id { get; init; }

    /// <summary>What the number is.</summary>
    public required string Scheme { get; init; }

    /// <summary>Who owns it, where that is a participant; null: it is not known here.</summary>
    public ushort? Owner { get; init; }

    /// <summary>Who keeps it.</summary>
    public required ushort Servicer { get; init; }

    public required IsoCurrency Currency { get; init; }

    /// <summary>Booked: available, pending and held.</summary>
    public required Int128 Opening { get; init; }

    /// <inheritdoc cref="Opening"/>
    public required Int128 Closing { get; init; }

    /// <summary>Of the closing balance, what can be spent.</summary>
    public required Int128 Available { get; init; }

    public override string ToString() => $"{Scheme.ToLowerInvariant()} {Id} in {Currency.Letters}";
}
