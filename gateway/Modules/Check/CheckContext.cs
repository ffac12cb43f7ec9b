using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>
/// What the solver's checks share: the rule set as terms, the solver, and the findings.
/// </summary>
/// <remarks>The model has the whole rule set as its first side and each module alone as another: what never decides in its own module is its author's mistake.</remarks>
internal sealed class CheckContext : IDisposable
{
    /// <summary>Questions without an answer that are told one by one; without time there may be thousands.</summary>
    private const int NotProvenMax = 20;

    private readonly List<CheckFinding> _findings = [];
    private int _notProven;

    public CheckContext(RuleSet rules, Z3Library library, SolverBudget budget, int? onlyDay)
    {
        (Rules, OnlyDay) = (rules, onlyDay);
        RuleSet[] alone = [.. rules.Modules.Select(module => new RuleSet([module], [], rules.Parameters, rules.ScaleOf))];
        Model = new LawModel([rules, .. alone], onlyDay);
        Solver = new ModelSolver(library, Model, budget);
    }

    public RuleSet Rules { get; }

    /// <summary>The one day that is asked about; null: every day.</summary>
    public int? OnlyDay { get; }

    public LawModel Model { get; }

    public ModelSolver Solver { get; }

    public TermBank Bank => Model.Bank;

    public ModelSide All => Model.Sides[0];

    public IReadOnlyList<CheckFinding> Findings => _notProven <= NotProvenMax ? _findings
        : [.. _findings, NotProven(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_notProven - NotProvenMax} more questions"), null)];

    /// <summary>The statement with its own module's rules alone; null: of a treaty.</summary>
    public ModelStatement? Alone(ModelStatement statement) =>
        Model.Sides.Skip(1).SelectMany(side => side.Statements).FirstOrDefault(one => ReferenceEquals(one.Statement, statement.Statement));

    public void Add(FindingKind kind, string code, ModelStatement about, string message, string? payment = null, string? hint = null) =>
        _findings.Add(new CheckFinding(kind, code, about.Module, about.Statement.Place, message, payment, hint));

    public void AddNotProven(string question, ModelStatement? about = null)
    {
        if (++_notProven <= NotProvenMax)
            _findings.Add(NotProven(question, about));
    }

    private static CheckFinding NotProven(string question, ModelStatement? about) =>
        new(FindingKind.NotProven, FindingCode.NotProven, about?.Module, about?.Statement.Place ?? default, $"in the solver's time: {question}");

    /// <summary>A payment of the model, made plain.</summary>
    public string Words(ModelCase found, Term what) => Words(CaseTrimming.Trim(Model, found, what));

    public string Words(ModelCase found) => CaseWords.Of(Model.CaseOf(found), Model.Windows, Rules.ScaleOf, Model.Fields.Count(CaseField.Day) == 1 ? null : Model.DayOf(found));

    public void Dispose() => Solver.Dispose();
}
