using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Init;

namespace Settlement.Gateway.Settle;

/// <summary>A batch value as the command line has it: one for every currency, or for one.</summary>
/// <param name="Currency">ISO 4217 number; 0: every currency.</param>
/// <param name="Amount">Decimal text; null: none.</param>
internal readonly record struct BatchValue(ushort Currency, string? Amount);

/// <summary>What `settle` was asked to do.</summary>
internal sealed record SettleOptions
{
    public string? Wallets { get; init; }

    public IReadOnlyList<string> Files { get; init; } = [];

    public string? Journal { get; init; }

    /// <summary>File of the node's private key; null: beside the journal.</summary>
    public string? Key { get; init; }

    public string? Report { get; init; }

    public string? Accounts { get; init; }

    /// <summary>Modules and folders of them, or one table in JSON; none: what is active stays.</summary>
    public IReadOnlyList<string> Rules { get; init; } = [];

    /// <summary>Rates and indexes that the modules ask for.</summary>
    public Dictionary<ParameterName, ulong> Parameters { get; init; } = [];

    /// <summary>The stream of records without an id; 0: each file's content names its own.</summary>
    public ulong Stream { get; init; }

    // Cut-offs and id settings: null leaves what the journal says.
    public ulong? BatchCount { get; init; }

    public ulong? BatchAgeNs { get; init; }

    public IReadOnlyList<BatchValue> BatchValues { get; init; } = [];

    public ulong? IdWindowNs { get; init; }

    public ulong? IdRetentionNs { get; init; }

    /// <summary>The highest batch whose money has moved outside; null: nothing is reported settled.</summary>
    public ulong? Settled { get; init; }

    /// <summary>Fixed block time, ns since the epoch; null: the machine's clock.</summary>
    public ulong? ClockNs { get; init; }

    public byte Clearance { get; init; } = byte.MaxValue;

    public long IdMemoryBytes { get; init; } = IdMemoryBytesDefault;

    public int AccountsMax { get; init; } = LedgerFounding.AccountsMaxDefault;

    public bool AllVerdicts { get; init; }

    public bool Json { get; init; }

    /// <summary>Bytes of journal between snapshots; 0: none are taken.</summary>
    public long SnapshotEveryBytes { get; init; } = SnapshotEveryDefault;

    public const long SnapshotEveryDefault = 1L << 30;
    public const long IdMemoryBytesDefault = 256L << 20;
    public const ulong BatchCountDefault = 100_000;
    public const ulong BatchAgeNsDefault = Limits.NsPerHour;
}
