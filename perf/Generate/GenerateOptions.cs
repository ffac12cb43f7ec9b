using Settlement.Engine.Domain;

namespace Settlement.Perf.Generate;

/// <summary>How payments of a generated file are named.</summary>
public enum IdKind
{
    /// <summary>stream:number, one stream a participant, numbers from 1 without gaps.</summary>
    Stream,

    /// <summary>By time; the file then belongs to its time, and is settled with the clock set to it.</summary>
    UuidV7,
    UuidV4,

    /// <summary>An empty field: the file's stream. Nothing can then refer to a payment, so there are no duplicates, captures, voids or refunds.</summary>
    None,
}

public enum PayerSkew
{
    /// <summary>Few wallets pay most: probability 1/rank.</summary>
    Zipf,
    Uniform,
}

/// <summary>
/// What is generated. Two equal values give equal bytes. Shares are parts of a million of the lines.
/// </summary>
public sealed record GenerateOptions
{
    public const int ParticipantsMax = 1_000;

    public long Payments { get; init; } = 1_000_000;

    public long Wallets { get; init; } = 100_000;

    public ulong Seed { get; init; } = 1;

    /// <summary>1 to 8, the first so many of <see cref="Places.Currencies"/>.</summary>
    public int Currencies { get; init; } = 3;

    public int Participants { get; init; } = 16;

    public IdKind Ids { get; init; } = IdKind.Stream;

    public PayerSkew Payers { get; init; } = PayerSkew.Zipf;

    /// <summary>Lines that repeat one of the last 4,096, byte for byte; every eighth of them with another amount, which is a conflict.</summary>
    public uint DuplicatesPerMillion { get; init; } = 10_000;

    /// <summary>Lines that the ledger must refuse, all kinds alike.</summary>
    public uint BadPerMillion { get; init; } = 20_000;

    /// <summary>Holds. Seven of eight are captured, wholly or in part, or voided some lines later; the eighth stays open.</summary>
    public uint HoldsPerMillion { get; init; } = 30_000;

    /// <summary>Payments that can be refunded. Half of them are, some lines later.</summary>
    public uint RefundablePerMillion { get; init; } = 30_000;

    /// <summary>Payments that are final at once.</summary>
    public uint ImmediatePerMillion { get; init; } = 100_000;

    /// <summary>Time of the first payment, seconds since the Unix epoch. UUIDv7 ids and expiries follow from it.</summary>
    public ulong StartSeconds { get; init; } = 1_767_225_600; // 2026-01-01T00:00:00Z

    /// <summary>Payments in a second of the file's time.</summary>
    public long PaymentsPerSecond { get; init; } = 1_000;

    /// <summary>How long holds are valid, in days of the file's time; 0: to the end of 2099, whenever the file is settled.</summary>
    public long ExpiryDays { get; init; }

    /// <summary>The sample that ships with the gateway: small, and with something of everything.</summary>
    public static GenerateOptions Sample { get; } = new()
    {
        Payments = 2_000,
        Wallets = 60,
        Seed = 5,
        Currencies = 3,
        Participants = 4,
        DuplicatesPerMillion = 15_000,
        BadPerMillion = 40_000,
        HoldsPerMillion = 50_000,
        RefundablePerMillion = 50_000,
    };

    /// <summary>What cannot be generated, in a sentence, or null.</summary>
    public string? Fault() =>
        Payments is < 0 or > 1L << 40 ? $"--payments {Payments}: 0 to {1L << 40} expected" :
        Currencies < 1 || Currencies > Places.Currencies.Count ? $"--currencies {Currencies}: 1 to {Places.Currencies.Count} expected" :
        Wallets < Population.WalletsMin(Currencies) || Wallets > 1L << 28
            ? $"--wallets {Wallets}: {Population.WalletsMin(Currencies)} to {1L << 28} expected with {Currencies} currencies" :
        Participants is < 1 or > ParticipantsMax ? $"--participants {Participants}: 1 to {ParticipantsMax} expected" :
        (ulong)DuplicatesPerMillion + BadPerMillion + HoldsPerMillion + RefundablePerMillion + ImmediatePerMillion > 1_000_000
            ? "the shares of duplicates, bad ones, holds, refundable and immediate payments are more than the whole file" :
        StartSeconds > 4_102_444_799 ? "--start: a time before 2100 expected" :
        PaymentsPerSecond is < 1 or > 1_000_000_000 ? $"--rate {PaymentsPerSecond}: 1 to 1000000000 expected" :
        StartSeconds + (ulong)(Payments / PaymentsPerSecond) > 4_102_444_799 ? $"--payments {Payments} at --rate {PaymentsPerSecond} would go on past 2099" :
        ExpiryDays is < 0 or > 36_500 ? $"--expiry-days {ExpiryDays}: 0 to 36500 expected" :
        null;

    internal ulong NsPerPayment => Limits.NsPerSecond / (ulong)PaymentsPerSecond;
}
