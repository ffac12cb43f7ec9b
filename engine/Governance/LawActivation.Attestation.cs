using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;

namespace Settlement.Engine.Governance;

// What is expected to be built, what the journal says it came to, and the sums that count from then on.
public sealed partial class LawActivation
{
    private static readonly PointKind[] s_kinds = [PointKind.Sequence, PointKind.Time];

    /// <summary>A plan that will be needed.</summary>
    /// <param name="Laws">Its rule set.</param>
    /// <param name="Day">The first day that it is needed for, as far as can be said.</param>
    /// <param name="Change">What brings it about; null: a date, or it is in force already.</param>
    /// <param name="IsInForce">It is.</param>
    private readonly record struct Expectation(LawInputs Laws, int Day, ScheduledChange? Change, bool IsInForce);

    /// <summary>
    /// What will be needed, as far as can be said now: of changes by sequence each with those before it, likewise of those by time; that one of the other
    /// kind comes in between cannot be known, and is built when it has.
    /// </summary>
    private IEnumerable<Expectation> Expected()
    {
        LawInputs? current = null;
        if (InForce is { IsAttested: false } unsaid)
            yield return new Expectation(current = _book.Current(), unsaid.Day, null, true);
        foreach (PointKind kind in s_kinds)
        {
            List<ScheduledChange> coming = InOrder(kind, ulong.MaxValue);
            var draft = coming.Count > 0 ? new LawDraft(_book, _state) : null;
            foreach (ScheduledChange change in coming)
                if (change.ChangesRules && draft!.TryPut(change))
                    yield return new Expectation(draft.ToInputs(), kind == PointKind.Time ? Math.Max(Today, Calendar.DayOf(change.Point.Value)) : Today, change, false);
        }

        if (InForce?.Build.NextChangeDay is { } next && next > Today && next - Today <= GovernanceBounds.DatesAheadDays)
            yield return new Expectation(current ?? _book.Current(), next, null, false);
    }

    private bool IsAttested(in Expectation expected)
    {
        if (expected.IsInForce)
            return false;
        (Digest Laws, int Day, LawBuild Build)? known = expected.Change is { } change ? change.Attested : _dates;
        return known is { } attested && attested.Laws == expected.Laws.Hash && attested.Build.Serves(attested.Day, expected.Day);
    }

    private bool IsOf((Digest Laws, int Day, LawBuild Build)? known, LawInputs laws) =>
        known is { } attested && attested.Laws == laws.Hash && attested.Build.Serves(attested.Day, Today);

    /// <summary>The journal says what the leader built: this machine compares.</summary>
    /// <exception cref="LedgerBrokenException">It has built something else, and one of the two is wrong.</exception>
    internal Verdict Attest(PlanAttestation said, ulong sequence)
    {
        if (Find(said, out bool isKnown) is not { } expected)
            return isKnown ? Verdict.Duplicate : Verdict.InvalidValue;
        LawBuild build = _builder.TakePlan(expected.Laws, expected.Day);
        Digest table = build.Plan?.Table.Hash ?? default;
        if (build.Fault is null != said.IsFine || table != said.Table)
            throw new LedgerBrokenException(
                $"the journal says that rule set {said.Laws} gives {(said.IsFine ? $"table {said.Table}" : "no plan")}; here it gives {build.Fault ?? $"table {table}"}");
        NoteChange();
        if (expected.IsInForce)
        {
            InForce = InForce! with { IsAttested = true };
            return Verdict.Accepted;
        }

        if (expected.Change is not { } change)
            _dates = (expected.Laws.Hash, expected.Day, build); // what cannot be built is tried again on its day, and fails then
        else if ((build.Fault ?? YearsFault(build.Plan!, change)) is { Length: > 0 } fault)
            Drop(change, fault, sequence);
        else
            change.Attested = (expected.Laws.Hash, expected.Day, build);
        AwaitAttested();
        return Verdict.Accepted;
    }

    /// <param name="said">Of a rule set and a day.</param>
    /// <param name="isKnown">The journal has said it before.</param>
    private Expectation? Find(PlanAttestation said, out bool isKnown)
    {
        isKnown = InForce is { IsAttested: true } inForce && inForce.Laws == said.Laws && inForce.Day == said.Day;
        foreach (Expectation expected in Expected())
        {
            if (expected.Laws.Hash != said.Laws || expected.Day != said.Day)
                continue;
            if (!IsAttested(in expected))
                return expected;
            isKnown = true;
        }

        return null;
    }

    /// <summary>What cannot be built does not come into force.</summary>
    private void Drop(ScheduledChange change, string fault, ulong sequence)
    {
        _book.Remove(change);
        if (change.Proposal is not null)
            _book.Fail(change.Proposal, fault, sequence);
        NoteChange();
    }

    /// <summary>
    /// From here on sums count for what is in force and for what is attested. What a date brings may count in other years than what it ends; where there is no room for
    /// both, its years count from its day on.
    /// </summary>
    private void AwaitAttested()
    {
        if (_dates is { } dates && (InForce is null || dates.Laws != InForce.Laws || dates.Day <= InForce.Day))
            _dates = null;
        var plans = new List<RulePlan>();
        foreach (ScheduledChange change in _book.Schedule)
            if (change.Attested?.Build.Plan is { } plan)
                plans.Add(plan);
        if (_dates?.Build.Plan is { } later && YearsFault(later, null, isBesideInForce: true).Length == 0)
            plans.Add(later);
        _state.Await([.. plans]);
    }

    /// <summary>All that counts at one time has room for few years; empty: there is room.</summary>
    /// <param name="plan">To be added, or to take the place of the one in force.</param>
    /// <param name="change">Of this plan: it comes on top of those in force; null: it has none.</param>
    /// <param name="isBesideInForce">Whether it comes on top of those in force; else, without a change, it takes their place.</param>
    private string YearsFault(RulePlan plan, ScheduledChange? change, bool isBesideInForce = false)
    {
        var years = new List<LimitWindow>();
        void Add(RulePlan? counted)
        {
            if (counted is null)
                return;
            foreach (LimitWindow year in counted.YearStarts)
                if (!years.Contains(year))
                    years.Add(year);
        }

        Add(plan);
        if (change is not null || isBesideInForce)
            Add(_state.RulesJournaled);
        foreach (ScheduledChange other in _book.Schedule)
            if (other != change)
                Add(other.Attested?.Build.Plan);
        Add(_dates?.Build.Plan);
        return years.Count <= RuleBounds.YearStartsMax ? ""
            : $"limits in force and to come count in {years.Count} different years: at most {RuleBounds.YearStartsMax} are kept at one time";
    }
}
