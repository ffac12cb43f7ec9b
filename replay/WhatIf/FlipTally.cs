using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.WhatIf;

/// <summary>By what flips are counted.</summary>
internal enum FlipDimension : byte
{
    /// <summary>All of them.</summary>
    Verdict = 0,

    /// <summary>Country of payer and of payee, and the currency.</summary>
    Corridor = 1,

    /// <summary>The payer's; for an issue the payee's.</summary>
    Participant = 2,

    /// <summary>Whole units: below 1, 1 to 10, 10 to 100 …</summary>
    Band = 3,

    /// <summary>What stood in the way: a rule, or a verdict.</summary>
    Cause = 4,
}

/// <summary>One line of a count.</summary>
/// <param name="Dimension">By what.</param>
/// <param name="First">Country, participant, digits of whole units, or rule.</param>
/// <param name="Second">Country of the payee; or the verdict that is the cause.</param>
/// <param name="InHypothesis">Of a cause: whether it is one of the other rules.</param>
internal readonly record struct FlipKey(
    FlipDimension Dimension, ushort First, ushort Second, bool InHypothesis, ushort Currency, Verdict From, Verdict To, bool IsPrimary);

internal sealed class FlipCount
{
    public long Count { get; set; }

    /// <summary>In the smallest unit.</summary>
    public UInt128 Value { get; set; }
}

/// <summary>A change of what a participant is owed by the payments of one actual batch.</summary>
internal readonly record struct PositionChange(ulong Batch, ushort Participant, ushort Currency, Int128 Change);

/// <summary>
/// Counts flips, and what they move between participants. Memory follows the corridors, participants and verdicts that flip, not the payments.
/// </summary>
/// <remarks>
/// Positions are compared by actual batch: a payment counts in the batch in which it was judged, whichever would have been open. Payments with the same verdict
/// move the same amount between the same participants, so flips alone make the difference; but for captures and refunds whose id names another payment there (where
/// several used it, and another one was accepted), and what reviewers release, which is compared command by command.
/// </remarks>
internal sealed class FlipTally(LedgerState state, int examplesMax)
{
    private readonly Dictionary<FlipKey, FlipCount> _counts = [];
    private readonly Dictionary<(Verdict, Verdict, bool), int> _shown = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), Int128> _batchChanges = [];
    private readonly Dictionary<(ushort Participant, ushort Currency), Int128> _changes = [];
    private uint _batch;

    public List<Flip> Examples { get; } = [];

    public long PrimaryCount { get; private set; }

    public long ConsequentialCount { get; private set; }

    /// <summary>Commands with another verdict.</summary>
    public Dictionary<(Instruction Instruction, Verdict From, Verdict To), long> Commands { get; } = [];

    /// <summary>Refused either way, by another rule.</summary>
    public long OtherRuleCount { get; set; }

    /// <summary>Actual batches in which some position would have been another.</summary>
    public long BatchesChanged { get; private set; }

    public BiggestList<PositionChange> PositionChanges { get; } = new(examplesMax, change => change.Currency, change => Int128.Abs(change.Change));

    public IEnumerable<(FlipKey Key, FlipCount Count)> Counts(FlipDimension dimension) =>
        _counts.Where(entry => entry.Key.Dimension == dimension).OrderByDescending(entry => entry.Key.IsPrimary).ThenByDescending(entry => entry.Value.Count)
            .ThenBy(entry => entry.Key.First).ThenBy(entry => entry.Key.Second).ThenBy(entry => entry.Key.Currency).ThenBy(entry => entry.Key.From).ThenBy(entry => entry.Key.To)
            .Select(entry => (entry.Key, entry.Value));

    /// <summary>By participant and currency, over all batches.</summary>
    public IEnumerable<(ushort Participant, ushort Currency, Int128 Change)> TotalChanges() =>
        _changes.Where(entry => entry.Value != 0).OrderBy(entry => entry.Key).Select(entry => (entry.Key.Participant, entry.Key.Currency, entry.Value));

    public void Add(in Flip flip)
    {
        if (flip.Cause.IsPrimary)
            PrimaryCount++;
        else
            ConsequentialCount++;
        int payer = state.Accounts.Find(flip.Parties.Payer), payee = state.Accounts.Find(flip.Parties.Payee);
        ushort source = payer == 0 ? (ushort)0 : state.Accounts[payer].Country, destination = payee == 0 ? (ushort)0 : state.Accounts[payee].Country;
        ushort participant = state.Accounts[payer != 0 ? payer : payee].Participant;
        Count(in flip, FlipDimension.Verdict, 0, 0);
        Count(in flip, FlipDimension.Corridor, source, destination);
        Count(in flip, FlipDimension.Participant, participant, 0);
        Count(in flip, FlipDimension.Band, BandOf(in flip), 0);
        Count(in flip, FlipDimension.Cause, flip.Cause.Rule, (ushort)flip.Cause.Verdict, flip.Cause.InHypothesis);
        if (payer != 0 && payee != 0)
            NotePositions(in flip, state.Accounts[payer].Participant, state.Accounts[payee].Participant);
        var pair = (flip.From, flip.To, flip.Cause.IsPrimary);
        int shown = _shown.GetValueOrDefault(pair);
        if (shown >= examplesMax)
            return;
        _shown[pair] = shown + 1;
        Examples.Add(flip);
    }

    /// <summary>Closes the count of the last batch.</summary>
    public void End() => EndBatch();

    private void Count(in Flip flip, FlipDimension dimension, ushort first, ushort second, bool inHypothesis = false)
    {
        var key = new FlipKey(dimension, first, second, inHypothesis, flip.Payment.Currency, flip.From, flip.To, flip.Cause.IsPrimary);
        if (!_counts.TryGetValue(key, out FlipCount? count))
            _counts[key] = count = new FlipCount();
        count.Count++;
        count.Value += flip.Payment.Amount;
    }

    /// <summary>Digits of the amount in whole units; 0: below one.</summary>
    private ushort BandOf(in Flip flip)
    {
        byte index = state.Currencies.IndexOf(flip.Payment.Currency);
        ulong whole = index == 0 ? 0 : flip.Payment.Amount / AmountText.UnitsPerWhole(state.Currencies[index].Scale);
        ushort digits = 0;
        for (; whole > 0; whole /= 10)
            digits++;
        return digits;
    }

    /// <summary>What the same block of commands moved in both ledgers: payments under review that were released.</summary>
    public void AddReleases(ReadOnlySpan<AccountMovement> moved, ReadOnlySpan<AccountMovement> wouldMove, LedgerState hypothetical)
    {
        foreach (ref readonly AccountMovement movement in moved)
            NoteRelease(state, in movement, (uint)movement.Batch, -1);
        foreach (ref readonly AccountMovement movement in wouldMove)
            NoteRelease(hypothetical, in movement, state.Batch.Mark, 1);
    }

    private void NoteRelease(LedgerState ledger, in AccountMovement movement, uint batch, int sign)
    {
        if (movement.Gain <= 0)
            return;
        ref readonly AccountRow payer = ref ledger.Accounts[movement.Other], payee = ref ledger.Accounts[movement.Account];
        if (payer.Participant == payee.Participant)
            return;
        BeginBatch(batch);
        Note(payer.Participant, ledger.Currencies[payer.CurrencyIndex].Number, -sign * movement.Gain);
        Note(payee.Participant, ledger.Currencies[payee.CurrencyIndex].Number, sign * movement.Gain);
    }

    /// <summary>A capture or refund that is accepted either way: what it is about may be another payment there.</summary>
    public void AddTargets(in Payment payment, Parties was, Parties would, uint batch)
    {
        if (was == would)
            return;
        BeginBatch(batch);
        NoteMove(in payment, ParticipantOf(was.Payer), ParticipantOf(was.Payee), -1);
        NoteMove(in payment, ParticipantOf(would.Payer), ParticipantOf(would.Payee), 1);
    }

    private ushort ParticipantOf(ulong wallet) => state.Accounts[state.Accounts.Find(wallet)].Participant;

    private void NotePositions(in Flip flip, ushort payer, ushort payee)
    {
        BeginBatch(flip.Actual.Batch);
        if (flip.From == Verdict.Accepted || flip.To == Verdict.Accepted)
            NoteMove(flip.Payment, payer, payee, flip.To == Verdict.Accepted ? 1 : -1);
    }

    private void NoteMove(in Payment payment, ushort payer, ushort payee, int sign)
    {
        bool moves = payment.Instruction is Instruction.Micropayment or Instruction.Immediate or Instruction.Capture or Instruction.Refund;
        if (!moves || payer == payee)
            return;
        (ushort giver, ushort taker) = payment.Instruction == Instruction.Refund ? (payee, payer) : (payer, payee);
        Note(giver, payment.Currency, -sign * (Int128)payment.Amount);
        Note(taker, payment.Currency, sign * (Int128)payment.Amount);
    }

    private void Note(ushort participant, ushort currency, Int128 change) =>
        _batchChanges[(participant, currency)] = _batchChanges.GetValueOrDefault((participant, currency)) + change;

    private void BeginBatch(uint batch)
    {
        if (batch == _batch)
            return;
        EndBatch();
        _batch = batch;
    }

    private void EndBatch()
    {
        bool changed = false;
        foreach (((ushort participant, ushort currency), Int128 change) in _batchChanges.OrderBy(entry => entry.Key))
        {
            if (change == 0)
                continue;
            changed = true;
            _changes[(participant, currency)] = _changes.GetValueOrDefault((participant, currency)) + change;
            PositionChanges.Add(new PositionChange(_batch, participant, currency, change));
        }

        _batchChanges.Clear();
        BatchesChanged += changed ? 1 : 0;
    }
}
