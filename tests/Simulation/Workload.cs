using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>What a client or an operator sends at once: payments, or one command with what stands behind it.</summary>
/// <param name="Slots">As they enter the ring.</param>
internal sealed record Claim(Payment[] Slots)
{
    public bool IsControl => Slots[0].Instruction.IsControl();

    public bool AcceptsTime => Slots[0].Instruction == Instruction.AcceptTime;

    /// <summary>Times it was sent.</summary>
    public int Sent { get; set; }
}

/// <summary>
/// Clients and operators of a simulated ledger: what they send next is a function of their chance and of what they were told.
/// </summary>
/// <remarks>
/// Payments whose fate is unknown are sent again, under the same ids, until they are answered; answered ones are sent again now and then, with the same body or
/// another, to see that the answer stays. Commands carry no id and are sent once.
/// </remarks>
internal sealed class Workload
{
    public const int WalletCount = 12;
    private const ulong OpeningUnits = 2_000_000;
    private const int RememberedMax = 400;
    private const int BulkPayments = 200;

    private static readonly ushort[] s_sessions = [Scenario.Operator, Scenario.AlphaDesk, Scenario.BetaDesk, Scenario.BetaOperator];

    private static readonly Lazy<(SharedRules Rules, byte[][] Encoded)> s_rules = new(EncodeRules);

    private readonly SeededRandom _random;
    private readonly bool _isBulky;
    private readonly Queue<Claim> _unanswered = new();
    private readonly List<Payment> _answered = [];
    private readonly List<Payment> _holds = [];
    private readonly List<Payment> _refundables = [];
    private readonly Dictionary<ushort, ulong> _streamNumbers = [];
    private ulong _tail;
    private ulong _walletNext = 1_000;
    private int _bulks;

    /// <param name="random">Of the workload alone.</param>
    /// <param name="isBulky">Sends so many ids of no stream that they do not fit the least memory.</param>
    public Workload(SeededRandom random, bool isBulky) => (_random, _isBulky) = (random, isBulky);

    /// <summary>Rules as the twin reads them, none of them active.</summary>
    public static SharedRules NewRules()
    {
        lock (s_rules)
            return s_rules.Value.Rules.Fresh();
    }

    public int Unanswered => _unanswered.Count;

    /// <summary>The cast, in the order in which it is to be sent; all of it must be accepted.</summary>
    public IEnumerable<Claim> Cast()
    {
        yield return Commands(
            Scenario.Participant(Scenario.Alpha, "alpha"), Scenario.Participant(Scenario.Beta, "beta"),
            Scenario.Currency(Scenario.Euro), Scenario.Currency(Scenario.Dollar),
            Scenario.Session(Scenario.SecondOperator, Scenario.House, 255, SessionFlags.Operator),
            Scenario.Session(Scenario.AlphaDesk, Scenario.Alpha, 255), Scenario.Session(Scenario.BetaDesk, Scenario.Beta, 255),
            Scenario.Session(Scenario.AlphaLow, Scenario.Alpha, 100), Scenario.Session(Scenario.AlphaTrusted, Scenario.Alpha, 255, SessionFlags.Declassify),
            Scenario.Session(Scenario.BetaOperator, Scenario.Beta, 255, SessionFlags.Operator),
            Scenario.Setting(SettingKey.BatchCount, _isBulky ? 900UL : _random.Between(3UL, 40)),
            Scenario.Setting(SettingKey.BatchAgeNs, _random.Between(60UL, 1_200) * Limits.NsPerSecond));
        yield return Commands([.. Enumerable.Range(1, WalletCount).Select(wallet => Scenario.Wallet((ulong)wallet, wallet % 3 == 0 ? Scenario.Beta : Scenario.Alpha))]);
        yield return Commands([.. Enumerable.Range(1, WalletCount).Select(wallet => Scenario.Account((ulong)wallet, Scenario.Dollar))]);
        yield return new Claim([.. Enumerable.Range(1, WalletCount).Select(wallet => Opening((ulong)wallet, Scenario.Euro)),
            .. Enumerable.Range(1, WalletCount).Select(wallet => Opening((ulong)wallet, Scenario.Dollar))]);
    }

    /// <summary>What is sent next.</summary>
    /// <param name="nowNs">The clients' clock.</param>
    public Claim Next(ulong nowNs)
    {
        if (_unanswered.Count > 0 && (_unanswered.Count > 8 || _random.Percent(60)))
            return Again(_unanswered.Dequeue());
        int roll = _random.Below(100);
        Claim claim = roll < 12 ? NextCommand() : roll < 26 && _answered.Count > 0 ? Repeats() : Payments(nowNs);
        return Again(claim);
    }

    private static Claim Again(Claim claim)
    {
        claim.Sent++;
        return claim;
    }

    /// <summary>Its fate is not known.</summary>
    public void NotAnswered(Claim claim)
    {
        if (!claim.IsControl)
            _unanswered.Enqueue(claim);
    }

    public void Answered(Claim claim, ReadOnlySpan<Outcome> outcomes)
    {
        if (claim.IsControl)
            return;
        for (int i = 0; i < claim.Slots.Length; i++)
        {
            Payment payment = claim.Slots[i];
            if (_answered.Count < RememberedMax)
                _answered.Add(payment);
            else
                _answered[_random.Below(RememberedMax)] = payment;
            if (outcomes[i].Verdict != Verdict.Accepted)
                continue;
            if (payment.Instruction == Instruction.Hold)
                _holds.Add(payment);
            else if ((payment.Flags & PaymentFlags.Refundable) != 0)
                _refundables.Add(payment);
        }
    }

    private static Claim Commands(params ControlCommand[] commands) => new(MemoryMarshal.Cast<ControlCommand, Payment>(commands).ToArray());

    private static Payment Opening(ulong wallet, ushort currency) => new()
    {
        IdHigh = Limits.OpeningIdHigh | currency, IdLow = wallet, Payee = wallet, Amount = OpeningUnits, Currency = currency,
        Instruction = Instruction.Issue, Flags = PaymentFlags.Opening, Session = Scenario.Operator,
    };

    private Claim Repeats()
    {
        var slots = new Payment[_random.Between(1, 6)];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = _random.Pick(_answered);
            if (_random.OneIn(6))
                slots[i].Amount ^= 1; // another body under the same id
        }

        return new Claim(slots);
    }

    private Claim Payments(ulong nowNs)
    {
        bool isBulk = _isBulky && _bulks < 40 && _random.Percent(60);
        _bulks += isBulk ? 1 : 0;
        var slots = new Payment[isBulk ? BulkPayments : _random.OneIn(5) ? _random.Between(10, 60) : _random.Between(1, 8)];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = i > 0 && _random.OneIn(25) ? slots[_random.Below(i)] : NextPayment();
            if (i > 0 && slots.AsSpan(0, i).Contains(slots[i]))
                continue;
            NextId(ref slots[i], nowNs, isBulk);
        }

        return new Claim(slots);
    }

    private Payment NextPayment()
    {
        ulong payer = (ulong)_random.Between(1, WalletCount), payee = (ulong)_random.Between(1, WalletCount);
        var payment = new Payment
        {
            Payer = payer, Payee = payee, Amount = _random.OneIn(30) ? OpeningUnits * 2 : _random.Between(1UL, 4_000),
            Currency = _random.OneIn(4) ? Scenario.Dollar : Scenario.Euro, Session = _random.Pick(s_sessions),
        };
        switch (_random.Below(20))
        {
            case < 11:
                payment.Instruction = Instruction.Micropayment;
                payment.Flags |= _random.OneIn(4) ? PaymentFlags.Refundable : PaymentFlags.None;
                break;
            case < 13:
                payment.Instruction = Instruction.Immediate;
                payment.Flags |= _random.OneIn(3) ? PaymentFlags.Refundable : PaymentFlags.None;
                break;
            case < 15:
                payment.Instruction = Instruction.Hold;
                break;
            case < 17 when _holds.Count > 0:
                Aim(ref payment, _random.OneIn(3) ? Instruction.Void : Instruction.Capture, _random.Pick(_holds));
                break;
            case < 19 when _refundables.Count > 0:
                Aim(ref payment, Instruction.Refund, _random.Pick(_refundables));
                break;
            default:
                bool issues = _random.OneIn(2);
                (payment.Instruction, payment.Session) = (issues ? Instruction.Issue : Instruction.Redeem, Scenario.Operator);
                (payment.Payer, payment.Payee) = issues ? (0UL, payee) : (payer, 0UL);
                break;
        }

        return payment;
    }

    private void Aim(ref Payment payment, Instruction instruction, in Payment target)
    {
        (payment.Instruction, payment.Payer, payment.Payee, payment.Reference) = (instruction, 0, target.IdHigh, target.IdLow);
        (payment.Currency, payment.Session) = (target.Currency, _random.OneIn(3) ? Scenario.BetaDesk : Scenario.Operator);
        payment.Amount = instruction == Instruction.Void ? 0 : _random.OneIn(4) ? target.Amount : _random.Between(1UL, Math.Max(1, target.Amount));
    }

    private void NextId(ref Payment payment, ulong nowNs, bool isBulk)
    {
        int roll = isBulk ? 90 : _random.Below(100);
        if (roll < 70)
        {
            payment.Flags |= PaymentFlags.StreamId;
            payment.IdHigh = 40UL + payment.Session;
            payment.IdLow = _streamNumbers[payment.Session] = _streamNumbers.GetValueOrDefault(payment.Session) + 1;
        }
        else if (roll < 85)
        {
            payment = Scenario.WithUuid7(payment, nowNs - _random.Below(60 * Limits.NsPerSecond), ++_tail);
        }
        else
        {
            payment = Scenario.WithUuid4(payment, ++_tail);
        }
    }

    private Claim NextCommand()
    {
        ulong wallet = (ulong)_random.Between(1, WalletCount);
        ushort participant = _random.OneIn(2) ? Scenario.Alpha : Scenario.Beta;
        switch (_random.Below(11))
        {
            case 0:
                return Commands(Scenario.Setting(SettingKey.BatchCount, _isBulky ? _random.Between(300UL, 900) : _random.Between(2UL, 40)));
            case 1:
                return Commands(Scenario.Setting(SettingKey.BatchAgeNs, _random.Between(30UL, 1_800) * Limits.NsPerSecond));
            case 2:
                return Commands(Scenario.Setting(SettingKey.BatchValue, _random.OneIn(2) ? 0 : _random.Between(20_000UL, 200_000), currency: Scenario.Euro));
            case 3:
                return Commands(Scenario.Status(wallet, _random.OneIn(3) ? WalletStatus.Frozen : WalletStatus.Active));
            case 4:
                return Commands(Scenario.Wallet(++_walletNext, participant), Scenario.Account(_walletNext, Scenario.Dollar));
            case 5:
                return Commands(Scenario.CloseBatch());
            case 6:
                return Commands(Scenario.Settled(_random.Between(1UL, 30)));
            case 7:
                return Commands(Scenario.Cap(participant, _random.Between(10_000UL, 500_000), isSet: _random.OneIn(2)));
            case 8:
                return Commands(Scenario.Fee(participant, (uint)_random.Below(200), _random.Below(20UL)));
            case 9:
                return Commands(Scenario.Setting(SettingKey.IdWindowNs, _random.Between(1UL, 24) * Limits.NsPerHour));
            default:
                return Law();
        }
    }

    private Claim Law()
    {
        byte[] encoded;
        lock (s_rules)
            encoded = _random.Pick(s_rules.Value.Encoded);
        ControlCommand command = Scenario.Command(Instruction.ActivateRules) with { ContinuationBytes = (uint)encoded.Length };
        var slots = new Payment[1 + command.ContinuationSlots];
        MemoryMarshal.Write(MemoryMarshal.AsBytes(slots.AsSpan()), in command);
        encoded.CopyTo(MemoryMarshal.AsBytes(slots.AsSpan(1)));
        return new Claim(slots);
    }

    private static (SharedRules Rules, byte[][] Encoded) EncodeRules()
    {
        var rules = new SharedRules();
        byte[][] encoded =
        [
            rules.Encode([new TableRule(1, TableRuleKind.Ceiling, Scenario.Germany, 0, Scenario.Euro, TierMax: 1, Ceiling: 3_500)]),
            rules.Encode([new TableRule(1, TableRuleKind.Deny, Scenario.Germany, Scenario.France, Scenario.Dollar),
                new TableRule(2, TableRuleKind.Limit, 0, 0, Scenario.Euro, Ceiling: 60_000, Window: new NaiveWindow(NaiveWindowKind.Day))]),
            rules.Encode([new TableRule(4, TableRuleKind.Review, 0, Scenario.France, Scenario.Euro, Ceiling: 3_000, HoldHours: 1)]),
            rules.Encode([]),
        ];
        return (rules, encoded);
    }
}
