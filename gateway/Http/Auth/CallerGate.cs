using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http.Auth;

/// <summary>Who may come in.</summary>
internal enum Access
{
    /// <summary>Anyone; who shows a key is known by it.</summary>
    Public,

    /// <summary>A session of any participant.</summary>
    Session,

    /// <summary>A session of the operator.</summary>
    Operator,
}

/// <summary>
/// In front of every endpoint: finds the session by the TLS client certificate or the bearer token, lets in who may, and makes of every fault a problem.
/// </summary>
/// <remarks>
/// A token that does not hold is refused everywhere, also where a stranger may come in: who shows a key means to be known by it.
/// A browser shows a client certificate for whatever page asks it to, so a certificate counts for no request that another site's page sends; a token no page has by itself.
/// Invariant: no answer and no log line says which part of a credential was wrong.
/// </remarks>
internal sealed class CallerGate(HttpApiContext context, Access access, ILogger log) : IEndpointFilter
{
    private const string BearerPrefix = "Bearer ";

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        HttpContext http = invocation.HttpContext;
        try
        {
            Caller caller = await FindAsync(http) ?? throw Problem.Unauthenticated();
            if (access != Access.Public && caller.IsStranger)
                throw Problem.Unauthenticated();
            if (access == Access.Operator && !caller.IsOperator)
                throw Problem.Forbidden();
            http.Items[typeof(Caller)] = caller;
            return await next(invocation);
        }
        catch (ProblemException problem)
        {
            return Answer.Of(problem.Answer);
        }
        catch (LedgerUnavailableException unavailable)
        {
            return Answer.Of(Problem.Unavailable(unavailable).Answer);
        }
        catch (NotLeadingException elsewhere)
        {
            return Answer.Of(Problem.NotLeading(elsewhere.Leader, http.Request.IsHttps).Answer);
        }
        catch (EngineStoppedException)
        {
            return Answer.Of(Problem.Unavailable(new LedgerUnavailableException("the engine has stopped", mayHaveHappened: false)).Answer);
        }
        catch (BadHttpRequestException bad)
        {
            return Answer.Of(Problem.Invalid($"The request cannot be read: {bad.Message}").Answer);
        }
        catch (Exception fault) when (fault is not OperationCanceledException && !http.Response.HasStarted)
        {
            HttpLog.Failed(log, http.Request.Method, http.GetEndpoint()?.DisplayName ?? "", fault);
            return Answer.Of(new ProblemAnswer
            {
                Type = "urn:settlement:problem:internal", Title = "The server failed", Status = StatusCodes.Status500InternalServerError,
                Detail = "The request could not be answered, and the fault is in the server's log. What was sent may have been carried out: send the same again, with the same id or Idempotency-Key.",
            });
        }
    }

    public static Caller CallerOf(HttpContext http) => (Caller)http.Items[typeof(Caller)]!;

    /// <returns>Null: what was shown is the key of no open session.</returns>
    private async ValueTask<Caller?> FindAsync(HttpContext http)
    {
        string header = http.Request.Headers.Authorization.ToString();
        if (header.Length > 0)
        {
            if (!header.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase)
                || BearerToken.Read(header[BearerPrefix.Length..].Trim(), context.Port.LedgerId, context.Time.GetUtcNow()) is not { } token)
                return null;
            return await context.Keys.FindAsync(token.Key, http.RequestAborted) is { } found && token.IsSignedBy(found) ? CallerFor(found) : null;
        }

        if (await http.Connection.GetClientCertificateAsync(http.RequestAborted) is not { } certificate)
            return Caller.Stranger;
        if (IsSentByAnotherSite(http.Request))
            throw Problem.OtherSite();
        return await context.Keys.FindAsync(IdOf(certificate), http.RequestAborted) is { } shown ? CallerFor(shown) : null;
    }

    /// <summary>Browsers say so by Sec-Fetch-Site, or, older ones, by an Origin with every request that may change something; programs send neither.</summary>
    private static bool IsSentByAnotherSite(HttpRequest request)
    {
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        string origin = request.Headers.Origin.ToString();
        return site is not ("" or "same-origin" or "none")
            || (origin.Length > 0 && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase));
    }

    private static Caller CallerFor(SessionKey key) => new(key.Session, key.Record.Participant, key.Record.Clearance, key.Record.IsOperator, key.Id);

    private static KeyId IdOf(X509Certificate2 certificate) => KeyId.From(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
}

/// <summary>What the HTTP API logs: faults, without anything of a request's content.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "HTTP {Method} {Endpoint} failed")]
    public static partial void Failed(ILogger log, string method, string endpoint, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "webhook {Webhook}: event {Event} was given up after {Attempts} attempts ({Outcome}); it is in the dead-letter list")]
    public static partial void GivenUp(ILogger log, string webhook, string @event, int attempts, string outcome);

    [LoggerMessage(Level = LogLevel.Error, Message = "webhook {Webhook}: its deliveries have stopped until the server is started again")]
    public static partial void SenderFailed(ILogger log, string webhook, Exception fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "webhooks: their state cannot be kept in '{Path}'")]
    public static partial void NotKept(ILogger log, string path, Exception fault);
}
