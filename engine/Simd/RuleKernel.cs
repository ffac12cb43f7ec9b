using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Simd;

/// <summary>How many bits wide the program's comparisons are; the answers are the same.</summary>
internal enum RuleWidth
{
    Scalar,
    Bits128,
    Bits256,
    Bits512,
}

/// <summary>
/// Purpose: the two loops of a plan over a chunk of payments: corridor rows (three table look-ups and a compare a payment,
/// whatever the number of rules), and the residual program (one vector pass an instruction, one bit a payment).
/// Failure assumed: columns are as long as the plan's Judge checked; a class is below its count and a tier is masked, so no
/// value in a column can lead outside a table.
/// </summary>
internal static class RuleKernel
{
    internal static RuleWidth WidthBest =>
        Vector512.IsHardwareAccelerated ? RuleWidth.Bits512 :
        Vector256.IsHardwareAccelerated ? RuleWidth.Bits256 :
        Vector128.IsHardwareAccelerated ? RuleWidth.Bits128 : RuleWidth.Scalar;

    /// <summary>Fills the class columns (the program reads them), the lowest refusing rule, and the limits where asked.</summary>
    internal static void Corridors(
        in RuleColumns columns, int count, CorridorTable table, in RuleClasses classes, Span<ushort> deniedBy, Span<uint> limits)
    {
        ref byte sourceClasses = ref MemoryMarshal.GetArrayDataReference(table.SourceClasses);
        ref byte destinationClasses = ref MemoryMarshal.GetArrayDataReference(table.DestinationClasses);
        ref byte currencyClasses = ref MemoryMarshal.GetArrayDataReference(table.CurrencyClasses);
        ref int cells = ref MemoryMarshal.GetArrayDataReference(table.Cells);
        ref CorridorRow rows = ref MemoryMarshal.GetReference(table.Rows.Rows);
        ref ushort source = ref MemoryMarshal.GetReference(columns.Source);
        ref ushort destination = ref MemoryMarshal.GetReference(columns.Destination);
        ref ushort currency = ref MemoryMarshal.GetReference(columns.Currency);
        ref ulong amount = ref MemoryMarshal.GetReference(columns.Amount);
        ref byte tier = ref MemoryMarshal.GetReference(columns.Tier);
        ref byte toSource = ref MemoryMarshal.GetReference(classes.Source);
        ref byte toDestination = ref MemoryMarshal.GetReference(classes.Destination);
        ref byte toCurrency = ref MemoryMarshal.GetReference(classes.Currency);
        ref ushort denied = ref MemoryMarshal.GetReference(deniedBy);
        bool withLimits = !limits.IsEmpty;
        int destinations = table.DestinationCount;
        int currencies = table.CurrencyCount;
        for (nint i = 0; i < count; i++)
        {
            byte from = Unsafe.Add(ref sourceClasses, Unsafe.Add(ref source, i));
            byte to = Unsafe.Add(ref destinationClasses, Unsafe.Add(ref destination, i));
            byte of = Unsafe.Add(ref currencyClasses, Unsafe.Add(ref currency, i));
            Unsafe.Add(ref toSource, i) = from;
            Unsafe.Add(ref toDestination, i) = to;
            Unsafe.Add(ref toCurrency, i) = of;
            ref CorridorRow row = ref Unsafe.Add(ref rows, Unsafe.Add(ref cells, (from * destinations + to) * currencies + of));
            int payerTier = Unsafe.Add(ref tier, i) & Limits.TierMax;
            ulong ceiling = Unsafe.Add(ref Unsafe.As<CorridorRow, ulong>(ref row), payerTier);
            ulong value = Unsafe.Add(ref amount, i);
            Unsafe.Add(ref denied, i) = value > ceiling ? table.LowestBiting(row, payerTier, value) : (ushort)0;
            if (withLimits)
                limits[(int)i] = row.Limits;
        }
    }

    /// <summary>The lowest review rule of the corridor rows, behind <see cref="Corridors"/>: a loop of its own, so that plans without reviews do not pay for it.</summary>
    internal static void Reviews(in RuleColumns columns, int count, CorridorTable table, in RuleClasses classes, Span<ushort> reviewedBy)
    {
        ReadOnlySpan<CorridorRow> rows = table.ReviewRows.Rows;
        for (int i = 0; i < count; i++)
        {
            int cell = (classes.Source[i] * table.DestinationCount + classes.Destination[i]) * table.CurrencyCount + classes.Currency[i];
            ref readonly CorridorRow row = ref rows[table.Cells[cell]];
            int payerTier = columns.Tier[i] & Limits.TierMax;
            ulong value = columns.Amount[i];
            reviewedBy[i] = value > row.Ceilings[payerTier] ? table.LowestBiting(row, payerTier, value) : (ushort)0;
        }
    }

    internal static void Run(
        RuleWidth width, ResidualProgram program, in RuleColumns columns, in RuleClasses classes, int count,
        Span<ushort> deniedBy, Span<ushort> reviewedBy, Span<ulong> limitMask)
    {
        switch (width)
        {
            case RuleWidth.Bits512:
                Run<RuleLanes512>(program, columns, classes, count, deniedBy, reviewedBy, limitMask);
                break;
            case RuleWidth.Bits256:
                Run<RuleLanes256>(program, columns, classes, count, deniedBy, reviewedBy, limitMask);
                break;
            case RuleWidth.Bits128:
                Run<RuleLanes128>(program, columns, classes, count, deniedBy, reviewedBy, limitMask);
                break;
            default:
                Run<RuleLanes1>(program, columns, classes, count, deniedBy, reviewedBy, limitMask);
                break;
        }
    }

    private static void Run<TLanes>(
        ResidualProgram program, in RuleColumns columns, in RuleClasses classes, int count,
        Span<ushort> deniedBy, Span<ushort> reviewedBy, Span<ulong> limitMask)
        where TLanes : struct, IRuleLanes
    {
        ReadOnlySpan<ulong> amounts = columns.Amount[..count];
        if (program.Ladder is { } ladder)
            Rank<TLanes>(ladder, amounts, classes.Currency, program.Ranks);
        int groups = (count + 63) / 64;
        foreach (ref readonly RuleInstruction step in program.Instructions)
        {
            Span<ulong> register = program.Register(step.Target), target = register[..groups];
            switch (step.Op)
            {
                case RuleOp.InRange:
                    InRange<TLanes>(Column(columns, classes, program, step.Column)[..count], step.Low, step.Span, target);
                    break;
                case RuleOp.InSet:
                    InSet<TLanes>(Column(columns, classes, program, step.Column)[..count], program.Sets[step.Set], target);
                    break;
                case RuleOp.AmountAtLeast:
                    AtLeast<TLanes>(amounts, step.Amount, target);
                    break;
                case RuleOp.And:
                    And(program.Register(step.Left), program.Register(step.Right), register);
                    break;
                case RuleOp.Or:
                    Or(program.Register(step.Left), program.Register(step.Right), register);
                    break;
                case RuleOp.Not:
                    Not(program.Register(step.Left), register);
                    break;
                case RuleOp.Always:
                    target.Fill(ulong.MaxValue);
                    break;
                case RuleOp.Deny:
                    Lowest(target, step.Rule, deniedBy[..count]);
                    break;
                case RuleOp.Review:
                    Lowest(target, step.Rule, reviewedBy[..count]);
                    break;
                default:
                    Limit(target, 1UL << step.Rule, limitMask[..count]);
                    break;
            }
        }
    }

    private static ReadOnlySpan<byte> Column(in RuleColumns columns, in RuleClasses classes, ResidualProgram program, RuleColumn column) => column switch
    {
        RuleColumn.SourceClass => classes.Source,
        RuleColumn.DestinationClass => classes.Destination,
        RuleColumn.CurrencyClass => classes.Currency,
        RuleColumn.Tier => columns.Tier,
        RuleColumn.Purpose => columns.Purpose,
        RuleColumn.Level => columns.Level,
        RuleColumn.Instruction => columns.Instruction,
        RuleColumn.PayerKind => columns.PayerKind,
        RuleColumn.PayeeKind => columns.PayeeKind,
        _ => program.Ranks,
    };

    private static void Rank<TLanes>(AmountLadder ladder, ReadOnlySpan<ulong> amounts, ReadOnlySpan<byte> currencyClasses, Span<byte> ranks)
        where TLanes : struct, IRuleLanes
    {
        ReadOnlySpan<int> firsts = ladder.FirstSteps;
        int count = ladder.StepCount;
        for (int i = 0; i < amounts.Length; i++)
            ranks[i] = TLanes.CountBelow(ladder.Steps.AsSpan(firsts[currencyClasses[i]], count), amounts[i]);
    }

    private static void InRange<TLanes>(ReadOnlySpan<byte> source, byte low, byte span, Span<ulong> target)
        where TLanes : struct, IRuleLanes
    {
        int whole = source.Length / 64;
        ref byte first = ref MemoryMarshal.GetReference(source);
        for (int group = 0; group < whole; group++)
            target[group] = TLanes.InRange(ref Unsafe.Add(ref first, group * 64), low, span);
        if (whole < target.Length)
            target[whole] = RuleLanes1.InRange(source[(whole * 64)..], low, span);
    }

    private static void InSet<TLanes>(ReadOnlySpan<byte> source, in NibbleSet set, Span<ulong> target)
        where TLanes : struct, IRuleLanes
    {
        int whole = source.Length / 64;
        ref byte first = ref MemoryMarshal.GetReference(source);
        for (int group = 0; group < whole; group++)
            target[group] = TLanes.InSet(ref Unsafe.Add(ref first, group * 64), set);
        if (whole < target.Length)
            target[whole] = RuleLanes1.InSet(source[(whole * 64)..], set);
    }

    private static void AtLeast<TLanes>(ReadOnlySpan<ulong> source, ulong constant, Span<ulong> target)
        where TLanes : struct, IRuleLanes
    {
        int whole = source.Length / 64;
        ref ulong first = ref MemoryMarshal.GetReference(source);
        for (int group = 0; group < whole; group++)
            target[group] = TLanes.AtLeast(ref Unsafe.Add(ref first, group * 64), constant);
        if (whole < target.Length)
            target[whole] = RuleLanes1.AtLeast(source[(whole * 64)..], constant);
    }

    // Whole registers, whatever the number of payments: bits behind the last one mean nothing.

    private static void And(ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, Span<ulong> target)
    {
        for (int word = 0; word < ResidualProgram.RegisterWords; word += Vector512<ulong>.Count)
            (Vector512.Create(left[word..]) & Vector512.Create(right[word..])).CopyTo(target[word..]);
    }

    private static void Or(ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, Span<ulong> target)
    {
        for (int word = 0; word < ResidualProgram.RegisterWords; word += Vector512<ulong>.Count)
            (Vector512.Create(left[word..]) | Vector512.Create(right[word..])).CopyTo(target[word..]);
    }

    private static void Not(ReadOnlySpan<ulong> left, Span<ulong> target)
    {
        for (int word = 0; word < ResidualProgram.RegisterWords; word += Vector512<ulong>.Count)
            (~Vector512.Create(left[word..])).CopyTo(target[word..]);
    }

    /// <summary>Bits beyond the last payment may be set (by a not), so they are cut off.</summary>
    private static ulong Bits(ReadOnlySpan<ulong> mask, int group, int count)
    {
        int left = count - group * 64;
        return left >= 64 ? mask[group] : mask[group] & ((1UL << left) - 1);
    }

    private static void Lowest(ReadOnlySpan<ulong> mask, ushort rule, Span<ushort> lowest)
    {
        for (int group = 0; group < mask.Length; group++)
            for (ulong bits = Bits(mask, group, lowest.Length); bits != 0; bits &= bits - 1)
            {
                ref ushort before = ref lowest[group * 64 + BitOperations.TrailingZeroCount(bits)];
                if (before == 0 || rule < before)
                    before = rule;
            }
    }

    private static void Limit(ReadOnlySpan<ulong> mask, ulong limit, Span<ulong> limitMask)
    {
        for (int group = 0; group < mask.Length; group++)
            for (ulong bits = Bits(mask, group, limitMask.Length); bits != 0; bits &= bits - 1)
                limitMask[group * 64 + BitOperations.TrailingZeroCount(bits)] |= limit;
    }
}

/// <summary>The class columns of a chunk: scratch that the corridor pass fills and the program reads.</summary>
internal readonly ref struct RuleClasses
{
    public required Span<byte> Source { get; init; }
    public required Span<byte> Destination { get; init; }
    public required Span<byte> Currency { get; init; }
}
