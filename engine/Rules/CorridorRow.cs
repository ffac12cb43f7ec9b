using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>
/// All plain thresholds of a corridor in one cache line: a tier's ceiling is the tightest of all rules. Also one row of
/// cumulative ceilings over one window.
/// </summary>
/// <remarks>
/// <code>
///  0               8               16              24              32
///  | ceiling of tier 0 .. 3: what is above is refused (reviewed)    |
///  32              40      44              52      56 57           64
///  | rule, tier 0-3| first | ends, tier 0-3| limits|w | zero       |
/// </code>
/// The lowest refusing rule, exactly, though the row merges many: take the rules of one tier in ascending id and keep those
/// that are tighter than every one before. What is not kept never decides, for a lower rule refuses whatever it refuses. The
/// kept ones are <em>steps</em>: ids ascend, ceilings descend; the first whose ceiling is below the amount is the lowest rule
/// that refuses. With one step (almost always) its id stands in the row.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct CorridorRow
{
    public const int Size = 64;

    [FieldOffset(0)] public TierCeilings Ceilings;

    /// <summary>The only rule that can refuse in this tier; 0: none, or more than one (then the steps tell).</summary>
    [FieldOffset(32)] public TierNumbers Rules;

    /// <summary>Index of tier 0's first step; tier t's steps begin where those of tier t - 1 end.</summary>
    [FieldOffset(40)] public uint StepFirst;

    /// <summary>Where each tier's steps end, counted from <see cref="StepFirst"/>: 4 x 10,000 at most.</summary>
    [FieldOffset(44)] public TierNumbers StepEnds;

    /// <summary>
    /// The corridor's rows of cumulative ceilings, one a window: index of the first * 64 + how many refuse + how many behind them send to review * 8; 0: none.
    /// 18 + 3 + 3 bits.
    /// </summary>
    [FieldOffset(52)] public uint Limits;

    /// <summary>For a row of cumulative ceilings: which sum (<see cref="SumWindow"/>).</summary>
    [FieldOffset(56)] public byte Window;
}

/// <summary>One number a tier.</summary>
[InlineArray(Domain.Limits.TierMax + 1)]
public struct TierNumbers
{
    private ushort _tier0;
}

/// <summary>From which amount on a rule decides: above the ceiling.</summary>
/// <param name="Ceiling">The last amount that it lets pass.</param>
/// <param name="Rule">Its id.</param>
internal readonly record struct Step(ulong Ceiling, ushort Rule);

/// <summary>The sums of a row, by index.</summary>
public static class SumWindow
{
    public const int Day = 0;
    public const int Rolling30Days = 1;
    public const int Month = 2;

    /// <summary>The first of <see cref="RuleBounds.YearStartsMax"/> years, in the order of the plan's year starts.</summary>
    public const int Year = 3;

    public const int Count = Year + RuleBounds.YearStartsMax;
}
