using System.Runtime.CompilerServices;
using Settlement.Engine.Dedup;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Batch;

// Purpose: the accounts' share of the state hash, always up to date: a close takes it as it is and waits for nothing.
// How: a multilinear hash (Carter and Wegman 1979): the sum over all accounts of balance, held amount and opening mark, each times a multiplier
//   of its own drawn from wallet and currency, in two lanes modulo 2^64. Linear, so a payment of x adds x times two multipliers: no
//   account is hashed, listed or walked. The balance is available + pending, so what becomes available at a close changes nothing.
// What it is for: replicas and replays compare themselves with it. Two states that differ by chance agree once in 2^64 or less. It is no
//   commitment against who chooses balances; the chain of blocks is that. Wallets' attributes are functions of the control fold.
// Invariant: equals Recompute after every payment (tests walk).

/// <summary>Sum over accounts for the state hash.</summary>
public sealed class BalanceFold
{
    private ulong _low; // written by: settle thread
    private ulong _high; // written by: settle thread

    /// <summary>As of the last payment.</summary>
    public UInt128 Value => new(_high, _low);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Credit(in AccountRow account, ulong amount) => Add(in account, Mix.Pi4, amount);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Debit(in AccountRow account, ulong amount) => Add(in account, Mix.Pi4, 0 - amount);

    public void Hold(in AccountRow account, ulong amount) => Add(in account, Mix.Pi5, amount);

    public void Release(in AccountRow account, ulong amount) => Add(in account, Mix.Pi5, 0 - amount);

    public void Opened(in AccountRow account) => Add(in account, Mix.Pi6, account.Opening);

    /// <summary>The same by a walk over every account: the slow twin, for tests and at the end of load runs.</summary>
    public static UInt128 Recompute(AccountTable accounts)
    {
        var walked = new BalanceFold();
        walked.Load(accounts);
        return walked.Value;
    }

    /// <summary>Takes the place of all payments so far: the accounts were read from a snapshot.</summary>
    public void Load(AccountTable accounts)
    {
        for (int row = 1; row <= accounts.Count; row++)
        {
            ref readonly AccountRow account = ref accounts[row];
            Credit(in account, account.Available + account.Pending);
            Hold(in account, account.Held);
            Opened(in account);
        }
    }

    /// <summary>Odd multipliers, so that no single difference of 64 bits is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(in AccountRow account, ulong part, ulong amount)
    {
        ulong key = Mix.Fold(account.Wallet ^ Mix.Pi0, part ^ account.CurrencyIndex);
        ulong high = Math.BigMul(key ^ Mix.Pi1, Mix.Pi2, out ulong low);
        _low += (low | 1) * amount;
        _high += ((high ^ key) | 1) * amount;
    }
}
