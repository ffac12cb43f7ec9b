using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Gateway.Http.Auth;

namespace Settlement.Tests.Gateway.Http;

/// <summary>Who is let in over HTTP, and that who is not learns nothing of why.</summary>
public sealed class TokenTests
{
    private HttpLedger _ledger;

    [OneTimeSetUp]
    public void Open() => _ledger = new HttpLedger().SetUp();

    [OneTimeTearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_token_opens_the_session_of_its_key()
    {
        HttpSaid said = _ledger.Get(HttpLedger.BankOne, "/v1/ledger");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(said.Json.GetProperty("session").GetProperty("participant").GetString(), Is.EqualTo("bank one"));
        Assert.That(said.Json.GetProperty("session").GetProperty("operator").GetBoolean(), Is.False);
    }

    [Test]
    public void A_stranger_sees_the_ledger_and_no_wallet()
    {
        Assert.That(_ledger.Get(0, "/v1/ledger").Json.TryGetProperty("session", out _), Is.False);
        Assert.That(_ledger.Get(0, "/v1/wallets/1").Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public void Every_credential_that_does_not_hold_is_answered_alike()
    {
        UInt128 id = _ledger.Host.Services.LedgerId;
        ECDsa key = _ledger.Key(HttpLedger.BankOne);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string good = BearerToken.Write(key, id, now, TimeSpan.FromMinutes(5));
        string kid = NodeKey.Of(key).Id.ToString();
        string header = $$"""{"alg":"ES256","kid":"{{kid}}"}""";
        string claims = FormattableString.Invariant($$"""{"aud":"{{id:x32}}","iat":{{now.ToUnixTimeSeconds()}},"exp":{{now.ToUnixTimeSeconds() + 300}}}""");
        string[] bad =
        [
            BearerToken.Write(other, id, now, TimeSpan.FromMinutes(5)), // unknown key
            BearerToken.Write(key, id + 1, now, TimeSpan.FromMinutes(5)), // other ledger
            BearerToken.Write(key, id, now.AddMinutes(-10), TimeSpan.FromMinutes(5)), // expired
            BearerToken.Write(key, id, now.AddMinutes(10), TimeSpan.FromMinutes(5)), // not yet issued
            BearerToken.Write(key, id, now, TimeSpan.FromHours(3)), // lives too long
            good[..^4] + (good[^4] == 'A' ? "B" : "A") + good[^3..], // another signature
            Signed(other, $$"""{"alg":"ES256","kid":"{{kid}}"}""", claims), // another's signature under this key's name
            Signed(key, $$"""{"alg":"ES256","kid":"{{kid}}","crit":["b64"],"b64":false}""", claims),
            Signed(key, $$"""{"alg":"HS256","kid":"{{kid}}"}""", claims),
            Encode($$"""{"alg":"none","kid":"{{kid}}"}""") + "." + Encode(claims) + ".",
            Encode($$"""{"alg":"none","kid":"{{kid}}"}""") + "." + Encode(claims) + "." + good.Split('.')[2],
            Signed(key, """{"alg":"ES256"}""", claims),
            Signed(key, $$"""{"kid":"{{kid}}"}""", claims), // no algorithm: any key signs it, and it must not be the server's fault
            Signed(key, $$"""{"alg":"none","alg":"ES256","kid":"{{kid}}"}""", claims), // readers differ in which of two they take
            Signed(key, header, Claims(id, now, now.AddMinutes(5), ""","aud":"another" """)),
            Signed(key, header, Claims(id, now, now.AddMinutes(20), FormattableString.Invariant($""","nbf":{now.AddMinutes(10).ToUnixTimeSeconds()}"""))), // not yet
            Signed(key, header, Claims(id, now.AddYears(-1), now.AddMinutes(5), "")), // made for a year, in its last minutes
            Signed(key, header, FormattableString.Invariant($$"""{"aud":"{{id:x32}}","iat":{{long.MinValue}},"exp":{{long.MaxValue}}}""")),
            Signed(key, header, FormattableString.Invariant($$"""{"aud":["{{id:x32}}"],"iat":{{now.ToUnixTimeSeconds()}},"exp":{{now.ToUnixTimeSeconds() + 300}}}""")),
            Signed(key, $$"""{"alg":"ES256","kid":"{{kid}}"}""", """{"aud":1,"iat":"x","exp":[]}"""),
            Signed(key, "[]", claims),
            "", "a", "a.b", "a.b.c", "....", new string('x', 100_000 / 4),
        ];
        HttpSaid unknown = _ledger.SendWith(HttpMethod.Get, "Bearer " + bad[0], "/v1/wallets");
        Assert.That(unknown.Status, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(unknown.ContentType, Is.EqualTo("application/problem+json"));
        Assert.That(_ledger.SendWith(HttpMethod.Get, "Bearer " + good, "/v1/wallets").Status, Is.EqualTo(HttpStatusCode.OK));
        foreach (string token in bad)
        {
            Assert.That(_ledger.SendWith(HttpMethod.Get, "Bearer " + token, "/v1/wallets").ToString(), Is.EqualTo(unknown.ToString()), token);
            Assert.That(_ledger.SendWith(HttpMethod.Get, "Bearer " + token, "/v1/rules").ToString(), Is.EqualTo(unknown.ToString()), "where strangers may come in, too");
        }

        Assert.That(_ledger.SendWith(HttpMethod.Get, "Basic b3BlcmF0b3I6", "/v1/wallets").ToString(), Is.EqualTo(unknown.ToString()));
        Assert.That(_ledger.SendWith(HttpMethod.Get, null, "/v1/wallets").ToString(), Is.EqualTo(unknown.ToString()));
    }

    [Test]
    public void A_revoked_key_and_a_closed_session_are_as_unknown_ones()
    {
        HttpSaid unknown = _ledger.SendWith(HttpMethod.Get, "Bearer x", "/v1/wallets");
        int session = HttpLedger.LowOfBankOne + 1;
        _ledger.OpenSession(session, "bank two", 255);
        Assert.That(_ledger.Get(session, "/v1/wallets").Status, Is.EqualTo(HttpStatusCode.OK));
        HttpLedger.Accept(_ledger.Delete(1, $"/v1/keys/{NodeKey.Of(_ledger.Key(session)).Id}"));
        Assert.That(_ledger.Get(session, "/v1/wallets").ToString(), Is.EqualTo(unknown.ToString()));

        _ledger.OpenSession(++session, "bank two", 255);
        HttpLedger.Accept(_ledger.Delete(1, $"/v1/sessions/{session}"));
        Assert.That(_ledger.Get(session, "/v1/wallets").ToString(), Is.EqualTo(unknown.ToString()));
    }

    [Test]
    public void What_is_the_operators_is_refused_to_a_participant()
    {
        foreach ((string path, string? body) in new[]
        {
            ("/v1/participants", """{"name":"x"}"""), ("/v1/currencies", """{"currency":"USD"}"""), ("/v1/sessions", """{"participant":"bank one","clearance":1}"""),
            ("/v1/batches/close", null), ("/v1/batches/1/settled", null), ("/v1/wallets", "{}"), ("/v1/wallets/1/status", "{}"),
        })
            Assert.That(_ledger.Post(HttpLedger.BankOne, path, body).Status, Is.EqualTo(HttpStatusCode.Forbidden), path);
        Assert.That(_ledger.Delete(HttpLedger.BankOne, "/v1/sessions/3").Status, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task A_client_certificate_of_a_session_key_opens_it_too()
    {
        Assert.That(await WalletsByAsync(_ledger.Key(HttpLedger.BankOne)), Is.EqualTo(HttpStatusCode.OK));
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.That(await WalletsByAsync(stranger), Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [TestCase("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [TestCase("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    [TestCase("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK)]
    [TestCase("Origin", "https://another.example", HttpStatusCode.Forbidden)]
    [TestCase("Origin", "null", HttpStatusCode.Forbidden)]
    [TestCase("Origin", "itself", HttpStatusCode.OK)]
    public async Task A_page_of_another_site_does_nothing_with_the_certificate_that_a_browser_shows_for_it(string header, string value, HttpStatusCode expected)
    {
        // What a form of another site can send: a POST without a body that the operator's browser adds the certificate to.
        string said = await ByCertificateAsync(_ledger.Key(1), async client =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{_ledger.Host.PortOf("https")}/v1/batches/close");
            request.Headers.Add(header, value == "itself" ? $"https://{_ledger.Host.PortOf("https")}" : value);
            using HttpResponseMessage response = await client.SendAsync(request);
            return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
        });
        Assert.That(said, Does.StartWith($"{(int)expected} "));
        Assert.That(said, expected == HttpStatusCode.OK ? Does.Contain("\"verdict\"") : Does.Contain("urn:settlement:problem:other_site"));
    }

    [Test]
    public void No_answer_is_kept_or_taken_for_another_type()
    {
        foreach (string path in new[] { "/", "/v1/ledger", "/v1/wallets", "/v1/nothing", "/openapi/v1.json", "/health/live", "/metrics" })
        {
            using HttpResponseMessage response = _ledger.Client.Send(new HttpRequestMessage(HttpMethod.Get, path));
            Assert.That(response.Headers.CacheControl?.NoStore, Is.True, path);
            Assert.That(response.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }), path);
            Assert.That(response.Headers.Contains("Access-Control-Allow-Origin"), Is.False, path);
        }

        Assert.That(_ledger.SendWith(HttpMethod.Head, null, "/health/ready").Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public void The_verb_prints_a_token_that_opens_the_session()
    {
        (int code, string output, string error) = BuiltProgram.Run(BuiltProgram.Gateway, ["token", "--key", _ledger.KeyPath(1), "--data", _ledger.Data, "--minutes", "5"]);
        Assert.That(code, Is.Zero, error);
        Assert.That(_ledger.SendWith(HttpMethod.Get, "Bearer " + output.Trim(), "/v1/wallets").Status, Is.EqualTo(HttpStatusCode.OK));
        (code, output, error) = BuiltProgram.Run(BuiltProgram.Gateway, ["token", "--key", _ledger.KeyPath(1), "--data", _ledger.Data, "--minutes", "61"]);
        Assert.That((code, output), Is.EqualTo((2, "")));
        Assert.That(error, Does.Contain("--minutes 61: 1 to 60"));
    }

    private Task<HttpStatusCode> WalletsByAsync(ECDsa key) => ByCertificateAsync(key, async client =>
    {
        using HttpResponseMessage response = await client.GetAsync(new Uri($"https://{_ledger.Host.PortOf("https")}/v1/wallets"));
        return response.StatusCode;
    });

    private static async Task<T> ByCertificateAsync<T>(ECDsa key, Func<HttpClient, Task<T>> ask)
    {
        var request = new CertificateRequest("CN=any", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true, ClientCertificateOptions = ClientCertificateOption.Manual };
        handler.ClientCertificates.Add(made);
        using var client = new HttpClient(handler);
        return await ask(client);
    }

    private static string Claims(UInt128 ledger, DateTimeOffset issued, DateTimeOffset expires, string further) =>
        FormattableString.Invariant($$"""{"aud":"{{ledger:x32}}","iat":{{issued.ToUnixTimeSeconds()}},"exp":{{expires.ToUnixTimeSeconds()}}{{further}}}""");

    private static string Signed(ECDsa key, string header, string claims)
    {
        string signed = Encode(header) + "." + Encode(claims);
        return signed + "." + Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
