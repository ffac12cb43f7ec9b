using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using static Settlement.Tests.Governance.GovernanceLedger;

namespace Settlement.Tests.Governance;

/// <summary>Who may decide about a payment that a law sent to review, once, and with a reason.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class ReviewDecisionTests(bool reloads)
{
    private GovernanceLedger _ledger = null!;
    private Payment _held;

    [SetUp]
    public void Open()
    {
        _ledger = new GovernanceLedger(reloads);
        _ledger.Activate("us", 1, "review 840 356");
        _ledger.Activate("in", 1, "deny 356 276");
        _held = Hold();
    }

    [TearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_device_of_the_module_that_held_it_releases_or_refuses()
    {
        Expect(Decide("in1", 1, _held), Verdict.UnknownDevice);
        Expect(Decide("us1", 1, _held));
        Assert.That(Held(), Is.Zero);
        Payment second = Hold();
        Expect(Decide("us2", 2, second, releases: false));
        Assert.That(Held(), Is.Zero);
        Expect(Decide("us2", 3, second), Verdict.UnknownTarget);
    }

    [Test]
    public void The_law_of_its_day_decides_who_may_decide()
    {
        _ledger.Activate("us", 2, "deny 840 276"); // it holds nothing any more
        Expect(Decide("in1", 1, _held), Verdict.UnknownDevice);
        Expect(Decide("us1", 1, _held));
    }

    [Test]
    public void A_decision_is_made_once_under_its_id()
    {
        Expect(Decide("us1", 0, _held), Verdict.InvalidValue);
        Expect(Decide("us1", 1, _held, reason: new string('x', GovernanceBounds.ReasonBytesMax + 1)), Verdict.InvalidValue);
        byte[] decision = Signed("us1", 1, _held, true, "known to us, ключ").Encode();
        Expect(_ledger.Send(Instruction.DecideReview, decision));
        Expect(_ledger.Send(Instruction.DecideReview, decision), Verdict.Duplicate);
        Payment second = Hold();
        Expect(Decide("us1", 1, second), Verdict.IdConflict);
        _ledger.Wait(29 * Limits.NsPerDay);
        Expect(_ledger.Send(Instruction.DecideReview, decision), Verdict.Duplicate);
        _ledger.Wait((2 * Limits.NsPerDay) + 1);
        Expect(_ledger.Send(Instruction.DecideReview, decision), Verdict.UnknownTarget);
    }

    [Test]
    public void A_forged_decision_is_refused()
    {
        ReviewDecision decision = Signed("us1", 1, _held, true, "fine");
        Expect(_ledger.Send(Instruction.DecideReview, (decision with { Reason = "fine." }).Encode()), Verdict.BadSignature);
        Expect(_ledger.Send(Instruction.DecideReview, (decision with { Releases = false }).Encode()), Verdict.BadSignature);
        Expect(_ledger.Send(Instruction.DecideReview, (decision with { Id = 2 }).Encode()), Verdict.BadSignature);
        Expect(_ledger.Send(Instruction.DecideReview, (decision with { Target = 2 }).Encode()), Verdict.BadSignature);
        Expect(_ledger.Send(Instruction.DecideReview, (decision with { Participant = 1 }).Encode()), Verdict.BadSignature);
        Expect(Decide("stranger", 1, _held), Verdict.UnknownDevice);
        Expect(_ledger.Send(Instruction.RevokeDevice, new DeviceRevocation(_ledger.KeyOf("us1").Id).Encode()));
        Expect(Decide("us1", 1, _held), Verdict.DeviceRevoked);
        Expect(Decide("us2", 1, _held));
    }

    private Payment Hold()
    {
        Payment payment = _ledger.Payment(WalletUs, WalletIn, 100);
        Expect(_ledger.Apply(BlockKind.Payments, [payment])[0].Verdict, Verdict.UnderReview);
        Assert.That(Held(), Is.EqualTo(100));
        return payment;
    }

    private ulong Held() => _ledger.State.Accounts[_ledger.State.Accounts.Find(WalletUs)].Held;

    private ReviewDecision Signed(string device, UInt128 id, Payment payment, bool releases, string reason) =>
        GovernanceMessage.Decide(LedgerId, id, Limits.OperatorParticipant, payment.Id, releases, reason, _ledger.Device(device));

    private Verdict Decide(string device, UInt128 id, Payment payment, bool releases = true, string reason = "as the law has it") =>
        _ledger.Send(Instruction.DecideReview, Signed(device, id, payment, releases, reason).Encode());
}
