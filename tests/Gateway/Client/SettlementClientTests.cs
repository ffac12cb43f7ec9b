using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Client;

/// <summary>The SDK against a server in this process.</summary>
internal sealed class SettlementClientTests
{
    private ServedLedger _ledger = null!;
    private ulong _stream = 1_000;

    [OneTimeSetUp]
    public void Serve()
    {
        _ledger = new ServedLedger();
        _ledger.SetUp(10);
    }

    [OneTimeTearDown]
    public void Stop() => _ledger.Dispose();

    [Test]
    public async Task Verdicts_come_one_each_in_order()
    {
        await using SettlementClient client = await ConnectAsync();
        Payment[] payments = ServedLedger.Pays(20_000, stream: ++_stream);
        payments[7].Payee = 999; // no such wallet
        payments[12_345].Amount = 0;
        PaymentVerdict[] verdicts = await client.SubmitAsync(payments);
        Assert.That(verdicts, Has.Length.EqualTo(20_000));
        Assert.Multiple(() =>
        {
            Assert.That(verdicts[7].Verdict, Is.EqualTo(Verdict.UnknownPayee));
            Assert.That(verdicts[12_345].Verdict, Is.EqualTo(Verdict.ZeroAmount));
            Assert.That(verdicts.Count(verdict => verdict.IsAccepted), Is.EqualTo(19_998));
            Assert.That(verdicts.Select(verdict => verdict.Sequence), Is.Ordered.And.Unique);
        });
        PaymentVerdict[] again = await client.SubmitAsync(payments.AsMemory(7, 2));
        Assert.That(again.Select(verdict => (verdict.Verdict, verdict.First, verdict.IsAccepted)), Is.EqualTo(new[]
        {
            (Verdict.Duplicate, Verdict.UnknownPayee, false), (Verdict.Duplicate, Verdict.Accepted, true),
        }));
    }

    [Test]
    public async Task Small_calls_share_frames()
    {
        await using SettlementClient client = await ConnectAsync();
        long framesBefore = Frames;
        Payment[] payments = ServedLedger.Pays(5_000, stream: ++_stream);
        PaymentVerdict[][] all = await Task.WhenAll(Enumerable.Range(0, payments.Length).Select(i => client.SubmitAsync(payments.AsMemory(i, 1))));
        Assert.That(all.Select(one => one.Single().Verdict), Is.All.EqualTo(Verdict.Accepted));
        Assert.That(Frames - framesBefore, Is.LessThan(payments.Length / 2));
    }

    [Test]
    public async Task Balances_and_batches_are_told_on_request()
    {
        await using SettlementClient client = await SettlementClient.ConnectAsync(Options() with { TellsBalances = true });
        AccountBalance before = (await client.BalancesAsync([(3, ServedLedger.Euro)])).Single();
        PaymentVerdict verdict = (await client.SubmitAsync(new[] { ServedLedger.Pay(3, 2, 25, ++_stream, 1) })).Single();
        AccountBalance after = (await client.BalancesAsync([(3, ServedLedger.Euro)])).Single();
        Assert.That(before.IsKnown && verdict.IsAccepted);
        Assert.That(verdict.Available, Is.EqualTo(before.Available - 25).And.EqualTo(after.Available));
        Assert.That(verdict.Batch, Is.Positive);
        Assert.That(after.AsOfSequence, Is.GreaterThanOrEqualTo(verdict.Sequence));
        AccountBalance none = (await client.BalancesAsync([(77, ServedLedger.Euro)])).Single();
        Assert.That(none, Is.EqualTo(new AccountBalance(77, ServedLedger.Euro, false, 0, 0, 0, WalletStatus.Active, none.AsOfSequence)));
    }

    [Test]
    public async Task Commands_are_sent_alone_or_many_at_once()
    {
        await using SettlementClient client = await ConnectAsync();
        var open = new ControlCommand { Instruction = Instruction.OpenWallet, Subject = 501, Participant = 1, Country = 276, Currency = ServedLedger.Euro };
        Assert.That((await client.SendAsync(open)).Verdict, Is.EqualTo(Verdict.Accepted));
        ControlCommand[] more = [open, open with { Subject = 502 }, open with { Subject = 503, Participant = 99 }];
        PaymentVerdict[] verdicts = await client.SendAsync(more);
        Assert.That(verdicts[1].Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That(verdicts[2].Verdict, Is.EqualTo(Verdict.UnknownParticipant));
    }

    [Test]
    public async Task A_deadline_that_passes_says_which_outcomes_are_unknown_and_they_can_be_found()
    {
        using var link = new CuttableLink(_ledger.Binary);
        await using SettlementClient client = await ConnectAsync(link, deadline: TimeSpan.FromSeconds(1));
        Payment[] payments = ServedLedger.Pays(3, stream: ++_stream);
        await client.SubmitAsync(payments.AsMemory(0, 1));
        link.WithholdsAnswers = true;
        OutcomeUnknownException unknown = (await Assert.ThrowsAsync<OutcomeUnknownException>(() => client.SubmitAsync(payments.AsMemory(1))))!;
        Assert.That(unknown.Ids, Is.EqualTo(payments.Skip(1).Select(payment => PaymentId.Of(in payment))));
        Assert.That(unknown.NotSent, Is.Empty);
        Assert.That(unknown.Verdicts.Select(verdict => verdict.Verdict), Is.All.EqualTo(Verdict.Undecided));
        link.Cut();
        await using SettlementClient other = await ConnectAsync();
        FoundPayment[] found = await other.FindAsync(unknown.Ids);
        Assert.That(found, Is.All.EqualTo(new FoundPayment(IdKnowledge.Decided, Verdict.Accepted)));
        FoundPayment never = (await other.FindAsync([PaymentId.OfStream(_stream, 4)])).Single();
        Assert.That(never.Knowledge, Is.EqualTo(IdKnowledge.NotDecided));
    }

    [Test]
    public async Task A_connection_that_breaks_is_made_again_and_calls_that_it_took_along_are_told()
    {
        using var link = new CuttableLink(_ledger.Binary);
        await using SettlementClient client = await ConnectAsync(link);
        link.WithholdsAnswers = true;
        Payment[] payments = ServedLedger.Pays(10, stream: ++_stream);
        Task<PaymentVerdict[]> lost = client.SubmitAsync(payments);
        await DecidedAsync(_stream, 10);
        link.Cut();
        OutcomeUnknownException unknown = (await Assert.ThrowsAsync<OutcomeUnknownException>(() => lost))!;
        FoundPayment[] found = await client.FindAsync(unknown.Ids);
        Assert.That(found, Has.Length.EqualTo(10).And.All.EqualTo(new FoundPayment(IdKnowledge.Decided, Verdict.Accepted)));
        Assert.That((await client.SubmitAsync(ServedLedger.Pays(1, _stream, first: 11))).Single().Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That(client.Reconnects, Is.EqualTo(1));
    }

    [Test]
    public async Task A_writer_goes_on_where_its_stream_is_and_tells_every_verdict_once()
    {
        Random random = PrintedSeed.Create();
        using var link = new CuttableLink(_ledger.Binary);
        await using SettlementClient client = await ConnectAsync(link);
        var told = new List<(ulong Number, PaymentVerdict Verdict)>();
        await using PaymentWriter writer = await client.OpenWriterAsync(++_stream, Collect(told));
        const int Count = 60_000;
        AccountBalance before = (await client.BalancesAsync([(2, ServedLedger.Euro)])).Single();
        Payment[] payments = ServedLedger.Pays(Count);
        for (int start = 0, cuts = 0; start < Count;)
        {
            int some = Math.Min(random.Next(1, 4_000), Count - start);
            await writer.WriteAsync(payments.AsMemory(start, some));
            start += some;
            if (start <= (cuts + 1) * Count / 6)
                continue;
            cuts++;
            link.WithholdsAnswers = random.Next(2) == 0;
            await Task.Delay(random.Next(0, 20));
            link.Cut();
        }

        await writer.CompleteAsync();
        AccountBalance after = (await client.BalancesAsync([(2, ServedLedger.Euro)])).Single();
        Assert.That(told.Select(one => one.Number).Order(), Is.EqualTo(Enumerable.Range(1, Count).Select(i => (ulong)i)));
        Assert.That(told.Select(one => one.Verdict.Verdict), Is.All.EqualTo(Verdict.Accepted));
        Assert.That(after.Available + after.Pending - before.Available - before.Pending, Is.EqualTo((ulong)Count));
        Assert.That(client.Reconnects, Is.Positive);
        Assert.That(await client.StreamAsync(_stream), Is.EqualTo(new StreamProgress(_stream, Count + 1, Count)));
    }

    [Test]
    public async Task A_writer_that_resumes_at_a_node_that_just_ceased_to_lead_asks_the_next()
    {
        using var link = new CuttableLink(_ledger.Binary);
        await using SettlementClient client = await ConnectAsync(link);
        var told = new List<(ulong Number, PaymentVerdict Verdict)>();
        await using PaymentWriter writer = await client.OpenWriterAsync(++_stream, Collect(told));
        link.WithholdsAnswers = true;
        await writer.WriteAsync(ServedLedger.Pays(5));
        await DecidedAsync(_stream, 5);
        link.RefuseQuestions(3);
        link.Cut();
        await writer.WriteAsync(ServedLedger.Pays(5));
        await writer.CompleteAsync();
        Assert.That((link.HasRefused, client.Reconnects), Is.EqualTo((true, 4)));
        Assert.That(told.Select(one => (one.Number, one.Verdict.Verdict)), Is.EqualTo(Enumerable.Range(1, 10).Select(i => ((ulong)i, Verdict.Accepted))));
        link.RefuseQuestions(2);
        Assert.That(await client.StreamAsync(_stream), Is.EqualTo(new StreamProgress(_stream, 11, 10)), "and so does who asks himself");
    }

    [Test]
    public async Task A_number_that_a_verdict_leaves_free_is_given_to_the_next_payment()
    {
        await using SettlementClient client = await ConnectAsync();
        var told = new List<(ulong Number, PaymentVerdict Verdict)>();
        await using (PaymentWriter writer = await client.OpenWriterAsync(++_stream, Collect(told)))
        {
            Payment[] payments = ServedLedger.Pays(3);
            payments[1].Instruction = Instruction.None;
            await writer.WriteAsync(payments);
            await writer.CompleteAsync();
            Assert.That(told.Select(one => one.Verdict.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Malformed, Verdict.Accepted }));
            await writer.WriteAsync(ServedLedger.Pays(1));
            await writer.CompleteAsync();
            Assert.That(told[^1].Number, Is.EqualTo(2));
            payments = ServedLedger.Pays(3);
            payments[0].Instruction = Instruction.None;
            await writer.WriteAsync(payments);
            await writer.CompleteAsync();
        }

        // A writer that comes later fills the hole, too.
        await using PaymentWriter next = await client.OpenWriterAsync(_stream, Collect(told));
        await next.WriteAsync(ServedLedger.Pays(2));
        await next.CompleteAsync();
        Assert.That(told.TakeLast(2).Select(one => one.Number), Is.EqualTo(new ulong[] { 4, 7 }));
        Assert.That((await client.StreamAsync(_stream)).LowestMissing, Is.EqualTo(8));
    }

    [Test]
    public async Task A_large_frame_stays_behind_the_small_ones_that_were_gathered_before_it()
    {
        await using SettlementClient client = await ConnectAsync();
        for (int round = 0; round < 100; round++)
        {
            // While the first is written, a small frame and a large one wait, and are taken in one go. Frames that change places break the connection: numbers rise.
            Task<PaymentVerdict[]> before = client.SubmitAsync(ServedLedger.Pays(4_000, ++_stream));
            var open = new ControlCommand { Instruction = Instruction.OpenWallet, Subject = 20_000 + (ulong)round, Participant = 1, Country = 276, Currency = ServedLedger.Euro };
            Task<PaymentVerdict> opened = client.SendAsync(open);
            Task<PaymentVerdict[]> behind = client.SubmitAsync(ServedLedger.Pays(4_000, ++_stream));
            Assert.That((await opened).Verdict, Is.EqualTo(Verdict.Accepted));
            foreach (PaymentVerdict[] verdicts in await Task.WhenAll(before, behind))
                Assert.That(verdicts.Count(verdict => verdict.IsAccepted), Is.EqualTo(4_000), $"round {round}");
        }

        Assert.That(client.Reconnects, Is.Zero);
    }

    [Test]
    public async Task A_second_writer_of_a_stream_is_refused_by_the_same_client_and_found_out_between_clients()
    {
        await using SettlementClient one = await ConnectAsync();
        await using SettlementClient two = await ConnectAsync();
        ulong stream = ++_stream;
        var told = new List<(ulong Number, PaymentVerdict Verdict)>();
        PaymentWriter first = await one.OpenWriterAsync(stream, Collect([]));
        await using PaymentWriter second = await two.OpenWriterAsync(stream, Collect(told));
        Assert.That(await Assert.ThrowsAsync<InvalidOperationException>(() => one.OpenWriterAsync(stream, Collect([]))), Has.Message.Contain("dispose of it first"));
        await first.WriteAsync(ServedLedger.Pays(10));
        await first.CompleteAsync();

        // The same payments under the same numbers: as duplicates they look accepted, and are the other's.
        OutcomeUnknownException caught = (await Assert.ThrowsAsync<OutcomeUnknownException>(async () =>
        {
            await second.WriteAsync(ServedLedger.Pays(10));
            await second.CompleteAsync();
            await second.WriteAsync(ServedLedger.Pays(1));
        }))!;
        Assert.That(caught.Message, Does.Contain($"stream {stream} has another writer"));
        Assert.That(told.Select(one => one.Verdict.Verdict), Is.EqualTo(Enumerable.Repeat(Verdict.Duplicate, 10)));

        await first.DisposeAsync();
        await using PaymentWriter again = await one.OpenWriterAsync(stream, Collect([]));
        Assert.That(again.NextNumber, Is.EqualTo(11));
    }

    [TestCase(1, 3, "evidence 1 is for payment 3, and the call has 3")]
    [TestCase(2, 1, "evidence 1 is for payment 1, behind that for payment 2: order it")]
    public async Task Evidence_that_would_spoil_a_frame_for_others_is_refused_where_it_is_given(int first, int second, string sentence)
    {
        await using SettlementClient client = await ConnectAsync();
        Payment[] payments = ServedLedger.Pays(3, stream: ++_stream);
        PaymentEvidence[] evidence = [.. new[] { first, second }.Select(index => PaymentEvidence.Signature(index, SignatureScheme.P256, 1, new byte[NodeKey.SignatureBytes]))];
        Assert.That(await Assert.ThrowsAsync<ArgumentException>(() => client.SubmitAsync(payments, evidence)), Has.Message.Contain(sentence));
        await using PaymentWriter writer = await client.OpenWriterAsync(_stream, Collect([]));
        Assert.That(await Assert.ThrowsAsync<ArgumentException>(() => writer.WriteAsync(payments, evidence).AsTask()), Has.Message.Contain(sentence));
        Assert.That(writer.UnderWay, Is.Zero);
    }

    [Test]
    public async Task Calls_whose_evidence_does_not_fit_into_one_frame_go_in_several()
    {
        await using SettlementClient client = await ConnectAsync();
        await using PaymentWriter writer = await client.OpenWriterAsync(++_stream, Collect([]));
        PaymentEvidence[] large = [.. Enumerable.Range(0, 100).Select(index => PaymentEvidence.Signature(index, SignatureScheme.MlDsa65, 1, new byte[3_309]))];
        Payment[] payments = ServedLedger.Pays(500, stream: ++_stream);
        var calls = new List<Task<PaymentVerdict[]>> { client.SubmitAsync(ServedLedger.Pays(8_000, ++_stream)) };
        for (int start = 0; start < payments.Length; start += large.Length)
        {
            calls.Add(client.SubmitAsync(payments.AsMemory(start, large.Length), large));
            await writer.WriteAsync(ServedLedger.Pays(large.Length), large);
        }

        // The payers ask for no signatures, so what stands there counts for nothing; that it fits is what matters.
        foreach (Task<PaymentVerdict[]> call in calls)
            Assert.That((await call).Select(verdict => verdict.Verdict), Is.All.EqualTo(Verdict.Accepted));
        await writer.CompleteAsync();
        Payment[] tooMuch = ServedLedger.Pays(300, ++_stream);
        PaymentEvidence[] all = [.. Enumerable.Range(0, 300).Select(index => large[0] with { Index = index })];
        Assert.That(await Assert.ThrowsAsync<ArgumentException>(() => client.SubmitAsync(tooMuch, all)), Has.Message.Contain("give fewer payments at a time"));
    }

    [Test]
    public async Task Tries_are_bounded_and_every_caller_is_told_then()
    {
        using var link = new CuttableLink(_ledger.Binary);
        await using SettlementClient client = await SettlementClient.ConnectAsync(
            Options(link.Port) with { ReconnectTries = 2, ReconnectPause = TimeSpan.FromMilliseconds(10), Deadline = TimeSpan.FromMinutes(1) });
        var told = new List<(ulong Number, PaymentVerdict Verdict)>();
        await using PaymentWriter writer = await client.OpenWriterAsync(++_stream, Collect(told));
        link.WithholdsAnswers = true;
        await writer.WriteAsync(ServedLedger.Pays(5));
        await DecidedAsync(_stream, 5);
        link.CutForGood();
        OutcomeUnknownException unknown = (await Assert.ThrowsAsync<OutcomeUnknownException>(() => writer.CompleteAsync()))!;
        Assert.That(unknown.Ids, Is.EqualTo(Enumerable.Range(1, 5).Select(i => PaymentId.OfStream(_stream, (ulong)i))));
        NotSentException notSent = (await Assert.ThrowsAsync<NotSentException>(() => client.SubmitAsync(ServedLedger.Pays(1))))!;
        Assert.That(notSent.Message, Does.Contain($":{link.Port}"));
        Assert.That(told, Is.Empty);
    }

    [Test]
    public async Task Who_is_not_registered_is_refused()
    {
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        RefusedException refused = (await Assert.ThrowsAsync<RefusedException>(
            () => SettlementClient.ConnectAsync(Options() with { KeyFile = null, Signer = KeySigner.From(stranger) })))!;
        Assert.That(refused.Code, Is.EqualTo(RefusalCode.NotAuthenticated));
        Assert.That(refused.IsTransient, Is.False);
    }

    [Test]
    public async Task Nothing_goes_in_the_clear_to_another_machine_unless_it_is_said()
    {
        var far = new ClientOptions { Host = "192.0.2.1", Port = 7710, Plain = true, KeyFile = KeyFile };
        await Assert.ThatAsync(() => SettlementClient.ConnectAsync(far), Throws.TypeOf<SettlementException>().With.Message.Contains("no loopback address"));
    }

    [TestCase("", "who connects")]
    [TestCase("nowhere.pem", "cannot be read")]
    public async Task A_client_without_a_key_says_so(string keyFile, string sentence) => await Assert.ThatAsync(
        () => SettlementClient.ConnectAsync(Options() with { KeyFile = keyFile.Length == 0 ? null : keyFile }),
        Throws.TypeOf<SettlementException>().With.Message.Contains(sentence));

    [Test]
    public async Task With_TLS_the_server_is_recognised_by_its_key()
    {
        string certificate = Path.Combine(_ledger.Data, "tls", "server.pem");
        ClientOptions secure = Options(_ledger.BinaryTls.Port) with { Plain = false };
        await using (SettlementClient client = await SettlementClient.ConnectAsync(secure with { ServerCertificateFile = certificate }))
            Assert.That((await client.SubmitAsync(ServedLedger.Pays(1, stream: ++_stream))).Single().IsAccepted);
        using X509Certificate2 shown = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(certificate));
        string pin = Convert.ToHexStringLower(SHA256.HashData(shown.PublicKey.ExportSubjectPublicKeyInfo()));
        await using (await SettlementClient.ConnectAsync(secure with { ServerKeyPin = pin }))
            Assert.Pass();
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task With_TLS_a_server_that_is_another_is_not_talked_to(bool isPinned)
    {
        ClientOptions secure = Options(_ledger.BinaryTls.Port) with { Plain = false, ServerKeyPin = isPinned ? new string('a', 64) : null };
        await Assert.ThatAsync(() => SettlementClient.ConnectAsync(secure), Throws.TypeOf<SettlementException>().With.Message.Contains("not the server that was expected"));
    }

    [Test]
    public async Task A_certificate_of_the_sessions_key_is_enough()
    {
        using ECDsa key = _ledger.OperatorKey();
        using X509Certificate2 certificate = new CertificateRequest("CN=operator", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await using SettlementClient client = await SettlementClient.ConnectAsync(Options(_ledger.BinaryTls.Port) with
        {
            Plain = false, KeyFile = null, Certificate = certificate, ServerCertificateFile = Path.Combine(_ledger.Data, "tls", "server.pem"),
        });
        Assert.That(client.Session.Session, Is.EqualTo(Limits.OperatorSession));
    }

    private string KeyFile => Path.Combine(_ledger.Data, "keys", "operator.pem");

    private long Frames => _ledger.Host.Services.Wire.Counters.FramesTaken;

    private static WriterOptions Collect(List<(ulong, PaymentVerdict)> told) => new()
    {
        OnVerdicts = (payments, verdicts) =>
        {
            for (int i = 0; i < payments.Length; i++)
                told.Add((payments[i].IdLow, verdicts[i]));
        },
    };

    private ClientOptions Options(int port = 0) => new()
    {
        Host = "localhost", Port = port == 0 ? _ledger.Binary.Port : port, Plain = true, KeyFile = KeyFile, ReconnectPause = TimeSpan.FromMilliseconds(10),
    };

    private Task<SettlementClient> ConnectAsync() => SettlementClient.ConnectAsync(Options());

    private Task<SettlementClient> ConnectAsync(CuttableLink link, TimeSpan? deadline = null) =>
        SettlementClient.ConnectAsync(Options(link.Port) with { Deadline = deadline ?? TimeSpan.FromSeconds(30) });

    /// <summary>Waits until the ledger has decided a stream's number, asked over another connection.</summary>
    private async Task DecidedAsync(ulong stream, ulong number)
    {
        await using SettlementClient other = await ConnectAsync();
        for (var watch = Stopwatch.StartNew(); (await other.StreamAsync(stream)).LowestMissing <= number; await Task.Delay(5))
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)), "the payments do not arrive");
    }
}
