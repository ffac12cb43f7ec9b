using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>Section B: a story for each refusal.</summary>
public abstract partial class LedgerScenarios
{
    [Test]
    public void A_payment_after_its_valid_until_is_expired_and_its_id_used_up()
    {
        Scenario story = Begin();
        Payment late = story.Micro(Anna, Bert, 100) with { ValidUntilNs = story.NowNs - 1 };
        Expect(story.Pay(late), Verdict.Expired);
        ExpectRepeat(story.Pay(late), Verdict.Duplicate, Verdict.Expired);
        Expect(story.Pay(story.Micro(Anna, Bert, 100) with { ValidUntilNs = story.NowNs }), Verdict.Accepted);
    }

    [Test]
    public void Zero_self_and_unknown_currency_are_refused_in_that_order()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Anna, Anna, 0) with { Currency = Pound }), Verdict.ZeroAmount);
        Expect(story.Pay(story.Micro(Anna, Anna, 1) with { Currency = Pound }), Verdict.SelfPayment);
        Expect(story.Pay(story.Micro(Anna, Nobody, 1) with { Currency = Pound }), Verdict.UnknownCurrency);
        Expect(story.Pay(story.Issue(Anna, 0)), Verdict.ZeroAmount);
        Expect(story.Pay(story.Redeem(Anna, 0)), Verdict.ZeroAmount);
    }

    [Test]
    public void A_wallet_that_is_not_there_is_unknown_to_the_highest_clearance_and_refused_to_any_other()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Nobody, Bert, 1)), Verdict.UnknownPayer);
        Expect(story.Pay(story.Micro(Anna, Nobody, 1)), Verdict.UnknownPayee);
        Expect(story.Pay(story.Micro(Nobody, Bert, 1) with { Session = AlphaLow }), Verdict.Refused);
        Expect(story.Pay(story.Micro(Anna, Nobody, 1) with { Session = AlphaLow }), Verdict.Refused);
        Expect(story.Pay(story.Issue(Nobody, 1)), Verdict.UnknownPayee);
        Expect(story.Pay(story.Issue(Nobody, 1) with { Session = LowOperator }), Verdict.Refused);
        Expect(story.Pay(story.Redeem(Nobody, 1)), Verdict.UnknownPayer);
        Expect(story.Pay(story.Redeem(Nobody, 1) with { Session = LowOperator }), Verdict.Refused);
    }

    [Test]
    public void What_is_above_the_session_or_would_flow_down_is_refused()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Agent, Boss, 1) with { Session = AlphaLow }), Verdict.Refused);
        Expect(story.Pay(story.Micro(Anna, Boss, 1) with { Session = AlphaLow, Level = 101 }), Verdict.Refused);
        Expect(story.Pay(story.Micro(Agent, Boss, 1)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Agent, Bert, 1)), Verdict.Refused);
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { Level = 1 }), Verdict.Refused);
        Expect(story.Pay(story.Micro(Agent, Bert, 1) with { Session = AlphaTrusted }), Verdict.Accepted);
        Expect(story.Pay(story.Issue(Anna, 1) with { Level = 1 }), Verdict.Refused);
        Expect(story.Pay(story.Issue(Boss, 1) with { Level = SecretLevel }), Verdict.Accepted);
        Expect(story.Pay(story.Redeem(Agent, 1) with { Session = LowOperator }), Verdict.Refused);
        Expect(story.Pay(story.Redeem(Anna, 1) with { Session = LowOperator, Level = 101 }), Verdict.Refused);
        Expect(story.Pay(story.Redeem(Agent, 1)), Verdict.Accepted);
    }

    [Test]
    public void An_instruction_of_a_lower_level_may_not_touch_what_is_above_it()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.InstructionLevel, 150, (ulong)Instruction.Micropayment));
        Expect(story.Pay(story.Micro(Agent, Boss, 1)), Verdict.Refused);
        Expect(story.Pay(story.Micro(Anna, Boss, 1)), Verdict.Accepted);
        Expect(story.Pay(story.Immediate(Agent, Boss, 1)), Verdict.Accepted);
    }

    [Test]
    public void Only_the_payers_participant_or_an_operator_pays()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Bert, Anna, 1)), Verdict.NotAuthorised);
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { Session = BetaOperator }), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { Session = HouseDesk }), Verdict.NotAuthorised);
    }

    [Test]
    public void Only_the_currencys_authority_issues_and_redeems()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Issue(Bert, 1) with { Session = BetaOperator }), Verdict.NotAuthorised);
        Expect(story.Pay(story.Redeem(Bert, 1) with { Session = BetaDesk }), Verdict.NotAuthorised);
        Expect(story.Pay(story.Issue(Bert, 1) with { Session = HouseDesk }), Verdict.Accepted);
        Expect(story.Pay(story.Redeem(Bert, 1) with { Session = HouseDesk }), Verdict.Accepted);
    }

    [Test]
    public void A_party_without_an_account_in_the_currency_is_refused()
    {
        Scenario story = Begin();
        story.Do(Account(Anna, Dollar));
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { Currency = Dollar }), Verdict.WrongCurrency);
        Expect(story.Pay(story.Micro(Adam, Anna, 1) with { Currency = Dollar }), Verdict.WrongCurrency);
        Expect(story.Pay(story.Issue(Adam, 1) with { Currency = Dollar }), Verdict.WrongCurrency);
        Expect(story.Pay(story.Redeem(Adam, 1) with { Currency = Dollar }), Verdict.WrongCurrency);
    }

    [Test]
    public void Frozen_and_closed_wallets_neither_pay_nor_are_paid()
    {
        Scenario story = Begin();
        story.DoAll(Status(Adam, WalletStatus.Frozen), Close(Bea), Wallet(14, Alpha), Close(14));
        Expect(story.Pay(story.Micro(Adam, Bea, 1)), Verdict.PayerFrozen);
        Expect(story.Pay(story.Micro(14, Bea, 1)), Verdict.PayerClosed);
        Expect(story.Pay(story.Micro(Anna, Adam, 1)), Verdict.PayeeFrozen);
        Expect(story.Pay(story.Micro(Anna, Bea, 1)), Verdict.PayeeClosed);
        Expect(story.Pay(story.Issue(Adam, 1)), Verdict.PayeeFrozen);
        Expect(story.Pay(story.Issue(Bea, 1)), Verdict.PayeeClosed);
        Expect(story.Pay(story.Redeem(Adam, 1)), Verdict.PayerFrozen);
        Expect(story.Pay(story.Redeem(14, 1)), Verdict.PayerClosed);
        story.Do(Status(Adam, WalletStatus.Active));
        Expect(story.Pay(story.Micro(Anna, Adam, 1)), Verdict.Accepted);
    }

    [Test]
    public void What_depends_on_a_payee_above_the_session_is_refused_without_saying_why()
    {
        Scenario story = Begin();
        Activate(story, new TableRule(9, TableRuleKind.Deny, Germany, France, Dollar));
        story.DoAll(Account(Anna, Dollar), Status(Boss, WalletStatus.Frozen));
        Expect(story.Pay(story.Micro(Anna, Boss, 1)), Verdict.PayeeFrozen);
        Expect(story.Pay(story.Micro(Anna, Boss, 1) with { Session = AlphaLow }), Verdict.Refused);
        Expect(story.Pay(story.Micro(Anna, Boss, 1) with { Session = AlphaLow, Currency = Dollar }), Verdict.Refused);
        story.DoAll(Status(Boss, WalletStatus.Active), Account(Boss, Dollar));

        Outcome denied = story.Pay(story.Micro(Anna, Boss, 1) with { Currency = Dollar });
        Expect(denied, Verdict.DeniedByRule);
        Assert.That(denied.Rule, Is.EqualTo(9));
        Outcome hidden = story.Pay(story.Micro(Anna, Boss, 1) with { Session = AlphaLow, Currency = Dollar });
        Expect(hidden, Verdict.Refused);
        Assert.That(hidden.Rule, Is.Zero);

        // What concerns the payer alone is told.
        Expect(story.Pay(story.Micro(Anna, Boss, OpeningCents + 1) with { Session = AlphaLow }), Verdict.InsufficientFunds);
        Expect(story.Pay(story.Micro(Anna, Boss, 1) with { Session = AlphaLow }), Verdict.Accepted);
    }

    [Test]
    public void The_lowest_rule_that_refuses_is_named()
    {
        Scenario story = Begin();
        Activate(
            story,
            new TableRule(7, TableRuleKind.Ceiling, 0, 0, Euro, TierMax: 1, Ceiling: 1_000),
            new TableRule(3, TableRuleKind.Ceiling, Germany, 0, 0, TierMax: 1, Ceiling: 5_000));
        Outcome one = story.Pay(story.Micro(Anna, Bert, 1_001)), both = story.Pay(story.Micro(Anna, Bert, 5_001));
        Expect(one, Verdict.DeniedByRule);
        Expect(both, Verdict.DeniedByRule);
        Assert.That((one.Rule, both.Rule), Is.EqualTo(((ushort)7, (ushort)3)));
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);
        story.Do(Command(Instruction.SetWalletTier) with { Subject = Anna, Tier = 2 });
        Expect(story.Pay(story.Micro(Anna, Bert, 5_001)), Verdict.Accepted);
    }

    [Test]
    public void Each_refused_payment_answers_for_funds_of_its_payer()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Micro(Anna, Bert, OpeningCents + 1)), Verdict.InsufficientFunds);
        Expect(story.Pay(story.Redeem(Anna, OpeningCents + 1)), Verdict.InsufficientFunds);
        Expect(story.Pay(story.Hold(Anna, Bert, OpeningCents)), Verdict.Accepted);
        Expect(story.Pay(story.Immediate(Anna, Bert, 1)), Verdict.InsufficientFunds);
    }

    [Test]
    public void A_cap_counts_open_and_unsettled_positions_and_is_freed_by_settling()
    {
        Scenario story = Begin();
        story.Do(Cap(Alpha, 500));
        Expect(story.Pay(story.Micro(Anna, Bert, 300)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bert, 201)), Verdict.CapExceeded);
        story.Do(CloseBatch());
        Expect(story.Pay(story.Immediate(Adam, Bert, 201)), Verdict.CapExceeded);
        Expect(story.Pay(story.Immediate(Adam, Bert, 200)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Adam, 50_000)), Verdict.Accepted); // within one participant
        Expect(story.Pay(story.Hold(Anna, Bert, 600)), Verdict.Accepted);     // moves nothing yet
        Assert.That(story.Do(Settled(1)), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(story.Micro(Anna, Bert, 300)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.CapExceeded);
        story.Do(Cap(Alpha, 0, isSet: false));
        Expect(story.Pay(story.Micro(Anna, Bert, 1_000)), Verdict.Accepted);
    }

    [Test]
    public void A_credit_that_does_not_fit_64_bits_is_refused()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Issue(Bea, ulong.MaxValue - 100)), Verdict.Accepted);
        Expect(story.Pay(story.Issue(Bea, 101)), Verdict.Overflow);
        Expect(story.Pay(story.Micro(Anna, Bea, 101)), Verdict.Overflow);
        Expect(story.Pay(story.Immediate(Anna, Bea, 101)), Verdict.Overflow);
        Payment hold = story.Hold(Anna, Bea, 101);
        Expect(story.Pay(hold), Verdict.Accepted);
        Expect(story.Pay(story.Capture(hold, 101)), Verdict.Overflow);
        Expect(story.Pay(story.Capture(hold, 100)), Verdict.Accepted);
        ExpectAccount(story, Bea, ulong.MaxValue - 100, 100, 0);
    }

    [Test]
    public void A_hold_or_refundable_payment_more_than_there_is_room_for_finds_the_table_full()
    {
        Scenario story = Begin(SmallGenesis() with { TargetsMax = 1 });
        Payment hold = story.Hold(Anna, Bert, 10);
        Expect(story.Pay(hold), Verdict.Accepted);
        Expect(story.Pay(story.Hold(Anna, Bert, 10)), Verdict.TableFull);
        Expect(story.Pay(Refundable(story.Micro(Anna, Bert, 10))), Verdict.TableFull);
        Expect(story.Pay(Refundable(story.Capture(hold, 10))), Verdict.TableFull);
        Expect(story.Pay(story.Micro(Anna, Bert, 10)), Verdict.Accepted);
        Expect(story.Pay(story.Void(hold)), Verdict.Accepted);
        Expect(story.Pay(story.Hold(Anna, Bert, 10)), Verdict.Accepted);
    }

    [Test]
    public void A_payer_more_than_there_are_sums_for_finds_the_table_full()
    {
        Scenario story = Begin(SmallGenesis() with { SumsMax = 1 });
        Activate(story, new TableRule(4, TableRuleKind.Limit, Germany, 0, Euro, Ceiling: 1_000));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Adam, Bert, 1)), Verdict.TableFull);
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Bert, Adam, 1) with { Session = BetaDesk }), Verdict.Accepted); // no sum rule for France
    }

    [Test]
    public void A_batch_more_than_can_be_unsettled_finds_the_table_full_between_participants()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.BatchCount, 1));
        Payment[] payments = new Payment[Limits.BlockSlotsMax];
        Payment payment = story.Micro(Anna, Bert, 1) with { IdHigh = 500, IdLow = 0, Session = Operator };
        for (int block = 0; block < Limits.UnsettledBatchesMax / Limits.BlockSlotsMax; block++)
        {
            for (int i = 0; i < payments.Length; i++)
            {
                payment.IdLow++;
                (payment.Payer, payment.Payee) = (payment.Payee, payment.Payer); // to and fro, so that nobody runs dry
                payments[i] = payment;
            }

            Assert.That(story.PayAll(payments).All(outcome => outcome.Verdict == Verdict.Accepted));
        }

        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { IdHigh = 501, IdLow = 1 }), Verdict.TableFull);
        story.Do(Settled(5));
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { IdHigh = 501, IdLow = 2 }), Verdict.Accepted);
        Expect(story.Pay(story.Micro(Anna, Bert, 1) with { IdHigh = 501, IdLow = 3 }), Verdict.TableFull);
    }
}
