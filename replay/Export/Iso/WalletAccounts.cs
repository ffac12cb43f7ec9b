using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>The accounts that an export is about, with their balances at both ends of the range.</summary>
internal interface IAccountSource
{
    /// <summary>Accounts that are stated even if nothing moved them, in order; null: those that moved.</summary>
    IReadOnlyList<int>? Stated { get; }

    AccountFacts FactsOf(int account);
}

/// <summary>Wallets' accounts: an account is named by its row, which never changes.</summary>
internal sealed class WalletAccounts : IAccountSource
{
    public const string Scheme = "WALLET";

    private readonly IsoLedger _ledger;
    private readonly LedgerState? _start;
    private readonly LedgerState _end;

    /// <exception cref="UsageException">The wallet is not known at the end of the range, or has no account.</exception>
    public WalletAccounts(IsoLedger ledger, LedgerState? start, LedgerState end, ulong? wallet)
    {
        (_ledger, _start, _end) = (ledger, start, end);
        if (wallet is not { } number)
            return;
        int first = end.Accounts.Find(number);
        if (first == 0)
            throw new UsageException($"There is no wallet {number} up to sequence {end.Sequence}.");
        var rows = new List<int>();
        for (int row = first; row != 0; row = end.Accounts[row].Next)
        {
            if (end.Accounts[row].CurrencyIndex != 0)
                rows.Add(row);
        }

        if (rows.Count == 0)
            throw new UsageException($"Wallet {number} has no account up to sequence {end.Sequence}.");
        rows.Sort();
        Stated = rows;
    }

    public IReadOnlyList<int>? Stated { get; }

    public AccountFacts FactsOf(int account)
    {
        ref readonly AccountRow row = ref _end.Accounts[account];
        ulong pending = row.Batch == _end.Batch.Mark ? row.Pending : 0;
        return new AccountFacts
        {
            Account = account,
            Key = "wallet-" + IsoText.Number(row.Wallet),
            Id = IsoText.Number(row.Wallet),
            Scheme = Scheme,
            Servicer = row.Participant,
            Currency = _ledger.Currency(row.CurrencyIndex),
            Opening = _start is not null && account <= _start.Accounts.Count ? _start.Accounts[account].Total : 0,
            Closing = row.Total,
            Available = row.Total - row.Held - pending,
        };
    }
}
