using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>What is in force, what is under way and what is to come, as lines or JSON.</summary>
internal sealed class ListReport(LawsAt laws)
{
    private const int ParameterScale = 9;

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
            Line(output, $"  parameter {LawPhrase.Of(name)} = {ValueText(value)}");
        foreach (ScheduledChange change in Book.Schedule)
            Line(output, $"  to come   {WhatOf(change)}, {GovernanceWords.Of(change.Point)}{(!change.ChangesRules ? "" : change.Attested is null ? "; its plan is not attested yet" : "; its plan is built and attested")}");
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
        writer.WriteString("governed_by", Book.IsFounded && State.Laws.InForce is not null ? "modules" : State.Rules is null ? "nothing" : "table");
        writer.WriteString("rule_set", State.Laws.InForce?.Laws.ToString());
        writer.WriteString("table", State.Rules?.Table.Hash.ToString());
        writer.WriteNumber("rules", State.Rules?.Table.Rules.Length ?? 0);
        writer.WriteStartArray("laws");
        foreach (Law law in Book.Laws)
            WriteLaw(writer, law);
        writer.WriteEndArray();
        writer.WriteStartArray("parameters");
        foreach ((ParameterName name, ulong value) in Book.Parameters)
        {
            writer.WriteStartObject();
            writer.WriteString("parameter", LawPhrase.Of(name));
            writer.WriteString("value", AmountText.ToText(value, ParameterScale));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("to_come");
        foreach (ScheduledChange change in Book.Schedule)
        {
            writer.WriteStartObject();
            writer.WriteString("what", WhatOf(change));
            if (change.Proposal is { } proposal)
                writer.WriteString("proposal", JsonText.Exact(proposal.Number));
            writer.WriteString("from", GovernanceWords.TextOf(change.Point));
            writer.WriteBoolean("attested", change.Attested is not null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("proposals");
        foreach (Proposal proposal in UnderWay)
            WriteProposal(writer, proposal);
        writer.WriteEndArray();
        writer.WriteStartArray("devices");
        foreach (Device device in Book.Devices)
        {
            writer.WriteStartObject();
            writer.WriteString("device", device.Id.ToString());
            writer.WriteString("module", device.Module);
            writer.WriteString("maker", device.Maker);
            writer.WriteString("since", JsonText.Exact(device.RegisteredSequence));
            writer.WriteString("revoked", device.IsRevoked ? JsonText.Exact(device.RevokedSequence) : null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
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
            Line(output, $"  {kind} {law.Name}  version {active.Version} since sequence {Since(active).Sequence}, {TimeText.Format(Since(active).TimeNs)}; text {active.TextHash}{(law.LastGood is { } good ? $"; last good version {good.Version}" : "")}{voters}");
    }

    private void WriteLaw(Utf8JsonWriter writer, Law law)
    {
        writer.WriteStartObject();
        writer.WriteString("name", law.Name);
        writer.WriteString("kind", law.IsTreaty ? "treaty" : "module");
        writer.WriteString("founded", JsonText.Exact(law.FoundedSequence));
        if (!law.IsTreaty)
        {
            writer.WriteNumber("quorum", law.Quorum);
            writer.WriteNumber("makers", law.Makers);
            writer.WriteNumber("emergency_quorum", law.EmergencyQuorum);
            writer.WriteNumber("devices", Book.Devices.Count(device => device.Module == law.Name && !device.IsRevoked));
        }

        if (law.Active is { } active)
        {
            writer.WriteNumber("version", active.Version);
            writer.WriteString("text_hash", active.TextHash.ToString());
            writer.WriteString("since", JsonText.Exact(Since(active).Sequence));
            writer.WriteString("since_time", TimeText.Format(Since(active).TimeNs));
            writer.WriteString("proposal", JsonText.Exact(active.Number));
            if (law.IsTreaty)
            {
                writer.WriteStartArray("binds");
                foreach (Law bound in active.Bound)
                    writer.WriteStringValue(bound.Name);
                writer.WriteEndArray();
            }
        }
        else
        {
            writer.WriteNull("version");
        }

        if (law.LastGood is { } good)
            writer.WriteNumber("last_good_version", good.Version);
        writer.WriteEndObject();
    }

    private void WriteProposal(Utf8JsonWriter writer, Proposal proposal)
    {
        writer.WriteStartObject();
        writer.WriteString("proposal", JsonText.Exact(proposal.Number));
        writer.WriteString("what", GovernanceWords.Of(proposal));
        writer.WriteString("kind", SnakeCase.Of(proposal.Kind));
        writer.WriteString("name", proposal.Law.Name);
        writer.WriteNumber("version", proposal.Version);
        writer.WriteString("status", SnakeCase.Of(proposal.Status));
        writer.WriteString("hash", proposal.PayloadHash.ToString());
        writer.WriteString("votes", GovernanceWords.Votes(Book, proposal));
        writer.WriteNumber("reports", proposal.Reports.Count);
        writer.WriteEndObject();
    }

    /// <summary>Since when a version is in force: the step that made it so last.</summary>
    public static ProposalStep Since(Proposal active) => active.Steps.Last(step => step.Status == ProposalStatus.Active);

    private static string WhatOf(ScheduledChange change) => change.Proposal is { } proposal
        ? $"proposal {proposal.Number}, {GovernanceWords.Of(proposal)}"
        : change.Value == 0 ? $"{LawPhrase.Of(change.Parameter)} loses its value" : $"{LawPhrase.Of(change.Parameter)} = {ValueText(change.Value)}";

    private static string ValueText(ulong value) => AmountText.ToText(value, ParameterScale).TrimEnd('0').TrimEnd('.');

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
