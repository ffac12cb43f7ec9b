using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Questions;
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
        new MayJson(LawView.Of(State), question, answer).Write(writer);
        json.End();
    }

    private string WordOf(LawAnswer said) => MayJson.WordOf(said, question.Clearance);

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
