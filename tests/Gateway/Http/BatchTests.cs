using System.Net;
using System.Text.Json;

namespace Settlement.Tests.Gateway.Http;

/// <summary>Closed batches over HTTP: whose positions are seen, and the stream of those that close.</summary>
public sealed class BatchTests
{
    private HttpLedger _ledger;

    [OneTimeSetUp]
    public void Open()
    {
        _ledger = new HttpLedger().SetUp();
        for (int batch = 1; batch <= 3; batch++)
            CloseOne(batch);
    }

    [OneTimeTearDown]
    public void Close() => _ledger.Dispose();

    [Test]
    public void A_participant_sees_its_own_positions_and_the_operator_all()
    {
        JsonElement own = _ledger.Get(HttpLedger.BankTwo, "/v1/batches/1").Json;
        Assert.That(own.GetProperty("positions").EnumerateArray().Select(one => (one.GetProperty("participant").GetString(), one.GetProperty("net").GetString())), Is.EqualTo(new[] { ("bank two", "10.00") }));
        Assert.That(own.TryGetProperty("gross", out _) || own.TryGetProperty("state_hash", out _), Is.False);
        JsonElement all = _ledger.Get(1, "/v1/batches/1").Json;
        Assert.That(all.GetProperty("positions").GetArrayLength(), Is.EqualTo(2));
        Assert.That(all.GetProperty("gross")[0].GetProperty("amount").GetString(), Is.EqualTo("10.00"));
        Assert.That(all.GetProperty("root").GetString(), Has.Length.EqualTo(64));
    }

    [Test]
    public void Batches_are_listed_in_pages_the_newest_first()
    {
        HttpSaid page = _ledger.Get(1, "/v1/batches?limit=2&before=4");
        Assert.That(page.Json.GetProperty("batches").EnumerateArray().Select(one => one.GetProperty("batch").GetString()), Is.EqualTo(new[] { "3", "2" }));
        HttpSaid rest = _ledger.Get(1, "/v1/batches?before=" + page.Text("next"));
        Assert.That(rest.Json.GetProperty("batches").EnumerateArray().Select(one => one.GetProperty("batch").GetString()), Is.EqualTo(new[] { "1" }));
        Assert.That(_ledger.Get(1, "/v1/batches/99").Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void A_settled_batch_says_so()
    {
        Assert.That(_ledger.Get(1, "/v1/batches/2").Json.GetProperty("settled").GetBoolean(), Is.False);
        HttpLedger.Accept(_ledger.Post(1, "/v1/batches/2/settled", null));
        Assert.That(_ledger.Get(HttpLedger.BankOne, "/v1/batches/2").Json.GetProperty("settled").GetBoolean(), Is.True);
        Assert.That(_ledger.Post(1, "/v1/batches/99/settled", null).Text("verdict"), Is.EqualTo("unknown_batch"));
    }

    [Test]
    public void The_receipt_of_a_payment_is_made_for_those_who_may_see_it_and_holds_offline()
    {
        _ledger.Tail();
        HttpSaid said = _ledger.Get(HttpLedger.BankOne, "/v1/batches/1/payments/batch:1/receipt");
        Assert.That(said.Status, Is.EqualTo(HttpStatusCode.OK), said.Body);
        using var folder = new TemporaryFolder();
        string file = folder.PathOf("receipt.json");
        File.WriteAllText(file, said.Body);
        Assert.That(Replay.ReplayRuns.Exits(0, "check", file, "--key", Path.Combine(_ledger.Data, "journal", "node.pub")), Does.Contain("valid").And.Contain("batch 1"));
        File.WriteAllText(file, said.Body.Replace("1000", "2000", StringComparison.Ordinal));
        Assert.That(Replay.ReplayRuns.Exits(1, "check", file, "--key", Path.Combine(_ledger.Data, "journal", "node.pub")), Is.Not.Empty);
    }

    [TestCase("/v1/batches/1/payments/batch:7/receipt", HttpLedger.BankOne, TestName = "{m}(no such payment)")]
    [TestCase("/v1/batches/2/payments/batch:1/receipt", HttpLedger.BankOne, TestName = "{m}(of another batch)")]
    [TestCase("/v1/batches/99/payments/batch:1/receipt", HttpLedger.BankOne, TestName = "{m}(of a batch that is not closed)")]
    public void There_is_no_receipt(string path, int session)
    {
        _ledger.Tail();
        Assert.That(_ledger.Get(session, path).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Receipts_are_made_one_at_a_time_and_who_comes_too_late_is_told_so()
    {
        _ledger.Tail();
        HttpSaid[] said = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(
            () => _ledger.Get(HttpLedger.BankOne, "/v1/batches/1/payments/batch:1/receipt"), default, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.That(said.Select(one => one.Status), Is.All.EqualTo(HttpStatusCode.OK).Or.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(said.Count(one => one.Status == HttpStatusCode.OK), Is.Positive);
        Assert.That(said.Where(one => one.Status == HttpStatusCode.OK).Select(one => one.Body).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task Events_go_on_behind_the_last_one_that_was_seen()
    {
        int next = int.Parse(_ledger.Get(1, "/v1/ledger").Text("open_batch"));
        using EventReader first = await EventReader.OpenAsync(_ledger, HttpLedger.BankTwo, $"{next - 3}");
        Assert.That((await first.NextAsync()).Id, Is.EqualTo($"{next - 2}"));
        (string id, JsonElement batch) = await first.NextAsync();
        Assert.That(id, Is.EqualTo($"{next - 1}"));
        Assert.That(batch.GetProperty("positions").GetArrayLength(), Is.EqualTo(1), "its own");
        Task<(string Id, JsonElement Batch)> live = first.NextAsync();
        CloseOne(next);
        Assert.That((await live).Id, Is.EqualTo($"{next}"));
        using EventReader again = await EventReader.OpenAsync(_ledger, HttpLedger.BankTwo, id);
        Assert.That((await again.NextAsync()).Id, Is.EqualTo($"{next}"), "the one that was missed");
    }

    [Test]
    public async Task A_stream_tells_nothing_more_once_its_key_is_revoked()
    {
        const int Session = HttpLedger.LowOfBankOne + 1;
        _ledger.OpenSession(Session, "bank two", 255);
        int next = int.Parse(_ledger.Get(1, "/v1/ledger").Text("open_batch"));
        using EventReader events = await EventReader.OpenAsync(_ledger, Session, $"{next - 2}");
        Assert.That((await events.NextAsync()).Id, Is.EqualTo($"{next - 1}"));
        HttpLedger.Accept(_ledger.Delete(1, $"/v1/keys/{Settlement.Engine.Domain.NodeKey.Of(_ledger.Key(Session)).Id}"));
        CloseOne(next);
        Assert.That(async () => await events.NextAsync(), Throws.InstanceOf<EndOfStreamException>());
    }

    [Test]
    public async Task One_participant_does_not_take_the_event_streams_of_all()
    {
        var open = new List<HttpResponseMessage>();
        try
        {
            async Task<HttpStatusCode> OpenAsync(int session)
            {
                var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/batches");
                request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + _ledger.Token(session));
                HttpResponseMessage response = await _ledger.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                open.Add(response);
                return response.StatusCode;
            }

            var codes = new List<HttpStatusCode>();
            for (int i = 0; i < 65; i++)
                codes.Add(await OpenAsync(HttpLedger.BankTwo));
            Assert.That(codes.Count(code => code == HttpStatusCode.OK), Is.InRange(48, 64), "those that other tests have just left may still count");
            Assert.That(codes[64], Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(await OpenAsync(HttpLedger.BankOne), Is.EqualTo(HttpStatusCode.OK));
        }
        finally
        {
            open.ForEach(response => response.Dispose());
        }
    }

    [Test]
    public void Batches_of_before_a_restart_are_still_shown()
    {
        string before = _ledger.Get(1, "/v1/batches/1").Text("root");
        _ledger.Stop();
        _ledger.Start();
        Assert.That(_ledger.Get(1, "/v1/batches/1").Text("root"), Is.EqualTo(before));
    }

    private void CloseOne(int number)
    {
        HttpLedger.Accept(_ledger.Pay(HttpLedger.BankOne, $"batch:{number}", 1, 2, "10.00"));
        HttpLedger.Accept(_ledger.Post(1, "/v1/batches/close", null));
        Assert.That(() => _ledger.Get(1, $"/v1/batches/{number}").Status, Is.EqualTo(HttpStatusCode.OK).After(5_000, 10));
    }
}

/// <summary>Reads server-sent events.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private EventReader(HttpResponseMessage response, StreamReader lines) => (_response, _lines) = (response, lines);

    public static async Task<EventReader> OpenAsync(HttpLedger ledger, int session, string last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/batches");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + ledger.Token(session));
        request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        HttpResponseMessage response = await ledger.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.Content.Headers.ContentType?.ToString(), Is.EqualTo("text/event-stream"));
        return new EventReader(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    public async Task<(string Id, JsonElement Batch)> NextAsync()
    {
        string id = "";
        for (;;)
        {
            string line = await _lines.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)) ?? throw new EndOfStreamException();
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line[4..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                return (id, JsonDocument.Parse(line[6..]).RootElement);
        }
    }

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
    }
}
