using System.ComponentModel;

namespace Settlement.Gateway.Http.Webhooks;

internal sealed record WebhookRequest
{
    [Description("Where events are posted to: http or https, without user name or fragment.")]
    public required string Url { get; init; }

    [Description("batch_closed, payment_under_review, or both.")]
    public required IReadOnlyList<string> Events { get; init; }

    [Description("Batches behind this number are told; left away: those that close from now on.")]
    public string? AfterBatch { get; init; }

    [Description("Reviews behind this sequence are told, as far as they still wait; left away: those from now on.")]
    public string? AfterSequence { get; init; }
}

internal sealed record WebhookAnswer
{
    public required string Webhook { get; init; }

    public required string Url { get; init; }

    public required IReadOnlyList<string> Events { get; init; }

    [Description("Signs every delivery. Told once, when the webhook is made, and never again.")]
    public string? Secret { get; init; }

    [Description("Batches up to this number were delivered, or given up.")]
    public required string AfterBatch { get; init; }

    [Description("Reviews up to this sequence were delivered, or given up.")]
    public required string AfterSequence { get; init; }

    [Description("Failed attempts at the event that is next.")]
    public required int Attempts { get; init; }

    [Description("How the last attempt failed: an HTTP status, timeout, refused or unreachable.")]
    public string? LastFailure { get; init; }

    [Description("Events that were given up: see /dead_letters.")]
    public required int DeadLetters { get; init; }
}

internal sealed record WebhookList
{
    public required IReadOnlyList<WebhookAnswer> Webhooks { get; init; }
}

internal sealed record DeadLetterList
{
    public required IReadOnlyList<DeadLetter> DeadLetters { get; init; }

    [Description("Older ones that were forgotten because the list was full.")]
    public required long Forgotten { get; init; }
}

internal sealed record DeadLetter
{
    [Description("batch-N or review-SEQUENCE.")]
    public required string Event { get; init; }

    [Description("When it was given up, RFC 3339.")]
    public required string GivenUp { get; init; }

    public required string LastFailure { get; init; }
}

[Description("What is posted: the body of a delivery.")]
internal sealed record WebhookEvent
{
    [Description("batch-N or review-SEQUENCE: the same at every attempt, for a receiver that has to tell repeats.")]
    public required string Event { get; init; }

    [Description("batch_closed or payment_under_review.")]
    public required string Type { get; init; }

    public required string Ledger { get; init; }

    public Answers.BatchAnswer? Batch { get; init; }

    public ReviewAnswer? Review { get; init; }
}

internal sealed record ReviewAnswer
{
    public required string Id { get; init; }

    public required string Sequence { get; init; }

    public required string Amount { get; init; }

    public required string Currency { get; init; }

    [Description("If nobody has decided by then, the amount goes back to the payer.")]
    public required string Expires { get; init; }
}

/// <summary>The file that webhooks are kept in.</summary>
internal sealed record WebhookState
{
    public int Format { get; init; } = 1;

    public IReadOnlyList<KeptWebhook> Webhooks { get; init; } = [];
}

/// <summary>One webhook as it is kept.</summary>
internal sealed record KeptWebhook
{
    public required string Id { get; init; }

    public required string Url { get; init; }

    public required bool Batches { get; init; }

    public required bool Reviews { get; init; }

    /// <summary>Base64url of 32 random bytes. Nothing but the file and the first answer shows it.</summary>
    public required string Secret { get; init; }

    /// <summary>Whose it is; events are told as to this session.</summary>
    public required ushort Session { get; init; }

    public required ushort Participant { get; init; }

    /// <summary>Of that session: who has less does not see the webhook.</summary>
    public required byte Clearance { get; init; }

    public ulong AfterBatch { get; init; }

    public ulong AfterSequence { get; init; }

    public IReadOnlyList<DeadLetter> DeadLetters { get; init; } = [];

    public long Forgotten { get; init; }
}
