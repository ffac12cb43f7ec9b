using System.Collections.Concurrent;
using System.Diagnostics;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Perf.Cluster;

namespace Settlement.Perf.Chaos;

/// <summary>
/// The load of a chaos run: for each bank one who streams, one who submits payments with ids of their own, holds, captures, voids and old payments again, and one who reads at all nodes; and one
/// who watches batches. All write down what they do and are told.
/// </summary>
/// <remarks>
/// Failure assumed: anything. Who gets no answer says so in the history, and asks again under the same id until there is one; a client that has given up is made anew.
/// </remarks>
internal sealed class ChaosClients : IAsyncDisposable
{
    private const ulong StreamFirst = 9_000;
    private const ulong StreamsOfOne = 10_000; // between the streams of these clients and of those that come after them
    private const ulong StreamLane = 1_000_000; // between the streams of a bank
    private const int OldPaymentsKept = 20_000;
    private const int ReadMsMax = 120_000;
    private static readonly TimeSpan s_partingMax = TimeSpan.FromSeconds(10);

    private readonly ChaosLedger _ledger;
    private readonly HistoryWriter _history;
    private readonly int _seed;
    private readonly int _perSecond; // of each bank's streams
    private readonly int _streams;
    private readonly ulong _streamFirst;
    private readonly string _tag;
    private readonly CancellationTokenSource _enough = new();
    private readonly ConcurrentQueue<Payment>[] _holds = [.. Enumerable.Range(0, ChaosLedger.Banks + 1).Select(_ => new ConcurrentQueue<Payment>())]; // by the payee's bank
    private readonly List<Task> _tasks = [];
    private long _lastAnswer = Stopwatch.GetTimestamp();
    private long _readsRefused;

    /// <param name="ledger">Where they pay.</param>
    /// <param name="history">What they write.</param>
    /// <param name="seed">Of who pays whom.</param>
    /// <param name="perSecond">Payments that each bank streams a second; those with ids of their own come on top.</param>
    /// <param name="streams">Over how many streams and connections each bank spreads them.</param>
    /// <param name="before">How many others came before them. Their names in the history are others, and so are their streams: numbers that were under way when a writer gave up are not given to other payments.</param>
    public ChaosClients(ChaosLedger ledger, HistoryWriter history, int seed, int perSecond, int streams = 1, int before = 0)
    {
        (_ledger, _history, _seed, _perSecond, _streams) = (ledger, history, seed, perSecond, streams);
        _streamFirst = StreamFirst + (StreamsOfOne * (ulong)before);
        _tag = before == 0 ? "" : $".{before}";
    }

    /// <summary>How long ago a verdict was told.</summary>
    public TimeSpan Silence => Stopwatch.GetElapsedTime(Volatile.Read(ref _lastAnswer));

    /// <summary>Reads that no node could serve.</summary>
    public long ReadsRefused => Volatile.Read(ref _readsRefused);

    /// <summary>What was the last reason of one; for whoever looks why there are so few.</summary>
    public string ReadRefusal { get; private set; } = "";

    public void Start()
    {
        for (int bank = 1; bank <= ChaosLedger.Banks; bank++)
        {
            int number = bank;
            var seen = new SeenBySession();
            for (int i = 0; i < _streams; i++)
            {
                int lane = i;
                _tasks.Add(Task.Run(() => StreamAsync(number, lane)));
            }

            _tasks.Add(Task.Run(() => SubmitAsync(number, seen)));
            _tasks.Add(Task.Run(() => ReadAsync(number, seen)));
        }

        _tasks.Add(Task.Run(WatchAsync));
    }

    /// <summary>Nothing new is sent; returns when everything that was has an answer. The cluster must be well.</summary>
    public async Task CompleteAsync()
    {
        await _enough.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks).ConfigureAwait(false);
        _history.Flush();
    }

    /// <summary>Reads every wallet at every node, by a session of its own a node.</summary>
    public async Task ReadAllAsync()
    {
        foreach (ClusterMember member in _ledger.Cluster.Members)
        {
            using var reader = new LedgerReader(_ledger.Cluster, _history, $"last-{member.Name}{_tag}", _ledger.OperatorKey);
            for (ulong wallet = 1; wallet <= ChaosLedger.Wallets; wallet++)
            {
                long begun = Environment.TickCount64;
                while (!await reader.ReadAsync(member, wallet, CancellationToken.None).ConfigureAwait(false))
                {
                    // A busy machine may be late with an answer, or change its leader even now.
                    if (Environment.TickCount64 - begun > ReadMsMax)
                        throw new Common.CheckFailedException($"wallet {wallet} cannot be read at {member.Name} when all is over: {reader.Refused}");
                }
            }

            await reader.ReadBatchesAsync(member, CancellationToken.None).ConfigureAwait(false);
        }

        _history.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks).WaitAsync(s_partingMax).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // who has no answer now never gets one
        _enough.Dispose();
    }

    private sealed class SeenBySession
    {
        public ulong Sequence; // written by: the submitting task; the reading one asks for as much
    }

    private async Task<SettlementClient> ConnectAsync(int bank)
    {
        var signer = KeySigner.From(_ledger.KeyOf(bank));
        while (true)
        {
            try
            {
                ClientOptions options = _ledger.Cluster.ClientOptions("");
                return await SettlementClient.ConnectAsync(options with { KeyFile = null, Signer = signer }).ConfigureAwait(false);
            }
            catch (SettlementException) // nobody leads now
            {
                await Task.Delay(200).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Streams until it is enough. A writer goes on with its stream through any number of lost connections; where it gives up, another stream takes its place, and what it had under way stays unknown.</summary>
    private async Task StreamAsync(int bank, int lane)
    {
        string name = lane == 0 ? $"stream-{bank}{_tag}" : $"stream-{bank}-{lane}{_tag}";
        var random = new Random(_seed + bank + (1_000 * lane));
        for (ulong attempt = 0; ; attempt++)
        {
            SettlementClient client = await ConnectAsync(bank).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                try
                {
                    PaymentWriter writer = await client.OpenWriterAsync(_streamFirst + (StreamLane * (ulong)lane) + (ulong)bank + (10 * attempt), new WriterOptions
                    {
                        UnderWayMax = 20_000,
                        OnVerdicts = (payments, verdicts) =>
                        {
                            _history.Answered(name, (ushort)bank, payments, verdicts);
                            Volatile.Write(ref _lastAnswer, Stopwatch.GetTimestamp());
                        },
                    }).ConfigureAwait(false);
                    await using (writer.ConfigureAwait(false))
                    {
                        while (!_enough.IsCancellationRequested)
                        {
                            Payment[] some = Draw(bank, random, Math.Max(1, _perSecond / 50 / _streams));
                            for (int i = 0; i < some.Length; i++)
                                (some[i].IdHigh, some[i].IdLow, some[i].Flags) = (writer.Stream, writer.NextNumber + (ulong)i, PaymentFlags.StreamId);
                            _history.Invoked(name, (ushort)bank, some);
                            await writer.WriteAsync(some).ConfigureAwait(false);
                            await Task.Delay(20).ConfigureAwait(false);
                        }

                        await writer.CompleteAsync().ConfigureAwait(false);
                        return;
                    }
                }
                catch (SettlementException gaveUp)
                {
                    _history.Note($"{name}: {gaveUp.Message}");
                    if (_enough.IsCancellationRequested)
                        return;
                }
            }
        }
    }

    private async Task SubmitAsync(int bank, SeenBySession seen)
    {
        string name = $"submit-{bank}{_tag}";
        var random = new Random(_seed + 100 + bank);
        var old = new List<Payment>();
        SettlementClient client = await ConnectAsync(bank).ConfigureAwait(false);
        try
        {
            while (!_enough.IsCancellationRequested)
            {
                Payment[] some = Mixed(bank, random, old);
                _history.Invoked(name, (ushort)bank, some);
                (client, PaymentVerdict[] verdicts) = await SettleAsync(client, bank, name, some).ConfigureAwait(false);
                for (int i = 0; i < some.Length; i++)
                {
                    Volatile.Write(ref seen.Sequence, Math.Max(seen.Sequence, verdicts[i].Sequence));
                    if (verdicts[i].Verdict == Verdict.Accepted && some[i].Instruction == Instruction.Hold)
                        _holds[ChaosLedger.BankOf(some[i].Payee)].Enqueue(some[i]);
                    if (old.Count < OldPaymentsKept)
                        old.Add(some[i]);
                    else
                        old[random.Next(old.Count)] = some[i];
                }

                Volatile.Write(ref _lastAnswer, Stopwatch.GetTimestamp());
                await Task.Delay(random.Next(15)).ConfigureAwait(false);
            }
        }
        finally
        {
            await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Until every payment has an answer: what is unknown is sent again as it is, which the ledger answers as it did before.</summary>
    private async Task<(SettlementClient Client, PaymentVerdict[] Verdicts)> SettleAsync(SettlementClient client, int bank, string name, Payment[] payments)
    {
        while (true)
        {
            try
            {
                PaymentVerdict[] verdicts = await client.SubmitAsync(payments).ConfigureAwait(false);
                _history.Answered(name, (ushort)bank, payments, verdicts);
                return (client, verdicts);
            }
            catch (OutcomeUnknownException unknown)
            {
                _history.Answered(name, (ushort)bank, payments, [.. unknown.Verdicts]);
                _history.Unknown(name, (ushort)bank, unknown.Ids);
            }
            catch (NotSentException)
            {
                // As if it had not been asked.
            }
            catch (RefusedException refused) when (refused.IsTransient)
            {
                // Nothing of it was taken.
            }
            catch (SettlementException gaveUp)
            {
                _history.Note($"{name}: {gaveUp.Message}");
            }

            await client.DisposeAsync().ConfigureAwait(false);
            client = await ConnectAsync(bank).ConfigureAwait(false);
            _history.Invoked(name, (ushort)bank, payments);
        }
    }

    private async Task ReadAsync(int bank, SeenBySession seen)
    {
        var random = new Random(_seed + 200 + bank);
        using var reader = new LedgerReader(_ledger.Cluster, _history, $"read-{bank}{_tag}", _ledger.KeyOf(bank));
        while (!_enough.IsCancellationRequested)
        {
            reader.Saw(Volatile.Read(ref seen.Sequence));
            ClusterMember member = _ledger.Cluster.Members[random.Next(_ledger.Cluster.Members.Count)];
            if (!await reader.ReadAsync(member, ChaosLedger.WalletOf(bank, random), CancellationToken.None).ConfigureAwait(false))
            {
                Interlocked.Increment(ref _readsRefused);
                ReadRefusal = reader.Refused;
            }

            await Task.Delay(random.Next(30)).ConfigureAwait(false);
        }
    }

    private async Task WatchAsync()
    {
        using var reader = new LedgerReader(_ledger.Cluster, _history, $"watch{_tag}", _ledger.OperatorKey);
        while (!_enough.IsCancellationRequested)
        {
            foreach (ClusterMember member in _ledger.Cluster.Members)
                await reader.ReadBatchesAsync(member, CancellationToken.None).ConfigureAwait(false);
            await Task.Delay(500).ConfigureAwait(false);
        }
    }

    private static Payment[] Draw(int bank, Random random, int count)
    {
        var payments = new Payment[count];
        foreach (ref Payment payment in payments.AsSpan())
        {
            ulong payer = ChaosLedger.WalletOf(bank, random);
            ulong payee = (ulong)random.Next(1, ChaosLedger.Wallets);
            payment = new Payment
            {
                Payer = payer, Payee = payee + (payee >= payer ? 1UL : 0), Currency = ChaosLedger.Currencies[random.Next(2)],
                Amount = random.Next(50) == 0 ? 2 * ChaosLedger.OpeningUnits : (ulong)random.Next(1, 1_000), // some are not covered: a refusal must last, too
                Instruction = random.Next(4) == 0 ? Instruction.Immediate : Instruction.Micropayment, Purpose = Purpose.Goods, Reference = (ulong)random.Next(),
            };
        }

        return payments;
    }

    /// <summary>New payments and holds under ids of their own, what ends holds of others, and some that were sent before.</summary>
    private Payment[] Mixed(int bank, Random random, List<Payment> old)
    {
        var some = new List<Payment>(Draw(bank, random, random.Next(1, 12)));
        for (int i = 0; i < some.Count; i++)
        {
            PaymentId id = PaymentId.NewUuid();
            some[i] = some[i] with { IdHigh = id.High, IdLow = id.Low, Instruction = random.Next(5) == 0 ? Instruction.Hold : some[i].Instruction };
        }

        while (some.Count < 20 && _holds[bank].TryDequeue(out Payment hold))
        {
            PaymentId id = PaymentId.NewUuid();
            bool isVoid = random.Next(4) == 0;
            some.Add(new Payment
            {
                IdHigh = id.High, IdLow = id.Low, Payee = hold.IdHigh, Reference = hold.IdLow, Currency = hold.Currency,
                Instruction = isVoid ? Instruction.Void : Instruction.Capture, Amount = isVoid ? 0 : Math.Max(1, (ulong)random.NextInt64((long)Math.Min(hold.Amount, 1_000)) + 1),
            });
        }

        for (int i = old.Count == 0 ? 0 : random.Next(4); i > 0; i--)
            some.Add(old[random.Next(old.Count)]);
        return [.. some];
    }
}
