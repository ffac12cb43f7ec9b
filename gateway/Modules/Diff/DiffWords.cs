using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;

namespace Settlement.Gateway.Modules.Diff;

/// <summary>Answers and statements in words.</summary>
internal static class DiffWords
{
    public static string Of(DiffAnswer answer) => answer.Answer switch
    {
        LawAnswer.Yes => "yes",
        LawAnswer.No => $"no by {answer.Statement}",
        _ => $"review by {answer.Statement} within {Hours(answer.HoldNs)}",
    };

    /// <summary>What changes, without a reader having to compare names.</summary>
    public static string Kind(DiffWay way) => (way.Before.Answer, way.After.Answer) switch
    {
        (LawAnswer.No, LawAnswer.No) => "refused as before, by another statement",
        (LawAnswer.Review, LawAnswer.Review) => way.Before.Statement == way.After.Statement ? "under review as before, for another time" : "under review as before, by another statement",
        (_, LawAnswer.Yes) => way.Before.Answer == LawAnswer.No ? "no longer refused" : "no longer under review",
        (_, LawAnswer.No) => "refused now",
        _ => way.Before.Answer == LawAnswer.No ? "under review now, no longer refused" : "under review now",
    };

    /// <summary>A statement on one line, with its source.</summary>
    public static string Of(LawStatement statement)
    {
        string to = statement.IsException ? $" (exception to {string.Join(", ", statement.Targets)})" : "";
        string what = statement.Effect switch
        {
            LawEffect.Require => $"requires {LawPhrase.Of(statement.Needs!)}",
            LawEffect.Limit => $"limits {Ceilings(statement)} per {LawPhrase.Of(statement.Window)}{Adapted(statement)}",
            LawEffect.Review => $"reviews within {Hours(statement.HoldNs)}",
            LawEffect.Deny => "denies",
            _ => "allows",
        };
        string when = statement.When is LawAlways ? "always" : $"when {LawPhrase.Of(statement.When)}";
        return $"{statement.Name}{to} {what}, {when} [{(statement.Citation.IsIllustrative ? "illustrative: " : "")}{statement.Citation.Text}]";
    }

    public static string Hours(ulong ns) => ns % Limits.NsPerDay == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{ns / Limits.NsPerDay} {(ns == Limits.NsPerDay ? "day" : "days")}")
        : string.Create(CultureInfo.InvariantCulture, $"{ns / Limits.NsPerHour} {(ns / Limits.NsPerHour == 1 ? "hour" : "hours")}");

    private static string Ceilings(LawStatement limit)
    {
        (LawMoney Ceiling, int Tier)[] stated = [.. limit.Ceilings.Select((ceiling, tier) => (ceiling, tier)).Where(one => one.ceiling is not null).Select(one => (one.ceiling!, one.tier))];
        if (stated.Length == limit.Ceilings.Count && stated.All(one => one.Ceiling == stated[0].Ceiling))
            return $"to {LawPhrase.Of(stated[0].Ceiling)}";
        return stated.Length == 0 ? "to nothing" : "to " + string.Join(", ", stated.Select(one => string.Create(CultureInfo.InvariantCulture, $"{LawPhrase.Of(one.Ceiling)} for tier {one.Tier}")));
    }

    private static string Adapted(LawStatement limit) => limit.Adaptations.Count == 0 ? ""
        : ", " + string.Join(", ", limit.Adaptations.Select(one => one.Percent == 0 ? $"@{one.Class} exempt" : $"@{one.Class} at {one.Percent}%"));
}
