using System.Diagnostics;
using Settlement.Client;
using Settlement.Engine.Domain;
using Settlement.Perf.Chaos;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>What takeovers took.</summary>
/// <param name="VerdictMs">From each kill until a client had the verdict of a payment that it sent after it.</param>
/// <param name="BackMs">From the old leader's start until it had caught up.</param>
/// <param name="Answers">Verdicts that were told in all.</param>
internal sealed record TakeoverResult(IReadOnlyList<double> VerdictMs, IReadOnlyList<double> BackMs, long Answers, TimeSpan Elapsed, CheckReport Check);

/// <summary>
/// The leader is killed (-9) under load, again and again: how long until a client has a verdict of the next one, how long until the old one is back; and in the end, whether anything that
/// was acknowledged is missing or there twice.
/// </summary>
/// <remarks>Who measures is one client that has one payment under way at a time, with the SDK's way of following the leader and the settings that nodes come with.</remarks>
internal static class TakeoverRun
{
    private const int VerdictMsMax = 60_000;

    /// <param name="folder">New or empty; stays the caller's.</param>
    /// <param name="rounds">Kills.</param>
    /// <param name="perSecond">Payments that each of three banks streams a second meanwhile.</param>
    /// <param name="seed">Of the payments, and of when each kill comes.</param>
    public static TakeoverResult Run(string folder, int rounds, int perSecond, int seed) => RunAsync(folder, rounds, perSecond, seed).GetAwaiter().GetResult();

    private static async Task<TakeoverResult> RunAsync(string folder, int rounds, int perSecond, int seed)
    {
        string path = Path.Combine(folder, "history.txt");
        var random = new Random(seed);
        var verdictMs = new List<double>();
        var backMs = new List<double>();
        long begun = Stopwatch.GetTimestamp();
        long answers;
        using LocalCluster cluster = LocalCluster.Start(new ClusterPlan(folder));
        using (var history = new HistoryWriter(path))
        {
            using ChaosLedger ledger = await ChaosLedger.SetUpAsync(cluster, history).ConfigureAwait(false);
            var clients = new ChaosClients(ledger, history, seed, perSecond);
            await using (clients.ConfigureAwait(false))
            {
                clients.Start();
                using var probe = await Probe.StartAsync(ledger, history).ConfigureAwait(false);
                for (int round = 0; round < rounds; round++)
                {
                    await Task.Delay(random.Next(500, 1_500)).ConfigureAwait(false);
                    ClusterMember leader = cluster.WaitLeader();
                    long killed = Stopwatch.GetTimestamp();
                    leader.Kill();
                    history.Note($"kill {leader.Name}, which leads");
                    verdictMs.Add(await probe.NextVerdictMsAsync(killed).ConfigureAwait(false));
                    long started = Stopwatch.GetTimestamp();
                    leader.Start();
                    LocalCluster.WaitUntil(() => leader.Status() is { IsReady: true }, VerdictMsMax, () => $"{leader.Name} did not catch up: {cluster.Describe()}");
                    backMs.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }

                await probe.EndAsync().ConfigureAwait(false);
                await clients.CompleteAsync().ConfigureAwait(false);
                cluster.WaitCaughtUp();
                await clients.ReadAllAsync().ConfigureAwait(false);
            }

            answers = history.AnswerCount;
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(begun);
        return new TakeoverResult(verdictMs, backMs, answers, elapsed, ChaosRun.Check(cluster, path));
    }

    /// <summary>One client that pays a unit, waits for the verdict, and pays the next.</summary>
    private sealed class Probe : IDisposable
    {
        private readonly HistoryWriter _history;
        private readonly SettlementClient _client;
        private readonly CancellationTokenSource _enough = new();
        private readonly Lock _gate = new();
        private Task _paying = Task.CompletedTask;
        private TaskCompletionSource<long> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously); // with when; under the lock
        private long _after = long.MaxValue; // a payment that was sent at or behind it counts; under the lock

        private Probe(SettlementClient client, HistoryWriter history) => (_client, _history) = (client, history);

        public static async Task<Probe> StartAsync(ChaosLedger ledger, HistoryWriter history)
        {
            ClientOptions options = ledger.Cluster.ClientOptions("") with { KeyFile = null, Signer = KeySigner.From(ledger.KeyOf(1)) };
            var probe = new Probe(await SettlementClient.ConnectAsync(options).ConfigureAwait(false), history);
            probe._paying = Task.Run(probe.PayAsync);
            return probe;
        }

        public async Task<double> NextVerdictMsAsync(long killed)
        {
            Task<long> answered;
            lock (_gate)
            {
                _after = killed;
                _answered = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
                answered = _answered.Task;
            }

            try
            {
                return Stopwatch.GetElapsedTime(killed, await answered.WaitAsync(TimeSpan.FromMilliseconds(VerdictMsMax)).ConfigureAwait(false)).TotalMilliseconds;
            }
            catch (TimeoutException)
            {
                throw new CheckFailedException($"no client had a verdict {VerdictMsMax / 1000} s after the leader was killed");
            }
        }

        public async Task EndAsync()
        {
            await _enough.CancelAsync().ConfigureAwait(false);
            await _paying.ConfigureAwait(false);
            await _client.DisposeAsync().ConfigureAwait(false);
        }

        public void Dispose() => _enough.Dispose();

        private async Task PayAsync()
        {
            Payment[] one = [Next()];
            while (!_enough.IsCancellationRequested)
            {
                long sent = Stopwatch.GetTimestamp();
                _history.Invoked("probe", 1, one);
                try
                {
                    PaymentVerdict[] verdicts = await _client.SubmitAsync(one).ConfigureAwait(false);
                    _history.Answered("probe", 1, one, verdicts);
                    one = [Next()];
                    lock (_gate)
                    {
                        if (sent >= _after)
                            _answered.TrySetResult(Stopwatch.GetTimestamp());
                    }
                }
                catch (OutcomeUnknownException unknown)
                {
                    _history.Unknown("probe", 1, unknown.Ids);
                }
                catch (SettlementException) when (!_enough.IsCancellationRequested)
                {
                    // Not sent, or not taken: the same again.
                }
            }
        }

        private static Payment Next()
        {
            PaymentId id = PaymentId.NewUuid();
            return new Payment
            {
                IdHigh = id.High, IdLow = id.Low, Payer = ChaosLedger.Banks, Payee = 1, Amount = 1, Currency = ChaosLedger.Currencies[0], Instruction = Instruction.Micropayment, Purpose = Purpose.Goods,
            };
        }
    }
}
