using System.Runtime.InteropServices;

namespace Settlement.Engine.Ledger;

// Purpose: what each accepted payment, each expired hold and each decided review changed in which account, told by the ledger itself while it applies
//   blocks, so that whoever keeps statements need not derive the law a second time.
// Invariant: an account's movements form a chain. What was pending after one is available before the next if that is of a later batch;
//   add the changes, and the balances after it follow. The last one's balances are the account's.
// Units: amounts in the smallest unit of the account's currency. All written by: settle thread.

/// <summary>One change of one account.</summary>
public readonly record struct AccountMovement
{
    /// <summary>The account's row.</summary>
    public required int Account { get; init; }

    /// <summary>The row of the account on the other side of the payment that it is about, moved or not; 0: issues and redemptions have none.</summary>
    public required int Other { get; init; }

    /// <summary>Of the payment that moved it; for a hold or review that expired, the sequence that came next; for a decided review, the last of the command: the state behind a sequence holds all movements up to it.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>The payment that it is about: the one of that sequence, or the hold that expired, or the payment reviewed.</summary>
    public required ulong Payment { get; init; }

    /// <summary>Block time, ns since the epoch.</summary>
    public required ulong TimeNs { get; init; }

    /// <summary>The batch that was open.</summary>
    public required ulong Batch { get; init; }

    /// <summary>Behind the movement, as are the next two.</summary>
    public required ulong Available { get; init; }

    /// <summary>Credited in <see cref="Batch"/>: available as soon as that is closed.</summary>
    public required ulong Pending { get; init; }

    public required ulong Held { get; init; }

    /// <summary>Modulo 2^64, as are the next two: a debit is the two's complement. The balance after it less this is the balance before it, exactly.</summary>
    public ulong AvailableChange { get; init; }

    public ulong PendingChange { get; init; }

    public ulong HeldChange { get; init; }

    /// <summary>By how much the account's total rose; below zero, fell. Both totals fit 64 bits, so the changes modulo 2^64 can mean one number only.</summary>
    public Int128 Gain
    {
        get
        {
            ulong change = AvailableChange + PendingChange + HeldChange;
            return Available + Pending + Held >= change ? change : (Int128)change - ((Int128)1 << 64);
        }
    }
}

/// <summary>The movements since it was last cleared. A ledger keeps none unless it is asked to (<see cref="LedgerState.Movements"/>).</summary>
public sealed class MovementLog
{
    private readonly List<AccountMovement> _movements = [];

    public ReadOnlySpan<AccountMovement> All => CollectionsMarshal.AsSpan(_movements);

    public void Clear() => _movements.Clear();

    /// <summary>Notes a change that has taken effect in the account's row.</summary>
    internal void Add(LedgerState state, ulong sequence, ulong payment, int account, int other, ulong available, ulong pending, ulong held)
    {
        ref readonly AccountRow row = ref state.Accounts[account];
        _movements.Add(new AccountMovement
        {
            Account = account,
            Other = other,
            Sequence = sequence,
            Payment = payment,
            TimeNs = state.TimeNs,
            Batch = state.Batch.Number,
            Available = row.Available,
            Pending = row.Pending,
            Held = row.Held,
            AvailableChange = available,
            PendingChange = pending,
            HeldChange = held,
        });
    }
}
