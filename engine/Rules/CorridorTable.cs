using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: from a corridor to its row: a class a number (64 KB a map, of which the lines of real countries are touched),
/// a cell a combination of classes, a row a set of thresholds.
/// </summary>
internal sealed class CorridorTable
{
    /// <summary>By ISO number.</summary>
    public required byte[] SourceClasses { get; init; }
    public required byte[] DestinationClasses { get; init; }
    public required byte[] CurrencyClasses { get; init; }
    public required int DestinationCount { get; init; }
    public required int CurrencyCount { get; init; }

    /// <summary>Row numbers; (source class * destinations + destination class) * currencies + currency class.</summary>
    public required int[] Cells { get; init; }
    public required AlignedRows<CorridorRow> Rows { get; init; }

    /// <summary>Parallel to <see cref="Rows"/>, of deny rules only.</summary>
    public required AlignedRows<CorridorRow> DenyRows { get; init; }
    /// <summary>Parallel to <see cref="Rows"/>: above which amount a review rule bites; empty where no row has one.</summary>
    public required AlignedRows<CorridorRow> ReviewRows { get; init; }
    public required AlignedRows<CorridorRow> LimitRows { get; init; }
    public required Step[] Steps { get; init; }

    /// <summary>A corridor's rows of cumulative ceilings: those that refuse, or those that send to review.</summary>
    public Span<CorridorRow> LimitsOf(uint limits, bool reviews)
    {
        int first = (int)(limits / 64);
        int refusing = (int)(limits % 8);
        return reviews ? LimitRows.Rows.Slice(first + refusing, (int)(limits / 8 % 8)) : LimitRows.Rows.Slice(first, refusing);
    }

    public int RowOf(ushort source, ushort destination, ushort currency) =>
        Cells[(SourceClasses[source] * DestinationCount + DestinationClasses[destination]) * CurrencyCount
            + CurrencyClasses[currency]];

    /// <summary>The lowest rule of a row that bites at a value (an amount, or a sum with one); 0: none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ushort LowestBiting(in CorridorRow row, int tier, ulong value)
    {
        if (value <= row.Ceilings[tier])
            return 0;
        if (row.Rules[tier] != 0)
            return row.Rules[tier];
        int start = tier == 0 ? 0 : row.StepEnds[tier - 1];
        ReadOnlySpan<Step> steps = Steps.AsSpan((int)row.StepFirst + start, row.StepEnds[tier] - start);
        // Ceilings descend: everything from the first that is below the value bites, and ids ascend.
        int low = 0;
        int high = steps.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (value > steps[middle].Ceiling)
                high = middle;
            else
                low = middle + 1;
        }
        return steps[low].Rule;
    }
}
