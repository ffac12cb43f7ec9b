using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using static Settlement.Tests.Governance.GovernanceLedger;

namespace Settlement.Tests.Governance;

/// <summary>What the journal says of plans to come, and what follows: sums that count, proposals that fail, machines that stop.</summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class AttestationTests(bool reloads)
{
    /// <summary>A machine on which plans of a rule set that has a word in it cannot be built.</summary>
    private sealed class Failing(string word) : PlainCompiler
    {
        public override LawBuild Build(LawInputs laws, int day) =>
            laws.Modules.Any(module => module.ToString().Contains(word, StringComparison.Ordinal)) ? LawBuild.Failed("the self-check does not hold") : base.Build(laws, day);
    }

    [Test]
    public void A_plan_that_fails_everywhere_fails_its_proposal_and_the_last_good_rules_stay()
    {
        using var ledger = new GovernanceLedger(reloads, new Failing("deny 840 276"));
        ledger.Activate("us", 1, "deny 840 356");
        Proposal bad = ledger.Carried("us", 2, "deny 840 276");
        Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 100), bad));
        Assert.That(ledger.AttestAll(), Is.EqualTo(2)); // what is in force, and what was to come
        bad = ledger.FindAgain(bad);
        Assert.That((bad.Status, bad.FailureReason), Is.EqualTo((ProposalStatus.Failed, "the self-check does not hold")));
        Assert.That(ledger.Book.Schedule, Is.Empty);
        Expect(ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Expect(ledger.Pay(WalletUs, WalletDe));
        Expect(ledger.ProposeText("us", 2, "deny 840 276", "us1")); // the same may be proposed again
    }

    [Test]
    public void A_plan_that_fails_without_being_attested_fails_at_its_place()
    {
        using var ledger = new GovernanceLedger(reloads, new Failing("deny 840 276"));
        ledger.Activate("us", 1, "deny 840 356");
        Proposal bad = ledger.Carried("us", 2, "deny 840 276");
        Proposal good = ledger.Carried("in", 1, "deny 356 840");
        ulong at = ledger.NextSequence + 4;
        Expect(ledger.Schedule(ActivationPoint.AtSequence(at), bad));
        Expect(ledger.Schedule(ActivationPoint.AtSequence(at), good));
        Expect(ledger.Pay(WalletUs, WalletIn), Verdict.DeniedByRule);
        Assert.That((ledger.FindAgain(bad).Status, ledger.FindAgain(good).Status), Is.EqualTo((ProposalStatus.Failed, ProposalStatus.Active)));
        Expect(ledger.Pay(WalletIn, WalletUs), Verdict.DeniedByRule);
    }

    [Test]
    public void A_machine_that_builds_otherwise_than_the_journal_says_stops()
    {
        using var ledger = new GovernanceLedger(reloads);
        Proposal proposal = ledger.Carried("us", 1, "deny 840 276");
        Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 100), proposal));
        ledger.AttestAll();
        Assert.That(() => ledger.Replay(new Failing("deny 840 276")).Dispose(), Throws.InstanceOf<LedgerBrokenException>().With.Message.Contains("self-check"));
        Assert.That(() => ledger.Replay(new Otherwise()).Dispose(), Throws.InstanceOf<LedgerBrokenException>().With.Message.Contains("gives table"));
    }

    /// <summary>Builds another plan.</summary>
    private sealed class Otherwise : PlainCompiler
    {
        public override LawBuild Build(LawInputs laws, int day) => base.Build(LawInputs.Empty, day);
    }

    [Test]
    public void What_is_not_expected_is_not_attested()
    {
        using var ledger = new GovernanceLedger(reloads);
        Expect(ledger.Send(Instruction.AttestPlan, new PlanAttestation(default, 1, false, default).Encode()), Verdict.InvalidValue);
        Proposal proposal = ledger.Carried("us", 1, "deny 840 276");
        Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 100), proposal));
        var laws = new LawInputs([proposal.Text!], [], [], [(Euro, (byte)2)]);
        int today = Calendar.DayOf(ledger.TimeNs);
        byte[] attestation = ledger.AttestationOf(laws, today).Encode();
        Expect(ledger.Send(Instruction.AttestPlan, ledger.AttestationOf(laws, today + 1).Encode()), Verdict.InvalidValue);
        Expect(ledger.Send(Instruction.AttestPlan, attestation));
        Expect(ledger.Send(Instruction.AttestPlan, attestation), Verdict.Duplicate);
    }

    [Test]
    public void Sums_of_a_law_to_come_count_from_its_attestation_on()
    {
        using var ledger = new GovernanceLedger(reloads);
        Proposal proposal = ledger.Carried("us", 1, "limit 840 978 1000 04-01\nlimit 840 978 1000 07-01");
        Expect(ledger.Pay(WalletUs, WalletIn, 500)); // before: does not count
        Expect(ledger.Schedule(ActivationPoint.AtTime(ledger.TimeNs + Limits.NsPerHour), proposal));
        Expect(ledger.Pay(WalletUs, WalletIn, 300)); // nor does this
        ledger.AttestAll();
        Expect(ledger.Pay(WalletUs, WalletIn, 400));
        ledger.Wait(Limits.NsPerHour);
        Expect(ledger.Pay(WalletUs, WalletIn, 601), Verdict.LimitExceeded);
        Expect(ledger.Pay(WalletUs, WalletIn, 600));
        Expect(ledger.Pay(WalletUs, WalletIn), Verdict.LimitExceeded);
    }

    [Test]
    public void Years_in_force_and_to_come_together_have_four_starts_at_most()
    {
        using var ledger = new GovernanceLedger(reloads);
        ledger.Activate("us", 1, "limit 840 978 1000 01-01\nlimit 840 978 1000 02-01\nlimit 840 978 1000 03-01");
        Expect(ledger.Pay(WalletUs, WalletIn, 700));
        Proposal second = ledger.Carried("in", 1, "limit 356 978 1000 04-01");
        Proposal third = ledger.Carried("in", 1, "limit 356 978 1000 05-01");
        Expect(ledger.Schedule(ActivationPoint.AtSequence(ledger.NextSequence + 1_000), second));
        Expect(ledger.Schedule(ActivationPoint.AtTime(ledger.TimeNs + Limits.NsPerDay), third));
        Assert.That(ledger.AttestAll(), Is.EqualTo(3));
        Assert.That(ledger.FindAgain(second).Status, Is.EqualTo(ProposalStatus.Scheduled));
        Assert.That(ledger.FindAgain(third).FailureReason, Does.Contain("5 different years"));
        Expect(ledger.Pay(WalletIn, WalletUs, 600));
        Expect(ledger.Pay(WalletUs, WalletIn, 301), Verdict.LimitExceeded); // years in force went on
        Outcome[] outcomes = ledger.Apply(BlockKind.Payments, [.. Enumerable.Range(0, 1_100).Select(_ => ledger.Payment(WalletDe, WalletUs))]);
        Assert.That(outcomes.Select(outcome => outcome.Verdict), Is.All.EqualTo(Verdict.Accepted));
        Expect(ledger.Pay(WalletIn, WalletUs, 401), Verdict.LimitExceeded);
        Expect(ledger.Pay(WalletIn, WalletUs, 400));
        Expect(ledger.Pay(WalletUs, WalletIn, 301), Verdict.LimitExceeded);
        Expect(ledger.Pay(WalletUs, WalletIn, 300));
    }

    [Test]
    public void Plans_are_built_once_for_what_is_expected()
    {
        var compiler = new PlainCompiler();
        var told = new List<LawOrder>();
        using var builder = new PlanBuilder(compiler, (order, _) => told.Add(order), _ => { });
        var laws = new LawInputs([new LawText("us", 1, "module us 1\ndeny 840 356"u8.ToArray())], [], [], []);
        builder.Foresee([new LawOrder(laws, 20_000, null, true)]);
        LawBuild build = builder.TakePlan(laws, 20_000);
        Assert.That(builder.TakePlan(laws, 20_001), Is.SameAs(build));
        Assert.That(builder.TakeCheck(laws, laws.Modules[0]).Version, Is.EqualTo(1));
        while (!builder.IsIdle)
            Thread.Sleep(1);
        Assert.That((compiler.Builds, told.Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public void A_compiler_that_throws_is_told_to_whoever_waits_and_to_the_engine()
    {
        Exception? told = null;
        using var builder = new PlanBuilder(new Throwing(), (_, _) => { }, fault => told = fault);
        Assert.That(() => builder.TakePlan(LawInputs.Empty, 1), Throws.InstanceOf<LedgerBrokenException>().With.Message.Contains("lost its way"));
        Assert.That(() => told, Is.InstanceOf<InvalidOperationException>().After(2_000, 5));
    }

    private sealed class Throwing : PlainCompiler
    {
        public override LawBuild Build(LawInputs laws, int day) => throw new InvalidOperationException("the compiler lost its way");
    }
}
