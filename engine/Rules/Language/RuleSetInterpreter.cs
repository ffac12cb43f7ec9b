using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

/// <summary>
/// Purpose: the reference of the language: what a rule set says to a payment on a day, statement by statement, with every reason. The
/// compiled plan must give the same answers; this one is never on a payment's way.
/// Invariant: precedence is that of SEMANTICS 12 and 13, then review. First the lowest deny or require that bites when every comparison of a sum is taken
/// as false; then the lowest that bites with the true sums, limits too; only if nothing refuses, the lowest review with the true sums. Captures and
/// refunds ask deny statements alone, with every sum taken as false; voids, issues and redemptions ask nothing.
/// </summary>
public sealed class RuleSetInterpreter
{
    private readonly RuleSet _rules;

    /// <summary>First what can take another's place, then that other.</summary>
    private readonly Standing[] _standing;

    /// <summary>A statement in force, and who it has to do with.</summary>
    private sealed class Standing(LawModule module, LawStatement statement, BoundTreaty? treaty)
    {
        public LawModule Module => module;

        public LawStatement Statement => statement;

        public BoundTreaty? Treaty => treaty;

        /// <summary>Of a plain statement.</summary>
        public List<Standing> Exceptions { get; } = [];

        /// <summary>Of an exception.</summary>
        public List<Standing> Targets { get; } = [];

        public bool IsAbove(Standing other) =>
            treaty is null == other.Treaty is null ? statement.Layer > other.Statement.Layer : treaty is not null;
    }

    /// <param name="rules">The rules.</param>
    /// <param name="day">The payment's day, since 1970-01-01 (UTC).</param>
    public RuleSetInterpreter(RuleSet rules, int day)
    {
        _rules = rules;
        List<Standing> written = [];
        foreach ((LawModule module, BoundTreaty? treaty) in rules.Modules.Select(module => (module, (BoundTreaty?)null))
            .Concat(rules.Treaties.Select(treaty => (treaty.Treaty, (BoundTreaty?)treaty)))
            .Where(one => one.Item1.EffectiveDay <= day && (one.Item1.UntilDay is not { } until || day < until))
            .OrderBy(one => one.Item1.Name, StringComparer.Ordinal))
            foreach (LawStatement statement in module.Statements.Where(statement => statement.IsInForce(day)))
                written.Add(new Standing(module, statement, treaty));
        Standing[] ownPlain = [.. written.Where(one => !one.Statement.IsException && one.Treaty is null)];
        ILookup<string, Standing> plain = ownPlain.ToLookup(one => one.Statement.Name, StringComparer.Ordinal);
        foreach (Standing exception in written)
            foreach (Standing target in exception.Statement.Targets.SelectMany(name => plain[name]).Where(target => Reaches(exception, target)))
            {
                exception.Targets.Add(target);
                target.Exceptions.Add(exception);
            }
        _standing =
        [
            .. written.Where(one => one.Treaty is not null).OrderByDescending(one => one.Statement.Layer),
            .. ownPlain.SelectMany(one => one.Exceptions.Where(exception => exception.Treaty is null).OrderByDescending(exception => exception.Statement.Layer).Append(one)),
        ];
    }

    private static bool Reaches(Standing exception, Standing target) =>
        exception.Treaty is { } treaty ? treaty.Bound.Contains(target.Module.Name) : ReferenceEquals(exception.Module, target.Module);

    /// <summary>What the law says.</summary>
    public static LawDecision Judge(RuleSet rules, int day, in LawCase payment) => new RuleSetInterpreter(rules, day).Judge(payment);

    /// <inheritdoc cref="Judge(RuleSet, int, in LawCase)"/>
    public LawDecision Judge(in LawCase payment) => Judge(payment, null);

    internal LawDecision Judge(LawCase payment, object? turned)
    {
        LawEvaluation evaluation = new(_rules, payment, turned);
        bool asksAll = payment.Facts.Instruction is >= (byte)Instruction.Micropayment and <= (byte)Instruction.Hold;
        bool asksDeny = asksAll || payment.Facts.Instruction is (byte)Instruction.Capture or (byte)Instruction.Refund;
        List<LawFinding> findings = [];
        LawFinding? refusing = null, refusingBySum = null, reviewing = null;
        foreach (Standing one in _standing)
        {
            if (!asksAll && !(asksDeny && one.Statement.Effect is LawEffect.Deny or LawEffect.Allow))
                continue;
            if (Find(one, evaluation, asksAll) is not { } finding)
                continue;
            findings.Add(finding);
            if (finding.Outcome == LawOutcome.Refuses && !finding.BySum)
                refusing ??= finding;
            if (finding.Outcome == LawOutcome.Refuses)
                refusingBySum ??= finding;
            if (finding.Outcome == LawOutcome.Reviews)
                reviewing ??= finding;
        }
        LawFinding? decider = refusing ?? refusingBySum ?? reviewing;
        return new LawDecision
        {
            Answer = decider is null ? LawAnswer.Yes : decider.Outcome == LawOutcome.Reviews ? LawAnswer.Review : LawAnswer.No,
            Decider = decider,
            Findings = findings,
        };
    }

    /// <summary>Null: the statement has nothing to say to the payment.</summary>
    private LawFinding? Find(Standing one, LawEvaluation evaluation, bool sums)
    {
        LawStatement statement = one.Statement;
        bool without = Acts(one, evaluation, sums: false) && Bites(statement, evaluation, sums: false);
        bool with = sums && Acts(one, evaluation, sums: true) && Bites(statement, evaluation, sums: true);
        LawOutcome outcome = statement.Effect switch
        {
            // A deny or require that bites without sums decides before anyone looks at a sum.
            LawEffect.Deny or LawEffect.Require when with || without => LawOutcome.Refuses,
            LawEffect.Limit when with => LawOutcome.Refuses,
            LawEffect.Review when with => LawOutcome.Reviews,
            LawEffect.Allow when with || (!sums && without) => LawOutcome.Allows,
            _ when Acts(one, evaluation, sums) => LawOutcome.Satisfied,
            _ => LawOutcome.Replaced,
        };
        if (outcome == LawOutcome.Replaced && !Holds(one, evaluation, sums))
            return null;
        return new LawFinding(one.Module, statement, outcome, () => LawPhrase.Seen(statement, evaluation, _rules))
        {
            BySum = outcome is LawOutcome.Refuses or LawOutcome.Reviews && !without,
            ReplacedBy = outcome == LawOutcome.Replaced ? [.. Replacing(one, evaluation, sums).Select(other => other.Statement)] : [],
            InPlaceOf = [.. one.Targets.Where(target => ActsFor(one, target, evaluation, sums)).Select(target => target.Statement)],
        };
    }

    /// <summary>Whether the statement applies, exceptions considered.</summary>
    private bool Acts(Standing one, LawEvaluation evaluation, bool sums) => one.Statement.IsException
        ? one.Targets.Any(target => ActsFor(one, target, evaluation, sums))
        : Holds(one, evaluation, sums) && !one.Exceptions.Any(exception => OwnHolds(exception, evaluation, sums));

    private bool ActsFor(Standing exception, Standing target, LawEvaluation evaluation, bool sums) =>
        HoldsFor(exception, target, evaluation, sums) &&
        !target.Exceptions.Any(other => other.IsAbove(exception) && OwnHolds(other, evaluation, sums));

    /// <summary>Whether it would apply if there were no exception to it, nor a higher one.</summary>
    private bool Holds(Standing one, LawEvaluation evaluation, bool sums) => one.Statement.IsException
        ? one.Targets.Any(target => HoldsFor(one, target, evaluation, sums))
        : OwnHolds(one, evaluation, sums);

    private bool HoldsFor(Standing exception, Standing target, LawEvaluation evaluation, bool sums) =>
        OwnHolds(target, evaluation, sums) && OwnHolds(exception, evaluation, sums);

    /// <summary>Its scope and its <c>when</c>; an exception of a module has its target's scope.</summary>
    private bool OwnHolds(Standing one, LawEvaluation evaluation, bool sums) =>
        IsGoverned(one, evaluation) && evaluation.Holds(one.Statement.When, sums);

    private bool IsGoverned(Standing one, LawEvaluation evaluation)
    {
        ushort source = evaluation.ValueOf(RuleField.Source), destination = evaluation.ValueOf(RuleField.Destination);
        if (one.Treaty is not { } treaty)
            return one.Module.Jurisdiction.Governs(source, destination, evaluation.ValueOf(RuleField.Currency));
        IEnumerable<LawModule> bound = _rules.Modules.Where(module => treaty.Bound.Contains(module.Name));
        return bound.Any(module => module.Jurisdiction.Countries.Contains(source)) &&
            bound.Any(module => module.Jurisdiction.Countries.Contains(destination));
    }

    private IEnumerable<Standing> Replacing(Standing one, LawEvaluation evaluation, bool sums) => one.Statement.IsException
        ? one.Targets.Where(target => HoldsFor(one, target, evaluation, sums))
            .SelectMany(target => target.Exceptions.Where(other => other.IsAbove(one) && OwnHolds(other, evaluation, sums))).Distinct()
        : one.Exceptions.Where(exception => OwnHolds(exception, evaluation, sums));

    private static bool Bites(LawStatement statement, LawEvaluation evaluation, bool sums) => statement.Effect switch
    {
        LawEffect.Require => !evaluation.Holds(statement.Needs!, sums),
        LawEffect.Limit => sums && evaluation.Exceeds(statement),
        _ => true,
    };
}
