using System.ComponentModel;

namespace Settlement.Gateway.Http.Answers;

[Description("A payment as it is sent.")]
internal sealed record PaymentRequest
{
    [Description("A UUID, or stream:number with a stream's name or 16 hexadecimal digits. May be left away where the request has an Idempotency-Key, and must be there where it has none.")]
    public string? Id { get; init; }

    [Description("micropayment (the default), immediate, hold, capture, void, refund, issue or redeem.")]
    public string? Instruction { get; init; }

    [Description("The paying wallet's number, as text. Not for capture, void, refund and issue.")]
    public string? Payer { get; init; }

    [Description("The paid wallet's number, as text. Not for capture, void, refund and redeem.")]
    public string? Payee { get; init; }

    [Description("For capture, void and refund: id of the payment that they are about.")]
    public string? Target { get; init; }

    [Description("Decimal text, such as \"12.34\". Not for void.")]
    public string? Amount { get; init; }

    [Description("ISO 4217 letters.")]
    public required string Currency { get; init; }

    [Description("A number of your own, below 2^64, as text. Not for capture, void and refund.")]
    public string? Reference { get; init; }

    [Description("RFC 3339: later, it is refused. Of a hold: when it expires.")]
    public string? ValidUntil { get; init; }

    [Description("How secret the payment's data are, 0 to 255.")]
    public int Level { get; init; }

    [Description("unstated, goods, services, family_support, medical, education, salary, investment, donation or tax.")]
    public string? Purpose { get; init; }

    [Description("Whether it may be refunded.")]
    public bool Refundable { get; init; }
}

[Description("What became of one payment: durable and final.")]
internal sealed record PaymentVerdict
{
    public required string Id { get; init; }

    [Description("accepted, duplicate, under_review, or why it was refused.")]
    public required string Verdict { get; init; }

    [Description("Of a repeat or conflict: the verdict given the first time. It is the one that counts.")]
    public string? First { get; init; }

    [Description("The rule that refused it or sent it to review, where the session may know.")]
    public int? Rule { get; init; }

    [Description("The batch that was open.")]
    public string? Batch { get; init; }

    public required string Sequence { get; init; }
}

internal sealed record PaymentVerdictList
{
    [Description("One for each payment, in their order.")]
    public required IReadOnlyList<PaymentVerdict> Verdicts { get; init; }

    public required int Accepted { get; init; }

    public required int Refused { get; init; }
}

internal sealed record PaymentAnswer
{
    public required string Id { get; init; }

    [Description("Missing, as all but the verdict, where the projection does not have the payment yet.")]
    public string? Sequence { get; init; }

    [Description("Block time, RFC 3339.")]
    public string? Time { get; init; }

    public string? Instruction { get; init; }

    public string? Payer { get; init; }

    public string? Payee { get; init; }

    public string? Target { get; init; }

    public string? Amount { get; init; }

    public string? Currency { get; init; }

    public string? Reference { get; init; }

    public string? Purpose { get; init; }

    public required string Verdict { get; init; }

    public string? First { get; init; }

    public int? Rule { get; init; }

    public string? Batch { get; init; }

    public required string AsOfSequence { get; init; }
}

internal sealed record StatementAnswer
{
    public required string Wallet { get; init; }

    public required string Currency { get; init; }

    [Description("The newest first.")]
    public required IReadOnlyList<StatementEntry> Entries { get; init; }

    [Description("The next, older page: GET …/statement?currency=…&from=…; missing on the last page.")]
    public string? Next { get; init; }

    [Description("How far the projection is that the statement is read from.")]
    public required string AsOfSequence { get; init; }
}

internal sealed record StatementEntry
{
    public required string Sequence { get; init; }

    public required string Time { get; init; }

    public required string Batch { get; init; }

    [Description("Missing, as the next two, where the payment's level is above the session's clearance.")]
    public string? Id { get; init; }

    public string? Instruction { get; init; }

    [Description("The other wallet; also missing where that wallet is above the session's clearance.")]
    public string? Counterparty { get; init; }

    public required string AvailableChange { get; init; }

    public required string PendingChange { get; init; }

    public required string HeldChange { get; init; }

    [Description("Behind the movement, as the next two.")]
    public required string Available { get; init; }

    public required string Pending { get; init; }

    public required string Held { get; init; }
}
