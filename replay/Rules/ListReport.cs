using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Questions;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>What is in force, what is under way and what is to come, as lines or JSON.</summary>
internal sealed class ListReport(LawsAt laws)
{
    private LedgerState State => laws.State;

    private LawBook Book => laws.Book;

    private IEnumerable<Proposal> UnderWay => Book.Proposals.Where(proposal => proposal.IsVotable);

    public void PrintLines(TextWriter output)
    {
        Line(output, $"{laws.Journal} {laws.Where}");
        if (!Book.IsFounded)
            Line(output, $"  no module is founded: {LawsAt.Ungoverned(State)}");
        if (State.Laws.InForce is { } inForce)
        {
            Line(output, $"  rules     {State.Rules?.Table.Rules.Length ?? 0} in table {State.Rules?.Table.Hash}, of rule set {inForce.Laws}{(inForce.IsAttested ? "" : ", not attested yet")}");
            if (State.Laws.DatesFault.Length > 0)
                Line(output, $"            those of {NumberText.DateOf(inForce.Day)} still: {State.Laws.DatesFault}");
        }
        else if (!Book.IsFounded && State.Rules is { } table)
        {
            foreach (Rule rule in table.Table.Rules)
                Line(output, $"  rule {rule.Id,-5}{SnakeCase.Of(rule.Kind),-14}{rule.Name}");
        }

        foreach (Law law in Book.Laws)
            PrintLaw(output, law);
        foreach ((ParameterName name, ulong value) in Book.Parameters)
            Line(output, $"  parameter {LawPhrase.Of(name)} = {LawListJson.ValueText(value)}");
        foreach (ScheduledChange change in Book.Schedule)
            Line(output, $"  to come   {LawListJson.WhatOf(change)}, {GovernanceWords.Of(change.Point)}{(!change.ChangesRules ? "" : change.Attested is null ? "; its plan is not attested yet" : "; its plan is built and attested")}");
        foreach (Proposal proposal in UnderWay)
            Line(output, $"  proposal {proposal.Number}  {GovernanceWords.Of(proposal)}, {GovernanceWords.Of(proposal.Status)}: {GovernanceWords.Votes(Book, proposal)}; hash {proposal.PayloadHash}");
        foreach (Device device in Book.Devices)
            Line(output, $"  device {device.Id}  {device.Module}, of {device.Maker}, since sequence {device.RegisteredSequence}{(device.IsRevoked ? $", revoked at {device.RevokedSequence}" : "")}");
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", laws.Journal);
        laws.WriteWhere(writer);
        LawListJson.Write(writer, State);
        json.End();
    }

    private static void PrintLaw(TextWriter output, Law law)
    {
        string kind = law.IsTreaty ? "treaty" : "module";
        string voters = law.IsTreaty ? law.Active is { } treaty ? $"; binds {string.Join(", ", treaty.Bound.Select(bound => bound.Name))}" : ""
            : $"; {law.Quorum} of {GovernanceWords.Count(law.Makers, "maker")}, emergency {law.EmergencyQuorum}, decide";
        if (law.Active is not { } active)
            Line(output, $"  {kind} {law.Name}  no version in force{voters}");
        else
            Line(output, $"  {kind} {law.Name}  version {active.Version} since sequence {LawListJson.Since(active).Sequence}, {TimeText.Format(LawListJson.Since(active).TimeNs)}; text {active.TextHash}{(law.LastGood is { } good ? $"; last good version {good.Version}" : "")}{voters}");
    }

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
