using System.ComponentModel;

namespace Settlement.Gateway.Http.Answers;

[Description("A closed batch. A participant sees its own positions; the operator all, gross values and the state hash.")]
internal sealed record BatchAnswer
{
    public required string Batch { get; init; }

    public required string FirstSequence { get; init; }

    public required string LastSequence { get; init; }

    public required string Opened { get; init; }

    public required string Closed { get; init; }

    [Description("Accepted payments that count towards cut-offs.")]
    public required string Count { get; init; }

    [Description("Accepted payments: the leaves of its tree.")]
    public required string Accepted { get; init; }

    [Description("Merkle root, hexadecimal.")]
    public required string Root { get; init; }

    public required string RulesHash { get; init; }

    public string? StateHash { get; init; }

    public IReadOnlyList<MoneyAnswer>? Gross { get; init; }

    public required IReadOnlyList<PositionAnswer> Positions { get; init; }

    [Description("Whether the money has moved outside. Missing in a list and in events.")]
    public bool? Settled { get; init; }

    public string? AsOfSequence { get; init; }
}

internal sealed record MoneyAnswer
{
    public required string Currency { get; init; }

    public required string Amount { get; init; }
}

internal sealed record PositionAnswer
{
    public required string Participant { get; init; }

    public required string Currency { get; init; }

    [Description("What the participant is owed, or owes where it is negative, after fees.")]
    public required string Net { get; init; }

    public required string Fee { get; init; }
}

internal sealed record BatchList
{
    [Description("The newest first.")]
    public required IReadOnlyList<BatchAnswer> Batches { get; init; }

    [Description("The next, older page: GET /v1/batches?before=…; missing on the last page.")]
    public string? Next { get; init; }

    public required string AsOfSequence { get; init; }
}

internal sealed record RuleText
{
    public required string Name { get; init; }

    [Description("module or treaty.")]
    public required string Kind { get; init; }

    [Description("The version in force; missing: none is.")]
    public int? Version { get; init; }

    public string? Proposal { get; init; }

    public string? Since { get; init; }

    public string? SinceTime { get; init; }

    [Description("SHA-256 of the text.")]
    public string? TextHash { get; init; }

    [Description("The module as it is written.")]
    public string? Text { get; init; }

    public required string AsOfSequence { get; init; }
}
