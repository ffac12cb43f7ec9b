using Settlement.Engine.Domain;

namespace Settlement.Tests.Dedup;

/// <summary>Makes histories of all kinds of ids: fresh, repeated soon and late, in conflict, at every edge of time.</summary>
internal sealed class DedupHistoryGenerator(int seed)
{
    private const ulong Ms = 1_000_000;

    private readonly Random _random = new(seed);
    private readonly List<(Payment Payment, ushort Participant)> _past = [];
    private readonly Dictionary<(ushort, ulong), ulong> _next = [];
    private ulong _timeNs = DedupHistory.Begin;
    private ulong _windowNs = Limits.NsPerDay;
    private ulong _sequence = 1;

    public int StreamNames { get; init; } = 20;

    public int Participants { get; init; } = 3;

    /// <summary>Percent of each kind; the rest are other ids.</summary>
    public int StreamPercent { get; init; } = 34;

    public int UuidV7Percent { get; init; } = 33;

    public int RepeatPercent { get; init; } = 10;

    public ulong RetentionNs { get; set; } = 30 * Limits.NsPerDay;

    public bool SettingsChange { get; init; } = true;

    public ulong BlockStepNsMax { get; init; } = 20 * 60 * Limits.NsPerSecond;

    public DedupHistory Make(int paymentCount, int streamsMax = 64)
    {
        DedupHistory history = new() { StreamsMax = streamsMax };
        while (paymentCount > 0)
        {
            int count = Math.Min(paymentCount, _random.Next(4) == 0 ? _random.Next(1, 3_000) : _random.Next(0, 200));
            history.Blocks.Add(MakeBlock(count));
            paymentCount -= count;
        }

        history.Expect();
        return history;
    }

    private DedupHistory.Block MakeBlock(int count)
    {
        _timeNs += NextStep();
        if (SettingsChange && _random.Next(30) == 0)
            _windowNs = Pick(
                [Limits.NsPerDay, Limits.NsPerHour, 36 * Limits.NsPerHour, 90 * Limits.NsPerSecond, 0, ulong.MaxValue]);
        if (SettingsChange && _random.Next(30) == 0)
            RetentionNs = Pick([30 * Limits.NsPerDay, 1, Limits.NsPerHour, Limits.NsPerHour + 1, 0, 5 * Limits.NsPerHour]);
        DedupHistory.Block block = new()
        {
            TimeNs = _timeNs,
            FirstSequence = _sequence,
            WindowNs = _windowNs,
            RetentionNs = RetentionNs,
        };
        for (int i = 0; i < count; i++)
        {
            bool repeat = _past.Count > 0 && _random.Next(100) < RepeatPercent;
            (Payment payment, ushort participant) = repeat ? Repeat() : Fresh();
            block.Payments.Add(payment);
            block.Participants.Add(participant);

            // Never a fresh number of a stream: nobody would send it again, and the stream would stand still for ever.
            bool malformed = _random.Next(50) == 0 && (repeat || !payment.HasStreamId);
            block.Before.Add(malformed ? Verdict.Malformed : Verdict.Undecided);
        }

        _sequence += (ulong)count;
        return block;
    }

    private ulong NextStep() => _random.Next(100) switch
    {
        < 40 => 0,
        < 90 => (ulong)_random.NextInt64((long)BlockStepNsMax),
        < 99 => Limits.NsPerHour - (_timeNs % Limits.NsPerHour),
        _ => (ulong)_random.Next(1, 40) * Limits.NsPerHour,
    };

    private (Payment, ushort) Fresh()
    {
        ushort participant = (ushort)_random.Next(Participants);
        Payment payment = new()
        {
            Payer = (ulong)_random.Next(1, 1_000),
            Payee = (ulong)_random.Next(1, 1_000),
            Amount = (ulong)_random.Next(1, 1_000),
            Currency = 978,
            Instruction = Instruction.Micropayment,
            Session = (ushort)_random.Next(1, 10),
        };
        int kind = _random.Next(100);
        if (kind < StreamPercent) NumberStream(ref payment, participant);
        else if (kind < StreamPercent + UuidV7Percent) MakeUuidV7(ref payment);
        else MakeOther(ref payment);
        _past.Add((payment, participant));
        return (payment, participant);
    }

    private void NumberStream(ref Payment payment, ushort participant)
    {
        payment.Flags = PaymentFlags.StreamId;
        payment.IdHigh = (ulong)_random.Next(StreamNames);
        ref ulong next = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            _next, (participant, payment.IdHigh), out _);
        if (next == 0) next = 1;
        switch (_random.Next(100))
        {
            case 0:
                payment.IdLow = Pick(
                    [next + 65_535, next + 65_536, next + 65_534, ulong.MaxValue, ulong.MaxValue - 65_535, 70_000]);
                break;
            case < 4:
                payment.IdLow = next + (ulong)_random.Next(1, 300);
                break;
            case < 8:
                payment.IdLow = (ulong)_random.NextInt64(1, (long)next + 1);
                break;
            default:
                payment.IdLow = next++;
                break;
        }
    }

    private void MakeUuidV7(ref Payment payment)
    {
        ulong floor = _timeNs > _windowNs ? _timeNs - _windowNs : 0;
        ulong ms = _random.Next(100) switch
        {
            0 => Pick([floor / Ms, (floor / Ms) + 1, (floor / Ms) - 1, floor / Limits.NsPerHour * Limits.NsPerHour / Ms]),
            1 => Pick([(_timeNs + Limits.IdSkewNs) / Ms, ((_timeNs + Limits.IdSkewNs) / Ms) + 1, (1UL << 48) - 1, 0]),
            < 20 => (floor / Ms) + (ulong)_random.NextInt64((long)(Math.Min(_timeNs - floor, 100 * Limits.NsPerHour) / Ms) + 1),
            _ => (_timeNs / Ms) - (ulong)_random.Next(120_000) + 60_000,
        };
        payment.IdHigh = (ms << 16) | 0x7000 | (uint)_random.Next(0x1000);
        payment.IdLow = (2UL << 62) | (ulong)_random.NextInt64(1L << 62);
    }

    private void MakeOther(ref Payment payment)
    {
        payment.IdHigh = (ulong)_random.NextInt64();
        payment.IdLow = (ulong)_random.NextInt64();

        // A UUIDv7 but for its variant, or but for its version.
        if (_random.Next(3) == 0) payment.IdHigh = (_timeNs / Ms << 16) | 0x7000;
        else payment.IdHigh = (payment.IdHigh & ~0xF000UL) | 0x4000;
        payment.IdLow &= ~(2UL << 62);
        if (_random.Next(40) == 0) payment.Flags = PaymentFlags.Opening;
    }

    private (Payment, ushort) Repeat()
    {
        int back = _random.Next(3) switch
        {
            0 => _random.Next(1, 20),
            1 => _random.Next(1, 2_000),
            _ => _random.Next(1, _past.Count + 1),
        };
        (Payment payment, ushort participant) = _past[Math.Max(_past.Count - back, 0)];
        payment.Session = (ushort)_random.Next(1, 10);
        if (_random.Next(4) == 0) payment.Amount++;
        if (_random.Next(10) == 0) participant = (ushort)_random.Next(Participants);
        return (payment, participant);
    }

    private ulong Pick(ReadOnlySpan<ulong> values) => values[_random.Next(values.Length)];
}
