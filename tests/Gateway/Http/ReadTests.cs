using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Settlement.Tests.Gateway.Http;

/// <summary>What is read over HTTP, by whom, and that what is withheld looks as what is not there.</summary>
public sealed partial class ReadTests
{
    private HttpLedger _ledger;

    [GeneratedRegex(@"\b(3|99)\b")]
    private static partial Regex AskedWallet { get; }

    [OneTimeSetUp]
    public void Open()
    {
        _ledger = new HttpLedger().SetUp();
        _ledger.Pay(HttpLedger.BankOne, "read:1", 1, 2, "10.00");
        _ledger.Pay(HttpLedger.BankOne, "read:2", 3, 1, "1.00"); // refused: from level 100 to level 0
        Pay("""{"id":"read:3","payer":"3","payee":"3","amount":"1","currency":"EUR"}""");
        Pay("""{"id":"read:4","payer":"1","payee":"3","amount":"5.00","currency":"EUR","level":50}""");
        HttpLedger.Accept(_ledger.Pay(HttpLedger.BankOne, "read:5", 1, 3, "2.00"));
        HttpLedger.Accept(_ledger.Post(1, "/v1/batches/close", null));
        _ledger.Tail();
    }

    [OneTimeTearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void The_ledger_says_its_id_scales_and_sequence()
    {
        HttpSaid said = _ledger.Get(0, "/v1/ledger");
        Assert.That(said.Text("ledger"), Is.EqualTo($"{_ledger.Host.Services.LedgerId:x32}"));
        Assert.That(said.Json.GetProperty("currencies")[0].GetProperty("scale").GetInt32(), Is.EqualTo(2));
        Assert.That(ulong.Parse(said.Text("as_of_sequence")), Is.GreaterThan(0));
        Assert.That(said.Text("open_batch"), Is.EqualTo("2"));
    }

    [Test]
    public void A_wallet_and_its_balances_are_told_to_its_participant()
    {
        HttpSaid wallet = _ledger.Get(HttpLedger.BankOne, "/v1/wallets/1");
        Assert.That((wallet.Text("participant"), wallet.Text("country"), wallet.Text("status")), Is.EqualTo(("bank one", "DE", "active")));
        HttpSaid said = _ledger.Get(HttpLedger.BankTwo, "/v1/wallets/2/balances");
        Assert.That(said.Json.GetProperty("balances")[0].GetProperty("available").GetString(), Is.EqualTo("1010.00"), "what was pending is available once the batch is closed");
        Assert.That(said.Text("as_of_sequence"), Is.Not.Empty);
    }

    [Test]
    public void Wallets_are_listed_in_pages_of_those_that_are_seen()
    {
        string[] Listed(int session, string query = "") => [.. _ledger.Get(session, "/v1/wallets" + query).Json.GetProperty("wallets").EnumerateArray().Select(one => one.GetProperty("wallet").GetString()!)];
        Assert.That(Listed(1), Is.EqualTo(new[] { "1", "2", "3" }));
        Assert.That(Listed(HttpLedger.BankOne), Is.EqualTo(new[] { "1", "3" }));
        Assert.That(Listed(HttpLedger.LowOfBankOne), Is.EqualTo(new[] { "1" }));
        HttpSaid page = _ledger.Get(1, "/v1/wallets?limit=2");
        Assert.That(page.Text("next"), Is.EqualTo("2"));
        Assert.That(Listed(1, "?limit=2&after=2"), Is.EqualTo(new[] { "3" }));
        Assert.That(_ledger.Get(1, "/v1/wallets?limit=2&after=2").Json.TryGetProperty("next", out _), Is.False);
        Assert.That(_ledger.Get(HttpLedger.LowOfBankOne, "/v1/wallets?after=3").Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [TestCase(HttpLedger.LowOfBankOne, "above the clearance")]
    [TestCase(HttpLedger.BankTwo, "another participant's")]
    public void A_wallet_that_may_not_be_seen_is_answered_byte_by_byte_as_one_that_is_not_there(int session, string why)
    {
        foreach (string path in new[] { "/v1/wallets/{0}", "/v1/wallets/{0}/balances", "/v1/wallets/{0}/statement?currency=EUR", "/v1/wallets?after={0}" })
        {
            HttpSaid hidden = _ledger.Get(session, string.Format(path, 3)), missing = _ledger.Get(session, string.Format(path, 99));
            Assert.That(hidden.Status, Is.EqualTo(HttpStatusCode.NotFound), $"{path}: {why}");
            Assert.That(AskedWallet.Replace(hidden.ToString(), "W"), Is.EqualTo(AskedWallet.Replace(missing.ToString(), "W")), $"{path}: {why}");
        }
    }

    [Test]
    public void A_payment_to_a_wallet_that_may_not_be_seen_is_refused_as_one_to_none()
    {
        // The low session may not write down from what it may not read; that a wallet is there is not told by a verdict of another kind.
        HttpSaid hidden = _ledger.Pay(HttpLedger.LowOfBankOne, Guid.CreateVersion7().ToString(), 3, 1, "1"), missing = _ledger.Pay(HttpLedger.LowOfBankOne, Guid.CreateVersion7().ToString(), 99, 1, "1");
        Assert.That(hidden.Text("verdict"), Is.EqualTo(missing.Text("verdict")).And.EqualTo("refused"));
    }

    [Test]
    public void A_statement_is_read_from_the_projection()
    {
        HttpSaid said = _ledger.Get(HttpLedger.BankOne, "/v1/wallets/1/statement?currency=EUR");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.OK), said.Body);
        JsonElement[] entries = [.. said.Json.GetProperty("entries").EnumerateArray()];
        Assert.That(entries.Select(entry => entry.GetProperty("instruction").GetString()), Is.EqualTo(new[] { "micropayment", "micropayment", "micropayment", "issue" }), said.Body);
        Assert.That(entries[2].GetProperty("available_change").GetString(), Is.EqualTo("-10.00"));
        Assert.That(entries[2].GetProperty("counterparty").GetString(), Is.EqualTo("2"));
        Assert.That(entries[2].GetProperty("available").GetString(), Is.EqualTo("990.00"));
        Assert.That(ulong.Parse(said.Text("as_of_sequence")), Is.GreaterThanOrEqualTo(ulong.Parse(entries[0].GetProperty("sequence").GetString()!)));
        HttpSaid page = _ledger.Get(HttpLedger.BankOne, "/v1/wallets/1/statement?currency=EUR&limit=3");
        HttpSaid next = _ledger.Get(HttpLedger.BankOne, "/v1/wallets/1/statement?currency=EUR&from=" + page.Text("next"));
        Assert.That(next.Json.GetProperty("entries").EnumerateArray().Single().ToString(), Is.EqualTo(entries[3].ToString()));
        Assert.That(_ledger.Get(HttpLedger.BankOne, "/v1/wallets/1/statement?currency=EUR&from=999999").Status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public void A_statement_withholds_what_is_above_the_clearance()
    {
        HttpSaid said = _ledger.Get(HttpLedger.LowOfBankOne, "/v1/wallets/1/statement?currency=EUR");
        JsonElement[] entries = [.. said.Json.GetProperty("entries").EnumerateArray()];
        Assert.That(entries[0].TryGetProperty("id", out _), Is.True);
        Assert.That(entries[0].TryGetProperty("counterparty", out _), Is.False, "a payee of level 100");
        Assert.That(entries[1].TryGetProperty("id", out _), Is.False, "a payment of level 50");
        Assert.That(entries[1].TryGetProperty("counterparty", out _), Is.False);
        Assert.That(entries[2].GetProperty("counterparty").GetString(), Is.EqualTo("2"));
    }

    [Test]
    public void A_payment_is_found_by_its_id_by_those_it_concerns()
    {
        string sent = _ledger.Get(HttpLedger.BankOne, "/v1/payments/read:1").Text("id");
        HttpSaid byPayee = _ledger.Get(HttpLedger.BankTwo, "/v1/payments/" + sent);
        Assert.That((byPayee.Text("verdict"), byPayee.Text("payer"), byPayee.Text("amount")), Is.EqualTo(("accepted", "1", "10.00")));
        HttpSaid refused = _ledger.Get(HttpLedger.BankOne, "/v1/payments/read:3");
        Assert.That(refused.Text("verdict"), Is.EqualTo("self_payment"));
    }

    [TestCase(HttpLedger.BankTwo, "read:2")] // others'
    [TestCase(HttpLedger.LowOfBankOne, "read:4")] // of a higher level
    [TestCase(HttpLedger.LowOfBankOne, "read:5")] // to a wallet of a higher level
    [TestCase(HttpLedger.BankTwo, "read:3")] // others', and refused
    public void A_payment_that_is_none_of_ones_business_is_as_one_that_is_not_there(int session, string id)
    {
        HttpSaid hidden = _ledger.Get(session, "/v1/payments/" + id), missing = _ledger.Get(session, "/v1/payments/read:99");
        Assert.That(hidden.Status, Is.EqualTo(HttpStatusCode.NotFound));
        string number = id[(id.IndexOf(':') + 1)..];
        Assert.That(hidden.Body.Replace($":{number} ", ":N ", StringComparison.Ordinal), Is.EqualTo(missing.Body.Replace(":99 ", ":N ", StringComparison.Ordinal)));
    }

    [Test]
    public void Without_a_projection_it_is_said_what_to_run()
    {
        using var bare = new HttpLedger(options => options.Projection = null);
        HttpSaid said = bare.Get(1, "/v1/payments/read:1");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(said.Text("detail"), Does.Contain("replay tail").And.Contain("--projection"));
    }

    [TestCase("/v1/wallets/x", "wallet 'x'")]
    [TestCase("/v1/wallets?limit=0", "limit '0'")]
    [TestCase("/v1/payments/x", "id 'x'")]
    [TestCase("/v1/wallets/1/statement", "currency ''")]
    [TestCase("/v1/batches/x", "batch 'x'")]
    [TestCase("/v1/rules/may?from=US", "to is missing")]
    [TestCase("/v1/rules/may?from=US&to=IN&amount=4", "amount '4'")]
    [TestCase("/v1/rules/may?from=US&to=IN&amount=4%20EUR&clearance=255", "'clearance' is not asked here")]
    public void A_question_that_cannot_be_read_is_answered_with_what_and_where(string path, string expected)
    {
        HttpSaid said = _ledger.Get(HttpLedger.BankOne, path);
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.BadRequest), said.Body);
        Assert.That(said.Text("detail"), Does.Contain(expected));
    }

    [Test]
    public void What_is_not_there_is_a_problem_too()
    {
        HttpSaid said = _ledger.Get(HttpLedger.BankOne, "/v1/nothing");
        Assert.That((said.Status, said.ContentType), Is.EqualTo((HttpStatusCode.NotFound, "application/problem+json")));
        said = _ledger.Delete(HttpLedger.BankOne, "/v1/ledger");
        Assert.That((said.Status, said.ContentType), Is.EqualTo((HttpStatusCode.MethodNotAllowed, "application/problem+json")));
    }

    [Test]
    public void May_answers_by_clearance_as_replay_does()
    {
        HttpSaid stranger = _ledger.Get(0, "/v1/rules/may?from=DE&to=FR&amount=4%20EUR");
        Assert.That(stranger.Text("answer"), Is.EqualTo("yes"));
        Assert.That(stranger.Json.TryGetProperty("governed_by", out _), Is.False);
        HttpSaid officer = _ledger.Get(1, "/v1/rules/may?from=DE&to=FR&amount=4%20EUR");
        using var output = new StringWriter();
        Assert.That(Settlement.Replay.ReplayCommand.Run(["rules", "may", Path.Combine(_ledger.Data, "journal"), "--from", "DE", "--to", "FR", "--amount", "4 EUR", "--json"], output, TextWriter.Null), Is.Zero);
        JsonElement replayed = JsonDocument.Parse(output.ToString()).RootElement;
        foreach (JsonProperty member in replayed.EnumerateObject().Where(member => member.Name is not ("journal" or "at" or "sequence" or "time")))
            Assert.That(officer.Json.GetProperty(member.Name).ToString(), Is.EqualTo(member.Value.ToString()), member.Name);
        Assert.That(_ledger.Get(0, "/v1/rules/may?from=DE&to=FR&amount=4%20USD").Text("answer"), Is.EqualTo("no"), "the ledger has no dollars; a stranger is not told");
    }

    [Test]
    public void Rules_are_listed_to_anyone()
    {
        Assert.That(_ledger.Get(0, "/v1/rules").Text("governed_by"), Is.EqualTo("nothing"));
        Assert.That(_ledger.Get(0, "/v1/rules/us").Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(_ledger.Get(0, "/v1/rules/us/history").Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void The_description_names_every_operation_and_its_fields()
    {
        HttpSaid said = _ledger.Get(0, "/openapi/v1.json");
        JsonElement paths = said.Json.GetProperty("paths");
        foreach (string path in new[]
        {
            "/v1/ledger", "/v1/wallets", "/v1/wallets/{wallet}", "/v1/wallets/{wallet}/balances", "/v1/wallets/{wallet}/statement", "/v1/payments", "/v1/payments/{id}", "/v1/batches",
            "/v1/batches/{number}", "/v1/batches/{number}/payments/{id}/receipt", "/v1/events/batches", "/v1/rules", "/v1/rules/may", "/v1/rules/{module}", "/v1/rules/{module}/history",
            "/v1/webhooks", "/v1/participants", "/v1/sessions", "/v1/keys", "/v1/wallets/{wallet}/mandates", "/v1/wallets/{wallet}/consent", "/v1/batches/close", "/v1/batches/{number}/settled",
        })
            Assert.That(paths.TryGetProperty(path, out _), Is.True, path);
        foreach (JsonProperty path in paths.EnumerateObject())
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject())
            {
                Assert.That(operation.Value.GetProperty("summary").GetString(), Is.Not.Empty, path.Name);
                foreach (JsonElement parameter in operation.Value.TryGetProperty("parameters", out JsonElement parameters) ? parameters.EnumerateArray() : [])
                {
                    string place = $"{path.Name} {parameter.GetProperty("name")}";
                    Assert.That(parameter.TryGetProperty("description", out _) && parameter.TryGetProperty("example", out _), Is.True, place);
                    Assert.That(parameter.GetProperty("in").GetString() == "path", Is.EqualTo(path.Name.Contains($"{{{parameter.GetProperty("name")}}}", StringComparison.Ordinal)), place);
                }

                if (operation.Value.TryGetProperty("requestBody", out JsonElement body))
                    Assert.That(body.GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _), Is.True, path.Name);
            }
        }

        JsonElement may = paths.GetProperty("/v1/rules/may").GetProperty("get").GetProperty("parameters");
        Assert.That(may.EnumerateArray().Select(one => one.GetProperty("name").GetString()), Is.SupersetOf(new[] { "from", "to", "amount", "purpose", "spent" }));
        JsonElement pay = paths.GetProperty("/v1/payments").GetProperty("post");
        Assert.That(pay.GetProperty("parameters")[0].GetProperty("name").GetString(), Is.EqualTo("Idempotency-Key"));
        Assert.That(pay.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("oneOf").GetArrayLength(), Is.EqualTo(2), "one, or an array");

        JsonElement payment = said.Json.GetProperty("components").GetProperty("schemas").GetProperty("PaymentRequest").GetProperty("properties");
        Assert.That(payment.GetProperty("valid_until").GetProperty("description").GetString(), Does.StartWith("RFC 3339"));
        Assert.That(payment.GetProperty("level").GetProperty("type").GetString(), Is.EqualTo("integer"), "and nothing else is read");
    }

    private void Pay(string json) => _ledger.Post(HttpLedger.BankOne, "/v1/payments", json);
}
