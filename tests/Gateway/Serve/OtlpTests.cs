using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Serve.Metrics;

namespace Settlement.Tests.Gateway.Serve;

/// <summary>Metrics that are sent to a collector: one that stands here in its place, and looks at what arrives.</summary>
public sealed class OtlpTests
{
    private const int DeadlineMs = 60_000;
    private const string Export = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

    [Test]
    public async Task A_collector_that_is_named_is_sent_counters_gauges_and_histograms()
    {
        var received = new ConcurrentQueue<string>();
        await using WebApplication collector = Collector(received);
        await collector.StartAsync();
        using var folder = new TemporaryFolder();
        await using ServerHost host = await ServerHost.StartAsync(
            new ServeOptions
            {
                Data = folder.Path, BinaryPort = 0, BinaryTlsPort = 0, HttpPort = 0, HttpsPort = 0, AccountsMax = 4_096, RingSlots = 32_768, IdMemoryBytes = 4 << 20,
                SnapshotEveryBytes = 0, StopMsMax = 2_000, Metrics = new MetricsOptions { OtlpEndpoint = collector.Urls.First(), OtlpEveryMs = 1_000 },
            },
            TestContext.Out);
        // Registering the operator's key is a frame of its own, before anybody listens; the next one's time is passed on.
        long until = Environment.TickCount64 + DeadlineMs;
        string[] expected = ["settlement.payments", "insufficient_funds", "settlement.ring_used_slots", "settlement.engine_running", "dotnet.gc"];
        while (!expected.All(name => received.Any(body => body.Contains(name, StringComparison.Ordinal))))
        {
            Assert.That(Environment.TickCount64, Is.LessThan(until), $"the collector was sent {received.Count} messages");
            await Task.Delay(50);
        }

        await host.StopAsync(TestContext.Out);
    }

    /// <summary>As much of gRPC as an exporter needs: a message comes in, an empty one goes out, with status 0 behind it.</summary>
    private static WebApplication Collector(ConcurrentQueue<string> received)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        WebApplication app = builder.Build();
        app.MapPost(Export, async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received.Enqueue(Encoding.Latin1.GetString(body.ToArray()));
            context.Response.ContentType = "application/grpc";
            context.Response.DeclareTrailer("grpc-status");
            await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        return app;
    }
}
