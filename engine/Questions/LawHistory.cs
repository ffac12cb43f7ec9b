using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;

namespace Settlement.Engine.Questions;

/// <summary>How the law came about, step by step, in the order of the journal.</summary>
internal sealed class LawHistory
{
    /// <summary>One step.</summary>
    /// <param name="Sequence">Of the command, or of what time brought about.</param>
    /// <param name="TimeNs">Block time, ns since the epoch.</param>
    /// <param name="What">founded, device_registered, device_revoked, vote_yes, vote_no, sandboxed, or a status of a proposal.</param>
    /// <param name="Law">Name of the module or treaty.</param>
    /// <param name="Session">Who sent it; 0: time or a sequence brought it about.</param>
    /// <param name="Device">That signed it; zero: none.</param>
    /// <param name="Proposal">Null: none.</param>
    /// <param name="Detail">What else there is to say; empty: nothing.</param>
    public sealed record Entry(ulong Sequence, ulong TimeNs, string What, string Law, ushort Session, KeyId Device, Proposal? Proposal, string Detail);

    private readonly LawBook _book;
    private readonly List<Entry> _entries = [];

    /// <param name="book">Must stand still.</param>
    /// <param name="only">One module or treaty; null: all.</param>
    public LawHistory(LawBook book, Law? only)
    {
        _book = book;
        foreach (Device device in book.Devices.Where(device => only is null || device.Module == only.Name))
        {
            _entries.Add(new Entry(device.RegisteredSequence, device.RegisteredNs, "device_registered", device.Module, 0, device.Id, null, ""));
            if (device.IsRevoked)
                _entries.Add(new Entry(device.RevokedSequence, device.RevokedNs, "device_revoked", device.Module, 0, device.Id, null, ""));
        }

        foreach (Law law in book.Laws.Where(law => (only is null || law == only) && !law.IsTreaty))
            _entries.Add(new Entry(law.FoundedSequence, law.FoundedNs, "founded", law.Name, law.FoundedBy, default, null, $"quorum {law.Quorum} of {GovernanceWords.Count(law.Makers, "maker")}, emergency {law.EmergencyQuorum}"));
        foreach (Proposal proposal in book.Proposals.Where(proposal => only is null || proposal.Law == only))
            Add(proposal);
        // Stable: steps of one sequence stay in the order in which they were taken.
        _entries = [.. _entries.OrderBy(entry => entry.Sequence)];
    }

    public IReadOnlyList<Entry> Entries => _entries;

    public string MakerOf(Entry entry) => entry.Device == default ? "" : _book.FindDevice(entry.Device)?.Maker ?? "";

    /// <summary>The steps as a member of a JSON object: the same to who asks a journal and who asks a server.</summary>
    /// <param name="writer">Inside the object.</param>
    /// <param name="written">Called behind each step, to drain what is written; null: nobody does.</param>
    public void Write(Utf8JsonWriter writer, Action? written)
    {
        writer.WriteStartArray("steps");
        foreach (Entry entry in _entries)
        {
            writer.WriteStartObject();
            writer.WriteString("sequence", Exact(entry.Sequence));
            writer.WriteString("time", TimeText.Format(entry.TimeNs));
            writer.WriteString("step", entry.What);
            writer.WriteString("module", entry.Law);
            if (entry.Proposal is { } proposal)
            {
                writer.WriteString("proposal", Exact(proposal.Number));
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
            written?.Invoke();
        }

        writer.WriteEndArray();
    }

    public void Write(Utf8JsonWriter writer) => Write(writer, null);

    private static string Exact(ulong number) => number.ToString(CultureInfo.InvariantCulture);

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
}
