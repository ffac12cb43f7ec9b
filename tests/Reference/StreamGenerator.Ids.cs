using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>Ids of every kind: fresh, at the edges, again, and with another body.</summary>
public sealed partial class StreamGenerator
{
    private const ulong BulkStream = 0x4000, OrderlyStream = 0x5000, GappyStream = 0x6000;
    private const int RepeatsRemembered = 3_000;

    private readonly List<Payment> _recent = [];
    private readonly List<Payment> _withOtherIds = [];
    private readonly Dictionary<(ushort Participant, ulong Stream), ulong> _streamNumbers = [];
    private readonly Dictionary<ushort, List<ulong>> _gaps = [];
    private readonly Queue<ulong> _bulkGivenBack = [];

    private void AssignId(ref Payment payment)
    {
        ushort participant = payment.Session is > 0 && payment.Session <= s_sessions.Length
            ? s_sessions[payment.Session - 1].Participant
            : BulkParticipant;
        if (payment.Session == StrangeSession)
        {
            AssignOther(ref payment); // a number of a stream would be lost
            return;
        }

        if (participant == BulkParticipant && _random.Percent(95))
        {
            AssignStream(ref payment, BulkStream, NextNumber(participant, BulkStream));
            return;
        }

        switch (_random.Below(20))
        {
            case < 6:
                AssignStream(ref payment, OrderlyStream, NextNumber(participant, OrderlyStream));
                break;
            case < 9:
                AssignStream(ref payment, GappyStream, NextGappyNumber(participant));
                break;
            case 9:
                AssignStream(ref payment, OrderlyStream, BeyondWindow(participant, OrderlyStream));
                break;
            case 10:
                AssignStream(ref payment, _random.Between(1UL, 120), _random.Between(1UL, 5));
                break;
            case < 16:
                AssignUuid7(ref payment);
                break;
            default:
                AssignOther(ref payment);
                break;
        }
    }

    private static void AssignStream(ref Payment payment, ulong stream, ulong number)
    {
        payment.Flags |= PaymentFlags.StreamId;
        payment.IdHigh = stream;
        payment.IdLow = number;
    }

    private ulong NextNumber(ushort participant, ulong stream)
    {
        if (stream == BulkStream && participant == BulkParticipant && _bulkGivenBack.TryDequeue(out ulong number))
            return number;
        return _streamNumbers[(participant, stream)] = _streamNumbers.GetValueOrDefault((participant, stream)) + 1;
    }

    /// <summary>The bulk stream must have no hole for long, or its window would close.</summary>
    private void GiveBackNumber(in Payment payment)
    {
        bool isBulk = payment.HasStreamId && payment.IdHigh == BulkStream
            && payment.Session is > 0 && payment.Session <= s_sessions.Length
            && s_sessions[payment.Session - 1].Participant == BulkParticipant;
        NaiveStream? stream = Model.Streams.GetValueOrDefault((BulkParticipant, BulkStream));
        ulong number = payment.IdLow;
        if (isBulk && number > 0 && number <= _streamNumbers.GetValueOrDefault((BulkParticipant, BulkStream))
            && stream?.Decided.ContainsKey(number) != true && !_bulkGivenBack.Contains(number))
            _bulkGivenBack.Enqueue(number);
    }

    /// <summary>Runs ahead and fills what it left out later, or never.</summary>
    private ulong NextGappyNumber(ushort participant)
    {
        if (!_gaps.TryGetValue(participant, out List<ulong>? gaps))
            _gaps.Add(participant, gaps = []);
        if (gaps.Count > 0 && _random.OneIn(2))
        {
            int index = _random.Below(gaps.Count);
            ulong gap = gaps[index];
            gaps.RemoveAt(index);
            return gap;
        }

        int ahead = _random.OneIn(20) ? _random.Between(1_000, 9_000) : _random.Between(1, 6);
        for (int skipped = 1; skipped < ahead; skipped++)
        {
            ulong gap = NextNumber(participant, GappyStream);
            if (gaps.Count < 500)
                gaps.Add(gap);
        }

        return NextNumber(participant, GappyStream);
    }

    /// <summary>The window's edge and what is past it.</summary>
    private ulong BeyondWindow(ushort participant, ulong stream)
    {
        ulong missingLowest = Model.Streams.GetValueOrDefault((participant, stream))?.MissingLowest ?? 1;
        return _random.OneIn(30) ? ulong.MaxValue : missingLowest + Limits.StreamWindow + _random.Below(3UL);
    }

    private void AssignUuid7(ref Payment payment)
    {
        ulong millisecond = 1_000_000;
        ulong window = _temper == Temper.ShortMemory ? Limits.NsPerHour : 24 * Limits.NsPerHour;
        ulong timeNs = _random.Below(20) switch
        {
            < 12 => _now - _random.Below(5 * Limits.NsPerSecond),
            12 => _now - _random.Below(window),
            13 => _now - window + (_random.Below(5UL) - 2) * millisecond,
            14 => _now - window - _random.Below(3 * Limits.NsPerDay),
            15 => _now + Limits.IdSkewNs + (_random.Below(5UL) - 2) * millisecond,
            16 => _now + _random.Below(Limits.NsPerHour),
            _ => _now + _random.Below(Limits.IdSkewNs),
        };
        ulong timeMs = _random.OneIn(100) ? 0xFFFF_FFFF_FFFF : timeNs / millisecond;
        payment.Flags &= ~PaymentFlags.StreamId;
        payment.IdHigh = (timeMs << 16) | 0x7000 | _random.Below(0x1000UL);
        payment.IdLow = (1UL << 63) | (_random.Next() >> 2);
    }

    /// <summary>UUIDv4, the shapes near a UUIDv7, and any number.</summary>
    private void AssignOther(ref Payment payment)
    {
        ulong high = _random.Next(), low = _random.Next();
        payment.Flags &= ~PaymentFlags.StreamId;
        (payment.IdHigh, payment.IdLow) = _random.Below(8) switch
        {
            0 => ((high & ~0xF000UL) | 0x7000, low | (3UL << 62)),
            1 => ((high & ~0xF000UL) | 0x7000, low & ~(3UL << 62)),
            2 => ((high & ~0xF000UL) | 0x6000, low),
            3 => (0UL, low | 1),
            _ => ((high & ~0xF000UL) | 0x4000, (low & ~(3UL << 62)) | (1UL << 63)),
        };
    }

    private void RememberForRepeats(in Payment payment)
    {
        Keep(_recent, payment);
        if (!payment.HasStreamId)
            Keep(_withOtherIds, payment);
    }

    private void Keep(List<Payment> list, in Payment payment)
    {
        if (list.Count < RepeatsRemembered)
            list.Add(payment);
        else
            list[_random.Below(RepeatsRemembered)] = payment;
    }

    private bool TryRepeat(out Payment payment)
    {
        payment = default;
        List<Payment> from = _random.OneIn(2) ? _withOtherIds : _recent;
        if (from.Count == 0)
            return false;
        payment = _random.Pick(from);
        ulong bulk = _streamNumbers.GetValueOrDefault((BulkParticipant, BulkStream));
        if (bulk > Limits.StreamWindow && _random.OneIn(6))
        {
            // Of the number at the edge of what is kept, and of those before it.
            ulong edge = bulk - Limits.StreamWindow;
            payment = Transfer();
            payment.Session = _random.Pick(s_bulkSessions);
            AssignStream(ref payment, BulkStream, _random.OneIn(4) ? edge + _random.Below(3UL) : _random.Between(1UL, edge));
            return true;
        }

        switch (_random.Below(20))
        {
            case < 9:
                break;
            case < 12 when payment.Session is > 0 && payment.Session <= s_sessions.Length:
                payment.Session = SessionOf(s_sessions[payment.Session - 1].Participant);
                break;
            case 12:
                payment.Session = (ushort)_random.Between(1, s_sessions.Length); // perhaps another's: then the id is free
                break;
            case < 15:
                payment.Amount++;
                break;
            case 15:
                payment.Reference ^= 1;
                break;
            case 16:
                payment.Level ^= 1;
                break;
            case 17:
                payment.ValidUntilNs++;
                break;
            case 18:
                payment.Currency ^= 1;
                break;
            default:
                payment.Payee ^= 1UL << 40;
                break;
        }

        return true;
    }
}
