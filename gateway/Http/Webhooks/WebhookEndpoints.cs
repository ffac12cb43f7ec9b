using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http.Webhooks;

/// <summary>Webhooks: made, listed and deleted by sessions of the participant whose they are; the operator sees its own.</summary>
internal sealed class WebhookEndpoints(HttpApiContext context, WebhookSender sender)
{
    private const string BatchClosed = "batch_closed";
    private const string UnderReview = "payment_under_review";

    public void Map(RouteGroupBuilder sessions)
    {
        sessions.Post("/webhooks", PostAsync).Says("Webhooks", "Makes a webhook. The answer alone tells its secret.")
            .WithDescription("Deliveries are POSTs of JSON with the header 'Settlement-Signature: t=SECONDS,v1=HEX', the HMAC-SHA256 of 'SECONDS.BODY' under the secret; at least once, in order. Any status but 2xx is a failure, and is tried again later and later.")
            .Takes<WebhookRequest>().Produces<WebhookAnswer>(StatusCodes.Status201Created);
        sessions.Get("/webhooks", List).Reads<WebhookList>("Webhooks", "The webhooks of the session's participant.");
        sessions.Get("/webhooks/{webhook}", One).Reads<WebhookAnswer>("Webhooks", "One webhook: how far it is, and what fails.").MayMiss();
        sessions.Delete("/webhooks/{webhook}", Delete).Says("Webhooks", "Deletes a webhook; nothing is delivered any more.").Produces(StatusCodes.Status204NoContent).MayMiss();
        sessions.Get("/webhooks/{webhook}/dead_letters", DeadLetters).Reads<DeadLetterList>("Webhooks", "Events that were given up.").MayMiss();
        sessions.Post("/webhooks/{webhook}/dead_letters/{event}/redeliver", RedeliverAsync)
            .Says("Webhooks", "Sends a given-up event once more, now; delivered, it is off the list.").Produces(StatusCodes.Status204NoContent).MayMiss().May(StatusCodes.Status502BadGateway);
    }

    private async Task<IResult> PostAsync(HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        WebhookRequest request = await Body.ReadAsync(http, HttpJson.Default.WebhookRequest);
        Uri url = WebhookTarget.Parse(request.Url, context.Options.WebhooksToPrivateNetworks);
        if (request.Events.Count == 0 || request.Events.FirstOrDefault(name => name is not (BatchClosed or UnderReview)) is not null)
            throw Problem.Invalid($"events: {BatchClosed}, {UnderReview} or both are expected.");
        ulong sequence = await context.Port.AskAsync(state => state.Sequence);
        var hook = new KeptWebhook
        {
            Id = WebhookBook.NewId(),
            Url = url.AbsoluteUri,
            Batches = request.Events.Contains(BatchClosed),
            Reviews = request.Events.Contains(UnderReview),
            Secret = WebhookBook.NewSecret(),
            Session = caller.Session,
            Participant = caller.Participant,
            Clearance = caller.Clearance,
            AfterBatch = request.AfterBatch is { } batch ? LedgerWords.Number("after_batch", batch) : context.Batches.Last,
            AfterSequence = request.AfterSequence is { } after ? LedgerWords.Number("after_sequence", after) : sequence,
        };
        context.Webhooks.Add(hook);
        return Answer.Of(Describe(hook) with { Secret = hook.Secret }, HttpJson.Default.WebhookAnswer, StatusCodes.Status201Created, $"/v1/webhooks/{hook.Id}");
    }

    private IResult List(HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        return Answer.Of(new WebhookList { Webhooks = [.. context.Webhooks.All().Where(hook => IsOf(hook, caller)).Select(Describe)] }, HttpJson.Default.WebhookList);
    }

    private IResult One(string webhook, HttpContext http) => Answer.Of(Describe(Find(webhook, http)), HttpJson.Default.WebhookAnswer);

    private IResult Delete(string webhook, HttpContext http)
    {
        context.Webhooks.Delete(Find(webhook, http).Id);
        return Answer.Nothing;
    }

    private IResult DeadLetters(string webhook, HttpContext http)
    {
        KeptWebhook hook = Find(webhook, http);
        return Answer.Of(new DeadLetterList { DeadLetters = hook.DeadLetters, Forgotten = hook.Forgotten }, HttpJson.Default.DeadLetterList);
    }

    private async Task<IResult> RedeliverAsync(string webhook, string @event, HttpContext http)
    {
        KeptWebhook hook = Find(webhook, http);
        if (!hook.DeadLetters.Any(letter => letter.Event == @event))
            throw Problem.NotFound($"Webhook {webhook} has no given-up event '{@event}': GET /v1/webhooks/{webhook}/dead_letters lists them.");
        string? failure = await sender.RedeliverAsync(hook, @event, http.RequestAborted);
        return failure is null ? Answer.Nothing : throw Problem.NotDelivered($"Event {@event} was not delivered: {failure}. It stays on the list; see to the receiver, and try again.");
    }

    /// <summary>Another participant's webhook, and one of a higher clearance, are as if there were none.</summary>
    private KeptWebhook Find(string id, HttpContext http) =>
        context.Webhooks.Find(id) is { } hook && IsOf(hook, CallerGate.CallerOf(http))
            ? hook
            : throw Problem.NotFound($"There is no webhook '{id}' of this participant: GET /v1/webhooks lists them.");

    private static bool IsOf(KeptWebhook hook, Caller caller) =>
        hook.Participant == caller.Participant && hook.Clearance <= caller.Clearance;

    private WebhookAnswer Describe(KeptWebhook hook)
    {
        (int attempts, string? failure) = sender.StatusOf(hook.Id);
        return new WebhookAnswer
        {
            Webhook = hook.Id,
            Url = hook.Url,
            Events = [.. (hook.Batches ? new[] { BatchClosed } : []), .. (hook.Reviews ? new[] { UnderReview } : [])],
            AfterBatch = Exact.Of(hook.AfterBatch),
            AfterSequence = Exact.Of(hook.AfterSequence),
            Attempts = attempts,
            LastFailure = failure,
            DeadLetters = hook.DeadLetters.Count,
        };
    }
}
