using System.Numerics;
using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>What acceptance does: balances, sums, positions, batches, fees.</summary>
public abstract partial class LedgerScenarios
{
    [Test]
    public void A_micropayment_is_the_payees_when_the_batch_closes_and_an_immediate_one_at_once()
    {
        Scenario story = Begin();
        Assert.That(story.Pay(story.Micro(Anna, Bea, 100)).Available, Is.EqualTo(OpeningCents - 100));
        Expect(story.Pay(story.Micro(Bea, Bert, 1) with { Session = BetaDesk }), Verdict.InsufficientFunds);
        story.Pay(story.Immediate(Anna, Bea, 10));
        ExpectAccount(story, Bea, 10, 100, 0);
        Assert.That(story.Do(CloseBatch()), Is.EqualTo(Verdict.Accepted));
        ExpectAccount(story, Bea, 110, 0, 0);
        Outcome spent = story.Pay(story.Micro(Bea, Bert, 110) with { Session = BetaDesk });
        Expect(spent, Verdict.Accepted);
        Assert.That(spent.Available, Is.Zero);
        Assert.That(spent.Batch, Is.EqualTo(2));
    }

    [Test]
    public void Issue_and_redeem_move_the_outstanding_amount_and_count_in_no_batch()
    {
        Scenario story = Begin();
        BigInteger before = story.Ledger.Outstanding(Euro);
        Assert.That(before, Is.EqualTo((BigInteger)(4 * OpeningCents)));
        Assert.That(story.Pay(story.Issue(Bea, 700)).Available, Is.EqualTo(700));
        Assert.That(story.Pay(story.Redeem(Bea, 200)).Available, Is.EqualTo(500));
        Assert.That(story.Ledger.Outstanding(Euro), Is.EqualTo(before + 500));
        Assert.That(story.Do(CloseBatch()), Is.EqualTo(Verdict.Duplicate), "nothing counted");
    }

    [Test]
    public void A_batch_closes_by_count_in_the_middle_of_a_block()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.BatchCount, 2));
        Payment hold = story.Hold(Anna, Bert, 10);
        Outcome[] outcomes = story.PayAll(
            hold, story.Micro(Anna, Bert, OpeningCents * 2), story.Micro(Anna, Bert, 5), story.Issue(Bea, 1), story.Void(hold));
        Assert.That(outcomes.Select(outcome => outcome.Batch), Is.EqualTo((uint[])[1, 1, 1, 2, 2]));
        BatchView batch = story.Ledger.Batch(1);
        Assert.That(batch.Count, Is.EqualTo(2));
        Assert.That(batch.Gross[Euro], Is.EqualTo((BigInteger)5), "a hold is no turnover");
        Assert.That(batch.Net[(Alpha, Euro)], Is.EqualTo((BigInteger)(-5)));
        Assert.That(batch.Net[(Beta, Euro)], Is.EqualTo((BigInteger)5));
        Assert.That(story.Ledger.OpenBatch, Is.EqualTo(2));
        Assert.That(story.Ledger.UnsettledPosition(Beta, Euro), Is.EqualTo((BigInteger)5));
    }

    [Test]
    public void A_batch_closes_by_the_gross_value_of_one_currency()
    {
        Scenario story = Begin();
        Assert.That(story.Do(Setting(SettingKey.BatchValue, 100, currency: Pound)), Is.EqualTo(Verdict.UnknownCurrency));
        Assert.That(story.Do(Setting(SettingKey.BatchValue, 100, currency: Euro)), Is.EqualTo(Verdict.Accepted));
        Outcome[] outcomes = story.PayAll(
            story.Hold(Anna, Bert, 1_000), story.Micro(Anna, Bert, 99), story.Micro(Anna, Bert, 1), story.Micro(Anna, Bert, 200),
            story.Micro(Anna, Bert, 1));
        Assert.That(outcomes.Select(outcome => outcome.Batch), Is.EqualTo((uint[])[1, 1, 1, 2, 3]));
        Assert.That(story.Ledger.Batch(2).Gross[Euro], Is.EqualTo((BigInteger)200));
    }

    [Test]
    public void A_batch_closes_by_age_at_the_first_block_that_is_late_enough()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.BatchAgeNs, 60 * Limits.NsPerSecond));
        story.Wait(TimeSpan.FromMinutes(5));
        ulong opened = story.NowNs;
        story.Pay(story.Micro(Anna, Bert, 1)); // the age counts from here
        story.Wait(TimeSpan.FromSeconds(59));
        story.Tick();
        Assert.That(story.Ledger.OpenBatch, Is.EqualTo(1));
        story.Wait(TimeSpan.FromSeconds(1));
        Assert.That(story.Pay(story.Micro(Anna, Bert, 1)).Batch, Is.EqualTo(2));
        BatchView batch = story.Ledger.Batch(1);
        Assert.That((batch.Count, batch.OpenedNs, batch.ClosedNs), Is.EqualTo((1UL, opened, story.NowNs)));
    }

    [Test]
    public void Fees_are_charged_at_the_close_to_the_unit_over_time_and_the_net_positions_sum_to_zero()
    {
        Scenario story = Begin();
        story.DoAll(Fee(Alpha, 25, 3), Fee(Beta, 10_000, 0), Fee(House, 100, 100));
        story.Pay(story.Micro(Anna, Bert, 1_000));
        story.Do(CloseBatch()); // 1,000 x 25 = 25,000: 2, and 5,000 is carried
        BatchView first = story.Ledger.Batch(1);
        Assert.That(first.Net[(Alpha, Euro)], Is.EqualTo((BigInteger)(-1_005)));
        Assert.That(first.Net.ContainsKey((Beta, Euro)), Is.False, "1,000 less a fee of all of it");
        Assert.That(first.Net[(House, Euro)], Is.EqualTo((BigInteger)1_005));
        Assert.That(story.Ledger.UnsettledPosition(Alpha, Euro), Is.EqualTo((BigInteger)(-1_000)), "before fees");

        story.Pay(story.Micro(Anna, Bert, 200));
        story.Do(CloseBatch()); // 200 x 25 + 5,000 = 10,000: 1, nothing is carried
        Assert.That(story.Ledger.Batch(2).Fees[(Alpha, Euro)], Is.EqualTo((BigInteger)4));
        story.Pay(story.Micro(Anna, Adam, 200));
        story.Do(CloseBatch()); // no position, no fee
        Assert.That(story.Ledger.Batch(3).Fees, Is.Empty);
    }

    [Test]
    public void A_daily_limit_counts_holds_and_the_same_block_and_ends_at_midnight()
    {
        Scenario story = Begin();
        Activate(story, new TableRule(4, TableRuleKind.Limit, Germany, 0, Euro, TierMax: 1, Ceiling: 1_000));
        Outcome[] outcomes = story.PayAll(
            story.Hold(Anna, Bert, 400), story.Micro(Anna, Bert, 600), story.Micro(Anna, Bert, 1),
            story.Micro(Adam, Bert, 1_000));
        Expect(outcomes[0], Verdict.Accepted);
        Expect(outcomes[1], Verdict.Accepted);
        Expect(outcomes[2], Verdict.LimitExceeded);
        Assert.That(outcomes[2].Rule, Is.EqualTo(4));
        Expect(outcomes[3], Verdict.Accepted);
        story.Wait(TimeSpan.FromHours(13.5)); // to 00:00 of the next day
        Expect(story.Pay(story.Micro(Anna, Bert, 1_001)), Verdict.LimitExceeded);
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);
    }

    [TestCase(NaiveWindowKind.Day, 1)]
    [TestCase(NaiveWindowKind.Month, 17)] // from 15 January to 1 February
    [TestCase(NaiveWindowKind.Year, 82)]  // to 7 April, where this year starts
    [TestCase(NaiveWindowKind.Rolling30Days, 30)]
    public void A_window_of_sums_ends_on_its_day(NaiveWindowKind kind, int days)
    {
        Scenario story = Begin();
        Activate(
            story, new TableRule(4, TableRuleKind.Limit, Germany, 0, Euro, Ceiling: 1_000, Window: new NaiveWindow(kind, 4, 7)));
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);
        story.Wait(TimeSpan.FromDays(days) - TimeSpan.FromMinutes(10 * 60 + 31)); // to 23:59 of the day before
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.LimitExceeded);
        story.Wait(TimeSpan.FromMinutes(1));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
    }

    [Test]
    public void Wallets_of_one_holder_share_their_sums()
    {
        Scenario story = Begin();
        story.DoAll(Wallet(31, Alpha, holder: 7), Wallet(32, Alpha, holder: 7));
        story.PayAll(story.Issue(31, 1_000), story.Issue(32, 1_000));
        Activate(story, new TableRule(4, TableRuleKind.Limit, Germany, 0, Euro, Ceiling: 1_000));
        Expect(story.Pay(story.Micro(31, Bert, 700)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(32, Bert, 301)), Verdict.LimitExceeded);
        Expect(story.Pay(story.Micro(32, Bert, 300)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);
    }

    [Test]
    public void Voids_and_refunds_change_no_sum_and_what_was_paid_before_the_rule_is_not_counted()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Anna, Bert, 900)), Verdict.Accepted);
        Activate(story, new TableRule(4, TableRuleKind.Limit, Germany, 0, Euro, Ceiling: 1_000));
        Payment hold = story.Hold(Anna, Bert, 500), paid = Refundable(story.Micro(Anna, Bert, 500));
        story.PayAll(hold, paid, story.Void(hold), story.Refund(paid, 500));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.LimitExceeded);
    }
}
