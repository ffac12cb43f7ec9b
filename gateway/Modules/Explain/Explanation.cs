using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Diff;

namespace Settlement.Gateway.Modules.Explain;

/// <summary>What rules say to a payment, and why, for a reader.</summary>
/// <param name="Rules">The rule set.</param>
/// <param name="Day">The payment's.</param>
/// <param name="Asked">The payment.</param>
/// <param name="Decision">The interpreter's.</param>
/// <param name="Misses">What would give another answer; null: there is too much to try.</param>
/// <param name="Assumed">Parameters that were taken as 1; null: none.</param>
internal sealed record Explanation(RuleSet Rules, int Day, AskedCase Asked, LawDecision Decision, IReadOnlyList<NearMiss>? Misses, string? Assumed)
{
    private const int AskedColumn = 44;

    public void Write(TextWriter output)
    {
        output.Write($"{Sentence()}\n");
        LawFinding[] others = [.. Decision.Findings.Where(finding => finding != Decision.Decider)];
        if (Decision.Decider is { } decider)
            Write(output, decider);
        foreach (IGrouping<string, LawFinding> group in others.OrderBy(finding => finding.Outcome != LawOutcome.Refuses).GroupBy(Heading))
        {
            output.Write($"\n{group.Key}\n");
            foreach (LawFinding finding in group)
                Write(output, finding);
        }
        if (Decision.Findings.Count == 0)
            output.Write("No statement of these modules has anything to say to it.\n");
        WriteMisses(output);
        if (Assumed is not null)
            output.Write($"\nTaken as 1: {Assumed}.\n");
    }

    public void WriteJson(TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("payment");
            CaseWords.Write(json, Asked.Case, [.. Asked.Spent.Select(one => one.Window)], Rules.ScaleOf, Day);
            json.WriteEndObject();
            json.WriteString("answer", Answer(Decision.Answer));
            json.WriteString("statement", Decision.Decider?.Statement.Name);
            json.WriteStartArray("findings");
            foreach (LawFinding finding in Decision.Findings)
                Write(json, finding);
            json.WriteEndArray();
            json.WriteStartArray("near_misses");
            foreach (NearMiss miss in Misses ?? [])
            {
                json.WriteStartObject();
                json.WriteString("with", miss.What);
                json.WriteString("answer", Answer(miss.Answer.Answer));
                json.WriteString("statement", miss.Answer.Statement.Length == 0 ? null : miss.Answer.Statement);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("taken_as_one", Assumed);
            json.WriteEndObject();
        }
        output.Write(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
    }

    private static string Answer(LawAnswer answer) => answer switch { LawAnswer.Yes => "yes", LawAnswer.No => "no", _ => "review" };

    private string Sentence()
    {
        string payment = LawPhrase.Of(Asked.Facts, Asked.Spent, Rules.ScaleOf);
        string answer = Decision.Answer switch
        {
            LawAnswer.Yes => "yes",
            LawAnswer.No => $"no, by {Decision.Decider!.Statement.Name}{(Decision.Decider.BySum ? ", which counts what is paid in a time" : "")}",
            _ => $"review, by {Decision.Decider!.Statement.Name}: a reviewer decides within {DiffWords.Hours(Decision.Decider.Statement.HoldNs)}, or the amount goes back to the payer",
        };
        return $"{char.ToUpperInvariant(payment[0])}{payment[1..]}, on {NumberText.DateOf(Day)}: {answer}.";
    }

    private static string Heading(LawFinding finding) => finding.Outcome switch
    {
        LawOutcome.Refuses => "Also refuses:",
        LawOutcome.Reviews => "Would have it reviewed:",
        LawOutcome.Allows => "Lets it pass where another statement would not:",
        LawOutcome.Replaced => "Does not apply, because an exception takes its place:",
        _ => "Applies, and is satisfied:",
    };

    private static void Write(TextWriter output, LawFinding finding)
    {
        output.Write($"  {DiffWords.Of(finding.Statement)}\n");
        if (finding.InPlaceOf.Count > 0)
            output.Write($"      in place of {Names(finding.InPlaceOf)}\n");
        if (finding.ReplacedBy.Count > 0)
            output.Write($"      its place is taken by {Names(finding.ReplacedBy)}\n");
        foreach (LawSeen seen in finding.Seen)
            output.Write($"      {seen.Asked.PadRight(AskedColumn)} {(seen.Holds ? "yes" : "no"),-3}  {seen.Saw}\n");
    }

    private void WriteMisses(TextWriter output)
    {
        if (Misses is null)
        {
            output.Write("\nThere are too many thresholds to say what would have to be different.\n");
            return;
        }
        output.Write(Misses.Count == 0 ? "\nNothing about the payment alone, were it different, would change the answer.\n" : "\nThe answer would be another with one of these:\n");
        foreach (NearMiss miss in Misses)
            output.Write($"  {miss.What.PadRight(AskedColumn + 4)} {DiffWords.Of(miss.Answer)}\n");
    }

    private static void Write(Utf8JsonWriter json, LawFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("module", finding.Module.Name);
        json.WriteString("statement", finding.Statement.Name);
        json.WriteString("outcome", Engine.Text.SnakeCase.Of(finding.Outcome));
        json.WriteBoolean("by_sum", finding.BySum);
        json.WriteString("law", DiffWords.Of(finding.Statement));
        json.WriteString("cite", finding.Statement.Citation.Text);
        json.WriteBoolean("illustrative", finding.Statement.Citation.IsIllustrative);
        Write(json, "in_place_of", finding.InPlaceOf);
        Write(json, "replaced_by", finding.ReplacedBy);
        json.WriteStartArray("seen");
        foreach (LawSeen seen in finding.Seen)
        {
            json.WriteStartObject();
            json.WriteString("asked", seen.Asked);
            json.WriteString("saw", seen.Saw);
            json.WriteBoolean("holds", seen.Holds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<LawStatement> statements)
    {
        json.WriteStartArray(name);
        foreach (LawStatement statement in statements)
            json.WriteStringValue(statement.Name);
        json.WriteEndArray();
    }

    private static string Names(IEnumerable<LawStatement> statements) => string.Join(", ", statements.Select(one => one.Name));
}
