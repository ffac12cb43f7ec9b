using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

internal sealed class WirePaymentsTests
{
    private ServedLedger _ledger = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _ledger = new ServedLedger();
        _ledger.SetUp(10);
    }

    [OneTimeTearDown]
    public void Stop() => _ledger.Dispose();

    [Test]
    public void A_session_says_who_the_client_is_and_what_it_may()
    {
        using RawClient client = _ledger.Operator(out SessionBody session);
        Assert.Multiple(() =>
        {
            Assert.That(session.Session, Is.EqualTo(Limits.OperatorSession));
            Assert.That(session.Participant, Is.EqualTo(Limits.OperatorParticipant));
            Assert.That(session.Clearance, Is.EqualTo(255));
            Assert.That(session.Flags, Is.EqualTo(SessionFlags.Operator));
            Assert.That(session.Credit, Is.EqualTo(32_768));
            Assert.That(client.Challenge.FramePaymentsMax, Is.EqualTo(8_190));
        });
    }

    [Test]
    public void Plain_success_is_not_listed()
    {
        using RawClient client = _ledger.Operator();
        ulong number = client.SendPayments(ServedLedger.Pays(100, stream: 101));
        RawFrame answer = client.Receive(FrameKind.Verdicts);
        VerdictsBody head = answer.Read<VerdictsBody>();
        Assert.Multiple(() =>
        {
            Assert.That(answer.Header.Number, Is.EqualTo(number));
            Assert.That(answer.Body, Has.Length.EqualTo(VerdictsBody.Size));
            Assert.That((head.Count, head.Listed, head.Accepted), Is.EqualTo((100u, 0u, 100u)));
            Assert.That(head.FirstSequence, Is.GreaterThan(0));
        });
    }

    [Test]
    public void Frames_of_one_payment_and_of_the_most_are_taken()
    {
        using RawClient client = _ledger.Operator();
        client.SendPayments(ServedLedger.Pays(1, stream: 102));
        Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(1));
        client.SendPayments(ServedLedger.Pays(WireLimits.FramePaymentsMax, stream: 102, first: 2), FrameFlags.ListAll | FrameFlags.Balances);
        RawFrame answer = client.Receive(FrameKind.Verdicts);
        Assert.That(answer.Header.Flags, Is.EqualTo(FrameFlags.Balances));
        Assert.That(answer.Body, Has.Length.EqualTo(VerdictsBody.Size + (WireLimits.FramePaymentsMax * 16)));
        Assert.That(answer.Read<VerdictsBody>().Accepted, Is.EqualTo(WireLimits.FramePaymentsMax));
    }

    [Test]
    public void What_is_not_plain_success_is_listed_with_its_index()
    {
        using RawClient client = _ledger.Operator();
        Payment[] payments = ServedLedger.Pays(10, stream: 103);
        payments[3].Amount = 0;
        payments[7].Payee = 999;
        client.SendPayments(payments);
        RawFrame answer = client.Receive(FrameKind.Verdicts);
        VerdictEntry[] entries = answer.ReadAll<VerdictEntry>(VerdictsBody.Size);
        Assert.That(entries.Select(entry => (entry.Index, entry.Verdict)), Is.EqualTo(new (ushort, Verdict)[] { (3, Verdict.ZeroAmount), (7, Verdict.UnknownPayee) }));
        Assert.That(answer.Read<VerdictsBody>().Accepted, Is.EqualTo(8));
    }

    [Test]
    public void Balances_are_told_where_they_are_asked_for()
    {
        using RawClient client = _ledger.Operator();
        client.SendPayments([ServedLedger.Pay(9, 10, 5, 104, 1), ServedLedger.Pay(9, 10, 7, 104, 2)], FrameFlags.ListAll | FrameFlags.Balances);
        RawFrame answer = client.Receive(FrameKind.Verdicts);
        Assert.That(answer.Body, Has.Length.EqualTo(VerdictsBody.Size + 32));
        Assert.That(answer.Read<ulong>(VerdictsBody.Size + 8), Is.EqualTo(ServedLedger.OpeningUnits - 5));
        Assert.That(answer.Read<ulong>(VerdictsBody.Size + 24), Is.EqualTo(ServedLedger.OpeningUnits - 12));
    }

    [Test]
    public void Pipelined_frames_are_answered_in_their_order()
    {
        using RawClient client = _ledger.Operator();
        for (int frame = 0; frame < 200; frame++)
            client.SendPayments(ServedLedger.Pays(50, stream: 105, first: 1 + ((ulong)frame * 50)));
        ulong last = 0;
        for (int frame = 0; frame < 200; frame++)
        {
            RawFrame answer = client.Receive(FrameKind.Verdicts);
            VerdictsBody head = answer.Read<VerdictsBody>();
            Assert.That(head.Accepted, Is.EqualTo(50));
            Assert.That(answer.Header.Number, Is.EqualTo(3 + (ulong)frame));
            Assert.That(head.FirstSequence, Is.GreaterThan(last));
            last = head.FirstSequence + 49;
        }
    }

    [Test]
    public void A_frame_that_is_sent_again_is_told_as_it_was()
    {
        using RawClient client = _ledger.Operator();
        Payment[] payments = ServedLedger.Pays(20, stream: 106);
        payments[5].Amount = 0;
        client.SendPayments(payments);
        client.Receive(FrameKind.Verdicts);
        client.SendPayments(payments);
        VerdictEntry[] entries = client.Receive(FrameKind.Verdicts).ReadAll<VerdictEntry>(VerdictsBody.Size);
        Assert.That(entries, Has.Length.EqualTo(20));
        Assert.That(entries.Select(entry => entry.Verdict), Is.All.EqualTo(Verdict.Duplicate));
        Assert.That(entries.Select(entry => entry.First), Is.EqualTo(payments.Select(payment => payment.Amount == 0 ? Verdict.ZeroAmount : Verdict.Accepted)));
    }

    [Test]
    public void The_bytes_of_a_frame_may_come_one_by_one()
    {
        using RawClient client = _ledger.Operator();
        byte[] frame = RawClient.Frame(FrameKind.Payments, 3, new PaymentsBody { Count = 2 }, AsBytes(ServedLedger.Pays(2, stream: 107)));
        for (int cut = 1; cut < frame.Length; cut++)
            client.Write(frame.AsSpan(cut - 1, 1));
        Assert.That(SpinWait.SpinUntil(() => false, 20), Is.False); // all but one byte are there, and nothing was answered
        client.Write(frame.AsSpan(frame.Length - 1));
        Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(2));
    }

    [Test]
    public void A_frame_may_be_split_anywhere()
    {
        using RawClient client = _ledger.Operator();
        const int Length = FrameHeader.Size + PaymentsBody.Size + Payment.Size;
        for (int cut = 1; cut < Length; cut++)
        {
            byte[] frame = RawClient.Frame(FrameKind.Payments, (ulong)cut + 2, new PaymentsBody { Count = 1 }, AsBytes(ServedLedger.Pays(1, stream: 108, first: (ulong)cut)));
            client.Write(frame.AsSpan(0, cut));
            Thread.Yield();
            client.Write(frame.AsSpan(cut));
            Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(1), $"cut at {cut}");
        }
    }

    [Test]
    public void A_session_of_its_own_choice_is_none()
    {
        using RawClient client = _ledger.Operator();
        Payment[] payments = ServedLedger.Pays(2, stream: 109);
        payments[0].Session = Limits.OperatorSession;
        client.SendPayments(payments, FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.UnknownSession, Verdict.StreamGap }).Or.EqualTo(new[] { Verdict.UnknownSession, Verdict.Accepted }));
    }

    [Test]
    public void A_command_among_payments_is_a_malformed_payment_and_swallows_nothing()
    {
        using RawClient client = _ledger.Operator();
        Payment[] payments = ServedLedger.Pays(3, stream: 110);
        payments[1] = System.Runtime.CompilerServices.Unsafe.BitCast<ControlCommand, Payment>(new ControlCommand { Instruction = Instruction.ActivateRules, ContinuationBytes = 64_000 });
        payments[2].IdLow = 2;
        client.SendPayments(payments, FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Malformed, Verdict.Accepted }));
    }

    [Test]
    public void Another_participants_wallet_is_not_debited()
    {
        using System.Security.Cryptography.ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using RawClient client = RawClient.Open(_ledger.Binary, key, out SessionBody session);
        Assert.That((session.Session, session.Participant, session.Flags), Is.EqualTo((ServedLedger.SessionOfBank1, (ushort)1, SessionFlags.None)));
        client.SendPayments([ServedLedger.Pay(1, 2, 1, 111, 1), ServedLedger.Pay(2, 1, 1, 111, 2)], FrameFlags.ListAll | FrameFlags.Balances);
        RawFrame answer = client.Receive(FrameKind.Verdicts);
        Assert.That(answer.Read<VerdictEntry>(VerdictsBody.Size).Verdict, Is.EqualTo(Verdict.Accepted));
        Assert.That(answer.Read<VerdictEntry>(VerdictsBody.Size + 16).Verdict, Is.EqualTo(Verdict.NotAuthorised));
        Assert.That(answer.Read<ulong>(VerdictsBody.Size + 24), Is.Zero);
        client.SendCommands(new ControlCommand { Instruction = Instruction.CloseBatch });
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.NotAuthorised }));
    }

    [Test]
    public void A_ping_is_answered_and_a_bye_ends_what_is_answered()
    {
        using RawClient client = _ledger.Operator();
        ulong ping = client.Send(FrameKind.Ping);
        Assert.That(client.Receive(FrameKind.Pong).Header.Number, Is.EqualTo(ping));
        client.SendPayments(ServedLedger.Pays(100, stream: 112));
        client.Send(FrameKind.Bye);
        Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(100));
        Assert.That(client.TryReceive(), Is.Null);
    }

    [Test]
    public void Credit_comes_back_with_the_answers()
    {
        using RawClient client = _ledger.Operator();
        for (int round = 0; round < 10; round++)
        {
            for (int frame = 0; frame < 4; frame++)
                client.SendPayments(ServedLedger.Pays(8_190, stream: 113, first: 1 + (((ulong)round * 4) + (ulong)frame) * 8_190));
            for (int frame = 0; frame < 4; frame++)
                Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(8_190));
        }
    }

    private static ReadOnlySpan<byte> AsBytes(Payment[] payments) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(payments.AsSpan());
}
