using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Show;

/// <summary>What a command of governance says, by name: read from its continuation, which may be anything.</summary>
internal static class GovernanceFields
{
    private const int ParameterScale = 9;

    /// <summary>Names that exports have columns of their own for.</summary>
    public const string Module = "module";

    public const string Proposal = "proposal";
    public const string Device = "device";

    public static bool Has(Instruction instruction) => instruction.IsGovernance();

    /// <param name="state">Behind the command's block: it knows which number a proposal got.</param>
    /// <param name="instruction">One of 146..155.</param>
    /// <param name="payload">Its continuation.</param>
    /// <returns>Values are text or small whole numbers; of what cannot be read: how long it is.</returns>
    public static Dictionary<string, object> Of(LedgerState state, Instruction instruction, ReadOnlySpan<byte> payload)
    {
        var fields = new Dictionary<string, object>();
        bool isRead = instruction switch
        {
            Instruction.DecideReview => TryAddDecision(fields, state, payload),
            Instruction.FoundModule => TryAddFounding(fields, payload),
            Instruction.RegisterDevice => TryAddRegistration(fields, payload),
            Instruction.RevokeDevice => TryAddRevocation(fields, payload),
            Instruction.Propose => TryAddProposal(fields, state, payload),
            Instruction.RecordSandbox => TryAddSandbox(fields, state, payload),
            Instruction.Vote => TryAddVote(fields, state, payload),
            Instruction.Schedule => TryAddSchedule(fields, state, payload),
            Instruction.SetParameter => TryAddParameter(fields, payload),
            _ => TryAddAttestation(fields, payload),
        };
        if (isRead)
            return fields;
        fields.Clear();
        fields.Add("unreadable_bytes", payload.Length);
        return fields;
    }

    private static bool TryAddDecision(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!ReviewDecision.TryDecode(payload, out ReviewDecision? decision))
            return false;
        ulong high = (ulong)(decision.Target >> 64), low = (ulong)decision.Target;
        // As for a capture: no flag says whether it is a stream id.
        fields.Add("payment", PaymentIdText.Format(high, low, isStream: low >> 62 != 0b10));
        fields.Add("held_under", LedgerText.ParticipantOf(state, decision.Participant));
        fields.Add("decision", decision.Releases ? "release" : "refuse");
        fields.Add(Device, decision.Device.ToString());
        fields.Add("id", decision.Id.ToString("x32", CultureInfo.InvariantCulture));
        fields.Add("reason", OneLine(decision.Reason));
        return true;
    }

    private static bool TryAddFounding(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!ModuleFounding.TryDecode(payload, out ModuleFounding? founding))
            return false;
        fields.Add(Module, founding.Name);
        fields.Add("quorum", founding.Quorum);
        fields.Add("makers", founding.Makers);
        fields.Add("emergency_quorum", founding.EmergencyQuorum);
        return true;
    }

    private static bool TryAddRegistration(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!DeviceRegistration.TryDecode(payload, out DeviceRegistration? registration))
            return false;
        fields.Add(Device, registration.Key.Id.ToString());
        fields.Add(Module, registration.Module);
        fields.Add("maker", registration.Maker);
        return true;
    }

    private static bool TryAddRevocation(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!DeviceRevocation.TryDecode(payload, out DeviceRevocation? revocation))
            return false;
        fields.Add(Device, revocation.Device.ToString());
        return true;
    }

    private static bool TryAddProposal(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!ProposalCommand.TryDecode(payload, out ProposalCommand? command))
            return false;
        ProposalPayload proposed = command.Payload;
        Digest hash = proposed.Hash();
        if (state.LawBook.FindProposal(in hash) is { } proposal)
            fields.Add(Proposal, Text(proposal.Number));
        fields.Add("kind", SnakeCase.Of(proposed.Kind));
        fields.Add(Module, proposed.Name);
        if (proposed.HasText)
        {
            fields.Add("version", proposed.Version);
            fields.Add("text_bytes", proposed.Content.Length);
        }
        else if (proposed.TryReadDevice(out NodeKey key, out string maker))
        {
            fields.Add("admits", key.Id.ToString());
            fields.Add("maker", maker);
        }

        fields.Add("hash", hash.ToString());
        fields.Add(Device, command.Device.ToString());
        return true;
    }

    private static bool TryAddSandbox(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!SandboxRecord.TryDecode(payload, out SandboxRecord? record))
            return false;
        AddProposal(fields, state, record.Proposal);
        fields.Add("first_sequence", Text(record.FirstSequence));
        fields.Add("last_sequence", Text(record.LastSequence));
        fields.Add("report", record.Report.ToString());
        return true;
    }

    private static bool TryAddVote(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!VoteCommand.TryDecode(payload, out VoteCommand? vote))
            return false;
        AddProposal(fields, state, vote.Proposal);
        fields.Add("vote", vote.IsYes ? "yes" : "no");
        fields.Add("hash", vote.PayloadHash.ToString());
        fields.Add(Device, vote.Device.ToString());
        if (state.LawBook.FindDevice(vote.Device) is { } device)
            fields.Add("maker", device.Maker);
        return true;
    }

    private static bool TryAddSchedule(Dictionary<string, object> fields, LedgerState state, ReadOnlySpan<byte> payload)
    {
        if (!ScheduleCommand.TryDecode(payload, out ScheduleCommand? schedule))
            return false;
        AddProposal(fields, state, schedule.Proposal);
        fields.Add("from", GovernanceWords.TextOf(schedule.Point));
        fields.Add("hash", schedule.PayloadHash.ToString());
        return true;
    }

    private static bool TryAddParameter(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!ParameterCommand.TryDecode(payload, out ParameterCommand? parameter))
            return false;
        fields.Add("parameter", LawPhrase.Of(new ParameterName(parameter.Currency, parameter.Name)));
        fields.Add("value", parameter.Value == 0 ? "none" : AmountText.ToText(parameter.Value, ParameterScale));
        fields.Add("from", GovernanceWords.TextOf(parameter.Point));
        return true;
    }

    private static bool TryAddAttestation(Dictionary<string, object> fields, ReadOnlySpan<byte> payload)
    {
        if (!PlanAttestation.TryDecode(payload, out PlanAttestation? attestation))
            return false;
        fields.Add("rule_set", attestation.Laws.ToString());
        fields.Add("day", NumberText.DateOf(attestation.Day));
        fields.Add("plan", attestation.IsFine ? "fine" : "failed");
        fields.Add("table", attestation.Table.ToString());
        return true;
    }

    private static void AddProposal(Dictionary<string, object> fields, LedgerState state, ulong number)
    {
        fields.Add(Proposal, Text(number));
        if (state.LawBook.FindProposal(number) is { } proposal)
            fields.Add(Module, proposal.Law.Name);
    }

    /// <summary>A reason may hold anything; a line of output holds one line.</summary>
    private static string OneLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (char letter in text)
            line.Append(char.IsControl(letter) ? ' ' : letter);
        return line.ToString();
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
