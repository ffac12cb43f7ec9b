using System.Runtime.InteropServices;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: partial evaluation. A rule that corridor, tier and amount decide, and that in every corridor and tier refuses all
/// amounts above some ceiling, is turned into those ceilings; the cells of all rules together become shared rows.
/// Invariant: rules are added in ascending id; a rule is added wholly or not at all.
/// Cost: a rule is evaluated once for each combination of the groups that it alone tells apart (usually 2 x 2 x 2), then each
/// cell that it touches is visited once; both are bounded (<see cref="RuleBounds.EvaluationsMax"/>), and what would
/// exceed the bound is left to the residual program.
/// </summary>
/// <param name="classes">What rules can tell apart.</param>
/// <param name="yearStarts">The years that limits count in.</param>
/// <param name="hasReviews">Whether the table has a <see cref="RuleKind.Review"/>: else states are smaller.</param>
/// <param name="hasReviewLimits">The same of <see cref="RuleKind.ReviewLimit"/>.</param>
internal sealed class RowCompiler(RuleClassMaps classes, LimitWindow[] yearStarts, bool hasReviews, bool hasReviewLimits)
{
    // Measures of the amount staircases: all rules that refuse, deny rules only, and reviews. Of the sums: a window each, for limits, then for review limits.
    private const int MeasureAll = 0;
    private const int MeasureDeny = 1;
    private const int MeasureReview = 2;
    private readonly Staircases _amounts = new(hasReviews ? 3 : 2);
    private readonly Staircases _sums = new(hasReviewLimits ? 2 * SumWindow.Count : SumWindow.Count);
    private readonly int[] _amountCells = new int[classes.Source.Length * classes.Destination.Length * classes.Currency.Length];
    private int[] _sumCells = [];
    private bool _placedReviews;
    private long _evaluationsLeft = RuleBounds.EvaluationsMax;
    private long _visitsLeft = RuleBounds.CellVisitsMax;

    private readonly record struct Effect(int Source, int Destination, int Currency, TierCeilings Ceilings);

    /// <summary>False: the rule does not fit rows, and nothing has changed.</summary>
    public bool TryAdd(Rule rule)
    {
        if (!RowRules.Fits(rule))
            return false;
        RuleSplitter groups = classes.Groups();
        groups.Split(rule);
        int[][] sources = groups.Source.Members();
        int[][] destinations = groups.Destination.Members();
        int[][] currencies = groups.Currency.Members();
        if (!TryEvaluate(rule, sources, destinations, currencies, out List<Effect> effects))
            return false;
        long visits = 0;
        foreach (Effect effect in effects)
            visits += (long)sources[effect.Source].Length * destinations[effect.Destination].Length *
                currencies[effect.Currency].Length;
        if (visits > _visitsLeft)
            return false;
        _visitsLeft -= visits;
        foreach (Effect effect in effects)
            Apply(rule, effect, sources[effect.Source], destinations[effect.Destination], currencies[effect.Currency]);
        return true;
    }

    private bool TryEvaluate(Rule rule, int[][] sources, int[][] destinations, int[][] currencies, out List<Effect> effects)
    {
        effects = [];
        ulong[][] points = Array.ConvertAll(currencies, group => RowRules.Points(rule, classes.Currency[group[0]]));
        long pointCount = 0;
        foreach (ulong[] starts in points)
            pointCount += starts.Length;
        // Four factors of at most 256, 256, 400,000 and 1,000,000: no overflow of 64 bits.
        long evaluations = (long)sources.Length * destinations.Length * pointCount *
            RowRules.NodeCount(rule) * TierCeilings.Count;
        if (evaluations > _evaluationsLeft)
            return false;
        _evaluationsLeft -= evaluations;
        for (int s = 0; s < sources.Length; s++)
            for (int d = 0; d < destinations.Length; d++)
                for (int c = 0; c < currencies.Length; c++)
                {
                    RuleFacts facts = new(
                        classes.Source[sources[s][0]], classes.Destination[destinations[d][0]],
                        classes.Currency[currencies[c][0]], 0, 0, 0, 0, 0);
                    if (!RowRules.TryCeilings(rule, facts, classes.OwnerOf(facts.Currency), points[c], out TierCeilings ceilings))
                        return false;
                    if (((ReadOnlySpan<ulong>)ceilings).ContainsAnyExcept(TierCeilings.None))
                        effects.Add(new Effect(s, d, c, ceilings));
                }
        return true;
    }

    private void Apply(Rule rule, in Effect effect, int[] sources, int[] destinations, int[] currencies)
    {
        bool limit = rule.IsLimit;
        _placedReviews |= rule.Kind == RuleKind.Review;
        if (limit && _sumCells.Length == 0)
            _sumCells = new int[_amountCells.Length];
        int[] cells = limit ? _sumCells : _amountCells;
        Staircases stairs = limit ? _sums : _amounts;
        int firstMeasure = limit ? RowRules.WindowIndex(rule.Window, yearStarts) + (rule.IsReview ? SumWindow.Count : 0)
            : rule.IsReview ? MeasureReview : MeasureAll;
        int measureCount = rule.Kind == RuleKind.Deny ? 2 : 1;
        TierCeilings ceilings = effect.Ceilings;
        stairs.Begin();
        foreach (int source in sources)
            foreach (int destination in destinations)
            {
                int first = (source * classes.Destination.Length + destination) * classes.Currency.Length;
                foreach (int currency in currencies)
                {
                    ref int cell = ref cells[first + currency];
                    cell = stairs.Next(cell, rule.Id, firstMeasure, measureCount, ceilings);
                }
            }
    }

    /// <summary>The table of all rules added, or which bound they exceed.</summary>
    public bool TryBuild(out CorridorTable? table, out string error)
    {
        table = null;
        error = "";
        if (_amounts.Overflowed || _sums.Overflowed)
        {
            error = $"corridors differ in more than {RuleBounds.StatesMax} ways";
            return false;
        }
        RowWriter writer = new(_amounts, _sums, _placedReviews, hasReviewLimits);
        int[] cells = new int[_amountCells.Length];
        Dictionary<long, int> numbers = [];
        long before = -1;
        for (int i = 0; i < cells.Length; i++)
        {
            int sums = _sumCells.Length == 0 ? 0 : _sumCells[i];
            long key = (long)_amountCells[i] << 32 | (uint)sums;
            // Neighbours are mostly alike, and there may be millions.
            if (key == before)
            {
                cells[i] = cells[i - 1];
                continue;
            }
            before = key;
            if (!numbers.TryGetValue(key, out cells[i]))
                numbers.Add(key, cells[i] = writer.Add(_amountCells[i], sums));
            if (!writer.Full)
                continue;
            error = $"more than {RuleBounds.RowsMax} different corridors or {RuleBounds.StepsMax} steps";
            return false;
        }
        table = writer.Build(classes, cells);
        return true;
    }

    /// <summary>Lays states out as rows and steps.</summary>
    private sealed class RowWriter(Staircases amounts, Staircases sums, bool hasReviews, bool hasReviewLimits)
    {
        private readonly List<CorridorRow> _rows = [];
        private readonly List<CorridorRow> _denyRows = [];
        private readonly List<CorridorRow> _reviewRows = [];
        private readonly List<CorridorRow> _limitRows = [];
        private readonly List<Step> _steps = [];
        private readonly Dictionary<int, uint> _limitsOfState = [];

        public bool Full => _rows.Count > RuleBounds.RowsMax || _limitRows.Count > RuleBounds.RowsMax ||
            _steps.Count > RuleBounds.StepsMax;

        public int Add(int amountState, int sumState)
        {
            CorridorRow row = Row(amounts, amountState, MeasureAll);
            row.Limits = Limits(sumState);
            _rows.Add(row);
            _denyRows.Add(Row(amounts, amountState, MeasureDeny));
            if (hasReviews)
                _reviewRows.Add(Row(amounts, amountState, MeasureReview));
            return _rows.Count - 1;
        }

        private uint Limits(int state)
        {
            if (state == 0)
                return 0;
            if (_limitsOfState.TryGetValue(state, out uint limits))
                return limits;
            uint first = (uint)_limitRows.Count;
            uint refusing = AddLimits(state, 0);
            uint reviewing = hasReviewLimits ? AddLimits(state, SumWindow.Count) : 0;
            limits = first * 64 + reviewing * 8 + refusing;
            _limitsOfState.Add(state, limits);
            return limits;
        }

        /// <summary>How many of the windows have a ceiling.</summary>
        private uint AddLimits(int state, int firstMeasure)
        {
            int before = _limitRows.Count;
            for (int window = 0; window < SumWindow.Count; window++)
            {
                CorridorRow row = Row(sums, state, firstMeasure + window);
                row.Window = (byte)window;
                if (((ReadOnlySpan<ulong>)row.Ceilings).ContainsAnyExcept(TierCeilings.None))
                    _limitRows.Add(row);
            }
            return (uint)(_limitRows.Count - before);
        }

        private CorridorRow Row(Staircases stairs, int state, int measure)
        {
            CorridorRow row = new() { StepFirst = (uint)_steps.Count };
            for (int tier = 0; tier < TierCeilings.Count; tier++)
            {
                int first = _steps.Count;
                stairs.AppendSteps(state, measure, tier, _steps);
                row.Ceilings[tier] = stairs.Top(state, measure, tier);
                row.Rules[tier] = _steps.Count - first == 1 ? _steps[first].Rule : (ushort)0;
                row.StepEnds[tier] = (ushort)(_steps.Count - (int)row.StepFirst);
            }
            return row;
        }

        public CorridorTable Build(RuleClassMaps classes, int[] cells) => new()
        {
            SourceClasses = classes.SourceBytes(),
            DestinationClasses = classes.DestinationBytes(),
            CurrencyClasses = classes.CurrencyBytes(),
            DestinationCount = classes.Destination.Length,
            CurrencyCount = classes.Currency.Length,
            Cells = cells,
            Rows = Aligned(_rows),
            DenyRows = Aligned(_denyRows),
            ReviewRows = Aligned(_reviewRows),
            LimitRows = Aligned(_limitRows),
            Steps = [.. _steps],
        };

        private static AlignedRows<CorridorRow> Aligned(List<CorridorRow> rows)
        {
            AlignedRows<CorridorRow> aligned = new(rows.Count);
            CollectionsMarshal.AsSpan(rows).CopyTo(aligned.Rows);
            return aligned;
        }
    }
}
