using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Rules;
using Settlement.Replay.Common;
using Settlement.Replay.State;

namespace Settlement.Replay.WhatIf;

/// <summary>
/// The same blocks applied twice, side by side: under the rules that the journal activates, and under others. Money follows: what does not pass moves nothing.
/// </summary>
/// <remarks>
/// The hypothetical ledger has every block, time and command of the actual one; only what the journal activates as rules does not come into force. Its batches
/// close where its own accepted payments reach the cut-offs. Memory: two ledgers.
/// </remarks>
internal sealed class WhatIfRun : IDisposable
{
    private readonly string _directory;
    private readonly JournalWalk _actual;
    private readonly JournalWalk _hypothetical;
    private readonly PartiesWatch _actualParties;
    private readonly PartiesWatch _hypotheticalParties;

    /// <param name="directory">The journal's.</param>
    /// <param name="from">From where on the other rules are in force.</param>
    /// <param name="until">Where both stop.</param>
    /// <param name="progress">Told how far the reading is.</param>
    public WhatIfRun(string directory, RangeStart from, JournalPoint until, WalkProgress? progress)
    {
        _directory = directory;
        // Of a hypothesis the journal knows no batches: both stop at the sequence.
        if (until.Kind == PointKind.Batch)
            until = JournalPoint.AtSequence(Journals.LastSequenceOf(directory, until.Value));
        var options = new WalkOptions { From = from.Sequence, Until = until };
        _actual = JournalWalk.Open(directory, options with { Progress = progress });
        _hypothetical = JournalWalk.Open(directory, options with { IsHypothetical = true });
        _actual.Replay.Watch = _actualParties = new PartiesWatch(_actual.Replay);
        _hypothetical.Replay.Watch = _hypotheticalParties = new PartiesWatch(_hypothetical.Replay) { ImposedFrom = from };
    }

    public LedgerState Actual => _actual.State;

    public LedgerState Hypothetical => _hypothetical.State;

    /// <summary>Where the walk begins, if not at the genesis block.</summary>
    public LedgerState? Start => _actual.Replay.HasState ? Actual : null;

    /// <summary>Applies both to the end.</summary>
    /// <param name="plan">The other rules; null: every corridor is open.</param>
    /// <param name="newTally">Made when there are states.</param>
    /// <param name="flipped">Told each flip.</param>
    public FlipTally Run(RulePlan? plan, Func<LedgerState, FlipTally> newTally, Action<Flip> flipped)
    {
        _hypotheticalParties.Plan = plan;
        FlipTally? tally = null;
        FlipJudge? judge = null;
        while (_actual.Next() && _hypothetical.Next())
        {
            tally ??= newTally(Actual);
            judge ??= new FlipJudge(Actual, Hypothetical);
            if (_actual.Header.Kind == BlockKind.Control)
                CompareCommands(tally);
            else if (_actual.Header.Kind == BlockKind.Payments)
                ComparePayments(tally, judge, flipped);
        }

        StateCommand.GoTo(_actual, _directory);
        tally ??= newTally(Actual);
        tally.End();
        return tally;
    }

    public void Dispose()
    {
        _actual.Dispose();
        _hypothetical.Dispose();
    }

    private void ComparePayments(FlipTally tally, FlipJudge judge, Action<Flip> flipped)
    {
        ReadOnlySpan<Payment> slots = _actual.Slots;
        ReadOnlySpan<Outcome> were = _actual.Outcomes, would = _hypothetical.Outcomes;
        for (int i = 0; i < slots.Length; i++)
        {
            ulong sequence = _actual.Header.FirstSequence + (ulong)i;
            if (were[i].Verdict == would[i].Verdict)
            {
                tally.OtherRuleCount += were[i].Rule != would[i].Rule ? 1 : 0;
                if (were[i].Verdict == Verdict.Accepted && PartiesWatch.IsTargeted(slots[i].Instruction))
                    tally.AddTargets(in slots[i], _actualParties.Of(in slots[i], sequence), _hypotheticalParties.Of(in slots[i], sequence), were[i].Batch);
                continue;
            }

            // Of the ledger that accepts it: the same id may name another payment in the other one.
            (PartiesWatch mover, PartiesWatch other) = would[i].Verdict == Verdict.Accepted ? (_hypotheticalParties, _actualParties) : (_actualParties, _hypotheticalParties);
            Parties parties = mover.Of(in slots[i], sequence);
            if (parties == default)
                parties = other.Of(in slots[i], sequence);
            var flip = new Flip
            {
                Sequence = sequence,
                TimeNs = _actual.Header.TimeNs,
                Payment = slots[i],
                Parties = parties,
                Actual = were[i],
                Hypothetical = would[i],
                Cause = judge.CauseOf(in slots[i], parties, in were[i], in would[i]),
            };
            tally.Add(in flip);
            flipped(flip);
        }
    }

    /// <summary>A command may depend on money: a wallet that is empty may close, a batch that is closed may be reported settled.</summary>
    private void CompareCommands(FlipTally tally)
    {
        tally.AddReleases(_actual.MovedByCommands, _hypothetical.MovedByCommands, Hypothetical);
        ReadOnlySpan<ControlCommand> commands = MemoryMarshal.Cast<Payment, ControlCommand>(_actual.Slots);
        for (int i = 0; i < commands.Length; i += 1 + commands[i].ContinuationSlots)
        {
            (Verdict was, Verdict would) = (_actual.Outcomes[i].Verdict, _hypothetical.Outcomes[i].Verdict);
            if (was == would)
                continue;
            var key = (commands[i].Instruction, was, would);
            tally.Commands[key] = tally.Commands.GetValueOrDefault(key) + 1;
        }
    }
}
