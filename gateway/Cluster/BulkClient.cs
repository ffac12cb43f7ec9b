using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Settlement.Engine.Replication;

namespace Settlement.Gateway.Cluster;

/// <summary>Asks another node's bulk port, which must show the pinned key. Every failure is a <see cref="ClusterException"/> of one sentence.</summary>
/// <remarks>Failure assumed: nobody there, somebody else there, any answer, and an end in the midst of it.</remarks>
internal sealed class BulkClient : IDisposable
{
    private const int AnswerBytesMax = 4 << 20;
    private const int CopyBytes = 1 << 20;

    private readonly HttpClient _http;
    private readonly string _address;
    private UInt128? _ledger; // as the certificate names it; written by: the handshake
    private string? _shown; // the key of whoever answered, if it is not the one expected; written by: the handshake

    /// <param name="address">HOST:PORT.</param>
    /// <param name="pin">Of the node that must answer.</param>
    /// <param name="own">Shown to it; null: none, for a status that nobody answers.</param>
    public BulkClient(string address, string pin, X509Certificate2? own)
    {
        _address = address;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificates = own is null ? null : [own],
                LocalCertificateSelectionCallback = own is null ? null : (_, _, _, _, _) => own,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => IsPinned(certificate, pin),
            },
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri($"https://{address}/cluster/v1/"), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>Which ledger the node is of: as its certificate says, whose key is the one expected.</summary>
    public async Task<UInt128> LedgerAsync(CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "ledger");
        (await AnswerAsync(request, cancel).ConfigureAwait(false)).Dispose();
        return _ledger ?? throw new ClusterException($"The certificate that {_address} shows names no ledger: it is no node's bulk port.");
    }

    public Task<StatusReport> StatusAsync(CancellationToken cancel) => GetAsync("status", BulkJson.Default.StatusReport, cancel);

    public Task<Invitation> InviteAsync(CancellationToken cancel) => SendAsync(HttpMethod.Post, "invitations", null, BulkJson.Default.Invitation, cancel);

    public Task<JoinAnswer> JoinAsync(JoinRequest request, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, "join", Json(request, BulkJson.Default.JoinRequest), BulkJson.Default.JoinAnswer, cancel);

    /// <summary>Makes a node that was let in a member, or does so at the leader.</summary>
    public Task AddMemberAsync(MemberRequest member, CancellationToken cancel) =>
        SendAsync(HttpMethod.Post, "members", Json(member, BulkJson.Default.MemberRequest), cancel);

    public Task RemoveMemberAsync(string pin, CancellationToken cancel) => SendAsync(HttpMethod.Delete, $"members/{pin}", null, cancel);

    /// <param name="to">Pin of the node that is to lead; null: any.</param>
    /// <param name="cancel">Gives up waiting.</param>
    public Task TransferAsync(string? to, CancellationToken cancel) => SendAsync(HttpMethod.Post, to is null ? "transfer" : $"transfer/{to}", null, cancel);

    /// <returns>Null: it has none.</returns>
    public async Task<SnapshotOffer?> NewestSnapshotAsync(CancellationToken cancel)
    {
        using HttpResponseMessage answer = await AnswerAsync(new HttpRequestMessage(HttpMethod.Get, "snapshot"), cancel).ConfigureAwait(false);
        return answer.StatusCode == HttpStatusCode.NoContent ? null : await ReadAsync(answer, BulkJson.Default.SnapshotOffer, cancel).ConfigureAwait(false);
    }

    /// <summary>One block, header and body, as the log has it.</summary>
    public async Task<byte[]> BlockAsync(ulong block, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await AnswerAsync(new HttpRequestMessage(HttpMethod.Get, $"blocks/{block}"), cancel).ConfigureAwait(false);
        return await BytesAsync(answer, cancel).ConfigureAwait(false);
    }

    /// <summary>Fetches a snapshot into a file, from where an attempt before was cut off.</summary>
    public async Task FetchSnapshotAsync(SnapshotOffer offer, string path, CancellationToken cancel)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, CopyBytes);
        await using (file.ConfigureAwait(false))
        {
            if (file.Length > offer.Bytes)
                file.SetLength(0);
            file.Position = file.Length;
            if (file.Position < offer.Bytes)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, $"snapshots/{offer.Name}");
                request.Headers.Range = new RangeHeaderValue(file.Position, null);
                using HttpResponseMessage answer = await AnswerAsync(request, cancel).ConfigureAwait(false);
                if (answer.StatusCode != HttpStatusCode.PartialContent)
                    file.SetLength(0);
                Stream body = await answer.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
                await using (body.ConfigureAwait(false))
                    await ToldAsync(() => body.CopyToAsync(file, CopyBytes, cancel)).ConfigureAwait(false);
            }

            file.Flush(flushToDisk: true);
            if (file.Length != offer.Bytes)
                throw new ClusterException($"The snapshot that {_address} sent is {file.Length} bytes long, and it said {offer.Bytes}. Try again; what came stays and is gone on from.");
        }
    }

    public void Dispose() => _http.Dispose();

    private static ByteArrayContent Json<T>(T value, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancel) => await SendAsync(HttpMethod.Get, path, null, type, cancel).ConfigureAwait(false);

    private async Task SendAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        (await AnswerAsync(request, cancel).ConfigureAwait(false)).Dispose();
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? body, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        using HttpResponseMessage answer = await AnswerAsync(request, cancel).ConfigureAwait(false);
        return await ReadAsync(answer, type, cancel).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        HttpResponseMessage answer = await ToldAsync(() => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel)).ConfigureAwait(false);
        if (answer.IsSuccessStatusCode)
            return answer;
        using (answer)
        {
            byte[] said = await BytesAsync(answer, cancel).ConfigureAwait(false);
            throw FaultOf(said) switch
            {
                { UnknownAsOf: { } block } unknown => new NotKnownException(unknown.Sentence, block, unknown.IsRecovered ?? false),
                { } told => new ClusterException(told.Sentence),
                null => new ClusterException($"{_address} refused ({(int)answer.StatusCode}) and did not say why: look into its log."),
            };
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        try
        {
            return JsonSerializer.Deserialize(await BytesAsync(answer, cancel).ConfigureAwait(false), type) ?? throw new JsonException("null");
        }
        catch (JsonException odd)
        {
            throw new ClusterException($"What {_address} answers is not what this program expects ({odd.Message.TrimEnd('.')}): the two are of different versions.", odd);
        }
    }

    private async Task<byte[]> BytesAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        if (answer.Content.Headers.ContentLength is > AnswerBytesMax)
            throw new ClusterException($"{_address} answers with {answer.Content.Headers.ContentLength} bytes, more than anything of a node's: it is none, or of another version.");
        await ToldAsync(() => answer.Content.LoadIntoBufferAsync(AnswerBytesMax, cancel)).ConfigureAwait(false);
        return await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
    }

    private async Task ToldAsync(Func<Task> ask) => await ToldAsync(async () =>
    {
        await ask().ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);

    private async Task<T> ToldAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (HttpRequestException other) when (_shown is { } shown)
        {
            throw new ClusterException($"{_address} shows the key {shown}, which is not the one expected: it is a node of another cluster, it was made anew, or somebody is between. Nothing was sent to it.", other);
        }
        catch (HttpRequestException refused) when (refused.InnerException is AuthenticationException)
        {
            throw new ClusterException($"{_address} and this node found no common ground in TLS ({refused.InnerException.Message.TrimEnd('.')}): is it a node's bulk port?", refused);
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException or SocketException)
        {
            throw new ClusterException($"{_address} cannot be reached, or broke off ({(gone.InnerException ?? gone).Message.TrimEnd('.')}). Is the node running, and is this its bulk port?", gone);
        }
        catch (TaskCanceledException late) when (late.InnerException is TimeoutException)
        {
            throw new ClusterException($"{_address} did not answer within {_http.Timeout.TotalSeconds} s. What was asked for may be done all the same: look at `cluster status`.", late);
        }
    }

    private bool IsPinned(X509Certificate? certificate, string pin)
    {
        string shown = certificate is X509Certificate2 some ? NodeIdentity.PinOf(some).ToString() : "none";
        if (shown == pin)
        {
            _ledger = NodeIdentity.LedgerOf((X509Certificate2)certificate!);
            return true;
        }

        _shown = shown;
        return false;
    }

    private static BulkFault? FaultOf(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, BulkJson.Default.BulkFault);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
