using System.Globalization;
using System.Text.Json;
using Settlement.Gateway.Settle;

namespace Settlement.Tests.Replay;

/// <summary>`replay state` and `statement` over a journal that settle wrote, held against the reports that it wrote.</summary>
[TestFixture]
public sealed class SettledStateTests
{
    private static TemporaryFolder s_settled = null!;
    private static JsonElement[] s_batches = [];

    private static string Journal => s_settled.PathOf("journal");

    private static string Report => s_settled.PathOf("report");

    [OneTimeSetUp]
    public void SettleTheSample()
    {
        s_settled = new TemporaryFolder();
        string sample = Path.Combine(AppContext.BaseDirectory, "sample");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", Path.Combine(sample, "wallets.csv"), Path.Combine(sample, "payments.csv"), "--journal", Journal, "--report", Report,
                "--batch-count", "500", "--batch-age", "none", "--capacity", "4096", "--json",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        s_batches = [.. File.ReadLines(Path.Combine(Report, "batches.jsonl")).Select(Parse)];
    }

    [OneTimeTearDown]
    public void DeleteTheSample() => s_settled.Dispose();

    [Test]
    public void The_balances_at_the_end_are_the_file_that_settle_wrote()
    {
        string file = s_settled.PathOf("balances.csv");
        WrittenJournal.RunExpecting(0, "state", Journal, "--out", file);
        Assert.That(File.ReadAllText(file), Is.EqualTo(File.ReadAllText(Path.Combine(Report, "balances.csv")).ReplaceLineEndings("\n")));
    }

    [Test]
    public void The_state_at_a_batch_is_at_its_last_sequence_with_its_state_hash()
    {
        Assert.That(s_batches, Has.Length.GreaterThan(2));
        for (int batch = 1; batch <= s_batches.Length; batch++)
        {
            JsonElement state = Parse(WrittenJournal.RunExpecting(0, "state", Journal, "--at", $"batch:{batch}", "--json"));
            Assert.That(state.GetProperty("state_hash").GetString(), Is.EqualTo(s_batches[batch - 1].GetProperty("state_hash").GetString()));
            Assert.That(state.GetProperty("sequence").GetString(), Is.EqualTo(s_batches[batch - 1].GetProperty("last_sequence").GetUInt64().ToString(CultureInfo.InvariantCulture)));
        }
    }

    [Test]
    public void The_statement_of_a_batch_opens_with_what_the_one_before_closed_with()
    {
        string wallet = File.ReadLines(Path.Combine(Report, "balances.csv")).Skip(1).First().Split(',')[0];
        JsonElement? before = null;
        for (int batch = 1; batch <= s_batches.Length; batch++)
        {
            JsonElement statement = Parse(WrittenJournal.RunExpecting(0, "statement", Journal, "--wallet", wallet, "--from", $"batch:{batch}", "--to", $"batch:{batch}", "--json"));
            Assert.That(statement.GetProperty("movements").GetArrayLength(), Is.Positive);
            if (before is { } last)
                Assert.That(statement.GetProperty("opening").GetRawText(), Is.EqualTo(last.GetProperty("closing").GetRawText()));
            before = statement;
        }
    }

    [Test]
    public void One_wallet_and_one_participant_are_shown_alone()
    {
        string[] lines = [.. File.ReadLines(Path.Combine(Report, "balances.csv")).Skip(1)];
        string wallet = lines[0].Split(',')[0];
        JsonElement state = Parse(WrittenJournal.RunExpecting(0, "state", Journal, "--wallet", wallet, "--json"));
        Assert.That(state.GetProperty("balances").EnumerateArray().Select(balance => balance.GetProperty("wallet").GetString()), Is.All.EqualTo(wallet).And.Exactly(lines.Count(line => line.StartsWith(wallet + ",", StringComparison.Ordinal))).Items);
        JsonElement bank = Parse(WrittenJournal.RunExpecting(0, "state", Journal, "--participant", "bank-1", "--balances", "--json"));
        Assert.That(bank.GetProperty("positions").EnumerateArray().Select(position => position.GetProperty("participant").GetString()), Is.Not.Empty.And.All.EqualTo("bank-1"));
        Assert.That(bank.GetProperty("balances").GetArrayLength(), Is.Positive.And.LessThan(lines.Length));
    }

    [Test]
    public void A_hypothesis_up_to_a_batch_stops_with_it()
    {
        JsonElement report = Parse(WrittenJournal.RunExpecting(0, "what-if", Journal, "--rules", "none", "--to", "batch:2", "--json"));
        Assert.That(report.GetProperty("sequence").GetString(), Is.EqualTo(s_batches[1].GetProperty("last_sequence").GetUInt64().ToString(CultureInfo.InvariantCulture)));
        Assert.That(report.GetProperty("flips").GetInt64(), Is.Zero);
    }

    private static JsonElement Parse(string text)
    {
        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }
}
