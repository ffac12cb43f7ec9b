using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>How servers and connections end, and what a client finds afterwards.</summary>
internal sealed class WireEndTests
{
    [Test]
    public void A_stop_answers_what_was_taken_and_refuses_what_comes_later()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        using RawClient client = ledger.Operator();
        for (int frame = 0; frame < 3; frame++)
            client.SendPayments(ServedLedger.Pays(8_190, first: 1 + ((ulong)frame * 8_190)));
        client.Send(FrameKind.Ping);
        var seen = new List<RawFrame>();
        while (seen.Count == 0 || seen[^1].Header.Kind != FrameKind.Pong)
            seen.Add(client.Receive()); // all three frames were taken when the ping behind them is answered
        Task<int> stop = Task.Run(ledger.Stop);
        while (seen[^1].Header.Kind != FrameKind.GoingAway)
            seen.Add(client.Receive());
        ulong late = client.SendPayments(ServedLedger.Pays(1, first: 1 + (3 * 8_190)));
        while (seen.Count < 6)
            seen.Add(client.Receive());
        client.Send(FrameKind.Bye);
        Assert.That(client.TryReceive(), Is.Null);
        Assert.That(stop.GetAwaiter().GetResult(), Is.Zero);
        Assert.That(seen.Where(frame => frame.Header.Kind == FrameKind.Verdicts).Select(frame => frame.Read<VerdictsBody>().Accepted), Is.EqualTo(new[] { 8_190u, 8_190u, 8_190u }));
        RawFrame refused = seen.Single(frame => frame.Header.Kind == FrameKind.Refusal);
        Assert.That((refused.Header.Number, refused.Refusal.Code, refused.Refusal.Fate, refused.Refusal.Closes), Is.EqualTo((late, RefusalCode.ServerEnding, FrameFate.NotTaken, (byte)0)));
    }

    /// <summary>The answer goes on its way on one thread while the client's leave is taken on another: neither may be first alone.</summary>
    [Test]
    public async Task A_bye_right_behind_a_frame_costs_no_answer()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        using ECDsa key = ledger.OperatorKey();
        using X509Certificate2 certificate = new CertificateRequest("CN=end", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        Random random = PrintedSeed.Create();
        for (ulong round = 1; round <= 400; round++)
        {
            await using var connection = new PipedConnection(ledger.Host.Services.Wire, certificate);
            await connection.AuthenticateAsync(NodeKey.Of(key).Id);
            await connection.Output.WriteAsync(RawClient.Frame(
                FrameKind.Payments, 3, new PaymentsBody { Count = 1 }, MemoryMarshal.AsBytes(ServedLedger.Pays(1, first: round).AsSpan())));
            for (var wait = Stopwatch.StartNew(); wait.Elapsed.TotalMicroseconds < random.Next(1_500);)
                await Task.Yield();
            await connection.Output.WriteAsync(RawClient.Frame(FrameKind.Bye, 4, FrameFlags.None, []));
            RawFrame? answer = await connection.ReceiveAsync();
            Assert.That(answer?.Header.Kind, Is.EqualTo(FrameKind.Verdicts), $"round {round}");
            Assert.That(await connection.ReceiveAsync(), Is.Null);
        }
    }

    [Test]
    public void Who_does_not_leave_is_closed_when_the_stops_time_is_over()
    {
        using var ledger = new ServedLedger();
        using RawClient session = ledger.Operator();
        using RawClient stranger = RawClient.Connect(ledger.Binary);
        stranger.SayHello();
        Task<int> stop = Task.Run(ledger.Stop);
        session.Receive(FrameKind.GoingAway);
        stranger.ExpectEnd(RefusalCode.ServerEnding);
        session.ExpectEnd(RefusalCode.ServerEnding);
        Assert.That(stop.GetAwaiter().GetResult(), Is.Zero);
    }

    [Test]
    public void After_a_restart_a_client_goes_on_at_the_watermark_and_repeats_are_told_as_they_were()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        Payment[] payments = ServedLedger.Pays(100);
        payments[40].Amount = 0;
        using (RawClient before = ledger.Operator())
        {
            before.SendPayments(payments);
            before.Receive(FrameKind.Verdicts);
        }

        Assert.That(ledger.Stop(), Is.Zero);
        ledger.Start();
        using RawClient after = ledger.Operator();
        after.Send(FrameKind.AskStreams, new CountBody { Count = 1 }, BitConverter.GetBytes(7UL));
        StreamAnswer stream = after.Receive(FrameKind.Streams).Read<StreamAnswer>(AnswersBody.Size);
        Assert.That((stream.LowestMissing, stream.HighestDecided), Is.EqualTo((101UL, 100UL)));
        after.SendPayments([.. payments, ServedLedger.Pay(1, 2, 1, 7, stream.LowestMissing)], FrameFlags.ListAll);
        VerdictEntry[] entries = after.Receive(FrameKind.Verdicts).ReadAll<VerdictEntry>(VerdictsBody.Size);
        Assert.That(entries[..100].Select(entry => entry.Verdict), Is.All.EqualTo(Verdict.Duplicate));
        Assert.That(entries[40].First, Is.EqualTo(Verdict.ZeroAmount));
        Assert.That(entries[100].Verdict, Is.EqualTo(Verdict.Accepted));
    }

    [Test]
    public void A_restart_makes_no_new_operators_key()
    {
        using var ledger = new ServedLedger();
        using ECDsa first = ledger.OperatorKey();
        ledger.Stop();
        File.Delete(Path.Combine(ledger.Data, "keys", "operator.pem"));
        ledger.Start();
        Assert.That(File.Exists(Path.Combine(ledger.Data, "keys", "operator.pem")), Is.False);
        using RawClient client = RawClient.Open(ledger.Binary, first, out SessionBody session);
        Assert.That(session.Session, Is.EqualTo(Limits.OperatorSession));
    }

    [Test]
    public void The_program_serves_until_it_is_told_to_stop_and_says_all_its_mistakes()
    {
        using var folder = new TemporaryFolder();
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet, [
            Path.Combine(AppContext.BaseDirectory, BuiltProgram.Gateway), "serve", "--data", folder.Path, "--binary-port", "0", "--binary-tls-port", "0", "--http-port", "0",
            "--https-port", "0", "--capacity", "1000", "--log", "json"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process server = Process.Start(start)!;
        Task<string> log = server.StandardError.ReadToEndAsync();
        string ready = server.StandardOutput.ReadLine()!;
        Assert.That(ready, Does.Match(@"^ready binary=127\.0\.0\.1:\d+ binary-tls=127\.0\.0\.1:\d+ http=127\.0\.0\.1:\d+ https=127\.0\.0\.1:\d+$"));
        using (Process kill = Process.Start("kill", ["-TERM", server.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        server.WaitForExit();
        Assert.That(server.ExitCode, Is.Zero);
        Assert.That(log.GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.All.StartsWith("{"));

        (int code, _, string error) = BuiltProgram.Run(
            BuiltProgram.Gateway, ["serve", "--address", "here", "--set", "PlainAddress=10.0.0.1", "--set", "Wire:Credits=1"], ("SETTLEMENT__HTTPPORT", "70000"));
        Assert.That(code, Is.EqualTo(2));
        foreach (string word in new[] { "--data DIR", "'here'", "10.0.0.1", "Wire:Credits", "HttpPort '70000'" })
            Assert.That(error, Does.Contain(word));
    }
}
