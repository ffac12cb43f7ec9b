using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>
/// Dead statements, which no payment ever meets, and shadowed ones, which never decide because another always does first. A payment that the solver finds for one statement
/// mostly answers the question for several, so there are fewer questions than statements.
/// </summary>
internal sealed class CoverageCheck(CheckContext check)
{
    private const int NamesMax = 6;

    private readonly Dictionary<ModelStatement, Term> _bites = [];
    private Term[] _cone = [];
    private readonly HashSet<ModelStatement> _alive = [], _deciding = [];

    public void Run()
    {
        foreach (ModelStatement statement in check.All.Statements)
            _bites.Add(statement, BitesAsAsked(statement));
        _cone = TermBank.Cone([.. _bites.Values, .. check.All.Statements.Select(statement => statement.Decides)]);
        // Of one day only those are looked at that are in force on it.
        foreach (ModelStatement statement in check.All.Statements.Where(statement => check.OnlyDay is not { } day || IsInForce(statement, day)))
            CheckOne(statement);
    }

    private static bool IsInForce(ModelStatement statement, int day) =>
        statement.Module.EffectiveDay <= day && (statement.Module.UntilDay is not { } until || day < until) && statement.Statement.IsInForce(day);

    /// <summary>It refuses, reviews, or, of an exception that allows, takes its target's place for some payment that it is asked about.</summary>
    private Term BitesAsAsked(ModelStatement statement)
    {
        TermBank bank = check.Bank;
        LawEffect effect = statement.Statement.Effect;
        Twice bites = effect == LawEffect.Allow ? statement.Acts : statement.Bites;
        Term payment = effect is LawEffect.Review or LawEffect.Limit ? bites.WithSums : bank.Or(bites.WithSums, bites.WithoutSums);
        Term capture = effect is LawEffect.Deny or LawEffect.Allow ? bites.WithoutSums : bank.False;
        return bank.Or(bank.And(check.All.IsPayment, payment), bank.AndNot(capture, check.All.IsPayment));
    }

    private void CheckOne(ModelStatement statement)
    {
        bool allows = statement.Statement.Effect == LawEffect.Allow;
        if (!_deciding.Contains(statement) && !allows)
        {
            SolverAnswer decides = check.Solver.Find(statement.Decides);
            if (decides.Found is { } found)
                Sweep(found);
            else if (!decides.IsProven)
                check.AddNotProven($"whether {statement} ever decides", statement);
            if (!decides.IsNone)
                return;
        }
        if (_deciding.Contains(statement))
            return;
        if (!_alive.Contains(statement))
        {
            SolverAnswer bites = check.Solver.Find(_bites[statement]);
            if (bites.Found is { } found)
                Sweep(found);
            else
            {
                if (bites.IsNone)
                    check.Add(FindingKind.Error, FindingCode.Dead, statement, $"{statement} is dead: {WhyDead(statement)}");
                else
                    check.AddNotProven($"whether any payment meets {statement}", statement);
                return;
            }
        }
        if (!allows)
            TellShadowed(statement);
    }

    /// <summary>Every statement that this payment meets is alive.</summary>
    private void Sweep(ModelCase found)
    {
        bool[] values = new bool[_cone[^1].Id + 1];
        found.Evaluate(_cone, values);
        foreach ((ModelStatement statement, Term bites) in _bites)
        {
            if (values[bites.Id])
                _alive.Add(statement);
            if (values[statement.Decides.Id])
                _deciding.Add(statement);
        }
    }

    private string WhyDead(ModelStatement statement)
    {
        bool CanHold(Twice twice) => !check.Solver.Find(twice.WithSums).IsNone || !check.Solver.Find(twice.WithoutSums).IsNone;
        if (!CanHold(statement.Holds))
            return statement.Statement.IsException
                ? "its condition holds for no payment that its target is asked about" : "its condition holds for no payment that the module is asked about";
        if (!CanHold(statement.Acts))
            return !statement.Statement.IsException ? $"an exception always takes its place ({Names(statement.Exceptions)})"
                : statement.Targets.Count == 0 ? "the statement that it is an exception to is not there"
                : $"where it holds, {Names(statement.Targets)} {(statement.Targets.Count == 1 ? "does" : "do")} not apply, or a higher exception takes its place";
        return statement.Statement.Effect switch
        {
            LawEffect.Require => "what it requires holds wherever it applies",
            LawEffect.Limit => "no payment passes its ceiling",
            _ => "no payment that is asked about meets it",
        };
    }

    private void TellShadowed(ModelStatement statement)
    {
        if (Shadows(statement, check.All) is not { } shadows)
        {
            check.AddNotProven($"which statements decide before {statement}", statement);
            return;
        }
        ModelStatement? alone = check.Alone(statement);
        // A treaty's exception stands beside the modules that it binds: it has no module of its own to be judged in.
        bool isOwnFault = alone is not null && check.Solver.Find(alone.Decides).IsNone;
        string why = $"{Names(shadows)} always {(shadows.Count == 1 ? "decides" : "decide")} before it";
        if (isOwnFault)
            check.Add(FindingKind.Error, FindingCode.Shadowed, statement, $"{statement} never decides: {why}", null, "leave it out, or see whether its condition says what it should");
        else
            check.Add(FindingKind.Note, FindingCode.ShadowedByOther, statement, $"{statement} never decides in this rule set: {why}");
    }

    /// <summary>Who decides where the statement bites; null: not known.</summary>
    private List<ModelStatement>? Shadows(ModelStatement statement, ModelSide side)
    {
        List<ModelStatement> shadows = [];
        List<Term> asked = [_bites[statement]];
        while (shadows.Count < NamesMax)
        {
            SolverAnswer answer = check.Solver.Find(asked);
            if (answer.Found is not { } found)
                return answer.IsProven ? shadows : null;
            if (side.OutcomeOf(found).Decider is not { } decider)
                return shadows;
            shadows.Add(decider);
            asked.Add(check.Bank.Not(decider.Decides));
        }
        return shadows;
    }

    private static string Names(IEnumerable<ModelStatement> statements) => string.Join(", ", statements.Select(one => one.Statement.Name));
}
