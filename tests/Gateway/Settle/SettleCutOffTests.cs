using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Perf.Generate;

namespace Settlement.Tests.Gateway.Settle;

/// <summary>When batches close, and that the same input under a fixed clock gives the same ledger.</summary>
public sealed class SettleCutOffTests
{
    private const string Noon = "2026-03-01T12:00:00Z";

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
    public void The_count_is_exact_to_the_payment_however_they_fell_into_blocks()
    {
        // Every fifth is refused and does not count; the runs cut blocks where they like.
        string[] files = [.. Enumerable.Range(0, 5).Select(file => _folder.Write($"{file}.csv", Payments(1_000, line => line % 5 == 4 ? 1_000_000 : 1, file)))];
        foreach (string file in files)
            _folder.Settle("--wallets", _wallets, "--batch-count", "7", "--batch-age", "none", file).Exits(0);
        JsonElement[] batches = _folder.Batches();
        Assert.That(batches, Has.Length.EqualTo(4_000 / 7));
        Assert.That(batches.Select(batch => batch.GetProperty("count").GetInt32()), Has.All.EqualTo(7));
        long next = batches[0].GetProperty("first_sequence").GetInt64();
        foreach (JsonElement batch in batches)
        {
            Assert.That(batch.GetProperty("first_sequence").GetInt64(), Is.EqualTo(next));
            next = batch.GetProperty("last_sequence").GetInt64() + 1;
        }

        using var other = new SettleFolder();
        SettleResult atOnce = other.Settle(["--wallets", _wallets, "--batch-count", "7", "--batch-age", "none", .. files]).Exits(0);
        Assert.That(atOnce.Number("batches"), Is.EqualTo(batches.Length));
        Assert.That(other.Batches().Select(batch => batch.GetProperty("gross").GetRawText()), Is.EqualTo(batches.Select(batch => batch.GetProperty("gross").GetRawText())));
        Assert.That(other.ReportLines("positions.csv"), Is.EqualTo(_folder.ReportLines("positions.csv")));
        Assert.That(other.Balances, Is.EqualTo(_folder.Balances));
    }

    [Test]
    public void A_value_closes_the_batch_with_the_payment_that_reaches_it_in_its_currency()
    {
        string payments = _folder.Write("payments.csv", Payments(9, _ => 20));
        _folder.Settle("--wallets", _wallets, "--batch-value", "EUR:0.50", payments).Exits(0);
        Assert.That(_folder.Batches().Select(batch => batch.GetProperty("gross").GetProperty("EUR").GetString()), Is.EqualTo(new[] { "60", "60", "60" }));
        string more = _folder.Write("more.csv", Payments(9, _ => 10));
        _folder.Settle("--batch-value", "none", more).Exits(0);
        Assert.That(_folder.Batches(), Has.Length.EqualTo(3), "none takes the cut-off away");
        Assert.That(_folder.Settle("--batch-value", "0.10", _folder.Write("last.csv", Payments(1, _ => 1))).Exits(0).Number("batches"), Is.EqualTo(4));
    }

    [Test]
    public void Age_closes_the_batch_before_the_first_payment_that_comes_later()
    {
        string first = _folder.Write("first.csv", Payments(2, _ => 1));
        string second = _folder.Write("second.csv", Payments(3, _ => 2));
        SettleResult young = _folder.Settle("--wallets", _wallets, "--clock", Noon, "--batch-age", "10m", first).Exits(0);
        Assert.That(young.Number("open_batch_count"), Is.EqualTo(2), "the end of input does not close the batch");
        SettleResult old = _folder.Settle("--clock", "2026-03-01T12:10:00Z", second).Exits(0);
        Assert.That((old.Number("batches"), old.Number("open_batch_count")), Is.EqualTo((1L, 3L)));
        Assert.That(_folder.Batches().Single().GetProperty("count").GetInt32(), Is.EqualTo(2));
        Assert.That(_folder.Batches().Single().GetProperty("opened").GetString(), Is.EqualTo("2026-03-01T12:00:00.0000000Z"));
        Assert.That(_folder.Batches().Single().GetProperty("closed").GetString(), Is.EqualTo("2026-03-01T12:10:00.0000000Z"));
    }

    [Test]
    public void Age_closes_the_batch_while_the_input_is_silent()
    {
        _folder.Settle("--wallets", _wallets).Exits(0);
        using Process process = SettleFolder.Start(_folder.Words("-", "--stream", "till", "--batch-age", "100ms"));
        process.StandardInput.Write(SettleFolder.PaymentsHeader + ",1,3,1.00,EUR\n");
        process.StandardInput.Flush();
        string batches = Path.Combine(_folder.Report, "batches.jsonl");
        Assert.That(() => Text(batches), Does.EndWith("}\n").After(20_000, 20));
        process.StandardInput.Write(",1,3,2.00,EUR\n");
        process.StandardInput.Close();
        using JsonDocument json = JsonDocument.Parse(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(json.RootElement.GetProperty("verdicts").GetProperty("accepted").GetInt32(), Is.EqualTo(2));
        Assert.That(_folder.Batches()[0].GetProperty("count").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public void Days_may_pass_between_runs()
    {
        string first = _folder.Write("first.csv", Payments(2, _ => 1));
        string second = _folder.Write("second.csv", Payments(3, _ => 2));
        _folder.Settle("--wallets", _wallets, "--clock", Noon, first).Exits(0);
        SettleResult later = _folder.Settle("--clock", "2026-03-05T12:00:00Z", second).Exits(0);
        Assert.That((later.Count("accepted"), later.Number("warnings")), Is.EqualTo((3L, 0L)));
        Assert.That(_folder.Batches().Single().GetProperty("closed").GetString(), Does.StartWith("2026-03-05T12:00:00"));
        SettleResult back = _folder.Settle("--clock", Noon, _folder.Write("third.csv", Payments(1, _ => 1))).Exits(0);
        Assert.That(back.Count("accepted"), Is.EqualTo(1), "time stands still where the clock went back");
    }

    [Test]
    public void Under_a_fixed_clock_two_fresh_journals_agree_in_all_but_the_salted_roots([Values] IdKind ids)
    {
        var options = new GenerateOptions { Payments = 30_000, Wallets = 500, Seed = 77, Ids = ids };
        CsvFiles.Write(options, _folder.Path);
        using var other = new SettleFolder();
        SettleResult[] results = [.. new[] { _folder, other }.Select(folder => folder.Settle(
            "--wallets", _folder.PathOf("wallets.csv"), "--clock", "2026-01-01T00:00:31Z", "--batch-age", "none", "--batch-count", "1000", "--verdicts", "all",
            _folder.PathOf("payments.csv")).Exits(0))];
        Assert.That(results[0].Count("accepted"), Is.GreaterThan(25_000));
        Assert.That(other.ReportLines("verdicts.csv"), Is.EqualTo(_folder.ReportLines("verdicts.csv")));
        Assert.That(other.Balances, Is.EqualTo(_folder.Balances));
        Assert.That(other.ReportLines("positions.csv"), Is.EqualTo(_folder.ReportLines("positions.csv")));
        Assert.That(Unsalted(other), Is.EqualTo(Unsalted(_folder)));
        Assert.That(results[0].Number("batches"), Is.GreaterThan(20));
        Assert.That(results[1].Json.GetProperty("state_hash").GetString(), Is.EqualTo(results[0].Json.GetProperty("state_hash").GetString()));
        Assert.That(results[1].Json.GetProperty("root").GetString(), Is.Not.EqualTo(results[0].Json.GetProperty("root").GetString()));
    }

    [Test]
    public void A_ledger_whose_first_run_did_nothing_has_its_cut_offs_and_gets_them_once()
    {
        Assert.That(_folder.Settle().Exits(0).Number("sequence"), Is.EqualTo(2));
        Assert.That(_folder.Settle().Exits(0).Number("sequence"), Is.EqualTo(2));
        SettleResult result = _folder.Settle("--wallets", _wallets, _folder.Write("payments.csv", Payments(3, _ => 1)), "--batch-count", "3").Exits(0);
        Assert.That(result.Number("batches"), Is.EqualTo(1));
    }

    private static IEnumerable<string> Unsalted(SettleFolder folder) => folder.Batches().Select(batch => string.Join(' ', batch.EnumerateObject()
        .Where(property => property.Name != "root").Select(property => $"{property.Name}={property.Value.GetRawText()}")));

    private static string Text(string path)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    /// <summary>Payments among the four wallets without ids, in turns, so that nobody runs dry.</summary>
    private static string Payments(int count, Func<int, int> cents, int file = 0)
    {
        var text = new StringBuilder(SettleFolder.PaymentsHeader.Replace("currency", "currency,reference", StringComparison.Ordinal));
        for (int line = 0; line < count; line++)
            text.Append(CultureInfo.InvariantCulture, $",{1 + (line % 4)},{1 + ((line + 1) % 4)},{cents(line) / 100m:F2},EUR,{file}\n");
        return text.ToString();
    }
}
