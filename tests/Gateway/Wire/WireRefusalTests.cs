using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>Every refusal, and that it costs only who is refused.</summary>
internal sealed class WireRefusalTests
{
    private ServedLedger _ledger = null!;
    private RawClient _bystander = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _ledger = new ServedLedger(options =>
        {
            (options.AuthenticationMsMax, options.FrameMsMax, options.SilenceMsMax) = (1_000, 1_000, 3_600_000);
            (options.Credit, options.OutboxBytesMax, options.UnauthenticatedMax) = (10_000, 1 << 18, 8);
        });
        _ledger.SetUp(10);
        _bystander = _ledger.Operator();
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _bystander.Dispose();
        _ledger.Dispose();
    }

    [TearDown]
    public void The_bystander_is_served()
    {
        _bystander.Send(FrameKind.Ping);
        _bystander.Receive(FrameKind.Pong);
    }

    [Test]
    public void Bytes_that_are_no_frame_are_refused()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.Write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        client.ExpectEnd(RefusalCode.Malformed);
    }

    [Test]
    public void A_hello_without_the_magic_is_refused()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.Send(FrameKind.Hello, new HelloBody { Magic = 1, VersionFirst = 1, VersionLast = 1 });
        client.ExpectEnd(RefusalCode.Malformed);
    }

    [TestCase((ushort)3, (ushort)9)]
    [TestCase((ushort)0, (ushort)0)]
    public void No_common_version_is_said(ushort first, ushort last)
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = first, VersionLast = last });
        client.ExpectEnd(RefusalCode.Version);
    }

    [TestCase(FrameKind.Payments, PaymentsBody.Size + Payment.Size)]
    [TestCase(FrameKind.Authenticate, AuthenticateBody.Size)]
    [TestCase(FrameKind.AskIds, CountBody.Size + AskedId.Size)]
    [TestCase(FrameKind.Ping, 0)]
    [TestCase(FrameKind.Bye, 0)]
    public void Before_a_hello_nothing_else_is_taken(FrameKind kind, int bytes)
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.Write(RawClient.Frame(kind, 1, FrameFlags.None, new byte[bytes]));
        client.ExpectEnd(RefusalCode.OutOfOrder);
    }

    [Test]
    public void Before_an_authentication_no_payment_is_taken()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.SayHello();
        client.SendPayments(ServedLedger.Pays(1));
        Assert.That(client.ExpectEnd(RefusalCode.OutOfOrder).Refusal.Fate, Is.EqualTo(FrameFate.NotTaken));
    }

    [Test]
    public void A_second_hello_and_a_second_authentication_are_refused()
    {
        using RawClient hello = _ledger.Operator();
        hello.Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 1 });
        hello.ExpectEnd(RefusalCode.OutOfOrder);
        using RawClient again = _ledger.Operator();
        using ECDsa key = _ledger.OperatorKey();
        again.SendAuthentication(key);
        again.ExpectEnd(RefusalCode.OutOfOrder);
    }

    [Test]
    public void A_key_that_is_not_registered_is_refused()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        client.SayHello();
        client.SendAuthentication(key);
        client.ExpectEnd(RefusalCode.NotAuthenticated);
    }

    [Test]
    public void A_registered_keys_name_with_anothers_signature_is_refused_alike()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        using ECDsa key = _ledger.OperatorKey();
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        client.SayHello();
        client.SendAuthentication(NodeKey.Of(key).Id, client.Sign(other));
        Assert.That(client.ExpectEnd(RefusalCode.NotAuthenticated).Sentence, Does.StartWith("The key is not registered"));
    }

    [Test]
    public void An_authentication_heard_elsewhere_opens_nothing()
    {
        using ECDsa key = _ledger.OperatorKey();
        using RawClient heard = RawClient.Connect(_ledger.Binary);
        heard.SayHello();
        byte[] signature = heard.Sign(key);
        using RawClient replaying = RawClient.Connect(_ledger.Binary);
        Nonce nonce = heard.ClientNonce;
        replaying.Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 1, Nonce = nonce });
        replaying.Receive(FrameKind.Challenge);
        replaying.SendAuthentication(NodeKey.Of(key).Id, signature);
        replaying.ExpectEnd(RefusalCode.NotAuthenticated);
    }

    [TestCase(0)]
    [TestCase(63)]
    [TestCase(65)]
    [TestCase(WireLimits.SignatureBytesMax)]
    public void A_signature_of_any_other_length_is_refused(int bytes)
    {
        using ECDsa key = _ledger.OperatorKey();
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.SayHello();
        client.SendAuthentication(NodeKey.Of(key).Id, new byte[bytes]);
        client.ExpectEnd(RefusalCode.NotAuthenticated);
    }

    [Test]
    public void A_certificate_that_was_not_given_counts_as_none()
    {
        using ECDsa key = _ledger.OperatorKey();
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.SayHello();
        client.Send(FrameKind.Authenticate, new AuthenticateBody { Kind = AuthenticationKind.Certificate, KeyId = NodeKey.Of(key).Id });
        client.ExpectEnd(RefusalCode.NotAuthenticated);
    }

    [Test]
    public void A_client_that_does_not_authenticate_itself_in_time_is_cut()
    {
        using RawClient client = RawClient.Connect(_ledger.Binary);
        client.SayHello();
        client.ExpectEnd(RefusalCode.TooSlow);
    }

    [Test]
    public void A_frame_that_trickles_is_cut_however_steadily_it_comes()
    {
        using RawClient client = _ledger.Operator();
        byte[] frame = RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 100 }, MemoryMarshal.AsBytes(ServedLedger.Pays(100, stream: 201).AsSpan()));
        using var stop = new CancellationTokenSource();
        Task trickle = Task.Run(async () =>
        {
            for (int sent = 0; sent < frame.Length && !stop.IsCancellationRequested; sent++)
            {
                try
                {
                    client.Write(frame.AsSpan(sent, 1));
                }
                catch (IOException)
                {
                    return;
                }

                await Task.Delay(20);
            }
        });
        RawFrame refusal = client.Receive(FrameKind.Refusal);
        stop.Cancel();
        trickle.Wait();
        Assert.That(refusal.Refusal.Code, Is.EqualTo(RefusalCode.TooSlow));
        Assert.That(Lowest(201), Is.EqualTo(1)); // nothing of it was taken
    }

    [Test]
    public void A_frame_cut_off_in_its_midst_is_not_taken()
    {
        using (RawClient client = _ledger.Operator())
            client.Write(RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 100 }, MemoryMarshal.AsBytes(ServedLedger.Pays(100, stream: 202).AsSpan())).AsSpan()[..^1]);
        Assert.That(Lowest(202), Is.EqualTo(1));
    }

    [Test]
    public void Frame_numbers_must_rise()
    {
        using RawClient client = _ledger.Operator();
        client.Write(RawClient.Frame(FrameKind.Ping, 2, FrameFlags.None, []));
        client.ExpectEnd(RefusalCode.Malformed);
    }

    [TestCase(FrameKind.None)]
    [TestCase((FrameKind)10)]
    [TestCase((FrameKind)127)]
    [TestCase(FrameKind.Verdicts)]
    [TestCase((FrameKind)255)]
    public void A_kind_that_no_client_sends_is_refused(FrameKind kind)
    {
        using RawClient client = _ledger.Operator();
        client.Write(RawClient.Frame(kind, 3, FrameFlags.None, []));
        client.ExpectEnd(RefusalCode.Malformed);
    }

    [Test]
    public void Reserved_bytes_and_unknown_flags_are_refused()
    {
        byte[] reserved = RawClient.Frame(FrameKind.Ping, 3, FrameFlags.None, []);
        reserved[6] = 1;
        byte[][] frames =
        [
            reserved,
            RawClient.Frame(FrameKind.Ping, 3, FrameFlags.ListAll, []),
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 1 }, new byte[64], (FrameFlags)4),
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 1, Reserved = 1 }, new byte[64]),
            RawClient.Frame(FrameKind.AskStreams, 3, new CountBody { Count = 1, Reserved = 1 }, new byte[8]),
            RawClient.Frame(FrameKind.AskIds, 3, new CountBody { Count = 1 }, [.. new byte[16], 2, .. new byte[7]]),
            RawClient.Frame(FrameKind.AskIds, 3, new CountBody { Count = 1 }, [.. new byte[17], 2, .. new byte[6]]),
            RawClient.Frame(FrameKind.AskAccounts, 3, new CountBody { Count = 1 }, [.. new byte[10], 1, .. new byte[5]]),
            RawClient.Frame(FrameKind.Commands, 3, new PaymentsBody { Count = 1, EvidenceBytes = 64 }, new byte[128]),
        ];
        foreach (byte[] frame in frames)
        {
            using RawClient client = _ledger.Operator();
            client.Write(frame);
            client.ExpectEnd(RefusalCode.Malformed);
        }
    }

    [Test]
    public void Counts_that_do_not_fit_the_frame_are_refused()
    {
        byte[][] frames =
        [
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 0 }, new byte[64]),
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 2 }, new byte[64]),
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 1 }, new byte[65]),
            RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 1, EvidenceBytes = uint.MaxValue }, new byte[64]),
            RawClient.Frame(FrameKind.Payments, 3, FrameFlags.None, new byte[79]),
            RawClient.Frame(FrameKind.AskIds, 3, new CountBody { Count = 0 }, new byte[24]),
            RawClient.Frame(FrameKind.AskIds, 3, new CountBody { Count = 2 }, new byte[24]),
            RawClient.Frame(FrameKind.AskIds, 3, new CountBody { Count = 1 }, new byte[25]),
            RawClient.Frame(FrameKind.Commands, 3, new PaymentsBody { Count = 2 }, new byte[64]),
        ];
        foreach (byte[] frame in frames)
        {
            using RawClient client = _ledger.Operator();
            client.Write(frame);
            client.ExpectEnd(RefusalCode.Malformed);
        }
    }

    [Test]
    public void What_is_too_large_is_refused_by_its_head_alone()
    {
        (FrameKind Kind, uint Bytes)[] frames =
        [
            (FrameKind.Payments, WireLimits.BodyBytesMax + 1), (FrameKind.Payments, uint.MaxValue), (FrameKind.Commands, 16 + (8_191 * 64)),
            (FrameKind.AskIds, 8 + (1_025 * 24)), (FrameKind.Ping, 1),
        ];
        foreach ((FrameKind kind, uint bytes) in frames)
        {
            using RawClient client = _ledger.Operator();
            var head = new byte[FrameHeader.Size];
            MemoryMarshal.Write(head, new FrameHeader { Bytes = bytes, Kind = kind, Number = 3 });
            client.Write(head);
            client.ExpectEnd(RefusalCode.TooLarge);
        }
    }

    [Test]
    public void More_payments_than_a_frame_may_have_are_refused()
    {
        using RawClient client = _ledger.Operator();
        var slots = new byte[8_191 * Payment.Size];
        client.Write(RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 8_191 }, slots));
        client.ExpectEnd(RefusalCode.TooLarge);
    }

    [Test]
    public void A_payment_among_commands_and_a_parted_command_are_refused()
    {
        using RawClient payment = _ledger.Operator();
        payment.SendPayments(ServedLedger.Pays(1, stream: 203), kind: FrameKind.Commands);
        payment.ExpectEnd(RefusalCode.Malformed);
        using RawClient parted = _ledger.Operator();
        parted.SendCommands(new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = 1 });
        parted.ExpectEnd(RefusalCode.Malformed);
        using RawClient huge = _ledger.Operator();
        huge.SendCommands(new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = uint.MaxValue });
        huge.ExpectEnd(RefusalCode.Malformed);
        Assert.That(Lowest(203), Is.EqualTo(1));
    }

    [Test]
    public void Past_its_credit_a_client_is_told_and_cut_and_gets_what_was_taken()
    {
        using RawClient client = _ledger.Operator();
        Payment[] first = ServedLedger.Pays(8_000, stream: 204);
        Payment[] second = ServedLedger.Pays(8_000, stream: 204, first: 8_001);
        byte[] both =
        [
            .. RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 8_000 }, MemoryMarshal.AsBytes(first.AsSpan())),
            .. RawClient.Frame(FrameKind.Payments, 4, new PaymentsBody { Count = 8_000 }, MemoryMarshal.AsBytes(second.AsSpan())),
        ];
        bool wasRefused = false;
        for (int round = 0; round < 50 && !wasRefused; round++)
        {
            // The engine may be faster than the second frame: then it is taken, and the client tries again with the next numbers.
            client.Write(both);
            RawFrame one = client.Receive();
            RawFrame two = client.Receive();
            RawFrame? refusal = new[] { one, two }.FirstOrDefault(frame => frame.Header.Kind == FrameKind.Refusal);
            wasRefused = refusal is not null;
            if (!wasRefused)
            {
                Renumber(both, 0);
                Renumber(both, both.Length / 2);
                continue;
            }

            Assert.That(refusal!.Refusal.Code, Is.EqualTo(RefusalCode.CreditExceeded));
            Assert.That(refusal.Refusal.Fate, Is.EqualTo(FrameFate.NotTaken));
            Assert.That(new[] { one, two }.Count(frame => frame.Header.Kind == FrameKind.Verdicts), Is.EqualTo(1));
            Assert.That(client.TryReceive(), Is.Null);
        }

        Assert.That(wasRefused, Is.True);

        static void Renumber(byte[] frames, int at) => MemoryMarshal.Write(frames.AsSpan(at + 8), MemoryMarshal.Read<ulong>(frames.AsSpan(at + 8)) + 2);
    }

    [Test]
    public void A_frame_above_the_whole_credit_is_never_taken()
    {
        using var small = new ServedLedger(options => options.Credit = 10);
        using RawClient client = small.Operator();
        client.SendPayments(ServedLedger.Pays(11));
        Assert.That(client.ExpectEnd(RefusalCode.CreditExceeded).Header.Number, Is.EqualTo(3));
    }

    [Test]
    public void A_client_that_does_not_take_its_answers_is_cut()
    {
        using RawClient client = _ledger.Operator();
        Assert.That(
            () =>
            {
                // Every frame brings 64 KiB of answers, and none is read: sockets and outbox fill.
                Payment[] payments = ServedLedger.Pays(4_000, stream: 205);
                for (int frame = 0; frame < 2_000; frame++)
                {
                    client.SendPayments(payments, FrameFlags.ListAll | FrameFlags.Balances);
                    Thread.Sleep(1);
                }
            },
            Throws.InstanceOf<IOException>());
        long cut = Volatile.Read(ref _ledger.Host.Services.Counters.Refusals[(int)RefusalCode.AnswersNotTaken]);
        long exceeded = Volatile.Read(ref _ledger.Host.Services.Counters.Refusals[(int)RefusalCode.CreditExceeded]);
        Assert.That(cut + exceeded, Is.GreaterThan(0));
    }

    [Test]
    public void More_strangers_than_may_be_are_turned_away()
    {
        var strangers = new List<RawClient>();
        try
        {
            for (int i = 0; i < 12; i++)
                strangers.Add(RawClient.Connect(_ledger.Binary));
            RawFrame[] told = [.. strangers.Select(client => client.Receive(FrameKind.Refusal))];
            Assert.That(told.Count(frame => frame.Refusal.Code == RefusalCode.Busy), Is.EqualTo(4));
            Assert.That(told.Count(frame => frame.Refusal.Code == RefusalCode.TooSlow), Is.EqualTo(8));
        }
        finally
        {
            strangers.ForEach(client => client.Dispose());
        }
    }

    [Test]
    public void A_silent_client_is_cut_and_one_that_pings_is_not()
    {
        using var brief = new ServedLedger(options => options.SilenceMsMax = 1_500);
        using RawClient silent = brief.Operator();
        using RawClient pinging = brief.Operator();
        for (int i = 0; i < 8; i++)
        {
            Thread.Sleep(300);
            pinging.Send(FrameKind.Ping);
            pinging.Receive(FrameKind.Pong);
        }

        Assert.That(silent.ExpectEnd(RefusalCode.TooSlow).Sentence, Does.Contain("ping"));
    }

    [Test]
    public void A_revoked_key_ends_its_connections_and_opens_no_more()
    {
        using ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using ECDsa other = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using RawClient client = RawClient.Open(_ledger.Binary, key, out _);
        using RawClient stays = RawClient.Open(_ledger.Binary, other, out _);
        using RawClient operatorClient = _ledger.Operator();
        operatorClient.SendCommand(Instruction.RevokeKey, new KeyRevocation(KeyRole.Session, ServedLedger.SessionOfBank1, NodeKey.Of(key).Id, []).Encode());
        Assert.That(operatorClient.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        client.ExpectEnd(RefusalCode.SessionEnded);
        stays.Send(FrameKind.Ping);
        stays.Receive(FrameKind.Pong);
        using RawClient again = RawClient.Connect(_ledger.Binary);
        again.SayHello();
        again.SendAuthentication(key);
        again.ExpectEnd(RefusalCode.NotAuthenticated);
    }

    [Test]
    public void A_closed_session_ends_its_connections()
    {
        using ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank2);
        using RawClient client = RawClient.Open(_ledger.Binary, key, out _);
        using RawClient operatorClient = _ledger.Operator();
        operatorClient.SendCommand(Instruction.CloseSession, new SessionClosing(ServedLedger.SessionOfBank2).Encode());
        Assert.That(operatorClient.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        client.ExpectEnd(RefusalCode.SessionEnded);
    }

    private ulong Lowest(ulong stream)
    {
        using RawClient client = _ledger.Operator();
        client.Send(FrameKind.AskStreams, new CountBody { Count = 1 }, BitConverter.GetBytes(stream));
        return client.Receive(FrameKind.Streams).Read<StreamAnswer>(AnswersBody.Size).LowestMissing;
    }
}
