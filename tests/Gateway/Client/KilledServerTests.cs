using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Perf.Wire;
using Settlement.Tests.Gateway.Settle;

namespace Settlement.Tests.Gateway.Client;

/// <summary>
/// The server as a process, killed (-9) under load and started again while clients go on: every payment has one outcome in the end, which is the journal's,
/// and no verdict that a client was told was taken back.
/// </summary>
/// <remarks>SETTLEMENT_KILLS says how often: 3, or as many as wanted.</remarks>
[Category(LongRun.Category)]
internal sealed class KilledServerTests
{
    private const string Variable = "SETTLEMENT_KILLS";
    private const int KillsDefault = 3;
    private const ulong StreamFirst = 9_000;
    private const int Writers = 2;
    private const int Submitters = 2;

    private readonly TemporaryFolder _folder = new();
    private readonly WireLedger _ledger = new(wallets: 4_000);
    private readonly ConcurrentDictionary<UInt128, Verdict> _told = new();
    private readonly CancellationTokenSource _enough = new();
    private Payment[] _payments = [];
    private long _toldTwice;
    private long _unknown;

    [OneTimeTearDown]
    public void Remove()
    {
        _enough.Dispose();
        _folder.Dispose();
    }

    [Test, CancelAfter(900_000)]
    public async Task No_acknowledged_payment_is_lost_and_none_is_settled_twice_however_often_the_server_is_killed()
    {
        int kills = int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : KillsDefault;
        Random random = PrintedSeed.Create();
        string data = _folder.PathOf("data");
        ServerProcess server = new(data);
        try
        {
            ClientOptions options = server.ClientOptions with
            {
                ReconnectTries = 1_000, ReconnectPause = TimeSpan.FromMilliseconds(20), ReconnectPauseMax = TimeSpan.FromMilliseconds(200), Deadline = TimeSpan.FromMinutes(2),
            };
            await using (SettlementClient first = await SettlementClient.ConnectAsync(options))
                await _ledger.SetUpAsync(first);
            _payments = _ledger.NewPayments(10_000);
            Task<int>[] load =
            [
                .. Enumerable.Range(0, Writers).Select(i => Task.Run(() => WriteAsync(options, StreamFirst + (ulong)i))),
                .. Enumerable.Range(0, Submitters).Select(i => Task.Run(() => SubmitAsync(options, StreamFirst + 100 + (ulong)i))),
            ];
            for (int kill = 0; kill < kills; kill++)
            {
                int toldBefore = _told.Count;
                for (var watch = Stopwatch.StartNew(); _told.Count < toldBefore + 5_000 && watch.Elapsed < TimeSpan.FromSeconds(60);)
                    await Task.Delay(5);
                await Task.Delay(random.Next(0, 300));
                server.Kill();
                server.Dispose();
                server = new ServerProcess(data, options.Port);
            }

            await _enough.CancelAsync();
            int written = (await Task.WhenAll(load)).Sum();
            Assert.That(_told, Has.Count.EqualTo(written), "each payment has an outcome");
            Assert.That(_toldTwice, Is.Zero);
            Assert.That(server.Stop(), Is.Zero, server.Errors);
            CompareWithJournal(Path.Combine(data, "journal"), written);
            TestContext.Out.WriteLine($"{kills} kills, {written} payments, {_unknown} outcomes were unknown for a while");
        }
        finally
        {
            server.Dispose();
        }
    }

    /// <summary>Writes a stream until it is enough.</summary>
    private async Task<int> WriteAsync(ClientOptions options, ulong stream)
    {
        await using SettlementClient client = await SettlementClient.ConnectAsync(options);
        await using PaymentWriter writer = await client.OpenWriterAsync(stream, new WriterOptions
        {
            UnderWayMax = 20_000,
            OnVerdicts = (payments, verdicts) =>
            {
                for (int i = 0; i < payments.Length; i++)
                    Note(payments[i].Id, verdicts[i].Verdict, verdicts[i].Sequence == 0);
            },
        });
        int written = 0;
        for (int some = 1; !_enough.IsCancellationRequested; some = (some * 7 % 1_000) + 1)
        {
            await writer.WriteAsync(_payments.AsMemory(written % (_payments.Length - 1_000), some).ToArray());
            written += some;
            await Task.Delay(1);
        }

        await writer.CompleteAsync();
        Assert.That(client.Reconnects, Is.Positive);
        return written;
    }

    /// <summary>Submits under numbers of its own; what is unknown it finds out, and sends again what was not decided.</summary>
    private async Task<int> SubmitAsync(ClientOptions options, ulong stream)
    {
        await using SettlementClient client = await SettlementClient.ConnectAsync(options);
        int sent = 0;
        while (!_enough.IsCancellationRequested)
        {
            Payment[] some = _payments.AsSpan(sent % 9_000, 50).ToArray();
            for (int i = 0; i < some.Length; i++)
                (some[i].IdHigh, some[i].IdLow, some[i].Flags) = (stream, (ulong)(sent + i + 1), PaymentFlags.StreamId);
            sent += some.Length;
            await SettleAsync(client, some);
        }

        return sent;
    }

    private async Task SettleAsync(SettlementClient client, Payment[] payments)
    {
        while (payments.Length > 0)
        {
            try
            {
                PaymentVerdict[] verdicts = await client.SubmitAsync(payments);
                for (int i = 0; i < payments.Length; i++)
                    Note(payments[i].Id, verdicts[i].Standing, false);
                return;
            }
            catch (NotSentException)
            {
                // Nothing of it was sent: it is sent again as it is.
            }
            catch (RefusedException refused) when (refused.IsTransient)
            {
                // Nothing of it was taken.
            }
            catch (OutcomeUnknownException unknown)
            {
                FoundPayment[] found = await client.FindAsync([.. payments.Select(payment => PaymentId.Of(in payment))]);
                for (int i = 0; i < payments.Length; i++)
                {
                    if (found[i].Knowledge == IdKnowledge.Decided)
                        Note(payments[i].Id, found[i].Verdict, true);
                }

                Assert.That(unknown.Ids, Is.Not.Empty);
                payments = [.. payments.Where((_, i) => found[i].Knowledge != IdKnowledge.Decided)];
            }
        }
    }

    private void Note(UInt128 id, Verdict verdict, bool wasUnknown)
    {
        if (!_told.TryAdd(id, verdict))
            Interlocked.Increment(ref _toldTwice);
        if (wasUnknown)
            Interlocked.Increment(ref _unknown);
    }

    private void CompareWithJournal(string journal, int written)
    {
        var first = new Dictionary<UInt128, Verdict>();
        using var replay = new JournalReplay(journal);
        replay.Run((in Payment payment, Verdict verdict) =>
        {
            if (payment.IdHigh < StreamFirst || verdict is Verdict.Duplicate or Verdict.DuplicateLookUp)
                return;
            if (!first.TryAdd(payment.Id, verdict))
                Assert.Fail($"{payment.IdHigh}:{payment.IdLow} was decided twice");
        });
        Assert.That(first, Has.Count.EqualTo(written));
        foreach ((UInt128 id, Verdict verdict) in _told)
        {
            if (!first.TryGetValue(id, out Verdict journaled) || journaled != verdict)
                Assert.Fail($"{id}: a client was told {verdict}, the journal has {journaled}");
        }

        Assert.That(first.Values, Is.All.EqualTo(Verdict.Accepted));
    }
}
