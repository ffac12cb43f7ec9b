using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using DotNext.Net.Security;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// Whom this node speaks to: TLS 1.3, both sides show a certificate, and the key must be a member's and the ledger this one. Names, dates and authorities of certificates count for nothing.
/// </summary>
/// <remarks>
/// Whoever is called must show the key of the member at that address; whoever calls may be any member. Members trust each other alike: which one a caller says it is, is not checked against its key.
/// Each refusal is one sentence, told again at the earliest after <see cref="RepeatMs"/>, for the library tries again with every heartbeat. TLS sessions are not resumed, so a member that was removed is not let in again.
/// </remarks>
internal sealed class PeerTrust(NodeIdentity identity, Func<MemberList> members, Action<string> refused)
{
    private const int RepeatMs = 30_000;

    /// <summary>Different sentences in that time: whoever may connect may show a new key each time, and must not fill the log with them.</summary>
    private const int RefusalsToldMax = 32;

    private static readonly PropertyInfo InnerStream =
        typeof(AuthenticatedStream).GetProperty("InnerStream", BindingFlags.Instance | BindingFlags.NonPublic) ?? throw new MissingMemberException(nameof(AuthenticatedStream), "InnerStream");

    private readonly Dictionary<string, long> _told = new(StringComparer.Ordinal);
    private volatile PinnedEndPoint? _joining;

    /// <summary>A node that is being added and is no member yet; null: none.</summary>
    public PinnedEndPoint? Joining
    {
        get => _joining;
        set => _joining = value;
    }

    /// <summary>For the library's transport.</summary>
    public SslOptions Options => new()
    {
        ServerOptions = new()
        {
            ServerCertificate = identity.Certificate,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (stream, certificate, _, _) => IsTrusted((SslStream)stream, certificate, isCaller: true),
        },
        ClientOptions = new()
        {
            TargetHost = "settlement-node",
            ClientCertificates = [identity.Certificate],
            LocalCertificateSelectionCallback = (_, _, _, _, _) => identity.Certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (stream, certificate, _, _) => IsTrusted((SslStream)stream, certificate, isCaller: false),
        },
    };

    private bool IsTrusted(SslStream stream, X509Certificate? shown, bool isCaller)
    {
        EndPoint? peer = PeerOf(stream);
        string who = isCaller ? $"A node at {(peer as IPEndPoint)?.Address} that called this one" : $"The node at {peer}";
        if (shown is not X509Certificate2 certificate)
            return Refuse($"{who} showed no certificate; it was refused.");
        if (NodeIdentity.LedgerOf(certificate) is { } ledger && ledger != identity.LedgerId)
            return Refuse(string.Create(CultureInfo.InvariantCulture, $"{who} is of ledger {ledger:x32}, this one of ledger {identity.LedgerId:x32}: two clusters are mixed up. It was refused; nothing was exchanged."));
        Digest pin = NodeIdentity.PinOf(certificate);
        if (isCaller)
            return members().WithPin(pin) is not null || _joining?.Pin == pin || Refuse($"{who} shows the key {pin}, which is no member's; it was refused. Add it with `cluster add`, or correct its list of members.");
        PinnedEndPoint? expected = members().At(peer!) ?? (_joining is { } joining && joining.Equals(peer) ? joining : null);
        return expected?.Pin == pin
            || Refuse(expected is null
                ? $"{who} is no member; it was refused."
                : $"{who} shows the key {pin}, the list of members says {expected.Pin}; it was refused. If the node was made anew, remove it and add it again.");
    }

    private static EndPoint? PeerOf(SslStream stream)
    {
        EndPoint? peer = (InnerStream.GetValue(stream) as NetworkStream)?.Socket.RemoteEndPoint;
        return peer is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port) : peer;
    }

    private bool Refuse(string sentence)
    {
        long now = Environment.TickCount64;
        lock (_told)
        {
            if (_told.TryGetValue(sentence, out long last) && now - last < RepeatMs)
                return false;
            if (_told.Count >= RefusalsToldMax)
            {
                foreach (string old in _told.Where(one => now - one.Value >= RepeatMs).Select(static one => one.Key).ToArray())
                    _told.Remove(old);
                if (_told.Count >= RefusalsToldMax)
                    return false;
            }

            _told[sentence] = now;
        }

        refused(sentence);
        return false;
    }
}
