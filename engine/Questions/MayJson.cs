using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;

namespace Settlement.Engine.Questions;

/// <summary>An answer as members of a JSON object, told as far as who asks may know (<see cref="ReasonLevel"/>): the same to who asks a journal and who asks a server.</summary>
internal sealed class MayJson(LawView view, MayQuestion question, MayAnswer answer)
{
    private LawFinding? Decider => answer.Decision?.Decider;

    private string GovernedBy => answer.Obstacle is not null ? "other" : answer.Decision is not null ? "modules" : view.Rules is not null ? "table" : "nothing";

    /// <summary>A stranger is told to ask; others, what for.</summary>
    public static string WordOf(LawAnswer said, byte clearance) => said switch
    {
        LawAnswer.Yes => "yes",
        LawAnswer.No => "no",
        _ => clearance < ReasonLevel.Law ? "ask" : "review",
    };

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("answer", WordOf(answer.Answer, question.Clearance));
        if (question.Clearance >= ReasonLevel.Law)
            WriteLaw(writer);
        if (question.Clearance >= ReasonLevel.Statement)
            WriteStatement(writer);
        if (question.Clearance >= ReasonLevel.All)
            WriteAll(writer);
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
            writer.WriteString("held_ns", review.HoldNs.ToString(CultureInfo.InvariantCulture));
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
        writer.WriteString("amount", AmountText.ToText(at.Amount, view.ScaleOf(question.Facts.Currency)));
        writer.WriteString("answer", WordOf(at.Answer.Answer, question.Clearance));
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
}
