using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>Verdicts as reports print them.</summary>
internal static class VerdictText
{
    private static readonly string[] s_names = [.. Enumerable.Range(0, 256).Select(number => SnakeCase.Of(((Verdict)number).ToString()))];

    public static string NameOf(Verdict verdict) => s_names[(byte)verdict];

    /// <summary>The verdict; behind a colon a repeat's first verdict, or the number of the rule that refused.</summary>
    public static string Of(in Outcome outcome) =>
        outcome.First != Verdict.Undecided ? $"{NameOf(outcome.Verdict)}:{NameOf(outcome.First)}"
        : outcome.Rule != 0 ? $"{NameOf(outcome.Verdict)}:{outcome.Rule}"
        : NameOf(outcome.Verdict);
}
