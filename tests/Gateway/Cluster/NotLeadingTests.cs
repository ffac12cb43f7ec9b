using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Settlement.Client;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Http;
using Settlement.Gateway.Http.Auth;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>What a node does that does not lead: says so, on every port, and reads.</summary>
public sealed class NotLeadingTests
{
    private LoneMember _member = null!;

    [OneTimeSetUp]
    public void Start()
    {
        _member = new LoneMember();
        _member.StartLeading();
        Assert.That(_member.Stop(), Is.Zero);
        _member.AddAbsentVoter();
        _member.Start();
    }

    [OneTimeTearDown]
    public void Stop() => _member.Dispose();

    [Test]
    public void A_hello_of_version_2_is_told_that_no_leader_is_known()
    {
        using RawClient client = RawClient.Connect(_member.Binary);
        client.Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 2 });
        RawFrame refusal = client.ExpectEnd(RefusalCode.NotLeader);
        Assert.That(refusal.Refusal.Fate, Is.EqualTo(FrameFate.NotTaken));
        Assert.That(refusal.Refusal.AddressBytes, Is.Zero);
        Assert.That(refusal.Sentence, Does.Contain("no leader is known"));
    }

    [Test]
    public void A_hello_of_version_1_is_told_that_the_server_ends()
    {
        using RawClient client = RawClient.Connect(_member.Binary);
        client.Send(FrameKind.Hello, new HelloBody { Magic = WireLimits.Magic, VersionFirst = 1, VersionLast = 1 });
        Assert.That(client.ExpectEnd(RefusalCode.ServerEnding).Refusal.Fate, Is.EqualTo(FrameFate.NotTaken));
    }

    [Test]
    public async Task A_client_that_knows_several_nodes_finds_the_one_that_leads()
    {
        using var leader = new ServedLedger();
        await using SettlementClient client = await SettlementClient.ConnectAsync(new ClientOptions
        {
            Host = "127.0.0.1", Port = _member.Binary.Port, OtherNodes = [leader.Binary.ToString()], Plain = true, KeyFile = Path.Combine(leader.Data, "keys", "operator.pem"),
        });
        Assert.That(client.Session.LedgerId, Is.EqualTo(leader.Host.Services.LedgerId));
    }

    [Test]
    public async Task A_client_that_finds_no_leader_gives_up_at_its_deadline()
    {
        var options = new ClientOptions
        {
            Host = "127.0.0.1", Port = _member.Binary.Port, OtherNodes = ["127.0.0.1:1"], Plain = true, KeyFile = Path.Combine(_member.Data, "keys", "operator.pem"), Deadline = TimeSpan.FromSeconds(1),
        };
        RefusedException? refused = await Assert.ThrowsAsync<RefusedException>(() => SettlementClient.ConnectAsync(options));
        Assert.That(refused?.Code, Is.EqualTo(RefusalCode.NotLeader));
    }

    [Test]
    public void A_write_over_http_is_unavailable_while_nobody_leads_and_a_read_says_how_far_it_is()
    {
        using HttpResponseMessage write = Send(HttpMethod.Post, "v1/participants", "{\"name\":\"bank one\"}");
        Assert.That(write.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(write.Headers.RetryAfter, Is.Not.Null);
        Assert.That(Text(write), Does.Contain("urn:settlement:problem:not_leader").And.Contain("Nothing was carried out"));
        using HttpResponseMessage read = Send(HttpMethod.Get, "v1/ledger");
        Assert.That(read.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(read.Headers.GetValues(ReadFreshness.SequenceHeader).Single(), Is.EqualTo($"{_member.Host.Services.Engine.Sequence}"));
    }

    [TestCase("0", HttpStatusCode.OK)]
    [TestCase("1000000", HttpStatusCode.ServiceUnavailable)]
    [TestCase("-1", HttpStatusCode.BadRequest)]
    [TestCase("soon", HttpStatusCode.BadRequest)]
    public void A_read_may_ask_for_a_sequence_at_least(string sequence, HttpStatusCode code)
    {
        using HttpResponseMessage read = Send(HttpMethod.Get, "v1/ledger", atLeast: sequence);
        Assert.That(read.StatusCode, Is.EqualTo(code), Text(read));
    }

    [Test]
    public void It_is_alive_and_not_ready()
    {
        using HttpResponseMessage live = Send(HttpMethod.Get, "health/live");
        using HttpResponseMessage ready = Send(HttpMethod.Get, "health/ready");
        Assert.That((live.StatusCode, ready.StatusCode), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable)));
    }

    private static string Text(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync().GetAwaiter().GetResult();

    private HttpResponseMessage Send(HttpMethod method, string path, string? json = null, string? atLeast = null)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(_member.Data, "keys", "operator.pem")));
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(method, new Uri(_member.Http, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", BearerToken.Write(key, _member.Host.Services.LedgerId, DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5)));
        if (atLeast is not null)
            request.Headers.Add(ReadFreshness.AtLeastHeader, atLeast);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return http.Send(request);
    }
}
