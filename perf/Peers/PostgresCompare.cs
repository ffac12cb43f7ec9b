using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;
using Settlement.Perf.Wire;

namespace Settlement.Perf.Peers;

/// <summary>
/// `perf compare postgres`: the same payments through `gateway serve` and through PostgreSQL, each in processes of its own beside this one, over TCP on loopback, durable before
/// the answer, in turns in one run; many at once against many at once, and one by one against one by one.
/// </summary>
internal static class PostgresCompare
{
    private const int SingleConnections = 16;

    public static int Run(LoadOptions options) => RunAsync(options).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(LoadOptions options)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-compare-").FullName;
        try
        {
            using PostgresServer postgres = PostgresServer.Start(options.Json ? TextWriter.Null : options.Output);
            using var server = new ServerProcess(Path.Combine(folder, "data"));
            var ledger = new WireLedger(options.Small ? 4_000 : 1_000_000);
            Client.SettlementClient client = await Client.SettlementClient.ConnectAsync(server.ClientOptions).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                await ledger.SetUpAsync(client).ConfigureAwait(false);
                PostgresLedger peer = await PostgresLedger.CreateAsync(postgres, ledger.Openings()).ConfigureAwait(false);
                await using (peer.ConfigureAwait(false))
                {
                    Figure figure = await MeasureAsync(server, ledger, peer, options).ConfigureAwait(false);
                    await ledger.VerifyAsync(client).ConfigureAwait(false);
                    await peer.VerifyAsync().ConfigureAwait(false);
                    FigurePrinter.Print(figure, options.Json, options.Output);
                }
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Figure> MeasureAsync(ServerProcess server, WireLedger ledger, PostgresLedger peer, LoadOptions options)
    {
        Payment[] many = ledger.NewPayments(options.Small ? 20_000 : 1 << 22);
        Payment[] sets = many[..(options.Small ? PostgresLedger.SetPayments : 16 * PostgresLedger.SetPayments)];
        Payment[] singles = many[..(options.Small ? 500 : 1 << 18)];
        Payment[] peerSingles = many[..(options.Small ? 200 : 8_000)];
        PaymentLanes frames = await PaymentLanes.OpenAsync(server.ClientOptions, ledger, many, WireLimits.FramePaymentsMax, connections: 2, 0xC0_0000).ConfigureAwait(false);
        PaymentLanes ones = await PaymentLanes.OpenAsync(server.ClientOptions, ledger, singles, 1, connections: SingleConnections, 0xC1_0000).ConfigureAwait(false);
        await using (frames.ConfigureAwait(false))
        await using (ones.ConfigureAwait(false))
        {
            Runs[] all = Runs.InTurn(
                options.Runs, frames.RunOnce, () => peer.RunSets(sets), ones.RunOnce, () => peer.RunSingles(peerSingles, SingleConnections));
            frames.Verify();
            ones.Verify();
            var together = SideBySide.Of(all[0], all[1]);
            var alone = SideBySide.Of(all[2], all[3]);
            return new Figure(
                "compare",
                $"the same payments, {ledger.Wallets:N0} accounts, over TCP on loopback, durable before the answer: this engine, in frames of {WireLimits.FramePaymentsMax:N0} over 2 connections, with rules, levels, batches, trees; "
                    + $"PostgreSQL in sets of {PostgresLedger.SetPayments:N0}, one prepared call and transaction each, with accounts and transfers alone; in turns",
                together.One)
                .WithRatio("postgres_sets", together, "rate of the engine to that of PostgreSQL, median of the rounds' ratios")
                .With("frames_of_1_per_second", alone.One.PerSecond.Median, $"the engine, one payment a frame, {SingleConnections} connections, answers awaited in bulk")
                .WithRatio("postgres_singles", alone, $"frames of one to PostgreSQL's one payment a transaction, {SingleConnections} connections");
        }
    }
}
