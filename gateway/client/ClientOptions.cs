using System.Security.Cryptography.X509Certificates;
using Settlement.Client.Wire;

namespace Settlement.Client;

/// <summary>Where the ledger is, how it is recognised, and who asks.</summary>
/// <remarks>
/// The server is recognised by <see cref="ServerCertificateFile"/>, <see cref="ServerKeyPin"/> or <see cref="AuthorityFile"/>, whichever is given, else
/// by the machine's own authorities and its host name. The client shows <see cref="Signer"/> (or <see cref="KeyFile"/>) by a signature, or
/// <see cref="Certificate"/> by TLS.
/// </remarks>
public sealed record ClientOptions
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>
    /// Further nodes of the same cluster, as HOST:PORT: any of them names the leader, and one that is down is passed over. A node that leads need not be among them.
    /// </summary>
    public IReadOnlyList<string> OtherNodes { get; init; } = [];

    /// <summary>A file of the session's private key: P-256, PKCS#8 PEM.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The session's key, wherever it is kept. Stays the caller's.</summary>
    public KeySigner? Signer { get; init; }

    /// <summary>A certificate with its private key, whose public key is the session's. Stays the caller's.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>No TLS: whoever is between the two reads and writes everything. To a loopback address only, unless <see cref="PlainAnywhere"/>.</summary>
    public bool Plain { get; init; }

    /// <summary>Allows <see cref="Plain"/> to other machines.</summary>
    public bool PlainAnywhere { get; init; }

    /// <summary>PEM of the server's certificate, or of those of all nodes, one behind the other: the server must show a certificate of the same public key as one of them.</summary>
    public string? ServerCertificateFile { get; init; }

    /// <summary>SHA-256 of the server's SubjectPublicKeyInfo, as 64 hexadecimal digits; of several nodes with commas between.</summary>
    public string? ServerKeyPin { get; init; }

    /// <summary>PEM of the authorities whose certificates are believed; the host's name must match.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>How long a call waits for its answer, sending and reconnecting included.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one try to connect may take, up to the session.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Tries to connect again after a connection broke, before the client gives up and says so to every caller. Where there are several nodes a try asks each of them, and tries go on at
    /// least as long as <see cref="Deadline"/>: a cluster that has just lost its leader has another in a moment.
    /// </summary>
    public int ReconnectTries { get; init; } = 10;

    /// <summary>Pause before the first of them; each next is twice as long, up to <see cref="ReconnectPauseMax"/>, less a random half.</summary>
    public TimeSpan ReconnectPause { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ReconnectPauseMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Payments in one frame, at most; the server may allow less.</summary>
    public int FramePaymentsMax { get; init; } = WireLimits.FramePaymentsMax;

    /// <summary>Payments that calls have handed over and that are not yet sent: beyond them, a call waits for room.</summary>
    public int QueuedPaymentsMax { get; init; } = 1 << 18;

    /// <summary>Asks for the resulting balance of each payment; costs 16 bytes of answer a payment.</summary>
    public bool TellsBalances { get; init; }

    /// <summary>Asks for an entry of each payment's answer, accepted or not: with it, every verdict has its batch.</summary>
    public bool ListsAll { get; init; }
}
