using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules.Language;

// Purpose: a module as its text means it: every name resolved, every type checked. The compiler, the interpreter, the checker and the solver's model
//   all start from here and from nothing else, each by itself, so that one's mistake is another's finding.
// Invariant: what exists is well formed (constants in range, lists ascending and not empty, targets and windows known); only ModuleBinder makes it.
// Units: days since 1970-01-01 (UTC); money exact and decimal, in no ledger's scale.

/// <summary>Where something stands in a module's text.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">Character in the line (UTF-16), from 1.</param>
/// <param name="Length">Characters; 0: a place between two.</param>
public readonly record struct TextPlace(int Line, int Column, int Length)
{
    public override string ToString() => $"line {Line}, column {Column}";
}

/// <summary>One module: the law of a country, a bloc, or the world; or a treaty between modules.</summary>
public sealed record LawModule
{
    public required string Name { get; init; }

    /// <summary>From 1; each version of a module is higher than the one before.</summary>
    public required uint Version { get; init; }

    /// <summary>The first day on which it may be in force.</summary>
    public required int EffectiveDay { get; init; }

    /// <summary>The first day on which it is not in force any more; null: none.</summary>
    public int? UntilDay { get; init; }

    /// <summary>Who answers for it, in words.</summary>
    public required string Authority { get; init; }

    public required Jurisdiction Jurisdiction { get; init; }

    /// <summary>Of a treaty: the modules it is between, ascending, two or more; empty: it is no treaty.</summary>
    public IReadOnlyList<string> Between { get; init; } = [];

    public IReadOnlyList<LawList> Lists { get; init; } = [];

    /// <summary>In the order of the text.</summary>
    public required IReadOnlyList<LawStatement> Statements { get; init; }

    public IReadOnlyList<LawTest> Tests { get; init; } = [];

    /// <summary>The text itself, and the SHA-256 of its UTF-8 bytes.</summary>
    public required string Text { get; init; }

    public required Digest Hash { get; init; }

    public bool IsTreaty => Between.Count > 0;

    public override string ToString() => $"{Name} version {Version}";
}

/// <summary>
/// Which payments a module is asked about: those out of or into one of its countries, or in one of its currencies. A treaty has none of its own: it is asked
/// about payments between countries of the modules that it binds.
/// </summary>
/// <param name="IsWorld">Every payment: the global module.</param>
/// <param name="Countries">ISO 3166 numbers, ascending.</param>
/// <param name="Currencies">ISO 4217 numbers, ascending: those stated, or where none are, those that <see cref="Iso4217.OwnerCountry"/> gives one of the countries.</param>
public sealed record Jurisdiction(bool IsWorld, IReadOnlyList<ushort> Countries, IReadOnlyList<ushort> Currencies)
{
    public static Jurisdiction World { get; } = new(true, [], []);

    public static Jurisdiction None { get; } = new(false, [], []);

    public bool Governs(ushort source, ushort destination, ushort currency) =>
        IsWorld || Countries.Contains(source) || Countries.Contains(destination) || Currencies.Contains(currency);
}

/// <summary>A named list or class: countries, currencies or purposes.</summary>
/// <param name="Name">Without the <c>@</c>.</param>
/// <param name="IsClass">Declared as a class of countries, to which limits adapt.</param>
/// <param name="Field">What its values are: <see cref="RuleField.Source"/> for countries, <see cref="RuleField.Currency"/>, <see cref="RuleField.Purpose"/>.</param>
/// <param name="Values">Ascending, not empty.</param>
/// <param name="Citation">Its source.</param>
/// <param name="Place">Of its name.</param>
public sealed record LawList(string Name, bool IsClass, RuleField Field, IReadOnlyList<ushort> Values, Citation Citation, TextPlace Place);

/// <summary>Where a statement comes from.</summary>
/// <param name="Text">A law and its paragraph; or, where it is invented, what it is to show.</param>
/// <param name="IsIllustrative">Written <c>illustrative</c>: no law says this.</param>
public sealed record Citation(string Text, bool IsIllustrative);

/// <summary>What a statement does where it applies.</summary>
public enum LawEffect : byte
{
    /// <summary>Only of an exception: nothing. Its target does not apply there.</summary>
    Allow = 0,
    Deny = 1,
    Require = 2,
    Limit = 3,

    /// <summary>The payment becomes an accepted hold that a reviewer releases or refuses.</summary>
    Review = 4,
}

public sealed record LawStatement
{
    /// <summary>Begins with the module's name and a dot; unique in the module.</summary>
    public required string Name { get; init; }

    public required LawEffect Effect { get; init; }

    /// <summary><c>when</c>, and not <c>unless</c>. For all effects it decides whether the statement applies.</summary>
    public required LawCondition When { get; init; }

    /// <summary>Of a requirement: what must hold where it applies.</summary>
    public LawCondition? Needs { get; init; }

    /// <summary>Of a limit: over which time, and how much for the tiers 0 to 3 (four entries; null: no ceiling).</summary>
    public LimitWindow Window { get; init; }

    public IReadOnlyList<LawMoney?> Ceilings { get; init; } = [];

    /// <summary>Of a limit: to which classes of the payer's country its ceilings adapt. The first class that the country is in counts.</summary>
    public IReadOnlyList<Adaptation> Adaptations { get; init; } = [];

    /// <summary>Of a review: after how long the held amount goes back to the payer, if nobody decides.</summary>
    public ulong HoldNs { get; init; }

    /// <summary>Of an exception: the statements whose place it takes; empty: it is none. A module's exception has one target, in the same module and no exception itself.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Of an exception: from 1; where two apply, the higher layer counts. A treaty's count above every module's.</summary>
    public int Layer { get; init; }

    public required Citation Citation { get; init; }

    /// <summary>First day on which it is in force; null: the module's.</summary>
    public int? FromDay { get; init; }

    /// <summary>First day on which it is not in force any more; null: none.</summary>
    public int? UntilDay { get; init; }

    /// <summary>Of its name.</summary>
    public required TextPlace Place { get; init; }

    public bool IsException => Targets.Count > 0;

    public bool IsInForce(int day) => (FromDay is not { } from || from <= day) && (UntilDay is not { } until || day < until);
}

/// <summary>What a limit is in a class of countries.</summary>
/// <param name="Class">Name of the class.</param>
/// <param name="Countries">Its members, ascending.</param>
/// <param name="Percent">Of every ceiling, 1 to 1,000; 0: the limit does not apply there (<c>exempt</c>).</param>
public sealed record Adaptation(string Class, IReadOnlyList<ushort> Countries, int Percent);

/// <summary>
/// An amount as a law states it: mantissa / 10^decimals of a currency, exactly. What it means in a payment's currency and at a ledger's scale is
/// a fraction, and comparisons with it are exact; nothing is rounded.
/// </summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Mantissa">Below 10^28.</param>
/// <param name="Decimals">0 to 18.</param>
/// <param name="IsEquivalent">Written <c>equiv</c>: holds in every currency, by the journaled rates. Else in its own only.</param>
/// <param name="Index">Written <c>indexed by</c>: the journaled parameter by which it is multiplied; null: none.</param>
public sealed record LawMoney(ushort Currency, UInt128 Mantissa, byte Decimals, bool IsEquivalent, ParameterName? Index);

/// <summary>
/// A number that a currency's authority journals. <c>rate</c> is what one whole unit of the currency is worth in the common unit of account; any
/// other name is an index (1 is the base). In units of 10^-9.
/// </summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Name">1 to 16 of a-z, 0-9 and _, beginning with a letter.</param>
public readonly record struct ParameterName(ushort Currency, string Name)
{
    public const string RateName = "rate";

    /// <summary>What stands for 1.</summary>
    public const ulong One = 1_000_000_000;

    public static ParameterName RateOf(ushort currency) => new(currency, RateName);
}

/// <summary>An embedded test: what the module says to one payment.</summary>
public sealed record LawTest
{
    public required string Name { get; init; }

    /// <summary>Country, currency (of <see cref="Amount"/>), tier, purpose, level, instruction, kinds; its amount is not used.</summary>
    public required RuleFacts Facts { get; init; }

    public required LawMoney Amount { get; init; }

    /// <summary>What the payer had paid before in each window, in the payment's currency; what is not named: nothing.</summary>
    public IReadOnlyList<(LimitWindow Window, LawMoney Amount)> Spent { get; init; } = [];

    /// <summary>Parameters as of the test; what is not named has no value.</summary>
    public IReadOnlyList<(ParameterName Name, ulong Value)> Parameters { get; init; } = [];

    /// <summary>The payment's day; null: the module's first.</summary>
    public int? Day { get; init; }

    public required LawAnswer Expected { get; init; }

    /// <summary>The statement that refuses or reviews; null: none.</summary>
    public string? ExpectedStatement { get; init; }

    public required TextPlace Place { get; init; }
}

public enum LawAnswer : byte
{
    Yes = 0,
    No = 1,
    Review = 2,
}
