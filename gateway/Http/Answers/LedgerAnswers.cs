using System.ComponentModel;

namespace Settlement.Gateway.Http.Answers;

// What the API says about the ledger, its wallets and its participants. 64-bit numbers are text; amounts are decimal text at the ledger's scale.

[Description("The ledger, and who asks.")]
internal sealed record LedgerAnswer
{
    [Description("32 hexadecimal digits: the audience of tokens.")]
    public required string Ledger { get; init; }

    [Description("The last sequence that the answer takes into account.")]
    public required string AsOfSequence { get; init; }

    [Description("Block time of that sequence, RFC 3339.")]
    public required string AsOfTime { get; init; }

    [Description("Number of the batch that is open.")]
    public required string OpenBatch { get; init; }

    public required IReadOnlyList<CurrencyAnswer> Currencies { get; init; }

    [Description("The session that asks; missing for a stranger.")]
    public SessionAnswer? Session { get; init; }
}

internal sealed record CurrencyAnswer
{
    [Description("ISO 4217 letters.")]
    public required string Currency { get; init; }

    [Description("Digits behind the point of its amounts in this ledger.")]
    public required int Scale { get; init; }
}

internal sealed record SessionAnswer
{
    public required int Session { get; init; }

    [Description("Name of the participant that it belongs to.")]
    public required string Participant { get; init; }

    [Description("0 to 255: nothing above it is shown.")]
    public required int Clearance { get; init; }

    [Description("Whether it may send the operator's commands.")]
    public required bool Operator { get; init; }
}

internal sealed record WalletAnswer
{
    public required string Wallet { get; init; }

    public required string Participant { get; init; }

    [Description("ISO 3166 letters.")]
    public required string Country { get; init; }

    [Description("Identity tier, 0 to 3.")]
    public required int Tier { get; init; }

    [Description("unstated, person, business, government, financial_institution or non_profit.")]
    public required string Kind { get; init; }

    public required int Level { get; init; }

    [Description("active, frozen or closed.")]
    public required string Status { get; init; }

    [Description("Opaque number shared by the wallets of one holder; 0: none.")]
    public required string Holder { get; init; }

    [Description("Currencies that it has an account in.")]
    public required IReadOnlyList<string> Currencies { get; init; }

    public string? AsOfSequence { get; init; }
}

internal sealed record WalletList
{
    public required IReadOnlyList<WalletAnswer> Wallets { get; init; }

    [Description("The next page begins behind this wallet: GET /v1/wallets?after=…; missing on the last page.")]
    public string? Next { get; init; }

    public required string AsOfSequence { get; init; }
}

internal sealed record BalancesAnswer
{
    public required string Wallet { get; init; }

    public required IReadOnlyList<BalanceAnswer> Balances { get; init; }

    public required string AsOfSequence { get; init; }

    public required string AsOfTime { get; init; }
}

internal sealed record BalanceAnswer
{
    public required string Currency { get; init; }

    [Description("Can be paid with now.")]
    public required string Available { get; init; }

    [Description("Credited in the open batch; available as soon as it is closed.")]
    public required string Pending { get; init; }

    [Description("Taken by holds and payments under review.")]
    public required string Held { get; init; }
}

internal sealed record WalletRequest
{
    [Description("The wallet's number, from 1, as text.")]
    public required string Wallet { get; init; }

    [Description("Name of the participant that it belongs to, for ever.")]
    public required string Participant { get; init; }

    [Description("ISO 3166 letters.")]
    public required string Country { get; init; }

    [Description("ISO 4217 letters of its first account; left away: none. Sent again with another currency, it opens that account too.")]
    public string? Currency { get; init; }

    public int Tier { get; init; }

    [Description("unstated, person, business, government, financial_institution or non_profit.")]
    public string? Kind { get; init; }

    public int Level { get; init; }

    public string? Holder { get; init; }
}

internal sealed record ParticipantList
{
    public required IReadOnlyList<string> Participants { get; init; }

    public required string AsOfSequence { get; init; }
}

internal sealed record ParticipantRequest
{
    [Description("At most 32 bytes of UTF-8.")]
    public required string Name { get; init; }
}

internal sealed record CurrencyRequest
{
    [Description("ISO 4217 letters.")]
    public required string Currency { get; init; }

    [Description("Digits behind the point, from ISO's to 18, for ever. Left away: ISO's.")]
    public int? Scale { get; init; }

    [Description("Participant whose sessions issue and redeem. Left away: the operator.")]
    public string? Authority { get; init; }
}

internal sealed record SessionRequest
{
    public required string Participant { get; init; }

    [Description("0 to 255.")]
    public required int Clearance { get; init; }

    public bool Operator { get; init; }

    [Description("Whether it may pay from a higher level to a lower one.")]
    public bool MayDeclassify { get; init; }
}

internal sealed record KeyRequest
{
    [Description("The session whose key it is. Either this or wallet.")]
    public int? Session { get; init; }

    [Description("The wallet whose key it is.")]
    public string? Wallet { get; init; }

    [Description("SubjectPublicKeyInfo PEM: -----BEGIN PUBLIC KEY-----.")]
    public required string PublicKey { get; init; }
}

internal sealed record MandateRequest
{
    [Description("The participant that may debit the wallet.")]
    public required string Participant { get; init; }

    [Description("Given, or withdrawn.")]
    public required bool Given { get; init; }

    [Description("RFC 3339; left away: without end.")]
    public string? Until { get; init; }
}

internal sealed record ConsentRequest
{
    [Description("custodial, signed or stream.")]
    public required string Policy { get; init; }

    [Description("Signatures that a payment above the threshold needs; below it one is enough.")]
    public int? Signatures { get; init; }

    [Description("In smallest units of a payment's currency, as text.")]
    public string? Threshold { get; init; }
}

internal sealed record StatusRequest
{
    [Description("active or frozen.")]
    public required string Status { get; init; }
}

[Description("What became of a command.")]
internal sealed record CommandAnswer
{
    [Description("accepted; duplicate: it was so already; awaiting_quorum: a second session of the operator has to send the same.")]
    public required string Verdict { get; init; }

    public required string Sequence { get; init; }

    [Description("Of a new session.")]
    public int? Session { get; init; }

    [Description("Of a new key: its id, 32 hexadecimal digits.")]
    public string? Key { get; init; }
}
