using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Batches;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Http.Payments;

namespace Settlement.Gateway.Http.Webhooks;

/// <summary>
/// Delivers events: one loop a webhook and kind, each from its own place in the batches or sequences on, in order, one at a time. An event that fails is sent again, later and
/// later, and given up after so many attempts: it goes into the dead-letter list, and the next one is sent.
/// </summary>
/// <remarks>
/// Far from the hot path: it reads what the boards keep, and a slow receiver waits for nothing but itself.
/// An event is told as to the session that made the webhook, as that session is at the delivery: once the session is closed, nothing is told.
/// </remarks>
internal sealed class WebhookSender : IAsyncDisposable
{
    private const string Redirected = "a redirect, which is not followed";

    private readonly HttpApiContext _context;
    private readonly BatchWords _words;
    private readonly PaymentReading _reading;
    private readonly ILogger _log;
    private readonly HttpClient _client;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (CancellationTokenSource Stop, Task Loops)> _running = []; // under the lock
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, (int Attempts, string Failure)> _failing = new();
    private bool _isOver; // under the lock

    public WebhookSender(HttpApiContext context, BatchWords words, PaymentReading reading, ILogger log)
    {
        (_context, _words, _reading, _log) = (context, words, reading, log);
        bool toPrivate = context.Options.WebhooksToPrivateNetworks;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, UseProxy = false, PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1), MaxResponseHeadersLength = 16,
            ConnectCallback = (connection, cancel) => WebhookTarget.ConnectAsync(connection.DnsEndPoint, toPrivate, cancel),
        };
        _client = new HttpClient(handler) { Timeout = context.Options.WebhookTimeout };
    }

    public void Start()
    {
        _context.Webhooks.Added = Run;
        _context.Webhooks.Deleted = id => Stop(id);
        foreach (KeptWebhook hook in _context.Webhooks.All())
            Run(hook.Id);
    }

    /// <summary>Failed attempts at the event that is next, and how the last one failed.</summary>
    public (int Attempts, string? Failure) StatusOf(string id) =>
        _failing.TryGetValue(id, out (int Attempts, string Failure) failing) ? failing : (0, null);

    /// <summary>Sends a given-up event once more, now.</summary>
    /// <returns>How it failed; null: it was delivered, and is off the list. The event is not told any more: also null.</returns>
    public async Task<string?> RedeliverAsync(KeptWebhook hook, string @event, CancellationToken cancel)
    {
        bool isBatch = @event.StartsWith(BatchPrefix, StringComparison.Ordinal);
        ulong number = LedgerWords.Number("event", @event[(@event.IndexOf('-', StringComparison.Ordinal) + 1)..]);
        byte[]? body = isBatch ? await BatchBodyAsync(hook, number) : await ReviewBodyAsync(hook, _context.Reviews.Find(number));
        string? failure = body is null ? null : await PostAsync(hook, @event, body, cancel);
        if (failure is null)
            _context.Webhooks.Change(hook.Id, kept => kept with { DeadLetters = [.. kept.DeadLetters.Where(letter => letter.Event != @event)] });
        return failure;
    }

    public async ValueTask DisposeAsync()
    {
        List<Task> loops = [];
        lock (_lock)
        {
            _isOver = true;
            foreach ((CancellationTokenSource stop, Task running) in _running.Values)
            {
                stop.Cancel();
                loops.Add(running);
            }
        }

        await Task.WhenAll(loops);
        _client.Dispose();
    }

    private const string BatchPrefix = "batch-";
    private const string ReviewPrefix = "review-";

    private void Run(string id)
    {
        lock (_lock)
        {
            if (_isOver || _running.ContainsKey(id) || _context.Webhooks.Find(id) is not { } hook)
                return;
            var stop = new CancellationTokenSource();
            Task batches = hook.Batches ? Task.Run(() => LoopAsync(id, NextBatchAsync, stop.Token)) : Task.CompletedTask;
            Task reviews = hook.Reviews ? Task.Run(() => LoopAsync(id, NextReviewAsync, stop.Token)) : Task.CompletedTask;
            _running.Add(id, (stop, Task.WhenAll(batches, reviews)));
        }
    }

    private void Stop(string id)
    {
        lock (_lock)
        {
            if (_running.Remove(id, out (CancellationTokenSource Stop, Task Loops) running))
                running.Stop.Cancel();
        }

        _failing.TryRemove(id, out _);
    }

    /// <summary>An event that is next, its body (null: it is not to be told), and how the webhook is kept once it is done.</summary>
    private sealed record Due(string Event, byte[]? Body, Func<KeptWebhook, KeptWebhook> Done);

    private async Task LoopAsync(string id, Func<KeptWebhook, CancellationToken, Task<Due>> next, CancellationToken stop)
    {
        try
        {
            while (_context.Webhooks.Find(id) is { } hook)
            {
                Due due;
                try
                {
                    due = await next(hook, stop);
                }
                catch (LedgerUnavailableException)
                {
                    await Task.Delay(_context.Options.WebhookBackOff, _context.Time, stop);
                    continue;
                }

                if (due.Body is not null)
                    await DeliverAsync(hook, due, stop);
                else
                    _context.Webhooks.Change(id, due.Done);
            }
        }
        catch (OperationCanceledException)
        {
            // Deleted, or the server stops: what is not delivered is where it was.
        }
        catch (Exception fault)
        {
            HttpLog.SenderFailed(_log, id, fault); // it goes on with the next start of the server; nothing is lost
        }
    }

    private async Task DeliverAsync(KeptWebhook hook, Due due, CancellationToken stop)
    {
        TimeSpan wait = _context.Options.WebhookBackOff;
        for (int attempts = 1; ; attempts++)
        {
            string? failure = await PostAsync(hook, due.Event, due.Body!, stop);
            if (failure is null)
            {
                _failing.TryRemove(hook.Id, out _);
                _context.Webhooks.Change(hook.Id, due.Done);
                return;
            }

            if (attempts >= _context.Options.WebhookAttemptsMax)
            {
                GiveUp(hook, due, attempts, failure);
                return;
            }

            _failing[hook.Id] = (attempts, failure);
            await Task.Delay(wait, _context.Time, stop);
            wait = wait * 2 < _context.Options.WebhookBackOffMax ? wait * 2 : _context.Options.WebhookBackOffMax;
        }
    }

    private void GiveUp(KeptWebhook hook, Due due, int attempts, string failure)
    {
        HttpLog.GivenUp(_log, hook.Id, due.Event, attempts, failure);
        _failing.TryRemove(hook.Id, out _);
        var letter = new DeadLetter { Event = due.Event, GivenUp = TimeText.Format((ulong)_context.Time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000), LastFailure = failure };
        _context.Webhooks.Change(hook.Id, kept =>
        {
            bool isFull = kept.DeadLetters.Count >= WebhookBook.DeadLettersMax;
            return due.Done(kept) with { DeadLetters = [.. isFull ? kept.DeadLetters.Skip(1) : kept.DeadLetters, letter], Forgotten = kept.Forgotten + (isFull ? 1 : 0) };
        });
    }

    /// <returns>How it failed; null: the receiver said that it has it (2xx).</returns>
    private async Task<string?> PostAsync(KeptWebhook hook, string @event, byte[] body, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, hook.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(WebhookSignature.HeaderName, WebhookSignature.Of(hook.Secret, _context.Time.GetUtcNow().ToUnixTimeSeconds(), body));
        request.Headers.Add("Settlement-Event", @event);
        try
        {
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            return response.IsSuccessStatusCode ? null
                : response.StatusCode is >= HttpStatusCode.Ambiguous and < HttpStatusCode.BadRequest ? Redirected
                : $"status {Exact.Of((int)response.StatusCode)}";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return "timeout";
        }
        catch (HttpRequestException unreachable)
        {
            // Whether a name is known here is not told: it may be one of the server's own network.
            return unreachable.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError ? "unreachable" : $"failed ({SnakeCase.Of(unreachable.HttpRequestError.ToString())})";
        }
    }

    private async Task<Due> NextBatchAsync(KeptWebhook hook, CancellationToken stop)
    {
        ulong number = (await _context.Batches.NextBehindAsync(hook.AfterBatch, stop)).Number;
        return new Due(BatchPrefix + Exact.Of(number), await BatchBodyAsync(hook, number), kept => kept with { AfterBatch = number });
    }

    private async Task<Due> NextReviewAsync(KeptWebhook hook, CancellationToken stop)
    {
        ReviewNote note = await _context.Reviews.NextBehindAsync(hook.AfterSequence, stop);
        return new Due(ReviewPrefix + Exact.Of(note.Sequence), await ReviewBodyAsync(hook, note), kept => kept with { AfterSequence = note.Sequence });
    }

    private async Task<byte[]?> BatchBodyAsync(KeptWebhook hook, ulong number)
    {
        if (await CallerAsync(hook) is not { } caller || _context.Batches.Find(number) is not { } batch)
            return null;
        return Serialize(new WebhookEvent { Event = BatchPrefix + Exact.Of(number), Type = "batch_closed", Ledger = Ledger, Batch = await _words.DescribeAsync(batch, caller) });
    }

    private async Task<byte[]?> ReviewBodyAsync(KeptWebhook hook, ReviewNote? found)
    {
        if (found is not { } note || await CallerAsync(hook) is not { } caller
            || await _context.Port.AskAsync(state => ReviewBoard.Read(state, in note)) is not { } review || !caller.Sees(review.Participant, review.Level))
            return null;
        return Serialize(new WebhookEvent
        {
            Event = ReviewPrefix + Exact.Of(review.Sequence),
            Type = "payment_under_review",
            Ledger = Ledger,
            Review = new ReviewAnswer
            {
                Id = PaymentIdText.Format((ulong)(review.Id >> 64), (ulong)review.Id, review.IsStreamId),
                Sequence = Exact.Of(review.Sequence),
                Amount = Engine.Domain.AmountText.ToText(review.Amount, await _reading.ScaleAsync(review.Currency)),
                Currency = LedgerText.CurrencyOf(review.Currency),
                Expires = TimeText.Format(review.ExpiresNs),
            },
        });
    }

    private string Ledger => FormattableString.Invariant($"{_context.Port.LedgerId:x32}");

    private Task<Caller?> CallerAsync(KeptWebhook hook) => _context.Port.AskAsync(state => Caller.Of(state, hook.Session));

    private static byte[] Serialize(WebhookEvent told) => JsonSerializer.SerializeToUtf8Bytes(told, HttpJson.Default.WebhookEvent);
}
