namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: proves of a statement with sums what its lowering rests on. A limit rule looks at one sum, so what a statement says to several must follow
/// from what it says to each alone; and whoever paid more before may not be treated better.
/// Invariant: exact where a proof ends; what cannot be proven in the steps allowed counts as not so.
/// </summary>
internal static class SumProofs
{
    /// <summary>Different states of all sums of a statement and its exceptions.</summary>
    public const int CombinationsMax = 1_024;

    /// <summary>
    /// Whether it is plain from the formula's shape: no comparison of a sum is negated, and no "all" has sums of two windows in different parts.
    /// </summary>
    public static bool IsPlain(Formula formula)
    {
        if (!formula.HasSums)
            return true;
        if (formula.HasNegatedSums || !formula.Children.All(IsPlain))
            return false;
        return formula.Kind != FormulaKind.All || formula.Children.Count(static child => child.HasSums) <= 1 || new SumLevels(formula).Windows.Count <= 1;
    }

    /// <summary>What is wrong with a statement in a currency, for the one who wrote it; null: nothing.</summary>
    public static string? Fault(BiteFormulas formulas, StatementInForce one, ushort currency, FormulaSearch search)
    {
        Formula bites = formulas.Bites(one, currency);
        if (IsPlain(bites))
            return null;
        Group group = new(formulas, one, currency, search);
        if (group.Levels.Combinations(CombinationsMax) is not { } combinations)
            return $"it and its exceptions compare sums in more than {CombinationsMax} ways: write fewer of them into one statement";
        foreach (int[] levels in combinations)
            if (group.FaultAt(levels) is { } fault)
                return fault;
        return null;
    }

    private sealed class Group
    {
        private readonly FormulaPool _pool;
        private readonly BiteFormulas _formulas;
        private readonly FormulaSearch _search;
        private readonly ushort _currency;
        private readonly Formula _asked;
        private readonly Formula _bites;
        private readonly Formula _none;
        private readonly Formula _refusedWithoutSums;
        private readonly List<Formula> _refusing = [];
        private readonly List<Formula> _reviewing = [];

        /// <summary>Those of both that decide before the statement where it bites, too.</summary>
        private readonly List<Formula> _before = [];
        private readonly bool _reviews;

        public Group(BiteFormulas formulas, StatementInForce one, ushort currency, FormulaSearch search)
        {
            (_formulas, _pool, _search, _currency) = (formulas, formulas.Builder.Pool, search, currency);
            _asked = formulas.AskedAbout(one);
            _bites = formulas.Bites(one, currency);
            _reviews = one.Statement.Effect == LawEffect.Review;
            List<Formula> first = [];
            foreach (StatementInForce member in one.Group())
            {
                Formula bites = formulas.Bites(member, currency);
                if (member.Refuses)
                    _refusing.Add(bites);
                bool reviews = member.Statement.Effect == LawEffect.Review;
                if (reviews)
                    _reviewing.Add(bites);
                if ((member.Refuses || reviews) && (member.Refuses == one.Refuses ? member.Order < one.Order : member.Refuses))
                    _before.Add(bites);
                if (member.Statement.Effect is LawEffect.Deny or LawEffect.Require)
                    first.Add(SumLevels.None(_pool, bites));
            }
            Levels = new SumLevels(_refusing.Concat(_reviewing));
            _none = SumLevels.None(_pool, _bites);
            _refusedWithoutSums = _pool.Any(first);
        }

        public SumLevels Levels { get; }

        public string? FaultAt(int[] levels)
        {
            Formula here = At(_bites, levels);
            Formula alone = _pool.Any(Levels.Windows.Select((_, window) => At(_bites, Levels.Only(window, levels[window]))).Append(_none));
            // Who is refused anyway, before or beside, is not treated by what is said here.
            Formula other = _pool.Not(_reviews ? _pool.Any(_refusing.Select(formula => At(formula, levels)).Append(_refusedWithoutSums)) : _refusedWithoutSums);
            return Found(_pool.All(here, _pool.Not(alone), other),
                    "it needs two sums at once, and each alone is not enough", "write one statement for each sum") ??
                FaultAbove(levels, here);
        }

        private const string Better = "whoever paid more before would be treated better";
        private const string Advice = "let more never undo what less brought about: turn the comparison of the sum round, or write it without it";

        private const string Behind = "with a larger sum it makes way for a statement that stands behind it";
        private const string BehindAdvice =
            "do not negate the comparison of the sum here, but make what is to hold above that sum an exception that states it (`when sum(payer, …) + amount > …`)";

        /// <summary>
        /// Where a sum is one level higher, somebody must still refuse (or review) whom the statement refuses (or reviews) here: itself, or one that stands
        /// before it. A rule of the table bites above its threshold for good, so one behind it would never be named. Proven at every level of all of them, it
        /// holds, too, where one sum alone is enough and another one is added.
        /// </summary>
        private string? FaultAbove(int[] levels, Formula here)
        {
            if (!_bites.HasNegatedSums)
                return null;
            for (int window = 0; window < levels.Length; window++)
            {
                if (levels[window] == Levels.Windows[window].Thresholds.Length)
                    continue;
                int[] above = [.. levels];
                above[window]++;
                IEnumerable<Formula> treating = _reviews ? _refusing.Concat(_reviewing) : _refusing;
                string? fault = Found(NotTreated(treating), Better, Advice) ??
                    Found(_pool.All(NotTreated(_before.Append(_bites)), _pool.Not(_refusedWithoutSums)), Behind, BehindAdvice);
                if (fault is not null)
                    return fault;

                Formula NotTreated(IEnumerable<Formula> by) => _pool.All(here, _pool.Not(_pool.Any(by.Select(formula => At(formula, above)))));
            }
            return null;
        }

        private Formula At(Formula formula, int[] levels) => Levels.Assign(_pool, formula, levels);

        private string? Found(Formula formula, string fault, string advice)
        {
            LawWitness? witness = null;
            SatisfiabilityAnswer answer = _pool.IsExhausted
                ? SatisfiabilityAnswer.Unknown
                : _search.Find(_pool.All(_asked, formula), _currency, out witness);
            return answer switch
            {
                SatisfiabilityAnswer.No => null,
                SatisfiabilityAnswer.Yes => $"{fault}, for example {witness!.Describe(_formulas.Builder.Rules.ScaleOf)}: {advice}",
                _ => "its sums are too entangled to be judged: write it as several simpler statements",
            };
        }
    }
}
