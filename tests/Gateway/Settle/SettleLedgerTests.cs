using Settlement.Perf.Generate;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>What the options of a run do to the ledger: openings, labels, rules, settled batches, memory for ids.</summary>
public sealed class SettleLedgerTests
{
    private const string Header = SettleFolder.PaymentsHeader;

    private SettleFolder _folder = null!;
    private string _wallets = null!;

    [SetUp]
    public void Make()
    {
        _folder = new SettleFolder();
        _wallets = _folder.Write("wallets.csv", SettleFolder.FourWallets);
    }

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void An_opening_balance_is_issued_once_whatever_the_file_is_called()
    {
        Assert.That(_folder.Settle("--wallets", _wallets).Exits(0).Number("openings_issued"), Is.EqualTo(4));
        string balances = _folder.Balances;
        SettleResult renamed = _folder.Settle("--wallets", _folder.Write("renamed.csv", SettleFolder.FourWallets + "5,DE,gamma,JPY,700\n")).Exits(0);
        Assert.That((renamed.Number("openings_issued"), renamed.Number("warnings")), Is.EqualTo((1L, 0L)));
        Assert.That(_folder.Balances, Is.EqualTo(balances + "5,JPY,700,0,0\n"));
    }

    [Test]
    public void A_changed_opening_balance_is_warned_of_and_the_first_stands()
    {
        _folder.Settle("--wallets", _wallets).Exits(0);
        string balances = _folder.Balances;
        SettleResult changed = _folder.Settle("--wallets", _folder.Write("changed.csv", SettleFolder.FourWallets.Replace("2,FR,alpha,EUR,100.00", "2,FR,alpha,EUR,200.00", StringComparison.Ordinal))).Exits(0);
        Assert.That(changed.Error, Does.Contain("changed.csv, line 3: the opening balance of wallet 2 was issued before, with another amount; that one stands"));
        Assert.That(changed.Number("warnings"), Is.EqualTo(1));
        Assert.That(_folder.Balances, Is.EqualTo(balances));
    }

    [Test]
    public void A_wallet_that_differs_is_warned_of_and_stays_as_it_was()
    {
        _folder.Settle("--wallets", _wallets).Exits(0);
        SettleResult changed = _folder.Settle("--wallets", _folder.Write("changed.csv", SettleFolder.FourWallets.Replace("2,FR,", "2,US,", StringComparison.Ordinal))).Exits(0);
        Assert.That(changed.Error, Does.Contain("changed.csv, line 3: wallet 2 is as it was: already_exists"));
        Assert.That((changed.Number("warnings"), changed.Number("wallets_known")), Is.EqualTo((1L, 3L)));
    }

    [Test]
    public void A_session_of_low_clearance_is_refused_what_secret_wallets_pay_and_learns_no_reason()
    {
        string wallets = _folder.Write("secret.csv", "wallet,country,participant,currency,opening,level\n1,DE,alpha,EUR,100.00,0\n2,DE,alpha,EUR,100.00,200\n3,DE,alpha,EUR,100.00,0\n");
        string payments = _folder.Write("payments.csv", Header + "a:1,2,1,10.00,EUR\na:2,2,9,10.00,EUR\na:3,9,1,10.00,EUR\na:4,1,3,10.00,EUR\na:5,1,2,1000.00,EUR\n");
        _folder.Settle("--wallets", wallets, "--clearance", "100", "--verdicts", "all", payments).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "refused", "refused", "refused", "accepted", "insufficient_funds" }));
        string asCore = _folder.Write("core.csv", Header + "b:1,2,2,10.00,EUR\nb:2,1,2,10.00,EUR\nb:3,9,1,10.00,EUR\n");
        _folder.Settle("--verdicts", "all", asCore).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "self_payment", "accepted", "unknown_payer" }));
        long sequence = _folder.Settle("--clearance", "100", payments).Exits(0).Number("sequence");
        Assert.That(_folder.Settle("--clearance", "100", payments).Exits(0).Number("sequence"), Is.EqualTo(sequence + 5), "its session is opened once");
    }

    [Test]
    public void A_rule_table_denies_and_limits_and_stays_active()
    {
        string rules = _folder.Write("rules.json", """
            { "version": 1, "rules": [
              { "id": 7, "name": "no.us", "kind": "deny", "when": { "dst": "US" } },
              { "id": 9, "name": "eur.day", "kind": "limit", "window": "day", "ceiling": "EUR 25.00" } ] }
            """);
        string payments = _folder.Write("payments.csv", Header + ",1,4,1.00,EUR\n,1,2,20.00,EUR\n,1,2,6.00,EUR\n,1,2,5.00,EUR\n,2,1,25.01,EUR\n");
        _folder.Settle("--wallets", _wallets, "--rules", rules, "--verdicts", "all", payments).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "denied_by_rule:7", "accepted", "limit_exceeded:9", "accepted", "limit_exceeded:9" }));
        _folder.Settle("--verdicts", "all", _folder.Write("more.csv", Header + "z:1,3,4,1.00,EUR\nz:2,3,2,1.00,EUR\n")).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "denied_by_rule:7", "accepted" }));
        string open = _folder.Write("open.json", """{ "version": 1, "rules": [] }""");
        _folder.Settle("--rules", open, "--verdicts", "all", _folder.Write("last.csv", Header + "z:3,3,4,1.00,EUR\n")).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "accepted" }));
    }

    [Test]
    public void A_long_rule_table_is_one_command_of_many_slots()
    {
        string rules = _folder.Write("rules.json", """{ "version": 1, "rules": [""" + string.Join(',', Enumerable.Range(1, 500).Select(id =>
            $$"""{ "id": {{id}}, "name": "rule.{{id}}", "kind": "deny", "when": { "dst": "US", "amount": { ">": "EUR {{id}}.00" } } }""")) + "] }");
        SettleResult result = _folder.Settle("--wallets", _wallets, "--rules", rules, "--verdicts", "all", _folder.Write("payments.csv", Header + ",1,4,1.00,EUR\n,1,4,3.00,EUR\n")).Exits(0);
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[] { "accepted", "denied_by_rule:1" }));
        Assert.That(result.Number("warnings"), Is.Zero);
    }

    [TestCase("""{ "version": 1, "rules": [ { "id": 1, "name": "a", "kind": "deny", "when": { "src": "Atlantis" } } ] }""", "line 1, column", "\"Atlantis\": a country of ISO 3166 expected")]
    [TestCase("{ \"version\": 1,\n  \"rules\": [ }", "line 2, column", "expected")]
    [TestCase("", "line 1, column 1", "expected")]
    public void A_bad_rule_file_ends_with_code_2_and_its_place_and_activates_nothing(string text, params string[] said)
    {
        string rules = _folder.Write("rules.json", text);
        SettleResult result = _folder.Settle("--wallets", _wallets, "--rules", rules).Exits(2);
        Assert.That(result.Error, Does.StartWith(rules));
        foreach (string part in said)
            Assert.That(result.Error, Does.Contain(part));
        Assert.That(_folder.Settle().Exits(0).Number("sequence"), Is.EqualTo(2));
    }

    [Test]
    public void Batches_are_reported_settled_once_and_only_closed_ones()
    {
        string payments = _folder.Write("payments.csv", Header + ",1,3,1.00,EUR\n,1,3,2.00,EUR\n,1,3,3.00,EUR\n");
        long sequence = _folder.Settle("--wallets", _wallets, "--batch-count", "1", payments).Exits(0).Number("sequence");
        Assert.That(_folder.Settle("--settled", "4").Exits(2).Error, Does.Contain("--settled 4: batches 1 to 3 are closed"));
        SettleResult settled = _folder.Settle("--settled", "2").Exits(0);
        Assert.That((settled.Number("sequence"), settled.Number("warnings")), Is.EqualTo((sequence + 2, 0L)));
        Assert.That(_folder.Settle("--settled", "3").Exits(0).Number("sequence"), Is.EqualTo(sequence + 3), "two of the three were settled before");
    }

    /// <summary>Beyond 16 MiB the spilled ids leave the store's memory, too, for files that are gone when the run ends.</summary>
    [TestCase(IdKind.UuidV4, 600_000, true)]
    [TestCase(IdKind.UuidV7, 150_000, false)]
    public void More_ids_than_the_memory_set_aside_spill_and_are_found_again(IdKind ids, int count, bool toDisk)
    {
        CsvFiles.Write(new GenerateOptions { Payments = count, Wallets = 500, Seed = 5, Ids = ids, PaymentsPerSecond = count / 150 }, _folder.Path);
        string[] words = ["--wallets", _folder.PathOf("wallets.csv"), "--clock", "2026-01-01T00:02:31Z", _folder.PathOf("payments.csv")];
        Task<SettleResult> run = Task.Run(() => _folder.Settle(words));
        bool spilled = false;
        while (!run.Wait(5))
            spilled |= SpillFiles().Length > 0;
        SettleResult first = run.Result.Exits(0);
        Assert.That(first.Count("duplicate"), Is.GreaterThan(count / 200));
        Assert.That(spilled, Is.EqualTo(toDisk));
        Assert.That(SpillFiles(), Is.Empty);
        (string balances, string[] verdicts) = (_folder.Balances, _folder.ReportLines("verdicts.csv"));
        SettleResult again = _folder.Settle(words).Exits(0);
        Assert.That(again.Count("duplicate") + again.Count("id_conflict"), Is.EqualTo(count));
        Assert.That(again.Count("id_conflict"), Is.EqualTo(first.Count("id_conflict")));
        Assert.That(_folder.Balances, Is.EqualTo(balances));

        using var roomy = new SettleFolder();
        SettleFolder.Run(["settle", "--journal", roomy.Journal, "--report", roomy.Report, "--json", .. words]).Exits(0);
        Assert.That(roomy.ReportLines("verdicts.csv"), Is.EqualTo(verdicts), "memory changes no verdict");
    }

    private string[] SpillFiles()
    {
        string folder = Path.Combine(_folder.Journal, "ids");
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "*.ids.*") : [];
    }
}
