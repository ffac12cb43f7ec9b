using System.Numerics;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Smt;

/// <summary>A statement of a rule set as terms. Each comes twice: as it is, and with every comparison of a sum taken as false.</summary>
internal sealed class ModelStatement(LawModule module, LawStatement statement, BoundTreaty? treaty)
{
    public LawModule Module => module;

    public LawStatement Statement => statement;

    public BoundTreaty? Treaty => treaty;

    public List<ModelStatement> Targets { get; } = [];

    public List<ModelStatement> Exceptions { get; } = [];

    /// <summary>In force, in scope, and its own <c>when</c> holds.</summary>
    public required Twice Holds { get; init; }

    /// <summary>It has its say: of an exception, its target's <c>when</c> holds, too, and no higher exception takes its place.</summary>
    public Twice Acts { get; set; }

    /// <summary>It refuses or reviews, if it comes to it. Never of <c>allow</c>.</summary>
    public Twice Bites { get; set; }

    /// <summary>The payment's answer is its: no, or review.</summary>
    public Term Decides { get; set; } = null!;

    public bool IsAbove(ModelStatement other) =>
        treaty is null == other.Treaty is null ? statement.Layer > other.Statement.Layer : treaty is not null;

    public override string ToString() => statement.Name;
}

/// <param name="WithSums">As it is.</param>
/// <param name="WithoutSums">With every comparison of a sum taken as false.</param>
internal readonly record struct Twice(Term WithSums, Term WithoutSums)
{
    public Term this[bool sums] => sums ? WithSums : WithoutSums;
}

/// <summary>One of the answers that a payment can get.</summary>
/// <param name="Answer">Yes, no or review.</param>
/// <param name="Decider">Who says so; null: nobody refuses or reviews.</param>
/// <param name="Holds">For which payments.</param>
internal sealed record ModelOutcome(LawAnswer Answer, ModelStatement? Decider, Term Holds);

/// <summary>
/// One rule set as terms: who has a say, who bites, who decides. Micropayments, immediates and holds ask everything; captures and refunds ask statements of effect deny,
/// with every sum taken as false.
/// </summary>
internal sealed class ModelSide
{
    private readonly LawModel _model;
    private readonly List<ModelStatement> _statements = [];
    private Term[]? _cone; // of the outcomes, once it is asked for

    public ModelSide(LawModel model, RuleSet rules)
    {
        (_model, Rules) = (model, rules);
        IsPayment = model.Where(CaseField.Instruction, value => value <= (int)Instruction.Hold);
        foreach ((LawModule module, BoundTreaty? treaty) in LawWalk.Modules(rules))
        {
            Term scope = treaty is null ? ScopeOf(module.Jurisdiction) : ScopeOf(LawScope.CountriesOf(treaty, rules));
            Term force = model.Where(CaseField.Day, day => module.EffectiveDay <= day && (module.UntilDay is not { } until || day < until));
            foreach (LawStatement statement in module.Statements)
            {
                Term asked = Bank.All(scope, force, model.Where(CaseField.Day, statement.IsInForce));
                _statements.Add(new ModelStatement(module, statement, treaty)
                {
                    Holds = Both(sums => Bank.And(asked, Of(statement.When, sums))),
                });
            }
        }
        Link();
        PutInOrder();
        foreach (ModelStatement one in _statements)
        {
            one.Acts = Both(sums => one.Statement.IsException ? Bank.Any(one.Targets.Select(target => ActsFor(one, target, sums)))
                : Bank.And(one.Holds[sums], Bank.Not(Bank.Any(one.Exceptions.Select(exception => exception.Holds[sums])))));
            one.Bites = Both(sums => Bank.And(one.Acts[sums], Effect(one.Statement, sums)));
        }
        Decide();
    }

    public RuleSet Rules { get; }

    /// <summary>In the order in which they are numbered.</summary>
    public IReadOnlyList<ModelStatement> Statements => _statements;

    /// <summary>Every payment has exactly one.</summary>
    public IReadOnlyList<ModelOutcome> Outcomes { get; private set; } = [];

    /// <summary>A payment that is no capture and no refund.</summary>
    public Term IsPayment { get; }

    /// <summary>Somebody says no.</summary>
    public Term Refused { get; private set; } = null!;

    /// <summary>Nobody says no, and somebody review.</summary>
    public Term Reviewed { get; private set; } = null!;

    private TermBank Bank => _model.Bank;

    /// <summary>An exception takes its target's place.</summary>
    public Term ActsFor(ModelStatement exception, ModelStatement target, bool sums) => Bank.AndNot(
        Bank.And(target.Holds[sums], exception.Holds[sums]),
        Bank.Any(target.Exceptions.Where(other => other.IsAbove(exception)).Select(other => other.Holds[sums])));

    public ModelOutcome OutcomeOf(ModelCase payment)
    {
        _cone ??= TermBank.Cone([.. Outcomes.Select(outcome => outcome.Holds)]);
        bool[] values = new bool[_cone[^1].Id + 1];
        payment.Evaluate(_cone, values);
        return Outcomes.Single(outcome => values[outcome.Holds.Id]);
    }

    private void Link()
    {
        foreach (ModelStatement exception in _statements.Where(one => one.Statement.IsException))
            foreach (ModelStatement target in _statements)
            {
                bool reaches = exception.Treaty is { } treaty ? target.Treaty is null && treaty.Bound.Contains(target.Module.Name) : ReferenceEquals(exception.Module, target.Module);
                if (!reaches || target.Statement.IsException || !exception.Statement.Targets.Contains(target.Statement.Name))
                    continue;
                exception.Targets.Add(target);
                target.Exceptions.Add(exception);
            }
    }

    /// <summary>By treaty and module they are; what takes another's place comes before it.</summary>
    private void PutInOrder()
    {
        ModelStatement[] written = [.. _statements];
        _statements.Clear();
        _statements.AddRange(written.Where(one => one.Treaty is not null).OrderBy(one => -one.Statement.Layer));
        foreach (ModelStatement one in written.Where(one => one.Treaty is null && !one.Statement.IsException))
        {
            _statements.AddRange(one.Exceptions.Where(exception => exception.Treaty is null).OrderBy(exception => -exception.Statement.Layer));
            _statements.Add(one);
        }
    }

    private void Decide()
    {
        // Captures and refunds: deny alone, without sums. Payments: first deny and require without sums, then all with sums, then reviews.
        Term captureBefore = Bank.False, plainBefore = Bank.False, sumBefore = Bank.False, reviewBefore = Bank.False;
        List<(ModelStatement Statement, Term Capture, Term Plain, Term Sum)> refusing = [];
        foreach (ModelStatement one in _statements.Where(one => one.Statement.Effect is LawEffect.Deny or LawEffect.Require or LawEffect.Limit))
        {
            Term capture = one.Statement.Effect == LawEffect.Deny ? one.Bites.WithoutSums : Bank.False;
            refusing.Add((one, Bank.AndNot(capture, captureBefore), Bank.AndNot(one.Bites.WithoutSums, plainBefore), Bank.AndNot(one.Bites.WithSums, sumBefore)));
            captureBefore = Bank.Or(captureBefore, capture);
            plainBefore = Bank.Or(plainBefore, one.Bites.WithoutSums);
            sumBefore = Bank.Or(sumBefore, one.Bites.WithSums);
        }
        Term isCapture = Bank.Not(IsPayment);
        foreach ((ModelStatement one, Term capture, Term plain, Term sum) in refusing)
            one.Decides = Bank.Or(Bank.And(isCapture, capture), Bank.And(IsPayment, Bank.Or(plain, Bank.AndNot(sum, plainBefore))));
        Refused = Bank.Or(Bank.And(isCapture, captureBefore), Bank.And(IsPayment, Bank.Or(plainBefore, sumBefore)));

        Term open = Bank.AndNot(IsPayment, Refused);
        foreach (ModelStatement one in _statements.Where(one => one.Statement.Effect is LawEffect.Review or LawEffect.Allow))
        {
            bool reviews = one.Statement.Effect == LawEffect.Review;
            one.Decides = reviews ? Bank.And(open, Bank.AndNot(one.Bites.WithSums, reviewBefore)) : Bank.False;
            reviewBefore = reviews ? Bank.Or(reviewBefore, one.Bites.WithSums) : reviewBefore;
        }
        Reviewed = Bank.And(open, reviewBefore);
        Outcomes =
        [
            new ModelOutcome(LawAnswer.Yes, null, Bank.Not(Bank.Or(Refused, Reviewed))),
            .. _statements.Where(one => one.Statement.Effect != LawEffect.Allow)
                .Select(one => new ModelOutcome(one.Statement.Effect == LawEffect.Review ? LawAnswer.Review : LawAnswer.No, one, one.Decides)),
        ];
    }

    /// <summary>What an acting statement still needs to bite.</summary>
    private Term Effect(LawStatement statement, bool sums) => statement.Effect switch
    {
        LawEffect.Deny or LawEffect.Review => Bank.True,
        LawEffect.Require => Bank.Not(Of(statement.Needs!, sums)),
        LawEffect.Limit => sums ? Exceeds(statement) : Bank.False,
        _ => Bank.False,
    };

    private Term ScopeOf(Jurisdiction jurisdiction) => jurisdiction.IsWorld ? Bank.True : Bank.Any(
        _model.Where(CaseField.Source, value => jurisdiction.Countries.Contains((ushort)value)),
        _model.Where(CaseField.Destination, value => jurisdiction.Countries.Contains((ushort)value)),
        _model.Where(CaseField.Currency, value => jurisdiction.Currencies.Contains((ushort)value)));

    private Term ScopeOf(IReadOnlyList<ushort> treatyCountries) => Bank.And(
        _model.Where(CaseField.Source, value => treatyCountries.Contains((ushort)value)),
        _model.Where(CaseField.Destination, value => treatyCountries.Contains((ushort)value)));

    private Term Of(LawCondition condition, bool sums) => condition switch
    {
        LawAlways => Bank.True,
        LawField { Field: RuleField.Owner } owner =>
            _model.Where(CaseField.Currency, value => LawArithmetic.Compares(((int)Iso4217.OwnerCountry((ushort)value)).CompareTo(owner.Value), owner.Operator)),
        LawField one => _model.Where(FieldClasses.FieldOf(one.Field), value => LawArithmetic.Compares(value.CompareTo(one.Value), one.Operator)),
        LawIn { Field: RuleField.Owner } owner => _model.Where(CaseField.Currency, value => owner.Values.Contains(Iso4217.OwnerCountry((ushort)value))),
        LawIn list => _model.Where(FieldClasses.FieldOf(list.Field), value => list.Values.Contains((ushort)value)),
        LawAmount amount => ByCurrency(amount.Money, 100, (_, units) => Compare(0, amount.Operator, units)),
        LawSum sum => sums ? ByCurrency(sum.Money, 100, (_, units) => Compare(_model.NumberOf(sum.Window), sum.Operator, units)) : Bank.False,
        LawNot not => Bank.Not(Of(not.Inner, sums)),
        LawAll all => Bank.All(all.Children.Select(child => Of(child, sums))),
        LawAny any => Bank.Any(any.Children.Select(child => Of(child, sums))),
        _ => throw new InvalidOperationException($"{condition.GetType().Name} in a condition"),
    };

    /// <summary>What the payer paid in the window, with this payment, is above the ceiling that the limit has for the payer.</summary>
    private Term Exceeds(LawStatement limit)
    {
        int number = _model.NumberOf(limit.Window);
        List<Term> exceeded = [];
        // Of a country that several classes hold, the first counts.
        foreach (IGrouping<int, int> place in Enumerable.Range(0, _model.Fields.Count(CaseField.Source)).GroupBy(one => PercentOf(limit, _model.Fields.ValueOf(CaseField.Source, one))))
        {
            if (place.Key == 0)
                continue;
            Term from = Bank.In((int)CaseField.Source, place.Aggregate(BigInteger.Zero, (classes, one) => classes | (BigInteger.One << one)));
            foreach (IGrouping<LawMoney?, int> tiers in Enumerable.Range(0, limit.Ceilings.Count).GroupBy(tier => limit.Ceilings[tier]))
                if (tiers.Key is { } ceiling)
                    exceeded.Add(Bank.All(from, _model.Where(CaseField.Tier, tiers.Contains),
                        // Without a number the ceiling is 0: everything is above it.
                        ByCurrency(ceiling, place.Key, (_, units) => units.IsCounted ? Compare(number, RuleOperator.More, units) : Bank.True)));
        }
        return Bank.Any(exceeded);
    }

    private static int PercentOf(LawStatement limit, int source) =>
        limit.Adaptations.FirstOrDefault(one => one.Countries.Contains((ushort)source))?.Percent ?? 100;

    /// <summary>Something about an amount in the payment's currency; false where the law's money is of another and not equivalent.</summary>
    private Term ByCurrency(LawMoney money, int percent, Func<int, LawUnits, Term> compare)
    {
        Dictionary<Term, BigInteger> currencies = [];
        for (int one = 0; one < _model.Fields.Count(CaseField.Currency); one++)
        {
            int currency = _model.Fields.ValueOf(CaseField.Currency, one);
            if (!money.IsEquivalent && currency != money.Currency)
                continue;
            Term compared = compare(currency, LawArithmetic.UnitsOf(money, percent, (ushort)currency, Rules));
            currencies[compared] = currencies.GetValueOrDefault(compared) | (BigInteger.One << one);
        }
        return Bank.Any(currencies.Select(one => Bank.And(one.Key, Bank.In((int)CaseField.Currency, one.Value))));
    }

    private Term Compare(int number, RuleOperator op, LawUnits units)
    {
        if (!units.IsCounted)
            return Bank.Of(LawArithmetic.Compares(1, op));
        return op switch
        {
            RuleOperator.AtLeast => AtLeast(number, units.Ceiling),
            RuleOperator.More => AtLeast(number, units.Above),
            RuleOperator.Less => Bank.Not(AtLeast(number, units.Ceiling)),
            RuleOperator.AtMost => Bank.Not(AtLeast(number, units.Above)),
            RuleOperator.Equal => Equal(number, units),
            _ => Bank.Not(Equal(number, units)),
        };
    }

    private Term Equal(int number, LawUnits units) =>
        units.IsWhole ? Bank.AndNot(AtLeast(number, units.Numerator), AtLeast(number, units.Numerator + 1)) : Bank.False;

    /// <summary>No number of a payment is above 2^64 - 1.</summary>
    private Term AtLeast(int number, BigInteger bound) => bound > ulong.MaxValue ? Bank.False : Bank.AtLeast(number, (ulong)BigInteger.Max(bound, 0));

    private static Twice Both(Func<bool, Term> term) => new(term(true), term(false));
}
