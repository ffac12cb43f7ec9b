using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Section B: steps 4 to 18. A ruling of <c>default</c> lets the payment pass.</summary>
public sealed partial class NaiveEngine
{
    private readonly byte[] _instructionLevels = new byte[256];

    private Ruling JudgeB(in Payment payment, NaiveSession session)
    {
        // 4.
        if (payment.ValidUntilNs != 0 && payment.ValidUntilNs < _now)
            return Verdict.Expired;

        // 5.
        if (payment.Amount == 0 && payment.Instruction != Instruction.Void)
            return Verdict.ZeroAmount;

        // 6.
        bool isTransfer = payment.Instruction is Instruction.Micropayment or Instruction.Immediate or Instruction.Hold;
        if (isTransfer && payment.Payer == payment.Payee)
            return Verdict.SelfPayment;

        // 7.
        if (Currency(payment.Currency) is not { } currency)
            return Verdict.UnknownCurrency;

        if (isTransfer)
            return JudgeTransfer(payment, session);
        return payment.Instruction switch
        {
            Instruction.Issue => JudgeIssue(payment, session, currency),
            Instruction.Redeem => JudgeRedeem(payment, session, currency),
            _ => JudgeOnTarget(payment, session),
        };
    }

    /// <summary>Micropayment, immediate, hold.</summary>
    private Ruling JudgeTransfer(in Payment payment, NaiveSession session)
    {
        byte s = session.Clearance;

        // 8.
        if (!_wallets.TryGetValue(payment.Payer, out NaiveWallet? payer))
            return s < 255 ? Verdict.Refused : Verdict.UnknownPayer;
        if (!_wallets.TryGetValue(payment.Payee, out NaiveWallet? payee))
            return s < 255 ? Verdict.Refused : Verdict.UnknownPayee;
        if (!LabelsAllow(payment.Instruction, payment.Level, session, payer, payee))
            return Verdict.Refused;
        bool hidden = payee.Level > s;

        // 9.
        if (!session.IsOperator && payer.Participant != session.Participant && !HasMandate(payer.Id, session.Participant))
            return Verdict.NotAuthorised;

        // 10.
        if (AccountOf(payer, payment.Currency) is not { } payerAccount)
            return Verdict.WrongCurrency;
        if (AccountOf(payee, payment.Currency) is not { } payeeAccount)
            return Hide(hidden, Verdict.WrongCurrency);

        // 11.
        if (JudgePayerStatus(payer) is { Passes: false } payerRefused)
            return payerRefused;
        if (JudgePayeeStatus(payee) is { Passes: false } payeeRefused)
            return Hide(hidden, payeeRefused);

        // 11a.
        if (JudgeConsent(payment) is { Passes: false } missing)
            return missing;

        // 12.
        NaiveFacts facts = FactsOf(payment, payer, payee);
        if (_rules.Judge(facts, denyOnly: false) is not 0 and ushort rule)
            return Hide(hidden, new Ruling(Verdict.DeniedByRule, rule));

        // 12a.
        if (IsAboveCeiling(payment))
            return Verdict.ConsentExceeded;

        // 13.
        if (LowestLimitExceeded(facts, payer, reviews: false) is not 0 and ushort limit)
            return new Ruling(Verdict.LimitExceeded, limit);

        // Nothing refuses: the lowest review, whether sums decide it or not.
        ushort review = LowestOf(_rules.Review(facts), LowestLimitExceeded(facts, payer, reviews: true));

        // 14.
        bool isHeld = payment.Instruction == Instruction.Hold || review != 0;
        bool keepsTarget = isHeld || (payment.Flags & PaymentFlags.Refundable) != 0;
        if (keepsTarget && _targets.ContainsKey(KeyOfMade(payment, session, payee)))
            return Verdict.TargetTaken;

        // 15.
        if (payerAccount.Available < payment.Amount)
            return Verdict.InsufficientFunds;

        if (!isHeld)
        {
            // 16.
            if (CapWouldBeExceeded(payer.Participant, payee.Participant, payment.Currency, payment.Amount))
                return Verdict.CapExceeded;

            // 17.
            if (WouldOverflow(payeeAccount, payment.Amount))
                return Hide(hidden, Verdict.Overflow);
        }

        // 18.
        if (keepsTarget && _targets.Count >= _genesis.TargetsMax)
            return Verdict.TableFull;
        if (_rules.NeedsSums(payer.Country, payment.Currency)
            && !_sums.ContainsKey(SumKey.Of(payer, payment.Currency)) && _sums.Count >= _genesis.SumsMax)
            return Verdict.TableFull;
        if (!isHeld && UnsettledTableIsFull(payer, payee))
            return Verdict.TableFull;
        return review == 0 ? default : new Ruling(Verdict.UnderReview, review);
    }

    private static ushort LowestOf(ushort one, ushort other) =>
        one == 0 ? other : other == 0 ? one : Math.Min(one, other);

    private Ruling JudgeIssue(in Payment payment, NaiveSession session, NaiveCurrency currency)
    {
        byte s = session.Clearance;

        // 8.
        if (!_wallets.TryGetValue(payment.Payee, out NaiveWallet? payee))
            return s < 255 ? Verdict.Refused : Verdict.UnknownPayee;
        byte i = _instructionLevels[(byte)payment.Instruction];
        if (!(payment.Level <= Math.Min(s, i) && (payment.Level <= payee.Level || session.MayDeclassify)))
            return Verdict.Refused;
        bool hidden = payee.Level > s;

        // 9.
        if (session.Participant != currency.Authority)
            return Verdict.NotAuthorised;

        // 10., 11., 17.
        if (AccountOf(payee, payment.Currency) is not { } account)
            return Hide(hidden, Verdict.WrongCurrency);
        bool opensFrozen = payee.Status == WalletStatus.Frozen && (payment.Flags & PaymentFlags.Opening) != 0;
        if (!opensFrozen && JudgePayeeStatus(payee) is { Passes: false } refused)
            return Hide(hidden, refused);
        return WouldOverflow(account, payment.Amount) ? Hide(hidden, Verdict.Overflow) : default;
    }

    private Ruling JudgeRedeem(in Payment payment, NaiveSession session, NaiveCurrency currency)
    {
        byte s = session.Clearance;

        // 8.
        if (!_wallets.TryGetValue(payment.Payer, out NaiveWallet? payer))
            return s < 255 ? Verdict.Refused : Verdict.UnknownPayer;
        byte i = _instructionLevels[(byte)payment.Instruction];
        if (!(Math.Max(payer.Level, payment.Level) <= Math.Min(s, i)))
            return Verdict.Refused;

        // 9.
        if (session.Participant != currency.Authority)
            return Verdict.NotAuthorised;

        // 10., 11., 15.
        if (AccountOf(payer, payment.Currency) is not { } account)
            return Verdict.WrongCurrency;
        if (JudgePayerStatus(payer) is { Passes: false } refused)
            return refused;
        return account.Available < payment.Amount ? Verdict.InsufficientFunds : default(Ruling);
    }

    /// <summary>Capture, void, refund.</summary>
    private Ruling JudgeOnTarget(in Payment payment, NaiveSession session)
    {
        byte s = session.Clearance;

        // 8. and 9.: who finds a target may act on it.
        if (FindTarget(payment, session) is not { } target)
            return s < 255 ? Verdict.Refused : Verdict.UnknownTarget;
        byte level = Math.Max(target.Level, payment.Level);
        if (!LabelsAllow(payment.Instruction, level, session, target.Payer, target.Payee))
            return Verdict.Refused;

        // 10. to 17.
        Ruling ruling = JudgeFoundTarget(payment, session, target);
        if (!ruling.Passes)
            return Hide(target.Payee.Level > s, ruling);

        // 18.
        bool keepsTarget = (payment.Flags & PaymentFlags.Refundable) != 0; // a capture: A.2 leaves no other
        if (keepsTarget && _targets.Count >= _genesis.TargetsMax)
            return Verdict.TableFull;
        if (payment.Instruction != Instruction.Void && UnsettledTableIsFull(target.Payer, target.Payee))
            return Verdict.TableFull;
        return default;
    }

    private Ruling JudgeFoundTarget(in Payment payment, NaiveSession session, NaiveTarget target)
    {
        NaiveWallet payer = target.Payer, payee = target.Payee;

        // 10.
        if (payment.Currency != target.Currency)
            return Verdict.WrongCurrency;
        if (payment.Instruction == Instruction.Void)
            return default;

        // 11.
        if (JudgePayerStatus(payer) is { Passes: false } payerRefused)
            return payerRefused;
        if (JudgePayeeStatus(payee) is { Passes: false } payeeRefused)
            return payeeRefused;

        // 12.
        if (payment.Amount > target.Rest)
            return Verdict.OverTarget;

        // 13.
        if (_rules.Judge(FactsOf(payment, payer, payee) with { Purpose = target.Purpose }, denyOnly: true) is not 0 and ushort rule)
            return new Ruling(Verdict.DeniedByRule, rule);

        NaiveAccount payerAccount = payer.Accounts[target.Currency], payeeAccount = payee.Accounts[target.Currency];
        if (payment.Instruction == Instruction.Capture)
        {
            // 14., 16., 17.
            if ((payment.Flags & PaymentFlags.Refundable) != 0 && _targets.ContainsKey(KeyOfMade(payment, session, payee)))
                return Verdict.TargetTaken;
            if (CapWouldBeExceeded(payer.Participant, payee.Participant, payment.Currency, payment.Amount))
                return Verdict.CapExceeded;
            return WouldOverflow(payeeAccount, payment.Amount) ? Verdict.Overflow : default(Ruling);
        }

        // 15., 16., 17.: a refund.
        UInt128 canGive = (UInt128)payeeAccount.Available + (TakesFromPending(target) ? payeeAccount.Pending : 0);
        if (canGive < payment.Amount)
            return Verdict.InsufficientFunds;
        if (CapWouldBeExceeded(payee.Participant, payer.Participant, payment.Currency, payment.Amount))
            return Verdict.CapExceeded;
        return WouldOverflow(payerAccount, payment.Amount) ? Verdict.Overflow : default(Ruling);
    }

    /// <summary>A refusal marked (h).</summary>
    private static Ruling Hide(bool hidden, Ruling ruling) => hidden ? Verdict.Refused : ruling;

    /// <summary>max(a, p) at most min(s, i), and (max(a, p) at most b, or d).</summary>
    private bool LabelsAllow(Instruction instruction, byte p, NaiveSession session, NaiveWallet payer, NaiveWallet payee)
    {
        byte i = _instructionLevels[(byte)instruction];
        byte data = Math.Max(payer.Level, p);
        return data <= Math.Min(session.Clearance, i) && (data <= payee.Level || session.MayDeclassify);
    }

    private static Ruling JudgePayerStatus(NaiveWallet payer) => payer.Status switch
    {
        WalletStatus.Frozen => Verdict.PayerFrozen,
        WalletStatus.Closed => Verdict.PayerClosed,
        _ => default(Ruling),
    };

    private static Ruling JudgePayeeStatus(NaiveWallet payee) => payee.Status switch
    {
        WalletStatus.Frozen => Verdict.PayeeFrozen,
        WalletStatus.Closed => Verdict.PayeeClosed,
        _ => default(Ruling),
    };

    private static NaiveFacts FactsOf(in Payment payment, NaiveWallet payer, NaiveWallet payee) => new(
        payer.Country, payee.Country, payment.Currency, payment.Amount, payer.Tier, payment.Purpose, payment.Level,
        payment.Instruction, payer.Kind, payee.Kind);

    private static bool WouldOverflow(NaiveAccount credited, ulong amount) => credited.Total + amount > ulong.MaxValue;

    /// <summary>
    /// The key under which a hold or refundable payment is kept: the session's own participant if it is an operator's,
    /// else the payee's.
    /// </summary>
    private static TargetKey KeyOfMade(in Payment payment, NaiveSession session, NaiveWallet payee) =>
        new(session.IsOperator ? session.Participant : payee.Participant, payment.Id);

    /// <summary>
    /// The session that acts looks under its own participant; capture and void find holds, refund what can be refunded.
    /// </summary>
    private NaiveTarget? FindTarget(in Payment payment, NaiveSession session) =>
        _targets.GetValueOrDefault(new TargetKey(session.Participant, payment.TargetId)) is { UnderReview: null } target
        && target.IsHold == (payment.Instruction != Instruction.Refund)
            ? target
            : null;

    /// <summary>The original was credited to pending of the batch that is still open.</summary>
    private bool TakesFromPending(NaiveTarget target) => target.ToPending && target.Batch == _open.Number;
}
