using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;

namespace Settlement.Gateway.Serve.Metrics;

/// <summary>Where metrics leave the process: the scrape page, and the collector that the operator named.</summary>
/// <remarks>
/// Rates and verdicts tell a stranger how much is paid and refused, so the page is for this machine alone unless the operator says otherwise. A proxy on this machine would make
/// everybody look as if he came from it: what says that it was forwarded is therefore not of this machine, and neither is what asks for another host's name, as a proxy passes it on,
/// and as a page of another site does whose name was made to mean this machine. A proxy that hides both must keep this path to itself, or the operator sets another reader.
/// </remarks>
internal static class MetricsEndpoint
{
    public const string Path = "/metrics";

    private static readonly string[] s_forwarding = ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

    private static readonly IResult s_forbidden = Results.Text(
        $"Metrics are for this machine alone: scrape 127.0.0.1, or set {ServeSettings.Section}:Metrics:Readers to operator.\n", statusCode: StatusCodes.Status403Forbidden);

    /// <param name="routes">Of the HTTP port.</param>
    /// <param name="options">Who may read.</param>
    /// <param name="metering">What is read.</param>
    /// <param name="operators">Lets an operator's session in, and nobody else.</param>
    public static void MapMetrics(this IEndpointRouteBuilder routes, MetricsOptions options, Metering metering, IEndpointFilter operators)
    {
        if (options.Readers == MetricsReaders.Nobody)
            return;
        RouteHandlerBuilder route = routes.MapGet(Path, (Delegate)((HttpContext context) => AnswerAsync(context, metering))).ExcludeFromDescription();
        if (options.Readers == MetricsReaders.Operator)
            route.AddEndpointFilter(operators);
        else
            route.AddEndpointFilter(async (invocation, next) => IsOfThisMachine(invocation.HttpContext) ? await next(invocation).ConfigureAwait(false) : s_forbidden);
    }

    private static async Task<IResult> AnswerAsync(HttpContext context, Metering metering)
    {
        await metering.Ledger.RefreshAsync().ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        return Results.Text(MetricsPage.Write(metering.All), MetricsPage.ContentType);
    }

    /// <summary>Sends the meter's metrics, and the runtime's, to a collector; does nothing where none is named.</summary>
    public static void AddMetricsExport(this IServiceCollection services, MetricsOptions options)
    {
        if (options.OtlpEndpoint is null)
            return;
        services.AddOpenTelemetry().WithMetrics(provider => provider
            .AddMeter(MeterInstruments.MeterName, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel")
            .AddOtlpExporter((exporter, reader) =>
            {
                exporter.Endpoint = new Uri(options.OtlpEndpoint);
                exporter.Protocol = OtlpExportProtocol.Grpc;
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = options.OtlpEveryMs;
            }));
    }

    private static bool IsOfThisMachine(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        string host = context.Request.Host.Host;
        bool isNamed = host.Length == 0 || string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out IPAddress? named) && IPAddress.IsLoopback(named));
        return isNamed && !s_forwarding.Any(headers.ContainsKey) && context.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from);
    }
}
