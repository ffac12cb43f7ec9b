using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>
/// The payments of a walk as rows: <see cref="BeginBlock"/> after every block, then <see cref="Next"/> until it is false. The walk must come from
/// genesis, or <see cref="BeginBehind"/> was called, and no block may be left out: parties of holds are learnt on the way.
/// </summary>
internal sealed class PaymentRows(JournalWalk walk)
{
    private TargetParties? _targets;
    private int _slot;
    private int _slots;

    /// <summary>The rows begin behind the block that the walk applied last: what is open there is learnt from the ledger.</summary>
    public void BeginBehind() => _targets = TargetParties.Behind(walk.State);

    /// <summary>The block that the walk applied last.</summary>
    public void BeginBlock()
    {
        (_slot, _slots) = (0, walk.Header.Kind == BlockKind.Payments ? walk.Slots.Length : 0);
        _targets ??= new TargetParties(walk.State);
        _targets.Forget();
    }

    /// <summary>Learns from the block's payments in front of a sequence, and leaves them out.</summary>
    public void SkipTo(ulong sequence)
    {
        for (; _slot < _slots && walk.Header.FirstSequence + (ulong)_slot < sequence; _slot++)
            PartiesOf(in walk.Slots[_slot], walk.Outcomes[_slot].Verdict.IsAccepted());
    }

    /// <summary>The block's next payment; false: there is none left.</summary>
    public bool Next(out PaymentRow row)
    {
        if (_slot == _slots)
        {
            row = default;
            return false;
        }

        row = RowOf(in walk.Slots[_slot], in walk.Outcomes[_slot], walk.Header.FirstSequence + (ulong)_slot);
        _slot++;
        return true;
    }

    private PaymentRow RowOf(in Payment payment, in Outcome outcome, ulong sequence)
    {
        LedgerState state = walk.State;
        bool isAccepted = outcome.Verdict.IsAccepted();
        (ulong payer, ulong payee, string? target) = PartiesOf(in payment, isAccepted);
        byte index = state.Currencies.IndexOf(payment.Currency);
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        return new PaymentRow
        {
            Sequence = sequence,
            Block = walk.Header.Number,
            TimeNs = walk.Header.TimeNs,
            Id = PaymentIdText.Format(in payment),
            Payer = payer == 0 ? null : payer,
            PayerParticipant = ParticipantOf(payer),
            Payee = payee == 0 ? null : payee,
            PayeeParticipant = ParticipantOf(payee),
            Amount = payment.Amount,
            Scale = index != 0 ? state.Currencies[index].Scale : Iso4217.ScaleOf(payment.Currency),
            Currency = CurrencyNames.Of(payment.Currency),
            Instruction = NameText<Instruction>.Of(payment.Instruction),
            Purpose = NameText<Purpose>.Of(payment.Purpose),
            Level = payment.Level,
            Reference = HasTarget(in payment) ? null : payment.Reference,
            Target = target,
            IsRefundable = (payment.Flags & PaymentFlags.Refundable) != 0,
            IsOpening = (payment.Flags & PaymentFlags.Opening) != 0,
            ValidUntilNs = payment.ValidUntilNs == 0 ? null : payment.ValidUntilNs,
            Session = payment.Session,
            SessionParticipant = session.IsOpen ? state.Participants.NameOf(session.Participant) : null,
            Verdict = VerdictText.NameOf(outcome.Verdict),
            FirstVerdict = outcome.First == Verdict.Undecided ? null : VerdictText.NameOf(outcome.First),
            Rule = outcome.Rule == 0 ? null : outcome.Rule,
            Batch = isAccepted ? BatchOf(in outcome) : null,
            AvailableAfter = isAccepted ? outcome.Available : null,
        };
    }

    /// <summary>The wallets that a payment is between, and the target's id as text.</summary>
    private (ulong Payer, ulong Payee, string? Target) PartiesOf(in Payment payment, bool isAccepted)
    {
        if (!HasTarget(in payment))
        {
            if (isAccepted)
                _targets!.Learn(in payment, payment.Payer, payment.Payee);
            return (payment.Payer, payment.Payee, null);
        }

        if (!isAccepted)
            return (0, 0, PaymentIdText.Format(payment.Payee, payment.Reference, !TargetParties.IsUuid(payment.Reference)));
        TargetParty party = _targets!.Of(in payment);
        _targets.Learn(in payment, party.Payer, party.Payee);
        return (party.Payer, party.Payee, PaymentIdText.Format(payment.Payee, payment.Reference, party.HasStreamId));
    }

    private static bool HasTarget(in Payment payment) => payment.Instruction is Instruction.Capture or Instruction.Void or Instruction.Refund;

    private string? ParticipantOf(ulong wallet)
    {
        int row = wallet == 0 ? 0 : walk.State.Accounts.Find(wallet);
        return row == 0 ? null : walk.State.Participants.NameOf(walk.State.Accounts[row].Participant);
    }

    /// <summary>An outcome has the low 32 bits of the batch's number; it is at most that of the batch now open.</summary>
    private ulong BatchOf(in Outcome outcome)
    {
        ulong open = walk.State.Batch.Number;
        return open - (uint)((uint)open - outcome.Batch);
    }
}
