using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Ledger;

namespace Settlement.Gateway.Http.Payments;

/// <summary>Payments in, verdicts out: one, or up to <see cref="PaymentsMax"/> at a time.</summary>
/// <remarks>
/// A refused payment that was sent alone is a problem (422), for whoever looks at the status alone must not take it for paid. In an array each has its verdict, and
/// the answer is 200: the request was carried out, whatever became of each.
/// </remarks>
internal sealed class PaymentEndpoints(HttpApiContext context, PaymentReading reading)
{
    public const int PaymentsMax = 1_000;

    private readonly KeysUnderWay _keys = new();

    public void Map(RouteGroupBuilder sessions) =>
        sessions.Post("/payments", PostAsync)
            .Says("Payments", "Decides one payment, or an array of up to 1,000. The answer is durable and final.")
            .WithDescription("One payment: 201 accepted, 200 decided before, 202 under review, 422 refused. An array: 200 with a verdict for each, in their order. With an Idempotency-Key header the request may be sent again: it is decided once. The key stands for the payments' ids.")
            .Takes<PaymentRequest>().Produces<PaymentVerdict>(StatusCodes.Status201Created).Produces<PaymentVerdict>().Produces<PaymentVerdict>(StatusCodes.Status202Accepted)
            .May(StatusCodes.Status409Conflict).May(StatusCodes.Status422UnprocessableEntity);

    private async Task<IResult> PostAsync(HttpContext http)
    {
        Caller caller = CallerGate.CallerOf(http);
        var key = IdempotencyKey.Of(http, caller.Participant);
        byte[] body = await Body.BytesAsync(http);
        bool isArray = body.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'[', ..];
        PaymentRequest[] requests = isArray ? Body.Parse(body, HttpJson.Default.PaymentRequestArray) : [Body.Parse(body, HttpJson.Default.PaymentRequest)];
        if (requests.Length is 0 or > PaymentsMax)
            throw Problem.Invalid($"The array holds {Exact.Of(requests.Length)} payments: 1 to {Exact.Of(PaymentsMax)} are taken at a time.");
        if (Array.IndexOf(requests, null) is >= 0 and var missing)
            throw Problem.Invalid($"Payment {Exact.Of(missing)} of the array is null: an object is expected.");
        Payment[] payments = await reading.ReadAsync(requests, caller.Session, key is null ? null : i => key.IdOf(isArray ? i + 1 : i));
        using IDisposable? underWay = key is null ? null : _keys.Enter(key);
        if (key is not null && isArray)
            await MarkAsync(key, payments, caller.Session);
        SettledSlot[] settled = await context.Port.SubmitAsync(payments);
        return isArray ? AnswerAll(payments, settled) : AnswerOne(in payments[0], settled[0], key is not null);
    }

    private async Task MarkAsync(IdempotencyKey key, Payment[] payments, ushort session)
    {
        Payment mark = key.MarkOf(payments, session);
        SettledSlot[] marked = await context.Port.SubmitAsync(new[] { mark });
        if (marked[0].Outcome.Verdict == Verdict.IdConflict)
            throw Problem.KeyReused();
        if (!IdempotencyKey.IsFree(marked[0].Outcome))
            throw Problem.Refused(marked[0].Outcome, null, marked[0].Sequence);
    }

    private static IResult AnswerAll(Payment[] payments, SettledSlot[] settled)
    {
        var verdicts = new PaymentVerdict[payments.Length];
        int accepted = 0;
        for (int i = 0; i < payments.Length; i++)
        {
            verdicts[i] = Describe(in payments[i], settled[i]);
            accepted += WasAccepted(settled[i].Outcome) ? 1 : 0;
        }

        return Answer.Of(new PaymentVerdictList { Verdicts = verdicts, Accepted = accepted, Refused = payments.Length - accepted }, HttpJson.Default.PaymentVerdictList);
    }

    private static IResult AnswerOne(in Payment payment, SettledSlot settled, bool hasKey)
    {
        Outcome outcome = settled.Outcome;
        if (hasKey && outcome.Verdict == Verdict.IdConflict)
            throw Problem.KeyReused();
        string id = PaymentIdText.Format(in payment);
        Verdict final = outcome.Verdict == Verdict.Duplicate ? outcome.First : outcome.Verdict;
        if (!final.IsAccepted() && final != Verdict.DuplicateLookUp)
            throw Problem.Refused(in outcome, id, settled.Sequence);
        int status = final == Verdict.UnderReview ? StatusCodes.Status202Accepted
            : outcome.Verdict == Verdict.Accepted ? StatusCodes.Status201Created
            : StatusCodes.Status200OK;
        return Answer.Of(Describe(in payment, settled), HttpJson.Default.PaymentVerdict, status, $"/v1/payments/{Uri.EscapeDataString(id)}");
    }

    private static bool WasAccepted(in Outcome outcome) =>
        (outcome.Verdict == Verdict.Duplicate ? outcome.First : outcome.Verdict) is var final && (final.IsAccepted() || final == Verdict.DuplicateLookUp);

    private static PaymentVerdict Describe(in Payment payment, SettledSlot settled) => new()
    {
        Id = PaymentIdText.Format(in payment),
        Verdict = VerdictText.NameOf(settled.Outcome.Verdict),
        First = settled.Outcome.First == Verdict.Undecided ? null : VerdictText.NameOf(settled.Outcome.First),
        Rule = settled.Outcome.Rule == 0 ? null : settled.Outcome.Rule,
        Batch = settled.Outcome.Batch == 0 ? null : Exact.Of(settled.Outcome.Batch),
        Sequence = Exact.Of(settled.Sequence),
    };
}
