using System.Diagnostics;
using HdrHistogram;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>
/// Offers payments by a schedule that answers do not move: group <c>g</c> of <c>n</c> payments is the turn of connection <c>g mod connections</c>, and is sent
/// when its last payment is due. What cannot be sent then, because too much is under way, is sent as soon as it can, and its wait counts.
/// </summary>
/// <remarks>One thread keeps the schedule; verdicts are noted by the connections' own tasks, each in a histogram of its own.</remarks>
internal sealed class OpenLoop : IAsyncDisposable
{
    private const long LatencyNsMax = 600_000_000_000;

    private readonly Lane[] _lanes;
    private readonly WireLedger _ledger;
    private readonly int _group;

    private OpenLoop(Lane[] lanes, WireLedger ledger, int group)
    {
        _lanes = lanes;
        _ledger = ledger;
        _group = group;
    }

    public static IReadOnlyList<(string Name, double Percentile)> Percentiles { get; } = [("p50", 50), ("p99", 99), ("p99_9", 99.9), ("max", 100)];

    public int Connections => _lanes.Length;

    /// <summary>Payments that all connections together may hold written and not answered.</summary>
    public long UnderWayMax => (long)_lanes.Length * PaymentLane.UnderWayMax;

    /// <param name="payments">All connections' together, sent again and again under new numbers.</param>
    public static async Task<OpenLoop> StartAsync(ClientOptions options, WireLedger ledger, int connections, int group, int payments)
    {
        var lanes = new Lane[connections];
        int each = Math.Max(1, payments / connections / group) * group;
        Payment[] all = ledger.NewPayments(each * connections);
        for (int i = 0; i < connections; i++)
            lanes[i] = await Lane.OpenAsync(options, (ulong)(0x1A7_0000 + i), all.AsMemory(i * each, each)).ConfigureAwait(false);
        return new OpenLoop(lanes, ledger, group);
    }

    /// <summary>Offers payments for some time, and waits for what was sent.</summary>
    public async Task<Flow> OfferAsync(double rate, double seconds)
    {
        double paymentNs = 1e9 / rate;
        double groupNs = paymentNs * _group;
        long groups = (long)(seconds * 1e9 / groupNs);
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < _lanes.Length; i++)
            _lanes[i].Begin(begun, paymentNs, _group, first: i, step: _lanes.Length);
        var meter = AllocationMeter.Start();
        await Task.Factory.StartNew(() => Schedule(begun, groupNs, groups), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        foreach (Lane lane in _lanes)
            await lane.CompleteAsync().ConfigureAwait(false);
        long elapsedNs = Common.Run.NsSince(begun);
        var due = NewHistogram();
        var sent = NewHistogram();
        long written = 0;
        foreach (Lane lane in _lanes)
        {
            due.Add(lane.DueNs);
            sent.Add(lane.SentNs);
            written += lane.Written;
            lane.End(_ledger);
        }

        if (due.TotalCount != written)
            throw new CheckFailedException($"{written} payments were sent, and the verdicts of {due.TotalCount} were read");
        return new Flow(groups * _group, new Run(written, elapsedNs, meter.ProcessBytes), due, sent);
    }

    /// <exception cref="CheckFailedException">Something was refused, or lost.</exception>
    public void Verify()
    {
        foreach (Lane lane in _lanes)
            lane.Payments.Verify(lane.WrittenEver);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Lane lane in _lanes)
            await lane.Payments.DisposeAsync().ConfigureAwait(false);
    }

    private static LongHistogram NewHistogram() => new(LatencyNsMax, 3);

    private void Schedule(long begun, double groupNs, long groups)
    {
        long group = 0;
        while (group < groups)
        {
            long now = Common.Run.NsSince(begun);
            for (; group < groups && (group + 1) * groupNs <= now; group++)
                _lanes[group % _lanes.Length].Due++;
            foreach (Lane lane in _lanes)
                lane.SendDue();
            PreciseSleep.For(TimeSpan.FromMicroseconds(200));
        }
    }

    private sealed class Lane
    {
        private readonly Memory<Payment> _payments;
        private Task _writing = Task.CompletedTask;
        private LongHistogram _due = NewHistogram(); // written by: the receiving task
        private LongHistogram _sent = NewHistogram(); // written by: the receiving task
        private readonly Queue<(long Behind, long StampNs)> _stamps = new(); // under its own lock: when what stands before a place was handed over
        private double _paymentNs;
        private long _begun;
        private long _offset; // payments of earlier stretches
        private int _group;
        private int _first;
        private int _step;
        private long _sending; // groups handed over in this stretch

        private Lane(PaymentLane payments, Memory<Payment> all)
        {
            Payments = payments;
            _payments = all;
            payments.Answered = Note;
        }

        public PaymentLane Payments { get; }

        public LongHistogram DueNs => _due;

        public LongHistogram SentNs => _sent;

        /// <summary>Groups that are due; written by the schedule's thread.</summary>
        public long Due { get; set; }

        public long Written => _sending * _group;

        public long WrittenEver => _offset;

        public static async Task<Lane> OpenAsync(ClientOptions options, ulong stream, Memory<Payment> payments) =>
            new(await PaymentLane.OpenAsync(options, stream).ConfigureAwait(false), payments);

        public void Begin(long begun, double paymentNs, int group, int first, int step)
        {
            (_begun, _paymentNs, _group, _first, _step) = (begun, paymentNs, group, first, step);
            (_due, _sent) = (NewHistogram(), NewHistogram());
            _sending = Due = 0;
            _stamps.Clear();
        }

        /// <summary>Hands over what is due, unless the last was not taken yet.</summary>
        public void SendDue()
        {
            while (_sending < Due && _writing.IsCompleted)
            {
                _writing.GetAwaiter().GetResult();
                long behind = _offset + ((_sending + 1) * _group);
                lock (_stamps)
                    _stamps.Enqueue((behind, Common.Run.NsSince(_begun)));
                Memory<Payment> some = _payments.Slice((int)((behind - _group) % _payments.Length), _group);
                _sending++;
                _writing = Payments.Writer.WriteAsync(some).AsTask();
            }
        }

        /// <summary>Waits until what was handed over is sent and answered.</summary>
        public async Task CompleteAsync()
        {
            await _writing.ConfigureAwait(false);
            await Payments.Writer.CompleteAsync().ConfigureAwait(false);
        }

        /// <summary>The stretch is over, and everything answered: what every payment of it did is expected in the end.</summary>
        public void End(WireLedger ledger)
        {
            for (long at = _offset; at < _offset + Written;)
            {
                int from = (int)(at % _payments.Length);
                int count = (int)Math.Min(_offset + Written - at, _payments.Length - from);
                ledger.Expect(_payments.Span.Slice(from, count));
                at += count;
            }

            _offset += Written;
        }

        private void Note(long first, int count)
        {
            long now = Common.Run.NsSince(_begun);
            for (long at = first; at < first + count; at++)
            {
                long place = at - _offset;
                double dueNs = ((((place / _group * _step) + _first) * _group) + (place % _group) + 1) * _paymentNs;
                _due.RecordValue(Math.Clamp(now - (long)dueNs, 1, LatencyNsMax));
                _sent.RecordValue(Math.Clamp(now - StampOf(at), 1, LatencyNsMax));
            }
        }

        private long StampOf(long at)
        {
            lock (_stamps)
            {
                while (_stamps.Peek().Behind <= at)
                    _stamps.Dequeue();
                return _stamps.Peek().StampNs;
            }
        }
    }
}
