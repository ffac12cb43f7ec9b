using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Why a batch closed.</summary>
public enum ClosedBy
{
    Count,
    Value,
    Age,
    Command,
}

/// <summary>Positions, cut-offs, fees, closes.</summary>
public sealed partial class NaiveEngine
{
    private readonly List<NaiveBatch> _closed = [];
    private readonly List<ClosedBy> _closedBy = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), BigInteger> _unsettled = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), ulong> _caps = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), FeeRate> _fees = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), BigInteger> _feeCarries = [];
    private NaiveBatch _open = new(1);
    private int _unsettledBatches;

    private ulong _batchCount;
    private ulong _batchAgeNs;

    public ulong OpenBatch => _open.Number;

    /// <summary>The open batch, as far as it has come.</summary>
    public NaiveBatch OpenBatchSoFar => _open;

    public IReadOnlyList<NaiveBatch> ClosedBatches => _closed;

    /// <summary>Parallel to <see cref="ClosedBatches"/>.</summary>
    public IReadOnlyList<ClosedBy> ClosedBatchesBy => _closedBy;

    public BatchView Batch(ulong number)
    {
        ArgumentOutOfRangeException.ThrowIfZero(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, (ulong)_closed.Count);
        NaiveBatch batch = _closed[(int)number - 1];
        return new BatchView(batch.Number, batch.OpenedNs, batch.ClosedNs, batch.Count, batch.Gross, batch.Fees, batch.Net);
    }

    /// <summary>16.</summary>
    private bool CapWouldBeExceeded(ushort giver, ushort taker, ushort currency, ulong amount) =>
        giver != taker
        && _caps.TryGetValue((giver, currency), out ulong cap)
        && OpenPosition(giver, currency) + UnsettledPosition(giver, currency) - amount < -(BigInteger)cap;

    /// <summary>18., from "Close": no room to remember one more batch's positions.</summary>
    private bool UnsettledTableIsFull(NaiveWallet payer, NaiveWallet payee) =>
        payer.Participant != payee.Participant && _unsettledBatches >= Limits.UnsettledBatchesMax;

    /// <summary>After each accepted payment that counts.</summary>
    private void CloseByCountOrValue(in Payment payment, bool moves)
    {
        if (payment.Instruction is Instruction.Issue or Instruction.Redeem)
            return;
        CountAndClose(payment.Currency, moves && payment.Instruction is not (Instruction.Hold or Instruction.Void) ? payment.Amount : 0);
    }

    private void CountAndClose(ushort currency, ulong gross)
    {
        _open.Count++;
        if (_open.Count == 1)
            _open.OpenedNs = _now;
        if (gross != 0)
            Add(_open.Gross, currency, gross);

        ulong batchValue = Currency(currency)!.BatchValue;
        if (_batchCount != 0 && _open.Count >= _batchCount)
            Close(ClosedBy.Count);
        else if (batchValue != 0 && _open.Gross.GetValueOrDefault(currency) >= batchValue)
            Close(ClosedBy.Value);
    }

    private void Close(ClosedBy cause)
    {
        NaiveBatch batch = _open;
        batch.ClosedNs = _now;
        batch.SequenceAtClose = _sequenceNext - 1;
        foreach (NaiveAccount account in _creditedInOpenBatch)
        {
            account.Available += account.Pending;
            account.Pending = 0;
        }

        _creditedInOpenBatch.Clear();
        ChargeFees(batch);
        foreach (((ushort, ushort) key, BigInteger position) in batch.Positions)
            Add(_unsettled, key, position);
        _unsettledBatches++;
        _closed.Add(batch);
        _closedBy.Add(cause);
        _open = new NaiveBatch(batch.Number + 1) { SequenceBefore = batch.SequenceAtClose };
    }

    private void ChargeFees(NaiveBatch batch)
    {
        foreach (((ushort, ushort) key, BigInteger position) in batch.Positions)
            if (!position.IsZero)
                batch.Net.Add(key, position);

        for (ushort participant = 1; participant < _participants.Count; participant++)
            foreach (NaiveCurrency currency in _currencies)
            {
                (ushort, ushort) key = (participant, currency.Number);
                BigInteger position = batch.Positions.GetValueOrDefault(key);
                if (position.IsZero || !_fees.TryGetValue(key, out FeeRate rate))
                    continue;
                BigInteger due = BigInteger.Abs(position) * rate.BasisPoints + _feeCarries.GetValueOrDefault(key);
                BigInteger fee = due / 10_000 + rate.Fixed;
                _feeCarries[key] = due % 10_000;
                if (fee.IsZero)
                    continue;
                batch.Fees.Add(key, fee);
                Add(batch.Net, key, -fee);
                Add(batch.Net, (Limits.OperatorParticipant, currency.Number), fee);
            }

        foreach (((ushort, ushort) key, BigInteger net) in batch.Net.ToArray())
            if (net.IsZero)
                batch.Net.Remove(key);
    }

    private Verdict Settle(ulong number)
    {
        if (number == 0 || number > (ulong)_closed.Count)
            return Verdict.UnknownBatch;
        NaiveBatch batch = _closed[(int)number - 1];
        if (batch.IsSettled)
            return Verdict.Duplicate;
        batch.IsSettled = true;
        _unsettledBatches--;
        foreach (((ushort, ushort) key, BigInteger position) in batch.Positions)
            Add(_unsettled, key, -position);
        return Verdict.Accepted;
    }
}
