using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Wire;
using Settlement.Replay;

namespace Settlement.Tests.Gateway.Http;

/// <summary>An answer as it came.</summary>
internal sealed record HttpSaid(HttpStatusCode Status, string Body, string? ContentType, string? Location)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Text(string member) => Json.GetProperty(member).GetString()!;

    /// <summary>Everything of it that a client sees, but for time.</summary>
    public override string ToString() => $"{(int)Status} {ContentType} {Location} {Body}";
}

/// <summary>
/// A server in this process with two banks, the euro, wallets 1 (bank one), 2 (bank two), 3 (bank one, level 100) with 1,000.00 each; all of it set up over HTTP, as an operator would.
/// </summary>
internal sealed class HttpLedger : IDisposable
{
    public const int BankOne = 2;
    public const int BankTwo = 3;
    public const int LowOfBankOne = 4;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<int, ECDsa> _keys = [];
    private readonly Action<ServeOptions>? _configure;
    private HttpClient? _client;
    private ServerHost? _host;

    public HttpLedger(Action<ServeOptions>? configure = null)
    {
        _configure = configure;
        Start();
    }

    public ServerHost Host => _host ?? throw new InvalidOperationException("the server is stopped");

    public string Data => _folder.PathOf("data");

    public string History => _folder.PathOf("history");

    public Uri Address => new($"http://{Host.PortOf("http")}");

    public HttpClient Client => _client ?? throw new InvalidOperationException("the server is stopped");

    public string KeyPath(int session) => session == Limits.OperatorSession ? Path.Combine(Data, "keys", "operator.pem") : _folder.PathOf($"session-{session}.pem");

    public ECDsa Key(int session)
    {
        if (_keys.TryGetValue(session, out ECDsa? key))
            return key;
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (session == Limits.OperatorSession)
            key.ImportFromPem(File.ReadAllText(KeyPath(session)));
        return _keys[session] = key;
    }

    public string Token(int session) => BearerToken.Write(Key(session), Host.Services.LedgerId, DateTimeOffset.UtcNow, TimeSpan.FromMinutes(30));

    public void Start()
    {
        var options = new ServeOptions
        {
            Data = Data, BinaryPort = -1, BinaryTlsPort = -1, HttpPort = 0, HttpsPort = 0, Projection = History, WebhooksToPrivateNetworks = true,
            AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20, SnapshotEveryBytes = 0, StopMsMax = 2_000,
        };
        _configure?.Invoke(options);
        _host = ServerHost.StartAsync(options, TestContext.Out).GetAwaiter().GetResult();
        _client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    public void Stop()
    {
        Client.Dispose();
        Assert.That(Host.StopAsync(TestContext.Out).GetAwaiter().GetResult(), Is.Zero);
        Host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        (_host, _client) = (null, null);
    }

    public HttpLedger SetUp()
    {
        Accept(Post(1, "/v1/participants", """{"name":"bank one"}"""));
        Accept(Post(1, "/v1/participants", """{"name":"bank two"}"""));
        Accept(Post(1, "/v1/currencies", """{"currency":"EUR"}"""));
        OpenSession(BankOne, "bank one", 255);
        OpenSession(BankTwo, "bank two", 255);
        OpenSession(LowOfBankOne, "bank one", 1);
        OpenWallet(1, "bank one", 0);
        OpenWallet(2, "bank two", 0);
        OpenWallet(3, "bank one", 100);
        return this;
    }

    public void OpenSession(int session, string participant, int clearance)
    {
        HttpSaid said = Post(1, "/v1/sessions", JsonSerializer.Serialize(new Dictionary<string, object> { ["participant"] = participant, ["clearance"] = clearance }));
        Assert.That(said.Json.GetProperty("session").GetInt32(), Is.EqualTo(session), said.Body);
        RegisterKey(session);
    }

    public HttpSaid RegisterKey(int session)
    {
        var body = new Dictionary<string, object> { ["session"] = session, ["public_key"] = Key(session).ExportSubjectPublicKeyInfoPem() };
        return Accept(Post(1, "/v1/keys", JsonSerializer.Serialize(body)));
    }

    public void OpenWallet(ulong wallet, string participant, int level)
    {
        Accept(Post(1, "/v1/wallets", $$"""{"wallet":"{{wallet}}","participant":"{{participant}}","country":"DE","currency":"EUR","level":{{level}}}"""));
        HttpSaid issued = Post(1, "/v1/payments", $$"""{"id":"{{Guid.CreateVersion7()}}","instruction":"issue","payee":"{{wallet}}","amount":"1000.00","currency":"EUR"}""");
        Assert.That(issued.Status, Is.EqualTo(HttpStatusCode.Created), issued.Body);
    }

    /// <summary>A rule table by hand, which HTTP does not take.</summary>
    public void ActivateRules(string json)
    {
        Assert.That(RuleTableFile.TryParse(Encoding.UTF8.GetBytes(json), "table", new LedgerSymbols(new CurrencyScales()), out RuleTable? table, out RuleTableFault? fault), fault?.ToString());
        var command = new ControlCommand { Instruction = Instruction.ActivateRules, Session = Limits.OperatorSession };
        SlotOutcomes said = Host.Services.Ingress.SubmitAsync(IngressAdapter.SlotsOf(command, table!.Encode()), areCommands: true, CancellationToken.None).GetAwaiter().GetResult();
        Assert.That(said.Outcomes[0].Verdict, Is.EqualTo(Verdict.Accepted));
    }

    public static HttpSaid Accept(HttpSaid said)
    {
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.Created), said.Body);
        Assert.That(said.Text("verdict"), Is.EqualTo("accepted"), said.Body);
        return said;
    }

    public HttpSaid Get(int session, string path) => Send(HttpMethod.Get, session, path, null);

    public HttpSaid Delete(int session, string path) => Send(HttpMethod.Delete, session, path, null);

    public HttpSaid Post(int session, string path, string? json, string? idempotencyKey = null) => Send(HttpMethod.Post, session, path, json, idempotencyKey);

    public HttpSaid Pay(int session, string id, ulong payer, ulong payee, string amount, string? key = null) => Post(session, "/v1/payments", Payment(id, payer, payee, amount), key);

    public static string Payment(string? id, ulong payer, ulong payee, string amount) =>
        $$"""{{{(id is null ? "" : $"\"id\":\"{id}\",")}}"payer":"{{payer}}","payee":"{{payee}}","amount":"{{amount}}","currency":"EUR"}""";

    /// <param name="method">Of HTTP.</param>
    /// <param name="session">0: no token.</param>
    /// <param name="path">With its query.</param>
    /// <param name="json">The body; null: none.</param>
    /// <param name="idempotencyKey">Null: none.</param>
    public HttpSaid Send(HttpMethod method, int session, string path, string? json, string? idempotencyKey = null) =>
        SendWith(method, session == 0 ? null : "Bearer " + Token(session), path, json, idempotencyKey);

    public HttpSaid SendWith(HttpMethod method, string? authorization, string path, string? json = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (idempotencyKey is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using HttpResponseMessage response = Client.Send(request);
        using var reader = new StreamReader(response.Content.ReadAsStream());
        return new HttpSaid(response.StatusCode, reader.ReadToEnd(), response.Content.Headers.ContentType?.ToString(), response.Headers.Location?.ToString());
    }

    public string Available(int session, ulong wallet) =>
        Get(session, $"/v1/wallets/{wallet}/balances").Json.GetProperty("balances")[0].GetProperty("available").GetString()!;

    /// <summary>Brings the projection up to date, as `replay tail` does beside a server.</summary>
    public void Tail()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.That(ReplayCommand.Run(["tail", Path.Combine(Data, "journal"), "--to", "sqlite", History, "--once"], output, error), Is.Zero, error.ToString());
    }

    public void Dispose()
    {
        if (_host is not null)
            Stop();
        foreach (ECDsa key in _keys.Values)
            key.Dispose();
        _folder.Dispose();
    }
}
