using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Batch;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Http.Payments;

namespace Settlement.Gateway.Http.Batches;

/// <summary>Closed batches, as lists, one by one, and as they close.</summary>
/// <param name="context">What endpoints stand on.</param>
/// <param name="words">Describes batches.</param>
/// <param name="history">Says which payments a caller may see.</param>
internal sealed class BatchEndpoints(HttpApiContext context, BatchWords words, HistoryEndpoints history)
{
    private const int PageDefault = 50;
    private const int PageMax = 500;

    private readonly EventStream _events = new(context, words);

    public void Map(RouteGroupBuilder sessions)
    {
        sessions.Get("/batches", ListAsync).Reads<BatchList>("Batches", "Closed batches, the newest first, in pages. A participant sees its own positions.");
        sessions.Get("/batches/{number}", OneAsync).Reads<BatchAnswer>("Batches", "One closed batch.").MayMiss();
        sessions.Get("/batches/{number}/payments/{id}/receipt", ReceiptAsync)
            .Says("Batches", "The receipt of an accepted payment of a sealed batch, to be checked offline by `replay check`. It is made from the journal, which takes seconds; one at a time.")
            .Produces<string>(StatusCodes.Status200OK, "application/json").MayMiss();
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

    /// <summary>Of payments that the caller may see in the history: for others there is none, whether or not there is such a payment.</summary>
    private async Task<IResult> ReceiptAsync(string number, string id, HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        ulong batch = LedgerWords.Number("batch", number);
        if (context.Batches.Find(batch) is null)
            throw NoBatch(number);
        PaymentAnswer? payment = await history.FindToldAsync(caller, id);
        if (payment?.Batch is null || payment.Batch != Exact.Of(batch) || !ulong.TryParse(payment.Sequence, CultureInfo.InvariantCulture, out ulong sequence))
            throw NoReceipt(number, id);
        (string receipt, ulong proven) = await context.Receipts.MakeAsync(payment.Id, sequence, http.RequestAborted);
        return proven == batch ? Results.Text(receipt, "application/json") : throw NoReceipt(number, id);
    }

    private static ProblemException NoReceipt(string number, string id) => Problem.NotFound(
        $"There is no payment '{id}' in batch {number} that this session may see, as far as the projection goes. A batch's receipts can be had once it is sealed and projected.");

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
