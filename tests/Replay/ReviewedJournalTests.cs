using System.Text.Json;
using Settlement.Gateway.Settle;

namespace Settlement.Tests.Replay;

/// <summary>A journal with payments under review, from files to every verb that looks at it: accepted holds, of which the ledger says why.</summary>
public sealed class ReviewedJournalTests
{
    private const string Wallets = """
        wallet,country,participant,currency,opening,tier,kind
        1001,DE,alpha,EUR,25000.00,2,person
        1002,FR,beta,EUR,10.00,1,business
        1003,FR,beta,EUR,10.00,1,non_profit

        """;

    private const string Rules = """
        { "version": 1, "rules": [
          { "id": 5, "name": "eu.large", "kind": "review", "within": "12 hours", "when": { "payer": "person", "amount": { ">": "EUR 100.00" } } },
          { "id": 6, "name": "eu.day", "kind": "review limit", "window": "day", "ceiling": "EUR 250.00", "when": { "payee": "non-profit" } } ] }
        """;

    private const string Payments = """
        id,payer,payee,amount,currency,instruction,refundable
        ,1001,1002,30.00,EUR,,
        ,1001,1002,130.00,EUR,,
        ,1001,1003,100.00,EUR,immediate,yes
        ,1001,1002,500.00,EUR,hold,

        """;

    private static TemporaryFolder s_folder = null!;

    private static string Journal => s_folder.PathOf("journal");

    [OneTimeSetUp]
    public void Settle()
    {
        s_folder = new TemporaryFolder();
        File.WriteAllText(s_folder.PathOf("wallets.csv"), Wallets);
        File.WriteAllText(s_folder.PathOf("rules.json"), Rules);
        File.WriteAllText(s_folder.PathOf("payments.csv"), Payments);
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = SettleCommand.Create(output, error).Parse(
            [
                "--wallets", s_folder.PathOf("wallets.csv"), s_folder.PathOf("payments.csv"), "--rules", s_folder.PathOf("rules.json"), "--journal", Journal,
                "--report", s_folder.PathOf("report"), "--verdicts", "all", "--batch-count", "4", "--batch-age", "none", "--capacity", "64", "--json",
            ]).Invoke();
        Assert.That(code, Is.Zero, error.ToString());
        JsonElement verdicts = ReplayRuns.Json(output.ToString()).GetProperty("verdicts");
        Assert.That((verdicts.GetProperty("accepted").GetInt32(), verdicts.GetProperty("under_review").GetInt32()), Is.EqualTo((1, 3)));
    }

    [OneTimeTearDown]
    public void Delete() => s_folder.Dispose();

    private static JsonElement Json(params string[] words) => ReplayRuns.Json(ReplayRuns.Exits(0, [words[0], Journal, .. words[1..], "--json"]));

    [Test]
    public void The_verdicts_name_the_rules() => Assert.That(
        File.ReadLines(s_folder.PathOf("report/verdicts.csv")).Skip(1).Select(line => line[(line.LastIndexOf(',') + 1)..]),
        Is.EqualTo(new[] { "accepted", "under_review:5", "under_review:6", "under_review:5" }));

    [Test]
    public void The_journal_is_sound() => Assert.That(Json("verify").GetProperty("sound").GetBoolean());

    [Test]
    public void The_state_counts_them_apart_and_their_money_as_held()
    {
        JsonElement state = Json("state");
        Assert.That(
            (state.GetProperty("holds").GetInt32(), state.GetProperty("reviews").GetInt32(), state.GetProperty("refundables").GetInt32()), Is.EqualTo((0, 3, 0)));
        Assert.That(state.GetProperty("currencies")[0].GetProperty("held").GetString(), Is.EqualTo("730.00"));
        Assert.That(ReplayRuns.Exits(0, "state", Journal), Does.Contain("3 payments under review"));
    }

    [Test]
    public void Statistics_count_them_as_accepted_and_held_and_as_no_flow()
    {
        JsonElement stats = Json("stats");
        JsonElement currency = stats.GetProperty("currencies")[0];
        Assert.That((currency.GetProperty("gross").GetString(), currency.GetProperty("held").GetString()), Is.EqualTo(("30.00", "730.00")));
        Assert.That(stats.GetProperty("corridors").EnumerateArray().Single().GetProperty("amount").GetString(), Is.EqualTo("30.00"));
    }

    [Test]
    public void A_receipt_is_refused_since_what_became_of_it_is_no_leaf()
    {
        string id = File.ReadLines(s_folder.PathOf("report/verdicts.csv")).ElementAt(2).Split(',')[2], receipt = s_folder.PathOf("receipt.json");
        (int code, _, string error) = ReplayRuns.Run("prove", Journal, "--id", id, "--out", receipt);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain("held for a reviewer").And.Contain("`statement` shows it"));
        Assert.That(File.Exists(receipt), Is.False);
    }

    [Test]
    public void Exports_book_what_moved_and_name_the_owners_kinds()
    {
        ReplayRuns.Exits(0, "export", Journal, "--format", "camt.053", "--out", s_folder.PathOf("camt"));
        Assert.That(string.Concat(Directory.GetFiles(s_folder.PathOf("camt")).Select(File.ReadAllText)), Does.Contain("30.00").And.Not.Contain("130.00"));
        ReplayRuns.Exits(0, "export", Journal, "--format", "csv", "--out", s_folder.PathOf("csv"));
        Assert.That(File.ReadLines(s_folder.PathOf("csv/balances.csv")).Skip(1).Select(line => line.Split(',')[4]), Is.EqualTo(new[] { "person", "business", "non_profit" }));
        Assert.That(ReplayRuns.Exits(0, "show", Journal, "--wallet", "1003"), Does.Contain("kind non_profit").And.Contain("under_review:6"));
    }
}
