using System.Diagnostics;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>
/// Twice of what the server can do, offered for a while: what it cannot take is held back by credit, on the client's side; what it takes is answered in
/// bounded time; its memory is bounded; and behind it all is as before.
/// </summary>
internal static class OverloadRun
{
    /// <summary>Above everything that this machine could do: finds out what it can.</summary>
    private const double RateBeyond = 20e6;

    /// <param name="loop">Offers.</param>
    /// <param name="server">Whose memory is looked at.</param>
    /// <param name="rate">What is normal, a second.</param>
    /// <param name="seconds">Of overload.</param>
    /// <param name="normalSeconds">At the normal rate, before and behind.</param>
    public static async Task<Figure> RunAsync(OpenLoop loop, ServerProcess server, int rate, double seconds, double normalSeconds)
    {
        await loop.OfferAsync(rate, normalSeconds / 2).ConfigureAwait(false); // warms up
        Flow before = await loop.OfferAsync(rate, normalSeconds).ConfigureAwait(false);
        long residentBefore = server.ResidentBytes;
        Flow capacity = await loop.OfferAsync(RateBeyond, normalSeconds / 2).ConfigureAwait(false);
        double offered = capacity.Run.PerSecond * 2;
        using var watch = new MemoryWatch(server, TimeSpan.FromSeconds(seconds / 2));
        Flow over = await loop.OfferAsync(offered, seconds).ConfigureAwait(false);
        (long firstHalf, long secondHalf) = watch.End();
        Flow after = await loop.OfferAsync(rate, normalSeconds).ConfigureAwait(false);
        loop.Verify();
        return With(With(With(new Figure(
            "latency",
            $"overload: {offered:N0} payments/s, twice of what the server did in a closed loop, offered for {seconds} s over {loop.Connections} connections; counted is what was taken of it, from the first's due time to the last verdict; the rest was held back "
                + "by credit, on the client's side",
            new Runs([over.Run]))
            .With("capacity_per_second", capacity.Run.PerSecond, "what the server did in a closed loop")
            .With("offered_per_second", offered, $"for {seconds} s")
            .With("offered", over.Offered)
            .With("taken", over.Run.Payments, "sent to the server; all were accepted, and are in the balances")
            .With("held_back", over.Offered - over.Run.Payments, "never sent, for the credit was used up")
            .With("lost", over.Run.Payments - over.DueNs.TotalCount, "sent without a verdict being read; a refusal or a repeat fails the run")
            .With("server_megabytes_before", residentBefore / 1e6, "resident at the normal rate")
            .With("server_megabytes_first_half_max", firstHalf / 1e6, "most that was resident in the first half of the overload")
            .With("server_megabytes_second_half_max", secondHalf / 1e6, "and in the second")
            .With("server_megabytes_after", server.ResidentBytes / 1e6, "at the normal rate again"),
            "before", before.LatencyMs, $"at {rate:N0}/s, from when a payment was due"),
            "taken", over.SentMs, "during the overload, from when a payment was handed to its connection")
            .With("taken_bound_ms", loop.UnderWayMax / over.Run.PerSecond * 1e3, $"{loop.UnderWayMax:N0} payments are all that the connections hold unanswered: what they take at the rate of the overload"),
            "after", after.LatencyMs, $"at {rate:N0}/s again, right behind the overload");
    }

    private static Figure With(Figure figure, string when, Func<double, double> latencyMs, string says)
    {
        foreach ((string name, double percentile) in OpenLoop.Percentiles)
            figure = figure.With($"{when}_{name}_ms", latencyMs(percentile), percentile == OpenLoop.Percentiles[0].Percentile ? says : "");
        return figure;
    }

    /// <summary>Looks at the server's memory ten times a second.</summary>
    private sealed class MemoryWatch : IDisposable
    {
        private readonly ServerProcess _server;
        private readonly long _halfNs;
        private readonly long _begun = Stopwatch.GetTimestamp();
        private readonly Lock _gate = new(); // guards the two
        private readonly Timer _timer;
        private long _firstHalf;
        private long _secondHalf;

        public MemoryWatch(ServerProcess server, TimeSpan half)
        {
            (_server, _halfNs) = (server, (long)half.TotalNanoseconds);
            _timer = new Timer(_ => Look(), null, 0, 100);
        }

        /// <summary>The most that was resident in each half.</summary>
        public (long FirstHalf, long SecondHalf) End()
        {
            Look();
            lock (_gate)
                return (_firstHalf, _secondHalf);
        }

        public void Dispose() => _timer.Dispose();

        private void Look()
        {
            lock (_gate)
            {
                ref long half = ref Common.Run.NsSince(_begun) < _halfNs ? ref _firstHalf : ref _secondHalf;
                half = Math.Max(half, _server.ResidentBytes);
            }
        }
    }
}
