using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

internal sealed class WireQuestionTests
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
    public void Ids_say_what_became_of_them()
    {
        using RawClient client = _ledger.Operator();
        Payment[] payments = ServedLedger.Pays(3, stream: 1);
        payments[1].Amount = 0;
        Payment other = payments[0] with { IdHigh = 77, IdLow = 78, Flags = PaymentFlags.None };
        client.SendPayments([.. payments, other]);
        ulong sequence = client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().FirstSequence;
        ulong old = (1_000_000_000_000UL << 16) | 0x7000; // a UUIDv7 of the year 2001
        AskedId[] asked =
        [
            Stream(1, 1), Stream(1, 2), Stream(1, 3), Stream(1, 4), Stream(2, 1), Stream(1, 0), new() { IdHigh = 77, IdLow = 78 }, new() { IdHigh = 77, IdLow = 79 },
            new() { IdHigh = old, IdLow = 2UL << 62 },
        ];
        RawFrame answer = Ask(client, FrameKind.AskIds, asked, FrameKind.Ids);
        Assert.That(answer.Read<AnswersBody>().Count, Is.EqualTo(asked.Length));
        Assert.That(answer.Read<AnswersBody>().AsOfSequence, Is.GreaterThanOrEqualTo(sequence + 3));
        Assert.That(answer.ReadAll<IdAnswer>(AnswersBody.Size).Select(one => (one.Knowledge, one.Verdict)), Is.EqualTo(new[]
        {
            (IdKnowledge.Decided, Verdict.Accepted), (IdKnowledge.Decided, Verdict.ZeroAmount), (IdKnowledge.Decided, Verdict.Accepted),
            (IdKnowledge.NotDecided, Verdict.Undecided), (IdKnowledge.NotDecided, Verdict.Undecided), (IdKnowledge.NotDecided, Verdict.Undecided),
            (IdKnowledge.Decided, Verdict.Accepted), (IdKnowledge.NotDecided, Verdict.Undecided), (IdKnowledge.TooOldToTell, Verdict.Undecided),
        }));
    }

    [Test]
    public void A_streams_number_whose_verdict_was_overwritten_is_to_be_looked_up()
    {
        using RawClient client = _ledger.Operator();
        for (ulong sent = 0; sent < 9; sent++)
        {
            client.SendPayments(ServedLedger.Pays(8_190, stream: 3, first: 1 + (sent * 8_190)));
            Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(8_190));
        }

        ulong last = 9 * 8_190;
        IdAnswer[] answers = Ask(client, FrameKind.AskIds, [Stream(3, 1), Stream(3, last - 65_536), Stream(3, last - 65_535)], FrameKind.Ids).ReadAll<IdAnswer>(AnswersBody.Size);
        Assert.That(answers.Select(one => one.Knowledge), Is.EqualTo(new[] { IdKnowledge.DecidedLookUp, IdKnowledge.DecidedLookUp, IdKnowledge.Decided }));
    }

    [Test]
    public void A_stream_says_how_far_it_is_over_gaps()
    {
        using RawClient client = _ledger.Operator();
        client.SendPayments([ServedLedger.Pay(1, 2, 1, 4, 1), ServedLedger.Pay(1, 2, 1, 4, 2), ServedLedger.Pay(1, 2, 1, 4, 5)]);
        client.Receive(FrameKind.Verdicts);
        StreamAnswer[] answers = Ask<ulong>(client, FrameKind.AskStreams, [4, 5_000], FrameKind.Streams).ReadAll<StreamAnswer>(AnswersBody.Size);
        Assert.That(answers.Select(one => (one.Stream, one.LowestMissing, one.HighestDecided)), Is.EqualTo(new[] { (4UL, 3UL, 5UL), (5_000UL, 1UL, 0UL) }));
        IdAnswer[] ids = Ask(client, FrameKind.AskIds, [Stream(4, 3), Stream(4, 4), Stream(4, 5), Stream(4, 6)], FrameKind.Ids).ReadAll<IdAnswer>(AnswersBody.Size);
        Assert.That(ids.Select(one => one.Knowledge), Is.EqualTo(new[] { IdKnowledge.NotDecided, IdKnowledge.NotDecided, IdKnowledge.Decided, IdKnowledge.NotDecided }));
    }

    [Test]
    public void Another_participants_ids_are_as_none()
    {
        using RawClient own = _ledger.Operator();
        own.SendPayments(ServedLedger.Pays(1, stream: 6));
        own.Receive(FrameKind.Verdicts);
        using ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using RawClient client = RawClient.Open(_ledger.Binary, key, out _);
        Assert.That(Ask(client, FrameKind.AskIds, [Stream(6, 1)], FrameKind.Ids).Read<IdAnswer>(AnswersBody.Size).Knowledge, Is.EqualTo(IdKnowledge.NotDecided));
        Assert.That(Ask<ulong>(client, FrameKind.AskStreams, [6], FrameKind.Streams).Read<StreamAnswer>(AnswersBody.Size).HighestDecided, Is.Zero);
    }

    [Test]
    public void Accounts_that_are_not_for_the_session_look_like_none()
    {
        using RawClient operatorClient = _ledger.Operator();
        operatorClient.SendCommands(new ControlCommand { Instruction = Instruction.SetWalletLevel, Subject = 5, Level = 9 });
        Assert.That(operatorClient.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.Accepted }));
        using ECDsa highKey = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using ECDsa lowKey = _ledger.NewKeyOf(ServedLedger.LowSessionOfBank1);
        using RawClient high = RawClient.Open(_ledger.Binary, highKey, out _);
        using RawClient low = RawClient.Open(_ledger.Binary, lowKey, out _);
        AskedAccount[] asked = [.. new ulong[] { 3, 5, 4, 999 }.Select(wallet => new AskedAccount { Wallet = wallet, Currency = ServedLedger.Euro }), new() { Wallet = 3, Currency = 840 }];
        Assert.That(Known(operatorClient), Is.EqualTo(new byte[] { 1, 1, 1, 0, 0 }));
        Assert.That(Known(high), Is.EqualTo(new byte[] { 1, 1, 0, 0, 0 }));
        Assert.That(Known(low), Is.EqualTo(new byte[] { 1, 0, 0, 0, 0 }));
        AccountAnswer[] answers = Ask(low, FrameKind.AskAccounts, asked, FrameKind.Accounts).ReadAll<AccountAnswer>(AnswersBody.Size);
        Assert.That(answers[1], Is.EqualTo(new AccountAnswer { Wallet = 5, Currency = ServedLedger.Euro }));

        byte[] Known(RawClient client) => [.. Ask(client, FrameKind.AskAccounts, asked, FrameKind.Accounts).ReadAll<AccountAnswer>(AnswersBody.Size).Select(one => one.IsKnown)];
    }

    [Test]
    public void A_balance_has_its_parts_and_a_closed_batchs_pending_is_available()
    {
        using RawClient client = _ledger.Operator();
        client.SendPayments([ServedLedger.Pay(7, 8, 11, 8, 1), ServedLedger.Pay(7, 8, 5, 8, 2) with { Instruction = Instruction.Hold, ValidUntilNs = ulong.MaxValue }], FrameFlags.ListAll);
        Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
        AskedAccount[] asked = [new() { Wallet = 7, Currency = ServedLedger.Euro }, new() { Wallet = 8, Currency = ServedLedger.Euro }];
        Assert.That(Balances(), Is.EqualTo(new[] { (ServedLedger.OpeningUnits - 16, 0UL, 5UL), (ServedLedger.OpeningUnits, 11UL, 0UL) }));
        client.SendCommands(new ControlCommand { Instruction = Instruction.CloseBatch });
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.Accepted }));
        Assert.That(Balances(), Is.EqualTo(new[] { (ServedLedger.OpeningUnits - 16, 0UL, 5UL), (ServedLedger.OpeningUnits + 11, 0UL, 0UL) }));

        (ulong, ulong, ulong)[] Balances() =>
            [.. Ask(client, FrameKind.AskAccounts, asked, FrameKind.Accounts).ReadAll<AccountAnswer>(AnswersBody.Size).Select(one => (one.Available, one.Pending, one.Held))];
    }

    [Test]
    public void The_most_that_can_be_asked_is_answered()
    {
        using RawClient client = _ledger.Operator();
        AskedId[] asked = [.. Enumerable.Range(1, WireLimits.AskedMax).Select(number => Stream(9, (ulong)number))];
        Assert.That(Ask(client, FrameKind.AskIds, asked, FrameKind.Ids).ReadAll<IdAnswer>(AnswersBody.Size), Has.Length.EqualTo(WireLimits.AskedMax));
    }

    private static AskedId Stream(ulong name, ulong number) => new() { IdHigh = name, IdLow = number, Flags = PaymentFlags.StreamId };

    private static RawFrame Ask<T>(RawClient client, FrameKind kind, T[] asked, FrameKind answer)
        where T : unmanaged
    {
        ulong number = client.Send(kind, new CountBody { Count = (uint)asked.Length }, MemoryMarshal.AsBytes(asked.AsSpan()));
        RawFrame frame = client.Receive(answer);
        Assert.That(frame.Header.Number, Is.EqualTo(number));
        return frame;
    }
}
