using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>Section A: refused without using the id up, and what is remembered of an id.</summary>
public abstract partial class LedgerScenarios
{
    [Test]
    public void A_session_that_was_never_opened_is_unknown_and_leaves_the_id_free()
    {
        Scenario story = Begin();
        Payment payment = story.Micro(Anna, Bert, 100);
        Expect(story.Pay(payment with { Session = 200 }), Verdict.UnknownSession);
        Expect(story.Pay(payment with { Session = 0 }), Verdict.UnknownSession);
        Expect(story.Pay(payment), Verdict.Accepted);
    }

    [Test]
    public void A_field_without_meaning_is_malformed()
    {
        Scenario story = Begin();
        Payment payment = story.Micro(Anna, Bert, 100);
        Payment hold = story.Hold(Anna, Bert, 100);
        Payment issue = story.Issue(Anna, 1);
        Payment[] malformed =
        [
            payment with { Instruction = Instruction.None },
            payment with { Instruction = (Instruction)9 },
            payment with { Instruction = Instruction.OpenWallet },
            payment with { Flags = payment.Flags | (PaymentFlags)8 },
            payment with { Purpose = Purpose.Last + 1 },
            payment with { Flags = PaymentFlags.None, IdHigh = 0, IdLow = 0 },
            payment with { IdLow = 0 },
            payment with { Payer = 0 },
            payment with { Payee = 0 },
            payment with { Flags = payment.Flags | PaymentFlags.Opening },
            hold with { Flags = hold.Flags | PaymentFlags.Refundable },
            issue with { Payer = Anna },
            issue with { Payee = 0 },
            issue with { Flags = PaymentFlags.Opening },
            story.Opening(Bea) with { IdLow = Anna },
            story.Opening(Bea) with { Flags = PaymentFlags.Opening | PaymentFlags.StreamId },
            story.Redeem(Anna, 1) with { Payee = Anna },
            story.Redeem(0, 1),
            story.Capture(hold, 1) with { Payer = Anna },
            story.Refund(hold, 1) with { Payer = Anna },
            story.Refund(hold, 1) with { Flags = PaymentFlags.StreamId | PaymentFlags.Refundable },
            story.Void(hold) with { Payer = Anna },
            story.Void(hold) with { Amount = 1 },
        ];
        Outcome[] outcomes = story.PayAll(malformed);
        for (int i = 0; i < outcomes.Length; i++)
            Assert.That(outcomes[i].Verdict, Is.EqualTo(Verdict.Malformed), $"number {i}");
        Expect(story.Pay(payment), Verdict.Accepted);
    }

    [Test]
    public void The_same_payment_again_is_a_duplicate_with_the_first_verdict_also_inside_one_block_and_by_another_session()
    {
        Scenario story = Begin();
        Payment accepted = story.Micro(Anna, Bert, 100), refused = story.Micro(Anna, Bert, OpeningCents * 2);
        Outcome[] outcomes = story.PayAll(accepted, refused, accepted, refused);
        Expect(outcomes[0], Verdict.Accepted);
        Expect(outcomes[1], Verdict.InsufficientFunds);
        ExpectRepeat(outcomes[2], Verdict.Duplicate, Verdict.Accepted);
        ExpectRepeat(outcomes[3], Verdict.Duplicate, Verdict.InsufficientFunds);
        Assert.That(outcomes[2].Available, Is.Zero);

        ExpectRepeat(story.Pay(accepted with { Session = AlphaLow }), Verdict.Duplicate, Verdict.Accepted);
        ExpectAccount(story, Anna, OpeningCents - 100, 0, 0);
    }

    [Test]
    public void The_same_id_with_another_body_is_a_conflict_and_the_first_payment_stands()
    {
        Scenario story = Begin();
        Payment payment = story.Micro(Anna, Bert, 100);
        Expect(story.Pay(payment), Verdict.Accepted);
        ExpectRepeat(story.Pay(payment with { Amount = 101 }), Verdict.IdConflict, Verdict.Accepted);
        ExpectRepeat(story.Pay(payment with { Reference = 1 }), Verdict.IdConflict, Verdict.Accepted);
        ExpectRepeat(story.Pay(payment), Verdict.Duplicate, Verdict.Accepted);
        ExpectAccount(story, Anna, OpeningCents - 100, 0, 0);
    }

    [Test]
    public void An_id_belongs_to_its_participant()
    {
        Scenario story = Begin();
        Payment payment = story.Micro(Anna, Bert, 100);
        Expect(story.Pay(payment), Verdict.Accepted);
        Expect(story.Pay(payment with { Payer = Bert, Payee = Anna, Session = BetaDesk }), Verdict.Accepted);
    }

    [Test]
    public void A_stream_number_beyond_the_window_is_a_gap_and_stays_free()
    {
        Scenario story = Begin();
        Payment first = story.Micro(Anna, Bert, 1) with { IdHigh = 500, IdLow = 1 };
        Payment last = first with { IdLow = Limits.StreamWindow }, beyond = first with { IdLow = Limits.StreamWindow + 1 };
        Expect(story.Pay(beyond), Verdict.StreamGap);
        Expect(story.Pay(last), Verdict.Accepted);
        Expect(story.Pay(beyond), Verdict.StreamGap);
        Expect(story.Pay(first), Verdict.Accepted);
        Expect(story.Pay(beyond), Verdict.Accepted);
        Expect(story.Pay(first with { IdLow = ulong.MaxValue }), Verdict.StreamGap);
    }

    [Test]
    public void A_stream_number_whose_place_was_taken_by_a_later_one_is_to_be_looked_up()
    {
        Scenario story = Begin();
        Payment[] payments = new Payment[Limits.BlockSlotsMax];
        Payment first = story.Micro(Anna, Bert, 1) with { IdHigh = 500, IdLow = 1 };
        ulong number = 0;
        for (int block = 0; block < Limits.StreamWindow / Limits.BlockSlotsMax; block++)
        {
            for (int i = 0; i < payments.Length; i++)
                payments[i] = first with { IdLow = ++number };
            story.PayAll(payments);
        }

        ExpectRepeat(story.Pay(first), Verdict.Duplicate, Verdict.Accepted);
        Outcome[] outcomes = story.PayAll(first with { IdLow = number + 1 }, first, first with { IdLow = 2 });
        Expect(outcomes[0], Verdict.Accepted);
        ExpectRepeat(outcomes[1], Verdict.DuplicateLookUp, Verdict.Undecided);
        ExpectRepeat(outcomes[2], Verdict.Duplicate, Verdict.Accepted);
    }

    [Test]
    public void A_stream_more_than_there_is_room_for_exceeds_the_capacity()
    {
        Scenario story = Begin(SmallGenesis() with { StreamsMax = 1 });
        Payment payment = story.Micro(Anna, Bert, 1);
        Expect(story.Pay(payment), Verdict.Accepted);
        Expect(story.Pay(payment with { IdHigh = 500 }), Verdict.CapacityExceeded);
        Expect(story.Pay(payment with { Payer = Bert, Payee = Anna, Session = BetaDesk }), Verdict.CapacityExceeded);
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
    }

    [Test]
    public void A_version_7_id_must_lie_between_the_window_and_the_skew_of_clocks()
    {
        Scenario story = Begin();
        ulong now = story.NowNs, window = 24 * Limits.NsPerHour, millisecond = 1_000_000;
        Payment payment = story.Micro(Anna, Bert, 1);
        Expect(story.Pay(WithUuid7(payment, now - window, 1)), Verdict.Accepted);
        Expect(story.Pay(WithUuid7(payment, now - window - millisecond, 2)), Verdict.TooOldToTell);
        Expect(story.Pay(WithUuid7(payment, now + Limits.IdSkewNs, 3)), Verdict.Accepted);
        Expect(story.Pay(WithUuid7(payment, now + Limits.IdSkewNs + millisecond, 4)), Verdict.IdFromFuture);
        Expect(story.Pay(payment with { Flags = 0, IdHigh = 0xFFFF_FFFF_FFFF_7000, IdLow = 1UL << 63 }), Verdict.IdFromFuture);
        ExpectRepeat(story.Pay(WithUuid7(payment, now - window, 1)), Verdict.Duplicate, Verdict.Accepted);
        ExpectRepeat(story.Pay(WithUuid7(payment, now - window, 1) with { Amount = 2 }), Verdict.IdConflict, Verdict.Accepted);

        story.Wait(TimeSpan.FromMilliseconds(1));
        Expect(story.Pay(WithUuid7(payment, now - window, 1)), Verdict.TooOldToTell);
    }

    [Test]
    public void The_floor_of_version_7_ids_never_moves_back()
    {
        Scenario story = Begin();
        Payment old = WithUuid7(story.Micro(Anna, Bert, 1), story.NowNs - 2 * Limits.NsPerHour, 1);
        Assert.That(story.Do(Setting(SettingKey.IdWindowNs, Limits.NsPerHour)), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(old), Verdict.TooOldToTell);
        Assert.That(story.Do(Setting(SettingKey.IdWindowNs, 24 * Limits.NsPerHour)), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(old), Verdict.TooOldToTell);
    }

    [Test]
    public void Another_id_is_forgotten_by_the_hour_after_its_retention()
    {
        Scenario story = Begin(); // at half past ten
        story.Do(Setting(SettingKey.IdRetentionNs, Limits.NsPerHour + 1)); // two hours, rounded up
        Payment payment = WithUuid4(story.Micro(Anna, Bert, 1), 1);
        Expect(story.Pay(payment), Verdict.Accepted);
        story.Wait(TimeSpan.FromMinutes(2 * 60 + 29));
        ExpectRepeat(story.Pay(payment), Verdict.Duplicate, Verdict.Accepted);
        story.Wait(TimeSpan.FromMinutes(1));
        Expect(story.Pay(payment), Verdict.Accepted);
        ExpectRepeat(story.Pay(payment), Verdict.Duplicate, Verdict.Accepted);
    }

    [Test]
    public void With_a_retention_of_zero_another_id_is_known_for_ever()
    {
        Scenario story = Begin();
        story.Do(Setting(SettingKey.IdRetentionNs, 0));
        Payment payment = WithUuid4(story.Micro(Anna, Bert, 1), 1);
        Expect(story.Pay(payment), Verdict.Accepted);
        story.Wait(TimeSpan.FromDays(4_000));
        ExpectRepeat(story.Pay(payment), Verdict.Duplicate, Verdict.Accepted);
    }

    [Test]
    public void An_opening_is_once_for_wallet_and_currency_and_only_when_accepted()
    {
        Scenario story = Begin();
        Expect(story.Pay(story.Opening(Bea) with { Session = AlphaDesk }), Verdict.NotAuthorised);
        Expect(story.Pay(story.Opening(Bea, 0)), Verdict.ZeroAmount);
        Expect(story.Pay(story.Opening(Bea)), Verdict.Accepted);
        ExpectRepeat(story.Pay(story.Opening(Bea)), Verdict.Duplicate, Verdict.Accepted);
        ExpectRepeat(story.Pay(story.Opening(Bea, 7)), Verdict.IdConflict, Verdict.Accepted);
        ExpectRepeat(story.Pay(story.Opening(Bea) with { Session = AlphaDesk }), Verdict.Duplicate, Verdict.Accepted);
        ExpectAccount(story, Bea, OpeningCents, 0, 0);
    }
}
