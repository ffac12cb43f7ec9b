using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>How the law came about, step by step, in the order of the journal.</summary>
internal sealed class HistoryReport
{
    /// <summary>One step.</summary>
    /// <param name="What">founded, device_registered, device_revoked, vote_yes, vote_no, sandboxed, or a status of a proposal.</param>
    /// <param name="Session">Who sent it; 0: time or a sequence brought it about.</param>
    /// <param name="Proposal">Null: none.</param>
    /// <param name="Detail">What else there is to say; empty: nothing.</param>
    private sealed record Entry(ulong Sequence, ulong TimeNs, string What, string Law, ushort Session, KeyId Device, Proposal? Proposal, string Detail);

    private readonly LawsAt _laws;
    private readonly List<Entry> _entries = [];

    /// <param name="laws">The ledger.</param>
    /// <param name="module">Null: all.</param>
    /// <exception cref="UsageException">There is no such module.</exception>
    public HistoryReport(LawsAt laws, string? module)
    {
        _laws = laws;
        Law? only = module is null ? null : laws.Find(module);
        foreach (Device device in laws.Book.Devices.Where(device => only is null || device.Module == only.Name))
        {
            _entries.Add(new Entry(device.RegisteredSequence, device.RegisteredNs, "device_registered", device.Module, 0, device.Id, null, ""));
            if (device.IsRevoked)
                _entries.Add(new Entry(device.RevokedSequence, device.RevokedNs, "device_revoked", device.Module, 0, device.Id, null, ""));
        }

        foreach (Law law in laws.Book.Laws.Where(law => (only is null || law == only) && !law.IsTreaty))
            _entries.Add(new Entry(law.FoundedSequence, law.FoundedNs, "founded", law.Name, law.FoundedBy, default, null, $"quorum {law.Quorum} of {GovernanceWords.Count(law.Makers, "maker")}, emergency {law.EmergencyQuorum}"));
        foreach (Proposal proposal in laws.Book.Proposals.Where(proposal => only is null || proposal.Law == only))
            Add(proposal);
        // Stable: steps of one sequence stay in the order in which they were taken.
        _entries = [.. _entries.OrderBy(entry => entry.Sequence)];
    }

    public void PrintLines(TextWriter output)
    {
        output.WriteLine($"{_laws.Journal} {_laws.Where}");
        if (_entries.Count == 0)
            output.WriteLine($"  nothing has happened: {LawsAt.Ungoverned(_laws.State)}");
        var table = new TextTable("<sequence", "time", "step", "module", "what", "device", "maker", "<session", "detail");
        foreach (Entry entry in _entries)
            table.Add(JsonText.Exact(entry.Sequence), TimeText.Format(entry.TimeNs), entry.What, entry.Law,
                entry.Proposal is { } proposal ? $"{proposal.Number}: {GovernanceWords.Of(proposal)}" : "", entry.Device == default ? "" : entry.Device.ToString(),
                MakerOf(entry), entry.Session == 0 ? "" : JsonText.Exact(entry.Session), entry.Detail);
        if (!table.IsEmpty)
            table.Print(output);
    }

    public void PrintJson(TextWriter output)
    {
        using var json = new JsonText(output);
        Utf8JsonWriter writer = json.Writer;
        writer.WriteString("journal", _laws.Journal);
        _laws.WriteWhere(writer);
        writer.WriteStartArray("steps");
        foreach (Entry entry in _entries)
        {
            writer.WriteStartObject();
            writer.WriteString("sequence", JsonText.Exact(entry.Sequence));
            writer.WriteString("time", TimeText.Format(entry.TimeNs));
            writer.WriteString("step", entry.What);
            writer.WriteString("module", entry.Law);
            if (entry.Proposal is { } proposal)
            {
                writer.WriteString("proposal", JsonText.Exact(proposal.Number));
                writer.WriteString("kind", SnakeCase.Of(proposal.Kind));
                writer.WriteNumber("version", proposal.Version);
            }

            writer.WriteString("device", entry.Device == default ? null : entry.Device.ToString());
            writer.WriteString("maker", entry.Device == default ? null : MakerOf(entry));
            if (entry.Session == 0)
                writer.WriteNull("session");
            else
                writer.WriteNumber("session", entry.Session);
            if (entry.Detail.Length > 0)
                writer.WriteString("detail", entry.Detail);
            writer.WriteEndObject();
            json.DrainIfLong();
        }

        writer.WriteEndArray();
        json.End();
    }

    private void Add(Proposal proposal)
    {
        foreach (ProposalStep step in proposal.Steps)
        {
            // A vote and a report are told by themselves, each of them.
            if (step.Status is ProposalStatus.Voting or ProposalStatus.Sandboxed)
                continue;
            string detail = step.Status switch
            {
                ProposalStatus.Proposed => $"hash {proposal.PayloadHash}",
                ProposalStatus.Scheduled => GovernanceWords.Of(proposal.Point),
                ProposalStatus.Failed => proposal.FailureReason,
                _ => "",
            };
            _entries.Add(new Entry(step.Sequence, step.TimeNs, SnakeCase.Of(step.Status), proposal.Law.Name, step.Session, step.Device, proposal, detail));
        }

        foreach (CastVote vote in proposal.Votes)
            Insert(new Entry(vote.Sequence, vote.TimeNs, vote.IsYes ? "vote_yes" : "vote_no", proposal.Law.Name, vote.Session, vote.Device, proposal, ""));
        foreach (SandboxReport report in proposal.Reports)
            Insert(new Entry(report.Sequence, report.TimeNs, "sandboxed", proposal.Law.Name, report.Session, default, proposal, $"sequences {report.FirstSequence} to {report.LastSequence}, report {report.Report}"));
    }

    /// <summary>Behind the check that the same command asked for, and in front of what it brought about.</summary>
    private void Insert(Entry entry)
    {
        int at = _entries.FindIndex(other => other.Sequence == entry.Sequence && other.What is not "checked");
        if (at < 0)
            _entries.Add(entry);
        else
            _entries.Insert(at, entry);
    }

    private string MakerOf(Entry entry) => entry.Device == default ? "" : _laws.Book.FindDevice(entry.Device)?.Maker ?? "";
}
