namespace Settlement.Engine.Rules.Language;

public enum SatisfiabilityAnswer : byte
{
    /// <summary>No payment.</summary>
    No = 0,

    /// <summary>The witness is one.</summary>
    Yes = 1,

    /// <summary>Not found within the steps allowed.</summary>
    Unknown = 2,
}

/// <summary>A payment that shows that something can happen.</summary>
/// <param name="Facts">The payment.</param>
/// <param name="Spent">What its payer had paid before; in other windows nothing.</param>
public sealed record LawWitness(RuleFacts Facts, IReadOnlyList<(LimitWindow Window, ulong Amount)> Spent)
{
    public LawCase Case => new(Facts, window => Spent.FirstOrDefault(one => one.Window == window).Amount);

    /// <summary>In words, for the middle of a sentence.</summary>
    public string Describe(Func<ushort, int> scaleOf) => LawPhrase.Of(Facts, Spent, scaleOf);
}

/// <summary>
/// Purpose: whether any payment at all meets a condition, decided exactly: by splitting cases over countries, currencies and the other fields, and at the
/// amounts and sums at which a comparison turns. Countries and currencies are those that exist; sums have their true values.
/// Bound: <see cref="StepsMax"/>, so a condition made to be hard ends as unknown, after the same steps everywhere.
/// </summary>
public static class Satisfiability
{
    /// <summary>Visits to a part of a condition, about 20 ns each.</summary>
    public const long StepsMax = 1L << 22;

    /// <param name="condition">Any.</param>
    /// <param name="rules">For parameters and scales.</param>
    /// <param name="witness">Null unless the answer is yes.</param>
    /// <param name="stepsMax">The bound.</param>
    public static SatisfiabilityAnswer TryFind(LawCondition condition, RuleSet rules, out LawWitness? witness, long stepsMax = StepsMax)
    {
        BiteFormulas formulas = new(new FormulaBuilder(rules, new FormulaPool()));
        return TryFind(formulas, formulas.CurrenciesToTell([], [condition]), currency => formulas.Builder.Of(condition, currency),
            new FormulaSearch(stepsMax), out witness);
    }

    /// <summary>Whether a statement of a rule set can refuse, review or (an exception) let pass any payment on a day, its exceptions considered.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="day">Since 1970-01-01 (UTC).</param>
    /// <param name="statement">By name; one that is not in force bites nothing.</param>
    /// <param name="witness">Null unless the answer is yes.</param>
    /// <param name="stepsMax">The bound.</param>
    public static SatisfiabilityAnswer TryFindBitten(
        RuleSet rules, int day, string statement, out LawWitness? witness, long stepsMax = StepsMax)
    {
        witness = null;
        BiteFormulas formulas = new(new FormulaBuilder(rules, new FormulaPool()));
        StatementInForce? one = LawInForce.On(rules, day).Statements.FirstOrDefault(one => one.Statement.Name == statement);
        return one is null ? SatisfiabilityAnswer.No : TryFindBitten(formulas, one, new FormulaSearch(stepsMax), out witness);
    }

    internal static SatisfiabilityAnswer TryFindBitten(BiteFormulas formulas, StatementInForce one, FormulaSearch search, out LawWitness? witness)
    {
        FormulaPool pool = formulas.Builder.Pool;
        return TryFind(formulas, formulas.CurrenciesToTell(one.Group(), []), currency =>
        {
            Formula bites = formulas.Bites(one, currency);
            Formula without = SumLevels.None(pool, bites);
            Formula first = one.Statement.Effect is LawEffect.Deny or LawEffect.Require ? pool.Any(bites, without) : bites;
            Formula asksAll = BiteFormulas.AsksAll(pool);
            return pool.Any(pool.All(asksAll, first), pool.All(formulas.AskedAbout(one), pool.Not(asksAll), without));
        }, search, out witness);
    }

    /// <summary>Currency by currency; those of one formula are one.</summary>
    internal static SatisfiabilityAnswer TryFind(
        BiteFormulas formulas, IReadOnlyList<ushort> currencies, Func<ushort, Formula> of, FormulaSearch search, out LawWitness? witness)
    {
        witness = null;
        HashSet<int> refuted = [];
        SatisfiabilityAnswer answer = SatisfiabilityAnswer.No;
        foreach (ushort currency in currencies)
        {
            Formula formula = of(currency);
            if (formulas.Builder.Pool.IsExhausted)
                return SatisfiabilityAnswer.Unknown;
            if (!refuted.Add(formula.Number))
                continue;
            SatisfiabilityAnswer here = search.Find(formula, currency, out witness);
            if (here == SatisfiabilityAnswer.Yes)
                return here;
            if (here == SatisfiabilityAnswer.Unknown)
                answer = here;
        }
        return answer;
    }
}
