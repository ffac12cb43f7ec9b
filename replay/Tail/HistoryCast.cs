using Microsoft.Data.Sqlite;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Tail;

/// <summary>
/// What a history knows of the ledger as it is now: accounts with their balances and last movements, wallets, participants, currencies. Rows
/// are written once a commit, from the ledger's state, in order of their keys, however often they changed since the last.
/// </summary>
/// <remarks>Memory: 8 bytes an account, and a number for each that was touched since the last commit.</remarks>
internal sealed class HistoryCast : IDisposable
{
    private readonly SqliteStatement _account;
    private readonly SqliteStatement _wallet;
    private readonly SqliteStatement _participant;
    private readonly SqliteStatement _currency;
    private readonly SortedSet<ulong> _walletsChanged = [];
    private readonly List<int> _touched = [];
    private long[] _lastMovement = new long[1_024]; // by account
    private bool[] _isTouched = new bool[1_024];
    private int _participants;
    private int _currencies;

    public HistoryCast(SqliteConnection connection)
    {
        _account = new SqliteStatement(connection, """
            insert into accounts values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            on conflict (account) do update set available = ?4, pending = ?5, held = ?6, batch = ?7, last_movement = ?8
            """);
        _wallet = new SqliteStatement(connection, "insert or replace into wallets values (?, ?, ?, ?, ?, ?, ?, ?)");
        _participant = new SqliteStatement(connection, "insert into participants values (?, ?)");
        _currency = new SqliteStatement(connection, "insert into currencies values (?, ?, ?, ?)");
        using SqliteStatement counts = new(connection, "select (select count(*) from participants), (select count(*) from currencies)");
        counts.Read();
        (_participants, _currencies) = ((int)counts.Number(0), (int)counts.Number(1));
        using SqliteStatement accounts = new(connection, "select account, last_movement from accounts");
        while (accounts.Read())
        {
            int account = (int)accounts.Number(0);
            Reach(account);
            _lastMovement[account] = accounts.Number(1);
        }
    }

    /// <summary>An account was moved.</summary>
    /// <returns>Its movement before; 0: none.</returns>
    public long Moved(int account, long movement)
    {
        Touch(account);
        long previous = _lastMovement[account];
        _lastMovement[account] = movement;
        return previous;
    }

    /// <summary>A command changed a wallet, or opened an account of it.</summary>
    public void Changed(LedgerState state, ulong wallet)
    {
        _walletsChanged.Add(wallet);
        for (int row = state.Accounts.Find(wallet); row != 0; row = state.Accounts[row].Next)
        {
            if (state.Accounts[row].CurrencyIndex != 0)
                Touch(row);
        }
    }

    /// <summary>Writes what changed since the last time, as the ledger has it now.</summary>
    public void Write(LedgerState state)
    {
        for (; _participants < state.Participants.Count; _participants++)
        {
            _participant.Bind(1, (long)_participants);
            _participant.Bind(2, state.Participants.NameOf((ushort)_participants));
            _participant.Execute();
        }

        for (; _currencies < state.Currencies.Count; _currencies++)
        {
            ref readonly CurrencyRecord currency = ref state.Currencies[_currencies + 1];
            _currency.Bind(1, (long)currency.Number);
            _currency.Bind(2, Iso4217.LettersOf(currency.Number));
            _currency.Bind(3, (long)currency.Scale);
            _currency.Bind(4, (long)currency.Authority);
            _currency.Execute();
        }

        WriteWallets(state);
        WriteAccounts(state);
    }

    public void Dispose()
    {
        _account.Dispose();
        _wallet.Dispose();
        _participant.Dispose();
        _currency.Dispose();
    }

    private void WriteWallets(LedgerState state)
    {
        foreach (ulong wallet in _walletsChanged)
        {
            ref readonly AccountRow row = ref state.Accounts[state.Accounts.Find(wallet)];
            _wallet.Bind(1, wallet);
            _wallet.Bind(2, (long)row.Participant);
            _wallet.Bind(3, (long)row.Country);
            _wallet.Bind(4, (long)row.Tier);
            _wallet.Bind(5, (long)row.Level);
            _wallet.Bind(6, (long)row.Status);
            _wallet.Bind(7, row.Holder);
            _wallet.Bind(8, (long)row.Kind);
            _wallet.Execute();
        }

        _walletsChanged.Clear();
    }

    private void WriteAccounts(LedgerState state)
    {
        _touched.Sort();
        foreach (int account in _touched)
        {
            ref readonly AccountRow row = ref state.Accounts[account];
            _account.Bind(1, (long)account);
            _account.Bind(2, row.Wallet);
            _account.Bind(3, (long)state.Currencies[row.CurrencyIndex].Number);
            _account.Bind(4, row.Available);
            _account.Bind(5, row.Pending);
            _account.Bind(6, row.Held);
            _account.Bind(7, (long)row.Batch);
            _account.Bind(8, _lastMovement[account]);
            _account.Execute();
            _isTouched[account] = false;
        }

        _touched.Clear();
    }

    private void Touch(int account)
    {
        Reach(account);
        if (_isTouched[account])
            return;
        _isTouched[account] = true;
        _touched.Add(account);
    }

    private void Reach(int account)
    {
        if (account < _lastMovement.Length)
            return;
        int length = Math.Max(account + 1, _lastMovement.Length * 2);
        Array.Resize(ref _lastMovement, length);
        Array.Resize(ref _isTouched, length);
    }
}
