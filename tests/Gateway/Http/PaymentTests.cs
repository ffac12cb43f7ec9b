using System.Net;
using System.Text;
using System.Text.Json;

namespace Settlement.Tests.Gateway.Http;

/// <summary>Payments over HTTP: decided once, whatever is sent again, and refused in words.</summary>
public sealed class PaymentTests
{
    private HttpLedger _ledger;

    [OneTimeSetUp]
    public void Open() => _ledger = new HttpLedger().SetUp();

    [OneTimeTearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_payment_is_created_once_and_told_again()
    {
        string id = Guid.CreateVersion7().ToString();
        decimal before = Units(1);
        HttpSaid first = _ledger.Pay(HttpLedger.BankOne, id, 1, 2, "1.25");
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.Created), first.Body);
        Assert.That(first.Location, Is.EqualTo($"/v1/payments/{id}"));
        HttpSaid again = _ledger.Pay(HttpLedger.BankOne, id, 1, 2, "1.25");
        Assert.That(again.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((again.Text("verdict"), again.Text("first")), Is.EqualTo(("duplicate", "accepted")));
        Assert.That(Units(1), Is.EqualTo(before - 1.25m));
    }

    [Test]
    public void A_refused_payment_that_was_sent_alone_is_a_problem_that_says_what_to_do()
    {
        HttpSaid said = _ledger.Pay(HttpLedger.BankOne, Guid.CreateVersion7().ToString(), 1, 2, "99999999.00");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(said.ContentType, Is.EqualTo("application/problem+json"));
        Assert.That(said.Text("type"), Is.EqualTo("urn:settlement:problem:insufficient_funds"));
        Assert.That(said.Text("verdict"), Is.EqualTo("insufficient_funds"));
        Assert.That(said.Text("detail"), Does.Contain("was refused").And.Contain("balance is below the amount"));
    }

    [Test]
    public void An_array_has_a_verdict_for_each()
    {
        string[] ids = [.. Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7().ToString())];
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments",
            $"[{HttpLedger.Payment(ids[0], 1, 2, "1")},{HttpLedger.Payment(ids[1], 1, 99, "1")},{HttpLedger.Payment(ids[2], 2, 1, "1")}]");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.OK), said.Body);
        JsonElement[] verdicts = [.. said.Json.GetProperty("verdicts").EnumerateArray()];
        Assert.That(verdicts.Select(verdict => verdict.GetProperty("id").GetString()), Is.EqualTo(ids));
        Assert.That(verdicts.Select(verdict => verdict.GetProperty("verdict").GetString()), Is.EqualTo(new[] { "accepted", "unknown_payee", "not_authorised" }));
        Assert.That(said.Json.GetProperty("accepted").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public void A_thousand_payments_are_taken_and_no_more()
    {
        string Array(int count) => "[" + string.Join(',', Enumerable.Range(1, count).Select(number => HttpLedger.Payment($"thousand:{number}", 1, 2, "0.01"))) + "]";
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", Array(1_000));
        Assert.That(said.Json.GetProperty("accepted").GetInt32(), Is.EqualTo(1_000), said.Body[..200]);
        said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", Array(1_001));
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(said.Text("detail"), Does.Contain("holds 1001 payments: 1 to 1000"));
        Assert.That(_ledger.Post(HttpLedger.BankOne, "/v1/payments", "[]").Status, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    [Test]
    public void An_idempotency_key_gives_the_id_and_pays_once()
    {
        decimal before = Units(1);
        string body = HttpLedger.Payment(null, 1, 2, "2.50");
        HttpSaid first = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body, "\"order-17\"");
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.Created), first.Body);
        HttpSaid again = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body, "order-17");
        Assert.That(again.Text("id"), Is.EqualTo(first.Text("id")), "with quotation marks or without");
        Assert.That(again.Status, Is.EqualTo(HttpStatusCode.OK));
        HttpSaid other = _ledger.Post(HttpLedger.BankOne, "/v1/payments", HttpLedger.Payment(null, 1, 2, "2.51"), "order-17");
        Assert.That(other.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(other.Text("type"), Is.EqualTo("urn:settlement:problem:idempotency_key_reused"));
        Assert.That(Units(1), Is.EqualTo(before - 2.50m));
        HttpSaid others = _ledger.Post(HttpLedger.BankTwo, "/v1/payments", HttpLedger.Payment(null, 2, 1, "1"), "order-17");
        Assert.That(others.Status, Is.EqualTo(HttpStatusCode.Created), "another participant's key is another key");
    }

    [Test]
    public void An_idempotency_key_stands_for_the_whole_array()
    {
        string[] one = [HttpLedger.Payment(null, 1, 2, "1"), HttpLedger.Payment(null, 1, 2, "2")];
        string array = $"[{string.Join(',', one)}]";
        decimal before = Units(1);
        Assert.That(_ledger.Post(HttpLedger.BankOne, "/v1/payments", array, "batch-5").Json.GetProperty("accepted").GetInt32(), Is.EqualTo(2));
        HttpSaid again = _ledger.Post(HttpLedger.BankOne, "/v1/payments", array, "batch-5");
        Assert.That(again.Json.GetProperty("accepted").GetInt32(), Is.EqualTo(2));
        Assert.That(again.Json.GetProperty("verdicts").EnumerateArray().Select(verdict => verdict.GetProperty("verdict").GetString()), Is.All.EqualTo("duplicate"));
        string[] others = [$"[{one[0]}]", $"[{one[1]},{one[0]}]", $"[{one[0]},{one[1]},{one[0]}]", one[0], "[" + HttpLedger.Payment(null, 1, 2, "3") + "]"];
        foreach (string other in others)
            Assert.That(_ledger.Post(HttpLedger.BankOne, "/v1/payments", other, "batch-5").Text("type"), Is.EqualTo("urn:settlement:problem:idempotency_key_reused"), other);
        Assert.That(Units(1), Is.EqualTo(before - 3m));
    }

    [Test]
    public void An_idempotency_key_holds_over_a_restart()
    {
        string body = HttpLedger.Payment(null, 1, 2, "4");
        HttpSaid first = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body, "restart");
        _ledger.Stop();
        _ledger.Start();
        HttpSaid again = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body, "restart");
        Assert.That((again.Text("id"), again.Text("verdict"), again.Text("first")), Is.EqualTo((first.Text("id"), "duplicate", "accepted")));
    }

    [Test]
    public void Requests_with_one_key_at_the_same_time_pay_once()
    {
        decimal before = Units(1);
        string body = HttpLedger.Payment(null, 1, 2, "0.10");
        var said = new HttpSaid[64];
        // Threads of their own: callers that wait on the pool's would keep the server, which is in this process, from its own.
        Task[] callers = [.. Enumerable.Range(0, 32).Select(caller => Task.Factory.StartNew(
            () =>
            {
                for (int i = caller; i < said.Length; i += 32)
                    said[i] = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body, "rush");
            },
            TestContext.CurrentContext.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task.WaitAll(callers);
        Assert.That(said.Count(one => one.Status == HttpStatusCode.Created), Is.EqualTo(1));
        foreach (HttpSaid one in said)
        {
            if (one.Status == HttpStatusCode.Conflict)
                Assert.That(one.Text("type"), Is.EqualTo("urn:settlement:problem:idempotency_key_in_use"));
            else
                Assert.That(one.Status, Is.EqualTo(HttpStatusCode.Created).Or.EqualTo(HttpStatusCode.OK), one.Body);
        }

        Assert.That(Units(1), Is.EqualTo(before - 0.10m));
    }

    [TestCase("""{"payer":"1","payee":"2","amount":"1","currency":"EUR"}""", "id is missing")]
    [TestCase("""{"id":"x","payer":"1","payee":"2","amount":"1","currency":"EUR"}""", "id 'x'")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1.001","currency":"EUR"}""", "EUR has 2 digits")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"-1","currency":"EUR"}""", "amount '-1'")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":1,"currency":"EUR"}""", "$.amount")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","currency":"EUR"}""", "amount is missing")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1","currency":"XXQ"}""", "currency 'XXQ'")]
    [TestCase("""{"id":"s:1","payer":"0","payee":"2","amount":"1","currency":"EUR"}""", "payer '0'")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1","currency":"EUR","ammount":"2"}""", "ammount")]
    [TestCase("""{"id":"s:1","payer":"1","payer":"1","payee":"2","amount":"1","currency":"EUR"}""", "payer")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1","currency":"EUR","level":256}""", "level 256")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1","currency":"EUR","purpose":"fun"}""", "purpose 'fun'")]
    [TestCase("""{"id":"s:1","payer":"1","payee":"2","amount":"1","currency":"EUR","valid_until":"tomorrow"}""", "valid_until 'tomorrow'")]
    [TestCase("""{"id":"s:1","instruction":"void","amount":"1","currency":"EUR"}""", "leave it away")]
    [TestCase("""{"id":"s:1","instruction":"capture","amount":"1","currency":"EUR"}""", "target is missing")]
    [TestCase("""{"id":"s:1","instruction":"close_batch","amount":"1","currency":"EUR"}""", "instruction 'close_batch'")]
    [TestCase("""[null]""", "Payment 0 of the array is null")]
    [TestCase("""{"id":""", "line 1")]
    [TestCase("""null""", "null")]
    [TestCase("", "line 1")]
    public void A_body_that_cannot_be_read_is_answered_with_what_and_where(string body, string expected)
    {
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body);
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.BadRequest), said.Body);
        Assert.That(said.ContentType, Is.EqualTo("application/problem+json"));
        Assert.That(said.Text("detail"), Does.Contain(expected));
    }

    [TestCase("""{"id":"s:1","payer":1}""", "at $.payer, line 1: the value is of another type")]
    [TestCase("""{"id":"s:1","payer":"1","payer":"1"}""", "at $.payer, line 1: this member stands there twice")]
    [TestCase("""{"id":"s:1","pair":"1"}""", "at $.pair, line 1: there is no such member")]
    [TestCase("""{"id":"s:1"}""", "line 1: missing is 'currency'.")]
    public void What_is_wrong_is_said_of_the_body_and_not_of_the_program(string body, string expected)
    {
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", body);
        Assert.That(said.Text("detail"), Does.Contain(expected).And.Not.Contain("Settlement.").And.Not.Contain(".NET").And.Not.Contain("System."));
    }

    [Test]
    public void A_body_that_is_too_large_or_no_json_is_not_read()
    {
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", "[" + new string(' ', 2 << 20) + "]");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge), said.Body);
        Assert.That(said.Text("type"), Is.EqualTo("urn:settlement:problem:too_large"));
        using var form = new HttpRequestMessage(HttpMethod.Post, "/v1/payments") { Content = new StringContent("a=b", Encoding.UTF8, "application/x-www-form-urlencoded") };
        form.Headers.TryAddWithoutValidation("Authorization", "Bearer " + _ledger.Token(HttpLedger.BankOne));
        using HttpResponseMessage answer = _ledger.Client.Send(form);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }

    [Test]
    public void Holds_are_captured_and_voided_by_their_id()
    {
        string hold = Guid.CreateVersion7().ToString();
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", $$"""{"id":"{{hold}}","instruction":"hold","payer":"1","payee":"2","amount":"5","currency":"EUR"}""");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.Created), said.Body);
        said = _ledger.Post(HttpLedger.BankTwo, "/v1/payments", $$"""{"id":"{{Guid.CreateVersion7()}}","instruction":"capture","target":"{{hold}}","amount":"3","currency":"EUR"}""");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.Created), said.Body);
        said = _ledger.Post(HttpLedger.BankTwo, "/v1/payments", $$"""{"id":"{{Guid.CreateVersion7()}}","instruction":"void","target":"{{hold}}","currency":"EUR"}""");
        Assert.That(said.Text("verdict"), Is.EqualTo("unknown_target"));
    }

    [Test]
    public void Another_participants_wallet_is_not_debited()
    {
        Assert.That(_ledger.Pay(HttpLedger.BankTwo, Guid.CreateVersion7().ToString(), 1, 2, "1").Text("verdict"), Is.EqualTo("not_authorised"));
    }

    private decimal Units(ulong wallet) => decimal.Parse(_ledger.Available(1, wallet), System.Globalization.CultureInfo.InvariantCulture);
}
