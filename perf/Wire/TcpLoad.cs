using Settlement.Client.Wire;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>
/// `perf tcp`: payments from this process to a server in another over TCP on loopback, durable before their verdicts: in frames of 8,190, of 100 and of 1.
/// Every verdict is looked at, and in the end every account.
/// </summary>
internal sealed class TcpLoad : IAsyncDisposable
{
    private const int WarmUps = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-tcp-").FullName;
    private readonly List<ServerProcess> _server = [];
    private readonly WireLedger _ledger;
    private ulong _stream = 0x7C9_0000;

    private TcpLoad(int wallets) => _ledger = new WireLedger(wallets);

    /// <summary>How a load is cut.</summary>
    private sealed record Shape(int FramePayments, int Connections, int Payments);

    public static int Run(LoadOptions options) => RunAsync(options).GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        foreach (ServerProcess server in _server)
            server.Dispose();
        Directory.Delete(_folder, recursive: true);
        await ValueTask.CompletedTask.ConfigureAwait(false);
    }

    private static async Task<int> RunAsync(LoadOptions options)
    {
        Shape[] shapes = options.Small
            ? [new(WireLimits.FramePaymentsMax, 1, 20_000), new(100, 2, 5_000), new(1, 2, 500)]
            : [new(WireLimits.FramePaymentsMax, 2, 1 << 22), new(100, 4, 1 << 20), new(1, 8, 1 << 18)];
        await using var load = new TcpLoad(options.Small ? 4_000 : 1_000_000);
        await load.StartAsync().ConfigureAwait(false);
        var measured = new List<(Shape Shape, Runs Runs, Cost Cost)>();
        foreach (Shape shape in shapes)
            measured.Add(await load.MeasureAsync(shape, options.Runs).ConfigureAwait(false));
        await load.VerifyAsync().ConfigureAwait(false);
        Figure figure = new Figure(
            "tcp",
            $"payments over TCP on loopback to a server in a process of its own and back, fsynced before the verdict: client, wire, ring, FASTER log, all of Settle ({load._ledger.Wallets:N0} wallets in 8 currencies, "
                + $"stream ids, labels, 20 countries' rows), trees, seals; frames of {shapes[0].FramePayments:N0} over {shapes[0].Connections} connections; the client on the same cores verifies every verdict, and all balances at the end; no TLS; bytes are the client's",
            measured[0].Runs);
        foreach ((Shape shape, Runs runs, Cost cost) in measured)
        {
            figure = figure.With($"frames_of_{shape.FramePayments}_per_second", runs.PerSecond.Median, $"payments a second, {shape.Connections} connections")
                .With($"frames_of_{shape.FramePayments}_server_ns", cost.ServerNs, "processor time of the server a payment")
                .With($"frames_of_{shape.FramePayments}_client_ns", cost.ClientNs, "of the client")
                .With($"frames_of_{shape.FramePayments}_server_bytes_a_payment", cost.ServerBytes, "that the server took from its collected heap");
        }

        FigurePrinter.Print(figure.With("server_megabytes", load._server[0].ResidentBytes / 1e6, "resident at the end"), options.Json, options.Output);
        return 0;
    }

    private readonly record struct Cost(double ServerNs, double ClientNs, double ServerBytes);

    private async Task StartAsync()
    {
        _server.Add(new ServerProcess(Path.Combine(_folder, "data"), withHttp: true));
        Client.SettlementClient client = await Client.SettlementClient.ConnectAsync(_server[0].ClientOptions).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
            await _ledger.SetUpAsync(client).ConfigureAwait(false);
    }

    private async Task VerifyAsync()
    {
        Client.SettlementClient client = await Client.SettlementClient.ConnectAsync(_server[0].ClientOptions).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
            await _ledger.VerifyAsync(client).ConfigureAwait(false);
    }

    private async Task<(Shape Shape, Runs Runs, Cost Cost)> MeasureAsync(Shape shape, int runs)
    {
        PaymentLanes lanes = await PaymentLanes.OpenAsync(
            _server[0].ClientOptions, _ledger, _ledger.NewPayments(shape.Payments), shape.FramePayments, shape.Connections, _stream).ConfigureAwait(false);
        _stream += (ulong)shape.Connections;
        await using (lanes.ConfigureAwait(false))
        {
            int times = 0;
            TimeSpan server = default, client = default;
            long bytes = 0;
            Runs measured = Runs.Of(
                runs,
                () =>
                {
                    if (++times == WarmUps + 1)
                    {
                        bytes = _server[0].AllocatedBytes;
                        (server, client) = (_server[0].ProcessorTime, Environment.CpuUsage.TotalTime);
                    }

                    return lanes.RunOnce();
                },
                WarmUps);
            double counted = (double)runs * shape.Payments;
            var cost = new Cost(
                (_server[0].ProcessorTime - server).TotalSeconds * 1e9 / counted, (Environment.CpuUsage.TotalTime - client).TotalSeconds * 1e9 / counted, (_server[0].AllocatedBytes - bytes) / counted);
            lanes.Verify();
            return (shape, measured, cost);
        }
    }
}
