using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Serve.Metrics;
using Settlement.Tests.Gateway.Wire;

namespace Settlement.Tests.Gateway.Serve;

/// <summary>The scrape page of a server that serves: its numbers are those of what was sent, and only who may reads it.</summary>
public sealed partial class ServedMetricsTests
{
    private const int DeadlineMs = 20_000;

    [GeneratedRegex(@"^(?<name>[a-z_]+)(?<labels>\{[a-z]+=""[^""\\\n]*""\})? (?<value>[-+.0-9eE]+|NaN)$")]
    private static partial Regex SampleLine { get; }

    [GeneratedRegex(@"\b(?:settlement|process|dotnet)_[a-z_]+")]
    private static partial Regex MetricName { get; }

    [Test]
    public void The_page_counts_what_was_sent()
    {
        using var served = new ServedLedger();
        served.SetUp(wallets: 4);
        Dictionary<string, double> before = Settled(served, atLeast: 4);
        using (RawClient client = served.Operator())
        {
            for (int frame = 0; frame < 3; frame++)
            {
                client.SendPayments(ServedLedger.Pays(100, first: 1 + (100 * (ulong)frame)), FrameFlags.ListAll);
                Assert.That(client.ReceiveVerdicts(), Is.All.EqualTo(Verdict.Accepted));
            }

            client.SendPayments([ServedLedger.Pay(1, 2, ulong.MaxValue / 4, 7, 301), ServedLedger.Pay(1, 99, 1, 7, 302), ServedLedger.Pay(1, 2, 1, 7, 1)], FrameFlags.ListAll);
            Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.InsufficientFunds, Verdict.UnknownPayee, Verdict.Duplicate }));
            Dictionary<string, double> after = Settled(served, atLeast: 307);
            double Risen(string sample) => after[sample] - before[sample];
            Assert.Multiple(() =>
            {
                Assert.That(Risen("settlement_payments_total{verdict=\"accepted\"}"), Is.EqualTo(300));
                Assert.That(Risen("settlement_payments_total{verdict=\"insufficient_funds\"}"), Is.EqualTo(1));
                Assert.That(Risen("settlement_payments_total{verdict=\"unknown_payee\"}"), Is.EqualTo(1));
                Assert.That(Risen("settlement_payments_total{verdict=\"duplicate\"}"), Is.EqualTo(1));
                Assert.That(Risen("settlement_frames_total"), Is.EqualTo(4));
                Assert.That(Risen("settlement_frame_latency_seconds_count"), Is.EqualTo(4));
                Assert.That(Risen("settlement_command_frames_total"), Is.Zero);
                Assert.That(Risen("settlement_slots_settled_total"), Is.EqualTo(303));
                Assert.That(Risen("settlement_sequence"), Is.EqualTo(303));
                Assert.That(Risen("settlement_journal_bytes_total"), Is.GreaterThanOrEqualTo(303 * Payment.Size));
                Assert.That(Risen("settlement_journal_write_seconds_count"), Is.InRange(1, 16));
                Assert.That(Risen("settlement_batch_open_payments"), Is.EqualTo(300));
                Assert.That(after["settlement_block_number{stage=\"settled\"}"], Is.EqualTo(after["settlement_block_number{stage=\"appended\"}"]));
                Assert.That(after["settlement_credit_outstanding_slots"], Is.Zero);
                Assert.That(after["settlement_ring_used_slots"], Is.Zero);
                Assert.That(after["settlement_accounts"], Is.EqualTo(4));
                Assert.That(after["settlement_engine_running"], Is.EqualTo(1));
                Assert.That(after["settlement_sessions"], Is.EqualTo(1));
                Assert.That(after["settlement_connections"], Is.EqualTo(1));
            });
        }
    }

    [Test]
    public void A_refused_frame_is_counted_by_its_reason()
    {
        using var served = new ServedLedger();
        using (RawClient client = RawClient.Connect(served.Binary))
        {
            client.Send(FrameKind.Ping);
            client.ExpectEnd(RefusalCode.OutOfOrder);
        }

        Assert.That(() => Samples(Scrape(served))["settlement_refusals_total{code=\"out_of_order\"}"], Is.EqualTo(1).After(DeadlineMs, 20));
    }

    [Test]
    public void Every_line_of_the_page_is_one_that_prometheus_reads_and_no_wallet_or_participant_is_on_it()
    {
        using var served = new ServedLedger();
        served.SetUp(wallets: 2);
        string page = Scrape(served);
        string[] lines = page.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string line in lines.Where(line => !line.StartsWith('#')))
            Assert.That(line, Does.Match(SampleLine.ToString()));
        string[] typed = [.. lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        Assert.That(typed, Is.Unique);
        Assert.That(lines.Where(line => line.StartsWith("# HELP ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]), Is.EqualTo(typed));
        Assert.That(lines.Where(line => line.EndsWith(" counter", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]), Has.All.EndsWith("_total"));
        Assert.That(Samples(page).Keys.Select(sample => Regex.Match(sample, @"\{(\w+)=").Groups[1].Value).Distinct(),
            Is.SubsetOf(new[] { "", "verdict", "le", "stage", "code", "generation" }), "a label says how, never whose");
        Assert.That(page, Does.Not.Contain("bank 1"));
    }

    [Test]
    public void The_dashboard_is_sound_and_every_metric_that_it_names_is_on_the_page()
    {
        using var served = new ServedLedger();
        string page = Scrape(served);
        // A metric of a cluster's members has no sample on a single node.
        HashSet<string> there =
        [
            .. Samples(page).Keys.Select(sample => sample.Split('{')[0]),
            .. page.Split('\n').Where(line => line.StartsWith("# TYPE settlement_cluster_member_", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]),
        ];
        using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("gateway/grafana/settlement.json")));
        JsonElement[] panels = [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()];
        Assert.That(panels.Select(panel => panel.GetProperty("id").GetInt32()), Is.Unique);
        string[] queries =
        [
            .. panels.Where(panel => panel.TryGetProperty("targets", out _))
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!),
        ];
        Assert.That(queries, Is.Not.Empty);
        foreach (string query in queries)
            Assert.That(MetricName.Matches(query).Select(match => match.Value), Is.Not.Empty.And.All.Matches<string>(name => there.Contains(name!)), query);
        string[] named = [.. queries.SelectMany(query => MetricName.Matches(query).Select(match => match.Value)).Distinct()];
        Assert.That(named, Does.Contain("settlement_payments_total").And.Contain("settlement_frame_latency_seconds_bucket").And.Contain("settlement_journal_write_seconds_bucket"));
    }

    [TestCase("X-Forwarded-For", "192.0.2.1")]
    [TestCase("Forwarded", "for=192.0.2.1")]
    [TestCase("Via", "1.1 proxy")]
    [TestCase("X-Real-IP", "192.0.2.1")]
    [TestCase("Host", "ledger.example")] // as a proxy passes it on, or a page whose name was made to mean this machine
    public void What_a_proxy_forwards_is_not_of_this_machine(string header, string value)
    {
        using var served = new ServedLedger();
        (HttpStatusCode code, string text) = Get(served.Host, request => request.Headers.Add(header, value));
        Assert.That(code, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(text, Does.Contain("Settlement:Metrics:Readers").And.Not.Contain("settlement_payments_total"));
    }

    [Test]
    public async Task Where_operators_read_a_stranger_is_refused_and_an_operator_s_token_is_not()
    {
        using var folder = new TemporaryFolder();
        await using ServerHost host = await StartAsync(folder.Path, MetricsReaders.Operator);
        Assert.That(Get(host).Code, Is.EqualTo(HttpStatusCode.Unauthorized));
        using ECDsa key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(folder.Path, "keys", "operator.pem")));
        string token = BearerToken.Write(key, host.Services.LedgerId, DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5));
        (HttpStatusCode code, string page) = Get(host, request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token));
        Assert.That(code, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(page, Does.Contain("settlement_payments_total"));
        await host.StopAsync(TestContext.Out);
    }

    [Test]
    public async Task Where_nobody_reads_there_is_no_page()
    {
        using var folder = new TemporaryFolder();
        await using ServerHost host = await StartAsync(folder.Path, MetricsReaders.Nobody);
        Assert.That(Get(host).Code, Is.EqualTo(HttpStatusCode.NotFound));
        await host.StopAsync(TestContext.Out);
    }

    private static Task<ServerHost> StartAsync(string data, MetricsReaders readers) => ServerHost.StartAsync(
        new ServeOptions
        {
            Data = data, BinaryPort = 0, BinaryTlsPort = 0, HttpPort = 0, HttpsPort = 0, AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20,
            SnapshotEveryBytes = 0, StopMsMax = 2_000, Metrics = new MetricsOptions { Readers = readers },
        },
        TestContext.Out);

    /// <summary>The page once that many payments are counted: a verdict is told a moment before it is.</summary>
    private static Dictionary<string, double> Settled(ServedLedger served, int atLeast)
    {
        long until = Environment.TickCount64 + DeadlineMs;
        while (true)
        {
            Dictionary<string, double> samples = Samples(Scrape(served));
            bool isIdle = samples["settlement_credit_outstanding_slots"] == 0 && samples["settlement_ring_used_slots"] == 0
                && samples["settlement_frames_total"] == samples["settlement_frame_latency_seconds_count"];
            if (isIdle && samples.Where(sample => sample.Key.StartsWith("settlement_payments_total", StringComparison.Ordinal)).Sum(sample => sample.Value) >= atLeast)
                return samples;
            Assert.That(Environment.TickCount64, Is.LessThan(until), "the server does not come to rest");
            Thread.Sleep(20);
        }
    }

    private static string Scrape(ServedLedger served)
    {
        (HttpStatusCode code, string page) = Get(served.Host);
        Assert.That(code, Is.EqualTo(HttpStatusCode.OK), page);
        return page;
    }

    private static (HttpStatusCode Code, string Text) Get(ServerHost host, Action<HttpRequestMessage>? prepare = null)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{host.PortOf("http")}{MetricsEndpoint.Path}");
        prepare?.Invoke(request);
        using HttpResponseMessage response = client.Send(request);
        using var reader = new StreamReader(response.Content.ReadAsStream());
        return (response.StatusCode, reader.ReadToEnd());
    }

    private static Dictionary<string, double> Samples(string page) => page.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith('#'))
        .ToDictionary(line => line[..line.LastIndexOf(' ')], line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
