using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Batch;

// Purpose: the settlement window that payments fall into now, its cut-offs, and its close.
// Invariant: cut-offs are functions of the journal alone, exact to the payment: blocks may begin and end anywhere.
// All written by: settle thread.

public sealed class OpenBatch(LedgerState state)
{
    private Digest _lastStateHash;
    private ulong _firstSequence = 1;
    private ulong _openedNs;

    public ulong Number { get; private set; } = 1;

    /// <summary>Hash of the state at the last close; zero: nothing was closed.</summary>
    public Digest LastStateHash => _lastStateHash;

    /// <summary>Where the batch begins.</summary>
    public ulong FirstSequence => _firstSequence;

    /// <summary>What counts towards cut-offs: accepted payments, and payments that were under review when they are released.</summary>
    public ulong Count { get; private set; }

    /// <summary>All accepted payments: leaves of the tree.</summary>
    public ulong Accepted { get; private set; }

    /// <summary>Called at every close, on the settle thread, before the next payment is applied; must not wait.</summary>
    public Action<ClosedBatch>? Closed { get; set; }

    /// <summary>What accounts written in this batch carry: the number's low 32 bits.</summary>
    public uint Mark => (uint)Number;

    /// <summary>To be called before every write to an account: what was pending in a closed batch is available.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Roll(ref AccountRow account)
    {
        if (account.Batch != Mark)
        {
            account.Available += account.Pending;
            account.Pending = 0;
            account.Batch = Mark;
        }
    }

    /// <summary>An accepted issue or redemption: a leaf, but no step towards a cut-off.</summary>
    public void Note() => Accepted++;

    /// <summary>A cut-off by count or value is reached: the batch must close before the next payment.</summary>
    public bool IsFull { get; private set; }

    /// <summary>An accepted payment that counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteCounted(ref CurrencyRecord currency, ulong gross)
    {
        Accepted++;
        NoteReleased(ref currency, gross);
    }

    /// <summary>A payment that a reviewer released: it counts now, but was a leaf when it came.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteReleased(ref CurrencyRecord currency, ulong gross)
    {
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

    public void Save(SnapshotWriter writer)
    {
        writer.Write(in _lastStateHash);
        writer.Write<ulong>([Number, _firstSequence, _openedNs, Count, Accepted, IsFull ? 1UL : 0]);
    }

    public void Load(SnapshotReader reader)
    {
        _lastStateHash = reader.Read<Digest>();
        Number = reader.Read<ulong>();
        _firstSequence = reader.Read<ulong>();
        _openedNs = reader.Read<ulong>();
        Count = reader.Read<ulong>();
        Accepted = reader.Read<ulong>();
        ulong full = reader.Read<ulong>();
        reader.Expect(Number > 0 && full == 0, $"no batch of number {Number} can be open");
    }

    /// <summary>
    /// Hash of the state as it is, in the midst of a batch: what a close would hash, and every position. Walks the positions: for snapshots and tests.
    /// </summary>
    public Digest StateHashNow()
    {
        var open = new ClosedBatch
        {
            Number = Number,
            FirstSequence = _firstSequence,
            LastSequence = state.Sequence,
            OpenedNs = _openedNs,
            ClosedNs = state.TimeNs,
            Count = Count,
            Accepted = Accepted,
            Gross = [.. Enumerable.Range(1, state.Currencies.Count).Select(index => new GrossValue(state.Currencies[index].Number, state.Currencies[index].Gross))],
            Net = [],
            RulesHash = state.Rules?.Table.Hash ?? default,
        };
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Digest asIfClosed = StateHashOf(open);
        hash.AppendData(asIfClosed);
        for (int participant = 0; participant < state.Participants.Count; participant++)
        {
            for (int currency = 1; currency <= state.Currencies.Count; currency++)
            {
                ref PositionRow row = ref state.Positions.At((ushort)participant, (byte)currency);
                hash.AppendData(MemoryMarshal.AsBytes(new ReadOnlySpan<PositionRow>(in row)));
            }
        }

        return Digest.From(hash.GetHashAndReset());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Close(ulong lastSequence)
    {
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
        closed.StateHash = _lastStateHash = StateHashOf(closed);
        Number++;
        IsFull = false;
        Count = 0;
        Accepted = 0;
        _firstSequence = lastSequence + 1;
        Closed?.Invoke(closed);
    }

    /// <summary>
    /// SHA-256 over what the journal has decided up to here: accounts, control commands, ids, holds and refundables, chains, sums, outstanding by
    /// currency, the hash of the close before, and the batch's own numbers and positions (and so, from close to close,
    /// unsettled positions and what fees left over).
    /// </summary>
    private Digest StateHashOf(ClosedBatch closed)
    {
        byte[] statement = closed.Encode(); // root and state hash are still zero
        StateSum chains = state.Consent.ChainFold;
        // A ledger without chains has the hashes that it had before there were any.
        int chainBytes = chains == default ? 0 : 16;
        byte[] shares = new byte[chainBytes + (4 * 16) + SumTable.FoldBytes + (state.Currencies.Count * 16) + 32 + statement.Length];
        Span<byte> rest = shares;
        StateSum ids = state.Ids.State;
        foreach (UInt128 fold in (ReadOnlySpan<UInt128>)[state.Balances.Value, state.ControlFold, new(ids.High, ids.Low), state.Targets.Fold])
        {
            BinaryPrimitives.WriteUInt128LittleEndian(rest, fold);
            rest = rest[16..];
        }

        if (chainBytes > 0)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(rest, new UInt128(chains.High, chains.Low));
            rest = rest[chainBytes..];
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
        return Digest.From(SHA256.HashData(shares));
    }
}
