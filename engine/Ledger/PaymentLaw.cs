using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Labels;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Ledger;

/// <summary>
/// Steps 4 to 12 of SEMANTICS, one after the other, for one payment: the rare way for transfers that a column pass did not let
/// through, and the only way for issue, redeem, capture, void and refund. Reads state, changes nothing.
/// </summary>
internal sealed class PaymentLaw(LedgerState state, ConsentLaw consent)
{
    /// <summary>Why a micropayment, immediate or hold is refused before it is applied; <see cref="Verdict.Undecided"/> if it is not.</summary>
    public Verdict TransferRefusal(in Payment payment, ulong sequence, out ushort rule)
    {
        rule = 0;
        if (CommonRefusal(in payment) is var common and not Verdict.Undecided)
            return common;
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        int payerHead = state.Accounts.Find(payment.Payer);
        int payeeHead = state.Accounts.Find(payment.Payee);
        if (payerHead == 0)
            return Hide(session.Clearance < byte.MaxValue, Verdict.UnknownPayer);
        if (payeeHead == 0)
            return Hide(session.Clearance < byte.MaxValue, Verdict.UnknownPayee);
        ref readonly AccountRow payer = ref state.Accounts[payerHead];
        ref readonly AccountRow payee = ref state.Accounts[payeeHead];
        if (!Allows(in session, payment.Instruction, payment.Level, payer.Level, payee.Level))
            return Verdict.Refused;
        if (!session.IsOperator && payer.Participant != session.Participant && !state.Consent.HasMandate(payer.Wallet, session.Participant, state.TimeNs))
            return Verdict.NotAuthorised;
        byte currency = state.Currencies.IndexOf(payment.Currency);
        bool hidden = payee.Level > session.Clearance;
        if (state.Accounts.InCurrency(payerHead, currency) == 0)
            return Verdict.WrongCurrency;
        if (state.Accounts.InCurrency(payeeHead, currency) == 0)
            return Hide(hidden, Verdict.WrongCurrency);
        if (payer.Status != WalletStatus.Active)
            return StatusRefusal(payer.Status, Verdict.PayerFrozen, Verdict.PayerClosed);
        if (payee.Status != WalletStatus.Active)
            return Hide(hidden, StatusRefusal(payee.Status, Verdict.PayeeFrozen, Verdict.PayeeClosed));
        if (!payer.IsCustodial && consent.Refusal(in payment, in payer, sequence) is var missing and not Verdict.Undecided)
            return missing;
        rule = state.Rules?.JudgeOne(FactsOf(in payment, in payer, in payee), denyOnly: false) ?? 0;
        if (rule == 0)
            return Verdict.Undecided;
        if (hidden)
            rule = 0;
        return Hide(hidden, Verdict.DeniedByRule);
    }

    /// <summary>Steps 4 to 11 for an issue; the account to credit when there is no refusal.</summary>
    public Verdict IssueRefusal(in Payment payment, out int payeeRow)
    {
        payeeRow = 0;
        if (CommonRefusal(in payment) is var common and not Verdict.Undecided)
            return common;
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        int head = state.Accounts.Find(payment.Payee);
        if (head == 0)
            return Hide(session.Clearance < byte.MaxValue, Verdict.UnknownPayee);
        ref readonly AccountRow payee = ref state.Accounts[head];
        if (!Allows(in session, payment.Instruction, payment.Level, 0, payee.Level))
            return Verdict.Refused;
        byte currency = state.Currencies.IndexOf(payment.Currency);
        if (session.Participant != state.Currencies[currency].Authority)
            return Verdict.NotAuthorised;
        bool hidden = payee.Level > session.Clearance;
        payeeRow = state.Accounts.InCurrency(head, currency);
        // An opening balance states what a wallet has already: a frozen one, too.
        bool opensFrozen = payee.Status == WalletStatus.Frozen && (payment.Flags & PaymentFlags.Opening) != 0;
        return payeeRow == 0 ? Hide(hidden, Verdict.WrongCurrency)
            : payee.Status == WalletStatus.Active || opensFrozen ? Verdict.Undecided
            : Hide(hidden, StatusRefusal(payee.Status, Verdict.PayeeFrozen, Verdict.PayeeClosed));
    }

    /// <summary>Steps 4 to 11 for a redemption; the account to debit when there is no refusal. The reserve shows totals only: its level as a sink is 255.</summary>
    public Verdict RedeemRefusal(in Payment payment, out int payerRow)
    {
        payerRow = 0;
        if (CommonRefusal(in payment) is var common and not Verdict.Undecided)
            return common;
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        int head = state.Accounts.Find(payment.Payer);
        if (head == 0)
            return Hide(session.Clearance < byte.MaxValue, Verdict.UnknownPayer);
        ref readonly AccountRow payer = ref state.Accounts[head];
        if (!Allows(in session, payment.Instruction, payment.Level, payer.Level, byte.MaxValue))
            return Verdict.Refused;
        byte currency = state.Currencies.IndexOf(payment.Currency);
        if (session.Participant != state.Currencies[currency].Authority)
            return Verdict.NotAuthorised;
        payerRow = state.Accounts.InCurrency(head, currency);
        return payerRow == 0 ? Verdict.WrongCurrency
            : payer.Status == WalletStatus.Active ? Verdict.Undecided
            : StatusRefusal(payer.Status, Verdict.PayerFrozen, Verdict.PayerClosed);
    }

    /// <summary>Steps 4 to 13 for a capture, void or refund; the record it is about when there is no refusal.</summary>
    public Verdict TargetedRefusal(in Payment payment, out int target, out ushort rule)
    {
        rule = 0;
        target = 0;
        if (CommonRefusal(in payment) is var common and not Verdict.Undecided)
            return common;
        ref readonly SessionRecord session = ref state.Sessions.At(payment.Session);
        target = state.Targets.Find(session.Participant, payment.TargetId);
        TargetKind wanted = payment.Instruction == Instruction.Refund ? TargetKind.Refundable : TargetKind.Hold;
        if (target == 0 || state.Targets[target].Kind != wanted)
            return Hide(session.Clearance < byte.MaxValue, Verdict.UnknownTarget);
        ref readonly TargetRecord record = ref state.Targets[target];
        ref readonly AccountRow payer = ref state.Accounts[record.PayerRow];
        ref readonly AccountRow payee = ref state.Accounts[record.PayeeRow];
        byte level = Math.Max(record.Level, payment.Level);
        if (!Allows(in session, payment.Instruction, level, payer.Level, payee.Level))
            return Verdict.Refused;
        Verdict refusal = RefusalOf(in payment, in record, in payer, in payee, out rule);
        if (refusal == Verdict.Undecided || payee.Level <= session.Clearance)
            return refusal;
        rule = 0;
        return Verdict.Refused;
    }

    /// <summary>Why a payment under review cannot be released now; <see cref="Verdict.Undecided"/> if it can: what a capture of the whole is asked.</summary>
    public Verdict ReleaseRefusal(in TargetRecord review)
    {
        ref readonly AccountRow payer = ref state.Accounts[review.PayerRow];
        ref readonly AccountRow payee = ref state.Accounts[review.PayeeRow];
        if (payer.Status != WalletStatus.Active)
            return StatusRefusal(payer.Status, Verdict.PayerFrozen, Verdict.PayerClosed);
        if (payee.Status != WalletStatus.Active)
            return StatusRefusal(payee.Status, Verdict.PayeeFrozen, Verdict.PayeeClosed);
        if (state.Rules is { } rules && rules.JudgeOne(FactsOf(in review, in payer, in payee), denyOnly: true) != 0)
            return Verdict.DeniedByRule;
        if (review.Instruction == Instruction.Hold)
            return Verdict.Undecided;
        bool crosses = payer.Participant != payee.Participant;
        return crosses && !state.Positions.IsWithinCap(payer.Participant, payer.CurrencyIndex, review.Remaining) ? Verdict.CapExceeded
            : payee.Total + review.Remaining < payee.Total ? Verdict.Overflow
            : crosses && state.Positions.IsFull ? Verdict.TableFull
            : Verdict.Undecided;
    }

    public bool Allows(in SessionRecord session, Instruction instruction, byte level, byte payerLevel, byte payeeLevel) =>
        LabelRule.Allows(session.Clearance, state.Settings.InstructionLevels[(byte)instruction], level, payerLevel, payeeLevel,
            session.MayDeclassify);

    /// <summary>What depends on data that may be above the session has one code, whatever the reason.</summary>
    public static Verdict Hide(bool hidden, Verdict verdict) => hidden ? Verdict.Refused : verdict;

    private Verdict RefusalOf(
        in Payment payment, in TargetRecord record, in AccountRow payer, in AccountRow payee, out ushort rule)
    {
        rule = 0;
        if (payment.Currency != record.Currency)
            return Verdict.WrongCurrency;
        if (payment.Instruction == Instruction.Void)
            return Verdict.Undecided;
        if (payer.Status != WalletStatus.Active)
            return StatusRefusal(payer.Status, Verdict.PayerFrozen, Verdict.PayerClosed);
        if (payee.Status != WalletStatus.Active)
            return StatusRefusal(payee.Status, Verdict.PayeeFrozen, Verdict.PayeeClosed);
        if (payment.Amount > record.Remaining)
            return Verdict.OverTarget;
        // What it is for was said, and judged, when the money was first asked for; who captures could say anything.
        rule = state.Rules?.JudgeOne(FactsOf(in payment, in payer, in payee) with { Purpose = (byte)record.Purpose }, denyOnly: true) ?? 0;
        return rule == 0 ? Verdict.Undecided : Verdict.DeniedByRule;
    }

    /// <summary>Steps 4 to 7.</summary>
    private Verdict CommonRefusal(in Payment payment) =>
        payment.ValidUntilNs != 0 && payment.ValidUntilNs < state.TimeNs ? Verdict.Expired
        : payment.Amount == 0 && payment.Instruction != Instruction.Void ? Verdict.ZeroAmount
        : payment.Payer == payment.Payee && payment.Instruction <= Instruction.Hold ? Verdict.SelfPayment
        : state.Currencies.IndexOf(payment.Currency) == 0 ? Verdict.UnknownCurrency
        : Verdict.Undecided;

    private static RuleFacts FactsOf(in Payment payment, in AccountRow payer, in AccountRow payee) => new()
    {
        Source = payer.Country,
        Destination = payee.Country,
        Currency = payment.Currency,
        Amount = payment.Amount,
        Tier = payer.Tier,
        Purpose = (byte)payment.Purpose,
        Level = payment.Level,
        Instruction = (byte)payment.Instruction,
        PayerKind = (byte)payer.Kind,
        PayeeKind = (byte)payee.Kind,
    };

    private static RuleFacts FactsOf(in TargetRecord review, in AccountRow payer, in AccountRow payee) => new()
    {
        Source = payer.Country,
        Destination = payee.Country,
        Currency = review.Currency,
        Amount = review.Remaining,
        Tier = payer.Tier,
        Purpose = (byte)review.Purpose,
        Level = review.Level,
        Instruction = (byte)review.Instruction,
        PayerKind = (byte)payer.Kind,
        PayeeKind = (byte)payee.Kind,
    };

    private static Verdict StatusRefusal(WalletStatus status, Verdict frozen, Verdict closed) =>
        status == WalletStatus.Closed ? closed : frozen;
}
