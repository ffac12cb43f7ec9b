using System.Globalization;
using Settlement.Tests.Gateway.Settle;
using Settlement.Tests.Replay;

namespace Settlement.Tests.Gateway.Modules;

/// <summary>The law's way by command lines: who votes, from a text to the law in force, and back; what is held for review.</summary>
public sealed class GovernanceCommandTests
{
    private static readonly string s_travelFrom1000 = LawFolder.TravelFrom3000.Replace("version 1", "version 2", StringComparison.Ordinal).Replace("3_000.00", "1_000.00", StringComparison.Ordinal);

    private static LawFolder s_shared = null!;

    [OneTimeSetUp]
    public void MakeTheShared() => s_shared = new LawFolder();

    [OneTimeTearDown]
    public void DeleteTheShared() => s_shared.Dispose();

    [Test]
    public void A_module_is_proposed_reported_voted_and_judges_exactly_from_its_sequence_on()
    {
        using var law = new LawFolder();
        string proposal = LawFolder.Text(law.Rules(0, "propose", law.Write("us1.rules", LawFolder.TravelFrom3000), "--device", law.KeyOf(2), "--json"), "proposal");
        string report = ReplayRuns.Exits(0, "what-if", law.Journal, "--rules", law.PathOf("us1.rules"), "--json");
        Assert.That(law.Rules(0, "sandbox", proposal, "--report", law.Write("report.json", report)).Output, Does.Contain("The report is recorded"));
        Assert.That(law.Rules(1, "schedule", proposal).Error, Does.Contain("has not the votes it needs: 0 yes"));
        foreach (int device in (int[])[1, 2])
            law.Rules(0, "vote", proposal, "yes", "--device", law.KeyOf(device));
        law.Rules(0, "vote", proposal, "no", "--device", law.KeyOf(4));
        SettleResult last = law.Rules(0, "vote", proposal, "yes", "--device", law.KeyOf(5), "--hash", LawFolder.Text(law.Rules(0, "propose", law.PathOf("us1.rules"), "--device", law.KeyOf(2), "--json"), "hash"));
        Assert.That(last.Output, Does.Contain("3 yes of 2 makers, 1 no"));

        // The plan's attestation takes slots, and so does what settle sends first: the point is found by a dry look at where a run begins.
        ulong next = ulong.Parse(LawFolder.Text(law.Rules(0, "vote", proposal, "yes", "--device", law.KeyOf(5), "--json"), "sequence"), CultureInfo.InvariantCulture);
        ulong point = next + 40;
        SettleResult scheduled = law.Rules(0, "schedule", proposal, "--at", point.ToString(CultureInfo.InvariantCulture));
        Assert.That(scheduled.Output, Does.Contain($"comes into force from sequence {point} on; its plan is built and attested"));
        law.Pay("a", 3, [.. Enumerable.Repeat("3000", 60)]);
        string[] verdicts = law.Verdicts;
        ulong first = ulong.Parse(LastSequence(law), CultureInfo.InvariantCulture) - 59;
        for (int i = 0; i < verdicts.Length; i++)
        {
            bool before = first + (ulong)i < point;
            Assert.That(verdicts[i], before ? Is.EqualTo("accepted").Or.EqualTo("insufficient_funds") : Does.StartWith("denied_by_rule:"), $"sequence {first + (ulong)i}, from {point} on");
        }

        Assert.That(verdicts, Has.Some.EqualTo("accepted").And.Some.StartsWith("denied_by_rule:"));
    }

    [Test]
    public void An_emergency_takes_a_version_back_at_once_and_a_rollback_brings_it_again_by_vote()
    {
        using var law = new LawFolder();
        law.Activate("us1.rules", LawFolder.TravelFrom3000);
        Assert.That(law.Rules(1, "emergency", "us", "--device", law.KeyOf(1)).Error, Does.Contain("no last good version"));
        law.Activate("us2.rules", s_travelFrom1000);
        law.Pay("a", 3, "1000");
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "denied_by_rule:1" }));

        Assert.That(law.Rules(0, "emergency", "us", "--device", law.KeyOf(1)).Output, Does.Contain("1 yes of 1 maker"));
        Assert.That(law.Rules(0, "emergency", "us", "--device", law.KeyOf(3)).Output, Does.Contain("'us' is back to version 1, at once"));
        law.Pay("b", 3, "1000");
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "accepted" }));

        Assert.That(law.Rules(1, "rollback", "us", "--to", "1", "--device", law.KeyOf(1)).Error, Does.Contain("Version 1 of 'us' is in force now"));
        Assert.That(law.Rules(1, "rollback", "us", "--to", "9", "--device", law.KeyOf(1)).Error, Does.Contain("these were: 1, 2"));
        string back = LawFolder.Text(law.Rules(0, "rollback", "us", "--to", "2", "--device", law.KeyOf(1), "--json"), "proposal");
        law.VoteFor(back);
        law.Rules(0, "schedule", back);
        law.Pay("c", 3, "1000");
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "denied_by_rule:1" }));
    }

    [Test]
    public void A_payment_under_review_is_released_or_refused_once_by_a_device_of_its_module()
    {
        using var law = new LawFolder();
        law.Activate("us1.rules", LawFolder.TravelFrom3000);
        Assert.That(law.Pay("a", 1, "400", "10000.01", "20000").Count("under_review"), Is.EqualTo(2));
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "accepted", "under_review:2", "under_review:2" }));
        using var stranger = new LawFolder(founds: false);
        stranger.NewDevice(9);
        Assert.That(law.Rules(1, "review", "release", "a:2", "--reason", "x", "--device", stranger.KeyOf(9)).Error, Does.Contain("knows no device"));
        Assert.That(law.Rules(0, "review", "release", "a:2", "--reason", "Invoice seen", "--device", law.KeyOf(2)).Output, Does.Contain("10000.01 USD from wallet 1 to 2, is released: Invoice seen"));
        Assert.That(law.Rules(0, "review", "refuse", "a:3", "--reason", "No invoice", "--device", law.KeyOf(5)).Output, Does.Contain("is refused; the amount is the payer's again"));
        foreach (string payment in (string[])["a:1", "a:2", "a:3", "b:1"])
            Assert.That(law.Rules(1, "review", "release", payment, "--reason", "again", "--device", law.KeyOf(2)).Error, Does.Contain($"No payment {payment} is under review"));
        string balance = ReplayRuns.Exits(0, "state", law.Journal, "--wallet", "1");
        Assert.That(balance, Does.Contain("available 89599.99, pending 0.00, held 0.00"));
    }

    [Test]
    public void A_parameter_changes_what_the_law_means_without_a_new_module()
    {
        using var law = new LawFolder();
        law.Activate("us1.rules", """
            module us version 1 effective 2026-01-01 authority "US Treasury" for { US }
            deny us.indexed
              when amount > USD 100 indexed by USD.cpi
              illustrative "a ceiling that follows an index"
            """);
        law.Pay("a", 1, "100.01"); // the index has no value: the amount counts as larger than any
        Assert.That(law.Rules(0, "parameter", "USD.cpi=2").Output, Does.StartWith("USD.cpi is 2 at once"));
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "denied_by_rule:1" }));
        law.Pay("b", 1, "200", "200.01");
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "accepted", "denied_by_rule:1" }));
        Assert.That(law.Rules(0, "parameter", "USD.cpi=2").Output, Does.Contain("nothing has changed"));
        Assert.That(law.Rules(0, "parameter", "USD.cpi=3", "--at", "2026-02-01T11:00:00Z").Output, Does.Contain("from 2026-02-01T11:00:00Z on"));
        Assert.That(law.Rules(1, "parameter", "USD.cpi=3", "--at", "1").Error, Does.Contain("name a later point"));
        Assert.That(law.Rules(1, "parameter", "EUR.rate=1.08").Error, Does.Contain("no currency EUR"));
        law.Rules(0, "parameter", "USD.cpi=none");
        law.Pay("c", 1, "1");
        Assert.That(law.Verdicts, Is.EqualTo(new[] { "denied_by_rule:1" }));
    }

    [Test]
    public void A_module_with_faults_is_not_proposed_and_every_fault_is_listed()
    {
        using var law = new LawFolder();
        string faulty = law.Write("faulty.rules", LawFolder.TravelFrom3000.Replace("tier >= 1", "teir >= 1", StringComparison.Ordinal).Replace("USD 10_000", "USX 10_000", StringComparison.Ordinal));
        string error = law.Rules(1, "propose", faulty, "--device", law.KeyOf(1)).Error;
        Assert.That(error, Does.Contain("faulty.rules:3:").And.Contain("faulty.rules:8:").And.Contain("'" + faulty + "' was not proposed"));
        string wrong = law.Write("wrong.rules", LawFolder.TravelFrom3000 + "test \"no\" { src US dst IN amount USD 3000 } => yes\n");
        Assert.That(law.Rules(1, "propose", wrong, "--device", law.KeyOf(1)).Error, Does.Contain("wrong.rules:10:6: error").And.Contain("was not proposed"));
        Assert.That(ReplayRuns.Exits(0, "rules", "list", law.Journal), Does.Not.Contain("proposal"));
    }

    [Test]
    public void What_was_done_before_is_told_and_changes_nothing()
    {
        using var law = new LawFolder();
        string proposal = law.Carry("us1.rules", LawFolder.TravelFrom3000);
        Assert.That(law.Rules(0, "device", "add", "us", law.PublicOf(1)).Output, Does.Contain("was registered for 'us' before"));
        Assert.That(law.Rules(0, "found", "us", "--quorum", "3", "--makers", "2", "--emergency", "2").Output, Does.Contain("founded so before"));
        Assert.That(law.Rules(0, "propose", law.PathOf("us1.rules"), "--device", law.KeyOf(4)).Output, Does.Contain($"Proposal {proposal} is this very one, voting"));
        Assert.That(law.Rules(0, "vote", proposal, "yes", "--device", law.KeyOf(1)).Output, Does.Contain("had voted yes"));
        string at = LawFolder.Text(law.Rules(0, "schedule", proposal, "--json"), "at");
        Assert.That(LawFolder.Text(law.Rules(0, "schedule", proposal, "--json"), "at"), Is.EqualTo(at));
        Assert.That(law.Rules(1, "schedule", proposal, "--at", "99999").Error, Does.Contain("that does not move"));
    }

    [Test]
    public void A_report_of_another_text_or_ledger_is_not_recorded()
    {
        using var law = new LawFolder();
        using var other = new LawFolder(founds: false);
        string proposal = law.Carry("us1.rules", LawFolder.TravelFrom3000);
        string second = law.Write("us2.rules", s_travelFrom1000);
        string anotherText = law.Write("text.json", ReplayRuns.Exits(0, "what-if", law.Journal, "--rules", second, "--json"));
        string anotherLedger = law.Write("ledger.json", ReplayRuns.Exits(0, "what-if", other.Journal, "--rules", law.PathOf("us1.rules"), "--json"));
        Assert.That(law.Rules(1, "sandbox", proposal, "--report", anotherText).Error, Does.Contain("not about the text of proposal"));
        Assert.That(law.Rules(1, "sandbox", proposal, "--report", anotherLedger).Error, Does.Contain("another ledger"));
        Assert.That(law.Rules(2, "sandbox", proposal, "--report", second).Error, Does.Contain("that is no report"));
        Assert.That(law.Rules(2, "sandbox", proposal, "--report", law.PathOf("none")).Error, Does.Contain("no such file"));
    }

    [Test]
    public void A_revoked_device_votes_no_more_and_a_new_one_is_admitted_by_vote()
    {
        using var law = new LawFolder();
        Assert.That(law.Rules(0, "device", "revoke", law.PublicOf(5)).Output, Does.Contain("of Corp, for 'us', is revoked"));
        string proposal = LawFolder.Text(law.Rules(0, "propose", law.Write("us1.rules", LawFolder.TravelFrom3000), "--device", law.KeyOf(1), "--json"), "proposal");
        Assert.That(law.Rules(1, "vote", proposal, "yes", "--device", law.KeyOf(5)).Error, Does.Contain("revoked"));
        string sixth = law.NewDevice(6);
        Assert.That(law.Rules(1, "device", "add", "us", sixth).Error, Does.Contain("device admit us"));
        string admission = LawFolder.Text(law.Rules(0, "device", "admit", "us", sixth, "--device", law.KeyOf(1), "--json"), "proposal");
        Assert.That(law.Rules(1, "vote", proposal, "yes", "--device", law.KeyOf(6)).Error, Does.Contain("knows no device"));
        foreach (int device in (int[])[1, 3, 4])
            law.Rules(0, "vote", admission, "yes", "--device", law.KeyOf(device));
        law.Rules(0, "schedule", admission);
        law.Pay("a", 1, "1");
        law.Rules(0, "vote", proposal, "yes", "--device", law.KeyOf(6));
    }

    [Test]
    public void A_device_s_private_key_is_its_owner_s_alone_and_is_never_written_over()
    {
        using var law = new LawFolder(founds: false);
        law.NewDevice(1);
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(law.KeyOf(1)), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(File.ReadAllText(law.PublicOf(1)), Does.StartWith("maker: Acme\n-----BEGIN PUBLIC KEY-----").And.Not.Contain("PRIVATE"));
        Assert.That(SettleFolder.Run("rules", "device", "new", "--device", law.KeyOf(1), "--maker", "Acme").Exits(2).Error, Does.Contain("never written over"));
        Assert.That(SettleFolder.Run("rules", "device", "new", "--device", law.KeyOf(2), "--maker", " Acme").Exits(2).Error, Does.Contain("--maker"));
        Assert.That(law.Rules(2, "device", "add", "us", law.KeyOf(1)).Error, Does.Contain("no device's public key"));
    }

    // One sentence each: what is wrong, and what to do.
    [TestCase(1, "schedule 1", "There is no proposal 1: nothing was proposed yet")]
    [TestCase(1, "vote 7 yes --device D1", "There is no proposal 7")]
    [TestCase(1, "rollback us --to 1 --device D1", "Version 1 of 'us' was never in force; none was")]
    [TestCase(1, "rollback fr --to 1 --device D1", "There is no module 'fr'")]
    [TestCase(1, "emergency fr --device D1", "There is no module 'fr'")]
    [TestCase(1, "found us --quorum 2 --makers 2 --emergency 2", "was founded at sequence")]
    [TestCase(1, "found fr --quorum 3 --makers 2 --emergency 2", "'fr' has 0 devices of 0 makers, too few")]
    [TestCase(1, "found fr --quorum 1 --makers 2 --emergency 2", "--makers 2: no more makers")]
    [TestCase(1, "device revoke 00000000000000000000000000000000", "knows no device")]
    [TestCase(1, "review release a:1 --reason x --device D1", "No payment a:1 is under review")]
    [TestCase(2, "emergency us --device NONE", "there is no such file")]
    [TestCase(2, "propose NONE --device D1", "no such file")]
    [TestCase(2, "review release nothing --reason x --device D1", "a payment's id is expected")]
    public void Every_misuse_gets_one_sentence(int code, string words, string sentence)
    {
        LawFolder law = s_shared; // a misuse changes nothing
        string[] split = [.. words.Split(' ').Select(word => word switch { "D1" => law.KeyOf(1), "NONE" => law.PathOf("none"), _ => word })];
        string error = law.Rules(code, split).Error;
        Assert.That(error, Does.Contain(sentence));
        Assert.That(error.TrimEnd('\n'), Does.Not.Contain("\n").And.Not.Contain("   at "));
    }

    [TestCase("vote 1 maybe --device d", "yes or no")]
    [TestCase("vote one yes --device d", "the number of a proposal")]
    [TestCase("schedule 1 --at tomorrow", "a sequence such as 1200")]
    [TestCase("found US --quorum 1 --makers 1 --emergency 1", "a module's name")]
    [TestCase("found us --quorum 0 --makers 1 --emergency 1", "a whole number from 1")]
    [TestCase("parameter EURrate=1", "such as EUR.rate=1.08")]
    [TestCase("parameter EUR.rate=0", "a value above 0 with at most 9 digits behind the point is expected, such as 1.08, or none")]
    public void Words_without_a_meaning_say_what_is_expected(string words, string expected)
    {
        SettleResult result = SettleFolder.Run(["rules", .. words.Split(' '), "--journal", "nowhere"]).Exits(2);
        Assert.That(result.Error, Does.Contain(expected));
    }

    [Test]
    public void A_ledger_that_is_not_there_is_not_made()
    {
        using var folder = new SettleFolder();
        Assert.That(SettleFolder.Run("rules", "schedule", "1", "--journal", folder.Journal).Exits(2).Error, Does.Contain("There is no ledger in").And.Contain("init --journal"));
        Assert.That(Directory.Exists(folder.Journal), Is.False);
    }

    private static string LastSequence(LawFolder law) => ReplayRuns.Json(ReplayRuns.Exits(0, "state", law.Journal, "--json")).GetProperty("sequence").GetString()!;
}
