using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

/// <summary>
/// Stage 3 of the pipeline: applies blocks to the ledger's state, on one thread, without clock, disk or network. The same code
/// serves the live node, recovery, replay and tests: <c>Apply(block) → outcomes</c>.
/// </summary>
/// <remarks>Live, a payments block may lie in two pieces of the ring: <see cref="Begin(in BlockHeader)"/>, one or two <see cref="ApplyPart"/>, <see cref="End"/>. Commands come in one piece.</remarks>
public sealed class Settler
{
    private readonly LedgerState _state;
    private readonly PaymentColumns _columns = new();
    private readonly PaymentPasses _passes;
    private readonly PaymentApply _apply;
    private readonly ControlApply _control;
    private readonly ConsentLaw _consent;
    private BlockKind _kind;
    private bool _mustAcceptTime;

    /// <param name="state">Written by the thread that calls this object, and no other.</param>
    public Settler(LedgerState state)
    {
        _state = state;
        _consent = new ConsentLaw(state);
        var law = new PaymentLaw(state, _consent);
        _passes = new PaymentPasses(state, law, _consent);
        _apply = new PaymentApply(state, law, _consent);
        Reviews = new ReviewApply(state, law, _apply);
        _control = new ControlApply(state, Reviews);
    }

    /// <summary>Decides about payments under review, between payments blocks.</summary>
    internal ReviewApply Reviews { get; }

    /// <summary>Applies a whole block: for recovery, replay, tests.</summary>
    /// <param name="header">The block's header; those of kinds that are not applied change nothing.</param>
    /// <param name="slots">Its payments or control slots.</param>
    /// <param name="outcomes">One a slot.</param>
    /// <exception cref="LedgerBrokenException">The block does not follow on the last one, or money appeared or vanished.</exception>
    public void Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, Span<Outcome> outcomes) => Apply(in header, slots, default, outcomes);

    /// <param name="header">The block's header.</param>
    /// <param name="slots">Its payments or control slots.</param>
    /// <param name="attachment">Its evidence; empty: none.</param>
    /// <param name="outcomes">One a slot.</param>
    /// <inheritdoc cref="Apply(in BlockHeader, ReadOnlySpan{Payment}, Span{Outcome})"/>
    public void Apply(in BlockHeader header, ReadOnlySpan<Payment> slots, ReadOnlySpan<byte> attachment, Span<Outcome> outcomes)
    {
        Begin(in header, attachment, slots);
        ApplyPart(slots, outcomes);
        End(in header);
    }

    /// <summary>Takes the block's time: expiry, id floors, and a close by age come before its first slot. The block has no evidence.</summary>
    public void Begin(in BlockHeader header) => Begin(in header, default, default);

    /// <summary>The same for a block with evidence, which is about all of its payments: they are seen here, and applied then.</summary>
    /// <param name="header">The block's header.</param>
    /// <param name="attachment">Its evidence; empty: none, and slots are not looked at.</param>
    /// <param name="slots">All its slots, or those before the end of the ring.</param>
    /// <param name="wrapped">The others.</param>
    /// <exception cref="LedgerBrokenException">The block does not follow on the last one, or its attachment is no evidence about its payments.</exception>
    public void Begin(in BlockHeader header, ReadOnlySpan<byte> attachment, ReadOnlySpan<Payment> slots, ReadOnlySpan<Payment> wrapped = default)
    {
        _kind = header.Kind;
        if (header.FirstSequence != _state.Sequence + 1)
            throw new LedgerBrokenException($"block {header.Number} begins at sequence {header.FirstSequence}; {_state.Sequence + 1} comes next");
        if (!header.Kind.IsApplied())
            return;
        if (header.TimeNs < _state.TimeNs)
            throw new LedgerBrokenException($"block {header.Number} goes back in time, from {_state.TimeNs} to {header.TimeNs} ns");
        _mustAcceptTime = _state.TimeNs != 0 && header.TimeNs - _state.TimeNs > Limits.TimeStepMaxNs;
        if (_mustAcceptTime && header.Kind != BlockKind.Control)
            ThrowTimeStepNotAccepted(header.Number);
        _state.TimeNs = header.TimeNs;
        while (_state.Targets.NextExpired(header.TimeNs) is var target and not 0)
            Expire(target);
        _state.Ids.BeginBlock(header.TimeNs, header.FirstSequence);
        if (_state.Batch.IsOver(header.TimeNs))
            _state.Batch.Close(_state.Sequence);
        _state.Laws.AtTime();
        _consent.Begin(in header, attachment, slots, wrapped);
    }

    public void ApplyPart(ReadOnlySpan<Payment> slots, Span<Outcome> outcomes)
    {
        if (_mustAcceptTime && slots.Length > 0)
        {
            if (slots[0].Instruction != Instruction.AcceptTime)
                ThrowTimeStepNotAccepted(_state.Sequence + 1);
            _mustAcceptTime = false;
        }

        if (_kind == BlockKind.Control)
            _control.Apply(MemoryMarshal.Cast<Payment, ControlCommand>(slots), _state.Sequence + 1, outcomes);
        else
            ApplyPayments(slots, outcomes);
        _state.Sequence += (ulong)slots.Length;
    }

    /// <summary>Checks that the block kept every currency's money together.</summary>
    public void End(in BlockHeader header)
    {
        if (header.FirstSequence + header.Count != _state.Sequence + 1)
            throw new LedgerBrokenException($"block {header.Number} states {header.Count} slots, {_state.Sequence + 1 - header.FirstSequence} were applied");
        for (int index = 1; index <= _state.Currencies.Count; index++)
        {
            if (_state.Currencies[index].BlockDrift != 0)
                ThrowMoneyAppearedOrVanished(header.Number, index);
        }

        _state.Laws.Foresee();
    }

    /// <summary>The state and what awaits a quorum. Between blocks.</summary>
    public void Save(SnapshotWriter writer)
    {
        _state.Save(writer);
        _control.Save(writer);
    }

    /// <summary>Into the empty state of the same genesis.</summary>
    /// <exception cref="SnapshotException">The snapshot holds what this ledger cannot.</exception>
    public void Load(SnapshotReader reader)
    {
        _state.Load(reader);
        _control.Load(reader);
    }

    private void ApplyPayments(ReadOnlySpan<Payment> payments, Span<Outcome> outcomes)
    {
        for (int start = 0, count; start < payments.Length; start += count)
        {
            ulong sequence = _state.Sequence + 1 + (ulong)start;
            _state.Laws.AtSequence(sequence);
            // What comes into force inside the chunk begins a chunk of its own.
            ulong before = _state.Laws.NextSequence - sequence;
            count = (int)Math.Min(before, (ulong)Math.Min(Limits.ChunkPayments, payments.Length - start));
            ReadOnlySpan<Payment> chunk = payments.Slice(start, count);
            _passes.Judge(chunk, sequence, _columns);
            _apply.Apply(chunk, sequence, _columns, outcomes.Slice(start, count));
        }
    }

    private void Expire(int target)
    {
        if (_state.Targets[target].Kind is TargetKind.Hold or TargetKind.Review)
            _apply.ReleaseHold(target, _state.Sequence + 1);
        else
            _state.Targets.Remove(target);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowTimeStepNotAccepted(ulong place) =>
        throw new LedgerBrokenException($"at {place}: time steps forward by more than an hour, and no command accepts it");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowMoneyAppearedOrVanished(ulong block, int index) =>
        throw new LedgerBrokenException(
            $"block {block}: {(long)_state.Currencies[index].BlockDrift} units of currency {_state.Currencies[index].Number} appeared or vanished");
}
