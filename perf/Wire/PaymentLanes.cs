using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>Some payments over some connections in frames of one size, again and again under new numbers, as fast as their answers allow.</summary>
internal sealed class PaymentLanes : IAsyncDisposable
{
    private readonly List<PaymentLane> _lanes = [];
    private readonly WireLedger _ledger;
    private readonly Payment[] _payments;
    private readonly int _framePayments;
    private int _times;

    private PaymentLanes(WireLedger ledger, Payment[] payments, int framePayments)
    {
        _ledger = ledger;
        _payments = payments;
        _framePayments = framePayments;
    }

    /// <param name="options">Of each connection.</param>
    /// <param name="ledger">That was set up in it.</param>
    /// <param name="payments">Of the ledger; their ids are filled in.</param>
    /// <param name="framePayments">In one frame.</param>
    /// <param name="connections">Each with a stream of its own.</param>
    /// <param name="streamFirst">New to the ledger, as those that follow it.</param>
    public static async Task<PaymentLanes> OpenAsync(ClientOptions options, WireLedger ledger, Payment[] payments, int framePayments, int connections, ulong streamFirst)
    {
        var lanes = new PaymentLanes(ledger, payments, framePayments);
        for (int i = 0; i < connections; i++)
            lanes._lanes.Add(await PaymentLane.OpenAsync(options with { FramePaymentsMax = framePayments }, streamFirst + (ulong)i).ConfigureAwait(false));
        return lanes;
    }

    /// <summary>All payments once, from the first byte sent to the last verdict read.</summary>
    public Run RunOnce()
    {
        _times++;
        return Common.Run.Time(_payments.Length, () => Task.WaitAll([.. _lanes.Select((lane, i) => SendAsync(lane, Part(i)))]));
    }

    /// <summary>Holds every verdict to be acceptance, and tells the ledger what to expect of its accounts.</summary>
    public void Verify()
    {
        for (int i = 0; i < _lanes.Count; i++)
            _lanes[i].Verify((long)_times * Part(i).Length);
        _ledger.Expect(_payments, _times);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (PaymentLane lane in _lanes)
            await lane.DisposeAsync().ConfigureAwait(false);
    }

    private Memory<Payment> Part(int lane)
    {
        int start = (int)((long)_payments.Length * lane / _lanes.Count);
        return _payments.AsMemory(start, (int)((long)_payments.Length * (lane + 1) / _lanes.Count) - start);
    }

    /// <summary>Writes frame by frame; small ones many at a time.</summary>
    private async Task SendAsync(PaymentLane lane, Memory<Payment> payments)
    {
        await Task.Yield();
        int atOnce = _framePayments * Math.Max(1, 1_000 / _framePayments);
        for (int start = 0; start < payments.Length; start += atOnce)
            await lane.Writer.WriteAsync(payments.Slice(start, Math.Min(atOnce, payments.Length - start))).ConfigureAwait(false);
        await lane.Writer.CompleteAsync().ConfigureAwait(false);
    }
}
