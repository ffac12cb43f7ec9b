using Settlement.Engine.Snapshots;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http;
using Settlement.Gateway.Init;
using Settlement.Gateway.Serve.Metrics;
using Settlement.Gateway.Settle;
using Settlement.Gateway.Wire;
using Settlement.History;

namespace Settlement.Gateway.Serve;

/// <summary>How logs are written.</summary>
internal enum LogFormat
{
    /// <summary>A line of words.</summary>
    Text,

    /// <summary>A JSON object a line.</summary>
    Json,
}

/// <summary>
/// What `serve` was told, by appsettings.json, then the environment, then flags: the section <c>Settlement</c>. None of it can change a verdict: what can is journaled.
/// </summary>
internal sealed class ServeOptions
{
    /// <summary>Folder of everything that the server keeps: <c>journal</c>, <c>keys</c>, <c>tls</c>. The only one without a default.</summary>
    public string? Data { get; set; }

    /// <summary>Address that the TLS ports listen at.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Address of the ports without TLS; a loopback address and no other.</summary>
    public string PlainAddress { get; set; } = "127.0.0.1";

    // Ports: 0: any that is free, which the ready line says; -1: none.
    public int BinaryPort { get; set; } = 7710;

    public int BinaryTlsPort { get; set; } = 7711;

    public int HttpPort { get; set; } = 7780;

    public int HttpsPort { get; set; } = 7443;

    /// <summary>Connections at one time to both HTTP ports together; fewer where the operating system gives fewer files.</summary>
    public int HttpConnectionsMax { get; set; } = 4_096;

    /// <summary>PEM of the certificate that the server shows; null: a development certificate in <c>tls</c>.</summary>
    public string? Certificate { get; set; }

    /// <summary>PEM of the certificate's private key.</summary>
    public string? CertificateKey { get; set; }

    /// <summary>File of the node's private key; null: beside the journal.</summary>
    public string? NodeKey { get; set; }

    /// <summary>Accounts that a new ledger has room for.</summary>
    public int AccountsMax { get; set; } = LedgerFounding.AccountsMaxDefault;

    public long IdMemoryBytes { get; set; } = SettleOptions.IdMemoryBytesDefault;

    /// <summary>Bytes of journal between snapshots; 0: none are taken.</summary>
    public long SnapshotEveryBytes { get; set; } = SettleOptions.SnapshotEveryDefault;

    /// <summary>Slots of the ring, a power of two.</summary>
    public int RingSlots { get; set; } = 65_536;

    /// <summary>Threads that check signatures and links of payers' consent.</summary>
    public int EvidenceThreads { get; set; } = Math.Max(1, Environment.ProcessorCount / 2);

    public LogFormat Log { get; set; } = LogFormat.Text;

    /// <summary>Milliseconds that a stop waits for clients.</summary>
    public int StopMsMax { get; set; } = 10_000;

    /// <summary>The history in SQLite that `replay tail` keeps, or its folder: statements and look-ups read it; null: there is none.</summary>
    public string? Projection { get; set; }

    /// <summary>Whether webhooks may be delivered to this machine and to private networks.</summary>
    public bool WebhooksToPrivateNetworks { get; set; }

    /// <summary>Milliseconds before a failed delivery is tried again; doubled with each further attempt, up to ten minutes.</summary>
    public int WebhookBackOffMs { get; set; } = 1_000;

    /// <summary>Attempts before an event is given up.</summary>
    public int WebhookAttemptsMax { get; set; } = 16;

    /// <summary>Bounds of the binary port.</summary>
    public WireOptions Wire { get; set; } = new();

    /// <summary>How the journal is read again in the background.</summary>
    public AuditSettings Audit { get; set; } = new();

    /// <summary>Of a node whose folder belongs to a cluster.</summary>
    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>Who reads metrics, and where they are sent.</summary>
    public MetricsOptions Metrics { get; set; } = new();

    public string JournalFolder => Path.Combine(Data!, "journal");

    public string KeysFolder => Path.Combine(Data!, "keys");

    public string TlsFolder => Path.Combine(Data!, "tls");

    public HttpApiOptions ToHttp() => new()
    {
        ProjectionDirectory = Projection is { } path && path.EndsWith(HistorySchema.FileName, StringComparison.Ordinal) ? Path.GetDirectoryName(Path.GetFullPath(path)) : Projection,
        JournalDirectory = JournalFolder,
        WebhooksFile = Path.Combine(Data!, "webhooks.json"),
        WebhooksToPrivateNetworks = WebhooksToPrivateNetworks,
        WebhookBackOff = TimeSpan.FromMilliseconds(WebhookBackOffMs),
        WebhookAttemptsMax = WebhookAttemptsMax,
    };
}
