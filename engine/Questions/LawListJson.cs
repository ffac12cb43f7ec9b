using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;

namespace Settlement.Engine.Questions;

/// <summary>What is in force, what is under way and what is to come, as members of a JSON object: the same to who asks a journal and who asks a server.</summary>
internal static class LawListJson
{
    private const int ParameterScale = 9;

    public static void Write(Utf8JsonWriter writer, LedgerState state)
    {
        LawBook book = state.LawBook;
        writer.WriteString("governed_by", book.IsFounded && state.Laws.InForce is not null ? "modules" : state.Rules is null ? "nothing" : "table");
        writer.WriteString("rule_set", state.Laws.InForce?.Laws.ToString());
        writer.WriteString("table", state.Rules?.Table.Hash.ToString());
        writer.WriteNumber("rules", state.Rules?.Table.Rules.Length ?? 0);
        writer.WriteStartArray("laws");
        foreach (Law law in book.Laws)
            WriteLaw(writer, book, law);
        writer.WriteEndArray();
        writer.WriteStartArray("parameters");
        foreach ((ParameterName name, ulong value) in book.Parameters)
        {
            writer.WriteStartObject();
            writer.WriteString("parameter", LawPhrase.Of(name));
            writer.WriteString("value", AmountText.ToText(value, ParameterScale));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("to_come");
        foreach (ScheduledChange change in book.Schedule)
        {
            writer.WriteStartObject();
            writer.WriteString("what", WhatOf(change));
            if (change.Proposal is { } proposal)
                writer.WriteString("proposal", Exact(proposal.Number));
            writer.WriteString("from", GovernanceWords.TextOf(change.Point));
            writer.WriteBoolean("attested", change.Attested is not null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("proposals");
        foreach (Proposal proposal in book.Proposals.Where(proposal => proposal.IsVotable))
            WriteProposal(writer, book, proposal);
        writer.WriteEndArray();
        writer.WriteStartArray("devices");
        foreach (Device device in book.Devices)
        {
            writer.WriteStartObject();
            writer.WriteString("device", device.Id.ToString());
            writer.WriteString("module", device.Module);
            writer.WriteString("maker", device.Maker);
            writer.WriteString("since", Exact(device.RegisteredSequence));
            writer.WriteString("revoked", device.IsRevoked ? Exact(device.RevokedSequence) : null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Since when a version is in force: the step that made it so last.</summary>
    public static ProposalStep Since(Proposal active) => active.Steps.Last(step => step.Status == ProposalStatus.Active);

    public static string WhatOf(ScheduledChange change) => change.Proposal is { } proposal
        ? $"proposal {proposal.Number}, {GovernanceWords.Of(proposal)}"
        : change.Value == 0 ? $"{LawPhrase.Of(change.Parameter)} loses its value" : $"{LawPhrase.Of(change.Parameter)} = {ValueText(change.Value)}";

    public static string ValueText(ulong value) => AmountText.ToText(value, ParameterScale).TrimEnd('0').TrimEnd('.');

    private static void WriteLaw(Utf8JsonWriter writer, LawBook book, Law law)
    {
        writer.WriteStartObject();
        writer.WriteString("name", law.Name);
        writer.WriteString("kind", law.IsTreaty ? "treaty" : "module");
        writer.WriteString("founded", Exact(law.FoundedSequence));
        if (!law.IsTreaty)
        {
            writer.WriteNumber("quorum", law.Quorum);
            writer.WriteNumber("makers", law.Makers);
            writer.WriteNumber("emergency_quorum", law.EmergencyQuorum);
            writer.WriteNumber("devices", book.Devices.Count(device => device.Module == law.Name && !device.IsRevoked));
        }

        if (law.Active is { } active)
        {
            writer.WriteNumber("version", active.Version);
            writer.WriteString("text_hash", active.TextHash.ToString());
            writer.WriteString("since", Exact(Since(active).Sequence));
            writer.WriteString("since_time", TimeText.Format(Since(active).TimeNs));
            writer.WriteString("proposal", Exact(active.Number));
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

    private static void WriteProposal(Utf8JsonWriter writer, LawBook book, Proposal proposal)
    {
        writer.WriteStartObject();
        writer.WriteString("proposal", Exact(proposal.Number));
        writer.WriteString("what", GovernanceWords.Of(proposal));
        writer.WriteString("kind", SnakeCase.Of(proposal.Kind));
        writer.WriteString("name", proposal.Law.Name);
        writer.WriteNumber("version", proposal.Version);
        writer.WriteString("status", SnakeCase.Of(proposal.Status));
        writer.WriteString("hash", proposal.PayloadHash.ToString());
        writer.WriteString("votes", GovernanceWords.Votes(book, proposal));
        writer.WriteNumber("reports", proposal.Reports.Count);
        writer.WriteEndObject();
    }

    private static string Exact(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
