using System.Numerics;
using System.Runtime.CompilerServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Ledger;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Batch;

// Purpose: the state hash of every close, from what was touched since the last one, without stopping at the close.
// How: the accounts' share is the sum modulo 2^128 of one hash an account, over its logical balances (pending of closed batches is
//   available). The first write to an account in a batch subtracts its old hash and lists the row; after the close the listed rows are swept,
//   a bounded number at a time, adding their new hashes. A row written again before its turn is added at that write,
//   while it still shows its balances at the close. So the hash of batch k is complete some blocks into batch k + 1.
// What it is for: replicas and replays compare themselves with it. It is no commitment against who can choose account contents;
//   the chain of blocks is that.
// All written by: settle thread.

/// <summary>Incremental hash of accounts.</summary>
public sealed class StateHasher : IDisposable
{
    private readonly AccountTable _accounts;
    private readonly NativeTable<int> _dirtyA;
    private readonly NativeTable<int> _dirtyB;
    private NativeTable<int> _open;
    private NativeTable<int> _closing;
    private int _openCount;
    private int _closingCount;
    private int _closingSwept;
    private UInt128 _sumClosed;
    private UInt128 _deltaOpen;

    public StateHasher(AccountTable accounts)
    {
        _accounts = accounts;
        _open = _dirtyA = new NativeTable<int>(accounts.AccountsMax);
        _closing = _dirtyB = new NativeTable<int>(accounts.AccountsMax);
    }

    /// <summary>Number of the open batch.</summary>
    public uint Batch { get; private set; } = 1;

    /// <summary>No account was written since the last close.</summary>
    public bool IsUntouched => _openCount == 0;

    public bool IsSwept => _closingSwept == _closingCount;

    /// <summary>
    /// To be called before every write to an account: rolls pending of closed batches into available, and takes note.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeforeWrite(ref AccountRow account, int row)
    {
        if (account.Batch != Batch)
            EnterBatch(ref account, row);
    }

    /// <summary>Takes note of a new account.</summary>
    public void Added(ref AccountRow account, int row)
    {
        account.Batch = Batch;
        account.HashPending = true;
        _open[_openCount++] = row;
    }

    /// <summary>Ends the batch; the accounts' hash at this point comes from <see cref="Sweep"/>.</summary>
    public void Close()
    {
        while (!IsSwept)
            Sweep(int.MaxValue);
        (_open, _closing) = (_closing, _open);
        (_closingCount, _closingSwept, _openCount) = (_openCount, 0, 0);
        _sumClosed += _deltaOpen;
        _deltaOpen = 0;
        Batch++;
    }

    /// <summary>Adds the hashes of up to so many rows of the closed batch. Returns true when none is left.</summary>
    public bool Sweep(int rowsMax)
    {
        const int Ahead = 16;
        int end = (int)Math.Min((long)_closingSwept + rowsMax, _closingCount);
        for (int i = _closingSwept; i < end; i++)
        {
            if (i + Ahead < end)
                _accounts.PrefetchRow(_closing[i + Ahead]);
            ref AccountRow account = ref _accounts[_closing[i]];
            if (account.Batch + 1 != Batch)
                continue; // written again since: added at that write
            _sumClosed += HashOf(in account, account.Available + account.Pending);
            account.HashPending = false;
        }

        _closingSwept = end;
        return IsSwept;
    }

    /// <summary>The accounts' share of the state hash at the last close; complete when <see cref="IsSwept"/>.</summary>
    public UInt128 AccountsAtClose => _sumClosed;

    public void Dispose()
    {
        _dirtyA.Dispose();
        _dirtyB.Dispose();
    }

    /// <summary>The same, from nothing, over every account with its balances as they are: the slow twin, for tests and verification at a close.</summary>
    public static UInt128 Recompute(AccountTable accounts)
    {
        UInt128 sum = 0;
        for (int row = 1; row <= accounts.Count; row++)
            sum += HashOf(in accounts[row], accounts[row].Available + accounts[row].Pending);
        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterBatch(ref AccountRow account, int row)
    {
        account.Available += account.Pending;
        account.Pending = 0;
        UInt128 hash = HashOf(in account, account.Available);
        if (account.HashPending)
            _sumClosed += hash;
        _deltaOpen -= hash;
        account.Batch = Batch;
        account.HashPending = true;
        _open[_openCount++] = row;
    }

    /// <summary>
    /// 128 bits of what of an account is state. Four 64 x 64 multiplications, three of them side by side: a general hash
    /// of the 48 bytes took a fifth of the settle thread's time. Equal on every platform.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static UInt128 HashOf(in AccountRow account, ulong available)
    {
        ulong attributes = account.Opening | ((ulong)account.Participant << 32) | ((ulong)account.Country << 48);
        ulong small = account.CurrencyIndex | ((ulong)account.Tier << 8) | ((ulong)account.Level << 16) | ((ulong)account.Status << 24);
        ulong high1 = Math.BigMul(account.Wallet ^ Mix.Pi0, available ^ Mix.Pi1, out ulong low1);
        ulong high2 = Math.BigMul(account.Held ^ Mix.Pi2, account.Holder ^ Mix.Pi3, out ulong low2);
        ulong high3 = Math.BigMul(attributes ^ Mix.Pi4, small ^ Mix.Pi5, out ulong low3);
        ulong left = low1 ^ high2 ^ BitOperations.RotateLeft(low3, 17);
        ulong right = high1 ^ low2 ^ BitOperations.RotateLeft(high3, 41);
        ulong high = Math.BigMul(left ^ Mix.Pi6, right ^ Mix.Pi7, out ulong low);
        return new UInt128(high ^ left, low ^ right);
    }
}
