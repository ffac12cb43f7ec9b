using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Settlement.Gateway.Http.Answers;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Batches;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Http.Page;
using Settlement.Gateway.Http.Payments;
using Settlement.Gateway.Http.Webhooks;
using Settlement.Gateway.Serve;

namespace Settlement.Gateway.Http;

/// <summary>
/// The map of the HTTP API: <c>/v1</c> for programs, its description at <c>/openapi/v1.json</c>, a page for people at <c>/</c>, health for whoever watches.
/// </summary>
/// <remarks>
/// Everything stands on four things: the engine's port (questions between two blocks, slots in the ring), the register of keys, the boards of batches and reviews, and,
/// for what was, the history that `replay tail` keeps. Nothing here runs on an engine's thread but what a board notes.
/// </remarks>
internal static class HttpApi
{
    /// <summary>Watchers ask by either.</summary>
    private static readonly string[] s_reads = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>What must be known before the host is built.</summary>
    public static void AddServices(IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, HttpJson.Default));
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = System.Text.Json.JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict; // as it is read; the description says so
        });
        services.AddOpenApi("v1", ApiDescription.Configure);
    }

    /// <returns>What the API stands on: others ask it who may come in.</returns>
    public static HttpApiContext Map(WebApplication app, ServerServices services, HttpBoards boards)
    {
        ILogger log = services.Logs.CreateLogger("Settlement.Http");
        var context = new HttpApiContext
        {
            Options = boards.Options,
            Port = new EnginePort(services.Ingress, services.LedgerId),
            Keys = services.Keys,
            Batches = boards.Batches,
            Reviews = boards.Reviews,
            Stopping = app.Lifetime.ApplicationStopping,
            Webhooks = WebhookBook.Open(boards.Options.WebhooksFile, log),
            Receipts = new ReceiptDesk(boards.Options.JournalDirectory),
        };
        // Live: the process answers and its engine runs. Ready: it takes payments.
        app.MapMethods("/health/live", s_reads, () => services.Engine.Failure is null ? Results.Text("live\n") : Results.Text("the engine has stopped\n", statusCode: StatusCodes.Status503ServiceUnavailable)).ExcludeFromDescription();
        app.MapMethods("/health/ready", s_reads, () => services.IsReady ? Results.Text(services.Audit.Sentence is null ? "ready\n" : "ready, and the disk has lost something: see the log, `cluster status` and settlement_audit_damaged\n") : Results.Text("not ready\n", statusCode: StatusCodes.Status503ServiceUnavailable)).ExcludeFromDescription();
        app.Use(next => new ReadFreshness(services.Engine, services.Options.Cluster.ReadWaitMsMax, next).InvokeAsync);
        MapApi(app, context, log);
        app.MapOpenApi("/openapi/{documentName}.json");
        ConsolePage.Map(app);
        return context;
    }

    private static void MapApi(WebApplication app, HttpApiContext context, ILogger log)
    {
        app.Use(next => http => AnswerUnmatchedAsync(http, next));
        var reading = new PaymentReading(context.Port);
        var words = new BatchWords(context.Port, reading);
        var sender = new WebhookSender(context, words, reading, log);
        RouteGroupBuilder strangers = Group(app, context, Access.Public, log);
        RouteGroupBuilder sessions = Group(app, context, Access.Session, log);
        RouteGroupBuilder operators = Group(app, context, Access.Operator, log);
        new LedgerEndpoints(context).Map(strangers, sessions);
        new PaymentEndpoints(context, reading).Map(sessions);
        var history = new HistoryEndpoints(context);
        history.Map(sessions);
        new BatchEndpoints(context, words, history).Map(sessions);
        new RuleEndpoints(context).Map(strangers);
        new OperatorEndpoints(context).Map(sessions, operators);
        new WebhookEndpoints(context, sender).Map(sessions);
        app.Lifetime.ApplicationStarted.Register(sender.Start);
        app.Lifetime.ApplicationStopped.Register(context.Receipts.Dispose);
        app.Lifetime.ApplicationStopping.Register(() => sender.DisposeAsync().AsTask().GetAwaiter().GetResult());
    }

    /// <summary>
    /// What no endpoint takes is a problem, too: no such path, another method, a body that is no JSON. And no answer of any kind is kept, or taken for another type than it says.
    /// </summary>
    private static async Task AnswerUnmatchedAsync(HttpContext http, RequestDelegate next)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "no-store";
        await next(http);
        if (http.Response.HasStarted || http.Response.ContentLength is not null || !http.Request.Path.StartsWithSegments("/v1"))
            return;
        ProblemException? problem = http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => Problem.NotFound($"There is nothing at {http.Request.Path}: /openapi/v1.json lists what there is."),
            StatusCodes.Status405MethodNotAllowed => Problem.WrongMethod($"{http.Request.Path} does not take {http.Request.Method}: /openapi/v1.json says what it takes."),
            StatusCodes.Status415UnsupportedMediaType => Problem.NotJson(),
            _ => null,
        };
        if (problem is not null)
            await Problem.WriteAsync(http, problem.Answer);
    }

    private static RouteGroupBuilder Group(WebApplication app, HttpApiContext context, Access access, ILogger log)
    {
        RouteGroupBuilder group = app.MapGroup("/v1");
        group.AddEndpointFilter(new CallerGate(context, access, log));
        group.WithMetadata(new AccessNote(access));
        return group;
    }
}

/// <summary>What the engine tells the API as it goes.</summary>
internal sealed record HttpBoards(HttpApiOptions Options, BatchBoard Batches, ReviewBoard Reviews);

/// <summary>Who may come in, for the description.</summary>
internal sealed record AccessNote(Access Access);
