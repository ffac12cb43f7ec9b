using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>Holds, captures, voids, refunds.</summary>
public abstract partial class LedgerScenarios
{
    [Test]
    public void A_hold_is_captured_in_part_and_the_rest_is_released()
    {
        Scenario story = Begin();
        Payment hold = story.Hold(Anna, Bert, 1_000);
        Assert.That(story.Pay(hold).Available, Is.EqualTo(OpeningCents - 1_000));
        ExpectAccount(story, Anna, OpeningCents - 1_000, 0, 1_000);
        Assert.That(story.Position(Alpha), Is.EqualTo((System.Numerics.BigInteger)0));

        Expect(story.Pay(story.Capture(hold, 1_001)), Verdict.OverTarget);
        Outcome captured = story.Pay(story.Capture(hold, 600));
        Expect(captured, Verdict.Accepted);
        Assert.That(captured.Available, Is.Zero, "the payer's, and not the payee's desk's to know");
        ExpectAccount(story, Anna, OpeningCents - 600, 0, 0);
        ExpectAccount(story, Bert, OpeningCents, 600, 0);
        Assert.That((int)story.Position(Beta), Is.EqualTo(600));
        Expect(story.Pay(story.Capture(hold, 1)), Verdict.UnknownTarget);
    }

    [Test]
    public void A_hold_is_captured_in_its_own_block_and_void_gives_all_back()
    {
        Scenario story = Begin();
        Payment first = story.Hold(Anna, Bert, 10), second = story.Hold(Anna, Bert, 20);
        Outcome[] outcomes = story.PayAll(first, second, story.Capture(first, 10), story.Void(second), story.Void(second));
        Assert.That(
            outcomes.Select(outcome => outcome.Verdict),
            Is.EqualTo(
                (Verdict[])[Verdict.Accepted, Verdict.Accepted, Verdict.Accepted, Verdict.Accepted, Verdict.UnknownTarget]));
        Assert.That(outcomes[3].Available, Is.Zero, "another participant's");
        ExpectAccount(story, Anna, OpeningCents - 10, 0, 0);
    }

    [Test]
    public void A_hold_is_released_at_the_first_block_after_its_time()
    {
        Scenario story = Begin();
        Payment hold = story.Hold(Anna, Bert, 1_000) with { ValidUntilNs = story.NowNs + 60 * Limits.NsPerSecond };
        story.Pay(hold);
        story.Wait(TimeSpan.FromSeconds(60));
        story.Tick();
        ExpectAccount(story, Anna, OpeningCents - 1_000, 0, 1_000);
        story.Wait(TimeSpan.FromTicks(1));
        Expect(story.Pay(story.Capture(hold, 1)), Verdict.UnknownTarget);
        ExpectAccount(story, Anna, OpeningCents, 0, 0);
    }

    [Test]
    public void A_target_is_found_under_the_payees_participant_or_that_of_the_operator_that_made_it()
    {
        Scenario story = Begin();
        Payment byDesk = story.Hold(Anna, Bert, 10), byOperator = story.Hold(Anna, Bert, 10) with { Session = Operator };
        story.PayAll(byDesk, byOperator);
        Expect(story.Pay(story.Capture(byDesk, 10) with { Session = AlphaDesk }), Verdict.UnknownTarget);
        Expect(story.Pay(story.Capture(byDesk, 10) with { Session = Operator }), Verdict.UnknownTarget);
        Expect(story.Pay(story.Capture(byDesk, 10) with { Session = BetaLow, Level = 101 }), Verdict.Refused);
        Expect(story.Pay(story.Refund(byDesk, 10)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Capture(byOperator, 10)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Capture(byOperator, 10) with { Session = BetaLow }), Verdict.Refused);
        Expect(story.Pay(story.Capture(byOperator, 10) with { Session = HouseDesk }), Verdict.Accepted);
        Expect(story.Pay(story.Capture(byDesk, 10) with { Session = BetaLow }), Verdict.Accepted);
    }

    [Test]
    public void A_key_that_is_kept_is_taken()
    {
        Scenario story = Begin();
        Payment hold = story.Hold(Anna, Bert, 10);
        Expect(story.Pay(hold), Verdict.Accepted);

        // Beta's own id of the same number is free to be decided, but the place under Beta is taken.
        Payment twin = story.Hold(Bert, Bea, 10) with { IdHigh = hold.IdHigh, IdLow = hold.IdLow, Session = BetaDesk };
        Expect(story.Pay(twin), Verdict.TargetTaken);
        Payment other = WithUuid4(story.Hold(Anna, Bert, 10), 5);
        Payment capture = Refundable(WithUuid4(story.Capture(hold, 10), 5));
        Expect(story.Pay(other), Verdict.Accepted);
        Expect(story.Pay(capture), Verdict.TargetTaken);
    }

    [Test]
    public void What_is_asked_of_the_parties_again_at_capture_and_not_at_void()
    {
        Scenario story = Begin();
        Payment hold = story.Hold(Anna, Bert, 10), secret = story.Hold(Anna, Boss, 10);
        story.PayAll(hold, secret);
        Expect(story.Pay(story.Capture(hold, 10) with { Currency = Dollar }), Verdict.WrongCurrency);
        Expect(story.Pay(story.Capture(secret, 11) with { Session = BetaLow }), Verdict.Refused);
        Expect(story.Pay(story.Capture(secret, 11)), Verdict.OverTarget);
        story.Do(Status(Bert, WalletStatus.Frozen));
        Expect(story.Pay(story.Capture(hold, 10)), Verdict.PayeeFrozen);
        story.Do(Status(Anna, WalletStatus.Frozen));
        Expect(story.Pay(story.Capture(hold, 10)), Verdict.PayerFrozen);
        Expect(story.Pay(story.Void(hold)), Verdict.Accepted);
        story.DoAll(Status(Anna, WalletStatus.Active));
        Activate(
            story,
            new TableRule(5, TableRuleKind.Ceiling, Germany, France, Euro, Ceiling: 1),
            new TableRule(6, TableRuleKind.Deny, Cuba, France, Euro));
        Payment again = story.Hold(Anna, Boss, 1);
        Expect(story.Pay(again), Verdict.Accepted);
        Expect(story.Pay(story.Capture(secret, 10)), Verdict.Accepted); // a ceiling is not asked again
        story.Do(Command(Instruction.SetWalletCountry) with { Subject = Anna, Country = Cuba });
        Outcome denied = story.Pay(story.Capture(again, 1));
        Expect(denied, Verdict.DeniedByRule);
        Assert.That(denied.Rule, Is.EqualTo(6));
    }

    [Test]
    public void A_refund_takes_the_open_batchs_pending_first_and_never_more_than_was_paid()
    {
        Scenario story = Begin();
        Payment paid = Refundable(story.Micro(Anna, Bea, 1_000));
        story.Pay(paid);
        Outcome refunded = story.Pay(story.Refund(paid, 400));
        Expect(refunded, Verdict.Accepted);
        Assert.That(refunded.Available, Is.Zero, "the payee's available");
        ExpectAccount(story, Bea, 0, 600, 0);
        ExpectAccount(story, Anna, OpeningCents - 1_000, 400, 0);
        Assert.That((int)story.Position(Beta), Is.EqualTo(600));
        Expect(story.Pay(story.Refund(paid, 601)), Verdict.OverTarget);
        Expect(story.Pay(story.Refund(paid, 600)), Verdict.Accepted);
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.OverTarget);
        ExpectAccount(story, Bea, 0, 0, 0);
    }

    [Test]
    public void After_the_close_a_refund_comes_from_available_and_an_immediate_one_never_from_pending()
    {
        Scenario story = Begin();
        Payment paid = Refundable(story.Micro(Anna, Bea, 1_000)), atOnce = Refundable(story.Immediate(Anna, Bea, 500));
        story.PayAll(paid, atOnce);
        story.Do(CloseBatch());
        Expect(story.Pay(story.Micro(Bea, Bert, 1_400) with { Session = BetaDesk }), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bea, 5_000)), Verdict.Accepted); // pending of this batch
        Expect(story.Pay(story.Refund(paid, 101)), Verdict.InsufficientFunds);
        Expect(story.Pay(story.Refund(atOnce, 101)), Verdict.InsufficientFunds);
        Expect(story.Pay(story.Refund(paid, 60)), Verdict.Accepted);
        Expect(story.Pay(story.Refund(atOnce, 40)), Verdict.Accepted);
        ExpectAccount(story, Bea, 0, 5_000, 0);
        ExpectAccount(story, Anna, OpeningCents - 1_000 - 500 - 5_000 + 40, 60, 0);
    }

    [Test]
    public void A_refund_answers_to_frozen_parties_caps_and_the_payers_room()
    {
        Scenario story = Begin();
        Payment paid = Refundable(story.Immediate(Anna, Bert, 1_000)), gone = Refundable(story.Immediate(Bert, Bea, 1));
        story.PayAll(paid, gone with { Session = BetaDesk });
        story.Do(Cap(Beta, 0));
        story.Do(CloseBatch());
        Assert.That(story.Do(Settled(1)), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.CapExceeded);
        story.DoAll(Cap(Beta, 0, isSet: false), Status(Anna, WalletStatus.Frozen));
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.PayerFrozen);
        story.DoAll(Status(Anna, WalletStatus.Active), Status(Bert, WalletStatus.Frozen));
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.PayeeFrozen);
        story.Do(Status(Bert, WalletStatus.Active));
        Expect(story.Pay(story.Issue(Anna, ulong.MaxValue - (OpeningCents - 1_000))), Verdict.Accepted);
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.Overflow);
    }

    [Test]
    public void A_refundable_record_ends_with_its_lifetime()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.RefundLifetimeNs, 60 * Limits.NsPerSecond));
        Payment paid = Refundable(story.Immediate(Anna, Bert, 1_000));
        story.Pay(paid);
        story.Wait(TimeSpan.FromSeconds(60));
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.Accepted);
        story.Wait(TimeSpan.FromTicks(1));
        Expect(story.Pay(story.Refund(paid, 1)), Verdict.UnknownTarget);
    }

    [Test]
    public void A_refundable_capture_is_refunded_under_its_own_id()
    {
        Scenario story = Begin();
        Payment hold = story.Hold(Anna, Bert, 1_000), capture = Refundable(story.Capture(hold, 700));
        story.PayAll(hold, capture);
        Expect(story.Pay(story.Refund(hold, 1)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Refund(capture, 701)), Verdict.OverTarget);
        Expect(story.Pay(story.Refund(capture, 700)), Verdict.Accepted);
        ExpectAccount(story, Anna, OpeningCents - 700, 700, 0);
        ExpectAccount(story, Bert, OpeningCents, 0, 0);
    }
}
