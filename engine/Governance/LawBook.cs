using System.Buffers.Binary;
using System.IO.Hashing;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules.Language;

namespace Settlement.Engine.Governance;

/// <summary>Yes and no of a law's devices that are not revoked.</summary>
/// <param name="Yes">Devices.</param>
/// <param name="No">Devices.</param>
/// <param name="Makers">Different makers of those that said yes.</param>
public readonly record struct VoteTally(int Yes, int No, int Makers)
{
    public bool Reaches(int quorum, int makers) => Yes >= quorum && Makers >= makers;
}

/// <summary>
/// Purpose: who may change the law, what was proposed, voted and scheduled, and which laws are in force: the part of the ledger's state that rules follow from.
/// Invariant: a function of the journal. Every step is folded into the control fold, so replicas that disagree on one differ at the next close.
/// Failure assumed: none here; who may do what is judged before (<see cref="GovernanceApply"/>).
/// Memory: every list has its bound in <see cref="GovernanceBounds"/>. Texts are held while open, in force or last good; older ones are in the journal.
/// All written by: settle thread. Others may read while the engine is still.
/// </summary>
public sealed partial class LawBook(LedgerState state)
{
    private readonly List<Law> _laws = [];
    private readonly Dictionary<string, Law> _lawByName = new(StringComparer.Ordinal); // looked up, never walked
    private readonly List<Proposal> _proposals = [];
    private readonly Dictionary<Digest, Proposal> _proposalByPayload = []; // the newest of each payload; looked up, never walked
    private readonly List<Device> _devices = [];
    private readonly Dictionary<KeyId, Device> _deviceById = []; // looked up, never walked
    private readonly Dictionary<ParameterName, ulong> _parameters = []; // looked up; walked only to be sorted
    private readonly List<ScheduledChange> _schedule = []; // in the order of scheduling
    private readonly Queue<Decision> _decisions = new(); // in the order of time
    private readonly Dictionary<UInt128, Digest> _decisionById = []; // looked up, never walked

    /// <summary>Modules and treaties by number, from 1.</summary>
    public IReadOnlyList<Law> Laws => _laws;

    /// <summary>By number, from 1.</summary>
    public IReadOnlyList<Proposal> Proposals => _proposals;

    /// <summary>In the order of registration.</summary>
    public IReadOnlyList<Device> Devices => _devices;

    public IReadOnlyList<ScheduledChange> Schedule => _schedule;

    /// <summary>Rates and indexes that have a value, by currency and name.</summary>
    public IEnumerable<(ParameterName Name, ulong Value)> Parameters =>
        _parameters.Select(pair => (pair.Key, pair.Value)).OrderBy(pair => pair.Key.Currency).ThenBy(pair => pair.Key.Name, StringComparer.Ordinal);

    /// <summary>Whether modules govern here: rule tables are not activated by hand any more.</summary>
    public bool IsFounded => _laws.Count > 0;

    /// <summary>Proposals that are neither in force nor ended.</summary>
    public int OpenCount { get; private set; }

    public Law? FindLaw(string name) => _lawByName.GetValueOrDefault(name);

    /// <param name="number">From 1; 0: none.</param>
    public Law? FindLaw(uint number) => number - 1 < (uint)_laws.Count ? _laws[(int)number - 1] : null;

    public Proposal? FindProposal(ulong number) => number - 1 < (ulong)_proposals.Count ? _proposals[(int)number - 1] : null;

    /// <summary>The newest proposal of that payload.</summary>
    public Proposal? FindProposal(in Digest payloadHash) => _proposalByPayload.GetValueOrDefault(payloadHash);

    public Device? FindDevice(KeyId id) => _deviceById.GetValueOrDefault(id);

    public ulong? ValueOf(ParameterName name) => _parameters.TryGetValue(name, out ulong value) ? value : null;

    /// <summary>The laws in force as a rule set's inputs; built anew at each call.</summary>
    public LawInputs Current() => new LawDraft(this, state).ToInputs();

    /// <summary>What a law's devices have said of a proposal.</summary>
    public VoteTally Tally(Proposal proposal, Law law)
    {
        int yes = 0;
        int no = 0;
        var makers = new HashSet<string>(StringComparer.OrdinalIgnoreCase); // counted, never walked
        foreach (CastVote vote in proposal.Votes)
        {
            Device device = _deviceById[vote.Device];
            if (device.IsRevoked || !string.Equals(device.Module, law.Name, StringComparison.Ordinal))
                continue;
            if (!vote.IsYes)
            {
                no++;
                continue;
            }

            yes++;
            makers.Add(device.Maker);
        }

        return new VoteTally(yes, no, makers.Count);
    }

    /// <summary>Devices of a module that are not revoked, and their makers.</summary>
    internal VoteTally Roster(string module)
    {
        int count = 0;
        var makers = new HashSet<string>(StringComparer.OrdinalIgnoreCase); // counted, never walked
        foreach (Device device in _devices)
        {
            if (device.IsRevoked || !string.Equals(device.Module, module, StringComparison.Ordinal))
                continue;
            count++;
            makers.Add(device.Maker);
        }

        return new VoteTally(count, 0, makers.Count);
    }

    internal void Add(Law law)
    {
        _laws.Add(law);
        _lawByName.Add(law.Name, law);
    }

    internal void Add(Device device)
    {
        _devices.Add(device);
        _deviceById.Add(device.Id, device);
    }

    internal void Add(Proposal proposal)
    {
        _proposals.Add(proposal);
        _proposalByPayload[proposal.PayloadHash] = proposal;
        if (proposal.HasText)
            proposal.Law.VersionList.Add(proposal);
    }

    /// <summary>Takes a step, and drops the texts that it makes old.</summary>
    internal void Step(Proposal proposal, ProposalStatus status, ulong sequence, ushort session = 0, KeyId device = default)
    {
        bool wasOpen = proposal.IsOpen;
        proposal.StepList.Add(new ProposalStep(status, sequence, state.TimeNs, session, device));
        OpenCount += (proposal.IsOpen ? 1 : 0) - (wasOpen ? 1 : 0);
        Fold(proposal.Number, status, sequence);
    }

    /// <summary>Texts that nothing can come back to are left to the journal. After the law's versions have changed.</summary>
    internal static void DropTexts(Law law)
    {
        foreach (Proposal version in law.Versions)
            if (!version.IsOpen && version != law.Active && version != law.LastGood)
                version.Text = null;
    }

    internal void Fail(Proposal proposal, string reason, ulong sequence, ushort session = 0)
    {
        proposal.FailureReason = GovernanceText.Shorten(reason, GovernanceBounds.ReasonBytesMax);
        Step(proposal, ProposalStatus.Failed, sequence, session);
        DropTexts(proposal.Law);
    }

    /// <param name="name">Of a declared currency.</param>
    /// <param name="value">0: it has no value any more.</param>
    internal void Set(ParameterName name, ulong value)
    {
        if (value == 0)
            _parameters.Remove(name);
        else
            _parameters[name] = value;
    }

    internal int ParameterCount => _parameters.Count;

    internal void Add(ScheduledChange change) => _schedule.Add(change);

    internal void Remove(ScheduledChange change) => _schedule.Remove(change);

    internal IReadOnlyDictionary<ParameterName, ulong> ParameterValues => _parameters;

    /// <summary>What a decision's id stands for; null: it was not used in <see cref="GovernanceBounds.DecisionMemoryNs"/>.</summary>
    internal Digest? FindDecision(UInt128 id)
    {
        while (_decisions.TryPeek(out Decision oldest) && state.TimeNs - oldest.TimeNs > GovernanceBounds.DecisionMemoryNs)
            _decisionById.Remove(_decisions.Dequeue().Id);
        return _decisionById.TryGetValue(id, out Digest payload) ? payload : null;
    }

    internal bool DecisionsAreFull => _decisions.Count == GovernanceBounds.DecisionsMax;

    internal void Keep(UInt128 id, in Digest payload)
    {
        _decisions.Enqueue(new Decision(id, payload, state.TimeNs));
        _decisionById.Add(id, payload);
    }

    /// <summary>What time or a check brought about is in the control fold as commands are.</summary>
    internal void Fold(ulong proposal, ProposalStatus status, ulong sequence)
    {
        Span<byte> bytes = stackalloc byte[16 + 8 + 1 + 8];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, state.ControlFold);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], proposal);
        bytes[24] = (byte)status;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[25..], sequence);
        state.ControlFold = XxHash128.HashToUInt128(bytes);
    }

    private readonly record struct Decision(UInt128 Id, Digest Payload, ulong TimeNs);
}

/// <summary>The laws in force with changes that are not: for the plans of what is to come.</summary>
internal sealed class LawDraft
{
    private readonly Dictionary<string, Proposal> _active = new(StringComparer.Ordinal); // walked only to be sorted
    private readonly Dictionary<string, uint> _highest = new(StringComparer.Ordinal);
    private readonly Dictionary<ParameterName, ulong> _parameters;
    private readonly List<(ushort, byte)> _currencies = [];

    public LawDraft(LawBook book, LedgerState state)
    {
        foreach (Law law in book.Laws)
        {
            if (law.Active is null)
                continue;
            _active.Add(law.Name, law.Active);
            _highest.Add(law.Name, law.VersionHighest);
        }

        _parameters = new(book.ParameterValues);
        for (int index = 1; index <= state.Currencies.Count; index++)
            _currencies.Add((state.Currencies[index].Number, state.Currencies[index].Scale));
    }

    /// <returns>False, with nothing changed: a version as high is there already.</returns>
    public bool TryPut(ScheduledChange change)
    {
        if (change.Proposal is not { } proposal)
        {
            Put(change.Parameter, change.Value);
            return true;
        }

        if (proposal.Kind != ProposalKind.Rollback)
        {
            if (proposal.Version <= _highest.GetValueOrDefault(proposal.Law.Name))
                return false;
            _highest[proposal.Law.Name] = proposal.Version;
        }

        Put(proposal);
        return true;
    }

    public void Put(Proposal version) => _active[version.Law.Name] = version;

    public void Put(ParameterName name, ulong value)
    {
        if (value == 0)
            _parameters.Remove(name);
        else
            _parameters[name] = value;
    }

    public void Put(ushort currency, byte scale) => _currencies.Add((currency, scale));

    public LawInputs ToInputs() => new(
        _active.Values.Where(version => !version.Law.IsTreaty).Select(TextOf),
        _active.Values.Where(version => version.Law.IsTreaty).Select(version => new TreatyText(TextOf(version), [.. version.Bound.Select(law => law.Name)])),
        _parameters.Select(pair => (pair.Key, pair.Value)),
        _currencies);

    private static LawText TextOf(Proposal version) =>
        version.Text ?? throw new LedgerBrokenException($"the text of {version}, which is in force or scheduled, is not held");
}
