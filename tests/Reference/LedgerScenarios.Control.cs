using Settlement.Engine.Domain;
using static Settlement.Tests.Reference.Scenario;

namespace Settlement.Tests.Reference;

/// <summary>Control commands: their refusals, "already so", quorum, authority.</summary>
public abstract partial class LedgerScenarios
{
    private static void ExpectEach(Scenario story, params (ControlCommand Command, Verdict Verdict)[] cases)
    {
        Verdict[] verdicts = story.DoAll([.. cases.Select(one => one.Command)]);
        for (int i = 0; i < cases.Length; i++)
            Assert.That(verdicts[i], Is.EqualTo(cases[i].Verdict), $"number {i}, {cases[i].Command.Instruction}");
    }

    [Test]
    public void Commands_need_an_operator_of_the_commands_level()
    {
        Scenario story = Begin();
        ExpectEach(
            story,
            (Close(Bea) with { Session = 200 }, Verdict.UnknownSession),
            (Close(Bea) with { Session = AlphaDesk }, Verdict.NotAuthorised),
            (Close(Bea) with { Session = LowOperator }, Verdict.NotAuthorised),
            (Setting(SettingKey.InstructionLevel, 100, (ulong)Instruction.CloseWallet), Verdict.Accepted),
            (Close(Nobody) with { Session = AlphaDesk }, Verdict.NotAuthorised),
            (Close(Bea) with { Session = LowOperator }, Verdict.Accepted));
    }

    [Test]
    public void A_command_without_meaning_or_with_a_continuation_out_of_place_is_malformed_in_all_its_slots()
    {
        Scenario story = Begin();
        ExpectEach(
            story,
            (Command((Instruction)200), Verdict.Malformed),
            (Command(Instruction.Micropayment), Verdict.Malformed),
            (CloseBatch() with { ContinuationBytes = 65 }, Verdict.Malformed),
            (CloseBatch(), Verdict.Malformed), // two slots of continuation
            (CloseBatch(), Verdict.Malformed),
            (CloseBatch(), Verdict.Duplicate),
            (Command(Instruction.ActivateRules) with { ContinuationBytes = 129 }, Verdict.Malformed),
            (CloseBatch(), Verdict.Malformed), // the plan runs past the block
            (CloseBatch(), Verdict.Malformed));
    }

    [Test]
    public void Participants_currencies_and_sessions_are_declared_once_in_order_and_within_capacity()
    {
        Scenario story = Begin(SmallGenesis() with { ParticipantsMax = 4, CurrenciesMax = 3, SessionsMax = 12 });
        ExpectEach(
            story,
            (Command(Instruction.DeclareParticipant) with { Participant = 3 }, Verdict.InvalidValue),
            (Participant(4, "delta"), Verdict.InvalidValue),
            (Participant(3, "alpha"), Verdict.AlreadyExists),
            (Participant(1, "gamma"), Verdict.AlreadyExists),
            (Participant(0, "operator"), Verdict.Duplicate),
            (Participant(3, "gamma"), Verdict.Accepted),
            (Participant(3, "gamma"), Verdict.Duplicate),
            (Participant(4, "delta"), Verdict.CapacityExceeded),

            (Currency(1_000), Verdict.InvalidValue),
            (Currency(Pound, scale: 1), Verdict.InvalidValue),
            (Currency(Pound, scale: 19), Verdict.InvalidValue),
            (Currency(Pound, authority: 9), Verdict.UnknownParticipant),
            (Currency(Euro, scale: 3), Verdict.AlreadyExists),
            (Currency(Euro, authority: Alpha), Verdict.AlreadyExists),
            (Currency(Euro), Verdict.Duplicate),
            (Currency(Pound, scale: 18, authority: Alpha), Verdict.Accepted),
            (Currency(756), Verdict.CapacityExceeded),

            (Session(0, Alpha, 1), Verdict.InvalidValue),
            (Session(12, Alpha, 1), Verdict.InvalidValue),
            (Session(11, 9, 1), Verdict.UnknownParticipant),
            (Session(AlphaDesk, Alpha, 1), Verdict.AlreadyExists),
            (Session(AlphaDesk, Alpha, 255, SessionFlags.Operator), Verdict.AlreadyExists),
            (Session(AlphaDesk, Alpha, 255), Verdict.Duplicate),
            (Session(Operator, House, 255, SessionFlags.Operator), Verdict.Duplicate),
            (Session(11, Alpha, 1), Verdict.Accepted),
            (Session(12, Alpha, 1), Verdict.CapacityExceeded));
    }

    [Test]
    public void Wallets_and_accounts_are_opened_once_and_within_capacity()
    {
        Scenario story = Begin(SmallGenesis() with { AccountsMax = 8 }); // six are the cast's
        ControlCommand bare = Wallet(40, Alpha) with { Currency = 0 };
        ExpectEach(
            story,
            (Wallet(0, Alpha), Verdict.InvalidValue),
            (Wallet(40, Alpha) with { Country = 1_000 }, Verdict.InvalidValue),
            (Wallet(40, Alpha) with { Tier = 4 }, Verdict.InvalidValue),
            (Wallet(40, Alpha) with { Status = WalletStatus.Closed }, Verdict.InvalidValue),
            (Wallet(40, 9), Verdict.UnknownParticipant),
            (Wallet(40, Alpha) with { Currency = Pound }, Verdict.UnknownCurrency),
            (Wallet(Anna, Beta), Verdict.AlreadyExists),
            (Wallet(Anna, Alpha, level: 1), Verdict.AlreadyExists),
            (Wallet(Anna, Alpha), Verdict.Duplicate),
            (Account(Nobody, Euro), Verdict.UnknownWallet),
            (Account(Anna, Pound), Verdict.UnknownCurrency),
            (Account(Anna, Euro), Verdict.Duplicate),
            (bare, Verdict.Accepted), // takes the seventh row
            (bare, Verdict.Duplicate),
            (Account(40, Euro), Verdict.Accepted), // in the same row
            (bare with { Currency = Dollar }, Verdict.Accepted), // the eighth
            (bare with { Currency = Dollar }, Verdict.Duplicate),
            (Account(Anna, Dollar), Verdict.CapacityExceeded),
            (Wallet(41, Alpha), Verdict.CapacityExceeded),
            (Wallet(Anna, Alpha) with { Currency = Dollar }, Verdict.CapacityExceeded));
    }

    [Test]
    public void A_wallet_is_closed_when_it_is_empty_and_for_ever()
    {
        Scenario story = Begin();
        Payment all = story.Hold(Anna, Bert, OpeningCents);
        story.Pay(all);
        ExpectEach(
            story,
            (Close(Nobody), Verdict.UnknownWallet),
            (Close(Anna), Verdict.NotEmpty), // a hold
            (Close(Bert), Verdict.NotEmpty),
            (Close(Bea), Verdict.Accepted),
            (Close(Bea), Verdict.Duplicate),
            (Wallet(Bea, Beta), Verdict.AlreadyExists),
            (Account(Bea, Dollar), Verdict.UnknownWallet),
            (Status(Bea, WalletStatus.Active), Verdict.UnknownWallet),
            (Level(Bea, 1), Verdict.UnknownWallet));
        Assert.That(story.Ledger.Wallet(Bea)!.Value.Status, Is.EqualTo(WalletStatus.Closed));
        Expect(story.Pay(story.Capture(all, OpeningCents)), Verdict.Accepted);
        Assert.That(story.Do(Close(Anna)), Is.EqualTo(Verdict.Accepted));
    }

    [Test]
    public void A_wallets_status_tier_kind_and_country_change_to_what_has_a_meaning()
    {
        Scenario story = Begin();
        ControlCommand tier = Command(Instruction.SetWalletTier) with { Subject = Anna };
        ControlCommand kind = Command(Instruction.SetWalletKind) with { Subject = Anna };
        ControlCommand country = Command(Instruction.SetWalletCountry) with { Subject = Anna };
        ExpectEach(
            story,
            (Status(Nobody, WalletStatus.Frozen), Verdict.UnknownWallet),
            (Status(Anna, WalletStatus.Closed), Verdict.InvalidValue),
            (Status(Anna, WalletStatus.Active), Verdict.Duplicate),
            (Status(Anna, WalletStatus.Frozen), Verdict.Accepted),
            (tier with { Tier = 4 }, Verdict.InvalidValue),
            (tier with { Tier = 1 }, Verdict.Duplicate),
            (tier with { Tier = 3 }, Verdict.Accepted),
            (kind with { Kind = PartyKind.Last + 1 }, Verdict.InvalidValue),
            (kind with { Kind = PartyKind.Unstated }, Verdict.Duplicate),
            (kind with { Kind = PartyKind.NonProfit }, Verdict.Accepted),
            (kind with { Subject = Nobody, Kind = PartyKind.Person }, Verdict.UnknownWallet),
            (country with { Country = 1_000 }, Verdict.InvalidValue),
            (country with { Country = Germany }, Verdict.Duplicate),
            (country with { Country = Cuba }, Verdict.Accepted));
        Assert.That(
            story.Ledger.Wallet(Anna), Is.EqualTo(new WalletView(Alpha, Cuba, 3, PartyKind.NonProfit, 0, WalletStatus.Frozen, 0)));
    }

    [Test]
    public void A_lower_level_waits_for_a_second_session_and_a_higher_one_does_not()
    {
        Scenario story = Begin();
        ExpectEach(
            story,
            (Level(Boss, SecretLevel), Verdict.Duplicate),
            (Level(Boss, 50), Verdict.AwaitingQuorum),
            (Level(Boss, 50), Verdict.AwaitingQuorum),
            (Level(Boss, 60, SecondOperator), Verdict.AwaitingQuorum),
            (Level(Boss, 50, SecondOperator), Verdict.Accepted),
            (Level(Boss, 220), Verdict.Accepted),
            (Level(Boss, 50, SecondOperator), Verdict.AwaitingQuorum));
        Assert.That(story.Ledger.Wallet(Boss)!.Value.Level, Is.EqualTo(220));
    }

    [Test]
    public void Caps_fees_and_settings_name_what_exists_and_have_bounds()
    {
        Scenario story = Begin();
        ExpectEach(
            story,
            (Cap(9, 1), Verdict.UnknownParticipant),
            (Cap(Alpha, 1) with { Currency = Pound }, Verdict.UnknownCurrency),
            (Cap(Alpha, 1) with { Value2 = 2 }, Verdict.InvalidValue),
            (Cap(Alpha, 0, isSet: false), Verdict.Duplicate),
            (Cap(Alpha, 1), Verdict.Accepted),
            (Cap(Alpha, 1), Verdict.Duplicate),
            (Cap(Alpha, 0), Verdict.Accepted), // a cap of nothing is a cap
            (Cap(Alpha, 0, isSet: false), Verdict.Accepted),
            (Fee(9, 1, 1), Verdict.UnknownParticipant),
            (Fee(Alpha, 1, 1) with { Currency = Pound }, Verdict.UnknownCurrency),
            (Fee(Alpha, 10_001, 1), Verdict.InvalidValue),
            (Fee(Alpha, 10_000, 1), Verdict.Accepted),
            (Fee(Alpha, 10_000, 1), Verdict.Duplicate),
            (Setting((SettingKey)99, 1), Verdict.InvalidValue),
            (Setting(SettingKey.InstructionLevel, 256, 1), Verdict.InvalidValue),
            (Setting(SettingKey.InstructionLevel, 1, 99), Verdict.InvalidValue),
            (Setting(SettingKey.BatchCount, 0), Verdict.Duplicate),
            (Setting(SettingKey.IdWindowNs, 24 * Limits.NsPerHour), Verdict.Duplicate),
            (Setting(SettingKey.IdRetentionNs, 30 * Limits.NsPerDay), Verdict.Duplicate),
            (Setting(SettingKey.RefundLifetimeNs, 30 * Limits.NsPerDay), Verdict.Duplicate),
            (Setting(SettingKey.InstructionLevel, 255, (ulong)Instruction.OpenWallet), Verdict.Duplicate));
    }

    [Test]
    public void Batches_are_closed_and_settled_once()
    {
        Scenario story = Begin();
        story.Pay(story.Micro(Anna, Bert, 10));
        ExpectEach(
            story,
            (Settled(0), Verdict.UnknownBatch),
            (Settled(1), Verdict.UnknownBatch), // still open
            (CloseBatch(), Verdict.Accepted),
            (CloseBatch(), Verdict.Duplicate),
            (Settled(1), Verdict.Accepted),
            (Settled(1), Verdict.Duplicate),
            (Settled(2), Verdict.UnknownBatch));
        Assert.That(story.Ledger.UnsettledPosition(Beta, Euro).IsZero);
    }

    [Test]
    public void Rules_are_activated_once_and_nonsense_is_refused()
    {
        Scenario story = Begin();
        byte[] plan = Encode([new TableRule(2, TableRuleKind.Deny, Germany, France, Euro)]);
        Assert.That(story.Activate("nonsense that is no plan"u8), Is.EqualTo(Verdict.InvalidValue));
        Assert.That(story.Activate(plan), Is.EqualTo(Verdict.Accepted));
        Assert.That(story.Activate(plan), Is.EqualTo(Verdict.Duplicate));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.DeniedByRule);
        Assert.That(story.Activate(Encode([])), Is.EqualTo(Verdict.Accepted));
        Expect(story.Pay(story.Micro(Anna, Bert, 1)), Verdict.Accepted);
    }

    [Test]
    public void A_jump_of_time_is_accepted_only_first_in_its_block()
    {
        Scenario story = Begin();
        story.Wait(TimeSpan.FromHours(2));
        ExpectEach(
            story,
            (Command(Instruction.AcceptTime), Verdict.Accepted),
            (Command(Instruction.AcceptTime), Verdict.InvalidValue));
    }
}
