using Settlement.Engine.Domain;

namespace Settlement.Engine.Governance;

// From a proposal to its place in the schedule.
internal sealed partial class GovernanceApply
{
    private Verdict Propose(ProposalCommand command, ulong sequence, ushort session)
    {
        ProposalPayload payload = command.Payload;
        Law? law = _book.FindLaw(payload.Name);
        if (payload.Kind == ProposalKind.Treaty && law is { IsTreaty: false })
            return Verdict.AlreadyExists;
        if (law is null ? payload.Kind != ProposalKind.Treaty : law.IsTreaty && payload.Kind is not (ProposalKind.Treaty or ProposalKind.Rollback))
            return Verdict.UnknownModule;
        byte[] message = GovernanceMessage.OfProposal(state.LedgerId, payload);
        if (SignerRefusal(command.Device, command.Signature, message, out Device device) is var refusal and not Verdict.Undecided)
            return refusal;
        // A treaty's parties stand in its text, which is read later: until then any module's device may propose it.
        bool isParty = law is null or { IsTreaty: true } ? _book.FindLaw(device.Module) is not null : IsOf(device, law);
        if (!isParty)
            return Verdict.UnknownDevice;
        Digest hash = payload.Hash();
        if (_book.FindProposal(in hash) is { } known && IsRepeat(known))
            return Verdict.Duplicate;
        if (ContentRefusal(payload, law) is var unfit and not Verdict.Undecided)
            return unfit;
        if (_book.OpenCount == GovernanceBounds.OpenProposalsMax || _book.Proposals.Count == GovernanceBounds.ProposalsMax
            || (law is null && _book.Laws.Count == GovernanceBounds.LawsMax))
            return Verdict.CapacityExceeded;
        if (law is null)
        {
            law = new Law
            {
                Number = (ushort)(_book.Laws.Count + 1), Name = payload.Name, IsTreaty = true, Quorum = 0, Makers = 0, EmergencyQuorum = 0,
                FoundedSequence = sequence, FoundedNs = state.TimeNs, FoundedBy = session,
            };
            _book.Add(law);
        }

        Proposal proposal = Make(payload, law, hash, command.Device);
        _book.Add(proposal);
        _book.Step(proposal, ProposalStatus.Proposed, sequence, session, command.Device);
        Activation.NoteChange();
        return Verdict.Accepted;
    }

    private Proposal Make(ProposalPayload payload, Law law, in Digest hash, KeyId device)
    {
        LawText? text = payload.HasText ? new LawText(payload.Name, payload.Version, payload.Content) : null;
        bool admits = payload.Kind == ProposalKind.AdmitDevice;
        (NodeKey key, string maker) = admits && payload.TryReadDevice(out NodeKey read, out string readMaker) ? (read, readMaker) : (default, "");
        return new Proposal
        {
            Number = (ulong)_book.Proposals.Count + 1, Kind = payload.Kind, Law = law, Version = payload.Version, PayloadHash = hash, Proposer = device,
            TextHash = text?.Hash ?? default, Text = text, DeviceKey = key, DeviceMaker = maker,
        };
    }

    /// <summary>A text is proposed once, unless it failed; what may be asked for again is a repeat while it is open.</summary>
    private static bool IsRepeat(Proposal known) =>
        known.IsOpen || (known.Kind is ProposalKind.Text or ProposalKind.Treaty && known.Status != ProposalStatus.Failed);

    private Verdict ContentRefusal(ProposalPayload payload, Law? law)
    {
        switch (payload.Kind)
        {
            case ProposalKind.Text or ProposalKind.Treaty:
                return law is not null && payload.Version <= law.VersionHighest ? Verdict.InvalidValue : Verdict.Undecided;
            case ProposalKind.Rollback:
                Domain.Digest hash = new LawText(payload.Name, payload.Version, payload.Content).Hash;
                foreach (Proposal version in law!.Versions)
                    if (version.Version == payload.Version && version.TextHash == hash && version.TextHash != law.Active?.TextHash && WasInForce(version))
                        return Verdict.Undecided;
                return Verdict.InvalidValue;
            case ProposalKind.AdmitDevice:
                payload.TryReadDevice(out NodeKey key, out _);
                using (System.Security.Cryptography.ECDsa? point = key.TryOpen())
                {
                    if (point is null)
                        return Verdict.InvalidValue;
                }

                return _book.FindDevice(key.Id) is not null ? Verdict.AlreadyExists : Verdict.Undecided;
            default:
                return law!.LastGood is null ? Verdict.InvalidValue : Verdict.Undecided;
        }
    }

    private static bool WasInForce(Proposal version)
    {
        foreach (ProposalStep step in version.Steps)
            if (step.Status == ProposalStatus.Active)
                return true;
        return false;
    }

    private Verdict Record(SandboxRecord record, ulong sequence, ushort session)
    {
        if (_book.FindProposal(record.Proposal) is not { HasText: true } proposal)
            return Verdict.UnknownProposal;
        if (record.LastSequence > sequence)
            return Verdict.InvalidValue;
        foreach (SandboxReport known in proposal.Reports)
            if ((known.FirstSequence, known.LastSequence, known.Report) == (record.FirstSequence, record.LastSequence, record.Report))
                return Verdict.Duplicate;
        if (CheckRefusal(proposal, sequence, session) is var refusal and not Verdict.Undecided)
            return refusal;
        if (!proposal.IsOpen)
            return Verdict.VotingClosed;
        if (proposal.Reports.Count == GovernanceBounds.SandboxReportsMax)
            return Verdict.CapacityExceeded;
        proposal.ReportList.Add(new SandboxReport(record.FirstSequence, record.LastSequence, record.Report, sequence, state.TimeNs, session));
        if (proposal.Status < ProposalStatus.Sandboxed)
            _book.Step(proposal, ProposalStatus.Sandboxed, sequence, session);
        return Verdict.Accepted;
    }

    private Verdict Vote(VoteCommand vote, ulong sequence, ushort session)
    {
        if (_book.FindProposal(vote.Proposal) is not { } proposal || proposal.PayloadHash != vote.PayloadHash)
            return Verdict.UnknownProposal;
        byte[] message = GovernanceMessage.OfVote(state.LedgerId, vote.Proposal, vote.PayloadHash, vote.IsYes);
        if (SignerRefusal(vote.Device, vote.Signature, message, out Device device) is var refusal and not Verdict.Undecided)
            return refusal;
        if (!proposal.Law.IsTreaty && !IsOf(device, proposal.Law))
            return Verdict.UnknownDevice;
        foreach (CastVote cast in proposal.Votes)
            if (cast.Device == vote.Device)
                return cast.IsYes == vote.IsYes ? Verdict.Duplicate : Verdict.AlreadyExists;
        if (CheckRefusal(proposal, sequence, session) is var unsound and not Verdict.Undecided)
            return unsound;
        if (!proposal.IsVotable)
            return Verdict.VotingClosed;
        if (proposal.Law.IsTreaty && !proposal.Between.Any(party => IsOf(device, party)))
            return Verdict.UnknownDevice;
        proposal.VoteList.Add(new CastVote(vote.Device, vote.IsYes, sequence, state.TimeNs, session));
        if (proposal.Status < ProposalStatus.Voting)
            _book.Step(proposal, ProposalStatus.Voting, sequence, session, vote.Device);
        if (proposal.Kind == ProposalKind.Emergency && _book.Tally(proposal, proposal.Law).Reaches(proposal.Law.EmergencyQuorum, proposal.Law.Makers))
            Activation.Restore(proposal, sequence);
        return Verdict.Accepted;
    }

    private Verdict Schedule(ScheduleCommand schedule, ulong sequence, ushort session)
    {
        if (_book.FindProposal(schedule.Proposal) is not { } proposal || proposal.PayloadHash != schedule.PayloadHash)
            return Verdict.UnknownProposal;
        if (proposal.Kind == ProposalKind.Emergency)
            return Verdict.InvalidValue; // it is effective with its last vote
        if (proposal.Point != default)
            return proposal.Point == schedule.Point ? Verdict.Duplicate : Verdict.AlreadyExists;
        if (CheckRefusal(proposal, sequence, session) is var refusal and not Verdict.Undecided)
            return refusal;
        if (!proposal.IsVotable || (proposal.Kind is ProposalKind.Text or ProposalKind.Treaty && proposal.Version <= proposal.Law.VersionHighest))
            return Verdict.VotingClosed;
        if (!HasQuorum(proposal, out List<Law> bound))
            return Verdict.QuorumMissing;
        if (!IsToCome(schedule.Point, sequence) || IsBeforeItsDay(proposal, schedule.Point))
            return Verdict.InvalidValue;
        if (_book.Schedule.Count == GovernanceBounds.ScheduleMax)
            return Verdict.CapacityExceeded;
        (proposal.Point, proposal.Bound) = (schedule.Point, bound);
        _book.Add(new ScheduledChange { Point = schedule.Point, Order = sequence, Proposal = proposal });
        _book.Step(proposal, ProposalStatus.Scheduled, sequence, session);
        Activation.NoteChange();
        return Verdict.Accepted;
    }

    /// <summary>
    /// A version that came into force before its effective day would end the one before it, and say nothing itself until then. Of a sequence nobody knows the time: the day
    /// must have come when it is scheduled.
    /// </summary>
    private bool IsBeforeItsDay(Proposal proposal, ActivationPoint point) =>
        proposal.Text is { } text && LawCompiler.EffectiveDayOf(text) is { } effective
        && Rules.Calendar.DayOf(point.Kind == PointKind.Time ? point.Value : state.TimeNs) < effective;

    /// <param name="proposal">Votable.</param>
    /// <param name="bound">Of a treaty: the parties whose own voters agree, two at least.</param>
    private bool HasQuorum(Proposal proposal, out List<Law> bound)
    {
        bound = [];
        if (!proposal.Law.IsTreaty)
            return _book.Tally(proposal, proposal.Law).Reaches(proposal.Law.Quorum, proposal.Law.Makers);
        foreach (Law party in proposal.Between)
            if (_book.Tally(proposal, party).Reaches(party.Quorum, party.Makers))
                bound.Add(party);
        return bound.Count >= 2;
    }

    /// <summary>The first command that needs a text's check waits for it; one that does not hold ends the proposal.</summary>
    private Verdict CheckRefusal(Proposal proposal, ulong sequence, ushort session)
    {
        if (proposal.AwaitsCheck)
        {
            LawCheck check = Activation.Builder.TakeCheck(_book.Current(), proposal.Text!);
            List<Law> between = [];
            string fault = check.Fault ?? MismatchOf(proposal, check, out between) ?? "";
            if (fault.Length > 0)
            {
                _book.Fail(proposal, fault, sequence, session);
                return Verdict.RulesUnsound;
            }

            proposal.Between = between;
            _book.Step(proposal, ProposalStatus.Checked, sequence, session);
        }

        bool wasUnsound = proposal.HasText && proposal.Status == ProposalStatus.Failed && proposal.Steps.All(step => step.Status != ProposalStatus.Checked);
        return wasUnsound ? Verdict.RulesUnsound : Verdict.Undecided;
    }

    /// <summary>The text must be what the payload says that it is.</summary>
    private string? MismatchOf(Proposal proposal, LawCheck check, out List<Law> between)
    {
        between = [];
        if (!string.Equals(check.Name, proposal.Law.Name, StringComparison.Ordinal) || check.Version != proposal.Version)
            return $"the text is {check.Name} version {check.Version}; {proposal.Law.Name} version {proposal.Version} was proposed";
        if (check.Between.Count > 0 != proposal.Law.IsTreaty)
            return proposal.Law.IsTreaty ? "the text is a module's, and a treaty was proposed" : "the text is a treaty, and a module's was proposed";
        foreach (string name in check.Between.Order(StringComparer.Ordinal))
        {
            if (_book.FindLaw(name) is not { IsTreaty: false } party)
                return $"the treaty is between modules of which '{name}' is not founded";
            between.Add(party);
        }

        string proposer = _book.FindDevice(proposal.Proposer)!.Module;
        return proposal.Law.IsTreaty && !between.Any(party => string.Equals(party.Name, proposer, StringComparison.Ordinal))
            ? $"the treaty was proposed for module '{proposer}', which is no party to it"
            : null;
    }

    private static bool IsOf(Device device, Law law) => string.Equals(device.Module, law.Name, StringComparison.Ordinal);
}
