using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>
/// Twice of what the server can do, offered for a while: what it cannot take is held back by credit, on the client's side; what it takes is answered in
/// bounded time; its memory is bounded; and behind it all is as before.
/// </summary>
internal static class OverloadRun
{
    private const double SecondsOfCapacity = 5;
    private const double SecondsOfNormal = 10;

    /// <summary>Above everything that this machine could do: finds out what it can.</summary>
    private const double RateBeyond = 20e6;

    public static async Task<Figure> RunAsync(OpenLoop loop, ServerProcess server, int rate, int seconds)
    {
        await loop.OfferAsync(rate, SecondsOfCapacity).ConfigureAwait(false); // warms up
        Flow before = await loop.OfferAsync(rate, SecondsOfNormal).ConfigureAwait(false);
        Flow capacity = await loop.OfferAsync(RateBeyond, SecondsOfCapacity).ConfigureAwait(false);
        long residentBefore = server.ResidentBytes;
        using var watch = new MemoryWatch(server);
        Flow over = await loop.OfferAsync(capacity.Run.PerSecond * 2, seconds).ConfigureAwait(false);
        long residentMax = watch.Max;
        Flow after = await loop.OfferAsync(rate, SecondsOfNormal).ConfigureAwait(false);
        return new Figure(
            "latency",
            $"overload: {capacity.Run.PerSecond * 2:N0} payments/s, twice of what the server did in a closed loop, offered for {seconds} s over {loop.Connections} connections; counted is what was taken, all of it answered and found in the balances; "
                + "the rest was held back by credit, on the client's side",
            new Runs([over.Run]))
            .With("capacity_per_second", capacity.Run.PerSecond)
            .With("offered", over.Offered)
            .With("taken", over.Run.Payments)
            .With("held_back", over.Offered - over.Run.Payments)
            .With("taken_p50_ms", over.SentMs(50), "from when a payment was handed to its connection")
            .With("taken_p99_ms", over.SentMs(99))
            .With("taken_max_ms", over.SentMs(100))
            .With("server_megabytes_before", residentBefore / 1e6)
            .With("server_megabytes_max", residentMax / 1e6, "most that was resident meanwhile")
            .With("before_p50_ms", before.LatencyMs(50), $"at {rate:N0}/s, from when a payment was due")
            .With("before_p99_ms", before.LatencyMs(99))
            .With("after_p50_ms", after.LatencyMs(50), "the same, right behind the overload")
            .With("after_p99_ms", after.LatencyMs(99));
    }

    /// <summary>Looks at the server's memory ten times a second.</summary>
    private sealed class MemoryWatch : IDisposable
    {
        private readonly ServerProcess _server;
        private readonly Timer _timer;
        private long _max;

        public MemoryWatch(ServerProcess server)
        {
            _server = server;
            _timer = new Timer(_ => Look(), null, 0, 100);
        }

        public long Max => Volatile.Read(ref _max);

        public void Dispose() => _timer.Dispose();

        private void Look()
        {
            lock (_timer)
                _max = Math.Max(_max, _server.ResidentBytes);
        }
    }
}
