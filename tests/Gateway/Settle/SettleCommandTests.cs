using System.Text.Json;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>`settle` as its user sees it: the sample, small files, the same command again, and what the reports say.</summary>
public sealed class SettleCommandTests
{
    private const string FivePayments = SettleFolder.PaymentsHeader +
        ",1,3,10.00,EUR\n" +
        ",3,2,5.00,EUR\n" +
        ",2,1,1000.00,EUR\n" +
        ",1,1,1.00,EUR\n" +
        ",9,1,1.00,EUR\n";

    private SettleFolder _folder = null!;

    [SetUp]
    public void Make() => _folder = new SettleFolder();

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Without_arguments_the_sample_is_settled_and_leaves_no_journal_behind()
    {
        string[] before = Leftovers();
        SettleResult result = SettleFolder.RunProcess("", "settle").Exits(0);
        Assert.That(result.Output, Does.Contain("2,000 payments decided").And.Contain("accepted").And.Contain("Net positions of batch").And.Contain("Latency"));
        Assert.That(Leftovers().Except(before), Is.Empty);
    }

    [Test]
    public void The_sample_shows_duplicates_refusals_and_closed_batches()
    {
        SettleResult result = SettleFolder.Run("settle", "--json").Exits(0);
        Assert.That(result.Number("payments"), Is.EqualTo(2_000));
        Assert.That(result.Count("accepted"), Is.GreaterThan(1_700));
        Assert.That(result.Count("duplicate"), Is.GreaterThan(10));
        Assert.That(result.Count("unknown_payer"), Is.GreaterThan(0));
        Assert.That(result.Number("batches"), Is.GreaterThanOrEqualTo(3));
    }

    [Test]
    public void Each_line_gets_its_verdict_and_each_account_its_balance()
    {
        SettleResult result = SettleFive().Exits(0);
        Assert.That(result.Count("accepted"), Is.EqualTo(2));
        Assert.That(_folder.Verdicts(), Is.EqualTo(new Dictionary<long, string>
        {
            [4] = "insufficient_funds",
            [5] = "self_payment",
            [6] = "unknown_payer",
        }));
        Assert.That(_folder.ReportLines("balances.csv"), Is.EqualTo(new[]
        {
            "wallet,currency,available,pending,held",
            "1,EUR,90.00,0.00,0.00",
            "2,EUR,100.00,5.00,0.00",
            "3,EUR,95.00,10.00,0.00",
            "4,EUR,100.00,0.00,0.00",
        }));
    }

    [Test]
    public void The_same_command_again_finds_duplicates_only_and_changes_no_balance()
    {
        SettleFive("--verdicts", "all").Exits(0);
        string balances = _folder.Balances;
        SettleResult again = SettleFive("--verdicts", "all").Exits(0);
        Assert.That(again.Count("duplicate"), Is.EqualTo(5));
        Assert.That(_folder.Verdicts().Values, Is.EqualTo(new[]
        {
            "duplicate:accepted", "duplicate:accepted", "duplicate:insufficient_funds", "duplicate:self_payment", "duplicate:unknown_payer",
        }));
        Assert.That(_folder.Balances, Is.EqualTo(balances));
        Assert.That(again.Number("openings_issued"), Is.Zero);
        Assert.That(again.Number("wallets_known"), Is.EqualTo(4));
    }

    [Test]
    public void The_sample_again_over_its_journal_changes_no_balance_and_no_batch()
    {
        string[] words = ["--wallets", Sample("wallets.csv"), "--batch-count", "500", "--batch-age", "none", Sample("payments.csv")];
        SettleResult first = _folder.Settle(words).Exits(0);
        (string balances, string[] batches) = (_folder.Balances, _folder.ReportLines("batches.jsonl"));
        SettleResult again = _folder.Settle(words).Exits(0);
        Assert.That(_folder.Balances, Is.EqualTo(balances));
        Assert.That(_folder.ReportLines("batches.jsonl"), Is.EqualTo(batches));
        Assert.That(again.Count("duplicate") + again.Count("id_conflict"), Is.EqualTo(2_000));
        Assert.That(again.Count("id_conflict"), Is.EqualTo(first.Count("id_conflict")));
    }

    [Test]
    public void Json_is_one_object_with_verdicts_rate_latency_and_batches()
    {
        JsonElement json = SettleFive("--batch-count", "2").Exits(0).Json;
        Assert.That(json.EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "payments", "not_settled", "verdicts", "wallets_opened", "wallets_known", "openings_issued", "warnings", "seconds",
            "payments_per_second", "latency_us", "batches", "open_batch", "open_batch_count", "sequence", "root", "state_hash",
        }));
        Assert.That(json.GetProperty("verdicts").EnumerateObject().Sum(verdict => verdict.Value.GetInt64()), Is.EqualTo(5));
        Assert.That(json.GetProperty("latency_us").EnumerateObject().Select(property => property.Name), Is.EqualTo(new[] { "p50", "p99", "p999", "max" }));
        Assert.That(json.GetProperty("batches").GetInt32(), Is.EqualTo(1));
        Assert.That(json.GetProperty("open_batch").GetInt32(), Is.EqualTo(2));
        Assert.That(json.GetProperty("root").GetString(), Does.Match("^[0-9a-f]{64}$"));
        Assert.That(json.GetProperty("state_hash").GetString(), Does.Match("^[0-9a-f]{64}$"));
    }

    [Test]
    public void A_closed_batch_is_reported_with_its_net_positions_and_its_pending_becomes_available()
    {
        SettleFive("--batch-count", "2").Exits(0);
        Assert.That(_folder.ReportLines("positions.csv"), Is.EqualTo(new[]
        {
            "batch,participant,currency,net", "1,alpha,EUR,-5.00", "1,beta,EUR,5.00",
        }));
        JsonElement batch = _folder.Batches().Single();
        Assert.That(batch.EnumerateObject().Select(property => property.Name), Is.EqualTo(new[]
        {
            "batch", "first_sequence", "last_sequence", "opened", "closed", "count", "accepted", "gross", "fees", "rules", "root", "state_hash",
        }));
        Assert.That(batch.GetProperty("count").GetInt32(), Is.EqualTo(2));
        Assert.That(batch.GetProperty("gross").GetProperty("EUR").GetString(), Is.EqualTo("1500"));
        Assert.That(_folder.ReportLines("balances.csv"), Does.Contain("2,EUR,105.00,0.00,0.00").And.Contain("3,EUR,105.00,0.00,0.00"));
    }

    [Test]
    public void Verdicts_lists_file_line_and_id_of_refusals_or_of_all()
    {
        SettleFive().Exits(0);
        Assert.That(_folder.ReportLines("verdicts.csv")[0], Is.EqualTo("file,line,id,verdict"));
        string[] refused = _folder.ReportLines("verdicts.csv")[1].Split(',');
        Assert.That(refused[0], Is.EqualTo(_folder.PathOf("payments.csv")));
        Assert.That((refused[1], refused[3]), Is.EqualTo(("4", "insufficient_funds")));
        Assert.That(refused[2], Does.Match("^[0-9a-f]{16}:3$"), "the stream that the content names, and the ordinal");
        SettleFive("--verdicts", "all").Exits(0);
        Assert.That(_folder.ReportLines("verdicts.csv"), Has.Length.EqualTo(6));
    }

    [Test]
    public void Tables_are_printed_without_json_and_name_participants_currencies_and_units()
    {
        string wallets = _folder.Write("wallets.csv", SettleFolder.FourWallets.Replace("alpha", "\"bank [red], alpha\"", StringComparison.Ordinal));
        string payments = _folder.Write("payments.csv", FivePayments);
        SettleResult result = SettleFolder.Run(
            "settle", "--journal", _folder.Journal, "--report", _folder.Report, "--wallets", wallets, payments, "--batch-count", "2").Exits(0);
        Assert.That(result.Output, Does.Contain("5 payments decided").And.Contain("insufficient_funds").And.Contain("15.00 EUR")
            .And.Contain("bank [red], alpha").And.Contain("-5.00").And.Contain("Open batch 2: 0 payments"));
        Assert.That(_folder.ReportLines("positions.csv")[1], Is.EqualTo("1,\"bank [red], alpha\",EUR,-5.00"));
    }

    [Test]
    public void Several_files_go_in_their_order_and_one_without_payments_is_fine()
    {
        string wallets = _folder.Write("wallets.csv", SettleFolder.WalletsHeader + "1,DE,alpha,EUR,100.00\n2,DE,alpha,EUR,0\n");
        string one = _folder.Write("one.csv", SettleFolder.PaymentsHeader + ",1,2,100.00,EUR\n");
        string none = _folder.Write("none.csv", SettleFolder.PaymentsHeader);
        string two = _folder.Write("two.csv", SettleFolder.PaymentsHeader + ",1,2,1.00,EUR\n");
        SettleResult result = _folder.Settle("--wallets", wallets, one, none, two).Exits(0);
        Assert.That((result.Count("accepted"), result.Count("insufficient_funds")), Is.EqualTo((1L, 1L)));
        Assert.That(_folder.ReportLines("verdicts.csv")[1], Does.StartWith(two + ",2,"));
        SettleResult empty = _folder.Settle(none).Exits(0);
        Assert.That(empty.Number("payments"), Is.Zero);
    }

    [Test]
    public void Help_names_every_option_with_its_default()
    {
        SettleResult help = SettleFolder.Run("settle", "--help").Exits(0);
        Assert.That(help.Output, Does.Contain("--wallets").And.Contain("--journal").And.Contain("--report").And.Contain("--accounts").And.Contain("--rules")
            .And.Contain("--stream").And.Contain("--clock").And.Contain("--settled").And.Contain("--json"));
        Assert.That(help.Output, Does.Match("--batch-count.*100000").And.Match("--batch-age.*1h").And.Match("--batch-value.*none").And.Match("--window.*24h")
            .And.Match("--retention.*30d").And.Match("--id-memory.*256M").And.Match("--clearance.*255").And.Match("--verdicts.*refused"));
        Assert.That(SettleFolder.Run().Exits(0).Output, Does.Contain("settle"), "no command is a question");
    }

    private SettleResult SettleFive(params string[] words) => _folder.Settle(
        [.. words, "--wallets", _folder.Write("wallets.csv", SettleFolder.FourWallets), _folder.Write("payments.csv", FivePayments)]);

    private static string Sample(string name) => Path.Combine(AppContext.BaseDirectory, "sample", name);

    private static string[] Leftovers() => Directory.GetDirectories(Path.GetTempPath(), "settlement-settle-*");
}
