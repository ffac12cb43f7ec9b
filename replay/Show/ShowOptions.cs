using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>What `replay show` is asked for; what is null is not asked about.</summary>
internal sealed record ShowOptions
{
    private static readonly BlockKind[] s_kinds = [BlockKind.Payments, BlockKind.Control, BlockKind.Tick, BlockKind.Seal, BlockKind.Genesis, BlockKind.Term, BlockKind.Members];
    private static readonly Verdict[] s_verdicts = [.. Enum.GetValues<Verdict>().Where(verdict => verdict != Engine.Domain.Verdict.Undecided)];

    public required string Journal { get; init; }

    public string? From { get; init; }

    public string? To { get; init; }

    /// <summary>A party of the payment, or the subject of a command about wallets.</summary>
    public ulong? Wallet { get; init; }

    /// <summary>The payment's own id, or the one that a capture, void or refund is about.</summary>
    public UInt128? Id { get; init; }

    public Verdict? Verdict { get; init; }

    /// <summary>Empty: all.</summary>
    public IReadOnlyList<BlockKind> Kinds { get; init; } = [];

    /// <summary>Blocks alone, without what is in them.</summary>
    public bool BlocksOnly { get; init; }

    /// <summary>Payments, commands and blocks without any; with <see cref="BlocksOnly"/>, blocks.</summary>
    public long Limit { get; init; } = long.MaxValue;

    public bool Json { get; init; }

    /// <summary>Whether blocks count only for payments or commands in them.</summary>
    public bool FiltersSlots => Wallet is not null || Id is not null || Verdict is not null;

    public bool Wants(BlockKind kind) =>
        (Kinds.Count == 0 || Kinds.Contains(kind)) && (!FiltersSlots || kind is BlockKind.Payments or BlockKind.Control);

    /// <exception cref="UsageException">It is no id.</exception>
    public static UInt128? ParseId(string? text)
    {
        if (text is null)
            return null;
        return new PaymentIdText().TryParse(Encoding.UTF8.GetBytes(text), out ulong high, out ulong low, out _)
            ? new UInt128(high, low)
            : throw new UsageException($"--id {text}: {PaymentIdText.Expected} is expected.");
    }

    /// <exception cref="UsageException">It is no verdict.</exception>
    public static Verdict? ParseVerdict(string? text)
    {
        if (text is null)
            return null;
        return Array.Find(s_verdicts, verdict => VerdictText.NameOf(verdict) == text) is var found and not Engine.Domain.Verdict.Undecided
            ? found
            : throw new UsageException($"--verdict {text}: expected one of {string.Join(", ", s_verdicts.Select(VerdictText.NameOf))}.");
    }

    /// <exception cref="UsageException">One is no kind of block.</exception>
    public static IReadOnlyList<BlockKind> ParseKinds(string[]? texts) => [.. (texts ?? []).Select(text =>
        Array.Find(s_kinds, kind => SnakeCase.Of(kind) == text) is var found and not BlockKind.None
            ? found
            : throw new UsageException($"--kind {text}: expected one of {string.Join(", ", s_kinds.Select(kind => SnakeCase.Of(kind)))}."))];
}
