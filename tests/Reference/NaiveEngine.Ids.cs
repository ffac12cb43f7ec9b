using System.Numerics;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Section A, what is refused without using the id up, and the memory of decided ids.</summary>
public sealed partial class NaiveEngine
{
    private BigInteger _uuid7FloorNs;
    private BigInteger _otherFloorHour;

    /// <summary>
    /// Start of block, 2. A floor never moves back, so an id below it is as good as forgotten: nothing need be removed.
    /// </summary>
    private void RaiseIdFloors()
    {
        _uuid7FloorNs = BigInteger.Max(_uuid7FloorNs, (BigInteger)_now - _idWindowNs);
        if (_idRetentionNs != 0)
        {
            BigInteger retentionHours = ((BigInteger)_idRetentionNs + Limits.NsPerHour - 1) / Limits.NsPerHour;
            _otherFloorHour = BigInteger.Max(_otherFloorHour, HourOf(_now) - retentionHours);
        }
    }

    private static ulong HourOf(ulong ns) => ns / Limits.NsPerHour;

    private Ruling JudgeA(in Payment payment, out NaiveSession? session)
    {
        // 1.
        if (!_sessions.TryGetValue(payment.Session, out session) || _closedSessions.Contains(payment.Session))
            return Verdict.UnknownSession;

        // 2.
        if (IsMalformed(payment))
            return Verdict.Malformed;

        // 3.
        ushort participant = session.Participant;
        if ((payment.Flags & PaymentFlags.Opening) != 0)
            return JudgeOpeningId(payment);
        if (payment.HasStreamId)
            return JudgeStreamId(payment, participant);
        return IsUuid7(payment) ? JudgeUuid7(payment, participant) : JudgeOtherId(payment, participant);
    }

    /// <summary>2.</summary>
    private static bool IsMalformed(in Payment p)
    {
        if (p.Instruction is < Instruction.Micropayment or > Instruction.Redeem)
            return true;
        if ((p.Flags & ~PaymentFlags.Known) != 0 || p.Purpose > Purpose.Last)
            return true;
        if (p.Id == 0 || (p.HasStreamId && p.IdLow == 0))
            return true;
        if ((p.Flags & PaymentFlags.Opening) != 0
            && (p.Instruction != Instruction.Issue
                || p.IdHigh != (Limits.OpeningIdHigh | p.Currency) || p.IdLow != p.Payee
                || p.HasStreamId))
            return true;
        if ((p.Flags & PaymentFlags.Refundable) != 0
            && p.Instruction is not (Instruction.Micropayment or Instruction.Immediate or Instruction.Capture))
            return true;
        return p.Instruction switch
        {
            Instruction.Micropayment or Instruction.Immediate or Instruction.Hold => p.Payer == 0 || p.Payee == 0,
            Instruction.Issue => p.Payer != 0 || p.Payee == 0,
            Instruction.Redeem => p.Payer == 0 || p.Payee != 0,
            Instruction.Capture or Instruction.Refund => p.Payer != 0,
            _ => p.Payer != 0 || p.Amount != 0, // void
        };
    }

    private Ruling JudgeOpeningId(in Payment payment)
    {
        NaiveAccount? account = _wallets.GetValueOrDefault(payment.Payee)?.Accounts.GetValueOrDefault(payment.Currency);
        if (account is not { OpeningAccepted: true })
            return default;
        return new Ruling(
            account.Opening == Body(payment) ? Verdict.Duplicate : Verdict.IdConflict, First: Verdict.Accepted);
    }

    private Ruling JudgeStreamId(in Payment payment, ushort participant)
    {
        ulong number = payment.IdLow;
        NaiveStream? stream = _streams.GetValueOrDefault((participant, payment.IdHigh));
        ulong missingLowest = stream?.MissingLowest ?? 1;
        if (number >= (BigInteger)missingLowest + Limits.StreamWindow)
            return Verdict.StreamGap;
        if (stream is null)
            return _streams.Count >= _genesis.StreamsMax ? Verdict.CapacityExceeded : default(Ruling);
        if (!stream.Decided.TryGetValue(number, out DecidedId first))
            return default;
        return stream.Decided.ContainsKey(number + Limits.StreamWindow) ? Verdict.DuplicateLookUp : Repeat(first, payment);
    }

    private static bool IsUuid7(in Payment payment) => ((payment.IdHigh >> 12) & 0xF) == 7 && payment.IdLow >> 62 == 0b10;

    private Ruling JudgeUuid7(in Payment payment, ushort participant)
    {
        // 48 bits of milliseconds do not fit 64 bits as nanoseconds.
        BigInteger timestampNs = (BigInteger)(payment.IdHigh >> 16) * 1_000_000;
        if (timestampNs < _uuid7FloorNs)
            return Verdict.TooOldToTell;
        if (timestampNs > (BigInteger)_now + Limits.IdSkewNs)
            return Verdict.IdFromFuture;

        // "Kept until its hour is below the floor's hour": what is above the floor always is.
        return _uuid7Ids.TryGetValue((participant, payment.Id), out DecidedId first) ? Repeat(first, payment) : default;
    }

    private Ruling JudgeOtherId(in Payment payment, ushort participant)
    {
        bool known = _otherIds.TryGetValue((participant, payment.Id), out DecidedId first)
            && first.DecisionHour >= _otherFloorHour;
        return known ? Repeat(first, payment) : default;
    }

    private static Ruling Repeat(in DecidedId first, in Payment payment) =>
        new(first.Body == Body(payment) ? Verdict.Duplicate : Verdict.IdConflict, First: first.Verdict);

    /// <summary>The fingerprint: the 64 bytes with the session field zero.</summary>
    private static Payment Body(in Payment payment) => payment with { Session = 0 };

    /// <summary>
    /// Section B: the id is used up with the verdict, whatever it is. An accepted opening is remembered with its account.
    /// </summary>
    private void Remember(in Payment payment, NaiveSession session, Verdict verdict)
    {
        DecidedId decided = new(Body(payment), verdict, HourOf(_now));
        ushort participant = session.Participant;
        if ((payment.Flags & PaymentFlags.Opening) != 0)
        {
            if (verdict != Verdict.Accepted)
                return;
            NaiveAccount account = _wallets[payment.Payee].Accounts[payment.Currency];
            account.OpeningAccepted = true;
            account.Opening = decided.Body;
        }
        else if (payment.HasStreamId)
        {
            if (!_streams.TryGetValue((participant, payment.IdHigh), out NaiveStream? stream))
                _streams.Add((participant, payment.IdHigh), stream = new NaiveStream());
            stream.Add(payment.IdLow, decided);
        }
        else if (IsUuid7(payment))
            _uuid7Ids.Add((participant, payment.Id), decided);
        else
        {
            if (!_otherIds.TryAdd((participant, payment.Id), decided))
                IdsDecidedAgain++;
            _otherIds[(participant, payment.Id)] = decided;
        }
    }
}
