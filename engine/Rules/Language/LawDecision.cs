using System.Numerics;

namespace Settlement.Engine.Rules.Language;

// Purpose: a question to the law and its answer with reasons, as the interpreter gives it.
// Units: amounts in the currency's smallest unit at the ledger's scale; days since 1970-01-01 (UTC).

/// <summary>A payment that is asked about.</summary>
/// <param name="Facts">The payment and its parties; its amount is not 0 (SEMANTICS 5 comes before the rules).</param>
/// <param name="Spent">What the payer paid before in a window, in the payment's currency, without this payment.</param>
public readonly record struct LawCase(RuleFacts Facts, Func<LimitWindow, ulong> Spent)
{
    /// <summary>A payment of a payer who has paid nothing before.</summary>
    public static LawCase First(in RuleFacts facts) => new(facts, static _ => 0);
}

/// <summary>What the law says to a payment, and why.</summary>
public sealed record LawDecision
{
    public required LawAnswer Answer { get; init; }

    /// <summary>The statement that refuses or reviews; null: none does.</summary>
    public LawFinding? Decider { get; init; }

    /// <summary>Every statement that has something to say to this payment, whether it decides or not, in the order of statements.</summary>
    public required IReadOnlyList<LawFinding> Findings { get; init; }
}

/// <summary>What became of a statement whose <c>when</c> holds.</summary>
public enum LawOutcome : byte
{
    /// <summary>What it asks for is there, or its ceiling is not reached.</summary>
    Satisfied = 0,

    /// <summary>An exception takes its place, or a higher exception that of this one.</summary>
    Replaced = 1,

    /// <summary>An exception that lets pass: its target does not apply, and it asks for nothing itself.</summary>
    Allows = 2,

    Refuses = 3,
    Reviews = 4,
}

/// <summary>One statement's say.</summary>
public sealed class LawFinding
{
    private readonly Func<IReadOnlyList<LawSeen>> _look;

    internal LawFinding(LawModule module, LawStatement statement, LawOutcome outcome, Func<IReadOnlyList<LawSeen>> look) =>
        (Module, Statement, Outcome, _look) = (module, statement, outcome, look);

    public LawModule Module { get; }

    public LawStatement Statement { get; }

    public LawOutcome Outcome { get; }

    /// <summary>Whether it refuses or reviews only because of what the payer paid before: with all sums taken as too small it does not.</summary>
    public bool BySum { get; internal init; }

    /// <summary>Of a statement that was replaced: by which exceptions.</summary>
    public IReadOnlyList<LawStatement> ReplacedBy { get; internal init; } = [];

    /// <summary>Of an exception: the statements whose place it takes here.</summary>
    public IReadOnlyList<LawStatement> InPlaceOf { get; internal init; } = [];

    /// <summary>What it asked and what it saw, comparison by comparison, in the order of the text. Made when it is read.</summary>
    public IReadOnlyList<LawSeen> Seen => _look();

    public override string ToString() => $"{Statement.Name}: {Outcome}";
}

/// <summary>One comparison.</summary>
/// <param name="Place">Where it stands in the module's text.</param>
/// <param name="Asked">The comparison, in the language's own words.</param>
/// <param name="Saw">What was there to compare, in words.</param>
/// <param name="Holds">Its answer.</param>
public sealed record LawSeen(TextPlace Place, string Asked, string Saw, bool Holds);

/// <summary>A number of smallest units as a law means it: exact, and mostly no whole number.</summary>
/// <param name="Numerator">At least 0.</param>
/// <param name="Denominator">Above 0.</param>
internal readonly record struct LawNumber(BigInteger Numerator, BigInteger Denominator)
{
    /// <summary>Below 0, 0 or above 0 as the whole number is below, at or above this one.</summary>
    public int Compare(BigInteger whole) => (whole * Denominator).CompareTo(Numerator);
}
