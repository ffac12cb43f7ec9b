using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Check;

internal enum FindingKind : byte
{
    /// <summary>The rule set is not sound.</summary>
    Error,

    /// <summary>It is, but its authors should look again.</summary>
    Warning,

    /// <summary>Nothing is wrong; good to know.</summary>
    Note,

    /// <summary>The solver did not answer in its time.</summary>
    NotProven,
}

/// <summary>What a check found out about a rule set.</summary>
/// <param name="Kind">How bad it is.</param>
/// <param name="Code">Stable; see <see cref="FindingCode"/>.</param>
/// <param name="Module">Whose text it is about; null: about all together.</param>
/// <param name="Place">Where in it.</param>
/// <param name="Message">What is so, without a full stop.</param>
/// <param name="Payment">A payment that shows it, in the words of an embedded test; null: none is needed.</param>
/// <param name="Hint">What to do about it; null where the message says it.</param>
internal sealed record CheckFinding(FindingKind Kind, string Code, LawModule? Module, TextPlace Place, string Message, string? Payment = null, string? Hint = null);

/// <summary>The codes of what the solver finds; a code is never used for something else.</summary>
internal static class FindingCode
{
    public const string Dead = "C501";
    public const string Shadowed = "C502";

    /// <summary>Another module's statement always decides first.</summary>
    public const string ShadowedByOther = "C503";
    public const string ExceptionsOverlap = "C504";

    /// <summary>A corridor that statements close together, or by something else than a denial.</summary>
    public const string CorridorClosed = "C505";

    /// <summary>A corridor that a denial closes.</summary>
    public const string CorridorDenied = "C506";

    /// <summary>More identity turns yes into no.</summary>
    public const string IdentityHarms = "C507";

    /// <summary>More identity turns yes into review.</summary>
    public const string IdentityReviewed = "C508";

    /// <summary>A larger amount turns no or review into yes.</summary>
    public const string AmountHelps = "C509";
    public const string NotProven = "C599";
}
