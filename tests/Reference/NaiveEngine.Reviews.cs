using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>"Reviews": payments that a rule makes accepted holds, and what a reviewer decides about them.</summary>
public sealed partial class NaiveEngine
{
    /// <returns>The outcome's balance.</returns>
    private ulong AcceptForReview(in Payment payment, NaiveSession session, ulong sequence, ushort rule)
    {
        _open.Accepted.Add((sequence, payment));
        NaiveWallet payer = _wallets[payment.Payer], payee = _wallets[payment.Payee];
        NaiveAccount from = payer.Accounts[payment.Currency];
        from.Available -= payment.Amount;
        from.Held += payment.Amount;
        ulong holdNs = _rules.HoldNs(rule);
        ulong expiry = holdNs > ulong.MaxValue - _now ? ulong.MaxValue : _now + holdNs;
        Keep(KeyOfMade(payment, session, payee), new NaiveTarget
        {
            IsHold = false,
            UnderReview = payment,
            Payer = payer,
            Payee = payee,
            Currency = payment.Currency,
            Level = payment.Level,
            Purpose = payment.Purpose,
            Amount = payment.Amount,
            Batch = _open.Number,
            ExpiryNs = payment.ValidUntilNs != 0 && payment.ValidUntilNs < expiry ? payment.ValidUntilNs : expiry,
            Sequence = sequence,
        });
        AddToSums(payer, payment.Currency, payment.Amount);
        Spend(payment);
        return from.Available;
    }

    public Verdict Decide(ushort participant, UInt128 id, bool releases)
    {
        TargetKey key = new(participant, id);
        if (_targets.GetValueOrDefault(key) is not { UnderReview: { } payment } review)
            return Verdict.UnknownTarget;
        if (releases && JudgeRelease(payment, review) is { Passes: false } refused)
            return refused.Verdict;
        Forget(key);
        if (!releases)
        {
            Release(review);
            return Verdict.Accepted;
        }

        if (payment.Instruction == Instruction.Hold)
            Keep(key, Become(review, isHold: true, toPending: false, payment.ValidUntilNs == 0 ? null : payment.ValidUntilNs));
        else
            CarryOut(key, payment, review);
        return Verdict.Accepted;
    }

    /// <summary>What a capture of the whole would be asked.</summary>
    private Ruling JudgeRelease(in Payment payment, NaiveTarget review)
    {
        NaiveWallet payer = review.Payer, payee = review.Payee;
        if (JudgePayerStatus(payer) is { Passes: false } payerRefused)
            return payerRefused;
        if (JudgePayeeStatus(payee) is { Passes: false } payeeRefused)
            return payeeRefused;
        if (_rules.Judge(FactsOf(payment, payer, payee), denyOnly: true) != 0)
            return Verdict.DeniedByRule;
        if (payment.Instruction == Instruction.Hold)
            return default;
        if (CapWouldBeExceeded(payer.Participant, payee.Participant, payment.Currency, payment.Amount))
            return Verdict.CapExceeded;
        if (WouldOverflow(payee.Accounts[payment.Currency], payment.Amount))
            return Verdict.Overflow;
        return UnsettledTableIsFull(payer, payee) ? Verdict.TableFull : default(Ruling);
    }

    private void CarryOut(TargetKey key, in Payment payment, NaiveTarget review)
    {
        NaiveAccount from = review.Payer.Accounts[review.Currency], to = review.Payee.Accounts[review.Currency];
        bool toPending = payment.Instruction == Instruction.Micropayment;
        from.Held -= review.Amount;
        if (toPending)
            CreditPending(to, review.Amount);
        else
            to.Available += review.Amount;
        MovePosition(review.Payer, review.Payee, review.Currency, review.Amount);
        if ((payment.Flags & PaymentFlags.Refundable) != 0)
            Keep(key, Become(review, isHold: false, toPending, RefundExpiry()));
        CountAndClose(review.Currency, review.Amount);
    }

    private NaiveTarget Become(NaiveTarget review, bool isHold, bool toPending, ulong? expiryNs) => new()
    {
        IsHold = isHold,
        Payer = review.Payer,
        Payee = review.Payee,
        Currency = review.Currency,
        Level = review.Level,
        Purpose = review.Purpose,
        Amount = review.Amount,
        ToPending = toPending,
        Batch = _open.Number,
        ExpiryNs = expiryNs,
        Sequence = review.Sequence,
    };
}
