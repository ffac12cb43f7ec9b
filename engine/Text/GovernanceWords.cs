using Settlement.Engine.Governance;

namespace Settlement.Engine.Text;

/// <summary>Laws, devices, proposals and points as sentences name them.</summary>
internal static class GovernanceWords
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

    /// <summary>A sequence, a time, or now: as a command line takes it.</summary>
    public static string TextOf(ActivationPoint point) => point.Kind switch
    {
        PointKind.Sequence => point.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        PointKind.Time => TimeText.Format(point.Value),
        _ => "now",
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
