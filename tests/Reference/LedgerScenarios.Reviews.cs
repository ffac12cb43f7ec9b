using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

public abstract partial class LedgerScenarios
{
    /// <summary>What Germans pay above 10.00 is reviewed, for an hour.</summary>
    private static readonly TableRule s_review = new(20, TableRuleKind.Review, Germany, 0, Euro, Ceiling: 1_000);

    private static Verdict Release(Scenario story, in Payment payment, ushort participant = Beta) => story.Ledger.Decide(participant, payment.Id, releases: true);

    private static Verdict Refuse(Scenario story, in Payment payment) => story.Ledger.Decide(Beta, payment.Id, releases: false);

    [Test]
    public void A_payment_under_review_is_held_and_released_is_pending()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment paid = story.Micro(Anna, Bert, 1_001);
        Outcome held = story.Pay(paid);
        Expect(held, Verdict.UnderReview);
        Assert.That((held.Rule, held.Available), Is.EqualTo(((ushort)20, OpeningCents - 1_001)));
        ExpectAccount(story, Anna, OpeningCents - 1_001, 0, 1_001);
        ExpectAccount(story, Bert, OpeningCents, 0, 0);
        Assert.That((int)story.Position(Beta), Is.Zero);
        ExpectRepeat(story.Pay(paid), Verdict.Duplicate, Verdict.UnderReview);
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);

        Assert.That(Release(story, paid), Is.EqualTo(Verdict.Accepted));
        ExpectAccount(story, Anna, OpeningCents - 2_001, 0, 0);
        ExpectAccount(story, Bert, OpeningCents, 2_001, 0);
        Assert.That((int)story.Position(Beta), Is.EqualTo(2_001));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.UnknownTarget), "there is nothing left to decide");
        story.Do(CloseBatch());
        Assert.That(story.Ledger.Batch(1).Count, Is.EqualTo(3), "it counts when it comes, as a hold, and when it is released, as a capture");
        Assert.That((int)story.Ledger.Batch(1).Gross[Euro], Is.EqualTo(2_001));
        ExpectAccount(story, Bert, OpeningCents + 2_001, 0, 0);
    }

    [Test]
    public void A_refused_payment_goes_back_to_its_payer()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment paid = story.Immediate(Anna, Bert, 5_000);
        Expect(story.Pay(paid), Verdict.UnderReview);
        Assert.That(Refuse(story, paid), Is.EqualTo(Verdict.Accepted));
        ExpectAccount(story, Anna, OpeningCents, 0, 0);
        Assert.That(Refuse(story, paid), Is.EqualTo(Verdict.UnknownTarget));
        Assert.That((int)story.Position(Beta), Is.Zero);
        story.Do(CloseBatch());
        Assert.That((story.Ledger.Batch(1).Count, story.Ledger.Batch(1).Gross.Count), Is.EqualTo((1UL, 0)));
    }

    [TestCase(0, 3_600, TestName = "A review ends with its rule's time")]
    [TestCase(600, 600, TestName = "A review ends with the payment's own time where that comes first")]
    public void A_review_ends(int validSeconds, int endSeconds)
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment paid = story.Micro(Anna, Bert, 5_000) with { ValidUntilNs = validSeconds == 0 ? 0 : story.NowNs + (ulong)validSeconds * Limits.NsPerSecond };
        Expect(story.Pay(paid), Verdict.UnderReview);
        story.Wait(TimeSpan.FromSeconds(endSeconds));
        story.Tick();
        ExpectAccount(story, Anna, OpeningCents - 5_000, 0, 5_000);
        story.Wait(TimeSpan.FromTicks(1));
        story.Tick();
        ExpectAccount(story, Anna, OpeningCents, 0, 0);
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.UnknownTarget));
    }

    [Test]
    public void The_parties_can_do_nothing_about_a_review_and_a_released_hold_is_a_hold()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment hold = story.Hold(Anna, Bert, 5_000) with { ValidUntilNs = story.NowNs + 2 * Limits.NsPerHour };
        Expect(story.Pay(hold), Verdict.UnderReview);
        Expect(story.Pay(story.Capture(hold, 10)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Void(hold)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Refund(hold, 10)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Hold(Bert, Bea, 5) with { IdHigh = hold.IdHigh, IdLow = hold.IdLow, Session = BetaDesk }), Verdict.TargetTaken);
        Assert.That(Release(story, hold), Is.EqualTo(Verdict.Accepted));
        ExpectAccount(story, Anna, OpeningCents - 5_000, 0, 5_000);

        // The rule's hour is over; the hold's own time is not.
        story.Wait(TimeSpan.FromHours(1) + TimeSpan.FromTicks(1));
        Expect(story.Pay(story.Capture(hold, 2_000)), Verdict.Accepted);
        ExpectAccount(story, Anna, OpeningCents - 2_000, 0, 0);
        ExpectAccount(story, Bert, OpeningCents, 2_000, 0);
    }

    [Test]
    public void A_released_payment_is_refundable_if_it_was_made_so()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment kept = Refundable(story.Immediate(Anna, Bert, 5_000)), plain = story.Immediate(Anna, Bert, 5_000);
        story.PayAll(kept, plain);
        Expect(story.Pay(story.Refund(kept, 10)), Verdict.UnknownTarget);
        Assert.That(Release(story, kept), Is.EqualTo(Verdict.Accepted));
        Assert.That(Release(story, plain), Is.EqualTo(Verdict.Accepted));
        ExpectAccount(story, Bert, OpeningCents + 10_000, 0, 0);
        Expect(story.Pay(story.Refund(plain, 10)), Verdict.UnknownTarget);
        Expect(story.Pay(story.Refund(kept, 10)), Verdict.Accepted);
        ExpectAccount(story, Anna, OpeningCents - 10_000 + 10, 0, 0);
    }

    [Test]
    public void A_release_is_asked_what_a_capture_is_and_may_be_tried_again()
    {
        Scenario story = Begin();
        Activate(story, s_review, new TableRule(21, TableRuleKind.Deny, Cuba, 0, Euro));
        Payment paid = story.Micro(Anna, Bert, 5_000), hold = story.Hold(Anna, Bert, 5_000);
        story.PayAll(paid, hold);
        story.DoAll(Status(Anna, WalletStatus.Frozen), Status(Bert, WalletStatus.Frozen));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.PayerFrozen));
        story.Do(Status(Anna, WalletStatus.Active));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.PayeeFrozen));
        story.DoAll(Status(Bert, WalletStatus.Active), Command(Instruction.SetWalletCountry) with { Subject = Anna, Country = Cuba });
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.DeniedByRule));
        story.DoAll(Command(Instruction.SetWalletCountry) with { Subject = Anna, Country = Germany }, Cap(Alpha, 4_999));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.CapExceeded));
        Assert.That(Release(story, hold), Is.EqualTo(Verdict.Accepted), "it moves nothing between participants");
        story.DoAll(Cap(Alpha, 5_000));
        story.Pay(story.Issue(Bert, ulong.MaxValue - OpeningCents));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.Overflow));
        story.Pay(story.Redeem(Bert, 5_000));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.Accepted));
    }

    [Test]
    public void What_refuses_comes_before_what_reviews_and_the_lowest_review_counts()
    {
        Scenario story = Begin();
        Activate(
            story, s_review, s_review with { Number = 10, Ceiling = 4_000, HoldHours = 2 },
            new TableRule(15, TableRuleKind.ReviewLimit, Germany, 0, Euro, Ceiling: 9_000), new TableRule(30, TableRuleKind.Limit, Germany, 0, Euro, Ceiling: 20_000),
            new TableRule(40, TableRuleKind.Ceiling, Germany, 0, Euro, Ceiling: 50_000));
        Outcome[] outcomes = story.PayAll(
            story.Micro(Anna, Bert, 50_001), story.Micro(Anna, Bert, 20_001), story.Micro(Anna, Bert, 1_000), story.Micro(Anna, Bert, 3_000),
            story.Micro(Anna, Bert, 4_001), story.Micro(Anna, Bert, 1_000), story.Hold(Anna, Bert, 10_999), story.Hold(Anna, Bert, 10_000));
        Assert.That(outcomes.Select(outcome => (outcome.Verdict, outcome.Rule)), Is.EqualTo(new[]
        {
            (Verdict.DeniedByRule, (ushort)40), (Verdict.LimitExceeded, (ushort)30), (Verdict.Accepted, (ushort)0), (Verdict.UnderReview, (ushort)20),
            (Verdict.UnderReview, (ushort)10), // 8,001 so far
            (Verdict.UnderReview, (ushort)15), // by the sum alone; what is under review counts in it
            (Verdict.UnderReview, (ushort)10), // 20,000
            (Verdict.LimitExceeded, (ushort)30),
        }));
    }

    [Test]
    public void A_payment_that_goes_to_review_is_asked_for_funds_and_room_and_not_for_caps()
    {
        Scenario story = Begin(SmallGenesis() with { TargetsMax = 1 });
        Activate(story, s_review);
        Expect(story.Pay(story.Micro(Anna, Bert, OpeningCents + 1)), Verdict.InsufficientFunds);
        story.Do(Cap(Alpha, 0));
        Expect(story.Pay(story.Micro(Anna, Bert, 2_000)), Verdict.UnderReview);
        Outcome full = story.Pay(story.Micro(Anna, Bert, 2_000));
        Expect(full, Verdict.TableFull);
        Assert.That(full.Rule, Is.Zero);
    }

    [Test]
    public void A_review_by_kinds_follows_the_wallets_kinds()
    {
        Scenario story = Begin();
        Activate(story, new TableRule(20, TableRuleKind.Review, 0, 0, Euro, PayerKind: PartyKind.Person, PayeeKind: PartyKind.NonProfit));
        ControlCommand kind = Command(Instruction.SetWalletKind);
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
        story.DoAll(kind with { Subject = Anna, Kind = PartyKind.Person });
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
        story.DoAll(kind with { Subject = Bert, Kind = PartyKind.NonProfit });
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.UnderReview);
        story.DoAll(kind with { Subject = Anna, Kind = PartyKind.Business });
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
        Assert.That(story.Do(Wallet(41, Alpha) with { Kind = PartyKind.Last + 1 }), Is.EqualTo(Verdict.InvalidValue));
        Assert.That(story.Do(Wallet(41, Alpha) with { Kind = PartyKind.Person }), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Do(Wallet(41, Alpha)), Is.EqualTo(Verdict.AlreadyExists), "another kind is another wallet");
    }

    [Test]
    public void A_session_below_the_payee_is_not_told_which_rule_reviews()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Outcome low = story.Pay(story.Micro(Anna, Boss, 5_000) with { Session = AlphaLow }), high = story.Pay(story.Micro(Anna, Boss, 5_000));
        Assert.That((low.Verdict, low.Rule), Is.EqualTo((Verdict.UnderReview, (ushort)0)));
        Assert.That((high.Verdict, high.Rule), Is.EqualTo((Verdict.UnderReview, (ushort)20)));
    }

    [Test]
    public void A_review_is_kept_under_the_payees_participant_or_that_of_the_operator_that_made_it()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        Payment byDesk = story.Micro(Anna, Bert, 5_000), byOperator = story.Micro(Anna, Bert, 5_000) with { Session = Operator };
        story.PayAll(byDesk, byOperator);
        Assert.That(Release(story, byDesk, House), Is.EqualTo(Verdict.UnknownTarget));
        Assert.That(Release(story, byOperator, Beta), Is.EqualTo(Verdict.UnknownTarget));
        Assert.That(Release(story, byOperator, House), Is.EqualTo(Verdict.Accepted));
        Assert.That(Release(story, byDesk), Is.EqualTo(Verdict.Accepted));
        Payment hold = story.Hold(Anna, Bert, 10);
        story.Pay(hold);
        Assert.That(Release(story, hold), Is.EqualTo(Verdict.UnknownTarget), "a hold is nobody's to review");
    }

    [Test]
    public void A_release_that_fills_a_batch_closes_it()
    {
        Scenario story = Begin();
        Activate(story, s_review);
        story.Do(Setting(SettingKey.BatchValue, 6_000, currency: Euro));
        Payment paid = story.Micro(Anna, Bert, 5_000);
        story.PayAll(paid, story.Micro(Anna, Bert, 1_000));
        Assert.That(story.Ledger.OpenBatch, Is.EqualTo(1));
        Assert.That(Release(story, paid), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Ledger.OpenBatch, Is.EqualTo(2));
        ExpectAccount(story, Bert, OpeningCents + 6_000, 0, 0);
        Assert.That((int)story.Ledger.Batch(1).Net[(Beta, Euro)], Is.EqualTo(6_000));
    }
}
