using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>
/// Corridors where nothing can pass, on some day: no payment, whatever its amount, purpose and parties. What one denial closes is meant so, and listed; what several
/// statements close together, or one that asks for something that nobody has, is a fault.
/// </summary>
/// <remarks>
/// All corridors at once: a probe is a payment without its corridor. Corridors that refuse all probes so far are candidates; the solver is asked for a payment that passes in
/// a candidate, and what it finds is the next probe. When it finds none, the candidates are the closed corridors, proven, as a term over countries, currency and day.
/// </remarks>
internal sealed class CorridorCheck(CheckContext check)
{
    private const int ProbesMax = 300;
    private const int GroupsMax = 20;

    /// <summary>Corridors of classes that are counted one by one.</summary>
    private const int CountedMax = 400_000;

    private static readonly CaseField[] s_corridor = [CaseField.Source, CaseField.Destination, CaseField.Currency, CaseField.Day];

    private readonly List<ModelCase> _probes = [];

    private TermBank Bank => check.Bank;

    public void Run()
    {
        if (FindClosed() is not { } closed)
        {
            check.AddNotProven("whether something can pass in every corridor");
            return;
        }
        closed = TellDenied(closed);
        for (int told = 0; told < GroupsMax && closed.Kind != TermKind.False; told++)
        {
            SolverAnswer answer = check.Solver.Find(closed);
            if (answer.Found is not { } found)
            {
                if (!answer.IsProven)
                    check.AddNotProven("which statements close a corridor together");
                return;
            }
            if (TellClosed(found, closed) is not { } rest)
                return;
            closed = rest;
        }
    }

    /// <summary>A term over the corridor; null: not known.</summary>
    private Term? FindClosed()
    {
        // What passes most easily: known as well as can be, the least amount, the first payment.
        int[] classes = new int[ModelCase.FieldCount];
        classes[(int)CaseField.Tier] = check.Model.Fields.ClassOf(CaseField.Tier, Limits.TierMax);
        ModelCase probe = new(classes, [.. Enumerable.Repeat(1UL, check.Model.NumberCount)]);
        Term closed = Bank.True;
        while (_probes.Count < ProbesMax)
        {
            _probes.Add(probe);
            closed = Bank.And(closed, InCorridor(check.All.Refused, probe));
            SolverAnswer answer = check.Solver.Find(closed, Bank.AndNot(check.All.IsPayment, check.All.Refused));
            if (answer.Found is not { } found)
                return answer.IsProven ? closed : null;
            probe = found;
        }
        return null;
    }

    /// <summary>Lists denials that close corridors by themselves; returns what is closed otherwise.</summary>
    private Term TellDenied(Term closed)
    {
        Term rest = closed;
        foreach (ModelStatement deny in check.All.Statements.Where(statement => statement.Statement.Effect == LawEffect.Deny))
        {
            Term region = ClosedBy([deny]);
            if (region.Kind == TermKind.False)
                continue;
            SolverAnswer some = check.Solver.Find(region);
            if (some.Found is not { } example)
                continue;
            check.Add(FindingKind.Note, FindingCode.CorridorDenied, deny, $"{deny} closes corridors altogether: {Describe(region, example)}");
            rest = Bank.AndNot(rest, region);
        }
        return rest;
    }

    private Term? TellClosed(ModelCase found, Term closed)
    {
        ModelStatement[] refusing = [.. check.All.Statements.Where(statement => statement.Statement.Effect is LawEffect.Deny or LawEffect.Require or LawEffect.Limit)];
        Term[] bites = [.. refusing.Select(statement => Bites(statement, found))];
        if (Fewest([.. Enumerable.Range(0, refusing.Length).Where(at => bites[at].Kind != TermKind.False)], bites) is not { } core)
        {
            check.AddNotProven($"which statements close {Corridor(found)}");
            return null;
        }
        ModelStatement[] closing = [.. core.Select(at => refusing[at])];
        Term region = ClosedBy(closing);
        // The corridor itself is in it, whatever the solver had time for.
        region = Bank.And(closed, Bank.Or(region, Bank.All(s_corridor.Select(field => check.Model.Is(field, found[field])))));
        string names = string.Join(" and ", closing.Select(one => one.Statement.Name));
        if (closing.All(one => one.Statement.Effect == LawEffect.Deny))
            check.Add(FindingKind.Note, FindingCode.CorridorDenied, closing[0], $"{names} together close corridors altogether: {Describe(region, found)}");
        else
            check.Add(FindingKind.Error, FindingCode.CorridorClosed, closing[0],
                $"nothing can pass in some corridors: {names} {(closing.Length == 1 ? "refuses" : "together refuse")} every payment there; {Describe(region, found)}", null,
                "where that is meant, say so with a deny");
        return Bank.AndNot(closed, region);
    }

    /// <summary>Of statements that no payment of a corridor escapes, so many that none can be spared; null: it is not known that no payment escapes them.</summary>
    private List<int>? Fewest(List<int> core, Term[] bites)
    {
        bool Close(IEnumerable<int> some) => check.Solver.Find([check.All.IsPayment, .. some.Select(at => Bank.Not(bites[at]))]).IsNone;
        if (!Close(core))
            return null;
        // Whole stretches first: mostly one or two of a hundred are needed.
        for (int length = core.Count / 2; length > 0; length /= 2)
            for (int start = 0; start < core.Count && core.Count > 1;)
                if (Math.Min(length, core.Count - start) is var spared && Close([.. core.Take(start), .. core.Skip(start + spared)]))
                    core.RemoveRange(start, spared);
                else
                    start += spared;
        return core;
    }

    /// <summary>The statement refuses a payment, which is in one corridor.</summary>
    private Term Bites(ModelStatement statement, ModelCase corridor) =>
        s_corridor.Aggregate(Bites(statement), (term, field) => check.Model.Fixing([term], field, corridor[field])[0]);

    private Term Bites(ModelStatement statement) => Bank.Or(statement.Bites.WithSums, statement.Bites.WithoutSums);

    /// <summary>Corridors in which some statements together refuse every payment; fewer where the solver had no time.</summary>
    private Term ClosedBy(IReadOnlyList<ModelStatement> statements)
    {
        Term bites = Bank.Any(statements.Select(Bites));
        Term region = Bank.All(_probes.Select(probe => InCorridor(bites, probe)));
        for (int tries = 0; tries < ProbesMax; tries++)
        {
            SolverAnswer escapes = check.Solver.Find(region, Bank.AndNot(check.All.IsPayment, bites));
            if (escapes.IsNone)
                return region;
            if (escapes.Found is not { } found)
                return Bank.False;
            region = Bank.And(region, InCorridor(bites, found));
        }
        return Bank.False;
    }

    /// <summary>A statement about a corridor: that a probe in it is so.</summary>
    private Term InCorridor(Term term, ModelCase probe) => Bank.Copy(term, leaf =>
        leaf.Kind == TermKind.AtLeast ? Bank.Of(probe.Numbers[leaf.Subject] >= leaf.Bound)
        : Array.IndexOf(s_corridor, (CaseField)leaf.Subject) >= 0 ? leaf
        : Bank.Of(leaf.Has(probe.Classes[leaf.Subject])));

    private string Describe(Term region, ModelCase found)
    {
        ModelCase example = CaseTrimming.Trim(check.Model, found, region);
        return $"such as {Corridor(example)}{CountOf(region)}";
    }

    private string Corridor(ModelCase one)
    {
        var facts = check.Model.CaseOf(one).Facts;
        return $"{Iso3166.LettersOf(facts.Source)} to {Iso3166.LettersOf(facts.Destination)} in {Iso4217.LettersOf(facts.Currency)}"
            + (check.Model.Fields.Count(CaseField.Day) == 1 ? "" : $" on {NumberText.DateOf(check.Model.DayOf(one))}");
    }

    /// <summary>In how many pairs of countries it is so in at least one currency, on at least one day.</summary>
    private string CountOf(Term region)
    {
        FieldClasses fields = check.Model.Fields;
        if ((long)fields.Count(CaseField.Source) * fields.Count(CaseField.Destination) * fields.Count(CaseField.Currency) * fields.Count(CaseField.Day) > CountedMax)
            return "";
        Term[] cone = TermBank.Cone(region);
        bool[] values = new bool[region.Id + 1];
        int[] classes = new int[ModelCase.FieldCount];
        ModelCase one = new(classes, new ulong[check.Model.NumberCount]);
        long pairs = 0;
        for (classes[0] = 0; classes[0] < fields.Count(CaseField.Source); classes[0]++)
            for (classes[1] = 0; classes[1] < fields.Count(CaseField.Destination); classes[1]++)
                if (AnyCurrency(one, cone, values))
                    pairs += (long)fields.SizeOf(CaseField.Source, classes[0]) * fields.SizeOf(CaseField.Destination, classes[1]);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $" ({pairs:N0} of {Iso3166.Count * Iso3166.Count:N0} pairs of countries, in one currency at least)");
    }

    private bool AnyCurrency(ModelCase one, Term[] cone, bool[] values)
    {
        for (one.Classes[(int)CaseField.Currency] = 0; one.Classes[(int)CaseField.Currency] < check.Model.Fields.Count(CaseField.Currency); one.Classes[(int)CaseField.Currency]++)
            for (one.Classes[(int)CaseField.Day] = 0; one.Classes[(int)CaseField.Day] < check.Model.Fields.Count(CaseField.Day); one.Classes[(int)CaseField.Day]++)
                if (one.Evaluate(cone, values))
                    return true;
        return false;
    }
}
