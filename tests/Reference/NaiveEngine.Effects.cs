using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>"What acceptance does", and the sums that rules ask for.</summary>
public sealed partial class NaiveEngine
{
    private readonly Dictionary<SumKey, List<(ulong TimeNs, ulong Amount)>> _sums = [];
    private readonly List<NaiveAccount> _creditedInOpenBatch = [];

    /// <summary>Accounts and holders for which sums are kept.</summary>
    public int SumRows => _sums.Count;

    /// <returns>The outcome's balance.</returns>
    private ulong Accept(in Payment payment, NaiveSession session, ulong sequence)
    {
        _open.Accepted.Add((sequence, payment));
        return payment.Instruction switch
        {
            Instruction.Micropayment or Instruction.Immediate or Instruction.Hold => AcceptTransfer(payment, session, sequence),
            Instruction.Capture => AcceptCapture(payment, session, sequence),
            Instruction.Void => AcceptVoid(payment, session),
            Instruction.Refund => AcceptRefund(payment, session),
            Instruction.Issue => AcceptIssue(payment),
            _ => AcceptRedeem(payment),
        };
    }

    private ulong AcceptTransfer(in Payment payment, NaiveSession session, ulong sequence)
    {
        ulong x = payment.Amount;
        NaiveWallet payer = _wallets[payment.Payer], payee = _wallets[payment.Payee];
        NaiveAccount from = payer.Accounts[payment.Currency], to = payee.Accounts[payment.Currency];
        bool isHold = payment.Instruction == Instruction.Hold;
        bool toPending = payment.Instruction == Instruction.Micropayment;

        from.Available -= x;
        if (isHold)
            from.Held += x;
        else if (toPending)
            CreditPending(to, x);
        else
            to.Available += x;

        if (isHold || (payment.Flags & PaymentFlags.Refundable) != 0)
            Keep(KeyOfMade(payment, session, payee), new NaiveTarget
            {
                IsHold = isHold,
                Payer = payer,
                Payee = payee,
                Currency = payment.Currency,
                Level = payment.Level,
                Purpose = payment.Purpose,
                Amount = x,
                ToPending = toPending,
                Batch = _open.Number,
                ExpiryNs = isHold ? (payment.ValidUntilNs == 0 ? null : payment.ValidUntilNs) : RefundExpiry(),
                Sequence = sequence,
            });
        if (!isHold)
            MovePosition(payer, payee, payment.Currency, x);
        AddToSums(payer, payment.Currency, x);
        Spend(payment);
        return from.Available;
    }

    private ulong AcceptCapture(in Payment payment, NaiveSession session, ulong sequence)
    {
        ulong x = payment.Amount;
        NaiveTarget hold = FindTarget(payment, session)!;
        NaiveAccount from = hold.Payer.Accounts[hold.Currency], to = hold.Payee.Accounts[hold.Currency];
        from.Held -= hold.Amount;
        from.Available += hold.Amount - x;
        CreditPending(to, x);
        Forget(new TargetKey(session.Participant, payment.TargetId));
        if ((payment.Flags & PaymentFlags.Refundable) != 0)
            Keep(KeyOfMade(payment, session, hold.Payee), new NaiveTarget
            {
                IsHold = false,
                Payer = hold.Payer,
                Payee = hold.Payee,
                Currency = hold.Currency,
                Level = Math.Max(hold.Level, payment.Level),
                Purpose = hold.Purpose,
                Amount = x,
                ToPending = true,
                Batch = _open.Number,
                ExpiryNs = RefundExpiry(),
                Sequence = sequence,
            });
        MovePosition(hold.Payer, hold.Payee, hold.Currency, x);
        return from.Available;
    }

    private ulong AcceptVoid(in Payment payment, NaiveSession session)
    {
        NaiveTarget hold = FindTarget(payment, session)!;
        Release(hold);
        Forget(new TargetKey(session.Participant, payment.TargetId));
        return hold.Payer.Accounts[hold.Currency].Available;
    }

    private ulong AcceptRefund(in Payment payment, NaiveSession session)
    {
        ulong x = payment.Amount;
        NaiveTarget original = FindTarget(payment, session)!;
        NaiveAccount gives = original.Payee.Accounts[original.Currency], gets = original.Payer.Accounts[original.Currency];
        ulong fromPending = TakesFromPending(original) ? Math.Min(gives.Pending, x) : 0;
        gives.Pending -= fromPending;
        gives.Available -= x - fromPending;
        if (original.ToPending)
            CreditPending(gets, x);
        else
            gets.Available += x;
        original.Refunded += x;
        MovePosition(original.Payee, original.Payer, original.Currency, x);
        return gives.Available;
    }

    private ulong AcceptIssue(in Payment payment)
    {
        NaiveAccount to = _wallets[payment.Payee].Accounts[payment.Currency];
        to.Available += payment.Amount;
        Currency(payment.Currency)!.Outstanding += payment.Amount;
        return to.Available;
    }

    private ulong AcceptRedeem(in Payment payment)
    {
        NaiveAccount from = _wallets[payment.Payer].Accounts[payment.Currency];
        from.Available -= payment.Amount;
        Currency(payment.Currency)!.Outstanding -= payment.Amount;
        return from.Available;
    }

    private void CreditPending(NaiveAccount account, ulong amount)
    {
        if (account.Pending == 0)
            _creditedInOpenBatch.Add(account);
        account.Pending += amount;
    }

    private void MovePosition(NaiveWallet from, NaiveWallet to, ushort currency, ulong amount)
    {
        if (from.Participant == to.Participant)
            return;
        Add(_open.Positions, (from.Participant, currency), -(BigInteger)amount);
        Add(_open.Positions, (to.Participant, currency), amount);
    }

    private static void Add<TKey>(Dictionary<TKey, BigInteger> sums, TKey key, BigInteger amount)
        where TKey : notnull => sums[key] = sums.GetValueOrDefault(key) + amount;

    private void Keep(TargetKey key, NaiveTarget target)
    {
        _targets.Add(key, target);
        if (target.ExpiryNs is { } expiry)
            _expiries.Add((expiry, target.Sequence, key.Participant, key.Id));
    }

    private void Forget(TargetKey key)
    {
        if (_targets[key].ExpiryNs is { } expiry)
            _expiries.Remove((expiry, _targets[key].Sequence, key.Participant, key.Id));
        _targets.Remove(key);
    }

    private static void Release(NaiveTarget hold)
    {
        NaiveAccount account = hold.Payer.Accounts[hold.Currency];
        account.Held -= hold.Amount;
        account.Available += hold.Amount;
    }

    private ulong RefundExpiry() => _refundLifetimeNs > ulong.MaxValue - _now ? ulong.MaxValue : _now + _refundLifetimeNs;

    // Sums: a list of what was paid, and every window added up when it is asked for.

    private void AddToSums(NaiveWallet payer, ushort currency, ulong amount)
    {
        if (!_rules.NeedsSums(payer.Country, currency))
            return;
        SumKey key = SumKey.Of(payer, currency);
        if (!_sums.TryGetValue(key, out List<(ulong TimeNs, ulong Amount)>? paid))
            _sums.Add(key, paid = []);
        paid.Add((_now, amount));
    }

    /// <summary>13.</summary>
    private ushort LowestLimitExceeded(in NaiveFacts facts, NaiveWallet payer, bool reviews)
    {
        ushort lowest = 0;
        foreach (NaiveLimit limit in _rules.Limits(facts))
        {
            bool exceeded = SumOver(limit.Window, SumKey.Of(payer, facts.Currency)) + facts.Amount > limit.Ceiling;
            if (exceeded && limit.Reviews == reviews && (lowest == 0 || limit.Rule < lowest))
                lowest = limit.Rule;
        }

        return lowest;
    }

    private UInt128 SumOver(NaiveWindow window, SumKey key)
    {
        if (!_sums.TryGetValue(key, out List<(ulong TimeNs, ulong Amount)>? paid))
            return 0;
        DateTime first = WindowStart(window, DateOf(_now));
        ulong firstNs = first < DateTime.UnixEpoch ? 0 : (ulong)(first - DateTime.UnixEpoch).Ticks * 100;
        UInt128 sum = 0;
        for (int i = paid.Count - 1; i >= 0 && paid[i].TimeNs >= firstNs; i--) // times never decrease
            sum += paid[i].Amount;
        return sum;
    }

    private static DateTime DateOf(ulong ns) => DateTime.UnixEpoch.AddTicks((long)(ns / 100)).Date;

    /// <summary>The first day of the window that holds <paramref name="today"/>.</summary>
    private static DateTime WindowStart(NaiveWindow window, DateTime today) => window.Kind switch
    {
        NaiveWindowKind.Day => today,
        NaiveWindowKind.Month => new DateTime(today.Year, today.Month, 1, 0, 0, 0, DateTimeKind.Utc),
        NaiveWindowKind.Year => YearStart(window, today.Year) <= today
            ? YearStart(window, today.Year)
            : YearStart(window, today.Year - 1),
        _ => today.AddDays(-29),
    };

    /// <summary>A year from 29 February starts on 1 March where there is none.</summary>
    private static DateTime YearStart(NaiveWindow window, int year) =>
        new DateTime(year, window.Month, 1, 0, 0, 0, DateTimeKind.Utc)
            .AddDays(Math.Min(window.Day - 1, DateTime.DaysInMonth(year, window.Month)));
}
