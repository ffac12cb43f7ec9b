using System.Diagnostics;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Replay.Tail;
using Settlement.Tests.Live;

namespace Settlement.Tests.Replay;

/// <summary>`replay tail` beside a node at work, and killed (-9) at random moments: what it holds at the end is what it would hold undisturbed.</summary>
[CancelAfter(120_000)]
public sealed class TailFollowTests
{
    private const int KillRoundsMin = 4;

    private readonly TemporaryFolder _folder = new();

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public async Task It_follows_a_live_node(CancellationToken cancel)
    {
        Random random = PrintedSeed.Create();
        string journal = _folder.PathOf("live"), target = _folder.PathOf("live-history");
        using var ledger = new LiveLedger(journal, new HandClock(LiveLedger.StartNs));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var options = new TailOptions { Journal = journal, Target = target, Format = TailFormat.Sqlite, Period = TimeSpan.FromMilliseconds(20), PollPeriod = TimeSpan.FromMilliseconds(5) };
        Task<TailReport> tail = Task.Run(() => TailRun.Follow(options, null, stop.Token), cancel);
        ledger.SetUp(20);
        ledger.Submit([LiveLedger.Setting(SettingKey.BatchCount, 500)]);
        var payments = new List<Payment>();
        for (int round = 0; round < 60; round++)
        {
            Payment[] some = [.. Enumerable.Range(0, random.Next(1, 300)).Select(_ => Some(random, (ulong)payments.Count + 1, payments))];
            ledger.Submit(some);
            ledger.Node.Pipeline.Drain();
            if (random.Next(3) == 0)
                Thread.Sleep(random.Next(30));
        }

        ulong last = ledger.Node.State.Sequence;
        Wait(() => tail.IsCompleted || SequenceOf(target) == last, cancel);
        await stop.CancelAsync();
        TailReport report = await tail;
        Assert.That(report.Stopped);
        Assert.That(report.Commits, Is.GreaterThan(3), "it did not wait for the end");
        Assert.That(report.Position!.Value.Sequence, Is.EqualTo(last));
        using HistoryReader history = HistoryReader.Open(target);
        int compared = 0;
        for (ulong sequence = 1; sequence <= last; sequence++)
        {
            if (history.PaymentAt(sequence) is not { } payment)
                continue;
            Outcome told = ledger.Outcomes[(int)sequence - 1];
            Assert.That((payment.Outcome.Verdict, payment.Outcome.Batch, payment.Outcome.Available), Is.EqualTo((told.Verdict, told.Batch, told.Available)), $"sequence {sequence}");
            compared++;
        }

        Assert.That(compared, Is.EqualTo(payments.Count + 20), "openings, too");
        for (ulong wallet = 1; wallet <= 20; wallet++)
        {
            List<StatementLine> lines = HistoryComparison.Statement(history, wallet, LiveLedger.Euro);
            AccountRow account = ledger.Node.State.Accounts[ledger.Node.State.Accounts.Find(wallet)];
            Assert.That((ulong)lines[^1].Total, Is.EqualTo(account.Total), $"wallet {wallet}");
        }

        foreach (Settlement.Engine.Batch.ClosedBatch batch in ledger.Batches)
            Assert.That(history.Batch(batch.Number)?.Root, Is.EqualTo(batch.Root), $"batch {batch.Number}");
        Assert.That(ledger.Batches, Is.Not.Empty);
    }

    [Test]
    public void A_node_that_is_opened_again_is_followed_on(CancellationToken cancel)
    {
        string journal = _folder.PathOf("reopened"), target = _folder.PathOf("reopened-history");
        using var ledger = new LiveLedger(journal, new HandClock(LiveLedger.StartNs));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var options = new TailOptions { Journal = journal, Target = target, Format = TailFormat.Sqlite, Period = TimeSpan.Zero, PollPeriod = TimeSpan.FromMilliseconds(5) };
        Task<TailReport> tail = Task.Run(() => TailRun.Follow(options, null, stop.Token), cancel);
        ledger.SetUp(4);
        for (ulong number = 1; number <= 4; number++)
        {
            ledger.Submit([LiveLedger.Pay(1, 2, number, 9, number)]);
            ledger.Node.Pipeline.Drain();
            ulong last = ledger.Node.State.Sequence;
            Wait(() => tail.IsCompleted || SequenceOf(target) == last, cancel);
            ledger.Reopen();
        }

        stop.Cancel();
        Assert.That(tail.GetAwaiter().GetResult().Stopped);
        using HistoryReader history = HistoryReader.Open(target);
        Assert.That(history.Statement(1, LiveLedger.Euro).Lines.Take(4).Select(line => line.AvailableChange), Is.EqualTo(new Int128[] { -4, -3, -2, -1 }));
    }

    [TestCase("TERM")]
    [TestCase("INT")]
    [TestCase("HUP")]
    public void Asked_to_stop_it_finishes_what_it_has_begun(string signal, CancellationToken cancel)
    {
        string journal = _folder.PathOf("stopped-" + signal), target = _folder.PathOf("stopped-history-" + signal);
        using var generated = new GeneratedJournal(journal, 2_000, PrintedSeed.Create());
        generated.WriteAll();
        // Rows wait for a minute: what it holds at the end was finished because it was asked to stop.
        using var tail = new TailProcess(_folder.PathOf("tmp"), "tail", journal, "--to", "parquet", target, "--json");
        Wait(() => tail.HasEnded || File.Exists(Path.Combine(target, "payments.partial")), cancel);
        (int code, string output, string error) = tail.Signal(signal);
        Assert.That((code, error), Is.EqualTo((0, "")));
        using var report = JsonDocument.Parse(output);
        Assert.That(report.RootElement.GetProperty("stopped").GetBoolean());
        Assert.That(File.Exists(Path.Combine(target, "payments.partial")), Is.False);
        Assert.That(
            ParquetFiles.Number($"select count(*) from {ParquetFiles.Of(target)}"), Is.EqualTo(report.RootElement.GetProperty("payments").GetInt64()).And.Positive);
    }

    [Test, Category(LongRun.Category)]
    public void Killed_again_and_again_no_row_is_missing_or_there_twice([Values("sqlite", "parquet")] string format, CancellationToken cancel)
    {
        Random random = PrintedSeed.Create();
        string journal = _folder.PathOf("killed-" + format), target = _folder.PathOf("killed-history-" + format), temporary = _folder.PathOf("tmp");
        using var generated = new GeneratedJournal(journal, 30_000, random);
        // Small transactions and files, so that there are many moments to be killed at.
        string[] words = ["tail", journal, "--to", format, target, "--rows", "300", "--seconds", "0.01"];
        var time = new LongRun();
        int kills = 0;
        ulong seen = 0;
        for (bool more = true; kills < KillRoundsMin || (more && time.MayGoOn(kills)); kills++)
        {
            using var tail = new TailProcess(temporary, words);
            int waitMs = random.Next(200, 1_200);
            for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < waitMs && !tail.HasEnded;)
            {
                more = generated.Write(random.Next(1, 200));
                Thread.Sleep(random.Next(20));
            }

            Assert.That(tail.HasEnded, Is.False);
            tail.Kill();
            ulong now = format == "sqlite" ? SequenceOf(target) : 0;
            Assert.That(now, Is.GreaterThanOrEqualTo(seen), "a kill takes nothing back");
            seen = now;
        }

        generated.WriteAll();
        ulong last = LastBlock(journal);
        using (var tail = new TailProcess(temporary, words))
        {
            Wait(() => tail.HasEnded || TailProcess.Holds(target), cancel);
            Wait(() => tail.HasEnded || (format == "sqlite" ? BlockOf(target) >= last : LastFileSequence(target) >= generated.Payments[^1].Sequence), cancel);
            (int code, _, string error) = tail.Signal("TERM");
            Assert.That((code, error), Is.EqualTo((0, "")));
        }

        TestContext.Out.WriteLine($"{kills} kills, {generated.Payments.Count} payments, last block {last}");
        if (format == "sqlite")
        {
            using HistoryReader history = HistoryReader.Open(target);
            HistoryComparison.Expect(history, generated);
        }
        else
        {
            ExpectFiles(journal, target, generated);
        }
    }

    /// <summary>Many files, some behind a kill, hold what one run into one file holds; and that holds what the naive ledger answered.</summary>
    private static void ExpectFiles(string journal, string target, GeneratedJournal generated)
    {
        string whole = target + "-whole";
        TailRun.Follow(new TailOptions { Journal = journal, Target = whole, Format = TailFormat.Parquet, Once = true }, null, default);
        // How a target's id is spelled is not kept by the ledger: behind a kill it is told by the id.
        string columns = "select * exclude (target) from ";
        foreach ((string one, string other) in new[] { (target, whole), (whole, target) })
            Assert.That(ParquetFiles.Number($"select count(*) from ({columns}{ParquetFiles.Of(one)} except all {columns}{ParquetFiles.Of(other)})"), Is.Zero);
        Assert.That(Directory.GetFiles(target, "payments-*.parquet"), Has.Length.GreaterThan(3));
        ExpectPayments(target, generated);
    }

    internal static void ExpectPayments(string target, GeneratedJournal generated)
    {
        List<object[]> rows = ParquetFiles.Query(
            $"select sequence, block, time_ns, amount_units, verdict, coalesce(batch, 0), coalesce(available_after_units, 0) from {ParquetFiles.Of(target)} order by sequence");
        Assert.That(rows, Has.Count.EqualTo(generated.Payments.Count));
        for (int i = 0; i < rows.Count; i++)
        {
            GeneratedPayment payment = generated.Payments[i];
            bool accepted = payment.Outcome.Verdict.IsAccepted();
            object[] expected =
            [
                payment.Sequence, payment.Block, payment.TimeNs, payment.Payment.Amount, Settlement.Engine.Text.VerdictText.NameOf(payment.Outcome.Verdict),
                accepted ? (ulong)payment.Outcome.Batch : 0UL, payment.Outcome.Available,
            ];
            if (!rows[i].Select(Convert.ToString).SequenceEqual(expected.Select(Convert.ToString)))
                Assert.Fail($"{string.Join(' ', rows[i])}; expected {string.Join(' ', expected)}");
        }
    }

    /// <summary>Micropayments, some of which are refused, and holds.</summary>
    private static Payment Some(Random random, ulong number, List<Payment> payments)
    {
        Payment payment = LiveLedger.Pay((ulong)random.Next(1, 21), (ulong)random.Next(1, 21), (ulong)random.Next(0, 1_000), 5, number);
        if (random.Next(5) == 0)
            payment.Instruction = Instruction.Hold;
        payments.Add(payment);
        return payment;
    }

    private static void Wait(Func<bool> condition, CancellationToken cancel)
    {
        while (!condition())
        {
            cancel.ThrowIfCancellationRequested();
            Thread.Sleep(10);
        }
    }

    private static ulong SequenceOf(string target) => PositionOf(target)?.Sequence ?? 0;

    private static ulong BlockOf(string target) => PositionOf(target)?.Block ?? 0;

    private static HistoryPosition? PositionOf(string target)
    {
        try
        {
            using HistoryReader history = HistoryReader.Open(target);
            return history.Position();
        }
        catch (HistoryException)
        {
            return null; // not made yet
        }
    }

    private static ulong LastFileSequence(string target) => Directory.Exists(target)
        ? Directory.GetFiles(target, "payments-*.parquet").Select(path => ulong.Parse(Path.GetFileNameWithoutExtension(path)[^20..], System.Globalization.CultureInfo.InvariantCulture)).DefaultIfEmpty().Max()
        : 0;

    private static ulong LastBlock(string journal)
    {
        using JournalReader reader = JournalReader.Open(journal);
        while (reader.Next())
        {
        }

        return reader.Position.NextNumber - 1;
    }
}
