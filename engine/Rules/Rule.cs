using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Rules;

/// <summary>Numbers are journaled.</summary>
public enum RuleKind : byte
{
    None = 0,

    /// <summary>Refuses when its condition holds. The only kind that captures and refunds are asked.</summary>
    Deny = 1,

    /// <summary>Refuses when its condition holds and what it needs does not.</summary>
    Require = 2,

    /// <summary>Refuses when its condition holds and the payer's sum over a window, with this amount, would exceed a
    /// ceiling.</summary>
    Limit = 3,

    /// <summary>Refuses nothing: makes the payment an accepted hold, for a reviewer, when its condition holds.</summary>
    Review = 4,

    /// <summary>The same when its condition holds and the payer's sum over a window, with this amount, would exceed a ceiling.</summary>
    ReviewLimit = 5,
}

/// <summary>Numbers are journaled. Days begin at midnight UTC.</summary>
public enum WindowKind : byte
{
    None = 0,
    Day = 1,
    Month = 2,

    /// <summary>From a date of one year to the day before it in the next.</summary>
    Year = 3,

    /// <summary>Today and the 29 days before.</summary>
    Rolling30Days = 4,
}

/// <summary>Over which time a limit sums up.</summary>
/// <param name="Kind">Which of the four.</param>
/// <param name="StartMonth">1..12 for a year, else 0.</param>
/// <param name="StartDay">Day of that month for a year, else 0; not 29 February, which most years do not have.</param>
public readonly record struct LimitWindow(WindowKind Kind, byte StartMonth, byte StartDay)
{
    public static LimitWindow Day => new(WindowKind.Day, 0, 0);

    public static LimitWindow Month => new(WindowKind.Month, 0, 0);

    public static LimitWindow Rolling30Days => new(WindowKind.Rolling30Days, 0, 0);

    public static LimitWindow YearFrom(byte month, byte day) => new(WindowKind.Year, month, day);

    internal string? Fault() => Kind switch
    {
        WindowKind.Year when StartMonth is >= 1 and <= 12 && StartDay >= 1 && StartDay <= LastDay(StartMonth) => null,
        WindowKind.Year => $"a year from {StartMonth}-{StartDay}: a date of a year without 29 February expected",
        >= WindowKind.Day and <= WindowKind.Rolling30Days when StartMonth == 0 && StartDay == 0 => null,
        >= WindowKind.Day and <= WindowKind.Rolling30Days => $"a {Kind} with a start date: only a year has one",
        _ => $"window {(byte)Kind}: 1 to 4 expected",
    };

    private static int LastDay(int month) => Calendar.DaysOfMonth(2001, month);

    public override string ToString() => Kind == WindowKind.Year ? $"year from {StartMonth:00}-{StartDay:00}" : Kind switch
    {
        WindowKind.Day => "day",
        WindowKind.Month => "month",
        _ => "rolling 30 days",
    };
}

/// <summary>One ceiling for each tier, 0 to 3: what is above it is refused.</summary>
[InlineArray(Count)]
public struct TierCeilings
{
    public const int Count = Limits.TierMax + 1;

    /// <summary>No ceiling. Exact, for no 64-bit amount is above it and every sum saturates at it.</summary>
    public const ulong None = ulong.MaxValue;

    private ulong _tier0;

    public static TierCeilings Same(ulong ceiling)
    {
        TierCeilings ceilings = default;
        ((Span<ulong>)ceilings).Fill(ceiling);
        return ceilings;
    }

    public static TierCeilings Of(ulong tier0, ulong tier1, ulong tier2, ulong tier3)
    {
        TierCeilings ceilings = default;
        (ceilings[0], ceilings[1], ceilings[2], ceilings[3]) = (tier0, tier1, tier2, tier3);
        return ceilings;
    }
}

/// <summary>One statement of a table. Made by <see cref="RuleTableBuilder"/> or <see cref="RuleTable.TryDecode"/>.</summary>
public sealed class Rule
{
    internal Rule(ushort id, string name, RuleKind kind, Condition when)
    {
        (Id, Name, Kind, Condition) = (id, name, kind, when);
    }

    /// <summary>1..65535, unique in its table; of several that refuse, the lowest is reported.</summary>
    public ushort Id { get; }

    public string Name { get; }
    public RuleKind Kind { get; }

    /// <summary>When it applies.</summary>
    public Condition Condition { get; }

    /// <summary>What a <see cref="RuleKind.Require"/> asks for where it applies; null for the others.</summary>
    public Condition? Needs { get; internal init; }

    /// <summary>For a limit of either kind.</summary>
    public LimitWindow Window { get; internal init; }

    /// <summary>For a limit of either kind: its currency, 0 for the others. The limit applies in this currency only.</summary>
    public ushort Currency { get; internal init; }

    /// <summary>For a limit of either kind.</summary>
    public TierCeilings Ceilings { get; internal init; }

    /// <summary>For a review of either kind: nanoseconds after which the held amount goes back to the payer, if nobody decides; 0 for the others.</summary>
    public ulong HoldNs { get; internal init; }

    /// <summary>Whether the payer's sums decide it.</summary>
    public bool IsLimit => Kind is RuleKind.Limit or RuleKind.ReviewLimit;

    /// <summary>Whether it sends to review instead of refusing.</summary>
    public bool IsReview => Kind is RuleKind.Review or RuleKind.ReviewLimit;

    /// <summary>Whether a deny or require refuses the payment, or a review holds it, by itself; for a limit: whether it applies to it.</summary>
    internal bool Bites(in RuleFacts facts, ushort owner) => Kind switch
    {
        RuleKind.Limit or RuleKind.ReviewLimit => facts.Currency == Currency && Condition.Holds(facts, owner),
        RuleKind.Require => Condition.Holds(facts, owner) && !Needs!.Holds(facts, owner),
        _ => Condition.Holds(facts, owner),
    };
}
