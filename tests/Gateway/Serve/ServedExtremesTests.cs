using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Perf.Wire;
using Settlement.Replay;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Serve;

/// <summary>The server as a process of its own where something runs out: files, memory, the disk, its life.</summary>
/// <remarks>SETTLEMENT_IDLE_CONNECTIONS says how many idle sessions there are: 1,000, or as many as wanted (10,000 need 11,000 files here and as many there).</remarks>
[Category(LongRun.Category)]
internal sealed class ServedExtremesTests
{
    private const string IdleVariable = "SETTLEMENT_IDLE_CONNECTIONS";
    private const int IdleDefault = 1_000;

    /// <summary>A process that has no file left cannot write its journal, and the runtime aborts.</summary>
    [Test, CancelAfter(120_000)]
    public void Strangers_cannot_take_all_files_from_it()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("limits of processes are set in Linux's way here");
        const int Files = 700;
        using var folder = new TemporaryFolder();
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        using Process server = Process.Start(new ProcessStartInfo("sh", [
            "-c", $"ulimit -n {Files} && exec \"$0\" \"$@\"", dotnet, Path.Combine(AppContext.BaseDirectory, BuiltProgram.Gateway), "serve", "--data", folder.Path,
            "--binary-port", "0", "--binary-tls-port", "0", "--http-port", "0", "--https-port", "0", "--capacity", "1000"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> log = server.StandardError.ReadToEndAsync();
        var sockets = new List<Socket>();
        try
        {
            Dictionary<string, IPEndPoint> ports = server.StandardOutput.ReadLine()!.Split(' ')[1..].ToDictionary(port => port.Split('=')[0], port => IPEndPoint.Parse(port.Split('=')[1]));
            foreach (IPEndPoint port in ports.Values)
            {
                for (int i = 0; i < Files; i++)
                {
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    sockets.Add(socket);
                    try
                    {
                        socket.Connect(port);
                    }
                    catch (SocketException)
                    {
                        // Closed at once, for there are too many.
                    }
                }
            }

            Thread.Sleep(1_000);
            Assert.That(server.HasExited, Is.False);
            Assert.That(Directory.GetFiles($"/proc/{server.Id}/fd"), Has.Length.LessThan(Files - 50), "some are left for the journal");
            sockets.ForEach(socket => socket.Dispose());
            using var key = ECDsa.Create();
            key.ImportFromPem(File.ReadAllText(Path.Combine(folder.Path, "keys", "operator.pem")));
            using RawClient after = Retry(() => RawClient.Open(ports["binary"], key, out _));
            after.Send(FrameKind.Ping);
            after.Receive(FrameKind.Pong);
            using (Process kill = Process.Start("kill", ["-TERM", server.Id.ToString(CultureInfo.InvariantCulture)]))
                kill.WaitForExit();
            server.WaitForExit();
            Assert.That(server.ExitCode, Is.Zero, log.GetAwaiter().GetResult());
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
            if (!server.HasExited)
                server.Kill();
        }
    }

    [Test, CancelAfter(300_000)]
    public void Idle_sessions_cost_little_and_hold_nobody_up()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable(IdleVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : IdleDefault;
        using var folder = new TemporaryFolder();
        using var server = new ServerProcess(folder.Path, 0, false, "--capacity", "1000", "--set", "Wire:SilenceMsMax=3600000");
        var address = new IPEndPoint(IPAddress.Loopback, server.BinaryPort);
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(server.OperatorKeyFile));
        var idle = new List<RawClient>();
        try
        {
            using RawClient busy = RawClient.Open(address, key, out _);
            long before = server.ResidentBytes;
            for (int i = 0; i < count; i++)
            {
                idle.Add(RawClient.Open(address, key, out _));
                if (i % 100 != 0)
                    continue;
                busy.Send(FrameKind.Ping);
                busy.Receive(FrameKind.Pong);
            }

            long each = (server.ResidentBytes - before) / count;
            Payment[] nobodys = [.. Enumerable.Range(1, 8_190).Select(number => ServedLedger.Pay(1, 2, 1, stream: 7, (ulong)number))];
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < 20; i++)
            {
                busy.SendPayments(nobodys);
                Assert.That(busy.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Count, Is.EqualTo(8_190));
            }

            TestContext.Out.WriteLine($"{count} idle sessions: {each:N0} bytes each; 20 frames beside them in {watch.ElapsedMilliseconds} ms");
            Assert.That(each, Is.LessThan(64 * 1024));
            idle[^1].Send(FrameKind.Ping);
            idle[^1].Receive(FrameKind.Pong);
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }

        Assert.That(server.Stop(), Is.Zero, server.Errors);
    }

    /// <summary>Needs a small file system mounted, and is skipped where that is not allowed.</summary>
    [Test, CancelAfter(120_000)]
    public void A_full_disk_ends_it_with_a_sentence_and_what_it_had_answered_is_there()
    {
        using var folder = new TemporaryFolder();
        using var disk = SmallDisk.Mount(folder.PathOf("disk"), "300m");
        string data = Path.Combine(disk.Directory, "data");
        ulong answered = 0;
        ECDsa key = ECDsa.Create();
        using (var server = new ServerProcess(data, 0, false, "--capacity", "1000", "--set", "SnapshotEveryBytes=0"))
        {
            key.ImportFromPem(File.ReadAllText(server.OperatorKeyFile));
            var address = new IPEndPoint(IPAddress.Loopback, server.BinaryPort);
            using RawClient client = RawClient.Open(address, key, out _);
            using RawClient other = RawClient.Open(address, key, out _);
            while (true)
            {
                if (answered == 20 * 8_190)
                    FillUp(disk.Directory);
                client.SendPayments(Unfunded(answered + 1));
                RawFrame? frame = client.TryReceive();
                if (frame is { Header.Kind: FrameKind.Verdicts })
                {
                    answered += 8_190;
                    continue;
                }

                Assert.That(frame?.Refusal.Code, Is.EqualTo(RefusalCode.EngineStopped));
                Assert.That(frame!.Refusal.Fate, Is.EqualTo(FrameFate.Unknown));
                break;
            }

            Assert.That(client.TryReceive(), Is.Null);
            other.ExpectEnd(RefusalCode.EngineStopped);
            Assert.That(server.WaitForExit(30_000), Is.EqualTo(1), server.Errors);
            Assert.That(server.Errors, Does.Contain("What was answered is durable").And.Not.Contain("   at "));
        }

        File.Delete(Path.Combine(disk.Directory, "rest"));
        using (var again = new ServerProcess(data, 0, false, "--capacity", "1000", "--set", "SnapshotEveryBytes=0"))
        {
            using RawClient client = RawClient.Open(new IPEndPoint(IPAddress.Loopback, again.BinaryPort), key, out _);
            client.Send(FrameKind.AskStreams, new CountBody { Count = 1 }, MemoryMarshal.AsBytes<ulong>([7]));
            StreamAnswer stream = client.Receive(FrameKind.Streams).ReadAll<StreamAnswer>(AnswersBody.Size)[0];
            Assert.That(stream.LowestMissing, Is.GreaterThan(answered));
            Assert.That(again.Stop(), Is.Zero);
        }

        key.Dispose();
    }

    /// <summary>Frames with signatures are under way when the process is killed, and its journal may end within an attachment.</summary>
    [Test, CancelAfter(240_000)]
    public void Killed_with_evidence_in_flight_it_loses_none_that_it_answered_and_pays_none_twice()
    {
        const int Kills = 3, FramePayments = 100;
        Random random = PrintedSeed.Create();
        using var folder = new TemporaryFolder();
        using var owner = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = ECDsa.Create();
        ulong answered = 0;
        for (int kill = 0; kill <= Kills; kill++)
        {
            using var server = new ServerProcess(folder.Path, 0, false, "--capacity", "1000");
            key.ImportFromPem(File.ReadAllText(server.OperatorKeyFile));
            using RawClient client = RawClient.Open(new IPEndPoint(IPAddress.Loopback, server.BinaryPort), key, out _);
            if (kill == 0)
                SetUpSigned(client, owner);
            ulong next = Math.Max(1, answered >= FramePayments ? answered - FramePayments + 1 : 1);
            Task killer = kill == Kills ? Task.CompletedTask : Task.Run(async () =>
            {
                await Task.Delay(random.Next(200, 600));
                server.Kill();
            });
            try
            {
                for (int frames = 0; kill < Kills || frames < 4; frames++, next += FramePayments)
                {
                    SendSigned(client, owner, next, FramePayments);
                    RawFrame? answer = client.TryReceive();
                    if (answer is null && kill < Kills)
                        break;
                    VerdictEntry[] entries = answer!.ReadAll<VerdictEntry>(VerdictsBody.Size);
                    Assert.That(entries, Has.Length.EqualTo(FramePayments));
                    for (int i = 0; i < entries.Length; i++)
                    {
                        Verdict told = entries[i].Verdict == Verdict.Duplicate ? entries[i].First : entries[i].Verdict;
                        if (told != Verdict.Accepted || (next + (ulong)i <= answered && entries[i].Verdict != Verdict.Duplicate))
                            Assert.Fail($"payment {next + (ulong)i}: {entries[i].Verdict}, first {entries[i].First}; {answered} were answered before");
                    }

                    answered = Math.Max(answered, next + FramePayments - 1);
                }
            }
            catch (IOException) when (kill < Kills)
            {
                // Killed while a frame was on its way in.
            }

            killer.Wait();
            if (kill < Kills)
                continue;
            client.Send(FrameKind.AskAccounts, new CountBody { Count = 1 }, MemoryMarshal.AsBytes<AskedAccount>([new AskedAccount { Wallet = 1, Currency = ServedLedger.Euro }]));
            AccountAnswer account = client.Receive(FrameKind.Accounts).ReadAll<AccountAnswer>(AnswersBody.Size)[0];
            client.Send(FrameKind.AskStreams, new CountBody { Count = 1 }, MemoryMarshal.AsBytes<ulong>([7]));
            ulong decided = client.Receive(FrameKind.Streams).ReadAll<StreamAnswer>(AnswersBody.Size)[0].HighestDecided;
            Assert.That(account.Available, Is.EqualTo(ServedLedger.OpeningUnits - decided), "each of them one unit, once");
            Assert.That(server.Stop(), Is.Zero, server.Errors);
        }

        using var output = new StringWriter();
        Assert.That(ReplayCommand.Run(["verify", folder.PathOf("journal")], output, output), Is.Zero, output.ToString());
        TestContext.Out.WriteLine($"{answered} signed payments answered over {Kills} kills");
    }

    private static void SetUpSigned(RawClient client, ECDsa owner)
    {
        var declare = new ControlCommand { Instruction = Instruction.DeclareParticipant, Participant = 1 };
        declare.SetName("bank");
        client.SendCommands(
            declare,
            new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = ServedLedger.Euro, Scale = 2 },
            new ControlCommand { Instruction = Instruction.OpenWallet, Subject = 1, Participant = 1, Country = 276, Currency = ServedLedger.Euro },
            new ControlCommand { Instruction = Instruction.OpenWallet, Subject = 2, Participant = 1, Country = 276, Currency = ServedLedger.Euro });
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        client.SendPayments(
            [
                new Payment
                {
                    IdHigh = Limits.OpeningIdHigh | ServedLedger.Euro, IdLow = 1, Payee = 1, Amount = ServedLedger.OpeningUnits, Currency = ServedLedger.Euro,
                    Instruction = Instruction.Issue, Flags = PaymentFlags.Opening,
                },
            ],
            FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        client.SendCommand(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, 1, SignatureScheme.P256, owner.ExportSubjectPublicKeyInfo(), []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        client.SendCommand(Instruction.SetConsent, new ConsentSetting(1, ConsentPolicy.Signed, 1, 0, []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
    }

    private static void SendSigned(RawClient client, ECDsa owner, ulong first, int count)
    {
        Payment[] payments = ServedLedger.Pays(count, stream: 7, first);
        var evidence = new byte[count * (EvidenceEntry.Size + 64)];
        for (int i = 0; i < count; i++)
        {
            byte[] signature = owner.SignData(
                ConsentMessage.OfPayment(client.Challenge.LedgerId, in payments[i], participant: 0), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            EvidenceReader.Write(
                evidence.AsSpan(i * (EvidenceEntry.Size + 64)), new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Index = (uint)i, Key = 1 }, signature);
        }

        client.Send(
            FrameKind.Payments, new PaymentsBody { Count = (uint)count, EvidenceBytes = (uint)evidence.Length }, [.. MemoryMarshal.AsBytes(payments.AsSpan()), .. evidence], FrameFlags.ListAll);
    }

    /// <summary>Payments of wallets that do not exist: they are decided, and journaled, all the same.</summary>
    private static Payment[] Unfunded(ulong first) => ServedLedger.Pays(8_190, stream: 7, first);

    private static void FillUp(string disk)
    {
        using var rest = new FileStream(Path.Combine(disk, "rest"), FileMode.Create);
        var bytes = new byte[1 << 20];
        try
        {
            while (true)
            {
                rest.Write(bytes);
                rest.Flush();
            }
        }
        catch (IOException)
        {
            // As full as it gets.
        }
    }

    private static T Retry<T>(Func<T> open)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                return open();
            }
            catch (Exception early) when (tries < 50 && early is IOException or SocketException)
            {
                Thread.Sleep(100);
            }
        }
    }
}
