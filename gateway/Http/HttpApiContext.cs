using Settlement.Gateway.Http.Batches;
using Settlement.Gateway.Http.Ledger;
using Settlement.Gateway.Http.Webhooks;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Http;

/// <summary>How the HTTP API is set up.</summary>
internal sealed record HttpApiOptions
{
    /// <summary>Where `replay tail --to sqlite` keeps the history that statements are read from; null: there is none.</summary>
    public string? ProjectionDirectory { get; init; }

    /// <summary>The ledger's journal, from which receipts are made.</summary>
    public required string JournalDirectory { get; init; }

    /// <summary>File that webhooks are kept in.</summary>
    public required string WebhooksFile { get; init; }

    /// <summary>Whether webhooks may be sent to addresses of this machine and of private networks: for a receiver beside the server, and for tests.</summary>
    public bool WebhooksToPrivateNetworks { get; init; }

    /// <summary>Wait before the second attempt; it doubles with every further one, up to <see cref="WebhookBackOffMax"/>.</summary>
    public TimeSpan WebhookBackOff { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan WebhookBackOffMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>After so many attempts an event goes into the dead-letter list, and the next one is sent. With the default back-off: about an hour and a half.</summary>
    public int WebhookAttemptsMax { get; init; } = 16;

    public TimeSpan WebhookTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A comment on an idle event stream, so that who is between the two does not cut it.</summary>
    public TimeSpan EventsHeartbeat { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>All that endpoints stand on.</summary>
internal sealed record HttpApiContext
{
    public required HttpApiOptions Options { get; init; }

    public required ILedgerPort Port { get; init; }

    public required ISessionKeys Keys { get; init; }

    public required BatchBoard Batches { get; init; }

    public required ReviewBoard Reviews { get; init; }

    public required WebhookBook Webhooks { get; init; }

    public required ReceiptDesk Receipts { get; init; }

    /// <summary>The server is about to end: streams end too.</summary>
    public CancellationToken Stopping { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
