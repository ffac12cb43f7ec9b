using Settlement.Engine.Domain;

namespace Settlement.Engine.Ledger;

// Purpose: what becomes of a payment under review when a reviewer has decided: released, it does what its instruction would have done; refused, its
//   amount goes back to the payer. Who may decide is not asked here.
// Invariant: as in PaymentApply, what is taken from accounts is given to accounts. The payer's sums had the amount when the payment came, and keep it.
// All written by: settle thread.

internal sealed class ReviewApply(LedgerState state, PaymentLaw law, PaymentApply payments)
{
    /// <summary>The payment under review, or 0.</summary>
    /// <param name="participant">That of the session that sent it, if that is an operator's; else the payee's: as for a hold.</param>
    /// <param name="id">The payment's.</param>
    public int Find(ushort participant, UInt128 id) =>
        state.Targets.Find(participant, id) is var target && state.Targets[target].Kind == TargetKind.Review ? target : 0;

    /// <param name="target">Of <see cref="Find"/>, not 0.</param>
    /// <param name="releases">Else it is refused.</param>
    /// <param name="sequence">The last of the command that decides: a batch that the release fills ends there.</param>
    /// <returns><see cref="Verdict.Accepted"/>, or why it cannot be released now: then nothing has changed, and another decision may follow.</returns>
    public Verdict Decide(int target, bool releases, ulong sequence)
    {
        if (releases)
            return Release(target, sequence);
        payments.ReleaseHold(target, sequence);
        return Verdict.Accepted;
    }

    private Verdict Release(int target, ulong sequence)
    {
        TargetRecord review = state.Targets[target];
        if (law.ReleaseRefusal(in review) is var refusal and not Verdict.Undecided)
            return refusal;
        state.Targets.Remove(target);
        payments.CountDeclassified(review.Level, state.Accounts[review.PayerRow].Level, state.Accounts[review.PayeeRow].Level);
        TargetRecord record = review with { Instruction = default, Flags = default, Rule = 0, ValidUntilNs = 0, PendingBatch = 0 };
        if (review.Instruction == Instruction.Hold)
        {
            (record.Kind, record.ExpiryNs) = (TargetKind.Hold, review.ValidUntilNs);
            state.Targets.Add(in record);
            return Verdict.Accepted;
        }

        bool pends = review.Instruction == Instruction.Micropayment;
        Move(in review, sequence, pends);
        if ((review.Flags & PaymentFlags.Refundable) != 0)
            payments.KeepRefundable(record, pends);
        if (state.Batch.IsFull)
            state.Batch.Close(sequence);
        return Verdict.Accepted;
    }

    private void Move(in TargetRecord review, ulong sequence, bool pends)
    {
        ref AccountRow payer = ref state.Accounts[review.PayerRow];
        ref AccountRow payee = ref state.Accounts[review.PayeeRow];
        ulong amount = review.Remaining;
        ulong payerTotal = payer.Total;
        ulong payeeTotal = payee.Total;
        state.Batch.Roll(ref payer);
        state.Batch.Roll(ref payee);
        payer.Held -= amount;
        if (pends)
            payee.Pending += amount;
        else
            payee.Available += amount;
        state.Balances.Release(in payer, amount);
        state.Balances.Credit(in payee, amount);
        if (payer.Participant != payee.Participant)
            state.Positions.Move(payer.Participant, payee.Participant, payer.CurrencyIndex, amount);
        ref CurrencyRecord currency = ref state.Currencies[payer.CurrencyIndex];
        currency.BlockDrift += payer.Total + payee.Total - payerTotal - payeeTotal;
        payments.NoteMovement(sequence, review.Sequence, review.PayerRow, review.PayeeRow, held: 0 - amount);
        payments.NoteMovement(sequence, review.Sequence, review.PayeeRow, review.PayerRow, available: pends ? 0 : amount, pending: pends ? amount : 0);
        state.Batch.NoteReleased(ref currency, amount);
    }
}
