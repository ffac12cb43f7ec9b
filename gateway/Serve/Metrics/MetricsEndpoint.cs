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
/// everybody look as if he came from it: what a proxy forwards is therefore not of this machine.
/// </remarks>
internal static class MetricsEndpoint
{
    public const string Path = "/metrics";

    /// <param name="routes">Of the HTTP port.</param>
    /// <param name="options">Who may read.</param>
    /// <param name="metering">What is read.</param>
    /// <param name="isOperator">Whether a request shows an operator's session.</param>
    public static void MapMetrics(
        this IEndpointRouteBuilder routes, MetricsOptions options, Metering metering, Func<HttpContext, ValueTask<bool>> isOperator)
    {
        if (options.Readers == MetricsReaders.Nobody)
            return;
        routes.MapGet(Path, async context =>
        {
            bool may = options.Readers == MetricsReaders.Operator ? await isOperator(context).ConfigureAwait(false) : IsOfThisMachine(context);
            if (!may)
            {
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
                context.Response.ContentType = "text/plain; charset=utf-8";
                await context.Response.WriteAsync(options.Readers == MetricsReaders.Operator
                    ? "Metrics are for the operator's sessions: send a token of one.\n"
                    : "Metrics are for this machine alone: scrape 127.0.0.1, or set Settlement:Metrics:Readers to operator.\n").ConfigureAwait(false);
                return;
            }

            await metering.Ledger.RefreshAsync().ConfigureAwait(false);
            context.Response.ContentType = MetricsPage.ContentType;
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.WriteAsync(MetricsPage.Write(metering.All)).ConfigureAwait(false);
        }).ExcludeFromDescription();
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
        bool isForwarded = headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Via");
        return !isForwarded && context.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from);
    }
}
