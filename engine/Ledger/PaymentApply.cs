using System.Runtime.CompilerServices;
using Settlement.Engine.Consent;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Ledger;

// Purpose: the last pass, in order: what depends on earlier payments of the block (repeats, sums, targets, balances, caps, cut-offs)
//   is judged here, and what is accepted takes effect.
// Invariant: per currency, what a block takes from accounts it gives to accounts, but for issues and redemptions.
// All written by: settle thread.

internal sealed class PaymentApply(LedgerState state, PaymentLaw law, ConsentLaw consent)
{
    public void Apply(ReadOnlySpan<Payment> payments, ulong firstSequence, PaymentColumns columns, Span<Outcome> outcomes)
    {
        for (int i = 0; i < payments.Length; i++)
        {
            ref readonly Payment payment = ref payments[i];
            ref Outcome outcome = ref outcomes[i];
            outcome = new Outcome { Batch = (uint)state.Batch.Number };
            Verdict verdict = columns.Verdicts[i];
            if (verdict != Verdict.Undecided)
                CompleteRefusal(i, columns, ref outcome, verdict);
            else if (payment.Instruction <= Instruction.Immediate)
                verdict = ApplyTransfer(in payment, i, firstSequence + (ulong)i, columns, ref outcome);
            else
                verdict = ApplyOther(in payment, i, firstSequence + (ulong)i, columns, ref outcome);
            outcome.Verdict = columns.Verdicts[i] = verdict;
            if (state.Batch.IsFull)
                CloseBatch(i, firstSequence + (ulong)i, columns);
        }

        state.Ids.Decide(columns.Verdicts.AsSpan(0, payments.Length));
    }

    /// <summary>A repeat learns its first verdict, which an earlier payment of this chunk may just have been given.</summary>
    private static void CompleteRefusal(int i, PaymentColumns columns, ref Outcome outcome, Verdict verdict)
    {
        if (verdict is Verdict.Duplicate or Verdict.IdConflict)
            outcome.First = columns.Firsts[i] != Verdict.Undecided ? columns.Firsts[i] : columns.Verdicts[columns.Earlier[i]];
        if (verdict == Verdict.DeniedByRule)
            outcome.Rule = columns.DeniedBy[i];
    }

    /// <summary>The ids decided so far enter the state hash of the batch that this payment ends.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CloseBatch(int i, ulong sequence, PaymentColumns columns)
    {
        state.Ids.Decide(columns.Verdicts.AsSpan(0, i + 1));
        state.Batch.Close(sequence);
    }

    /// <summary>Micropayment and immediate, judged clean by the passes: steps 13 to 18 and the effect.</summary>
    private Verdict ApplyTransfer(in Payment payment, int i, ulong sequence, PaymentColumns columns, ref Outcome outcome)
    {
        int payerRow = columns.PayerRows[i];
        int payeeRow = columns.PayeeRows[i];
        ref AccountRow payer = ref state.Accounts[payerRow];
        ref AccountRow payee = ref state.Accounts[payeeRow];
        ulong amount = payment.Amount;
        state.Batch.Roll(ref payer);
        bool crosses = payer.Participant != payee.Participant;
        bool countsSums = state.CountsSums;
        bool refundable = (payment.Flags & PaymentFlags.Refundable) != 0;
        ulong payerTotal = payer.Total;
        ulong payeeTotal = payee.Total;
        ushort review = ReviewOf(i, columns);
        if (!payer.IsCustodial && consent.IsAboveCeiling(in payment, in payer))
            return Verdict.ConsentExceeded;
        if (countsSums && LimitRefusal(in payer, i, columns, ref outcome, ref review))
            return Verdict.LimitExceeded;
        if (review != 0)
            return Hold(in payment, i, sequence, columns, review, ref outcome);
        if (refundable && state.Targets.Find(KeyParticipant(in payment, in payee), payment.Id) != 0)
            return Verdict.TargetTaken;
        if (payer.Available < amount)
            return Verdict.InsufficientFunds;
        if (crosses && !state.Positions.IsWithinCap(payer.Participant, payer.CurrencyIndex, amount))
            return Verdict.CapExceeded;
        if (payeeTotal + amount < payeeTotal)
            return PaymentLaw.Hide(payee.Level > columns.Labels.Session[i], Verdict.Overflow);
        if ((crosses && state.Positions.IsFull) || (refundable && state.Targets.IsFull) || (countsSums && !TakeSumRow(ref payer)))
            return Verdict.TableFull;

        state.Batch.Roll(ref payee);
        payer.Available -= amount;
        state.Balances.Debit(in payer, amount);
        state.Balances.Credit(in payee, amount);
        bool pends = payment.Instruction == Instruction.Micropayment;
        if (pends)
            payee.Pending += amount;
        else
            payee.Available += amount;
        if (crosses)
            state.Positions.Move(payer.Participant, payee.Participant, payer.CurrencyIndex, amount);
        if (countsSums)
            AddToSums(in payer, amount);
        if (refundable)
            KeepRefundable(in payment, payerRow, payeeRow, sequence, pends, payment.Level);
        if (!payer.IsCustodial)
            consent.Spend(in payment, in payer);
        CountDeclassified(payment.Level, payer.Level, payee.Level);
        outcome.Available = BalanceFor(i, columns, in payer);
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift += payer.Total + payee.Total - payerTotal - payeeTotal;
        if (state.Movements is not null)
            NoteTransfer(sequence, payerRow, payeeRow, amount, pends);
        state.Batch.NoteCounted(ref currency, amount);
        return Verdict.Accepted;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Verdict ApplyOther(in Payment payment, int i, ulong sequence, PaymentColumns columns, ref Outcome outcome) =>
        payment.Instruction switch
        {
            Instruction.Hold => ApplyHold(in payment, i, sequence, columns, ref outcome),
            Instruction.Issue => ApplyIssue(in payment, sequence, ref outcome),
            Instruction.Redeem => ApplyRedeem(in payment, sequence, ref outcome),
            Instruction.Capture => ApplyCapture(in payment, sequence, ref outcome),
            Instruction.Void => ApplyVoid(in payment, sequence, ref outcome),
            Instruction.Refund => ApplyRefund(in payment, sequence, ref outcome),
            _ => throw new LedgerBrokenException($"instruction {payment.Instruction} passed the shape check"),
        };

    private Verdict ApplyHold(in Payment payment, int i, ulong sequence, PaymentColumns columns, ref Outcome outcome)
    {
        int payerRow = columns.PayerRows[i];
        int payeeRow = columns.PayeeRows[i];
        ref AccountRow payer = ref state.Accounts[payerRow];
        ref AccountRow payee = ref state.Accounts[payeeRow];
        state.Batch.Roll(ref payer);
        ushort review = ReviewOf(i, columns);
        if (!payer.IsCustodial && consent.IsAboveCeiling(in payment, in payer))
            return Verdict.ConsentExceeded;
        return state.Rules is { HasSums: true } && LimitRefusal(in payer, i, columns, ref outcome, ref review)
            ? Verdict.LimitExceeded
            : Hold(in payment, i, sequence, columns, review, ref outcome);
    }

    /// <summary>Steps 14, 15, 18 and the effect, of a hold and of whatever goes to review, by this rule (0: none).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Verdict Hold(in Payment payment, int i, ulong sequence, PaymentColumns columns, ushort review, ref Outcome outcome)
    {
        int payerRow = columns.PayerRows[i];
        int payeeRow = columns.PayeeRows[i];
        ref AccountRow payer = ref state.Accounts[payerRow];
        ref AccountRow payee = ref state.Accounts[payeeRow];
        bool countsSums = state.CountsSums;
        if (state.Targets.Find(KeyParticipant(in payment, in payee), payment.Id) != 0)
            return Verdict.TargetTaken;
        if (payer.Available < payment.Amount)
            return Verdict.InsufficientFunds;
        if (state.Targets.IsFull || (countsSums && !TakeSumRow(ref payer)))
            return Verdict.TableFull;
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift -= payer.Total;
        payer.Available -= payment.Amount;
        payer.Held += payment.Amount;
        state.Balances.Debit(in payer, payment.Amount);
        state.Balances.Hold(in payer, payment.Amount);
        currency.BlockDrift += payer.Total;
        if (countsSums)
            AddToSums(in payer, payment.Amount);
        TargetRecord record = RecordOf(in payment, payerRow, payeeRow, sequence, payment.Level);
        if (review == 0)
            (record.Kind, record.ExpiryNs) = (TargetKind.Hold, payment.ValidUntilNs);
        else
            PutUnderReview(ref record, in payment, review);
        state.Targets.Add(in record);
        if (!payer.IsCustodial)
            consent.Spend(in payment, in payer);
        CountDeclassified(payment.Level, payer.Level, payee.Level);
        outcome.Available = BalanceFor(i, columns, in payer);
        NoteMovement(sequence, sequence, payerRow, payeeRow, available: 0 - payment.Amount, held: payment.Amount);
        state.Batch.NoteCounted(ref currency, 0);
        if (review == 0)
            return Verdict.Accepted;
        outcome.Rule = payee.Level > columns.Labels.Session[i] ? (ushort)0 : review;
        return Verdict.UnderReview;
    }

    /// <summary>Gives the record all that a release needs, and the rule's time where `valid until` is not before it.</summary>
    private void PutUnderReview(ref TargetRecord record, in Payment payment, ushort rule)
    {
        ulong expiryNs = Later(state.Rules!.HoldNsOf(rule));
        record.Kind = TargetKind.Review;
        record.ExpiryNs = payment.ValidUntilNs == 0 ? expiryNs : Math.Min(payment.ValidUntilNs, expiryNs);
        record.ValidUntilNs = payment.ValidUntilNs;
        record.Instruction = payment.Instruction;
        record.Flags = payment.Flags;
        record.Rule = rule;
        record.Law = state.Laws.NumberOf(rule);
    }

    private Verdict ApplyIssue(in Payment payment, ulong sequence, ref Outcome outcome)
    {
        bool opens = (payment.Flags & PaymentFlags.Opening) != 0;
        uint fingerprint = Fingerprint.Of(in payment) | AccountRow.OpenedMark;
        if (opens && IsRepeatedOpening(in payment, fingerprint, ref outcome) is var repeated and not Verdict.Undecided)
            return repeated;
        if (law.IssueRefusal(in payment, out int row) is var refusal and not Verdict.Undecided)
            return refusal;
        ref AccountRow payee = ref state.Accounts[row];
        ulong total = payee.Total;
        if (total + payment.Amount < total)
            return PaymentLaw.Hide(payee.Level > state.Sessions.At(payment.Session).Clearance, Verdict.Overflow);
        state.Batch.Roll(ref payee);
        payee.Available += payment.Amount;
        state.Balances.Credit(in payee, payment.Amount);
        if (opens)
        {
            payee.Opening = fingerprint;
            state.Balances.Opened(in payee);
        }

        ref CurrencyRecord currency = ref state.Currencies[payee.CurrencyIndex];
        currency.Outstanding += payment.Amount;
        currency.BlockDrift += payee.Total - total - payment.Amount;
        CountDeclassified(payment.Level, 0, payee.Level);
        outcome.Available = BalanceFor(in payment, in payee);
        NoteMovement(sequence, sequence, row, 0, available: payment.Amount);
        state.Batch.Note();
        return Verdict.Accepted;
    }

    private Verdict IsRepeatedOpening(in Payment payment, uint fingerprint, ref Outcome outcome)
    {
        int row = state.Accounts.InCurrency(state.Accounts.Find(payment.Payee), state.Currencies.IndexOf(payment.Currency));
        if (row == 0 || state.Accounts[row].Opening == 0)
            return Verdict.Undecided;
        outcome.First = Verdict.Accepted;
        return state.Accounts[row].Opening == fingerprint ? Verdict.Duplicate : Verdict.IdConflict;
    }

    private Verdict ApplyRedeem(in Payment payment, ulong sequence, ref Outcome outcome)
    {
        if (law.RedeemRefusal(in payment, out int row) is var refusal and not Verdict.Undecided)
            return refusal;
        ref AccountRow payer = ref state.Accounts[row];
        state.Batch.Roll(ref payer);
        if (payer.Available < payment.Amount)
            return Verdict.InsufficientFunds;
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift -= payer.Total;
        payer.Available -= payment.Amount;
        state.Balances.Debit(in payer, payment.Amount);
        currency.Outstanding -= payment.Amount;
        currency.BlockDrift += payer.Total + payment.Amount;
        outcome.Available = BalanceFor(in payment, in payer);
        NoteMovement(sequence, sequence, row, 0, available: 0 - payment.Amount);
        state.Batch.Note();
        return Verdict.Accepted;
    }

    private Verdict ApplyCapture(in Payment payment, ulong sequence, ref Outcome outcome)
    {
        if (law.TargetedRefusal(in payment, out int target, out ushort rule) is var refusal and not Verdict.Undecided)
        {
            outcome.Rule = rule;
            return refusal;
        }

        TargetRecord hold = state.Targets[target];
        ref AccountRow payer = ref state.Accounts[hold.PayerRow];
        ref AccountRow payee = ref state.Accounts[hold.PayeeRow];
        ulong amount = payment.Amount;
        bool crosses = payer.Participant != payee.Participant;
        bool refundable = (payment.Flags & PaymentFlags.Refundable) != 0;
        ulong payerTotal = payer.Total;
        ulong payeeTotal = payee.Total;
        bool hidden = payee.Level > state.Sessions.At(payment.Session).Clearance;
        if (refundable && state.Targets.Find(KeyParticipant(in payment, in payee), payment.Id) != 0)
            return PaymentLaw.Hide(hidden, Verdict.TargetTaken);
        if (crosses && !state.Positions.IsWithinCap(payer.Participant, payer.CurrencyIndex, amount))
            return PaymentLaw.Hide(hidden, Verdict.CapExceeded);
        if (payeeTotal + amount < payeeTotal)
            return PaymentLaw.Hide(hidden, Verdict.Overflow);
        if ((crosses && state.Positions.IsFull) || (refundable && state.Targets.IsFull))
            return Verdict.TableFull;

        state.Batch.Roll(ref payer);
        state.Batch.Roll(ref payee);
        payer.Held -= hold.Remaining;
        payer.Available += hold.Remaining - amount;
        payee.Pending += amount;
        state.Balances.Release(in payer, hold.Remaining);
        state.Balances.Credit(in payer, hold.Remaining - amount);
        state.Balances.Credit(in payee, amount);
        state.Targets.Remove(target);
        if (crosses)
            state.Positions.Move(payer.Participant, payee.Participant, payer.CurrencyIndex, amount);
        if (refundable)
            KeepRefundable(RecordOf(in payment, hold.PayerRow, hold.PayeeRow, sequence, Math.Max(hold.Level, payment.Level)) with { Purpose = hold.Purpose }, pends: true);
        CountDeclassified(Math.Max(hold.Level, payment.Level), payer.Level, payee.Level);
        outcome.Available = BalanceFor(in payment, in payer);
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift += payer.Total + payee.Total - payerTotal - payeeTotal;
        NoteMovement(sequence, sequence, hold.PayerRow, hold.PayeeRow, available: hold.Remaining - amount, held: 0 - hold.Remaining);
        NoteMovement(sequence, sequence, hold.PayeeRow, hold.PayerRow, pending: amount);
        state.Batch.NoteCounted(ref currency, amount);
        return Verdict.Accepted;
    }

    private Verdict ApplyVoid(in Payment payment, ulong sequence, ref Outcome outcome)
    {
        if (law.TargetedRefusal(in payment, out int target, out ushort rule) is var refusal and not Verdict.Undecided)
        {
            outcome.Rule = rule;
            return refusal;
        }

        int payerRow = state.Targets[target].PayerRow;
        ReleaseHold(target, sequence, sequence);
        outcome.Available = BalanceFor(in payment, in state.Accounts[payerRow]);
        state.Batch.NoteCounted(ref state.Currencies[state.Accounts[payerRow].CurrencyIndex], 0);
        return Verdict.Accepted;
    }

    private Verdict ApplyRefund(in Payment payment, ulong sequence, ref Outcome outcome)
    {
        if (law.TargetedRefusal(in payment, out int target, out ushort rule) is var refusal and not Verdict.Undecided)
        {
            outcome.Rule = rule;
            return refusal;
        }

        ref readonly TargetRecord record = ref state.Targets[target];
        int payerRow = record.PayerRow;
        int payeeRow = record.PayeeRow;
        ref AccountRow payer = ref state.Accounts[payerRow];
        ref AccountRow payee = ref state.Accounts[payeeRow];
        bool wasPending = record.PendingBatch != 0;
        ulong amount = payment.Amount;
        bool hidden = payee.Level > state.Sessions.At(payment.Session).Clearance;
        bool crosses = payer.Participant != payee.Participant;
        state.Batch.Roll(ref payee);
        ulong fromPending = record.PendingBatch == state.Batch.Mark ? Math.Min(payee.Pending, amount) : 0;
        ulong payerTotal = payer.Total;
        ulong payeeTotal = payee.Total;
        if (payee.Available < amount - fromPending)
            return PaymentLaw.Hide(hidden, Verdict.InsufficientFunds);
        if (crosses && !state.Positions.IsWithinCap(payee.Participant, payee.CurrencyIndex, amount))
            return PaymentLaw.Hide(hidden, Verdict.CapExceeded);
        if (payerTotal + amount < payerTotal)
            return PaymentLaw.Hide(hidden, Verdict.Overflow);
        if (crosses && state.Positions.IsFull)
            return Verdict.TableFull;

        state.Batch.Roll(ref payer);
        payee.Pending -= fromPending;
        payee.Available -= amount - fromPending;
        state.Balances.Debit(in payee, amount);
        state.Balances.Credit(in payer, amount);
        if (wasPending)
            payer.Pending += amount;
        else
            payer.Available += amount;
        state.Targets.Reduce(target, amount);
        if (crosses)
            state.Positions.Move(payee.Participant, payer.Participant, payee.CurrencyIndex, amount);
        CountDeclassified(Math.Max(record.Level, payment.Level), payer.Level, payee.Level);
        outcome.Available = BalanceFor(in payment, in payee);
        ref CurrencyRecord currency = ref state.Currencies[payee.CurrencyIndex];
        currency.BlockDrift += payer.Total + payee.Total - payerTotal - payeeTotal;
        NoteMovement(sequence, sequence, payeeRow, payerRow, available: fromPending - amount, pending: 0 - fromPending);
        NoteMovement(sequence, sequence, payerRow, payeeRow, available: wasPending ? 0 : amount, pending: wasPending ? amount : 0);
        state.Batch.NoteCounted(ref currency, amount);
        return Verdict.Accepted;
    }

    /// <summary>Gives the amount of an expired hold, or of a refused or expired review, back to its payer and forgets it.</summary>
    /// <param name="target">The hold or review.</param>
    /// <param name="sequence">The one that comes next; for a refusal, the command's.</param>
    public void ReleaseHold(int target, ulong sequence) => ReleaseHold(target, sequence, state.Targets[target].Sequence);

    private void ReleaseHold(int target, ulong sequence, ulong payment)
    {
        ref readonly TargetRecord hold = ref state.Targets[target];
        ref AccountRow payer = ref state.Accounts[hold.PayerRow];
        state.Batch.Roll(ref payer);
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift -= payer.Total;
        payer.Held -= hold.Remaining;
        payer.Available += hold.Remaining;
        state.Balances.Release(in payer, hold.Remaining);
        state.Balances.Credit(in payer, hold.Remaining);
        currency.BlockDrift += payer.Total;
        NoteMovement(sequence, payment, hold.PayerRow, hold.PayeeRow, available: hold.Remaining, held: 0 - hold.Remaining);
        state.Targets.Remove(target);
    }

    /// <summary>The payer's balance, where it is the session's to know. That its level is not above the session, the labels have seen to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BalanceFor(int i, PaymentColumns columns, in AccountRow payer) =>
        columns.OperatorMasks[i] != 0 | columns.Participants[i] == payer.Participant ? payer.Available : 0;

    /// <summary>The account's balance, where it is the session's to know: of its own participant, or an operator's, and not above it.</summary>
    private ulong BalanceFor(in Payment payment, in AccountRow account)
    {
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        return (session.IsOperator || session.Participant == account.Participant) && account.Level <= session.Clearance ? account.Available : 0;
    }

    private ushort KeyParticipant(in Payment payment, in AccountRow payee)
    {
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        return session.IsOperator ? session.Participant : payee.Participant;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void KeepRefundable(in Payment payment, int payerRow, int payeeRow, ulong sequence, bool pends, byte level) =>
        KeepRefundable(RecordOf(in payment, payerRow, payeeRow, sequence, level), pends);

    /// <summary>Keeps a payment that may be refunded; the record says which, between whom and how much.</summary>
    public void KeepRefundable(TargetRecord record, bool pends)
    {
        record.Kind = TargetKind.Refundable;
        record.ExpiryNs = Later(state.Settings.RefundLifetimeNs);
        record.PendingBatch = pends ? state.Batch.Mark : 0;
        state.Targets.Add(in record);
    }

    private TargetRecord RecordOf(in Payment payment, int payerRow, int payeeRow, ulong sequence, byte level) => new()
    {
        IdLow = payment.IdLow,
        IdHigh = payment.IdHigh,
        Participant = KeyParticipant(in payment, in state.Accounts[payeeRow]),
        PayerRow = payerRow,
        PayeeRow = payeeRow,
        Remaining = payment.Amount,
        Sequence = sequence,
        Currency = payment.Currency,
        Level = level,
        Purpose = payment.Purpose,
    };

    /// <summary>So long after the block's time; the end of time if it is behind that.</summary>
    private ulong Later(ulong ns) => ulong.MaxValue - state.TimeNs < ns ? ulong.MaxValue : state.TimeNs + ns;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void NoteTransfer(ulong sequence, int payerRow, int payeeRow, ulong amount, bool pends)
    {
        NoteMovement(sequence, sequence, payerRow, payeeRow, available: 0 - amount);
        NoteMovement(sequence, sequence, payeeRow, payerRow, available: pends ? 0 : amount, pending: pends ? amount : 0);
    }

    public void NoteMovement(ulong sequence, ulong payment, int row, int other, ulong available = 0, ulong pending = 0, ulong held = 0) =>
        state.Movements?.Add(state, sequence, payment, row, other, available, pending, held);

    /// <summary>Data above the payee's level went there: only a session trusted for it gets so far (exit 4 of the security model).</summary>
    public void CountDeclassified(byte level, byte payerLevel, byte payeeLevel)
    {
        if (Math.Max(payerLevel, level) > payeeLevel)
            state.DeclassifiedCount++;
    }

    /// <summary>The lowest review that bites whatever was paid before; 0: none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ushort ReviewOf(int i, PaymentColumns columns) => state.Rules is { HasReviews: true } ? columns.ReviewedBy[i] : (ushort)0;

    /// <summary>Asks the payer's sums: whether a limit refuses; if none does, whether a lower review than the one known bites.</summary>
    private bool LimitRefusal(in AccountRow payer, int i, PaymentColumns columns, ref Outcome outcome, ref ushort review)
    {
        if (state.Rules is not { HasSums: true } rules)
            return false; // sums count for rules to come alone
        ulong mask = rules.HasMaskedLimits ? columns.LimitMasks[i] : 0;
        int row = payer.SumRow != 0 || payer.Holder == 0 ? payer.SumRow : state.Sums.RowOf(payer.Holder, columns.Currencies[i]);
        outcome.Rule = rules.FirstLimitExceeded(columns.LimitRows[i], mask, columns.Currencies[i], payer.Tier, columns.Amounts[i], state.Sums, row, state.TimeNs);
        if (outcome.Rule != 0)
            return true;
        if (rules.HasReviewLimits)
            review = LowerReview(review, rules.FirstReviewLimitExceeded(
                columns.LimitRows[i], mask, columns.Currencies[i], payer.Tier, columns.Amounts[i], state.Sums, row, state.TimeNs));
        return false;
    }

    private static ushort LowerReview(ushort known, ushort other) => known == 0 || (other != 0 && other < known) ? other : known;

    /// <summary>Finds or takes the row of sums that the payer needs under the rules in force or to come. False: there is no room.</summary>
    private bool TakeSumRow(ref AccountRow payer)
    {
        ushort currency = state.Currencies[payer.CurrencyIndex].Number;
        if (payer.SumRow == 0 && state.NeedsSums(payer.Country, currency))
        {
            payer.SumRow = payer.Holder == 0 ? state.Sums.Take() : state.Sums.TakeFor(payer.Holder, currency);
            return payer.SumRow != 0;
        }

        return true;
    }

    private void AddToSums(in AccountRow payer, ulong amount)
    {
        if (state.NeedsSums(payer.Country, state.Currencies[payer.CurrencyIndex].Number))
            state.Sums.Add(payer.SumRow, amount, state.TimeNs);
    }
}
