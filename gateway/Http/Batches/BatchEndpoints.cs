using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Batch;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http.Batches;

/// <summary>Closed batches, as lists, one by one, and as they close.</summary>
internal sealed class BatchEndpoints(HttpApiContext context, BatchWords words)
{
    private const int PageDefault = 50;
    private const int PageMax = 500;

    private readonly EventStream _events = new(context, words);

    public void Map(RouteGroupBuilder sessions)
    {
        sessions.Get("/batches", ListAsync).Reads<BatchList>("Batches", "Closed batches, the newest first, in pages. A participant sees its own positions.");
        sessions.Get("/batches/{number}", OneAsync).Reads<BatchAnswer>("Batches", "One closed batch.").MayMiss();
        sessions.Get("/batches/{number}/payments/{id}/receipt", Receipt)
            .Says("Batches", "Says how the receipt of a payment is made: it needs the whole batch from the journal, so the server does not make it.").May(StatusCodes.Status501NotImplemented);
        sessions.Get("/events/batches", EventsAsync)
            .Says("Batches", "Closed batches as server-sent events, from the one behind Last-Event-ID on, or from now on.")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream");
    }

    private async Task<IResult> ListAsync(HttpContext http, string? before, string? limit)
    {
        Caller caller = CallerGate.CallerOf(http);
        int most = LedgerWords.Count("limit", limit, PageDefault, PageMax);
        ulong end = before is null ? ulong.MaxValue : LedgerWords.Number("before", before);
        ReadOnlyMemory<ClosedBatch> all = context.Batches.All();
        var batches = new List<BatchAnswer>();
        string? next = null;
        for (int i = all.Length - 1; i >= 0; i--)
        {
            ClosedBatch batch = all.Span[i];
            if (batch.Number >= end)
                continue;
            if (batches.Count == most)
            {
                next = batches[^1].Batch;
                break;
            }

            batches.Add(await words.DescribeAsync(batch, caller));
        }

        ulong sequence = await context.Port.AskAsync(state => state.Sequence);
        return Answer.Of(new BatchList { Batches = batches, Next = next, AsOfSequence = Exact.Of(sequence) }, HttpJson.Default.BatchList);
    }

    private async Task<IResult> OneAsync(string number, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        ClosedBatch batch = context.Batches.Find(LedgerWords.Number("batch", number)) ?? throw NoBatch(number);
        (bool isUnsettled, ulong sequence) = await context.Port.AskAsync(state => (state.Positions.IsUnsettled(batch.Number), state.Sequence));
        BatchAnswer answer = await words.DescribeAsync(batch, caller);
        return Answer.Of(answer with { Settled = !isUnsettled, AsOfSequence = Exact.Of(sequence) }, HttpJson.Default.BatchAnswer);
    }

    /// <summary>The same for every id: whether there is such a payment is not said here.</summary>
    private IResult Receipt(string number, string id)
    {
        ulong batch = LedgerWords.Number("batch", number);
        LedgerWords.PaymentId("id", id);
        if (context.Batches.Find(batch) is null)
            throw NoBatch(number);
        throw Problem.NotLive(
            $"A receipt needs every payment of its batch, which the server no longer has in memory. The operator makes it from the journal by `replay prove DATA/journal --id {id} --out receipt.json`, also while the server runs; anyone checks it offline by `replay check receipt.json`.");
    }

    private async Task EventsAsync(HttpContext http, string? last_event_id)
    {
        Caller caller = CallerGate.CallerOf(http);
        string? last = http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : last_event_id;
        ulong cursor = last is null ? context.Batches.Last : LedgerWords.Number("Last-Event-ID", last);
        await _events.RunAsync(http, caller, cursor);
    }

    private ProblemException NoBatch(string number)
    {
        ulong last = context.Batches.Last;
        return Problem.NotFound(last == 0
            ? $"There is no closed batch {number}: none is closed yet."
            : $"There is no closed batch {number} here: the newest is {Exact.Of(last)}, and the {Exact.Of(BatchBoard.KeptMax)} before it are kept. `replay export` has all that the journal has.");
    }
}
