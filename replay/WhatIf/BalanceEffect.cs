using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.WhatIf;

/// <summary>A wallet that would hold another sum, in the smallest unit.</summary>
internal readonly record struct BalanceChange(ulong Wallet, ushort Currency, UInt128 Actual, UInt128 Hypothetical)
{
    public Int128 Change => (Int128)Hypothetical - (Int128)Actual;
}

/// <summary>What accounts hold at the end, in both ledgers: available, pending and held together. Walks every account.</summary>
internal sealed class BalanceEffect
{
    private readonly SortedDictionary<ushort, (long Count, Int128 Up, Int128 Down)> _byCurrency = [];

    public BalanceEffect(LedgerState actual, LedgerState hypothetical, int most)
    {
        Biggest = new BiggestList<BalanceChange>(most, change => change.Currency, change => Int128.Abs(change.Change));
        for (int row = 1; row <= actual.Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref actual.Accounts[row];
            if (account.CurrencyIndex == 0)
                continue;
            ushort currency = actual.Currencies[account.CurrencyIndex].Number;
            Note(account.Wallet, currency, account.Total, TotalIn(hypothetical, row, account.Wallet, currency) ?? 0);
        }

        for (int row = 1; row <= hypothetical.Accounts.Count; row++)
        {
            ref readonly AccountRow account = ref hypothetical.Accounts[row];
            if (account.CurrencyIndex != 0 && hypothetical.Currencies[account.CurrencyIndex].Number is var currency && TotalIn(actual, row, account.Wallet, currency) is null)
                Note(account.Wallet, currency, 0, account.Total);
        }
    }

    public BiggestList<BalanceChange> Biggest { get; }

    /// <summary>How many accounts would hold another sum, and how much more and less.</summary>
    public IEnumerable<(ushort Currency, long Count, Int128 Up, Int128 Down)> ByCurrency() =>
        _byCurrency.Select(entry => (entry.Key, entry.Value.Count, entry.Value.Up, entry.Value.Down));

    /// <summary>Rows mostly stand at the same place in both; null: there is none.</summary>
    private static ulong? TotalIn(LedgerState state, int row, ulong wallet, ushort currency)
    {
        byte index = state.Currencies.IndexOf(currency);
        if (row > state.Accounts.Count || state.Accounts[row].Wallet != wallet || state.Accounts[row].CurrencyIndex != index)
            row = index == 0 ? 0 : state.Accounts.InCurrency(state.Accounts.Find(wallet), index);
        return row == 0 ? null : state.Accounts[row].Total;
    }

    private void Note(ulong wallet, ushort currency, ulong actual, ulong hypothetical)
    {
        if (actual == hypothetical)
            return;
        var change = new BalanceChange(wallet, currency, actual, hypothetical);
        (long count, Int128 up, Int128 down) = _byCurrency.GetValueOrDefault(currency);
        _byCurrency[currency] = (count + 1, up + Int128.Max(change.Change, 0), down + Int128.Max(-change.Change, 0));
        Biggest.Add(change);
    }
}
