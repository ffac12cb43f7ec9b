using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Gateway.Http.Auth;
using Settlement.Perf.Cluster;

namespace Settlement.Perf.Chaos;

/// <summary>Reads at any node over HTTP, as one session: says what it has seen, and writes down what it is told, by whom.</summary>
/// <remarks>A follower that is behind sends it to the leader; then the leader is who told. Failure assumed: no answer, or one that says that nothing can be said now; that is no read.</remarks>
internal sealed class LedgerReader : IDisposable
{
    private static readonly TimeSpan s_tokenLife = TimeSpan.FromMinutes(55);

    private readonly LocalCluster _cluster;
    private readonly HistoryWriter _history;
    private readonly string _client;
    private readonly ECDsa _key;
    private readonly HttpClient _http;
    private readonly ConcurrentDictionary<string, bool> _batchesTold = new();
    private string _token = "";
    private DateTimeOffset _tokenMade = DateTimeOffset.MinValue;
    private ulong _seen; // written by: the one caller

    public LedgerReader(LocalCluster cluster, HistoryWriter history, string client, ECDsa key)
    {
        (_cluster, _history, _client, _key) = (cluster, history, client, key);
        Refused = "";
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(1), PooledConnectionLifetime = TimeSpan.FromSeconds(20),
            SslOptions = new System.Net.Security.SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null && cluster.IsShown(certificate) },
        })
        { Timeout = TimeSpan.FromSeconds(3) };
    }

    /// <summary>The last answer that was no read.</summary>
    public string Refused { get; private set; }

    /// <summary>Somebody of the same session has seen this: what is read next must not be older.</summary>
    public void Saw(ulong sequence) => _seen = Math.Max(_seen, sequence);

    /// <returns>Whether there was an answer.</returns>
    public async Task<bool> ReadAsync(ClusterMember member, ulong wallet, CancellationToken cancel)
    {
        ulong atLeast = _seen;
        (JsonElement Answer, string Node)? told = await AskAsync(member, FormattableString.Invariant($"/v1/wallets/{wallet}/balances"), atLeast, cancel).ConfigureAwait(false);
        if (told is not { } answer)
            return false;
        ulong sequence = Number(answer.Answer.GetProperty("as_of_sequence"));
        AccountSeen[] accounts = [.. answer.Answer.GetProperty("balances").EnumerateArray().Select(balance =>
        {
            ulong held = Number(balance.GetProperty("held"));
            return new AccountSeen(wallet, Iso4217.NumberOf(balance.GetProperty("currency").GetString()!), Number(balance.GetProperty("available")) + Number(balance.GetProperty("pending")) + held, held);
        })];
        _history.Read(_client, answer.Node, atLeast, sequence, accounts);
        Saw(sequence);
        return true;
    }

    /// <summary>The newest batches that a node knows; of the operator's sessions alone, for others do not see state hashes.</summary>
    public async Task<bool> ReadBatchesAsync(ClusterMember member, CancellationToken cancel)
    {
        if (await AskAsync(member, "/v1/batches?limit=20", 0, cancel).ConfigureAwait(false) is not { } told)
            return false;
        foreach (JsonElement batch in told.Answer.GetProperty("batches").EnumerateArray())
        {
            ulong number = Number(batch.GetProperty("batch"));
            if (_batchesTold.TryAdd(FormattableString.Invariant($"{told.Node} {number}"), true))
                _history.Batch(_client, told.Node, number, batch.GetProperty("root").GetString()!, batch.GetProperty("state_hash").GetString()!);
        }

        return true;
    }

    public void Dispose() => _http.Dispose();

    private async Task<(JsonElement Answer, string Node)?> AskAsync(ClusterMember member, string path, ulong atLeast, CancellationToken cancel)
    {
        bool isSecure = member.Ports.Http < 0;
        string address = $"{(isSecure ? "https" : "http")}://{member.Ports.Address}:{(isSecure ? member.Ports.Https : member.Ports.Http).ToString(CultureInfo.InvariantCulture)}{path}";
        string node = member.Name;
        for (int hops = 0; hops < 3; hops++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Add("Authorization", $"Bearer {Token()}");
            request.Headers.Add("Settlement-At-Least", atLeast.ToString(CultureInfo.InvariantCulture));
            try
            {
                using HttpResponseMessage answer = await _http.SendAsync(request, cancel).ConfigureAwait(false);
                if (answer.StatusCode == HttpStatusCode.TemporaryRedirect && answer.Headers.Location is { } there)
                {
                    address = there.ToString();
                    node = _cluster.Members.FirstOrDefault(one => there.Port == (isSecure ? one.Ports.Https : one.Ports.Http) && there.Host == one.Ports.Address.ToString())?.Name ?? there.Authority;
                    continue;
                }

                string text = await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
                if (!answer.IsSuccessStatusCode)
                {
                    Refused = $"{node}: {(int)answer.StatusCode} {text}";
                    return null;
                }

                return (JsonDocument.Parse(text).RootElement, node);
            }
            catch (Exception away) when (away is HttpRequestException or IOException || (away is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                Refused = $"{node}: {away.Message}";
                return null;
            }
        }

        return null;
    }

    private string Token()
    {
        if (DateTimeOffset.UtcNow - _tokenMade > s_tokenLife / 2)
            (_token, _tokenMade) = (BearerToken.Write(_key, _cluster.LedgerId, DateTimeOffset.UtcNow, s_tokenLife), DateTimeOffset.UtcNow);
        return _token;
    }

    private static ulong Number(JsonElement text) => ulong.Parse(text.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture);
}
