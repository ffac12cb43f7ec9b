using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Perf.Common;
using Settlement.Perf.Load;

namespace Settlement.Perf.Wire;

/// <summary>
/// `perf streams`: payments with their payers' own consent, to a server in another process over TCP on loopback, durable before their verdicts. First by chains (PayWord): many payers'
/// streams in each frame, one link a stream and frame. Then by a P-256 signature a payment.
/// </summary>
/// <remarks>
/// Keys, policies and chains are set up over the wire by commands that the payers' keys signed. Before the clock starts: links, signatures, filling in the payments. Counted: everything
/// from handing a frame to the client to reading its last verdict. Checked: every verdict, and in the end every account.
/// </remarks>
internal sealed class StreamsLoad : IAsyncDisposable
{
    private const int WarmUps = 2;
    private const ulong ChainStreams = 0x57_0000_0000;
    private const ulong SignedStreams = 0x51_0000_0000;
    private const int SignedFrame = 1_024;

    /// <summary>A ledger has 4,096 by default; each lane needs one for what is signed.</summary>
    private const int StreamsMax = 4_032;

    private static readonly LoadNumber s_streams = new("--streams", "N", 4_000, 1, StreamsMax, "streams, each of another payer, with a chain each");
    private static readonly LoadNumber s_each = new("--each", "N", 32, 1, WireLimits.FramePaymentsMax, "payments of a stream in a frame, for which it reveals one link");
    private static readonly LoadNumber s_payments = new("--payments", "N", 1 << 21, 1, 1 << 24, "payments of a run by chains; made up to whole rounds of all streams");
    private static readonly LoadNumber s_signed = new("--signed", "N", 16_384, SignedFrame, 1 << 20, "payments of a run by signatures; made up to whole frames");
    private static readonly LoadNumber s_connections = new("--connections", "N", 2, 1, 64, "connections, which share the streams");

    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-streams-").FullName;
    private readonly WireLedger _ledger;
    private readonly int _runs;
    private readonly List<EvidenceLane> _lanes = [];
    private ServerProcess _server = null!;

    private StreamsLoad(int wallets, int runs) => (_ledger, _runs) = (new WireLedger(wallets), runs);

    public static IReadOnlyList<LoadNumber> Numbers { get; } = [s_streams, s_each, s_payments, s_signed, s_connections];

    public static int Run(LoadOptions options) => RunAsync(options).GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        foreach (EvidenceLane lane in _lanes)
            await lane.DisposeAsync().ConfigureAwait(false);
        _server?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<int> RunAsync(LoadOptions options)
    {
        int streams = options.Small ? 64 : options.Of(s_streams);
        int each = options.Small ? 8 : options.Of(s_each);
        int connections = Math.Min(options.Small ? 2 : options.Of(s_connections), streams);
        int signers = options.Small ? 8 : SignedFrame;
        int rounds = options.Small ? 2 : (int)(((long)options.Of(s_payments) + (streams * each) - 1) / (streams * each));
        int signedFrames = options.Small ? 2 : (options.Of(s_signed) + SignedFrame - 1) / SignedFrame;
        await using var load = new StreamsLoad(options.Small ? 4_000 : 1_000_000, options.Runs);
        load._server = new ServerProcess(Path.Combine(load._folder, "data"), withHttp: true);
        Payment[] payments = load.DistinctPayers(streams + signers);
        using var streaming = new Payers(payments[..streams]);
        using var signing = new Payers(payments[streams..]);
        var chains = new PayerChains(streams, each, rounds * (options.Runs + WarmUps));
        SettlementClient client = await SettlementClient.ConnectAsync(load._server.ClientOptions).ConfigureAwait(false);
        await using (client.ConfigureAwait(false))
        {
            await load._ledger.SetUpAsync(client).ConfigureAwait(false);
            await streaming.RegisterAsync(client, ConsentPolicy.Stream).ConfigureAwait(false);
            await streaming.OpenChainsAsync(client, chains, stream => ChainStreams + (ulong)stream).ConfigureAwait(false);
            await signing.RegisterAsync(client, ConsentPolicy.Signed).ConfigureAwait(false);
            for (int i = 0; i < connections; i++)
                load._lanes.Add(await EvidenceLane.OpenAsync(load._server).ConfigureAwait(false));
            (Runs byChains, Cost chainCost) = load.Measure(run => load.ChainFrames(streaming.Payments, chains, each, rounds, run));
            (Runs bySignatures, Cost signatureCost) = load.Measure(run => load.SignedFrames(signing, signedFrames, run));
            await load._ledger.VerifyAsync(client).ConfigureAwait(false);
            int perFrame = StreamsInFrame(each);
            FigurePrinter.Print(
                new Figure(
                    "streams",
                    $"payments that their payers consented to by chains (PayWord), over TCP on loopback to a server in a process of its own and back, links checked, fsynced before the verdict: {streams:N0} streams, each of another wallet to one payee, "
                        + $"in frames of {Math.Min(perFrame, streams / connections):N0} streams with {each} payments each and one link a stream, over {connections} connections; {load._ledger.Wallets:N0} wallets, levels, 20 countries' rows, trees, seals; "
                        + "the client on the same cores reads every verdict, and all balances at the end; links made in advance; no TLS; bytes are the client's",
                    byChains)
                .With("server_ns", chainCost.ServerNs, "processor time of the server a payment")
                .With("client_ns", chainCost.ClientNs, "of the client")
                .With("server_bytes_a_payment", chainCost.ServerBytes, "that the server took from its collected heap")
                .With("signed_per_second", bySignatures.PerSecond.Median, $"payments a second with a P-256 signature each, frames of {signers:N0}; {bySignatures.PerSecond.Min:N0} to {bySignatures.PerSecond.Max:N0}")
                .With("signed_server_ns", signatureCost.ServerNs, "processor time of the server a payment: its signature")
                .With("signed_cost_ratio", signatureCost.ServerNs / chainCost.ServerNs, "what a signature costs the server, to what a payment of a chain does")
                .With("server_megabytes", load._server.ResidentBytes / 1e6, "resident at the end"),
                options.Json,
                options.Output);
        }

        return 0;
    }

    private static int StreamsInFrame(int each) => Math.Max(1, WireLimits.FramePaymentsMax / each);

    /// <summary>One payment of each of so many payers.</summary>
    private Payment[] DistinctPayers(int count)
    {
        for (int drawn = 2 * count; ; drawn *= 2)
        {
            Payment[] distinct = [.. _ledger.NewPayments(drawn).DistinctBy(payment => payment.Payer).Take(count)];
            if (distinct.Length == count)
                return distinct;
        }
    }

    /// <param name="framesOf">What each lane sends in a run, by the run's number; made before its clock starts.</param>
    private (Runs Runs, Cost Cost) Measure(Func<int, List<EvidenceFrame>[]> framesOf)
    {
        var cost = new Cost();
        int run = 0;
        Runs measured = Runs.Of(
            _runs,
            () =>
            {
                List<EvidenceFrame>[] frames = framesOf(run);
                long payments = frames.Sum(lane => lane.Sum(frame => (long)frame.Payments.Length));
                foreach (EvidenceFrame frame in frames.SelectMany(lane => lane))
                    _ledger.Expect(frame.Payments);
                ServerCost before = ServerCost.Of(_server);
                Run timed = Common.Run.Time(payments, () => Task.WhenAll(_lanes.Select((lane, i) => lane.SendAsync(frames[i]))).GetAwaiter().GetResult());
                if (run++ >= WarmUps)
                    cost.Add(before, ServerCost.Of(_server), payments);
                return timed;
            },
            WarmUps);
        return (measured, cost);
    }

    /// <summary>Rounds of all streams: each frame has some streams' next payments in turn, and with each stream's last one its link.</summary>
    private List<EvidenceFrame>[] ChainFrames(IReadOnlyList<Payment> payers, PayerChains chains, int each, int rounds, int run)
    {
        List<EvidenceFrame>[] frames = [.. _lanes.Select(_ => new List<EvidenceFrame>())];
        for (int round = run * rounds; round < (run + 1) * rounds; round++)
        {
            for (int lane = 0; lane < _lanes.Count; lane++)
            {
                int end = (int)((long)payers.Count * (lane + 1) / _lanes.Count);
                int count;
                for (int from = (int)((long)payers.Count * lane / _lanes.Count); from < end; from += count)
                {
                    count = Math.Min(StreamsInFrame(each), end - from);
                    frames[lane].Add(ChainFrame(payers, chains, from, count, each, (ulong)round * (ulong)each));
                }
            }
        }

        return frames;
    }

    private static EvidenceFrame ChainFrame(IReadOnlyList<Payment> payers, PayerChains chains, int from, int count, int each, ulong numbered)
    {
        var payments = new Payment[count * each];
        var evidence = new PaymentEvidence[count];
        for (int i = 0; i < payments.Length; i++)
        {
            payments[i] = payers[from + (i % count)] with
            {
                IdHigh = ChainStreams + (ulong)(from + (i % count)), IdLow = numbered + (ulong)(i / count) + 1, Flags = PaymentFlags.StreamId,
            };
        }

        for (int i = 0; i < count; i++)
            evidence[i] = chains.Evidence(payments.Length - count + i, from + i, numbered + (ulong)each);
        return new EvidenceFrame(payments, evidence);
    }

    /// <summary>Frames of a payment of each signer, in turn to the lanes, each payment with a signature of its own.</summary>
    private List<EvidenceFrame>[] SignedFrames(Payers signers, int count, int run)
    {
        UInt128 ledger = _lanes[0].LedgerId;
        List<EvidenceFrame>[] frames = [.. _lanes.Select(_ => new List<EvidenceFrame>())];
        for (int number = run * count; number < (run + 1) * count; number++)
        {
            Payment[] payments = [.. signers.Payments.Select((payment, i) => payment with
            {
                IdHigh = SignedStreams + (ulong)(number % _lanes.Count), IdLow = ((ulong)(number / _lanes.Count) * (ulong)signers.Payments.Count) + (ulong)i + 1, Flags = PaymentFlags.StreamId,
            })];
            frames[number % _lanes.Count].Add(new EvidenceFrame(payments, [.. payments.Select((payment, i) => signers.Sign(i, ledger, i, in payment))]));
        }

        return frames;
    }

    /// <summary>What the processes have taken so far.</summary>
    private readonly record struct ServerCost(TimeSpan Server, TimeSpan Client, long ServerBytes)
    {
        public static ServerCost Of(ServerProcess server)
        {
            long bytes = server.AllocatedBytes;
            return new(server.ProcessorTime, Environment.CpuUsage.TotalTime, bytes);
        }
    }

    /// <summary>What the timed runs took, a payment.</summary>
    private sealed class Cost
    {
        private double _server;
        private double _client;
        private double _bytes;
        private double _payments;

        public double ServerNs => _server * 1e9 / _payments;

        public double ClientNs => _client * 1e9 / _payments;

        public double ServerBytes => _bytes / _payments;

        public void Add(ServerCost before, ServerCost after, long payments)
        {
            _server += (after.Server - before.Server).TotalSeconds;
            _client += (after.Client - before.Client).TotalSeconds;
            _bytes += after.ServerBytes - before.ServerBytes;
            _payments += payments;
        }
    }
}
