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
}
