using System.Net;
using System.Text.Json;
using Settlement.Gateway.Http.Webhooks;
using Settlement.Gateway.Serve;

namespace Settlement.Tests.Gateway.Http;

/// <summary>Webhooks: signed, in order, at least once, over failures and restarts, and given up at last.</summary>
public sealed class WebhookTests
{
    private const int WaitMs = 20_000;
    private const int LookMs = 20;

    private HttpLedger _ledger;
    private int _batch;

    [SetUp]
    public void Open()
    {
        _ledger = new HttpLedger(Quick).SetUp();
        _batch = 0;
    }

    [TearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_closed_batch_is_told_signed_with_the_positions_of_whose_the_webhook_is()
    {
        using var receiver = new Receiver();
        JsonElement hook = Make(HttpLedger.BankTwo, receiver.Url);
        CloseBatch();
        Received one = receiver.Wait(1)[0];
        JsonElement told = JsonDocument.Parse(one.Body).RootElement;
        Assert.That((told.GetProperty("event").GetString(), told.GetProperty("type").GetString()), Is.EqualTo(("batch-1", "batch_closed")));
        Assert.That(told.GetProperty("batch").GetProperty("positions").EnumerateArray().Single().GetProperty("net").GetString(), Is.EqualTo("10.00"));
        long seconds = long.Parse(one.Signature.Split(',')[0][2..]);
        Assert.That(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds, Is.InRange(0, 60));
        Assert.That(one.Signature, Is.EqualTo(WebhookSignature.Of(hook.GetProperty("secret").GetString()!, seconds, one.Body)));
    }

    [Test]
    public void The_signature_is_the_hmac_that_anyone_can_compute()
    {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        Assert.That(WebhookSignature.Of("secret", 1_700_000_000, "{}"u8), Does.Match("^t=1700000000,v1=[0-9a-f]{64}$"));
        byte[] expected = System.Security.Cryptography.HMACSHA256.HashData("secret"u8, "1700000000.{}"u8);
        Assert.That(WebhookSignature.Of("secret", 1_700_000_000, "{}"u8), Does.EndWith(Convert.ToHexStringLower(expected)));
    }

    [Test]
    public void A_receiver_that_fails_and_recovers_gets_everything_in_order()
    {
        using var receiver = new Receiver { Fails = 3 };
        Make(HttpLedger.BankOne, receiver.Url);
        for (int i = 0; i < 3; i++)
            CloseBatch();
        Received[] got = receiver.Wait(6);
        Assert.That(got.Select(one => one.Event), Is.EqualTo(new[] { "batch-1", "batch-1", "batch-1", "batch-1", "batch-2", "batch-3" }));
    }

    [Test]
    public void What_was_not_delivered_before_a_restart_is_delivered_after_it()
    {
        using var receiver = new Receiver { Fails = int.MaxValue };
        JsonElement hook = Make(HttpLedger.BankOne, receiver.Url);
        CloseBatch();
        receiver.Wait(1);
        _ledger.Stop();
        string kept = File.ReadAllText(Path.Combine(_ledger.Data, "webhooks.json"));
        Assert.That(kept, Does.Contain("\"after_batch\":0"));
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(Path.Combine(_ledger.Data, "webhooks.json")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        receiver.Clear();
        receiver.Fails = 0;
        _ledger.Start();
        Assert.That(receiver.Wait(1)[0].Event, Is.EqualTo("batch-1"));
        Assert.That(() => Status(hook).GetProperty("after_batch").GetString(), Is.EqualTo("1").After(WaitMs, LookMs));
        CloseBatch();
        Assert.That(receiver.Wait(2)[1].Event, Is.EqualTo("batch-2"));
    }

    [Test]
    public void What_always_fails_is_given_up_and_can_be_sent_again()
    {
        using var receiver = new Receiver { Fails = int.MaxValue };
        JsonElement hook = Make(HttpLedger.BankOne, receiver.Url);
        string path = $"/v1/webhooks/{hook.GetProperty("webhook").GetString()}/dead_letters";
        CloseBatch();
        Assert.That(() => _ledger.Get(HttpLedger.BankOne, path).Json.GetProperty("dead_letters").GetArrayLength(), Is.EqualTo(1).After(WaitMs, LookMs));
        JsonElement letter = _ledger.Get(HttpLedger.BankOne, path).Json.GetProperty("dead_letters")[0];
        Assert.That((letter.GetProperty("event").GetString(), letter.GetProperty("last_failure").GetString()), Is.EqualTo(("batch-1", "status 500")));
        HttpSaid failed = _ledger.Post(HttpLedger.BankOne, path + "/batch-1/redeliver", null);
        Assert.That(failed.Status, Is.EqualTo(HttpStatusCode.BadGateway), failed.Body);
        receiver.Fails = 0;
        CloseBatch();
        Assert.That(() => receiver.All().Any(one => one.Event == "batch-2"), Is.True.After(WaitMs, LookMs), "the next one does not wait for what was given up");
        Assert.That(_ledger.Post(HttpLedger.BankOne, path + "/batch-1/redeliver", null).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(receiver.All()[^1].Event, Is.EqualTo("batch-1"));
        Assert.That(_ledger.Get(HttpLedger.BankOne, path).Json.GetProperty("dead_letters").GetArrayLength(), Is.Zero);
        Assert.That(_ledger.Post(HttpLedger.BankOne, path + "/batch-1/redeliver", null).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void A_secret_is_told_once_and_webhooks_are_their_participants()
    {
        using var receiver = new Receiver();
        JsonElement hook = Make(HttpLedger.BankOne, receiver.Url);
        string path = $"/v1/webhooks/{hook.GetProperty("webhook").GetString()}";
        string secret = hook.GetProperty("secret").GetString()!;
        Assert.That(_ledger.Get(HttpLedger.BankOne, path).Body, Does.Not.Contain(secret));
        Assert.That(_ledger.Get(HttpLedger.BankOne, "/v1/webhooks").Body, Does.Not.Contain(secret).And.Contain(receiver.Url));
        foreach (int other in new[] { 1, HttpLedger.BankTwo, HttpLedger.LowOfBankOne })
        {
            Assert.That(_ledger.Get(other, "/v1/webhooks").Json.GetProperty("webhooks").GetArrayLength(), Is.Zero);
            HttpSaid hidden = _ledger.Get(other, path), missing = _ledger.Get(other, "/v1/webhooks/0000000000000000");
            Assert.That(hidden.Body.Replace(path[13..], "ID", StringComparison.Ordinal), Is.EqualTo(missing.Body.Replace("0000000000000000", "ID", StringComparison.Ordinal)));
            Assert.That(_ledger.Delete(other, path).Status, Is.EqualTo(HttpStatusCode.NotFound));
        }

        Assert.That(_ledger.Delete(HttpLedger.BankOne, path).Status, Is.EqualTo(HttpStatusCode.NoContent));
        CloseBatch();
        Assert.That(_ledger.Get(HttpLedger.BankOne, path).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void A_payment_under_review_is_told_to_those_whose_clearance_reaches_it_also_after_a_restart()
    {
        _ledger.ActivateRules("""{ "version": 1, "rules": [ { "id": 5, "name": "large", "kind": "review", "within": "12 hours", "when": { "amount": { ">": "EUR 50.00" } } } ] }""");
        using var receiver = new Receiver();
        using var low = new Receiver();
        using var other = new Receiver();
        Make(HttpLedger.BankOne, receiver.Url);
        Make(HttpLedger.LowOfBankOne, low.Url);
        Make(HttpLedger.BankTwo, other.Url);
        HttpSaid said = _ledger.Post(HttpLedger.BankOne, "/v1/payments", """{"id":"review:1","payer":"1","payee":"2","amount":"60.00","currency":"EUR","level":0}""");
        Assert.That((said.Status, said.Text("verdict")), Is.EqualTo((HttpStatusCode.Accepted, "under_review")), said.Body);
        HttpSaid high = _ledger.Post(HttpLedger.BankOne, "/v1/payments", """{"id":"review:2","payer":"1","payee":"3","amount":"70.00","currency":"EUR","level":20}""");
        Assert.That(high.Text("verdict"), Is.EqualTo("under_review"), high.Body);
        CloseBatch();
        string[] expected = ["review-" + said.Text("sequence"), "review-" + high.Text("sequence")];
        Assert.That(() => receiver.All().Length, Is.EqualTo(3).After(WaitMs, LookMs));
        Assert.That(receiver.All().Select(one => one.Event).Where(one => one.StartsWith("review", StringComparison.Ordinal)), Is.EqualTo(expected));
        JsonElement review = JsonDocument.Parse(receiver.All().First(one => one.Event == expected[0]).Body).RootElement.GetProperty("review");
        Assert.That(review.GetProperty("amount").GetString(), Is.EqualTo("60.00"));
        Assert.That(() => low.All().Select(one => one.Event), Is.EquivalentTo(new[] { expected[0], "batch-1" }).After(WaitMs, LookMs), "a level above its clearance is not told");
        Assert.That(() => other.All().Select(one => one.Event), Is.EqualTo(new[] { "batch-1" }).After(WaitMs, LookMs), "another participant's payer");
        _ledger.Stop();
        _ledger.Start();
        using var late = new Receiver();
        _ledger.Post(HttpLedger.BankOne, "/v1/webhooks", JsonSerializer.Serialize(new { url = late.Url, events = new[] { "payment_under_review" }, after_sequence = "0" }));
        Assert.That(() => late.All().Select(one => one.Event), Is.EqualTo(expected).After(WaitMs, LookMs), "reviews that still wait");
    }

    [TestCase("ftp://example.org/", "http or https")]
    [TestCase("/relative", "http or https")]
    [TestCase("http://user:secret@example.org/", "user name")]
    [TestCase("http://127.0.0.1/", "public network")]
    [TestCase("http://10.1.2.3/", "public network")]
    [TestCase("http://169.254.169.254/latest", "public network")]
    [TestCase("http://[::127.0.0.1]/", "public network")]
    [TestCase("http://[::1]/", "public network")]
    [TestCase("http://[::ffff:127.0.0.1]/", "public network")]
    public void A_url_that_may_not_be_posted_to_is_refused(string url, string expected)
    {
        using var strict = new HttpLedger(options => options.WebhooksToPrivateNetworks = false);
        HttpSaid said = strict.Post(1, "/v1/webhooks", JsonSerializer.Serialize(new { url, events = new[] { "batch_closed" } }));
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.BadRequest), said.Body);
        Assert.That(said.Text("detail"), Does.Contain(expected));
        Assert.That(said.Body, Does.Not.Contain("secret@"));
    }

    [Test]
    public void A_name_that_resolves_to_this_machine_is_not_connected_to()
    {
        using var receiver = new Receiver();
        using var strict = new HttpLedger(options => options.WebhooksToPrivateNetworks = false);
        HttpSaid made = strict.Post(1, "/v1/webhooks", JsonSerializer.Serialize(new { url = receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), events = new[] { "batch_closed" }, after_batch = "0" }));
        Assert.That(made.Status, Is.EqualTo(HttpStatusCode.Created), made.Body);
        HttpLedger.Accept(strict.Post(1, "/v1/participants", """{"name":"a"}"""));
        HttpLedger.Accept(strict.Post(1, "/v1/currencies", """{"currency":"EUR"}"""));
        strict.OpenWallet(1, "a", 0);
        strict.OpenWallet(2, "a", 0);
        HttpLedger.Accept(strict.Pay(1, "a:1", 1, 2, "1"));
        HttpLedger.Accept(strict.Post(1, "/v1/batches/close", null));
        Assert.That(() => strict.Get(1, made.Location!).Json.GetProperty("attempts").GetInt32(), Is.GreaterThan(0).After(WaitMs, LookMs));
        Assert.That(receiver.All(), Is.Empty);
    }

    private static void Quick(ServeOptions options)
    {
        options.WebhookBackOffMs = 20;
        options.WebhookAttemptsMax = 6;
    }

    private JsonElement Make(int session, string url)
    {
        HttpSaid said = _ledger.Post(session, "/v1/webhooks", JsonSerializer.Serialize(new { url, events = new[] { "batch_closed", "payment_under_review" } }));
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.Created), said.Body);
        return said.Json;
    }

    private JsonElement Status(JsonElement hook) => _ledger.Get(HttpLedger.BankOne, $"/v1/webhooks/{hook.GetProperty("webhook").GetString()}").Json;

    private void CloseBatch()
    {
        HttpLedger.Accept(_ledger.Pay(HttpLedger.BankOne, $"hook:{++_batch}", 1, 2, "10.00"));
        HttpLedger.Accept(_ledger.Post(1, "/v1/batches/close", null));
    }

    private sealed record Received(string Event, string Signature, byte[] Body);

    /// <summary>Receives deliveries on this machine; fails as often as it is told to.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<Received> _received = [];
        private readonly Lock _lock = new();
        private int _fails;

        public Receiver()
        {
            // A port that nobody has: the listener takes none by itself.
            using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            int port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            Url = $"http://127.0.0.1:{port}/hook";
            _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            _listener.Prefixes.Add($"http://localhost:{port}/");
            _listener.Start();
            _ = Task.Run(RunAsync);
        }

        public string Url { get; }

        public int Fails
        {
            get => Volatile.Read(ref _fails);
            set => Volatile.Write(ref _fails, value);
        }

        public Received[] All()
        {
            lock (_lock)
                return [.. _received];
        }

        public void Clear()
        {
            lock (_lock)
                _received.Clear();
        }

        public Received[] Wait(int count)
        {
            Assert.That(() => All().Length, Is.GreaterThanOrEqualTo(count).After(WaitMs, LookMs));
            return All();
        }

        public void Dispose() => _listener.Close();

        private async Task RunAsync()
        {
            try
            {
                for (;;)
                {
                    HttpListenerContext context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    bool fails = Fails > 0;
                    if (fails && Fails != int.MaxValue)
                        Fails--;
                    lock (_lock)
                        _received.Add(new Received(context.Request.Headers["Settlement-Event"] ?? "", context.Request.Headers["Settlement-Signature"] ?? "", body.ToArray()));
                    context.Response.StatusCode = fails ? 500 : 200;
                    context.Response.Close();
                }
            }
            catch (Exception over) when (over is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                // Closed.
            }
        }
    }
}
