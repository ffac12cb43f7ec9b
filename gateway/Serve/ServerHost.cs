using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Settlement.Engine;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ring;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Http.Batches;
using Settlement.Gateway.Init;
using Settlement.Gateway.Serve.Metrics;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Settle;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve;

/// <summary>One server: a node on its ledger, alone or in a cluster, and the ports by which it is reached. From its start to its end.</summary>
/// <remarks>
/// Order of the start: ledger, operator's key, ports; of a cluster's member: ledger, ports, consensus, and the rest when it leads. Order of an end: clients are told and answered, ports close, the engine drains, the journal closes. When the
/// engine fails nothing is drained: clients are told that outcomes are unknown.
/// </remarks>
internal sealed partial class ServerHost : IAsyncDisposable
{
    /// <summary>How often it is looked whether the engine has failed. Clients are told by the engine itself; this only ends the process. An idle node does little else, so each look a second counts.</summary>
    private const int FailureLookMs = 250;

    private const int ConnectionsToRefuse = 256;

    private readonly OpenedEngine _ledger;
    private readonly WebApplication _app;
    private readonly ServerCertificate _certificate;
    private readonly Metering _metering;
    private readonly Dictionary<string, ListenOptions> _ports;
    private readonly ILogger _log;

    private ServerHost(OpenedEngine ledger, WebApplication app, ServerServices services, ServerCertificate certificate, Metering metering, Dictionary<string, ListenOptions> ports)
    {
        (_ledger, _app, Services, _certificate, _metering, _ports) = (ledger, app, services, certificate, metering, ports);
        _log = services.Logs.CreateLogger("Settlement.Serve");
    }

    public ServerServices Services { get; }

    /// <summary>The ready line: that the server takes payments, and where.</summary>
    public string ReadyLine => "ready " + string.Join(' ', _ports.Select(port => $"{port.Key}={port.Value.IPEndPoint}"));

    /// <summary>Where a port listens, by its name in the ready line.</summary>
    public IPEndPoint PortOf(string name) => _ports[name].IPEndPoint!;

    /// <exception cref="UsageException">The options or files cannot be used.</exception>
    /// <exception cref="JournalException">The journal cannot be opened.</exception>
    /// <exception cref="IOException">A port is taken.</exception>
    public static async Task<ServerHost> StartAsync(ServeOptions options, TextWriter error)
    {
        using var started = new Disposables();
        ServerCertificate certificate = started.Add(ServerCertificate.Open(options));
        // One in sixteen more than may be served, so that they are told so.
        (ConnectionBound http, ConnectionBound binary) = ConnectionBound.Share(
            options.HttpConnectionsMax, options.Wire.ConnectionsMax + (options.Wire.ConnectionsMax / 16) + 16, ConnectionBound.OpenFilesMax());
        var counters = new ServerCounters();
        var egress = new EgressPublisher(options.RingSlots, counters);
        var batches = new ClosedBatches();
        HttpBoards boards = NewBoards(options, batches, error);
        egress.Reviews = boards.Reviews;
        var voice = new ClusterVoice(error);
        OpenedEngine ledger = started.Add(OpenedEngine.Open(options, egress, batches, boards, voice.Tell, error));
        LedgerEngine engine = ledger.Engine;
        var ingress = started.Add(new IngressAdapter(engine, counters));
        KeyId? operatorKey = await ledger.RegisterFirstKeyAsync(options.KeysFolder, ingress).ConfigureAwait(false);

        WebApplicationBuilder builder = NewBuilder(options);
        HttpApi.AddServices(builder.Services);
        UInt128 ledgerId = engine.LedgerId;
        var keys = new LedgerSessionKeys(engine);
        var evidence = new EvidenceDesk(ledgerId, ingress, counters, options.EvidenceThreads);
        started.Add(evidence);
        egress.Evidence = evidence;
        builder.Services.AddSingleton(provider => new WireServer(
            ledgerId, ingress, evidence, keys, options.Wire, counters, provider.GetRequiredService<ILoggerFactory>().CreateLogger("Settlement.Wire")));
        builder.Services.AddSingleton<WireConnectionHandler>();
        builder.Services.AddMetricsExport(options.Metrics);
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, WideBlockPoolFactory>();
        var ports = new Dictionary<string, ListenOptions>();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, certificate.Certificate, ports, http, binary));
        BoundedTransport.Bound(builder.Services, ConnectionBound.Sum(http, binary));
        WebApplication app = builder.Build();
        try
        {
            var wire = app.Services.GetRequiredService<WireServer>();
            egress.SessionEnds = wire;
            engine.LeadingBegan += evidence.OnLeading;
            engine.LeadingEnded += wire.TellNotLeading;
            var services = new ServerServices(
                options, engine, ledgerId, ingress, keys, wire, batches, counters, ledger.Audit, app.Services.GetRequiredService<ILoggerFactory>());
            HttpApiContext api = HttpApi.Map(app, services, boards);
            Metering metering = started.Add(new Metering(engine, ledger.Cluster, ledger.Audit, counters, egress.Tallies, api.Webhooks));
            app.MapMetrics(options.Metrics, metering, new CallerGate(api, Access.Operator, services.Logs.CreateLogger("Settlement.Http")));
            await ListenAsync(app, options).ConfigureAwait(false);
            voice.Begin(services.Logs.CreateLogger("Settlement.Cluster"));
            if (ledger.Cluster is { } cluster)
                await cluster.StartAsync(services, boards).ConfigureAwait(false);
            started.Release();
            var host = new ServerHost(ledger, app, services, certificate, metering, ports);
            services.Open();
            host.TellStart(certificate, operatorKey);
            return host;
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task ListenAsync(WebApplication app, ServeOptions options)
    {
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (System.Net.Sockets.SocketException refused)
        {
            throw new IOException($"The ports at {options.Address} and {options.PlainAddress} cannot be listened on ({refused.Message}): are these addresses of this machine?", refused);
        }
    }

    /// <summary>Serves until it is told to stop or the engine fails.</summary>
    /// <returns>The program's exit code.</returns>
    public async Task<int> RunAsync(TextWriter error)
    {
        SystemdNotify.Ready();
        CancellationToken stopping = _app.Lifetime.ApplicationStopping;
        while (!stopping.IsCancellationRequested && Services.Engine.Failure is null && !NeedsSeed && Cluster?.Removal is null)
            await Task.Delay(FailureLookMs, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // A node that is seeded stays up for the supervisor: it would else be killed for not ending.
        if (!NeedsSeed)
            SystemdNotify.Stopping();
        int code = await StopAsync(error).ConfigureAwait(false);
        if (code != 0 || Cluster?.Removal is not { } removal)
            return code;
        await error.WriteLineAsync(removal).ConfigureAwait(false);
        return SettleCommand.ExitUnusable;
    }

    /// <summary>Whether it ended because the other members have nothing any more from which it could go on: it is to be seeded and started again.</summary>
    public bool NeedsSeed => _ledger.Cluster is { SeedNeeded.IsCompleted: true };

    /// <summary>Of a cluster's member.</summary>
    public ClusterNode? Cluster => _ledger.Cluster;

    /// <summary>Asks it to stop, as a signal does.</summary>
    public void RequestStop() => _app.Lifetime.StopApplication();

    /// <summary>In order, or at once where the engine has failed.</summary>
    /// <returns>The program's exit code.</returns>
    public async Task<int> StopAsync(TextWriter error)
    {
        Services.Close();
        using var until = new CancellationTokenSource();
        if (Services.Engine.Failure is null)
        {
            LogStopping(_log);
            until.CancelAfter(Services.Options.StopMsMax);
            if (_ledger.Cluster is { } cluster)
                await cluster.HandOverAsync(until.Token).ConfigureAwait(false);
            await Services.Wire.DrainAsync(until.Token).ConfigureAwait(false);
        }
        else
        {
            Services.Wire.TellEngineStopped();
        }

        await _app.StopAsync(until.Token).ConfigureAwait(false);
        try
        {
            // A member's stages may wait for others who are gone; what it did not answer is theirs to decide.
            if (Services.Engine.Failure is null && _ledger.Cluster is null)
                Services.Engine.Leading?.Pipeline.Drain();
        }
        catch (EngineStoppedException)
        {
            // Told below: it failed while it drained.
        }

        if (Services.Engine.Failure is { } failure)
        {
            LogEngineFailed(_log, failure);
            await error.WriteLineAsync($"{failure.Message} What was answered is durable; what was not has an unknown outcome until the server is started again.").ConfigureAwait(false);
            return SettleCommand.ExitEngineStopped;
        }

        LogStopped(_log);
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync().ConfigureAwait(false);
        Services.Wire.Evidence.Dispose(); // the last that could write to the ring
        Services.Ingress.Dispose();
        _ledger.Dispose();
        _certificate.Dispose();
        _metering.Dispose();
    }

    private void TellStart(ServerCertificate certificate, KeyId? operatorKey)
    {
        string ledger = Services.LedgerId.ToString("x32", CultureInfo.InvariantCulture);
        LogStarted(_log, ledger);
        if (operatorKey is { } made)
        {
            (string key, string path) = (made.ToString(), Path.Combine(Services.Options.KeysFolder, OperatorKey.PrivateName));
            LogOperatorKey(_log, key, path);
        }

        string shown = Path.Combine(Services.Options.TlsFolder, ServerCertificate.DevelopmentName);
        if (certificate.IsDevelopment)
            LogDevelopment(_log, shown);
    }

    /// <summary>For the HTTP API, before the ledger is opened: what is sealed already is read from the journal; what follows is told in opening it, and then as it closes.</summary>
    private static HttpBoards NewBoards(ServeOptions options, ClosedBatches batches, TextWriter error)
    {
        var boards = new HttpBoards(options.ToHttp(), new BatchBoard(), new ReviewBoard());
        SealedBatches.Tell(options.JournalFolder, boards.Batches.OnClosed, warning => error.WriteLine($"warning: {warning}"), "serve");
        batches.Closed += boards.Batches.OnClosed;
        return boards;
    }

    /// <summary>Settings are read once. Else the host would watch the working folder and all below it, which may hold the journal: every write would wake a thread to be looked at.</summary>
    internal static string[] HostArguments { get; } = ["--hostBuilder:reloadConfigOnChange=false"];

    private static WebApplicationBuilder NewBuilder(ServeOptions options)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = HostArguments });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseSockets(sockets => sockets.MaxReadBufferSize = WireServer.InputBytesMax);
        builder.Services.Configure<ConsoleLifetimeOptions>(lifetime => lifetime.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(options.StopMsMax));
        builder.Logging.ClearProviders();
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (options.Log == LogFormat.Json)
            builder.Logging.AddJsonConsole(json => json.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ");
        else
            builder.Logging.AddSimpleConsole(line => (line.SingleLine, line.TimestampFormat) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ "));
        return builder;
    }

    private static void Listen(KestrelServerOptions kestrel, ServeOptions options, System.Security.Cryptography.X509Certificates.X509Certificate2 certificate, Dictionary<string, ListenOptions> ports, ConnectionBound http, ConnectionBound binary)
    {
        kestrel.AddServerHeader = false;
        // Of each port, so that idle strangers at one do not use up the process' files, of which the journal is one. A binary port says no in words before.
        kestrel.Limits.MaxConcurrentConnections = options.Wire.ConnectionsMax + ConnectionsToRefuse;
        ServerCertificateFeature shown = ServerCertificateFeature.Of(certificate);
        IPAddress plain = IPAddress.Parse(options.PlainAddress);
        IPAddress open = IPAddress.Parse(options.Address);
        Add("binary", binary, plain, options.BinaryPort, listen => listen.UseConnectionHandler<WireConnectionHandler>());
        Add("binary-tls", binary, open, options.BinaryTlsPort, listen =>
        {
            Secure(listen);
            listen.Use(next => context =>
            {
                context.Features.Set(shown);
                return next(context);
            });
            listen.UseConnectionHandler<WireConnectionHandler>();
        });
        Add("http", http, plain, options.HttpPort, _ => { });
        Add("https", http, open, options.HttpsPort, Secure);

        void Add(string name, ConnectionBound bound, IPAddress address, int port, Action<ListenOptions> configure)
        {
            if (port < 0)
                return;
            kestrel.Listen(address, port, listen =>
            {
                ports.Add(name, listen);
                listen.Use(bound.Wrap);
                configure(listen);
            });
        }

        void Secure(ListenOptions listen) => listen.UseHttps(https =>
        {
            https.ServerCertificate = certificate;
            https.SslProtocols = System.Security.Authentication.SslProtocols.Tls13;
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.AllowAnyClientCertificate(); // who it is, is asked by its key alone
            https.HandshakeTimeout = TimeSpan.FromMilliseconds(options.Wire.AuthenticationMsMax);
        });
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Serves ledger {Ledger}.")]
    private static partial void LogStarted(ILogger log, string ledger);

    [LoggerMessage(Level = LogLevel.Information, Message = "The operator's first session was given key {Key}; its private half is {Path}. Whoever holds that file is the operator.")]
    private static partial void LogOperatorKey(ILogger log, string key, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate is a development certificate that this server made for itself, {Path}: clients must be given it. Name one of your own with Certificate and CertificateKey.")]
    private static partial void LogDevelopment(ILogger log, string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stops: answers what is under way.")]
    private static partial void LogStopping(ILogger log);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopped.")]
    private static partial void LogStopped(ILogger log);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The engine has failed.")]
    private static partial void LogEngineFailed(ILogger log, Exception failure);

    /// <summary>What a start that fails half way has to undo, last first.</summary>
    private sealed class Disposables : IDisposable
    {
        private readonly Stack<IDisposable> _all = [];

        public T Add<T>(T one)
            where T : IDisposable
        {
            _all.Push(one);
            return one;
        }

        public void Release() => _all.Clear();

        public void Dispose()
        {
            while (_all.TryPop(out IDisposable? one))
                one.Dispose();
        }
    }
}
