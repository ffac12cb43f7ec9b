using Settlement.Engine.Domain;

namespace Settlement.Perf.Generate;

/// <summary>
/// An endless, seeded stream of payments over a <see cref="Population"/>: skewed payers, corridors, follow-ups of holds and
/// refundable payments, repeats, and payments that must be refused. Memory: two rings, whatever the length.
/// </summary>
/// <remarks>
/// Every draw is from one <see cref="SeededRandom"/> in a fixed order, so a stream is a function of its options. Sessions are zero, as from
/// any client. What is said to be refused is so by a ledger that has exactly the population's wallets, no rules and no caps.
/// </remarks>
public sealed class PaymentGenerator
{
    /// <summary>What a repeat may repeat: well inside a stream's window of 65,536.</summary>
    private const int HistoryMax = 4_096;

    /// <summary>Holds and refundable payments whose follow-up is due; one more stays open.</summary>
    private const int FollowUpsMax = 1_024;

    private const ulong EndOf2099Ns = 4_102_444_799 * Limits.NsPerSecond;
    private const ulong LongAgoNs = 1_000_000_000 * Limits.NsPerSecond;
    private const ulong NsPerMillisecond = 1_000_000;

    private readonly GenerateOptions _options;
    private readonly ZipfRank _ranks;
    private readonly ulong[] _streamLast;
    private readonly Payment[] _history = new Payment[HistoryMax];
    private readonly FollowUp[] _followUps = new FollowUp[FollowUpsMax];
    private readonly ulong _unaffordable;
    private readonly uint _badBelow;
    private readonly uint _duplicatesBelow;
    private readonly uint _holdsBelow;
    private readonly uint _refundableBelow;
    private readonly uint _immediateBelow;
    private SeededRandom _random;
    private ulong _line;
    private ulong _historyCount;
    private int _followUpFirst;
    private int _followUpCount;

    private struct FollowUp
    {
        public Payment Target;
        public ulong DueLine;
        public int PayeeParticipant;
    }

    /// <exception cref="ArgumentException">The options cannot be generated; the message says why.</exception>
    public PaymentGenerator(GenerateOptions options)
    {
        Population = new Population(options);
        _options = options;
        _random = new SeededRandom(options.Seed);
        _ranks = new ZipfRank(Population.Payers);
        _streamLast = new ulong[options.Participants + 1];
        _unaffordable = Math.Max(1_000_000_000_000, 16 * Population.AmountMean * (ulong)options.Payments);
        _duplicatesBelow = CanRefer ? options.DuplicatesPerMillion : 0;
        _badBelow = _duplicatesBelow + options.BadPerMillion;
        _holdsBelow = _badBelow + options.HoldsPerMillion;
        _refundableBelow = _holdsBelow + options.RefundablePerMillion;
        _immediateBelow = _refundableBelow + options.ImmediatePerMillion;
    }

    public Population Population { get; }

    private bool CanRefer => _options.Ids != IdKind.None;

    private bool MayBeBad => _options.BadPerMillion > 0;

    /// <summary>The next so many payments.</summary>
    public void Fill(Span<Payment> payments)
    {
        foreach (ref Payment payment in payments)
        {
            payment = default;
            Next(ref payment);
            _line++;
        }
    }

    private void Next(ref Payment payment)
    {
        if (_followUpCount > 0 && _followUps[_followUpFirst].DueLine <= _line)
        {
            Follow(ref payment);
            Remember(payment);
            return;
        }

        ulong share = _random.Below(1_000_000);
        if (share < _duplicatesBelow && _historyCount > 0)
        {
            Repeat(ref payment);
            return;
        }

        ulong payee = Fresh(ref payment, out ulong payer);
        if (share < _immediateBelow)
            Vary(ref payment, share, payer, ref payee);
        NameIt(ref payment, Population.ParticipantAt(payer));
        if (share >= _badBelow && share < _refundableBelow)
            ExpectFollowUp(payment, payee);
        Remember(payment);
    }

    /// <summary>An ordinary micropayment; the payee's index is returned.</summary>
    private ulong Fresh(ref Payment payment, out ulong payer)
    {
        payer = _options.Payers == PayerSkew.Zipf
            ? Population.PayerOfRank(_ranks.Next(ref _random))
            : _random.Below(Population.Payers);
        ulong payee = Payee(payer);
        payment.Payer = Population.WalletAt(payer);
        payment.Payee = Population.WalletAt(payee);
        payment.Amount = _random.Octaves(Population.AmountOctaves);
        payment.Currency = Places.Currencies[(int)Population.CurrencyAt(payer)].Number;
        payment.Instruction = Instruction.Micropayment;
        ulong details = _random.Next();
        payment.Purpose = PurposeFrom(details);
        payment.Reference = (details >> 8 & 3) == 0 ? 1 + (details >> 10) % 1_000_000 : 0;
        payment.Level = payee >= Population.Payers && (details & 0x800) != 0 ? (byte)32 : (byte)0;
        return payee;
    }

    /// <summary>Half of the payments state none.</summary>
    private static Purpose PurposeFrom(ulong details) => (details & 7) switch
    {
        0 => Purpose.Services,
        1 or 2 => Purpose.Goods,
        3 => RarePurposeFrom(details),
        _ => Purpose.Unstated,
    };

    private static Purpose RarePurposeFrom(ulong details) => (details >> 4 & 7) switch
    {
        0 => Purpose.Medical,
        1 => Purpose.Education,
        2 => Purpose.Salary,
        3 => Purpose.Donation,
        4 => Purpose.Investment,
        5 => Purpose.Tax,
        _ => Purpose.FamilySupport,
    };

    private void Vary(ref Payment payment, ulong share, ulong payer, ref ulong payee)
    {
        if (share < _badBelow)
        {
            Spoil(ref payment, payer);
        }
        else if (share < _holdsBelow)
        {
            payment.Instruction = Instruction.Hold;
            payment.ValidUntilNs = HoldEndNs();
        }
        else if (share < _refundableBelow)
        {
            payment.Flags |= PaymentFlags.Refundable;
        }
        else
        {
            payment.Instruction = Instruction.Immediate;
        }
    }

    /// <summary>
    /// Six of ten stay in the payer's country slot, the others go to the next slots, near ones more often; a few to wallets
    /// that are only paid, and to second accounts.
    /// </summary>
    private ulong Payee(ulong payer)
    {
        ulong currency = Population.CurrencyAt(payer);
        ulong roll = _random.Below(100);
        if (roll < 3)
            return ConfidentialIn(currency);
        if (roll < 5)
        {
            ulong second = 8 * _random.Below((Population.Payers + 7) / 8);
            if (second != payer && Population.HasAccount(second, currency))
                return second;
        }

        ulong slot = Population.SlotAt(payer);
        if (roll >= 60)
            slot = (slot + _random.Octaves(3)) % Places.Slots;
        ulong rows = Population.Payers / (Population.Currencies * Places.Slots) + 1;
        ulong payee = (_random.Below(rows) * Places.Slots + slot) * Population.Currencies + currency;
        return payee < Population.Payers && payee != payer ? payee : AnyPayee(payer, currency);
    }

    private ulong AnyPayee(ulong payer, ulong currency)
    {
        ulong payee = currency + Population.Currencies * _random.Below(Population.PayersIn(currency));
        if (payee == payer)
            payee += Population.Currencies;
        return payee < Population.Payers ? payee : currency;
    }

    private ulong ConfidentialIn(ulong currency) => InCurrency(Population.Payers, Population.Confidential, currency);

    private ulong FrozenIn(ulong currency) => InCurrency(Population.Payers + Population.Confidential, Population.Frozen, currency);

    /// <summary>One of the indices [first, first + count) that hold the currency; the range is as long as the currencies are many, so there is one.</summary>
    private ulong InCurrency(ulong first, ulong count, ulong currency)
    {
        ulong step = Population.Currencies;
        ulong lowest = first + (currency + step - first % step) % step;
        return lowest + step * _random.Below((first + count - lowest + step - 1) / step);
    }

    /// <summary>Makes a payment one that the ledger refuses, by one of the reasons that one line can have.</summary>
    private void Spoil(ref Payment payment, ulong payer)
    {
        ulong currency = Population.CurrencyAt(payer);
        payment.Level = 0; // else a public payee would be the reason
        switch (_random.Below(12))
        {
            case 0: payment.Payer = UnknownWallet(); break;
            case 1: payment.Payee = UnknownWallet(); break;
            case 2: payment.Amount += _unaffordable; break;
            case 3: payment.Amount = 0; break;
            case 4: payment.Payee = payment.Payer; break;
            case 5: payment.Payer = Population.WalletAt(FrozenIn(currency)); break;
            case 6: payment.Payee = Population.WalletAt(FrozenIn(currency)); break;
            case 7: payment.Payee = Population.WalletAt(WithoutAccount(currency)); SetWrongCurrency(ref payment); break;
            case 8: payment.Currency = Places.Undeclared.Number; break;
            case 9: payment.ValidUntilNs = LongAgoNs; break;
            case 10: SetLevelsApart(ref payment, currency); break;
            default: SetUnknownTarget(ref payment); break;
        }
    }

    private ulong UnknownWallet() => 900_000_000_000 + _random.Below(1_000_000);

    /// <summary>With one currency every wallet has an account in it; then the payer's own index is as good as any.</summary>
    private ulong WithoutAccount(ulong currency)
    {
        ulong index = _random.Below(Population.Payers);
        while (Population.Currencies > 1 && Population.HasAccount(index, currency))
            index = (index + 1) % Population.Payers;
        return index;
    }

    private void SetWrongCurrency(ref Payment payment)
    {
        if (Population.Currencies == 1)
            payment.Currency = Places.Undeclared.Number;
    }

    /// <summary>From a confidential wallet to a public one: what is paid would tell about who pays.</summary>
    private void SetLevelsApart(ref Payment payment, ulong currency)
    {
        payment.Payer = Population.WalletAt(ConfidentialIn(currency));
        payment.Payee = Population.WalletAt(AnyPayee(ulong.MaxValue, currency));
    }

    private void SetUnknownTarget(ref Payment payment)
    {
        if (!CanRefer)
        {
            payment.Amount = 0;
            return;
        }

        payment.Instruction = Instruction.Capture;
        payment.Payer = 0;
        payment.Purpose = Purpose.Unstated;
        if (_options.Ids == IdKind.Stream)
        {
            payment.Payee = 1 + _random.Below((ulong)_options.Participants);
            payment.Reference = 1_000_000_000_000 + _random.Below(1_000_000);
            return;
        }

        Payment target = default; // a fresh UUID that no line has
        NameIt(ref target, participant: 0);
        payment.Payee = target.IdHigh;
        payment.Reference = target.IdLow;
    }

    /// <summary>Writes the id. Streams: one a participant, numbered without gaps.</summary>
    private void NameIt(ref Payment payment, int participant)
    {
        switch (_options.Ids)
        {
            case IdKind.Stream:
                payment.IdHigh = (ulong)participant;
                payment.IdLow = ++_streamLast[participant];
                payment.Flags |= PaymentFlags.StreamId;
                break;
            case IdKind.UuidV7:
                payment.IdHigh = NowNs / NsPerMillisecond << 16 | 0x7000 | _random.Below(1 << 12);
                payment.IdLow = 2UL << 62 | _random.Next() >> 2;
                break;
            case IdKind.UuidV4:
                payment.IdHigh = _random.Next() & ~0xF000UL | 0x4000;
                payment.IdLow = 2UL << 62 | _random.Next() >> 2;
                break;
            default:
                break;
        }
    }

    /// <summary>In whole seconds, as the file has it.</summary>
    private ulong HoldEndNs() => _options.ExpiryDays == 0
        ? EndOf2099Ns
        : NowNs / Limits.NsPerSecond * Limits.NsPerSecond + (ulong)_options.ExpiryDays * Limits.NsPerDay;

    /// <summary>The file's own time at this line.</summary>
    private ulong NowNs => _options.StartSeconds * Limits.NsPerSecond + _line * _options.NsPerPayment;

    private void Remember(in Payment payment) => _history[_historyCount++ % HistoryMax] = payment;

    /// <summary>A line again; every eighth with another amount, which makes it a conflict (but a void has none).</summary>
    private void Repeat(ref Payment payment)
    {
        payment = _history[_random.Below(Math.Min(_historyCount, HistoryMax))];
        if (_random.Below(8) == 0 && payment.Instruction != Instruction.Void)
            payment.Amount++;
    }

    private void ExpectFollowUp(in Payment payment, ulong payee)
    {
        uint inSixteen = payment.Instruction == Instruction.Hold ? 14u : 8u;
        ulong delay = 8 + _random.Below(120);
        if (_random.Below(16) >= inSixteen || !CanRefer || _followUpCount == FollowUpsMax)
            return;
        ref FollowUp followUp = ref _followUps[(_followUpFirst + _followUpCount++) % FollowUpsMax];
        followUp.Target = payment;
        followUp.DueLine = _line + delay;
        followUp.PayeeParticipant = Population.ParticipantAt(payee);
    }

    /// <summary>Captures or voids a hold, refunds a refundable payment; sent by the payee's participant.</summary>
    private void Follow(ref Payment payment)
    {
        ref FollowUp followUp = ref _followUps[_followUpFirst];
        ref readonly Payment target = ref followUp.Target;
        payment.Payee = target.IdHigh;
        payment.Reference = target.IdLow;
        payment.Currency = target.Currency;
        payment.Amount = target.Amount;
        ulong roll = _random.Below(16);
        if (target.Instruction == Instruction.Hold)
            payment.Instruction = roll < 4 ? Instruction.Void : Instruction.Capture;
        else
            payment.Instruction = Instruction.Refund;
        if (payment.Instruction == Instruction.Void)
            payment.Amount = 0;
        else if (roll >= 10 && roll < 14)
            payment.Amount = 1 + _random.Below(target.Amount);
        else if (roll == 14 && MayBeBad)
            payment.Amount = target.Amount + 1; // more than there is: refused
        NameIt(ref payment, followUp.PayeeParticipant);
        if (roll == 15 && MayBeBad)
        {
            followUp.DueLine = _line + 1; // once more with another id: nothing is left, refused
            return;
        }

        _followUpFirst = (_followUpFirst + 1) % FollowUpsMax;
        _followUpCount--;
    }
}
