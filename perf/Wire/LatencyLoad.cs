using HdrHistogram;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;
using Settlement.Perf.Load;

namespace Settlement.Perf.Wire;

/// <summary>
/// `perf latency`: payments offered to a server in another process in an open loop, by a fixed schedule over many connections. Latency counts from when a
/// payment was due, whether or not it could be sent then, to when its durable verdict was read: a server that stalls is not asked less meanwhile.
/// </summary>
/// <remarks>
/// The schedule: each connection in turn has a group of payments, which are due one after the other and sent when the last of them is. With
/// `--overload`, twice of what the server can do is offered meanwhile: <see cref="OverloadRun"/>.
/// </remarks>
internal sealed class LatencyLoad
{
    private const double NormalSeconds = 10;

    private static readonly LoadNumber s_rate = new("--rate", "N", 100_000, 100, 10_000_000, "payments offered a second");
    private static readonly LoadNumber s_seconds = new("--seconds", "N", 30, 1, 3_600, "how long each run offers them");
    private static readonly LoadNumber s_connections = new("--connections", "N", 64, 1, 4_096, "connections, each with a stream of its own");
    private static readonly LoadNumber s_group = new("--group", "N", 20, 1, 8_190, "payments that a connection sends at once");
    private static readonly LoadNumber s_overload = new("--overload", "SECONDS", 0, 0, 3_600, "instead: measures what the server can do, offers twice that for so long, then the rate again");

    public static IReadOnlyList<LoadNumber> Numbers { get; } = [s_rate, s_seconds, s_connections, s_group, s_overload];

    public static int Run(LoadOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(LoadOptions options)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-latency-").FullName;
        try
        {
            using var server = new ServerProcess(Path.Combine(folder, "data"));
            var ledger = new WireLedger(options.Small ? 4_000 : 1_000_000);
            Client.SettlementClient client = await Client.SettlementClient.ConnectAsync(server.ClientOptions).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                await ledger.SetUpAsync(client).ConfigureAwait(false);
                OpenLoop loop = await OpenLoop.StartAsync(
                    server.ClientOptions, ledger, options.Small ? 4 : options.Of(s_connections), options.Of(s_group), options.Small ? 2_000 : 1 << 20).ConfigureAwait(false);
                await using (loop.ConfigureAwait(false))
                {
                    Figure figure = options.Of(s_overload) > 0
                        ? await OverloadAsync(loop, server, options).ConfigureAwait(false)
                        : await MeasureAsync(loop, options).ConfigureAwait(false);
                    loop.Verify();
                    await ledger.VerifyAsync(client).ConfigureAwait(false);
                    FigurePrinter.Print(figure.With("server_megabytes", server.ResidentBytes / 1e6, "resident at the end"), options.Json, options.Output);
                }
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<Figure> OverloadAsync(OpenLoop loop, ServerProcess server, LoadOptions options) => options.Small
        ? OverloadRun.RunAsync(loop, server, 5_000, seconds: 0.2, normalSeconds: 0.1)
        : OverloadRun.RunAsync(loop, server, options.Of(s_rate), options.Of(s_overload), NormalSeconds);

    private static async Task<Figure> MeasureAsync(OpenLoop loop, LoadOptions options)
    {
        int rate = options.Small ? 5_000 : options.Of(s_rate);
        double seconds = options.Small ? 0.1 : options.Of(s_seconds);
        await loop.OfferAsync(rate, Math.Min(seconds, 5)).ConfigureAwait(false); // warms up
        var flows = new List<Flow>();
        for (int i = 0; i < options.Runs; i++)
        {
            GC.Collect();
            flows.Add(await loop.OfferAsync(rate, seconds).ConfigureAwait(false));
        }

        Figure figure = new Figure(
            "latency",
            $"payments offered at {rate:N0}/s for {seconds:0.#} s a run in an open loop over {loop.Connections} connections, {options.Of(s_group)} at once, to a server in a process of its own, fsynced before the verdict; "
                + "latency from when a payment was due to when this process had its verdict; both on the same cores; no TLS",
            new Runs([.. flows.Select(flow => flow.Run)]));
        foreach ((string name, double percentile) in OpenLoop.Percentiles)
            figure = figure.With($"{name}_ms", Spread.Of(flows.Select(flow => flow.LatencyMs(percentile))).Median, $"median over the runs; worst {flows.Max(flow => flow.LatencyMs(percentile)):0.##}");
        return figure.With("held_back", flows.Max(flow => flow.Offered - flow.Run.Payments), "payments that were due and could not be sent, worst run");
    }
}

/// <summary>One stretch of offering.</summary>
/// <param name="Offered">Payments that were due.</param>
/// <param name="Run">Those that were sent and answered, from the first's due time to the last answer.</param>
/// <param name="DueNs">Latency from when each was due.</param>
/// <param name="SentNs">Latency from when it was handed to its connection.</param>
internal sealed record Flow(long Offered, Run Run, LongHistogram DueNs, LongHistogram SentNs)
{
    public double LatencyMs(double percentile) => DueNs.GetValueAtPercentile(percentile) / 1e6;

    public double SentMs(double percentile) => SentNs.GetValueAtPercentile(percentile) / 1e6;
}
