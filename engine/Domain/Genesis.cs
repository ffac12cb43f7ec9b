using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>
/// The body of a ledger's first block: its salt key, the capacities that can change a verdict, and who signs its seals. 128 bytes.
/// </summary>
/// <remarks>
/// <code>
///  0                               32      36      40      44      48      52      56      60      64
///  | salt key (level 255)          | accts | partic| ccys  | sess. | stream| target| sums  | rsv   | …
///  64                              96                             128
///  | public key of the founding node, P-256: X     | Y             |
/// </code>
/// Neither key changes a verdict or a state hash.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct Genesis
{
    public const int Size = 128;

    /// <summary>Salts the leaves of every batch's tree; shown, exported and sent to learners never.</summary>
    [FieldOffset(0)] public Digest SaltKey;

    /// <summary>Rows of 64 bytes: one a wallet and currency. Index: 16 bytes a row more.</summary>
    [FieldOffset(32)] public int AccountsMax;
    [FieldOffset(36)] public int ParticipantsMax;
    [FieldOffset(40)] public int CurrenciesMax;
    [FieldOffset(44)] public int SessionsMax;

    /// <summary>Streams: 320 KiB + 8 KiB each, touched as used.</summary>
    [FieldOffset(48)] public int StreamsMax;

    /// <summary>Open holds and refundable records together.</summary>
    [FieldOffset(52)] public int TargetsMax;

    /// <summary>Accounts or holders for which sums are kept.</summary>
    [FieldOffset(56)] public int SumsMax;
    [FieldOffset(60)] public int Reserved;

    /// <summary>Signs the ledger's seals; none: they are not signed, as in ledgers of before there were keys.</summary>
    [FieldOffset(64)] public NodeKey NodeKey;

    /// <summary>A branch office: 4 million accounts, 1,024 participants, 64 currencies.</summary>
    public static Genesis Default(Digest saltKey) => new()
    {
        SaltKey = saltKey,
        AccountsMax = 1 << 22,
        ParticipantsMax = 1_024,
        CurrenciesMax = 64,
        SessionsMax = 4_096,
        StreamsMax = 4_096,
        TargetsMax = 1 << 20,
        SumsMax = 1 << 20,
    };

    /// <summary>What is wrong with the capacities, or null.</summary>
    public readonly string? Fault() =>
        AccountsMax is < 1 or > 1 << 28 ? $"accounts {AccountsMax}: 1 to {1 << 28} expected" :
        ParticipantsMax is < 1 or > 32_768 ? $"participants {ParticipantsMax}: 1 to 32768 expected" :
        CurrenciesMax is < 1 or > 255 ? $"currencies {CurrenciesMax}: 1 to 255 expected" :
        SessionsMax is < 2 or > 65_536 ? $"sessions {SessionsMax}: 2 to 65536 expected" :
        StreamsMax is < 1 or > 65_536 ? $"streams {StreamsMax}: 1 to 65536 expected" :
        TargetsMax is < 1 or > 1 << 28 ? $"targets {TargetsMax}: 1 to {1 << 28} expected" :
        SumsMax is < 1 or > 1 << 28 ? $"sums {SumsMax}: 1 to {1 << 28} expected" :
        null;
}
