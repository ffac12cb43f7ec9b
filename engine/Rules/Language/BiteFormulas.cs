using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: when statements apply and bite, as formulas: scope, <c>when</c> and exceptions by layer put together.
/// An exception takes from its target scope and <c>when</c>, not what the target needs or limits.
/// </summary>
internal sealed class BiteFormulas(FormulaBuilder builder)
{
    private readonly FormulaPool _pool = builder.Pool;
    private readonly Dictionary<(int Order, ushort Currency), Formula> _own = [];

    public FormulaBuilder Builder => builder;

    /// <summary>When a statement applies, its exceptions considered.</summary>
    /// <param name="one">In force.</param>
    /// <param name="currency">ISO 4217; 0: all, without sums.</param>
    public Formula Applies(StatementInForce one, ushort currency)
    {
        if (!one.Statement.IsException)
            return _pool.All(Own(one, currency), NoneOf(one.Exceptions, currency));
        List<Formula> targets = [];
        foreach (StatementInForce target in one.Targets)
            targets.Add(_pool.All(Own(target, currency), NoneOf(target.Exceptions.TakeWhile(other => other.Rank > one.Rank), currency)));
        return _pool.All(Own(one, currency), _pool.Any(targets));
    }

    /// <summary>When it refuses or holds a payment (of an exception that allows: when it lets one pass).</summary>
    public Formula Bites(StatementInForce one, ushort currency) => one.Statement.Effect switch
    {
        LawEffect.Require => _pool.All(Applies(one, currency), _pool.Not(builder.Of(one.Statement.Needs!, currency))),
        LawEffect.Limit => currency == 0 ? _pool.False : _pool.All(Applies(one, currency), Exceeds(one.Statement, currency)),
        _ => Applies(one, currency),
    };

    /// <summary>By instruction: captures and refunds ask deny statements alone, and those take every sum for too small; voids, issues and redemptions ask none.</summary>
    public Formula AskedAbout(StatementInForce one) => one.Statement.Effect is LawEffect.Deny or LawEffect.Allow
        ? _pool.Values(RuleField.Instruction, ValueSet.Of((ushort)Instruction.Micropayment, (ushort)Instruction.Immediate, (ushort)Instruction.Hold,
            (ushort)Instruction.Capture, (ushort)Instruction.Refund))
        : AsksAll(_pool);

    /// <summary>The instructions that ask every statement.</summary>
    public static Formula AsksAll(FormulaPool pool) => pool.Values(
        RuleField.Instruction, ValueSet.Of((ushort)Instruction.Micropayment, (ushort)Instruction.Immediate, (ushort)Instruction.Hold));

    private Formula NoneOf(IEnumerable<StatementInForce> exceptions, ushort currency) =>
        _pool.All(exceptions.Select(exception => _pool.Not(Own(exception, currency))));

    /// <summary>Scope and <c>when</c>; an exception of a module has its target's scope.</summary>
    public Formula Own(StatementInForce one, ushort currency)
    {
        if (_own.TryGetValue((one.Order, currency), out Formula? known))
            return known;
        Formula own = _pool.All(Scope(one, currency), builder.Of(one.Statement.When, currency));
        _own.Add((one.Order, currency), own);
        return own;
    }

    private Formula Scope(StatementInForce one, ushort currency)
    {
        if (one.Treaty is { } treaty)
        {
            ushort[] countries = [.. builder.Rules.Modules.Where(module => treaty.Bound.Contains(module.Name))
                .SelectMany(static module => module.Jurisdiction.Countries).Distinct()];
            return _pool.All(builder.Values(RuleField.Source, countries, currency), builder.Values(RuleField.Destination, countries, currency));
        }
        Jurisdiction jurisdiction = one.Module.Jurisdiction;
        return jurisdiction.IsWorld ? _pool.True : _pool.Any(
            builder.Values(RuleField.Source, jurisdiction.Countries, currency),
            builder.Values(RuleField.Destination, jurisdiction.Countries, currency),
            builder.Values(RuleField.Currency, jurisdiction.Currencies, currency));
    }

    private Formula Exceeds(LawStatement limit, ushort currency)
    {
        List<Formula> parts = [];
        foreach ((ValueSet countries, TierCeilings ceilings) in Ceilings(limit, currency))
            for (byte tier = 0; tier < TierCeilings.Count; tier++)
                parts.Add(_pool.All(
                    _pool.Values(RuleField.Source, countries), _pool.Values(RuleField.Tier, ValueSet.Of(tier)), _pool.SumAbove(limit.Window, ceilings[tier])));
        return _pool.Any(parts);
    }

    /// <summary>A limit's ceilings by the payer's country, where there are any: the first class that a country is in counts.</summary>
    public IReadOnlyList<(ValueSet Countries, TierCeilings Ceilings)> Ceilings(LawStatement limit, ushort currency)
    {
        List<(ValueSet, TierCeilings)> all = [];
        ValueSet left = ValueSet.Domain(RuleField.Source);
        foreach (Adaptation adaptation in limit.Adaptations)
        {
            ValueSet countries = ValueSet.Of([.. adaptation.Countries]);
            Add(left.And(countries), adaptation.Percent);
            left = left.Without(countries);
        }
        Add(left, 100);
        return all;

        void Add(ValueSet countries, int percent)
        {
            TierCeilings ceilings = TierCeilings.Same(TierCeilings.None);
            bool any = false;
            for (int tier = 0; tier < TierCeilings.Count; tier++)
                if (builder.Ceiling(limit.Ceilings[tier], percent, currency) is { } ceiling)
                    (ceilings[tier], any) = (ceiling, true);
            if (any && !countries.IsEmpty)
                all.Add((countries, ceilings));
        }
    }

    /// <summary>The currencies in which a statement may differ from all that it does not name, ascending; with one of those at the end, if there is one.</summary>
    public IReadOnlyList<ushort> CurrenciesToTell(IEnumerable<StatementInForce> statements, IEnumerable<LawCondition> conditions)
    {
        ValueSet named = conditions.Aggregate(ValueSet.Empty, (set, condition) => set.Or(Named(condition)));
        foreach (StatementInForce one in statements)
        {
            if (one.Treaty is null)
                named = named.Or(ValueSet.Of([.. one.Module.Jurisdiction.Currencies]));
            named = named.Or(Named(one.Statement.When)).Or(one.Statement.Needs is { } needs ? Named(needs) : ValueSet.Empty);
            foreach (LawMoney? money in one.Statement.Ceilings)
                named = named.Or(money is null ? ValueSet.Empty : Named(money));
        }
        named = named.And(ValueSet.Real(RuleField.Currency));
        ushort[] others = ValueSet.Real(RuleField.Currency).Without(named).ToArray();
        return [.. named.ToArray(), .. others.Take(1)];
    }

    private ValueSet Named(LawCondition condition) => condition switch
    {
        LawField { Field: RuleField.Currency } field => ValueSet.Of(field.Value),
        LawField { Field: RuleField.Owner } field => ValueSet.Where(RuleField.Currency, value => OwnerOf(value) == field.Value),
        LawIn { Field: RuleField.Currency } list => ValueSet.Of([.. list.Values]),
        LawIn { Field: RuleField.Owner } list => ValueSet.Where(RuleField.Currency, value => list.Values.Contains(OwnerOf(value))),
        LawAmount amount => Named(amount.Money),
        LawSum sum => Named(sum.Money),
        LawNot not => Named(not.Inner),
        LawAll all => all.Children.Aggregate(ValueSet.Empty, (set, child) => set.Or(Named(child))),
        LawAny any => any.Children.Aggregate(ValueSet.Empty, (set, child) => set.Or(Named(child))),
        _ => ValueSet.Empty,
    };

    private ValueSet Named(LawMoney money) => !money.IsEquivalent ? ValueSet.Of(money.Currency)
        : ValueSet.Where(RuleField.Currency, value => value == money.Currency || builder.Rules.Parameters.ContainsKey(ParameterName.RateOf((ushort)value)));

    private static ushort OwnerOf(int currency) => Iso4217.OwnerCountry((ushort)currency);
}
