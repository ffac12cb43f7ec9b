using System.Text.RegularExpressions;

namespace Settlement.Tests.Gateway.Http;

/// <summary>
/// Non-interference over HTTP: two ledgers that differ only in data above a level answer a session of that level alike, byte by byte, but for what is random or of the clock:
/// the ledger's id, times, Merkle roots, and keys.
/// </summary>
public sealed partial class SecrecyTests
{
    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[0-9:.]+Z|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b")]
    private static partial Regex Masked { get; }

    [Test]
    public void Ledgers_that_differ_above_a_level_look_alike_below_it()
    {
        string[] one = View("5.00", 300, "DE"), two = View("7.50", 301, "FR");
        Assert.That(two, Is.EqualTo(one));
        Assert.That(one, Has.Some.Contains("\"wallet\":\"1\""));
    }

    /// <param name="amount">Paid between two wallets of level 100, at level 50.</param>
    /// <param name="wallet">Number of a wallet of level 100.</param>
    /// <param name="country">Of that wallet.</param>
    private static string[] View(string amount, ulong wallet, string country)
    {
        using HttpLedger ledger = new HttpLedger().SetUp();
        HttpLedger.Accept(ledger.Post(1, "/v1/wallets", $$"""{"wallet":"{{wallet}}","participant":"bank one","country":"{{country}}","currency":"EUR","level":100}"""));
        HttpLedger.Accept(ledger.Post(HttpLedger.BankOne, "/v1/payments", $$"""{"id":"secret:1","payer":"3","payee":"{{wallet}}","amount":"{{amount}}","currency":"EUR","level":50}"""));
        HttpLedger.Accept(ledger.Pay(HttpLedger.BankOne, "open:1", 1, 2, "1.00"));
        HttpLedger.Accept(ledger.Post(1, "/v1/batches/close", null));
        ledger.Tail();
        Assert.That(() => ledger.Get(1, "/v1/batches/1").Status, Is.EqualTo(System.Net.HttpStatusCode.OK).After(5_000, 10));
        string[] paths =
        [
            "/v1/ledger", "/v1/wallets", "/v1/wallets?limit=1", "/v1/wallets?after=300", "/v1/wallets?after=301", "/v1/wallets/1", "/v1/wallets/3", "/v1/wallets/300", "/v1/wallets/301",
            "/v1/wallets/3/balances", "/v1/wallets/300/balances", "/v1/wallets/301/balances", "/v1/wallets/1/statement?currency=EUR", "/v1/wallets/3/statement?currency=EUR", "/v1/wallets/300/statement?currency=EUR",
            "/v1/payments/secret:1", "/v1/payments/open:1", "/v1/batches", "/v1/batches/1", "/v1/batches/1/payments/secret:1/receipt", "/v1/rules", "/v1/rules/may?from=DE&to=FR&amount=4%20EUR", "/v1/webhooks",
        ];
        var seen = paths.Select(path => path + " " + ledger.Get(HttpLedger.LowOfBankOne, path)).ToList();
        // As a payer; to pay up to a wallet of a higher level is allowed, and its verdict is one that may be seen.
        foreach (ulong asked in new ulong[] { 3, 300, 301, 99 })
            seen.Add("pays " + Verdict(ledger.Pay(HttpLedger.LowOfBankOne, $"probe:{asked}", asked, 1, "1")));
        return [.. seen.Select(text => Masked.Replace(text, "*"))];
    }

    private static string Verdict(HttpSaid said) => $"{(int)said.Status} {said.Text("verdict")} ";
}
