using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Text;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>Why the ledger refused a command of governance: one sentence, with what to do.</summary>
internal static class RefusalText
{
    public static string NameOf(Verdict verdict) => VerdictText.NameOf(verdict);

    /// <param name="verdict">What the ledger answered.</param>
    /// <param name="special">What it means for this very command; null: what it means for all.</param>
    /// <exception cref="LawRefusedException">It is a refusal.</exception>
    public static void Check(Verdict verdict, string? special)
    {
        if (verdict is not (Verdict.Accepted or Verdict.Duplicate))
            throw new LawRefusedException(special ?? Common(verdict));
    }

    private static string Common(Verdict verdict) => verdict switch
    {
        Verdict.NotAuthorised => "The operator's session of this node may not send this command: an instruction level was raised above its clearance.",
        Verdict.CapacityExceeded => $"The ledger has no room for one more of these ({nameof(GovernanceBounds)} has the bounds): end proposals that are open, and try again.",
        Verdict.BadSignature => "The signature does not verify under the device's registered key: use the device's own key file.",
        Verdict.DeviceRevoked => "The device was revoked, and votes no more: use another of the module's devices.",
        Verdict.InvalidValue => "The ledger cannot take a value of this command: see --help for what is expected.",
        _ => $"The ledger refused the command: {NameOf(verdict)}.",
    };
}

/// <summary>Laws, devices, proposals and points as sentences name them.</summary>
internal static class DeskWords
{
    public static string Of(Device device) => $"of {device.Maker}, for '{device.Module}'{(device.IsRevoked ? ", revoked" : "")}";

    /// <summary>What a proposal asks for, as the end of a sentence.</summary>
    public static string Of(Proposal proposal) => proposal.Kind switch
    {
        ProposalKind.Text => $"module '{proposal.Law.Name}' version {proposal.Version}",
        ProposalKind.Treaty => $"treaty '{proposal.Law.Name}' version {proposal.Version}",
        ProposalKind.Rollback => $"'{proposal.Law.Name}' back to version {proposal.Version}",
        ProposalKind.AdmitDevice => $"device {proposal.DeviceKey.Id} for '{proposal.Law.Name}'",
        _ => $"emergency: '{proposal.Law.Name}' back to its last good version",
    };

    public static string Of(ActivationPoint point) => point.Kind switch
    {
        PointKind.Sequence => $"from sequence {point.Value} on",
        PointKind.Time => $"from {TimeText.Format(point.Value)} on",
        _ => "at once",
    };

    /// <summary>Of a law's devices, how many agree, and how many are needed.</summary>
    public static string Votes(LawBook book, Proposal proposal)
    {
        if (proposal.Law.IsTreaty)
            return string.Join("; ", proposal.Between.Select(party => $"'{party.Name}': {Votes(book, proposal, party, party.Quorum)}"));
        return Votes(book, proposal, proposal.Law, proposal.Kind == ProposalKind.Emergency ? proposal.Law.EmergencyQuorum : proposal.Law.Quorum);
    }

    private static string Votes(LawBook book, Proposal proposal, Law law, int quorum)
    {
        VoteTally tally = book.Tally(proposal, law);
        return $"{tally.Yes} yes of {Count(tally.Makers, "maker")}, {tally.No} no; {quorum} yes of {Count(law.Makers, "maker")} are needed";
    }

    public static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    /// <summary>How far it is, as the middle of a sentence.</summary>
    public static string Of(ProposalStatus status) => SnakeCase.Of(status).Replace('_', ' ');
}
