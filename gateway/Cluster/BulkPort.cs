using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;

namespace Settlement.Gateway.Cluster;

/// <summary>What the bulk port serves, and whom it knows.</summary>
internal interface IClusterDesk
{
    StatusReport Status();

    /// <summary>Whether the key is a member's, this node's own among them.</summary>
    bool IsMember(string pin);

    /// <summary>Whether the key is of a node that a secret has let in, and that is no member yet.</summary>
    bool IsLetIn(string pin);

    /// <summary>Number of the block that stated the members as this node knows them, where the key is not among them; and whether `cluster recover` left it behind.</summary>
    (long Block, bool IsRecovered) UnknownAsOf(string? pin);

    Invitation Invite();

    /// <exception cref="ClusterException">The secret is none, or the request says what cannot be.</exception>
    JoinAnswer Join(string pin, JoinRequest request);

    Task AddMemberAsync(MemberRequest member, CancellationToken cancel);

    Task RemoveMemberAsync(string pin, CancellationToken cancel);

    Task TransferAsync(string? to, CancellationToken cancel);

    /// <returns>Null: there is none.</returns>
    SnapshotOffer? NewestSnapshot();

    /// <returns>Null: there is no snapshot of that name.</returns>
    string? SnapshotPath(string name);

    /// <returns>Null: it is not there.</returns>
    byte[]? ReadBlock(ulong block);
}

/// <summary>
/// The port by which nodes of a cluster fetch what is too large for the consensus, and by which the operator's `cluster` verbs ask. TLS 1.3, the node's own certificate; a caller is a member by
/// the key of its certificate, or is let in by a secret that is good once.
/// </summary>
/// <remarks>
/// A server of its own, so that nothing that clients reach has these paths. Failure assumed: strangers, any bytes; nothing is answered them but that they are none.
/// </remarks>
internal sealed class BulkPort : IAsyncDisposable
{
    private const int RequestBytesMax = 64 << 10;
    private const int ConnectionsMax = 128;

    private readonly WebApplication _app;

    private BulkPort(WebApplication app) => _app = app;

    /// <param name="address">Where it listens.</param>
    /// <param name="certificate">The node's.</param>
    /// <param name="desk">What it serves.</param>
    /// <param name="error">For what fails unforeseen.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<BulkPort> StartAsync(IPEndPoint address, X509Certificate2 certificate, IClusterDesk desk, Action<string> error)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = Serve.ServerHost.HostArguments });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = RequestBytesMax;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Listen(address, listen => listen.UseHttps(https =>
            {
                https.ServerCertificate = certificate;
                https.SslProtocols = SslProtocols.Tls13;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.AllowAnyClientCertificate(); // who it is, is asked by its key alone
            }));
        });
        WebApplication app = builder.Build();
        Map(app, desk, error);
        await app.StartAsync().ConfigureAwait(false);
        return new BulkPort(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static void Map(WebApplication app, IClusterDesk desk, Action<string> error)
    {
        var members = app.MapGroup("/cluster/v1").AddEndpointFilter(new Gate(desk, error, Callers.Members));
        var known = app.MapGroup("/cluster/v1").AddEndpointFilter(new Gate(desk, error, Callers.LetIn));
        var strangers = app.MapGroup("/cluster/v1").AddEndpointFilter(new Gate(desk, error, Callers.Anyone));
        strangers.MapGet("/ledger", Results.NoContent); // the certificate has said it
        // Typed as delegates: a handler that takes the request alone would else be none whose result, and whose gate, count.
        strangers.MapPost("/join", (Delegate)(async (HttpContext http) => Of(desk.Join(PinOf(http) ?? throw NotKnown(), await BodyAsync(http, BulkJson.Default.JoinRequest)), BulkJson.Default.JoinAnswer)));
        known.MapGet("/status", () => Of(desk.Status(), BulkJson.Default.StatusReport));
        known.MapGet("/genesis", () => Block(desk.ReadBlock(0)));
        known.MapGet("/blocks/{block}", (ulong block) => Block(desk.ReadBlock(block)));
        known.MapGet("/snapshot", () => desk.NewestSnapshot() is { } offer ? Of(offer, BulkJson.Default.SnapshotOffer) : Results.NoContent());
        known.MapGet("/snapshots/{name}", (string name) => desk.SnapshotPath(name) is { } path
            ? Results.File(path, "application/octet-stream", enableRangeProcessing: true)
            : Fault(StatusCodes.Status404NotFound, $"There is no snapshot {name} any more: a newer one has taken its place. Begin again."));
        known.MapPost("/members", (Delegate)(async (HttpContext http) =>
        {
            MemberRequest member = await BodyAsync(http, BulkJson.Default.MemberRequest);
            if (PinOf(http) is var pin && pin != member.Pin && !desk.IsMember(pin!))
                throw new ClusterException("A node that was let in asks for itself alone.");
            await desk.AddMemberAsync(member, http.RequestAborted);
            return Results.NoContent();
        }));
        members.MapPost("/invitations", () => Of(desk.Invite(), BulkJson.Default.Invitation));
        members.MapDelete("/members/{pin}", async (string pin, HttpContext http) =>
        {
            await desk.RemoveMemberAsync(pin, http.RequestAborted);
            return Results.NoContent();
        });
        members.MapPost("/transfer/{to?}", async (string? to, HttpContext http) =>
        {
            await desk.TransferAsync(to, http.RequestAborted);
            return Results.NoContent();
        });
    }

    private static string? PinOf(HttpContext http) => http.Connection.ClientCertificate is { } certificate ? NodeIdentity.PinOf(certificate).ToString() : null;

    private static ClusterException NotKnown() => new("This node does not know the key that was shown: it is no member's. `cluster add` at a running member prints the line by which a new node joins.");

    private static IResult Of<T>(T value, JsonTypeInfo<T> type) => Results.Json(value, type);

    private static IResult Block(byte[]? bytes) => bytes is null
        ? Fault(StatusCodes.Status404NotFound, "That block is not here: it lies before the oldest that is kept, or is not written yet.")
        : Results.Bytes(bytes, "application/octet-stream");

    private static IResult Fault(int status, string sentence) => Results.Json(new BulkFault(sentence), BulkJson.Default.BulkFault, statusCode: status);

    private static async Task<T> BodyAsync<T>(HttpContext http, JsonTypeInfo<T> type)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(http.Request.Body, type, http.RequestAborted) ?? throw new JsonException("null");
        }
        catch (JsonException odd)
        {
            throw new ClusterException($"The request does not read as one ({odd.Message.Split(" Path:", 2)[0].TrimEnd('.')}): the two nodes are of different versions.");
        }
    }

    private enum Callers
    {
        Anyone,
        LetIn,
        Members,
    }

    /// <summary>Lets in who may, and makes a sentence of every fault.</summary>
    private sealed class Gate(IClusterDesk desk, Action<string> error, Callers callers) : IEndpointFilter
    {
        public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
        {
            HttpContext http = invocation.HttpContext;
            try
            {
                string? pin = PinOf(http);
                bool isKnown = callers == Callers.Anyone || (pin is not null && (desk.IsMember(pin) || (callers == Callers.LetIn && desk.IsLetIn(pin))));
                if (!isKnown)
                    return Unknown(pin);
                return await next(invocation);
            }
            catch (Exception refused) when (refused is ClusterException or JournalException)
            {
                return Fault(StatusCodes.Status409Conflict, refused.Message);
            }
            catch (Microsoft.AspNetCore.Http.BadHttpRequestException bad) when (!http.Response.HasStarted)
            {
                return Fault(bad.StatusCode, $"The request cannot be read: {bad.Message}");
            }
            catch (Exception fault) when (fault is not OperationCanceledException && !http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
            {
                error($"The bulk port could not answer {http.Request.Method} {http.Request.Path}: {fault}");
                return Fault(StatusCodes.Status500InternalServerError, $"The node could not do it ({fault.Message.TrimEnd('.')}); its log says more.");
            }
        }

        private IResult Unknown(string? pin)
        {
            (long block, bool isRecovered) = desk.UnknownAsOf(pin);
            return Results.Json(new BulkFault(NotKnown().Message, block, isRecovered), BulkJson.Default.BulkFault, statusCode: StatusCodes.Status403Forbidden);
        }
    }
}
