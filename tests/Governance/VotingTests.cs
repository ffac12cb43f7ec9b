using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using static Settlement.Tests.Governance.GovernanceLedger;

namespace Settlement.Tests.Governance;

/// <summary>Who may propose, vote and schedule, and what is refused.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class VotingTests(bool reloads)
{
    private const string Deny = "deny 840 356";

    private GovernanceLedger _ledger = null!;

    [SetUp]
    public void Open() => _ledger = new GovernanceLedger(reloads);

    [TearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_proposal_takes_its_steps_with_who_and_when()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        ulong proposed = _ledger.State.Sequence;
        Expect(_ledger.Send(Instruction.RecordSandbox, new SandboxRecord(1, 1, 5, _ledger.Last.TextHash).Encode()));
        foreach (string device in (string[])["us1", "us2", "us4"])
            Expect(_ledger.Vote(device));
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(_ledger.NextSequence + 10)));
        ulong scheduled = _ledger.State.Sequence;
        for (int i = 0; i < 12; i++)
            _ledger.Pay(WalletDe, WalletUs);
        Proposal proposal = _ledger.Last;
        Assert.That(proposal.Steps.Select(step => step.Status), Is.EqualTo((ProposalStatus[])
            [ProposalStatus.Proposed, ProposalStatus.Checked, ProposalStatus.Sandboxed, ProposalStatus.Voting, ProposalStatus.Scheduled, ProposalStatus.Active]));
        Assert.That(proposal.Steps[0], Is.EqualTo(new ProposalStep(ProposalStatus.Proposed, proposed, _ledger.TimeNs, 1, _ledger.KeyOf("us1").Id)));
        Assert.That(proposal.Steps[3].Device, Is.EqualTo(_ledger.KeyOf("us1").Id));
        Assert.That(proposal.Steps[4], Is.EqualTo(new ProposalStep(ProposalStatus.Scheduled, scheduled, _ledger.TimeNs, 1, default)));
        Assert.That(proposal.Steps[5].Session, Is.Zero);
        Assert.That(proposal.Votes.Select(vote => vote.IsYes), Is.EqualTo((bool[])[true, true, true]));
        Assert.That(proposal.Reports, Has.Count.EqualTo(1));
        Assert.That(_ledger.Book.FindLaw("us")!.Active, Is.EqualTo(proposal));
    }

    [Test]
    public void A_forged_vote_is_refused()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        VoteCommand mine = GovernanceMessage.Vote(LedgerId, 1, _ledger.Last.PayloadHash, true, _ledger.Device("us2"));
        SignatureP256 flipped = mine.Signature;
        flipped[9] ^= 1;
        Expect(SendVote(mine with { Signature = flipped }), Verdict.BadSignature);
        Expect(SendVote(mine with { IsYes = false }), Verdict.BadSignature);
        Expect(SendVote(mine with { Device = _ledger.KeyOf("us3").Id }), Verdict.BadSignature);
        Expect(SendVote(mine with { Signature = default }), Verdict.BadSignature);
        Expect(SendVote(GovernanceMessage.Vote(LedgerId, 1, _ledger.Last.PayloadHash, true, _ledger.Device("stranger"))), Verdict.UnknownDevice);
        Expect(_ledger.Vote("in1"), Verdict.UnknownDevice);
        Assert.That(_ledger.Last.Votes, Is.Empty);
    }

    [Test]
    public void A_vote_replayed_for_another_proposal_or_ledger_is_refused()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        Proposal first = _ledger.Last;
        VoteCommand vote = GovernanceMessage.Vote(LedgerId, 1, first.PayloadHash, true, _ledger.Device("us2"));
        Expect(_ledger.ProposeText("us", 1, "deny 840 276", "us1"));
        Proposal second = _ledger.Last;
        Expect(SendVote(vote with { Proposal = 2 }), Verdict.UnknownProposal);
        Expect(SendVote(vote with { Proposal = 2, PayloadHash = second.PayloadHash }), Verdict.BadSignature);
        Expect(SendVote(vote with { Proposal = 3 }), Verdict.UnknownProposal);
        Expect(SendVote(vote with { Proposal = 0 }), Verdict.UnknownProposal);
        Expect(SendVote(GovernanceMessage.Vote(LedgerId + 1, 1, first.PayloadHash, true, _ledger.Device("us2"))), Verdict.BadSignature);
        ProposalCommand foreign = GovernanceMessage.Propose(LedgerId + 1, ProposalPayload.OfText("us", 3, "module us 3"), _ledger.Device("us1"));
        Expect(_ledger.Send(Instruction.Propose, foreign.Encode()), Verdict.BadSignature);
    }

    [Test]
    public void A_device_has_one_vote()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        Expect(_ledger.Vote("us1"));
        Expect(_ledger.Vote("us1"), Verdict.Duplicate);
        Expect(_ledger.Vote("us1", isYes: false), Verdict.AlreadyExists);
        Expect(_ledger.Vote("us4"));
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(1_000)), Verdict.QuorumMissing);
        Assert.That(_ledger.Book.Tally(_ledger.Last, _ledger.Last.Law), Is.EqualTo(new VoteTally(2, 0, 2)));
    }

    [Test]
    public void Votes_of_one_maker_are_no_quorum_however_many()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        foreach (string device in (string[])["us1", "us2", "us3"])
            Expect(_ledger.Vote(device));
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(1_000)), Verdict.QuorumMissing);
        Expect(_ledger.Vote("us4", isYes: false));
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(1_000)), Verdict.QuorumMissing);
        Assert.That(_ledger.Book.Tally(_ledger.Last, _ledger.Last.Law), Is.EqualTo(new VoteTally(3, 1, 1)));
    }

    [Test]
    public void A_maker_is_one_whether_written_large_or_small()
    {
        using var other = new GovernanceLedger(reloads, founds: false);
        Expect(other.Send(Instruction.RegisterDevice, new DeviceRegistration(other.KeyOf("a"), "eu", "ACME").Encode()));
        Expect(other.Send(Instruction.RegisterDevice, new DeviceRegistration(other.KeyOf("b"), "eu", "acme").Encode()));
        Expect(other.Send(Instruction.FoundModule, new ModuleFounding("eu", 2, 2, 2).Encode()), Verdict.QuorumMissing);
        Expect(other.Send(Instruction.FoundModule, new ModuleFounding("eu", 2, 1, 1).Encode()));
    }

    [Test]
    public void Revoked_devices_neither_vote_nor_count()
    {
        Proposal proposal = _ledger.Carried("us", 1, Deny);
        Expect(_ledger.Send(Instruction.RevokeDevice, new DeviceRevocation(_ledger.KeyOf("us4").Id).Encode()));
        Expect(_ledger.Send(Instruction.RevokeDevice, new DeviceRevocation(_ledger.KeyOf("us4").Id).Encode()), Verdict.Duplicate);
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(1_000), proposal), Verdict.QuorumMissing);
        Expect(_ledger.ProposeText("us", 1, "deny 840 276", "us4"), Verdict.DeviceRevoked);
        Expect(_ledger.ProposeText("us", 1, "deny 840 276", "us1"));
        Expect(_ledger.Vote("us4"), Verdict.DeviceRevoked);
        Expect(_ledger.Send(Instruction.RevokeDevice, new DeviceRevocation(_ledger.KeyOf("stranger").Id).Encode()), Verdict.UnknownDevice);
        Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf("us4"), "us", "Borg").Encode()), Verdict.AlreadyExists);
    }

    [Test]
    public void What_is_scheduled_in_force_or_ended_is_not_voted_any_more()
    {
        Proposal proposal = _ledger.Carried("us", 1, Deny);
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(_ledger.NextSequence + 4), proposal));
        Expect(_ledger.Vote("us3", true, proposal), Verdict.VotingClosed);
        Expect(_ledger.Vote("us1", true, proposal), Verdict.Duplicate); // a client that asks again is told that it has its vote
        for (int i = 0; i < 5; i++)
            _ledger.Pay(WalletDe, WalletUs);
        Expect(_ledger.Vote("us3", true, proposal), Verdict.VotingClosed);
        Expect(_ledger.ProposeText("us", 1, "deny 840 276", "us1"), Verdict.InvalidValue); // version 1 was in force
    }

    [Test]
    public void An_unsound_text_fails_with_the_first_command_that_needs_its_check()
    {
        Expect(_ledger.ProposeText("us", 1, "unsound", "us1"));
        Assert.That(_ledger.Last.Status, Is.EqualTo(ProposalStatus.Proposed));
        Expect(_ledger.Vote("us1"), Verdict.RulesUnsound);
        Assert.That((_ledger.Last.Status, _ledger.Last.FailureReason), Is.EqualTo((ProposalStatus.Failed, "it is unsound")));
        Expect(_ledger.Vote("us2"), Verdict.RulesUnsound);
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(1_000)), Verdict.RulesUnsound);
        Expect(_ledger.ProposeText("us", 1, "unsound", "us1")); // it failed: it may be proposed again
        Expect(_ledger.Propose(ProposalPayload.OfText("us", 2, "module us 3"), "us1"));
        Expect(_ledger.Vote("us1"), Verdict.RulesUnsound);
        Expect(_ledger.Propose(ProposalPayload.OfText("us", 2, "module in 2"), "us1"));
        Expect(_ledger.Vote("us1"), Verdict.RulesUnsound);
        Expect(_ledger.Propose(ProposalPayload.OfText("us", 2, "gibberish"), "us1"));
        Expect(_ledger.Send(Instruction.RecordSandbox, new SandboxRecord(_ledger.Last.Number, 1, 2, default).Encode()), Verdict.RulesUnsound);
    }

    [Test]
    public void Repeats_are_duplicates()
    {
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"));
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"), Verdict.Duplicate);
        Expect(_ledger.ProposeText("us", 1, Deny, "us2"), Verdict.Duplicate);
        byte[] record = new SandboxRecord(1, 1, 5, _ledger.Last.TextHash).Encode();
        Expect(_ledger.Send(Instruction.RecordSandbox, record));
        Expect(_ledger.Send(Instruction.RecordSandbox, record), Verdict.Duplicate);
        _ledger.VoteAll("us");
        ActivationPoint point = ActivationPoint.AtSequence(_ledger.NextSequence + 6);
        Expect(_ledger.Schedule(point));
        Expect(_ledger.Schedule(point), Verdict.Duplicate);
        Expect(_ledger.Schedule(ActivationPoint.AtSequence(point.Value + 1)), Verdict.AlreadyExists);
        for (int i = 0; i < 4; i++)
            _ledger.Pay(WalletDe, WalletUs);
        Expect(_ledger.ProposeText("us", 1, Deny, "us1"), Verdict.Duplicate);
        Expect(_ledger.Schedule(point), Verdict.Duplicate);
        Expect(_ledger.Send(Instruction.FoundModule, new ModuleFounding("us", 3, 2, 2).Encode()), Verdict.Duplicate);
        Expect(_ledger.Send(Instruction.FoundModule, new ModuleFounding("us", 3, 2, 3).Encode()), Verdict.AlreadyExists);
        Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf("us1"), "us", "Acme").Encode()), Verdict.Duplicate);
        Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf("us1"), "in", "Acme").Encode()), Verdict.AlreadyExists);
    }

    [Test]
    public void A_founded_module_admits_devices_by_its_own_vote_alone()
    {
        Expect(_ledger.Send(Instruction.RegisterDevice, new DeviceRegistration(_ledger.KeyOf("us5"), "us", "Cray").Encode()), Verdict.NotAuthorised);
        Expect(_ledger.Propose(ProposalPayload.OfDevice("us", _ledger.KeyOf("us5"), "Cray"), "us1"));
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)), Verdict.QuorumMissing);
        _ledger.VoteAll("us");
        Expect(_ledger.Schedule(ActivationPoint.AtTime(_ledger.TimeNs + 1)));
        Proposal admission = _ledger.Last;
        Expect(_ledger.ProposeText("us", 1, Deny, "us5"), Verdict.UnknownDevice);
        _ledger.Wait(1);
        Assert.That(_ledger.FindAgain(admission).Status, Is.EqualTo(ProposalStatus.Active));
        Expect(_ledger.ProposeText("us", 1, Deny, "us5"));
        Expect(_ledger.Vote("us5"));
        Expect(_ledger.Propose(ProposalPayload.OfDevice("us", _ledger.KeyOf("us5"), "Cray"), "us1"), Verdict.AlreadyExists);
    }

    [Test]
    public void Who_has_no_right_is_refused()
    {
        byte[] founding = new ModuleFounding("eu", 1, 1, 1).Encode();
        Expect(_ledger.Send(Instruction.FoundModule, founding, AuthoritySession), Verdict.NotAuthorised);
        Expect(_ledger.Send(Instruction.FoundModule, founding), Verdict.QuorumMissing); // it has no device
        Expect(_ledger.Send(Instruction.FoundModule, founding, 99), Verdict.UnknownSession);
        Expect(_ledger.Send(Instruction.FoundModule, [1, 2]), Verdict.InvalidValue);
        Expect(_ledger.Send(Instruction.FoundModule, new ModuleFounding("eu", 1, 2, 2).Encode()), Verdict.InvalidValue);
        Expect(_ledger.Send(Instruction.AttestPlan, new PlanAttestation(default, 1, false, default).Encode(), AuthoritySession), Verdict.NotAuthorised);
        Expect(_ledger.Send(Instruction.ActivateRules, Engine.Rules.RuleTable.Empty.Encode().ToArray()), Verdict.NotAuthorised);
        Expect(_ledger.Propose(ProposalPayload.OfText("eu", 1, "module eu 1"), "us1"), Verdict.UnknownModule);
        Expect(_ledger.Propose(ProposalPayload.OfText("us", 1, "module us 1"), "in1"), Verdict.UnknownDevice);
        Expect(_ledger.Propose(ProposalPayload.OfEmergency("us"), "us1"), Verdict.InvalidValue); // nothing to go back to
        Payment[] odd = PayloadCommand.ToSlots(Instruction.RevokeDevice, 1, new DeviceRevocation(_ledger.KeyOf("us1").Id).Encode());
        odd[0].Amount = 1;
        Expect(_ledger.Apply(BlockKind.Control, odd)[0].Verdict, Verdict.InvalidValue);
    }

    private Verdict SendVote(VoteCommand vote) => _ledger.Send(Instruction.Vote, vote.Encode());
}
