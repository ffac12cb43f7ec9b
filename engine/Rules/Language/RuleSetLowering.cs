using System.Diagnostics.CodeAnalysis;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>A rule set as a table, for a day.</summary>
/// <param name="Table">What ledgers judge by.</param>
/// <param name="Origins">The statement of every table rule, in the order of rules.</param>
/// <param name="NextChangeDay">The next day on which other statements are in force; null: none.</param>
public sealed record LoweredRules(
    RuleTable Table, IReadOnlyList<(ushort RuleId, LawModule Module, LawStatement Statement)> Origins, int? NextChangeDay);

/// <summary>Why there is no table.</summary>
/// <param name="Module">Whose statement is to blame; null: all together.</param>
/// <param name="Statement">Null: none alone.</param>
/// <param name="IsAboutSums">Whether what it says to sums is to blame.</param>
/// <param name="Message">A sentence without its subject, which is the statement.</param>
internal sealed record LoweringFault(LawModule? Module, LawStatement? Statement, bool IsAboutSums, string Message)
{
    public override string ToString() => Statement is null ? Message : $"{Statement.Name} ({Module!.Name} version {Module.Version}, {Statement.Place}): {Message}";
}

/// <summary>
/// Purpose: a rule set as a rule table: a pure function of the rule set and the day. Rules are numbered from 1 in the order of statements; those of one
/// statement share its name and follow each other. A deny, require or review becomes one rule for what is so without sums, and a limit (or review limit)
/// for each currency, window and threshold of a sum; a limit becomes one for each currency and class it adapts to. What can never bite becomes none.
/// Invariant: the table's answers are the interpreter's, to every payment that asks rules: the same answer by the same statement.
/// Failure assumed: a rule set may be too large, too deep or say of sums what no table can; that ends in a sentence, after a bounded time.
/// </summary>
public static class RuleSetLowering
{
    /// <param name="rules">Modules, treaties, parameters, scales.</param>
    /// <param name="day">Since 1970-01-01 (UTC).</param>
    /// <param name="lowered">Null where the answer is false.</param>
    /// <param name="error">Which statement, where, and what to do; empty where the answer is true.</param>
    public static bool TryLower(RuleSet rules, int day, [NotNullWhen(true)] out LoweredRules? lowered, out string error)
    {
        lowered = Lower(LawInForce.On(rules, day), out LoweringFault? fault);
        error = fault?.ToString() ?? "";
        return lowered is not null;
    }

    internal static LoweredRules? Lower(LawInForce law, out LoweringFault? fault)
    {
        Lowering lowering = new(law);
        foreach (StatementInForce one in law.Statements)
        {
            fault = lowering.Add(one);
            if (fault is not null)
                return null;
        }
        return lowering.Build(out fault);
    }

    private sealed class Lowering(LawInForce law)
    {
        private readonly FormulaPool _pool = new();
        private readonly RuleTableBuilder _builder = new();
        private readonly ConditionWriter _writer = new();
        private readonly FormulaSearch _search = new(4 * Satisfiability.StepsMax);
        private readonly List<(ushort, LawModule, LawStatement)> _origins = [];
        private readonly ValueSet?[] _context = new ValueSet?[(int)RuleField.PayeeKind + 1];
        private BiteFormulas? _formulas;

        // Of the statement being added.
        private StatementInForce? _one;
        private string? _fault;

        private BiteFormulas Formulas => _formulas ??= new BiteFormulas(new FormulaBuilder(law.Rules, _pool));

        public LoweringFault? Add(StatementInForce one)
        {
            (_one, _fault) = (one, null);
            int bytes = Encoding.UTF8.GetByteCount(one.Statement.Name);
            if (bytes > RuleBounds.NameBytesMax)
                _fault = $"its name has {bytes} letters: at most {RuleBounds.NameBytesMax} expected";
            bool aboutSums = false;
            if (one.Statement.Effect == LawEffect.Limit)
                AddLimit();
            else if (one.Statement.Effect != LawEffect.Allow)
                AddWithoutSums();
            if (_fault is null && HasSums(one))
                aboutSums = AddSums();
            if (_fault is null && _pool.IsExhausted)
                _fault = "all conditions together are too entangled: fewer and simpler exceptions are needed";
            return _fault is null ? null : new LoweringFault(one.Module, one.Statement, aboutSums, _fault);
        }

        public LoweredRules? Build(out LoweringFault? fault)
        {
            if (_builder.TryBuild(out RuleTable? table, out string error))
            {
                fault = null;
                return new LoweredRules(table!, _origins, law.NextChangeDay);
            }
            fault = new LoweringFault(null, null, false, $"all rules together: {error}");
            return null;
        }

        private void AddWithoutSums()
        {
            Formula bites = Asked(Formulas.Bites(_one!, 0));
            if (bites.Kind == FormulaKind.False)
                return;
            LawStatement statement = _one!.Statement;
            // A requirement stands in the table as it stands in the law, for whoever reads it there.
            Formula applies = statement.Effect == LawEffect.Require ? Asked(Formulas.Applies(_one, 0)) : bites;
            Condition when = Write(applies, 0);
            Condition? needs = statement.Effect == LawEffect.Require ? Write(Asked(Formulas.Builder.Of(statement.Needs!, 0)), 0) : null;
            if (NextId() is not { } id)
                return;
            _ = statement.Effect switch
            {
                LawEffect.Deny => _builder.Deny(id, statement.Name, when),
                LawEffect.Require => _builder.Require(id, statement.Name, needs!, when),
                _ => _builder.Review(id, statement.Name, statement.HoldNs, when),
            };
        }

        private void AddLimit()
        {
            LawStatement limit = _one!.Statement;
            foreach (ushort currency in Currencies(limit.Ceilings))
            {
                Formula applies = Formulas.Applies(_one, currency);
                // What also asks for a sum is a matter of proof, and lowered as such.
                if (applies.HasSums)
                    continue;
                foreach ((ValueSet countries, TierCeilings ceilings) in Formulas.Ceilings(limit, currency))
                {
                    Formula when = Asked(_pool.All(_pool.Values(RuleField.Source, countries), applies));
                    if (when.Kind != FormulaKind.False)
                        AddLimit(limit.Window, currency, ceilings, when);
                    if (_fault is not null)
                        return;
                }
            }
        }

        /// <summary>True: a fault found is about sums.</summary>
        private bool AddSums()
        {
            foreach (ushort currency in Currencies(Sums(_one!).Concat(_one!.Statement.Ceilings)))
            {
                if (_one.Statement.Effect == LawEffect.Limit && !Formulas.Applies(_one, currency).HasSums)
                    continue;
                Formula bites = Asked(Formulas.Bites(_one, currency));
                if (!bites.HasSums)
                    continue;
                _fault = SumProofs.Fault(Formulas, _one, currency, _search);
                if (_fault is not null)
                    return true;
                AddSums(bites, currency);
                if (_fault is not null || _pool.IsExhausted)
                    return false;
            }
            return false;
        }

        private void AddSums(Formula bites, ushort currency)
        {
            SumLevels levels = new(bites);
            Formula none = SumLevels.None(_pool, bites);
            for (int window = 0; window < levels.Windows.Count; window++)
            {
                Formula before = none;
                for (int level = 1; level <= levels.Windows[window].Thresholds.Length; level++)
                {
                    Formula here = levels.Assign(_pool, bites, levels.Only(window, level));
                    if (here != none && here != before)
                        AddLimit(levels.Windows[window].Window, currency, TierCeilings.Same(levels.Windows[window].Thresholds[level - 1]), Beside(here, none));
                    before = here;
                    if (_fault is not null)
                        return;
                }
            }
        }

        /// <summary>Without what the rule without sums says already.</summary>
        private Formula Beside(Formula here, Formula none)
        {
            Formula[] said = none.Kind == FormulaKind.Any ? none.Children : [none];
            return here.Kind == FormulaKind.Any && Array.Exists(here.Children, said.Contains)
                ? _pool.Any(here.Children.Where(part => !said.Contains(part))) : here;
        }

        private void AddLimit(LimitWindow window, ushort currency, in TierCeilings ceilings, Formula formula)
        {
            LawStatement statement = _one!.Statement;
            Condition when = Write(formula, currency);
            if (NextId() is not { } id)
                return;
            if (statement.Effect == LawEffect.Review)
                _builder.ReviewLimit(id, statement.Name, statement.HoldNs, window, currency, ceilings, when);
            else
                _builder.Limit(id, statement.Name, window, currency, ceilings, when);
        }

        /// <summary>The same for every payment that asks this statement.</summary>
        private Formula Asked(Formula formula)
        {
            const RuleField Field = RuleField.Instruction;
            _context[(int)Field] = Formulas.AskedAbout(_one!).Values;
            return _pool.Restrict(formula, _context, 1u << (int)Field);
        }

        private Condition Write(Formula formula, ushort currency)
        {
            Condition condition = _writer.Write(formula, currency);
            if (condition.Depth > RuleBounds.DepthMax)
                _fault ??= $"with its exceptions its condition is {condition.Depth} deep: at most {RuleBounds.DepthMax} fit; write it flatter";
            if (_writer.Size > RuleBounds.TableBytesMax)
                _fault ??= $"with it all conditions take more than {RuleBounds.TableBytesMax} bytes: fewer or simpler statements are needed";
            return condition;
        }

        /// <summary>Null: there is a fault.</summary>
        private ushort? NextId()
        {
            if (_origins.Count == RuleBounds.RulesMax)
                _fault ??= $"with it there are more than {RuleBounds.RulesMax} table rules: equiv takes one for each currency, an adaptation one for each class";
            if (_fault is not null)
                return null;
            ushort id = (ushort)(_origins.Count + 1);
            _origins.Add((id, _one!.Module, _one.Statement));
            return id;
        }

        /// <summary>The currencies of the ledger in which any of these amounts means something.</summary>
        private IEnumerable<ushort> Currencies(IEnumerable<LawMoney?> amounts)
        {
            ValueSet named = ValueSet.Empty;
            foreach (LawMoney? money in amounts)
                if (money is not null)
                    named = named.Or(money.IsEquivalent ? ValueSet.Real(RuleField.Currency) : ValueSet.Of(money.Currency));
            return named.ToArray().Where(currency => law.Rules.ScaleOf(currency) >= 0);
        }
    }

    private static bool HasSums(StatementInForce one) => one.Statement.Effect != LawEffect.Allow && Sums(one).Any();

    /// <summary>What sums are compared with, in all that decides whether a statement bites.</summary>
    private static IEnumerable<LawMoney> Sums(StatementInForce one)
    {
        IEnumerable<LawCondition> conditions = one.Group().Select(static member => member.Statement.When);
        return (one.Statement.Needs is { } needs ? conditions.Append(needs) : conditions).SelectMany(Sums);
    }

    internal static IEnumerable<LawMoney> Sums(LawCondition condition) => condition switch
    {
        LawSum sum => [sum.Money],
        LawNot not => Sums(not.Inner),
        LawAll all => all.Children.SelectMany(Sums),
        LawAny any => any.Children.SelectMany(Sums),
        _ => [],
    };
}
