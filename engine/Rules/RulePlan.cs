using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: a rule table made ready to judge: corridor rows for what corridor, tier and amount decide, a residual vector
/// program for the rest, cumulative rows for limits. It is data (no generated code), the same for the same table and
/// owners, and <see cref="Describe"/> prints it.
/// Invariant: for every payment with an amount above 0 and a tier of 0..3 the answers are those of evaluating each rule by
/// itself: the lowest deny or require that refuses, the lowest review that bites, and every limit that applies.
/// Failure assumed: a table that exceeds a bound (<see cref="RuleBounds"/>) gives an error, not a plan.
/// A plan is used by one thread at a time: judging writes its scratch. It allocates nothing.
/// </summary>
public sealed partial class RulePlan
{
    private readonly CorridorTable _corridors;
    private readonly ResidualProgram _program;
    private readonly RuleClassMaps _classes;
    private readonly Rule[] _residuals;
    private readonly MaskedLimits _maskedLimits;
    private readonly LimitWindow[] _yearStarts;
    private readonly bool[] _needsSums;
    private readonly bool _isOpen;

    // written by: the thread that judges
    private readonly byte[] _classColumns = new byte[3 * Limits.ChunkPayments];

    private RulePlan(
        RuleTable table, RuleClassMaps classes, CorridorTable corridors, Rule[] residuals, MaskedLimits maskedLimits, ResidualProgram program,
        LimitWindow[] yearStarts)
    {
        (Table, _classes, _corridors) = (table, classes, corridors);
        (_residuals, _maskedLimits, _program, _yearStarts) = (residuals, maskedLimits, program, yearStarts);
        _needsSums = SumNeeds(table, classes);
        HasSums = _needsSums.AsSpan().Contains(true);
        HasReviews = HasKind(table, RuleKind.Review);
        HasReviewLimits = HasSums && HasKind(table, RuleKind.ReviewLimit);
        HasKinds = _program.Reads(RuleColumn.PayerKind) || _program.Reads(RuleColumn.PayeeKind);
        _isOpen = table.Rules.IsEmpty;
    }

    public RuleTable Table { get; }

    internal CorridorTable Corridors => _corridors;

    internal ResidualProgram Program => _program;

    /// <summary>Whether any payer needs sums at all; if not, Apply has nothing to do for rules.</summary>
    public bool HasSums { get; }

    /// <summary>Whether there are reviews that no sum decides: the review column is written; else it may be empty.</summary>
    public bool HasReviews { get; }

    /// <summary>Whether <see cref="FirstReviewLimitExceeded"/> can answer anything but 0.</summary>
    public bool HasReviewLimits { get; }

    /// <summary>Whether the columns of payers' and payees' kinds are read; else they may be empty.</summary>
    public bool HasKinds { get; }

    /// <summary>Whether the mask column is written; else it may be empty.</summary>
    public bool HasMaskedLimits => _maskedLimits.BitCount > 0;

    /// <summary>The years that limits count in; <see cref="SumTable.Activate"/> makes room for them.</summary>
    public ReadOnlySpan<LimitWindow> YearStarts => _yearStarts;

    /// <summary>Compiles a table.</summary>
    /// <param name="table">The rules.</param>
    /// <param name="ownerOf">Currency (ISO 4217) to its country (ISO 3166), 0: none; asked for 1..999, must be a pure
    /// function.</param>
    /// <param name="plan">Null where the answer is false.</param>
    /// <param name="error">Which bound the table exceeds; empty where the answer is true.</param>
    public static bool TryBuild(
        RuleTable table, Func<ushort, ushort> ownerOf, [NotNullWhen(true)] out RulePlan? plan, out string error)
    {
        plan = null;
        if (!RuleClassMaps.TryMake(table, ownerOf, out RuleClassMaps? classes, out error) ||
            !TryListYears(table, out List<LimitWindow> years, out error))
            return false;
        RowCompiler rows = new(classes!, [.. years], HasKind(table, RuleKind.Review), HasKind(table, RuleKind.ReviewLimit));
        List<Rule> residuals = [];
        List<Rule> maskedLimits = [];
        foreach (Rule rule in table.Rules)
            if (!rows.TryAdd(rule))
                (rule.IsLimit ? maskedLimits : residuals).Add(rule);
        ResidualCompiler compiler = new(classes!);
        foreach (Rule rule in residuals)
            compiler.Add(rule);
        if (!MaskedLimits.TryMake(maskedLimits, [.. years], compiler, out MaskedLimits? masked, out error))
            return false;
        if (!rows.TryBuild(out CorridorTable? corridors, out error))
            return false;
        plan = new RulePlan(table, classes!, corridors!, [.. residuals], masked!, compiler.Build(), [.. years]);
        return true;
    }

    /// <exception cref="ArgumentException">The table exceeds a bound.</exception>
    public static RulePlan Build(RuleTable table, Func<ushort, ushort> ownerOf) =>
        TryBuild(table, ownerOf, out RulePlan? plan, out string error) ? plan : throw new ArgumentException(error);

    private static bool TryListYears(RuleTable table, out List<LimitWindow> years, out string error)
    {
        years = [];
        error = "";
        foreach (Rule rule in table.Rules)
            if (rule.Window.Kind == WindowKind.Year && !years.Contains(rule.Window))
                years.Add(rule.Window);
        if (years.Count <= RuleBounds.YearStartsMax)
            return true;
        error = $"limits count in {years.Count} different years: at most {RuleBounds.YearStartsMax} expected";
        return false;
    }

    private static bool HasKind(RuleTable table, RuleKind kind)
    {
        foreach (Rule rule in table.Rules)
            if (rule.Kind == kind)
                return true;
        return false;
    }

    private static bool[] SumNeeds(RuleTable table, RuleClassMaps classes)
    {
        bool[] needs = new bool[classes.Source.Length * classes.Currency.Length];
        foreach (Rule rule in table.Rules)
            if (rule.IsLimit)
                for (int i = 0; i < needs.Length; i++)
                {
                    ushort currency = classes.Currency[i % classes.Currency.Length];
                    if (currency == rule.Currency && !needs[i])
                        needs[i] = rule.Condition.HoldsKnowing(
                            classes.Source[i / classes.Currency.Length], currency, classes.OwnerOf(currency)) != false;
                }
        return needs;
    }

    /// <summary>
    /// Whether payments of a payer in this country, in this currency, are counted: there is a limit in the currency whose
    /// condition is not false by the payer's country, the currency and its owner alone (three-valued logic, all else unknown).
    /// </summary>
    public bool NeedsSums(ushort source, ushort currency) =>
        HasSums && _needsSums[_corridors.SourceClasses[source] * _corridors.CurrencyCount + _corridors.CurrencyClasses[currency]];

    /// <summary>Judges a chunk by the deny, require and review rules, and notes which limits apply (their sums are looked at in
    /// Apply).</summary>
    /// <param name="columns">At least <paramref name="count"/> entries each.</param>
    /// <param name="count">At most <see cref="Limits.ChunkPayments"/>.</param>
    /// <param name="deniedBy">Written: the lowest rule that refuses; 0: none.</param>
    /// <param name="reviewedBy">Written where <see cref="HasReviews"/> (may be empty where not): the lowest review that bites, whether or not a rule
    /// refuses; 0: none.</param>
    /// <param name="limits">Written where <see cref="HasSums"/> (may be empty where not): for
    /// <see cref="FirstLimitExceeded"/>.</param>
    /// <param name="limitMask">Written where <see cref="HasMaskedLimits"/> (may be empty where not): the same.</param>
    public void Judge(
        in RuleColumns columns, int count, Span<ushort> deniedBy, Span<ushort> reviewedBy, Span<uint> limits, Span<ulong> limitMask) =>
        Judge(RuleKernel.WidthBest, columns, count, deniedBy, reviewedBy, limits, limitMask);

    internal void Judge(
        RuleWidth width, in RuleColumns columns, int count, Span<ushort> deniedBy, Span<ushort> reviewedBy, Span<uint> limits,
        Span<ulong> limitMask)
    {
        CheckLengths(columns, count, deniedBy, reviewedBy, limits, limitMask);
        if (_isOpen)
        {
            deniedBy[..count].Clear();
            return;
        }
        RuleClasses classes = new()
        {
            Source = _classColumns.AsSpan(0, Limits.ChunkPayments),
            Destination = _classColumns.AsSpan(Limits.ChunkPayments, Limits.ChunkPayments),
            Currency = _classColumns.AsSpan(2 * Limits.ChunkPayments, Limits.ChunkPayments),
        };
        RuleKernel.Corridors(columns, count, _corridors, classes, deniedBy, HasSums ? limits : default);
        if (_corridors.ReviewRows.Count > 0)
            RuleKernel.Reviews(columns, count, _corridors, classes, reviewedBy);
        else if (HasReviews)
            reviewedBy[..count].Clear();
        if (HasMaskedLimits)
            limitMask[..count].Clear();
        if (_program.IsEmpty)
            return;
        RuleKernel.Run(width, _program, columns, classes, count, deniedBy, reviewedBy, limitMask);
    }

    /// <summary>Judges one payment by the deny and require rules, or by the deny rules alone (captures and refunds).</summary>
    /// <returns>The lowest rule that refuses; 0: none.</returns>
    public ushort JudgeOne(in RuleFacts facts, bool denyOnly)
    {
        AlignedRows<CorridorRow> rows = denyOnly ? _corridors.DenyRows : _corridors.Rows;
        ref CorridorRow row = ref rows.Rows[_corridors.RowOf(facts.Source, facts.Destination, facts.Currency)];
        ushort lowest = _corridors.LowestBiting(row, facts.Tier & Limits.TierMax, facts.Amount);
        foreach (Rule rule in _residuals)
        {
            if (lowest != 0 && rule.Id > lowest)
                break;
            if ((rule.Kind == RuleKind.Deny || (!denyOnly && !rule.IsReview)) && rule.Bites(facts, _classes.OwnerOf(facts.Currency)))
                return rule.Id;
        }
        return lowest;
    }

    /// <summary>The lowest limit that a payment would exceed, with what the payer paid before; 0: none.</summary>
    /// <param name="limits">The payment's entry of the column that
    /// <see cref="Judge(in RuleColumns, int, Span{ushort}, Span{ushort}, Span{uint}, Span{ulong})"/> wrote.</param>
    /// <param name="mask">The same of the mask column; 0 where there is none.</param>
    /// <param name="currency">The payment's.</param>
    /// <param name="tier">The payer's.</param>
    /// <param name="amount">The payment's.</param>
    /// <param name="sums">Where this plan was activated.</param>
    /// <param name="sumRow">The payer's row; 0: none yet, nothing was counted.</param>
    /// <param name="timeNs">The block's time.</param>
    public ushort FirstLimitExceeded(
        uint limits, ulong mask, ushort currency, byte tier, ulong amount, SumTable sums, int sumRow, ulong timeNs) =>
        FirstExceeded(reviews: false, limits, mask, currency, tier, amount, sums, sumRow, timeNs);

    /// <summary>The same of the limits that send to review instead of refusing.</summary>
    /// <inheritdoc cref="FirstLimitExceeded"/>
    public ushort FirstReviewLimitExceeded(
        uint limits, ulong mask, ushort currency, byte tier, ulong amount, SumTable sums, int sumRow, ulong timeNs) =>
        HasReviewLimits ? FirstExceeded(reviews: true, limits, mask, currency, tier, amount, sums, sumRow, timeNs) : (ushort)0;

    private ushort FirstExceeded(
        bool reviews, uint limits, ulong mask, ushort currency, byte tier, ulong amount, SumTable sums, int sumRow, ulong timeNs)
    {
        ushort lowest = 0;
        int payerTier = tier & Limits.TierMax;
        foreach (ref CorridorRow row in _corridors.LimitsOf(limits, reviews))
        {
            ulong total = SumTable.Saturate(sums.Sum(sumRow, row.Window, timeNs), amount);
            if (total > row.Ceilings[payerTier])
                lowest = Lower(lowest, _corridors.LowestBiting(row, payerTier, total));
        }
        return mask == 0 ? lowest : Lower(lowest, _maskedLimits.FirstExceeded(reviews, mask, currency, payerTier, amount, sums, sumRow, timeNs));
    }

    /// <summary>How long a review of this table holds what it is about.</summary>
    public ulong HoldNsOf(ushort rule)
    {
        ReadOnlySpan<Rule> rules = Table.Rules;
        int low = 0;
        for (int high = rules.Length - 1; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = rules[middle].Id < rule ? (middle + 1, high) : (low, middle);
        }
        return rules[low].HoldNs;
    }

    private static ushort Lower(ushort left, ushort right) => left == 0 || (right != 0 && right < left) ? right : left;

    private void CheckLengths(
        in RuleColumns columns, int count, Span<ushort> deniedBy, Span<ushort> reviewedBy, Span<uint> limits, Span<ulong> limitMask)
    {
        int least = Math.Min(Math.Min(columns.Source.Length, columns.Destination.Length),
            Math.Min(columns.Currency.Length, columns.Amount.Length));
        least = Math.Min(least, Math.Min(Math.Min(columns.Tier.Length, columns.Purpose.Length),
            Math.Min(columns.Level.Length, columns.Instruction.Length)));
        if (HasKinds)
            least = Math.Min(least, Math.Min(columns.PayerKind.Length, columns.PayeeKind.Length));
        if (HasReviews)
            least = Math.Min(least, reviewedBy.Length);
        least = Math.Min(least, Math.Min(deniedBy.Length, Limits.ChunkPayments));
        if ((uint)count > (uint)least || (HasSums && limits.Length < count) || (HasMaskedLimits && limitMask.Length < count))
            ThrowShortColumn(count);
    }

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowShortColumn(int count) =>
        throw new ArgumentException($"{count} payments to judge: more than {Limits.ChunkPayments}, or than a column holds");
}
