using System.Globalization;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>Which participant is meant: digits are its index, anything else is its name.</summary>
internal static class ParticipantChoice
{
    public static bool TryFind(LedgerState state, string text, out ushort participant)
    {
        if (text.Length > 0 && text.All(char.IsAsciiDigit))
            return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out participant) && state.Participants.Knows(participant);
        for (participant = 0; participant < state.Participants.Count; participant++)
        {
            if (state.Participants.NameOf(participant) == text)
                return true;
        }

        return false;
    }

    /// <exception cref="UsageException">There is none.</exception>
    public static ushort Find(LedgerState state, string text) => TryFind(state, text, out ushort participant)
        ? participant
        : throw new UsageException(
            $"There is no participant '{text}' up to sequence {state.Sequence}: a name or an index from 0 to {state.Participants.Count - 1} is expected.");
}

/// <summary>
/// A participant's settlement account with the operator, in each currency: the close of a batch brings its net position, the report that the
/// batch is settled takes it away. So the balance is what the participant is owed (credit) or owes (debit) of batches that are closed and not settled, in
/// the whole units that are settled for them.
/// </summary>
internal sealed class ParticipantAccount : IAccountSource
{
    public const string Scheme = "SETTLEMENT";

    private readonly string _participantText;
    private readonly RangePoint _start;
    private readonly bool _withSettlements;
    private readonly MovementSort _into;
    private readonly SettlementCarry _carry = new();
    private readonly Dictionary<ulong, List<SettlementPosition>> _unsettled = []; // by batch; looked up, never walked
    private readonly SortedDictionary<int, (Int128 Opening, Int128 Closing)> _balances = []; // by currency's index
    private ushort? _participant;
    private ulong _batches;
    private IsoLedger? _ledger;

    /// <param name="participant">A name or an index.</param>
    /// <param name="start">Movements behind it are taken; those before it make the opening balance.</param>
    /// <param name="withSettlements">Whether what is settled leaves the account; a notification is about closes alone.</param>
    /// <param name="into">Where movements go.</param>
    public ParticipantAccount(string participant, RangePoint start, bool withSettlements, MovementSort into) =>
        (_participantText, _start, _withSettlements, _into) = (participant, start, withSettlements, into);

    public IReadOnlyList<int>? Stated => _withSettlements ? [.. _balances.Keys] : null;

    /// <summary>Takes the block that the walk has just applied. The walk must begin with the ledger.</summary>
    public void Take(JournalWalk walk)
    {
        foreach (ClosedBatch batch in walk.ClosedNow)
            TakeClose(walk.State, batch);
        if (!_withSettlements)
            return;
        foreach ((ulong batch, ulong sequence) in SettledReports.In(walk))
            TakeSettled(walk.State, batch, sequence, walk.Header.TimeNs);
    }

    /// <summary>To be called when the walk is at its end.</summary>
    /// <exception cref="UsageException">There is no such participant, or it has had no position.</exception>
    public void End(IsoLedger ledger, LedgerState state)
    {
        _ledger = ledger;
        _participant = ParticipantChoice.Find(state, _participantText);
        if (_balances.Count == 0)
            throw new UsageException($"Participant {_participantText} has no position in any batch closed up to sequence {state.Sequence}.");
    }

    public AccountFacts FactsOf(int account)
    {
        (Int128 opening, Int128 closing) = _balances[account];
        ushort participant = _participant!.Value;
        return new AccountFacts
        {
            Account = account,
            Key = "participant-" + IsoText.Number(participant),
            Id = IsoText.Number(participant),
            Scheme = Scheme,
            Owner = participant,
            Servicer = Limits.OperatorParticipant,
            Currency = _ledger!.Currency(account),
            Opening = opening,
            Closing = closing,
            Available = closing,
        };
    }

    private void TakeClose(LedgerState state, ClosedBatch batch)
    {
        if (batch.Number != ++_batches)
        {
            throw new JournalException(
                $"The journal holds nothing of batches {_batches} to {batch.Number - 1}: a settlement account's balance follows from all of them. "
                + "Export from an archive that begins with the ledger.");
        }

        List<SettlementPosition> positions = _carry.Settle(batch, state.Currencies);
        if (_participant is null && ParticipantChoice.TryFind(state, _participantText, out ushort found))
            _participant = found;
        positions.RemoveAll(position => position.Participant != _participant || position.Units == 0);
        if (positions.Count == 0)
            return;
        if (_withSettlements)
            _unsettled.Add(batch.Number, positions);
        bool inRange = batch.Number >= _start.Batch;
        var movement = new Movement { Batch = (uint)batch.Number, Sequence = batch.LastSequence, TimeNs = batch.ClosedNs, Instruction = Instruction.CloseBatch };
        foreach (SettlementPosition position in positions)
            Move(state, in position, position.Units, movement, inRange);
    }

    private void TakeSettled(LedgerState state, ulong batch, ulong sequence, ulong timeNs)
    {
        if (!_unsettled.Remove(batch, out List<SettlementPosition>? positions))
            return;
        bool inRange = sequence > _start.Sequence;
        var movement = new Movement { Batch = (uint)batch, Sequence = sequence, TimeNs = timeNs, Instruction = Instruction.SettledBatch };
        foreach (SettlementPosition position in positions)
            Move(state, in position, -position.Units, movement, inRange);
    }

    /// <summary>Moves the balance of the position's currency; what lies in the range is a movement, too.</summary>
    private void Move(LedgerState state, in SettlementPosition position, Int128 units, Movement movement, bool inRange)
    {
        int account = state.Currencies.IndexOf(position.Currency);
        Int128 amount = units * new IsoCurrency(in state.Currencies[account]).Unit;
        (Int128 opening, Int128 closing) = _balances.GetValueOrDefault(account);
        _balances[account] = (inRange ? opening : opening + amount, closing + amount);
        if (!inRange)
            return;
        var fee = (UInt128)position.Fee;
        movement.Account = account;
        movement.Amount = (UInt128)Int128.Abs(amount);
        movement.Marks = amount > 0 ? MovementMarks.Credit : MovementMarks.None;
        movement.CounterpartyParticipant = Limits.OperatorParticipant;
        (movement.TargetHigh, movement.Reference) = ((ulong)(fee >> 64), (ulong)fee);
        _into.Add(in movement);
    }
}
