using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Batch;

// Purpose: the settlement window that payments fall into now, its cut-offs, and its close.
// Invariant: cut-offs are functions of the journal alone, exact to the payment: blocks may begin and end anywhere.
// All written by: settle thread.

public sealed class OpenBatch(LedgerState state)
{
    private ClosedBatch? _unhashed; // the last closed one, until its accounts are swept
    private byte[] _sharesAtClose = [];
    private Digest _lastStateHash;
    private ulong _firstSequence = 1;
    private ulong _openedNs;

    public ulong Number { get; private set; } = 1;

    /// <summary>Accepted payments that count towards cut-offs.</summary>
    public ulong Count { get; private set; }

    /// <summary>All accepted payments: leaves of the tree.</summary>
    public ulong Accepted { get; private set; }

    /// <summary>Called at every close, on the settle thread, before the next payment is applied; must not wait.</summary>
    public Action<ClosedBatch>? Closed { get; set; }

    /// <summary>Called when a closed batch has its state hash, on the settle thread; must not wait.</summary>
    public Action<ClosedBatch>? Hashed { get; set; }

    /// <summary>An accepted issue or redemption: a leaf, but no step towards a cut-off.</summary>
    public void Note() => Accepted++;

    /// <summary>A cut-off by count or value is reached: the batch must close before the next payment.</summary>
    public bool IsFull { get; private set; }

    /// <summary>An accepted payment that counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteCounted(ref CurrencyRecord currency, ulong gross)
    {
        Accepted++;
        if (Count++ == 0)
            _openedNs = state.TimeNs;
        currency.Gross += gross;
        bool full = Count >= state.Settings.BatchCount & state.Settings.BatchCount != 0;
        bool rich = currency.Gross >= currency.BatchValue & currency.BatchValue != 0;
        IsFull = full | rich;
    }

    /// <summary>Whether the batch is old enough to close before the payments of a block of this time.</summary>
    public bool IsOver(ulong timeNs) =>
        Count > 0 && state.Settings.BatchAgeNs != 0 && timeNs - _openedNs >= state.Settings.BatchAgeNs;

    /// <summary>When an idle node has to journal a tick so that the batch closes by age; null: never.</summary>
    public ulong? DueNs => Count > 0 && state.Settings.BatchAgeNs != 0 ? _openedNs + state.Settings.BatchAgeNs : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Close(ulong lastSequence)
    {
        SweepAll();
        var gross = new List<GrossValue>(state.Currencies.Count);
        for (int index = 1; index <= state.Currencies.Count; index++)
        {
            ref CurrencyRecord currency = ref state.Currencies[index];
            if (currency.Gross != 0)
                gross.Add(new GrossValue(currency.Number, currency.Gross));
            currency.Gross = 0;
        }

        var closed = new ClosedBatch
        {
            Number = Number,
            FirstSequence = _firstSequence,
            LastSequence = lastSequence,
            OpenedNs = Count > 0 ? _openedNs : state.TimeNs,
            ClosedNs = state.TimeNs,
            Count = Count,
            Accepted = Accepted,
            Gross = gross,
            Net = state.Positions.Close(Number),
            RulesHash = state.Rules?.Table.Hash ?? default,
        };
        state.Hasher.Close();
        _unhashed = closed;
        _sharesAtClose = SharesOf(closed);
        Number++;
        IsFull = false;
        Count = 0;
        Accepted = 0;
        _firstSequence = lastSequence + 1;
        Closed?.Invoke(closed);
    }

    /// <summary>Goes on with the last closed batch's state hash: up to so many accounts. True when there is nothing left to do.</summary>
    public bool Sweep(int rowsMax)
    {
        if (_unhashed is not { } closed)
            return true;
        if (!state.Hasher.Sweep(rowsMax))
            return false;
        BinaryPrimitives.WriteUInt128LittleEndian(_sharesAtClose, state.Hasher.AccountsAtClose);
        _lastStateHash = Digest.From(SHA256.HashData(_sharesAtClose));
        _unhashed = null;
        closed.StateHash = _lastStateHash;
        closed.HasStateHash = true;
        Hashed?.Invoke(closed);
        return true;
    }

    public void SweepAll()
    {
        while (!Sweep(int.MaxValue))
        {
        }
    }

    /// <summary>
    /// What the state hash covers besides accounts, as it is at the close: 16 bytes left free for the accounts' sum, then control commands, ids,
    /// sums, holds and refundables, outstanding by currency, the hash of the close before, and the batch's own numbers and positions
    /// (and so, from close to close, unsettled positions and what fees left over).
    /// </summary>
    private byte[] SharesOf(ClosedBatch closed)
    {
        byte[] statement = closed.Encode(); // root and state hash are still zero
        byte[] shares = new byte[(4 * 16) + SumTable.FoldBytes + (state.Currencies.Count * 16) + 32 + statement.Length];
        Span<byte> rest = shares.AsSpan(16);
        StateSum ids = state.Ids.State;
        foreach (UInt128 fold in (ReadOnlySpan<UInt128>)[state.ControlFold, new(ids.High, ids.Low), state.Targets.Fold])
        {
            BinaryPrimitives.WriteUInt128LittleEndian(rest, fold);
            rest = rest[16..];
        }

        state.Sums.FoldInto(rest);
        rest = rest[SumTable.FoldBytes..];

        for (int index = 1; index <= state.Currencies.Count; index++)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(rest, state.Currencies[index].Outstanding);
            rest = rest[16..];
        }

        ((ReadOnlySpan<byte>)_lastStateHash).CopyTo(rest);
        statement.CopyTo(rest[32..]);
        return shares;
    }
}
