using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Http.Answers;

/// <summary>An error as RFC 9457 has it: what was wrong, where, and what to do.</summary>
internal sealed record ProblemAnswer
{
    /// <summary>A name for programs: <c>urn:settlement:problem:…</c>. Stable.</summary>
    public required string Type { get; init; }

    /// <summary>What kind of problem it is, always in the same words.</summary>
    public required string Title { get; init; }

    public required int Status { get; init; }

    /// <summary>One sentence or two about this occurrence: what, where, what to do.</summary>
    public required string Detail { get; init; }

    /// <summary>Of a payment or command that was refused.</summary>
    public string? Verdict { get; init; }

    /// <summary>Of a repeat or conflict: the verdict that was given the first time.</summary>
    public string? First { get; init; }

    /// <summary>The rule that refused it, where the session may know.</summary>
    public int? Rule { get; init; }

    /// <summary>The payment's id.</summary>
    public string? Id { get; init; }

    /// <summary>Where it stands in the journal.</summary>
    public string? Sequence { get; init; }

    /// <summary>Of a cluster, where the node that takes writes is reached.</summary>
    public string? Leader { get; init; }
}

/// <summary>Ends a request with a problem.</summary>
internal sealed class ProblemException(ProblemAnswer answer) : Exception(answer.Detail)
{
    public ProblemAnswer Answer { get; } = answer;
}

/// <summary>The problems there are. A datum that is withheld and one that is not there give the same bytes.</summary>
internal static class Problem
{
    public const string ContentType = "application/problem+json";

    private const string TypePrefix = "urn:settlement:problem:";

    public static ProblemException Invalid(string detail) => Make(StatusCodes.Status400BadRequest, "invalid_request", "The request cannot be read", detail);

    public static ProblemException NotFound(string detail) => Make(StatusCodes.Status404NotFound, "not_found", "There is no such thing for this session", detail);

    /// <summary>One answer for no key, an unknown one, a revoked one, a forged and an expired token: whoever tries keys learns nothing.</summary>
    public static ProblemException Unauthenticated() => Make(
        StatusCodes.Status401Unauthorized, "unauthenticated", "No session is open for this request",
        "The request shows no key of an open session of this ledger. Send 'Authorization: Bearer TOKEN', with a token that `gateway token` has printed within the hour, or connect with a TLS client certificate of a registered session key.");

    public static ProblemException Forbidden() => Make(
        StatusCodes.Status403Forbidden, "forbidden", "The session may not do this", "Only a session of the operator may do this. Ask the ledger's operator.");

    public static ProblemException OtherSite() => Make(
        StatusCodes.Status403Forbidden, "other_site", "Another site's page may not ask in your name",
        "A client certificate counts for programs and for this server's own page, not for a request that a browser sends for another site. Send a token instead.");

    public static ProblemException TooLarge(long bytesMax) => Make(
        StatusCodes.Status413PayloadTooLarge, "too_large", "The request's body is too large",
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"A body of at most {bytesMax} bytes is read here. Send fewer payments at a time."));

    public static ProblemException NotJson() => Make(
        StatusCodes.Status415UnsupportedMediaType, "not_json", "The request's body is no JSON", "Send the body as JSON, with 'Content-Type: application/json'.");

    public static ProblemException WrongMethod(string detail) => Make(StatusCodes.Status405MethodNotAllowed, "wrong_method", "The method is not taken here", detail);

    public static ProblemException KeyInUse() => Make(
        StatusCodes.Status409Conflict, "idempotency_key_in_use", "A request with this Idempotency-Key is under way",
        "Another request with the same Idempotency-Key is not answered yet. Wait for its answer, or send this one again in a moment: it will be told the same.");

    public static ProblemException KeyReused() => Make(
        StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", "This Idempotency-Key was used with another body",
        "What was sent first with this Idempotency-Key stands, and nothing of this request was carried out. Use a fresh key for another payment.");

    public static ProblemException Missing(string detail) => Make(StatusCodes.Status503ServiceUnavailable, "not_available", "This node cannot answer that now", detail);

    public static ProblemException NotDelivered(string detail) => Make(StatusCodes.Status502BadGateway, "not_delivered", "The receiver did not take the event", detail);

    public static ProblemException Unavailable(Ledger.LedgerUnavailableException fault) => Make(
        StatusCodes.Status503ServiceUnavailable, "busy", "The ledger cannot be asked now",
        fault.MayHaveHappened
            ? $"The answer did not come ({fault.Message}): what was sent may have been carried out. Send the same again, with the same id or Idempotency-Key: nothing is done twice."
            : $"Nothing was carried out ({fault.Message}). Send the same again in a moment.");

    /// <summary>A write at a node that follows. It names the leader, so that a client sends it there by itself; or there is none now.</summary>
    public static ProblemException NotLeading(NodeAddresses leader, bool isSecure)
    {
        // Of the kind that the client came by: who speaks TLS is not sent to a port without.
        string? address = leader.TryFind(isSecure ? NodeAddresses.Https : NodeAddresses.Http, out string host, out int port)
            ? $"{(isSecure ? "https" : "http")}://{NodeAddresses.Format(host, port)}"
            : null;
        return new ProblemException(new ProblemAnswer
        {
            Type = TypePrefix + "not_leader",
            Title = "This node does not lead",
            Status = address is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status421MisdirectedRequest,
            Detail = address is null
                ? "Nothing was carried out: no leader is known now. One is being elected, or too few nodes are up. Send the same again in a moment, here or to another node."
                : $"Nothing was carried out: another node leads. Send the same to {address}.",
            Leader = address,
        });
    }

    /// <summary>A verdict that is a refusal.</summary>
    public static ProblemException Refused(in Outcome outcome, string? id, ulong sequence)
    {
        string name = VerdictText.NameOf(outcome.Verdict);
        string what = id is null ? "The command" : $"Payment {id}";
        bool isOurs = outcome.Verdict == Verdict.CapacityExceeded;
        return new ProblemException(new ProblemAnswer
        {
            Type = TypePrefix + name,
            Title = "Refused",
            Status = isOurs ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status422UnprocessableEntity,
            Detail = $"{what} was refused: {name}. {VerdictAdvice.Of(outcome.Verdict)}",
            Verdict = name,
            First = outcome.First == Verdict.Undecided ? null : VerdictText.NameOf(outcome.First),
            Rule = outcome.Rule == 0 ? null : outcome.Rule,
            Id = id,
            Sequence = Exact.Of(sequence),
        });
    }

    public static async Task WriteAsync(HttpContext http, ProblemAnswer answer)
    {
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = ContentType;
        if (answer.Status == StatusCodes.Status401Unauthorized)
            http.Response.Headers.WWWAuthenticate = "Bearer";
        if (answer.Status == StatusCodes.Status503ServiceUnavailable)
            http.Response.Headers.RetryAfter = "1";
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(answer, HttpJson.Default.ProblemAnswer);
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private static ProblemException Make(int status, string name, string title, string detail) =>
        new(new ProblemAnswer { Type = TypePrefix + name, Title = title, Status = status, Detail = detail });
}

/// <summary>64- and 128-bit numbers, which a JSON reader may round: as text.</summary>
internal static class Exact
{
    public static string Of<T>(T number) where T : IFormattable => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture);
}
