using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using static Settlement.Tests.Governance.GovernanceLedger;

namespace Settlement.Tests.Governance;

/// <summary>From when on which law judges, exactly.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class ActivationTests(bool reloads)
{
    private const string DenyIn = "deny 840 356";

    private GovernanceLedger _ledger = null!;

    [SetUp]
    public void Open() => _ledger = new GovernanceLedger(reloads);

    [TearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_law_judges_from_its_sequence_on_wherever_that_stands_in_block_and_chunk(
        [Values(1, 2, 500, 1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 2_600)] int place, [Values] bool attested)
    {
        Proposal proposal = _ledger.Carried("us", 1, DenyIn);
        // The command that schedules takes two slots, that which attests three.
        ulong from = _ledger.NextSequence + 2 + (attested ? 3UL : 0) + (ulong)place - 1;
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(from), proposal));
        if (attested)
            Assert.That(_ledger.AttestAll(), Is.EqualTo(1));
        Assert.That(_ledger.NextSequence, Is.EqualTo(from - (ulong)place + 1));
        Outcome[] outcomes = _ledger.Apply(BlockKind.Payments, [.. Enumerable.Range(0, 2_600).Select(_ => _ledger.Payment(WalletUs, WalletIn))]);
        int before = place - 1;
        Assert.That(outcomes.Take(before).Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
        Assert.That(outcomes.Skip(before).Select(outcome => (outcome.Verdict, outcome.Rule)), Is.All.EqualTo((Verdict.DeniedByRule, (ushort)1)));
        Assert.That(_ledger.FindAgain(proposal).Steps[^1], Is.EqualTo(new ProposalStep(ProposalStatus.Active, from, _ledger.TimeNs, 0, default)));
    }

    [Test]
    public void Several_laws_come_into_force_inside_one_chunk_each_at_its_place()
    {
        Proposal us = _ledger.Carried("us", 1, DenyIn);
        Proposal india = _ledger.Carried("in", 1, "deny 356 840");
        ulong first = _ledger.NextSequence + 4;
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(first + 10), us));
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(first + 4), india));
        Assert.That(_ledger.NextSequence, Is.EqualTo(first));
        Payment[] payments = [.. Enumerable.Range(0, 20).Select(i => i % 2 == 0 ? _ledger.Payment(WalletUs, WalletIn) : _ledger.Payment(WalletIn, WalletUs))];
        Verdict[] verdicts = [.. _ledger.Apply(BlockKind.Payments, payments).Select(outcome => outcome.Verdict)];
        for (int i = 0; i < 20; i++)
            Assert.That(verdicts[i], Is.EqualTo(i >= (i % 2 == 0 ? 10 : 4) ? Verdict.DeniedByRule : Verdict.Accepted), $"payment {i}");
    }

    [Test]
    public void A_law_judges_from_the_first_block_of_its_time_on()
    {
        Proposal proposal = _ledger.Carried("us", 1, DenyIn);
        ulong at = _ledger.TimeNs + 5_000;
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs), proposal), Verdict.InvalidValue);
        Expect(_ledger.Schedule(ActivationPoint.AtTime(at), proposal));
        _ledger.TimeNs = at - 1;
        Expect(_ledger.Pay(WalletUs, WalletIn));
        _ledger.TimeNs = at;
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Assert.That(_ledger.FindAgain(proposal).Steps[^1].TimeNs, Is.EqualTo(at));
    }

    [Test]
    public void A_command_at_the_sequence_is_judged_behind_the_activation()
    {
        Proposal proposal = _ledger.Carried("us", 1, "limit 840 978 100 day");
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(_ledger.NextSequence + 4), proposal));
        Expect(_ledger.ProposeText("us", 1, DenyIn, "us1"), Verdict.Accepted); // its slots reach over the sequence: not yet
        Assert.That(_ledger.FindAgain(proposal).Status, Is.EqualTo(ProposalStatus.Scheduled));
        Expect(_ledger.ProposeText("us", 1, "deny 840 276", "us1"), Verdict.InvalidValue);
        Assert.That(_ledger.FindAgain(proposal).Status, Is.EqualTo(ProposalStatus.Active));
    }

    [Test]
    public void An_update_of_one_module_touches_no_payment_of_anothers()
    {
        _ledger.Activate("us", 1, DenyIn);
        _ledger.Activate("in", 1, "deny 356 276");
        Verdict[] Sample() => [.. _ledger.Apply(BlockKind.Payments,
            [_ledger.Payment(WalletUs, WalletIn), _ledger.Payment(WalletUs, WalletDe), _ledger.Payment(WalletDe, WalletUs), _ledger.Payment(WalletDe, WalletIn)])
            .Select(outcome => outcome.Verdict)];
        Verdict[] before = Sample();
        Proposal us = _ledger.Book.FindLaw("us")!.Active!;
        Expect(_ledger.Pay(WalletIn, WalletUs));
        _ledger.Activate("in", 2, "deny 356 840");
        Assert.That(Sample(), Is.EqualTo(before));
        Expect(_ledger.Pay(WalletIn, WalletUs), Verdict.DeniedByRule);
        Expect(_ledger.Pay(WalletIn, WalletDe));
        Assert.That((_ledger.FindAgain(us).Status, _ledger.Book.FindLaw("us")!.Active!.Number), Is.EqualTo((ProposalStatus.Active, us.Number)));
    }

    [Test]
    public void A_version_is_superseded_and_rolled_back_by_the_same_path()
    {
        Proposal first = _ledger.Activate("us", 1, DenyIn);
        byte[] text = first.Text!.Utf8;
        Proposal second = _ledger.Activate("us", 2, "deny 840 276");
        Assert.That((_ledger.FindAgain(first).Status, second.Law.LastGood!.Number), Is.EqualTo((ProposalStatus.Superseded, first.Number)));
        Expect(_ledger.Propose(new ProposalPayload(ProposalKind.Rollback, "us", 1, [.. text, (byte)'\n']), "us1"), Verdict.InvalidValue);
        Expect(_ledger.Propose(new ProposalPayload(ProposalKind.Rollback, "us", 2, second.Text!.Utf8), "us1"), Verdict.InvalidValue);
        Expect(_ledger.Propose(new ProposalPayload(ProposalKind.Rollback, "us", 1, text), "us1"));
        Proposal rollback = _ledger.Last;
        _ledger.VoteAll("us");
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        Expect(_ledger.Pay(WalletUs, WalletIn));
        _ledger.Wait(1);
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Expect(_ledger.Pay(WalletUs, WalletDe));
        Assert.That((_ledger.FindAgain(second).Status, _ledger.FindAgain(rollback).Status), Is.EqualTo((ProposalStatus.RolledBack, ProposalStatus.Active)));
        Assert.That(_ledger.FindAgain(second).Text, Is.Null);
        _ledger.Activate("us", 3, "deny 840 276");
    }

    [Test]
    public void An_emergency_is_effective_with_the_vote_that_fills_its_quorum()
    {
        Proposal first = _ledger.Activate("us", 1, "deny 840 276");
        Proposal second = _ledger.Activate("us", 2, DenyIn);
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us3"));
        Proposal emergency = _ledger.Last;
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us3"), Verdict.Duplicate);
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(10_000)), Verdict.InvalidValue);
        Expect(_ledger.Vote("us1"));
        Expect(_ledger.Vote("us2")); // two, but of one maker
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Expect(_ledger.Vote("us4", true, _ledger.FindAgain(emergency)));
        Expect(_ledger.Pay(WalletUs, WalletIn));
        Expect(_ledger.Pay(WalletUs, WalletDe), Verdict.DeniedByRule);
        Law law = _ledger.Book.FindLaw("us")!;
        Assert.That((law.Active!.Number, law.LastGood, _ledger.FindAgain(second).Status, _ledger.FindAgain(emergency).Status),
            Is.EqualTo((first.Number, (Proposal?)null, ProposalStatus.RolledBack, ProposalStatus.Active)));
        Expect(_ledger.Vote("us3", true, _ledger.FindAgain(emergency)), Verdict.VotingClosed);
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us1"), Verdict.InvalidValue); // no last good version is left
    }

    [Test]
    public void A_vote_in_an_emergency_counts_for_the_version_that_it_was_about_alone()
    {
        _ledger.Activate("us", 1, "deny 840 276");
        Proposal second = _ledger.Activate("us", 2, DenyIn);
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us3"));
        Proposal emergency = _ledger.Last;
        Expect(_ledger.Vote("us1"));
        Proposal third = _ledger.Activate("us", 3, "deny 840 276");
        Assert.That(_ledger.FindAgain(emergency).Status, Is.EqualTo(ProposalStatus.Failed));
        Expect(_ledger.Vote("us4", true, _ledger.FindAgain(emergency)), Verdict.VotingClosed);
        Assert.That(_ledger.Book.FindLaw("us")!.Active!.Number, Is.EqualTo(third.Number));
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us3")); // another one, about the third
        Expect(_ledger.Vote("us1"));
        Expect(_ledger.Vote("us4"));
        Assert.That(_ledger.Book.FindLaw("us")!.Active!.Number, Is.EqualTo(second.Number));
    }

    [Test]
    public void A_treaty_binds_those_whose_own_voters_agreed()
    {
        foreach ((string name, string maker) in (ReadOnlySpan<(string, string)>)[("de1", "Acme"), ("de2", "Borg")])
            Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf(name), "de", maker).Encode()));
        Expect(_ledger.Send(Instruction.FoundModule, new ModuleFounding("de", 2, 2, 2).Encode()));
        _ledger.Activate("us", 1, DenyIn);
        _ledger.Activate("in", 1, DenyIn);
        Expect(_ledger.ProposeText("de", 1, DenyIn, "de1"));
        foreach (string device in (string[])["de1", "de2"])
            Expect(_ledger.Vote(device));
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        _ledger.Wait(1);

        Expect(_ledger.Propose(ProposalPayload.OfTreaty("pact", 1, "treaty pact 1 us in de\nallow 840 356"), "us1"));
        Proposal treaty = _ledger.Last;
        foreach (string device in (string[])["us1", "us2", "us4", "de1"])
            Expect(_ledger.Vote(device, true, _ledger.FindAgain(treaty)));
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)), Verdict.QuorumMissing); // one party alone is no treaty
        foreach (string device in (string[])["in1", "in2"])
            Expect(_ledger.Vote(device));
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        _ledger.Wait(1);
        treaty = _ledger.FindAgain(treaty);
        Assert.That(treaty.Bound.Select(law => law.Name), Is.EqualTo((string[])["in", "us"]));
        Outcome outcome = _ledger.Apply(BlockKind.Payments, [_ledger.Payment(WalletUs, WalletIn)])[0];
        Assert.That((outcome.Verdict, outcome.Rule), Is.EqualTo((Verdict.DeniedByRule, (ushort)1))); // that of de alone is left

        Expect(_ledger.Propose(ProposalPayload.OfTreaty("pact", 2, "treaty pact 2 us in de\nallow 840 356"), "in1"));
        foreach (string device in (string[])["us1", "us2", "us4", "de1", "de2", "in1", "in2"])
            Expect(_ledger.Vote(device));
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        _ledger.Wait(1);
        Expect(_ledger.Pay(WalletUs, WalletIn));
        Assert.That(_ledger.FindAgain(treaty).Status, Is.EqualTo(ProposalStatus.Superseded));
    }

    [Test]
    public void A_treaty_is_between_founded_modules_and_proposed_by_one_of_them()
    {
        Expect(_ledger.Propose(ProposalPayload.OfTreaty("us", 1, "treaty us 1 us in"), "us1"), Verdict.AlreadyExists);
        Expect(_ledger.Propose(ProposalPayload.OfTreaty("pact", 1, "treaty pact 1 us xx"), "us1"));
        Expect(_ledger.Vote("us1"), Verdict.RulesUnsound);
        Expect(_ledger.Propose(ProposalPayload.OfTreaty("pact", 1, "module pact 1"), "us1"));
        Expect(_ledger.Vote("us1"), Verdict.RulesUnsound);
        Expect(_ledger.Propose(ProposalPayload.OfText("pact", 1, "treaty pact 1 us in"), "us1"), Verdict.UnknownModule);
        Expect(_ledger.Send(Instruction.FoundModule, new ModuleFounding("pact", 1, 1, 1).Encode()), Verdict.AlreadyExists);
        Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf("x"), "pact", "Acme").Encode()), Verdict.UnknownModule);
        Expect(_ledger.Propose(ProposalPayload.OfDevice("pact", _ledger.KeyOf("x"), "Acme"), "us1"), Verdict.UnknownModule);
    }

    [Test]
    public void A_parameter_is_its_currencys_authoritys_and_changes_rules_at_once_or_when_scheduled()
    {
        Expect(_ledger.Set("index", 2 * ParameterName.One, ActivationPoint.Now, Limits.OperatorSession), Verdict.NotAuthorised);
        Expect(_ledger.Set("index", 1, ActivationPoint.Now, currency: 840), Verdict.UnknownCurrency);
        Expect(_ledger.Set("index", 2 * ParameterName.One, ActivationPoint.Now));
        Expect(_ledger.Set("index", 2 * ParameterName.One, ActivationPoint.Now), Verdict.Duplicate);
        _ledger.Activate("us", 1, "indexed 840 978 100 index");
        Expect(_ledger.Pay(WalletUs, WalletIn, 200));
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.LimitExceeded);
        Expect(_ledger.Set("index", 3 * ParameterName.One, ActivationPoint.Now));
        Expect(_ledger.Pay(WalletUs, WalletIn, 100));
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.LimitExceeded);
        ulong at = _ledger.NextSequence + 4;
        Expect(_ledger.Set("index", 4 * ParameterName.One, ActivationPoint.AtSequence(at)));
        Expect(_ledger.Set("index", 4 * ParameterName.One, ActivationPoint.AtSequence(at)), Verdict.Duplicate);
        Expect(_ledger.Set("index", 4 * ParameterName.One, ActivationPoint.AtSequence(1)), Verdict.InvalidValue);
        Outcome[] outcomes = _ledger.Apply(BlockKind.Payments, [.. Enumerable.Range(0, 4).Select(_ => _ledger.Payment(WalletUs, WalletIn))]);
        Assert.That(_ledger.Book.Schedule, Is.Empty);
        Assert.That(outcomes[^1].Verdict, Is.EqualTo(Verdict.Accepted));
        Expect(_ledger.Set("index", 0, ActivationPoint.Now), Verdict.RulesUnsound); // the rules need it: it stays as it was
        Assert.That(_ledger.Book.ValueOf(new ParameterName(Euro, "index")), Is.EqualTo(4 * ParameterName.One));
        Expect(_ledger.Set("other", 5, ActivationPoint.AtTime(_ledger.TimeNs + 5)));
        Expect(_ledger.Set("index", 0, ActivationPoint.AtTime(_ledger.TimeNs + 5)));
        _ledger.Wait(5);
        Assert.That(_ledger.Book.Parameters, Is.EqualTo(((ParameterName, ulong)[])
            [(new ParameterName(Euro, "index"), 4 * ParameterName.One), (new ParameterName(Euro, "other"), 5UL)])); // one can be, the other not
    }

    [Test]
    public void A_date_changes_the_rules_with_the_first_block_of_the_day()
    {
        int today = Calendar.DayOf(_ledger.TimeNs);
        _ledger.Activate("us", 1, $"from {today + 2}\n{DenyIn}\nfrom {today + 4}\nbroken");
        Assert.That(_ledger.State.Laws.InForce!.Build.NextChangeDay, Is.EqualTo(today + 2));
        _ledger.Wait(((ulong)(today + 2) * Limits.NsPerDay) - _ledger.TimeNs - 1);
        Expect(_ledger.Pay(WalletUs, WalletIn));
        _ledger.AttestAll();
        _ledger.Wait(1);
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Assert.That(_ledger.State.Laws.InForce!.IsAttested, Is.True);
        _ledger.Wait(2 * Limits.NsPerDay);
        Expect(_ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule); // what cannot be built leaves the last good rules in force
        Assert.That(_ledger.State.Laws.DatesFault, Is.EqualTo("us is broken"));
        Expect(_ledger.ProposeText("us", 2, "deny 840 276", "us1"));
        _ledger.VoteAll("us");
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        _ledger.Wait(1);
        Expect(_ledger.Pay(WalletUs, WalletIn));
    }

    [Test]
    public void A_currency_is_declared_with_the_rules_that_it_brings()
    {
        _ledger.Activate("us", 1, DenyIn);
        Digest before = _ledger.State.Laws.InForce!.Laws;
        Payment declare = Live.LiveLedger.Slot(new ControlCommand { Instruction = Instruction.DeclareCurrency, Currency = 840, Scale = 2, Participant = 1 });
        Expect(_ledger.Apply(BlockKind.Control, [declare])[0].Verdict);
        Assert.That(_ledger.State.Laws.InForce!.Laws, Is.Not.EqualTo(before).And.EqualTo(_ledger.Book.Current().Hash));
        Expect(_ledger.Apply(BlockKind.Control, [declare])[0].Verdict, Verdict.Duplicate);
    }
}
