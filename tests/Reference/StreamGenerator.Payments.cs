using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Payments: mostly good ones, and every way to be a bad one.</summary>
public sealed partial class StreamGenerator
{
    private const int TargetsRemembered = 600;

    /// <summary>A hold or refundable payment that was made, perhaps not accepted yet.</summary>
    private sealed record Made(
        int Slot, Payment Payment, ushort KeyParticipant, ulong Payee, ulong Amount, ushort Currency, bool IsHold);

    private readonly List<Made> _madeInBlock = [];
    private readonly List<Made> _targets = [];
    private int _slot;

    private List<Payment> NextPayments(int count, Payment[]? scripted)
    {
        List<Payment> slots = [];
        _madeInBlock.Clear();
        int scriptAt = scripted is null ? -1 : _random.Below(count);
        for (int i = 0; i < count; i++)
        {
            if (i == scriptAt)
                slots.AddRange(scripted!);
            _slot = slots.Count;
            Payment payment = NextPayment();
            slots.Add(payment);
            Record(payment);
        }

        return slots.Count <= Limits.BlockSlotsMax ? slots : slots[..Limits.BlockSlotsMax];
    }

    private Payment NextPayment()
    {
        int roll = _random.Below(1_000);
        if (roll < 60 && TryRepeat(out Payment repeated))
            return repeated;
        if (roll < 72)
            return Malform(Transfer());

        Payment payment = _random.Below(100) switch
        {
            < 76 => Transfer(),
            < 94 => OnTarget(),
            < 97 => _random.OneIn(2) ? Issue() : Redeem(),
            _ => Transfer(),
        };
        if (_random.OneIn(300))
            return StrangeOpening();

        Dress(ref payment);
        if (_random.Percent(7))
            Spoil(ref payment);
        if (!TryConsent(ref payment))
            AssignId(ref payment);
        return payment;
    }

    private Payment Transfer()
    {
        ushort session = _random.Percent(86) ? _random.Pick(s_bulkSessions) : (ushort)_random.Between(1, s_sessions.Length);
        (ushort participant, _, SessionFlags flags) = s_sessions[session - 1];
        bool anyPayer = (flags & SessionFlags.Operator) != 0 || _random.OneIn(60) || _walletsOf[participant].Count == 0;
        ulong payer = _random.Pick(anyPayer ? _wallets : _walletsOf[participant]);
        if (consents && _random.OneIn(60) && Model.Mandates.Count > 0)
        {
            (payer, participant) = _random.Pick([.. Model.Mandates.Keys.Order()]);
            session = SessionOf(participant);
        }
        else if (consents && _random.OneIn(25) && Model.Consents.Count > 0)
        {
            payer = _random.Pick([.. Model.Consents.Keys.Order()]);
            session = Model.Wallets.TryGetValue(payer, out NaiveWallet? owned) ? SessionOf(owned.Participant) : session;
        }

        ulong payee = _random.OneIn(40) ? _random.Pick(_whales) : _random.Pick(_wallets);
        for (int attempt = 0; payee == payer; attempt++)
            payee = _wallets[(_random.Below(_wallets.Count) + attempt) % _wallets.Count];
        Instruction instruction = _random.Below(100) switch
        {
            < 63 => Instruction.Micropayment,
            < 86 => Instruction.Immediate,
            _ => Instruction.Hold,
        };
        ushort currency = CommonCurrency(payer, payee);
        return new Payment
        {
            Instruction = instruction,
            Flags = instruction != Instruction.Hold && _random.Percent(12) ? PaymentFlags.Refundable : PaymentFlags.None,
            Payer = payer,
            Payee = payee,
            Amount = NextAmount(payer, payee, currency),
            Currency = currency,
            Session = session,
        };
    }

    private ushort CommonCurrency(ulong payer, ulong payee)
    {
        if (!_random.OneIn(25)
            && Model.Wallets.GetValueOrDefault(payer) is { } from && Model.Wallets.GetValueOrDefault(payee) is { } to)
            foreach ((ushort number, _, _) in s_currencies)
                if (from.Accounts.ContainsKey(number) && to.Accounts.ContainsKey(number))
                    return number;
        return _random.Pick(s_currencies).Number;
    }

    /// <summary>Mostly small; sometimes the payer's balance, or the payee's room, to the unit.</summary>
    private ulong NextAmount(ulong payer, ulong payee, ushort currency)
    {
        switch (_random.Below(200))
        {
            case 0 or 1 when Model.Account(payer, currency) is { } from:
                return from.Available + (ulong)_random.Below(3) - 1;
            case 2 or 3 when Model.Account(payee, currency) is { } to:
                return ulong.MaxValue - to.Available - to.Pending - to.Held + (ulong)_random.Below(2);
            case 4:
                return ulong.MaxValue - _random.Below(4UL);
            case < 25:
                return _random.Between(2_000UL, 60_000);
            default:
                return _random.Between(1UL, 2_000);
        }
    }

    private Payment OnTarget()
    {
        List<Made> from = _madeInBlock.Count > 0 && _random.Percent(40) ? _madeInBlock : _targets;
        if (from.Count == 0)
            return Transfer();
        int index = _random.Below(from.Count);
        Made target = from[index];
        Instruction instruction =
            target.IsHold == _random.OneIn(30) ? Instruction.Refund :
            _random.Percent(70) ? Instruction.Capture : Instruction.Void;
        if (from == _targets && _random.Percent(instruction == Instruction.Refund ? 30 : 75))
            from.RemoveAt(index);

        ulong amount = _random.Below(100) switch
        {
            < 40 => target.Amount,
            < 88 => _random.Between(1UL, Math.Max(target.Amount, 1)),
            < 97 => target.Amount < ulong.MaxValue ? target.Amount + _random.Between(1UL, 5) : target.Amount,
            _ => 0,
        };
        return new Payment
        {
            Instruction = instruction,
            Flags = instruction == Instruction.Capture && _random.Percent(40) ? PaymentFlags.Refundable : PaymentFlags.None,
            Payee = target.Payment.IdHigh,
            Reference = target.Payment.IdLow,
            Amount = instruction == Instruction.Void ? 0 : amount,
            Currency = _random.OneIn(40) ? _random.Pick(s_currencies).Number : target.Currency,
            Session = _random.OneIn(25) ? (ushort)_random.Between(1, s_sessions.Length) : SessionOf(target.KeyParticipant),
        };
    }

    private ushort SessionOf(ushort participant)
    {
        int from = _random.Below(s_sessions.Length);
        for (int i = 0; i < s_sessions.Length; i++)
            if (s_sessions[(from + i) % s_sessions.Length].Participant == participant)
                return (ushort)((from + i) % s_sessions.Length + 1);
        return Limits.OperatorSession;
    }

    private Payment Issue()
    {
        ushort currency = _random.Pick(s_currencies).Number;
        ulong payee = _random.OneIn(6) ? _random.Pick(_whales) : _random.Pick(_wallets);
        if (_random.Percent(85) && Model.Wallets.GetValueOrDefault(payee) is { Accounts.Count: > 0 } wallet)
            currency = wallet.Accounts.Keys.Max();
        return new Payment
        {
            Instruction = Instruction.Issue,
            Payee = payee,
            Amount = NextAmount(0, payee, currency),
            Currency = currency,
            Session = _random.OneIn(12) ? (ushort)_random.Between(1, s_sessions.Length) : AuthoritySession(currency),
        };
    }

    private Payment Redeem()
    {
        Payment issue = Issue();
        return issue with
        {
            Instruction = Instruction.Redeem,
            Payer = issue.Payee,
            Payee = 0,
            Amount = NextAmount(issue.Payee, 0, issue.Currency),
            Session = _random.OneIn(8) ? SessionOf(s_sessions[issue.Session - 1].Participant) : issue.Session,
        };
    }

    /// <summary>What every payment may carry.</summary>
    private void Dress(ref Payment payment)
    {
        payment.Purpose = (Purpose)_random.Below((int)Purpose.Last + 1);
        payment.Level = _random.Percent(98) ? (byte)0 : _random.Pick(s_levels);
        if (payment.Instruction is not (Instruction.Capture or Instruction.Void or Instruction.Refund))
            payment.Reference = _random.OneIn(3) ? _random.Next() : 0;
        bool expires = _random.Percent(payment.Instruction == Instruction.Hold ? 60 : 8);
        if (expires)
            payment.ValidUntilNs = _random.Below(20) switch
            {
                0 => _now - 1,
                1 or 2 => _now,
                < 12 => _now + _random.Below(60 * Limits.NsPerSecond),
                _ => _now + _random.Below(Limits.NsPerDay),
            };
    }

    /// <summary>Well-formed, but wrong.</summary>
    private void Spoil(ref Payment payment)
    {
        bool isTransfer = payment.Instruction is Instruction.Micropayment or Instruction.Immediate or Instruction.Hold;
        switch (_random.Below(9))
        {
            case 0 when payment.Instruction != Instruction.Void:
                payment.Amount = 0;
                break;
            case 1 when isTransfer:
                payment.Payee = payment.Payer;
                break;
            case 2:
                payment.Currency = _random.Pick(s_strangeCurrencies);
                break;
            case 3 when isTransfer || payment.Instruction == Instruction.Redeem:
                payment.Payer = _random.Next() | 1;
                break;
            case 4 when payment.Instruction != Instruction.Redeem:
                payment.Payee = _random.Next() | 1; // of a target: the high half of its id
                break;
            case 5:
                payment.Session = (ushort)_random.Between(1, s_sessions.Length);
                break;
            case 6:
                payment.Session = StrangeSession;
                break;
            case 7:
                payment.Level = _random.Pick(s_levels);
                break;
            default:
                payment.ValidUntilNs = _now - _random.Between(1UL, Limits.NsPerDay);
                break;
        }
    }

    /// <summary>One field without meaning.</summary>
    private Payment Malform(Payment payment)
    {
        Dress(ref payment);
        int fault = _random.Below(18);
        if (fault is 4 or 5 or 16 or 17) // these change the id: a number of a stream would be lost
            AssignOther(ref payment);
        else
            AssignId(ref payment);
        return fault switch
        {
            0 => payment with { Instruction = Instruction.None },
            1 => payment with { Instruction = (Instruction)_random.Between(9, 255) },
            2 => payment with { Flags = payment.Flags | (PaymentFlags)(8 << _random.Below(5)) },
            3 => payment with { Purpose = (Purpose)_random.Between((int)Purpose.Last + 1, 255) },
            4 => payment with { IdHigh = 0, IdLow = 0 },
            5 => payment with { Flags = PaymentFlags.StreamId, IdLow = 0 },
            6 => payment with { Payer = 0 },
            7 => payment with { Payee = 0 },
            8 => payment with { Flags = payment.Flags | PaymentFlags.Opening },
            9 => payment with { Instruction = Instruction.Hold, Flags = payment.Flags | PaymentFlags.Refundable },
            10 => payment with { Instruction = Instruction.Issue },
            11 => payment with { Instruction = Instruction.Issue, Payer = 0, Payee = 0 },
            12 => payment with { Instruction = Instruction.Redeem },
            13 => payment with { Instruction = Instruction.Capture },
            14 => payment with { Instruction = Instruction.Void, Payer = 0, Amount = 1 },
            15 => payment with { Instruction = Instruction.Refund, Payer = 0, Flags = payment.Flags | PaymentFlags.Refundable },
            16 => payment with { Instruction = Instruction.Issue, Payer = 0, Flags = PaymentFlags.Opening },
            _ => Opening(payment.Payee, payment.Currency) with { Flags = PaymentFlags.Opening | PaymentFlags.StreamId },
        };
    }

    /// <summary>Openings again, changed, of accounts that had none, by who may not.</summary>
    private Payment StrangeOpening()
    {
        ulong wallet = _random.Pick(_wallets);
        Payment opening = Opening(wallet, _random.Pick(s_currencies).Number);
        NaiveAccount? account = Model.Wallets.GetValueOrDefault(wallet)?.Accounts.GetValueOrDefault(opening.Currency);
        if (account is { OpeningAccepted: true } && _random.OneIn(2))
            opening = account.Opening with { Session = opening.Session };
        if (_random.OneIn(5))
            opening.Session = (ushort)_random.Between(1, s_sessions.Length);
        return opening;
    }

    /// <summary>Remembers what later payments may repeat or act on.</summary>
    private void Record(in Payment payment)
    {
        RememberForRepeats(payment);
        if (payment.Session == 0 || payment.Session > s_sessions.Length)
            return;
        (ushort participant, _, SessionFlags flags) = s_sessions[payment.Session - 1];
        bool isOperator = (flags & SessionFlags.Operator) != 0;
        bool isHold = payment.Instruction == Instruction.Hold;
        if (!isHold && (payment.Flags & PaymentFlags.Refundable) == 0)
            return;
        ulong payee = payment.Payee;
        if (payment.Instruction == Instruction.Capture)
        {
            if (Model.Targets.GetValueOrDefault(new TargetKey(participant, payment.TargetId)) is not { } hold)
                return;
            payee = hold.Payee.Id;
        }

        if (Model.Wallets.GetValueOrDefault(payee) is { } wallet)
            _madeInBlock.Add(new Made(
                _slot, payment, isOperator ? participant : wallet.Participant, payee, payment.Amount, payment.Currency, isHold));
    }

    /// <summary>
    /// What was accepted can be acted on; a stream's number that was refused unused comes again, as a client would send
    /// it.
    /// </summary>
    private void Learn(Payment[] slots, Outcome[] outcomes)
    {
        for (int i = 0; i < slots.Length; i++)
            if (outcomes[i].Verdict.LeavesIdFree())
                GiveBackNumber(slots[i]);
        foreach (Made made in _madeInBlock)
            if (made.Slot < outcomes.Length && outcomes[made.Slot].Verdict == Verdict.Accepted)
            {
                if (_targets.Count < TargetsRemembered)
                    _targets.Add(made);
                else
                    _targets[_random.Below(TargetsRemembered)] = made;
            }

        _madeInBlock.Clear();
    }
}
