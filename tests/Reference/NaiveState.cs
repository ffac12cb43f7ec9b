using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>What the twin answers for one slot, before it is packed into an outcome.</summary>
public readonly record struct Ruling(Verdict Verdict, ushort Rule = 0, Verdict First = Verdict.Undecided)
{
    public bool Passes => Verdict == Verdict.Undecided;

    public static implicit operator Ruling(Verdict verdict) => new(verdict);
}

public sealed record NaiveSession(ushort Participant, byte Clearance, SessionFlags Flags)
{
    public bool IsOperator => (Flags & SessionFlags.Operator) != 0;

    public bool MayDeclassify => (Flags & SessionFlags.Declassify) != 0;
}

public sealed record NaiveCurrency(ushort Number, byte Scale, ushort Authority)
{
    /// <summary>Gross value at which a batch closes; 0: none.</summary>
    public ulong BatchValue { get; set; }

    public BigInteger Outstanding { get; set; }
}

public sealed class NaiveAccount(ushort currency)
{
    public ushort Currency { get; } = currency;
    public ulong Available { get; set; }

    /// <summary>Credited in the open batch: a close moves it to available everywhere, at once.</summary>
    public ulong Pending { get; set; }
    public ulong Held { get; set; }
    public bool OpeningAccepted { get; set; }

    /// <summary>The accepted opening, its session field zero.</summary>
    public Payment Opening { get; set; }

    public UInt128 Total => (UInt128)Available + Pending + Held;
}

public sealed class NaiveWallet(ulong id, ushort participant, ulong holder)
{
    public ulong Id { get; } = id;
    public ushort Participant { get; } = participant;
    public ulong Holder { get; } = holder;
    public ushort Country { get; set; }
    public byte Tier { get; set; }
    public PartyKind Kind { get; set; }
    public byte Level { get; set; }
    public WalletStatus Status { get; set; }
    public Dictionary<ushort, NaiveAccount> Accounts { get; } = [];
}

/// <summary>A hold that is open, a payment that can be refunded, or one under review.</summary>
public sealed class NaiveTarget
{
    public required bool IsHold { get; init; }

    /// <summary>The payment that is under review, and is neither of the others; null: none is.</summary>
    public Payment? UnderReview { get; init; }
    public required NaiveWallet Payer { get; init; }
    public required NaiveWallet Payee { get; init; }
    public required ushort Currency { get; init; }
    public required byte Level { get; init; }

    /// <summary>Of the payment that first asked for the money.</summary>
    public required Purpose Purpose { get; init; }

    /// <summary>What is held, or what was paid.</summary>
    public required ulong Amount { get; init; }
    public ulong Refunded { get; set; }

    /// <summary>Credited to the payee's pending (micropayment, capture), not to its available (immediate).</summary>
    public bool ToPending { get; init; }

    /// <summary>The batch it was accepted in.</summary>
    public required ulong Batch { get; init; }

    /// <summary>The first block time after this forgets it; null: never.</summary>
    public required ulong? ExpiryNs { get; init; }
    public required ulong Sequence { get; init; }

    public ulong Rest => Amount - Refunded;
}

public readonly record struct TargetKey(ushort Participant, UInt128 Id);

/// <summary>An id that was decided: with which body (session field zero), and how.</summary>
public readonly record struct DecidedId(Payment Body, Verdict Verdict, ulong DecisionHour);

/// <summary>One participant's stream.</summary>
public sealed class NaiveStream
{
    public Dictionary<ulong, DecidedId> Decided { get; } = [];

    /// <summary>m: the lowest number not decided.</summary>
    public ulong MissingLowest { get; private set; } = 1;

    public void Add(ulong number, DecidedId decided)
    {
        Decided.Add(number, decided);
        while (Decided.ContainsKey(MissingLowest))
            MissingLowest++;
    }
}

/// <summary>What the sums of a payer are kept under: its holder and the currency, or the one account.</summary>
public readonly record struct SumKey(bool IsHolder, ulong Id, ushort Currency)
{
    public static SumKey Of(NaiveWallet payer, ushort currency) =>
        payer.Holder != 0 ? new SumKey(true, payer.Holder, currency) : new SumKey(false, payer.Id, currency);
}

public readonly record struct FeeRate(uint BasisPoints, ulong Fixed);

/// <summary>A batch while it is open, and what it states once closed.</summary>
public sealed class NaiveBatch(ulong number)
{
    public ulong Number { get; } = number;

    /// <summary>Sequence of the first and last accepted payment, issue and redeem included; 0: none yet.</summary>
    public ulong SequenceFirst => Accepted.Count == 0 ? 0 : Accepted[0].Sequence;

    public ulong SequenceLast => Accepted.Count == 0 ? 0 : Accepted[^1].Sequence;

    /// <summary>The last sequence judged, whatever the verdict, when the batch before closed and when this one did.</summary>
    public ulong SequenceBefore { get; init; }

    public ulong SequenceAtClose { get; set; }

    /// <summary>Block time of the first payment that counts.</summary>
    public ulong OpenedNs { get; set; }

    public ulong ClosedNs { get; set; }

    /// <summary>Accepted payments that count: all but issue and redeem.</summary>
    public ulong Count { get; set; }

    public Dictionary<ushort, BigInteger> Gross { get; } = [];

    /// <summary>Before fees. Every pair that was ever moved is in it, also when it came back to zero.</summary>
    public Dictionary<(ushort Participant, ushort Currency), BigInteger> Positions { get; } = [];

    /// <summary>Set at the close; zeros left out.</summary>
    public Dictionary<(ushort Participant, ushort Currency), BigInteger> Fees { get; } = [];

    /// <summary>Positions after fees, set at the close; zeros left out.</summary>
    public Dictionary<(ushort Participant, ushort Currency), BigInteger> Net { get; } = [];

    /// <summary>Every accepted payment in order, issue and redeem included.</summary>
    public List<(ulong Sequence, Payment Payment)> Accepted { get; } = [];

    public bool IsSettled { get; set; }
}
