using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>What names a payment: its id, and whether that is a stream's number. Scoped by the session's participant.</summary>
/// <param name="Value">The 128 bits, the high half first: for a stream id the stream and the number.</param>
/// <param name="IsStream">Whether it is (stream, number).</param>
public readonly record struct PaymentId(UInt128 Value, bool IsStream)
{
    /// <summary>What a payment has in <see cref="Payment.IdHigh"/>.</summary>
    public ulong High => (ulong)(Value >> 64);

    /// <summary>What a payment has in <see cref="Payment.IdLow"/>.</summary>
    public ulong Low => (ulong)Value;

    /// <summary>A fresh UUIDv7, of now: settled once, for ever, as long as it is sent within the ledger's window (a day).</summary>
    public static PaymentId NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7().TryWriteBytes(bytes, bigEndian: true, out _);
        return new PaymentId(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes), false);
    }

    public static PaymentId Of(in Payment payment) => new(payment.Id, payment.HasStreamId);

    /// <summary>A number of a stream.</summary>
    public static PaymentId OfStream(ulong stream, ulong number) => new(new UInt128(stream, number), true);
}

/// <summary>What the ledger decided about one payment or command; durable when it is told.</summary>
public readonly record struct PaymentVerdict
{
    /// <summary>As the ledger gave it; <see cref="Settlement.Engine.Domain.Verdict.Undecided"/> only in the verdicts of an <see cref="OutcomeUnknownException"/>.</summary>
    public Verdict Verdict { get; init; }

    /// <summary>For <see cref="Verdict.Duplicate"/> and <see cref="Verdict.IdConflict"/>: the verdict given the first time.</summary>
    public Verdict First { get; init; }

    /// <summary>The rule that refused it or sent it to review; 0: none, or not for this session to know.</summary>
    public ushort Rule { get; init; }

    /// <summary>Low 32 bits of the number of the batch in which it was decided; 0: not told.</summary>
    public uint Batch { get; init; }

    /// <summary>Its place in the ledger; 0: the answer was lost, and the verdict was asked for afterwards.</summary>
    public ulong Sequence { get; init; }

    /// <summary>As <see cref="Outcome.Available"/>, where <see cref="ClientOptions.TellsBalances"/> asks for it; else 0.</summary>
    public ulong Available { get; init; }

    /// <summary>The verdict that stands: for a duplicate the first.</summary>
    public Verdict Standing => Verdict == Verdict.Duplicate ? First : Verdict;

    /// <summary>Whether money moved, or is held.</summary>
    public bool IsAccepted => Standing.IsAccepted();
}

/// <summary>What the ledger knows of an id.</summary>
/// <param name="Knowledge">Whether it was decided, or can be told.</param>
/// <param name="Verdict">The verdict, where it was decided and is still in memory.</param>
public readonly record struct FoundPayment(Wire.IdKnowledge Knowledge, Verdict Verdict);

/// <summary>How far a stream of the session's participant is.</summary>
/// <param name="LowestMissing">The lowest number that is not decided: everything below it is.</param>
/// <param name="HighestDecided">The highest number that is decided; those between may or may not be.</param>
public readonly record struct StreamProgress(ulong Stream, ulong LowestMissing, ulong HighestDecided);

/// <summary>One account as of a sequence; all amounts in the smallest unit at the ledger's scale.</summary>
/// <param name="IsKnown">False: there is none, or it is not for this session to know; the ledger does not say which.</param>
/// <param name="AsOfSequence">The ledger's sequence behind which this holds.</param>
public readonly record struct AccountBalance(
    ulong Wallet, ushort Currency, bool IsKnown, ulong Available, ulong Pending, ulong Held, WalletStatus Status, ulong AsOfSequence);

/// <summary>The session that the ledger opened for this client.</summary>
/// <param name="Credit">Payments that may be under way at one time.</param>
public readonly record struct SessionInfo(UInt128 LedgerId, ushort Session, ushort Participant, byte Clearance, SessionFlags Flags, int Credit, int FramePaymentsMax);
