using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>An answer, told as far as who asks may know (<see cref="ReasonLevel"/>).</summary>
internal sealed class MayReport(LawsAt laws, MayQuestion question, MayAnswer answer)
{
    private LedgerState State => laws.State;

    private LawFinding? Decider => answer.Decision?.Decider;

    public void PrintLines(TextWriter output)
    {
        output.WriteLine($"{WordOf(answer.Answer)}, {laws.Where}");
        if (question.Clearance >= ReasonLevel.Law)
            PrintLaw(output);
        if (question.Clearance >= ReasonLevel.Statement)
            PrintStatement(output);
        if (question.Clearance >= ReasonLevel.All)
            PrintAll(output);
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        laws.WriteWhere(writer);
        writer.WriteString("answer", WordOf(answer.Answer));
        if (question.Clearance >= ReasonLevel.Law)
            WriteLaw(writer);
        if (question.Clearance >= ReasonLevel.Statement)
            WriteStatement(writer);
        if (question.Clearance >= ReasonLevel.All)
            WriteAll(writer);
        json.End();
    }

    /// <summary>A stranger is told to ask; others, what for.</summary>
    private string WordOf(LawAnswer said) => said switch
    {
        LawAnswer.Yes => "yes",
        LawAnswer.No => "no",
        _ => question.Clearance < ReasonLevel.Law ? "ask" : "review",
    };

    private string GovernedBy => answer.Obstacle is not null ? "other" : answer.Decision is not null ? "modules" : State.Rules is not null ? "table" : "nothing";

    private void PrintLaw(TextWriter output)
    {
        if (answer.Obstacle is not null)
            output.WriteLine("  not by a law: something else stands in the way");
        else if (Decider is { } decider)
            output.WriteLine($"  by {KindOf(decider.Module)} '{decider.Module.Name}' of {decider.Module.Authority}: {CitationOf(decider.Statement)}");
        else if (answer.Rule is not null)
            output.WriteLine("  by the rule table in force, which was activated by hand and cites no law");
        else if (answer.Decision is null)
            output.WriteLine($"  no module is in force: {LawsAt.Ungoverned(State)}");
        if (answer.Answer == LawAnswer.Review && answer.Rule is { } review)
            output.WriteLine($"  the amount is held until a reviewer releases or refuses it, and goes back to the payer after {DurationText(review.HoldNs)}");
    }

    private void PrintStatement(TextWriter output)
    {
        if (answer.Obstacle is { } obstacle)
            output.WriteLine($"  {obstacle}");
        else if (Decider is { } decider)
        {
            output.WriteLine($"  {decider.Statement.Name}, version {decider.Module.Version}, {decider.Statement.Place}{(decider.BySum ? ", by what was paid before" : "")}");
            PrintSeen(output, decider);
        }
        else if (answer.Rule is { } rule)
            output.WriteLine($"  rule {rule.Id}, {rule.Name}");
    }

    private void PrintAll(TextWriter output)
    {
        foreach (LawFinding finding in answer.Decision?.Findings ?? [])
        {
            if (finding == Decider)
                continue;
            output.WriteLine($"  also {finding.Statement.Name}: {WordsOf(finding)}; {CitationOf(finding.Statement)}");
            PrintSeen(output, finding);
        }

        if (answer.TurnsBelow is { } below)
            output.WriteLine($"  next below, at {Money(below.Amount)}: {TurnWords(below.Answer)}");
        if (answer.TurnsAbove is { } above)
            output.WriteLine($"  next above, at {Money(above.Amount)}: {TurnWords(above.Answer)}");
    }

    private static void PrintSeen(TextWriter output, LawFinding finding)
    {
        foreach (LawSeen seen in finding.Seen)
            output.WriteLine($"    {seen.Asked}: {(seen.Holds ? "so it is" : "it is not")} ({seen.Saw})");
    }

    private void WriteLaw(Utf8JsonWriter writer)
    {
        writer.WriteString("governed_by", GovernedBy);
        if (Decider is { } decider)
        {
            writer.WriteString("law", decider.Module.Name);
            writer.WriteString("authority", decider.Module.Authority);
            WriteCitation(writer, decider.Statement);
        }

        if (answer.Answer == LawAnswer.Review && answer.Rule is { } review)
            writer.WriteString("held_ns", JsonText.Exact(review.HoldNs));
    }

    private void WriteStatement(Utf8JsonWriter writer)
    {
        if (answer.Obstacle is { } obstacle)
            writer.WriteString("obstacle", obstacle);
        if (answer.Rule is { } rule)
        {
            writer.WriteNumber("rule", rule.Id);
            writer.WriteString("statement", rule.Name);
        }

        if (Decider is not { } decider)
            return;
        writer.WriteNumber("version", decider.Module.Version);
        writer.WriteNumber("line", decider.Statement.Place.Line);
        writer.WriteBoolean("by_sum", decider.BySum);
        WriteSeen(writer, decider);
    }

    private void WriteAll(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("findings");
        foreach (LawFinding finding in answer.Decision?.Findings ?? [])
        {
            writer.WriteStartObject();
            writer.WriteString("statement", finding.Statement.Name);
            writer.WriteString("law", finding.Module.Name);
            writer.WriteString("outcome", SnakeCase.Of(finding.Outcome));
            writer.WriteBoolean("decides", finding == Decider);
            WriteCitation(writer, finding.Statement);
            WriteSeen(writer, finding);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteTurn(writer, "turns_below", answer.TurnsBelow);
        WriteTurn(writer, "turns_above", answer.TurnsAbove);
    }

    private void WriteTurn(Utf8JsonWriter writer, string name, (ulong Amount, TableAnswer Answer)? turn)
    {
        if (turn is not { } at)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        writer.WriteString("amount", LedgerText.Amount(State, at.Amount, question.Facts.Currency));
        writer.WriteString("answer", WordOf(at.Answer.Answer));
        writer.WriteString("statement", at.Answer.Rule?.Name);
        writer.WriteEndObject();
    }

    private static void WriteCitation(Utf8JsonWriter writer, LawStatement statement)
    {
        writer.WriteString("citation", statement.Citation.Text);
        writer.WriteBoolean("illustrative", statement.Citation.IsIllustrative);
    }

    private static void WriteSeen(Utf8JsonWriter writer, LawFinding finding)
    {
        writer.WriteStartArray("compared");
        foreach (LawSeen seen in finding.Seen)
        {
            writer.WriteStartObject();
            writer.WriteString("asked", seen.Asked);
            writer.WriteString("saw", seen.Saw);
            writer.WriteBoolean("holds", seen.Holds);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private string TurnWords(TableAnswer turn) => turn.Rule is null ? "yes" : $"{WordOf(turn.Answer)}, by {turn.Rule.Name}";

    private string Money(ulong amount) => LedgerText.Money(State, amount, question.Facts.Currency);

    private static string KindOf(LawModule module) => module.IsTreaty ? "treaty" : "module";

    private static string CitationOf(LawStatement statement) => (statement.Citation.IsIllustrative ? "invented, to show: " : "") + statement.Citation.Text;

    private static string WordsOf(LawFinding finding) => finding.Outcome switch
    {
        LawOutcome.Satisfied => "applies, and is satisfied",
        LawOutcome.Replaced => $"applies, but {string.Join(", ", finding.ReplacedBy.Select(exception => exception.Name))} takes its place",
        LawOutcome.Allows => $"an exception that lets pass, in the place of {string.Join(", ", finding.InPlaceOf.Select(target => target.Name))}",
        LawOutcome.Refuses => "refuses, too",
        _ => "asks for a review, too",
    };

    private static string DurationText(ulong ns)
    {
        ulong hours = ns / Limits.NsPerHour;
        return hours % 24 == 0 ? GovernanceWords.Count((int)(hours / 24), "day") : string.Create(CultureInfo.InvariantCulture, $"{hours} hours");
    }
}
