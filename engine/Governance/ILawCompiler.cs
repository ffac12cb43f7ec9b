using Settlement.Engine.Rules;

namespace Settlement.Engine.Governance;

/// <summary>What governance asks of the language. Pure functions: the same inputs give the same answer on every replica, at any time, on any thread.</summary>
/// <remarks>Failure assumed: a text of a client may be anything and ends in a <c>Fault</c>. What is thrown is a fault of the program and stops the engine.</remarks>
public interface ILawCompiler
{
    /// <summary>Reads a proposed text and holds the checks that a proposal must hold, among the laws in force.</summary>
    LawCheck Check(LawInputs inForce, LawText proposed);

    /// <summary>Lowers a rule set as of a day, compiles its plan, and holds the plan against the reference.</summary>
    LawBuild Build(LawInputs laws, int day);
}

/// <summary>What a check of a proposed text found.</summary>
/// <param name="Fault">The first fault, in a sentence; null: none.</param>
/// <param name="Name">As the text says; empty where it cannot be read.</param>
/// <param name="Version">As the text says.</param>
/// <param name="Between">Of a treaty: the modules it is between; empty: it is a module's.</param>
public sealed record LawCheck(string? Fault, string Name, uint Version, IReadOnlyList<string> Between);

/// <summary>What a build came to.</summary>
public sealed record LawBuild
{
    /// <summary>Null exactly where there is a fault. Used by one thread at a time: after it was handed over, by the settle thread.</summary>
    public RulePlan? Plan { get; init; }

    /// <summary>Why there is no plan, in a sentence.</summary>
    public string? Fault { get; init; }

    /// <summary>First day on which the same rule set gives another table; null: never.</summary>
    public int? NextChangeDay { get; init; }

    /// <summary>Of each rule of the table, ascending: the module or treaty that it is from.</summary>
    public IReadOnlyList<(ushort RuleId, string Law)> Origins { get; init; } = [];

    public static LawBuild Failed(string fault) => new() { Fault = fault };

    /// <summary>Whether what was built on one day serves on another.</summary>
    internal bool Serves(int builtDay, int day) => day == builtDay || (Fault is null && day > builtDay && (NextChangeDay is not { } next || day < next));
}
