using System.Security.Cryptography;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>
/// Purpose: what commands 146..155 need, and what they do. SEMANTICS, section Governance, has the order of their refusals.
/// Invariant: a command that is not accepted changes nothing, but that a text's check, which its first use asks for, is then known.
/// Failure assumed: payloads and signatures may be anything.
/// All written by: settle thread.
/// </summary>
internal sealed partial class GovernanceApply(LedgerState state, ReviewApply reviews)
{
    private readonly LawBook _book = state.LawBook;

    private LawActivation Activation => state.Laws;

    /// <param name="command">Its sender has the right to send it, as far as the table of authorities says.</param>
    /// <param name="payload">Its continuation.</param>
    /// <param name="sequence">Of its last slot.</param>
    public Verdict Judge(in ControlCommand command, ReadOnlySpan<byte> payload, ulong sequence)
    {
        if (!command.IsPlain)
            return Verdict.InvalidValue;
        ushort session = command.Session;
        return command.Instruction switch
        {
            Instruction.DecideReview => ReviewDecision.TryDecode(payload, out ReviewDecision? decision) ? Decide(decision, payload, sequence) : Verdict.InvalidValue,
            Instruction.FoundModule => ModuleFounding.TryDecode(payload, out ModuleFounding? founding) ? Found(founding, sequence, session) : Verdict.InvalidValue,
            Instruction.RegisterDevice => DeviceRegistration.TryDecode(payload, out DeviceRegistration? device) ? Register(device, sequence) : Verdict.InvalidValue,
            Instruction.RevokeDevice => DeviceRevocation.TryDecode(payload, out DeviceRevocation? revocation) ? Revoke(revocation, sequence) : Verdict.InvalidValue,
            Instruction.Propose => ProposalCommand.TryDecode(payload, out ProposalCommand? proposal) ? Propose(proposal, sequence, session) : Verdict.InvalidValue,
            Instruction.RecordSandbox => SandboxRecord.TryDecode(payload, out SandboxRecord? record) ? Record(record, sequence, session) : Verdict.InvalidValue,
            Instruction.Vote => VoteCommand.TryDecode(payload, out VoteCommand? vote) ? Vote(vote, sequence, session) : Verdict.InvalidValue,
            Instruction.Schedule => ScheduleCommand.TryDecode(payload, out ScheduleCommand? schedule) ? Schedule(schedule, sequence, session) : Verdict.InvalidValue,
            Instruction.SetParameter => ParameterCommand.TryDecode(payload, out ParameterCommand? parameter) ? Set(parameter, sequence, session) : Verdict.InvalidValue,
            _ => PlanAttestation.TryDecode(payload, out PlanAttestation? attestation) ? Activation.Attest(attestation, sequence) : Verdict.InvalidValue,
        };
    }

    private Verdict Found(ModuleFounding founding, ulong sequence, ushort session)
    {
        if (founding.Makers == 0 || founding.Makers > founding.Quorum || founding.Makers > founding.EmergencyQuorum)
            return Verdict.InvalidValue;
        if (_book.FindLaw(founding.Name) is { } known)
        {
            bool same = !known.IsTreaty && known.Quorum == founding.Quorum && known.Makers == founding.Makers && known.EmergencyQuorum == founding.EmergencyQuorum;
            return same ? Verdict.Duplicate : Verdict.AlreadyExists;
        }

        if (_book.Laws.Count == GovernanceBounds.LawsMax)
            return Verdict.CapacityExceeded;
        if (!_book.Roster(founding.Name).Reaches(Math.Max(founding.Quorum, founding.EmergencyQuorum), founding.Makers))
            return Verdict.QuorumMissing;
        _book.Add(new Law
        {
            Number = (ushort)(_book.Laws.Count + 1), Name = founding.Name, IsTreaty = false, Quorum = founding.Quorum, Makers = founding.Makers,
            EmergencyQuorum = founding.EmergencyQuorum, FoundedSequence = sequence, FoundedNs = state.TimeNs, FoundedBy = session,
        });
        return Verdict.Accepted;
    }

    private Verdict Register(DeviceRegistration registration, ulong sequence)
    {
        using (ECDsa? point = registration.Key.TryOpen())
        {
            if (point is null)
                return Verdict.InvalidValue;
        }

        KeyId id = registration.Key.Id;
        if (_book.FindDevice(id) is { } known)
        {
            bool same = !known.IsRevoked && string.Equals(known.Module, registration.Module, StringComparison.Ordinal)
                && string.Equals(known.Maker, registration.Maker, StringComparison.Ordinal);
            return same ? Verdict.Duplicate : Verdict.AlreadyExists;
        }

        if (_book.FindLaw(registration.Module) is { } law)
            return law.IsTreaty ? Verdict.UnknownModule : Verdict.NotAuthorised;
        if (_book.Devices.Count == GovernanceBounds.DevicesMax)
            return Verdict.CapacityExceeded;
        _book.Add(new Device
        {
            Id = id, Key = registration.Key, Module = registration.Module, Maker = registration.Maker, RegisteredSequence = sequence, RegisteredNs = state.TimeNs,
        });
        return Verdict.Accepted;
    }

    private Verdict Revoke(DeviceRevocation revocation, ulong sequence)
    {
        if (_book.FindDevice(revocation.Device) is not { } device)
            return Verdict.UnknownDevice;
        if (device.IsRevoked)
            return Verdict.Duplicate;
        (device.RevokedSequence, device.RevokedNs) = (sequence, state.TimeNs);
        return Verdict.Accepted;
    }

    private Verdict Set(ParameterCommand command, ulong sequence, ushort session)
    {
        byte index = state.Currencies.IndexOf(command.Currency);
        if (index == 0)
            return Verdict.UnknownCurrency;
        if (state.Currencies[index].Authority != state.Sessions.At(session).Participant)
            return Verdict.NotAuthorised;
        var name = new ParameterName(command.Currency, command.Name);
        if (command.Point.Kind == PointKind.Now)
        {
            ulong now = _book.ValueOf(name) ?? 0;
            return now == command.Value ? Verdict.Duplicate
                : now == 0 && _book.ParameterCount == GovernanceBounds.ParametersMax ? Verdict.CapacityExceeded
                : Activation.TrySet(name, command.Value) ? Verdict.Accepted
                : Verdict.RulesUnsound;
        }

        foreach (ScheduledChange change in _book.Schedule)
            if (change.Proposal is null && change.Parameter == name && change.Value == command.Value && change.Point == command.Point)
                return Verdict.Duplicate;
        if (!IsToCome(command.Point, sequence))
            return Verdict.InvalidValue;
        // What is scheduled will be there as well: so many at most, together.
        if (_book.Schedule.Count == GovernanceBounds.ScheduleMax || _book.ParameterCount + _book.Schedule.Count >= GovernanceBounds.ParametersMax)
            return Verdict.CapacityExceeded;
        _book.Add(new ScheduledChange { Point = command.Point, Order = sequence, Parameter = name, Value = command.Value });
        Activation.NoteChange();
        return Verdict.Accepted;
    }

    private bool IsToCome(ActivationPoint point, ulong sequence) => point.Value > (point.Kind == PointKind.Time ? state.TimeNs : sequence);

    private Verdict Decide(ReviewDecision decision, ReadOnlySpan<byte> payload, ulong sequence)
    {
        Digest hash = Digest.From(SHA256.HashData(payload));
        if (_book.FindDecision(decision.Id) is { } known)
            return known == hash ? Verdict.Duplicate : Verdict.IdConflict;
        byte[] message = GovernanceMessage.OfDecision(
            state.LedgerId, decision.Id, decision.Participant, decision.Target, decision.Releases, decision.Reason);
        if (SignerRefusal(decision.Device, decision.Signature, message, out Device device) is var refusal and not Verdict.Undecided)
            return refusal;
        int target = reviews.Find(decision.Participant, decision.Target);
        if (target == 0)
            return Verdict.UnknownTarget;
        Law? law = _book.FindLaw(state.Targets[target].Law);
        bool decides = law is not null && (law.IsTreaty
            ? law.Active!.Bound.Any(bound => string.Equals(bound.Name, device.Module, StringComparison.Ordinal))
            : string.Equals(law.Name, device.Module, StringComparison.Ordinal));
        if (!decides)
            return Verdict.UnknownDevice;
        if (_book.DecisionsAreFull)
            return Verdict.CapacityExceeded;
        Verdict verdict = reviews.Decide(target, decision.Releases, sequence);
        if (verdict == Verdict.Accepted)
            _book.Keep(decision.Id, hash);
        return verdict;
    }

    /// <summary>The device is known, not revoked, and signed the message.</summary>
    private Verdict SignerRefusal(KeyId id, SignatureP256 signature, byte[] message, out Device device)
    {
        device = _book.FindDevice(id)!;
        return device is null ? Verdict.UnknownDevice
            : device.IsRevoked ? Verdict.DeviceRevoked
            : !signature.IsOf(device.Key, message) ? Verdict.BadSignature
            : Verdict.Undecided;
    }
}
