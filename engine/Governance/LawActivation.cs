using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Governance;

/// <summary>The rule set that payments are judged by, and what was built of it.</summary>
/// <param name="Laws">Hash of the rule set.</param>
/// <param name="Day">For which it was built.</param>
/// <param name="Build">Its plan.</param>
/// <param name="IsAttested">Whether the journal says what it came to.</param>
public sealed record LawsInForce(Digest Laws, int Day, LawBuild Build, bool IsAttested);

/// <summary>
/// Purpose: which plan is in force, exactly from when on: by sequence, by time, by date, at once; and that all replicas have the same one.
/// Invariant: activation never moves. Where a plan is not ready, who asks for it waits. What cannot be built changes nothing: the last good rules stay.
/// Failure assumed: a plan that cannot be built, or does not agree with the reference. If the journal says the same, its proposal has failed; if it says
/// otherwise, this machine is the one that is wrong, and stops.
/// All written by: settle thread.
/// </summary>
public sealed partial class LawActivation
{
    private readonly LedgerState _state;
    private readonly LawBook _book;
    private IPlanBuilder _builder;
    private bool _isForesightDue;
    private int _today = -1;
    private (Digest Laws, int Day, LawBuild Build)? _dates; // the next change by date, attested

    public LawActivation(LedgerState state, LawBook book, IPlanBuilder builder) => (_state, _book, _builder) = (state, book, builder);

    /// <summary>Makes plans; owned by whoever sets it. To be set while the engine is still.</summary>
    public IPlanBuilder Builder
    {
        get => _builder;
        set
        {
            _builder = value;
            _isForesightDue = true;
        }
    }

    /// <summary>Tells the builder all that will be needed, whether it has changed or not: somebody else attests from now on. To be called while the engine is still.</summary>
    internal void ForeseeAnew()
    {
        _isForesightDue = true;
        Foresee();
    }

    /// <summary>The lowest sequence at which something comes into force; none: <see cref="ulong.MaxValue"/>.</summary>
    public ulong NextSequence { get; private set; } = ulong.MaxValue;

    /// <summary>Null: no law was activated yet.</summary>
    public LawsInForce? InForce { get; private set; }

    /// <summary>Why the rules of an earlier day are still in force; empty: they are not.</summary>
    public string DatesFault { get; private set; } = "";

    private int Today => Calendar.DayOf(_state.TimeNs);

    /// <summary>Number of the law whose rule that is in the plan in force; 0: the plan is of none.</summary>
    public uint NumberOf(ushort rule)
    {
        if (InForce is not { } inForce)
            return 0;
        foreach ((ushort id, string law) in inForce.Build.Origins)
            if (id == rule)
                return _book.FindLaw(law)!.Number;
        return 0;
    }

    /// <summary>A block's time is taken: what was scheduled by time, and what dates change.</summary>
    internal void AtTime()
    {
        if (_book.Schedule.Count > 0)
            Activate(PointKind.Time, _state.TimeNs, _state.Sequence + 1);
        if (Today == _today)
            return;
        _today = Today;
        _isForesightDue = true;
        if (InForce is { } inForce && !inForce.Build.Serves(inForce.Day, _today))
            ChangeByDate();
    }

    /// <summary>Before the slot of that sequence is judged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void AtSequence(ulong sequence)
    {
        if (sequence >= NextSequence)
            Activate(PointKind.Sequence, sequence, sequence);
    }

    /// <summary>Tells the builder what will be needed, if that has changed. Between blocks.</summary>
    internal void Foresee()
    {
        if (!_isForesightDue)
            return;
        _isForesightDue = false;
        var orders = new List<LawOrder>();
        foreach (Expectation expected in Expected())
            orders.Add(new LawOrder(expected.Laws, expected.Day, null, !IsAttested(in expected)));
        if (_book.OpenCount > 0)
        {
            LawInputs? current = null;
            foreach (Proposal proposal in _book.Proposals)
                if (proposal.AwaitsCheck)
                    orders.Add(new LawOrder(current ??= _book.Current(), 0, proposal.Text, false));
        }

        _builder.Foresee(orders);
    }

    /// <summary>The law book has changed in a way that may need other plans.</summary>
    internal void NoteChange()
    {
        _isForesightDue = true;
        NextSequence = ulong.MaxValue;
        foreach (ScheduledChange change in _book.Schedule)
            if (change.Point.Kind == PointKind.Sequence)
                NextSequence = Math.Min(NextSequence, change.Point.Value);
    }

    /// <summary>A currency is to be declared: rules may count in it.</summary>
    /// <returns>Whether it may be; the plan with it is in force.</returns>
    internal bool TryDeclare(ushort currency, byte scale)
    {
        if (InForce is null)
            return true;
        var draft = new LawDraft(_book, _state);
        draft.Put(currency, scale);
        return TryPutInForce(draft.ToInputs(), null, out _);
    }

    /// <summary>A parameter changes at once.</summary>
    /// <returns>Whether it may; the plan with it is in force.</returns>
    internal bool TrySet(ParameterName name, ulong value)
    {
        if (InForce is not null)
        {
            var draft = new LawDraft(_book, _state);
            draft.Put(name, value);
            if (!TryPutInForce(draft.ToInputs(), null, out _))
                return false;
        }

        _book.Set(name, value);
        NoteChange();
        return true;
    }

    /// <summary>An emergency has its votes: the law's last good version is in force again.</summary>
    internal void Restore(Proposal emergency, ulong sequence)
    {
        Law law = emergency.Law;
        if (law.LastGood is not { } good || law.Active is not { } bad)
        {
            _book.Fail(emergency, $"{law.Name} has no last good version any more", sequence);
            return;
        }

        var draft = new LawDraft(_book, _state);
        draft.Put(good);
        if (!TryPutInForce(draft.ToInputs(), null, out string fault))
        {
            _book.Fail(emergency, fault, sequence);
            return;
        }

        (law.Active, law.LastGood) = (good, null);
        _book.Step(bad, ProposalStatus.RolledBack, sequence);
        _book.Step(good, ProposalStatus.Active, sequence);
        _book.Step(emergency, ProposalStatus.Active, sequence);
        LawBook.DropTexts(law);
        NoteChange();
    }

    private void Activate(PointKind kind, ulong upTo, ulong sequence)
    {
        List<ScheduledChange> due = InOrder(kind, upTo);
        if (due.Count == 0)
            return;
        foreach (ScheduledChange change in due)
            _book.Remove(change);
        NoteChange();
        var draft = new LawDraft(_book, _state);
        var changes = new List<ScheduledChange>();
        foreach (ScheduledChange change in due)
        {
            if (!change.ChangesRules)
                Admit(change.Proposal!, sequence);
            else if (draft.TryPut(change))
                changes.Add(change);
            else
                _book.Fail(change.Proposal!, "a version as high was in force before it", sequence);
        }

        if (changes.Count == 0)
            return;
        if (TryPutInForce(draft.ToInputs(), changes[^1], out _))
        {
            foreach (ScheduledChange change in changes)
                Commit(change, sequence);
            return;
        }

        // Together they cannot be: each that can be built upon those before it is in force, the others have failed.
        foreach (ScheduledChange change in changes)
            ActivateAlone(change, sequence);
    }

    private void ActivateAlone(ScheduledChange change, ulong sequence)
    {
        var draft = new LawDraft(_book, _state);
        if (!draft.TryPut(change))
            _book.Fail(change.Proposal!, "a version as high was in force before it", sequence);
        else if (TryPutInForce(draft.ToInputs(), change, out string fault))
            Commit(change, sequence);
        else if (change.Proposal is not null)
            _book.Fail(change.Proposal, fault, sequence);
        else
            _book.Fold(0, ProposalStatus.Failed, sequence);
    }

    private void Commit(ScheduledChange change, ulong sequence)
    {
        if (change.Proposal is not { } proposal)
        {
            _book.Set(change.Parameter, change.Value);
            _book.Fold(0, ProposalStatus.Active, sequence);
            return;
        }

        Law law = proposal.Law;
        Proposal? before = law.Active;
        law.Active = proposal;
        if (proposal.Kind == ProposalKind.Rollback)
        {
            if (before is not null)
                _book.Step(before, ProposalStatus.RolledBack, sequence);
            if (law.LastGood?.TextHash == proposal.TextHash)
                law.LastGood = null;
        }
        else
        {
            if (before is not null)
                _book.Step(before, ProposalStatus.Superseded, sequence);
            (law.LastGood, law.VersionHighest) = (before, proposal.Version);
        }

        _book.Step(proposal, ProposalStatus.Active, sequence);
        LawBook.DropTexts(law);
        // An emergency was voted about the version that was in force then.
        foreach (Proposal emergency in _book.Proposals)
            if (emergency.Kind == ProposalKind.Emergency && emergency.Law == law && emergency.IsOpen)
                _book.Fail(emergency, "another version has come into force since", sequence);
    }

    private void Admit(Proposal proposal, ulong sequence)
    {
        KeyId id = proposal.DeviceKey.Id;
        if (_book.FindDevice(id) is not null || _book.Devices.Count == GovernanceBounds.DevicesMax)
        {
            _book.Fail(proposal, "the device is registered already, or there is no room for one", sequence);
            return;
        }

        _book.Add(new Device
        {
            Id = id, Key = proposal.DeviceKey, Module = proposal.Law.Name, Maker = proposal.DeviceMaker, RegisteredSequence = sequence, RegisteredNs = _state.TimeNs,
        });
        _book.Step(proposal, ProposalStatus.Active, sequence);
    }

    private void ChangeByDate()
    {
        if (TryPutInForce(_book.Current(), null, out string fault))
        {
            DatesFault = "";
            return;
        }

        DatesFault = GovernanceText.Shorten(fault, GovernanceBounds.ReasonBytesMax);
        _book.Fold(0, ProposalStatus.Failed, _state.Sequence + 1);
    }

    /// <summary>Waits for the plan if need be, and judges by it from here on; or says why it cannot be, and changes nothing.</summary>
    /// <param name="laws">The rule set.</param>
    /// <param name="change">The last that made it so; null: it was not scheduled.</param>
    /// <param name="fault">Empty: there is none.</param>
    private bool TryPutInForce(LawInputs laws, ScheduledChange? change, out string fault)
    {
        LawBuild build = _builder.TakePlan(laws, Today);
        fault = build.Fault ?? YearsFault(build.Plan!, null);
        if (fault.Length > 0)
            return false;
        bool attested = IsOf(change?.Attested, laws) || IsOf(_dates, laws);
        bool isSame = _state.RulesJournaled is { } now && now.Table.Hash == build.Plan!.Table.Hash;
        InForce = new LawsInForce(laws.Hash, Today, isSame ? build with { Plan = _state.RulesJournaled } : build, attested);
        if (!isSame)
            _state.Activate(build.Plan!);
        AwaitAttested();
        NoteChange();
        return true;
    }

    /// <summary>Those due by a point, in the order in which they come into force.</summary>
    private List<ScheduledChange> InOrder(PointKind kind, ulong upTo)
    {
        var due = new List<ScheduledChange>();
        foreach (ScheduledChange change in _book.Schedule)
            if (change.Point.Kind == kind && change.Point.Value <= upTo)
                due.Add(change);
        due.Sort(static (left, right) =>
            left.Point.Value != right.Point.Value ? left.Point.Value.CompareTo(right.Point.Value) : left.Order.CompareTo(right.Order));
        return due;
    }
}
