using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>Every bound of the rules, with its sum. Past one, a table or a plan is refused with a sentence; nothing grows without
/// end.</summary>
public static class RuleBounds
{
    /// <summary>An encoded table stays below this, so that it fits the continuation slots of one block (1 MiB).</summary>
    public const int TableBytesMax = 1_000_000;

    public const int RulesMax = 10_000;

    /// <summary>Nesting of a condition; a leaf alone is 1. Recursion over conditions goes no deeper.</summary>
    public const int DepthMax = 32;

    public const int NameBytesMax = 100;

    /// <summary>How long a review may hold an amount: ten years. With it no time of this century leaves 64 bits.</summary>
    public const ulong ReviewHoldNsMax = 3_650 * Limits.NsPerDay;

    /// <summary>Countries and currencies are three-digit numbers.</summary>
    public const ushort IsoNumberMax = 999;

    /// <summary>
    /// Classes of source countries, of destination countries, of currencies: what rules cannot tell apart shares one. A class
    /// fits a byte, and 256 x 256 x 256 cells of 4 bytes are 64 MiB at worst; ISO 3166 has 249 countries, so only nonsense
    /// numbers reach it. 20 countries and 8 currencies: 21 x 21 x 9 cells, 16 KB.
    /// </summary>
    public const int ClassesMax = 256;

    /// <summary>Different sets of thresholds met while cells are filled: 64 to 448 bytes each, 448 MiB at worst, during the build
    /// only.</summary>
    public const int StatesMax = 1 << 20;

    /// <summary>Different corridor rows, and as many rows of cumulative limits: 3 x 64 bytes + 64 bytes each, 64 MiB. 18 bits.</summary>
    public const int RowsMax = 1 << 18;

    /// <summary>Steps behind the rows: 16 bytes each, 64 MiB.</summary>
    public const int StepsMax = 1 << 22;

    /// <summary>
    /// Work the build may spend on evaluating rules for rows (nodes visited, about 2 ns each) and on filling cells (about 3 ns
    /// each): together a second. A rule that would exceed what is left runs as residual program instead: slower, the same answer.
    /// </summary>
    public const long EvaluationsMax = 1L << 27;

    /// <inheritdoc cref="EvaluationsMax"/>
    public const long CellVisitsMax = 1L << 27;

    /// <summary>Limits of either kind that do not fit corridor rows: one bit of a mask each.</summary>
    public const int MaskedLimitsMax = 64;

    /// <summary>Different year starts in one plan; each has a slot in every sum row.</summary>
    public const int YearStartsMax = 4;
}
