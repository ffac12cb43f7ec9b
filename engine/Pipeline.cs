using System.Runtime.CompilerServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;

namespace Settlement.Engine;

/// <summary>What may change speed, never verdicts.</summary>
public sealed record PipelineOptions
{
    /// <summary>Slots of the ring, a power of two: at least two blocks. 65,536 slots are 4 MiB.</summary>
    public int RingSlots { get; init; } = 65_536;

    public WaitStrategyKind WaitStrategy { get; init; } = WaitStrategyKind.Phased;

    public BlockClock Clock { get; init; } = BlockClock.System;

    /// <summary>Reads and compiles laws; null: the language's. A test's may fail.</summary>
    public ILawCompiler? Compiler { get; init; }
}

/// <summary>How far a running pipeline is: for operators, never for verdicts.</summary>
public readonly record struct PipelineProgress
{
    public int RingSlots { get; init; }

    /// <summary>Slots claimed and not yet free again.</summary>
    public long RingUsed { get; init; }

    /// <summary>Slots decided since the node was opened.</summary>
    public long SlotsSettled { get; init; }

    /// <summary>Ledger sequence of the last slot decided.</summary>
    public ulong Sequence { get; init; }

    /// <summary>Number of the last block appended, of the last one on disk, and of the last one applied.</summary>
    public ulong LastBlock { get; init; }

    public ulong DurableBlock { get; init; }

    public ulong SettledBlock { get; init; }

    /// <summary>The last batch whose root was published.</summary>
    public ulong BatchPublished { get; init; }
}

/// <summary>
/// The map of the engine: every stage, in the order a payment passes them, and what each waits for. Made by <see cref="Node"/>
/// once the journal is recovered, or by a <see cref="Replication.Replica"/> when it begins to lead.
/// </summary>
/// <remarks>
/// <code>
///   producers ─▶ ring ─▶ [1] journal ─▶ (disk) ─▶ [3] settle ─┬▶ [3e] tree  ─┬▶ free again
///                                                             └▶ [4]  reply ─┘
/// </code>
/// Stage 2, replication, stands beside the disk: where a replica leads, its journal calls a block durable when it is committed, that is flushed here and on a quorum, and
/// so both gate what follows.
/// </remarks>
public sealed class Pipeline : IDisposable
{
    /// <summary>The tag beside slots that the node itself puts into the ring: nobody waits for their outcome.</summary>
    public const ulong OwnTag = 0;

    private readonly StopSignal _stop;
    private readonly RingBuffer<MultiProducerSequencer> _ring;
    private readonly ulong[] _tags;
    private readonly EvidenceMemory _evidence;
    private readonly IJournal _journal;
    private readonly LedgerState _state;
    private readonly ulong _firstSequence;
    private readonly StateQueries _queries;
    private readonly JournalStage _journalStage;
    private readonly SettleStage _settleStage;
    private readonly TreeStage _treeStage;
    private readonly ReplyStage _replyStage;
    private readonly PlanAttestor _attestor;
    private readonly PlanBuilder _plans;
    private readonly StageThread[] _threads;

    /// <param name="journal">Open at its end, all of which is durable.</param>
    /// <param name="disk">What the journal calls.</param>
    /// <param name="state">The ledger as of the journal's last block.</param>
    /// <param name="settler">Of that state.</param>
    /// <param name="trees">Grown as far as the journal goes; batches that it closes and does not seal are sealed and published first.</param>
    /// <param name="signing">Signs seals; null: they are not signed.</param>
    /// <param name="plans">Builds rule plans; stays the caller's.</param>
    /// <param name="queries">Questions to the state, asked before or to come.</param>
    /// <param name="applied">Told how far the state is; null: nobody asks.</param>
    /// <param name="replies">Gets outcomes.</param>
    /// <param name="batches">Gets closed batches.</param>
    /// <param name="options">Memory and threads.</param>
    internal Pipeline(
        IJournal journal, DiskSignals disk, LedgerState state, Settler settler, BatchTrees trees, SealSigning? signing, PlanBuilder plans,
        StateQueries queries, IAppliedWatch? applied, IReplyPublisher replies, IBatchPublisher batches, PipelineOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.RingSlots, 2 * Limits.BlockSlotsMax);
        _journal = journal;
        _state = state;
        _queries = queries;
        _plans = plans;
        _stop = disk.Stop;
        WaitStrategy strategy = disk.Strategy;
        _ring = new RingBuffer<MultiProducerSequencer>(options.RingSlots, strategy, _stop);
        _tags = new ulong[options.RingSlots];
        _evidence = new EvidenceMemory(options.RingSlots, _stop);
        var outcomes = new Outcome[options.RingSlots];
        var blocks = new SealedBlocks();
        long nextBlock = (long)journal.LastBlock + 1;
        ulong firstSequence = _firstSequence = state.Sequence + 1;

        // [1] Journal: seals blocks, appends them; the disk's thread says what is durable.
        var durable = new SequenceBarrier(strategy, _stop, disk.DurableBlocks);
        var settledBlocks = new Sequence(nextBlock - 1);
        _journalStage = new JournalStage(_ring, journal, options.Clock, blocks, _evidence, firstSequence, state.TimeNs != 0, durable,
            new SequenceBarrier(strategy, _stop, settledBlocks))
        {
            AgeDueNs = state.Batch.DueNs ?? 0,
        };

        // [3] Settle: one thread, whole blocks, once they are durable; between them it answers questions, for which it is woken at a barrier of its own.
        _settleStage = new SettleStage(_ring, outcomes, settler, state, trees, _journalStage, blocks,
            new SequenceBarrier(strategy, _stop, disk.DurableBlocks), settledBlocks, _queries, strategy, _stop, applied, nextBlock);

        // [3e] Tree and [4] Reply: behind the settle thread, side by side; a slot is free again when both are past it.
        _treeStage = new TreeStage(_ring, outcomes, trees, signing, _journalStage, batches,
            _ring.NewBarrier(_settleStage.Settled), strategy, firstSequence);
        _replyStage = new ReplyStage(_ring, outcomes, _tags, replies, _ring.NewBarrier(_settleStage.Settled), strategy, firstSequence);
        _ring.SetGatingSequences(_treeStage.Grown, _replyStage.Replied);

        // Beside them: rule plans are built ahead, and what they came to is journaled; the node is a producer as any other.
        _attestor = new PlanAttestor(_ring, _tags, _ring.NewBarrier(_settleStage.Settled), _stop);
        _plans.TellBuilt(_attestor.Add);
        state.Laws.ForeseeAnew();

        _threads =
        [
            new StageThread("journal", _stop, _journalStage.Run),
            new StageThread("settle", _stop, _settleStage.Run),
            new StageThread("tree", _stop, _treeStage.Run),
            new StageThread("reply", _stop, _replyStage.Run),
            new StageThread("attest", _stop, _attestor.Run),
        ];
        foreach (StageThread thread in _threads)
            thread.Start();
    }

    /// <summary>Takes so many slots, contiguous; waits while the ring is full. They must be published.</summary>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public long Claim(int count) => _ring.Claim(count);

    /// <summary>As <see cref="Claim"/>, without waiting.</summary>
    /// <returns>False: there is no room now.</returns>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public bool TryClaim(int count, out long first) => _ring.TryClaim(count, out first);

    /// <summary>Asks the state as of all that is settled. Any thread; does not wait.</summary>
    /// <returns>False: too many questions wait, or the engine has stopped; the query is neither answered nor abandoned.</returns>
    public bool TryAsk(IStateQuery query) => _queries.TryAsk(query);

    /// <summary>How far the stages are. Any thread; each number is whole, and all of about one moment.</summary>
    public PipelineProgress Progress
    {
        get
        {
            long settled = _settleStage.Settled.Value;
            return new PipelineProgress
            {
                RingSlots = _ring.Capacity,
                RingUsed = Math.Clamp(_ring.Cursor - _ring.Gating(), 0, _ring.Capacity),
                SlotsSettled = settled + 1,
                Sequence = _firstSequence + (ulong)(settled + 1) - 1,
                LastBlock = _journal.LastBlock,
                DurableBlock = _journal.DurableBlock,
                SettledBlock = (ulong)_settleStage.SettledBlocks.Value,
                BatchPublished = _treeStage.LastPublished,
            };
        }
    }

    /// <summary>What stopped the engine; null while it runs.</summary>
    public EngineStoppedException? Failure => _stop.Failure;

    /// <summary>Claimed slots from a ring sequence on, as many as there are before the wrap, with the tag that comes back beside each outcome.</summary>
    public Span<Payment> Slots(long first, int count, out Span<ulong> tags)
    {
        Span<Payment> slots = _ring.Slots(first, count);
        tags = _tags.AsSpan(_ring.IndexOf(first), slots.Length);
        return slots;
    }

    /// <summary>Shows claimed slots to the stages.</summary>
    /// <exception cref="ArgumentException">
    /// A command's continuation runs past the claim, and would swallow what others claimed behind it. The slots are taken all the same, emptied:
    /// they are answered <see cref="Verdict.Malformed"/>, or <see cref="Verdict.UnknownSession"/>.
    /// </exception>
    public void Publish(long first, int count)
    {
        bool parted = false;
        for (int i = 0; i < count && !parted;)
        {
            ref Payment slot = ref _ring[first + i];
            i += slot.Instruction.IsControl() ? 1 + Unsafe.As<Payment, ControlCommand>(ref slot).ContinuationSlots : 1;
            parted = i > count;
        }

        for (int i = 0; parted && i < count; i++)
            _ring[first + i] = default;
        _ring.Publish(first, first + count - 1);
        if (parted)
            throw new ArgumentException("a control command's continuation does not end within its claim", nameof(count));
    }

    /// <summary>
    /// Shows claimed slots to the stages, with what payers gave beside them. The evidence is copied, is journaled with its payments, and is taken at its word: it must be verified
    /// already. The slots are payments, at most a block of them, and stay together. Waits where evidence of other claims fills the memory that is set aside for it.
    /// </summary>
    /// <param name="first">The claim.</param>
    /// <param name="count">All of its slots.</param>
    /// <param name="evidence">As <see cref="EvidenceReader"/> reads it: indices from the claim's first slot, ascending; at most <see cref="Limits.AttachmentBytesMax"/>. Of a stream the link of its highest number is enough.</param>
    /// <exception cref="ArgumentException">The evidence is none; the slots are shown without it.</exception>
    /// <exception cref="EngineStoppedException">A stage failed, or the engine was stopped.</exception>
    public void Publish(long first, int count, ReadOnlySpan<byte> evidence)
    {
        string? fault = null;
        if (!evidence.IsEmpty && (fault = FaultOf(first, count, evidence)) is null)
            _evidence.Put(first, count, evidence);
        Publish(first, count);
        if (fault is not null)
            throw new ArgumentException(fault, nameof(evidence));
    }

    private string? FaultOf(long first, int count, ReadOnlySpan<byte> evidence)
    {
        if (count > Limits.BlockSlotsMax || evidence.Length > Limits.AttachmentBytesMax)
            return $"{count} payments with {evidence.Length} bytes of evidence do not fit a block";
        for (int i = 0; i < count; i++)
        {
            if (_ring[first + i].Instruction.IsControl())
                return "a claim with evidence holds payments and nothing else";
        }

        return EvidenceReader.FaultOf(evidence, count);
    }

    /// <summary>
    /// Waits until everything published is settled and answered, and every closed batch is published and its seal durable. For when all
    /// producers are done.
    /// </summary>
    /// <exception cref="EngineStoppedException">A stage failed.</exception>
    public void Drain()
    {
        bool wereIdle;
        do
        {
            wereIdle = ArePlansIdle;
            DrainRing();
            if (!wereIdle)
                Thread.Sleep(1);
        }
        while (!wereIdle || !ArePlansIdle);
    }

    /// <summary>Nothing that could still be journaled is being built.</summary>
    private bool ArePlansIdle => _plans.IsIdle && _attestor.IsIdle;

    private void DrainRing()
    {
        _ring.Drain();
        while (_treeStage.LastPublished < _state.Batch.Number - 1
            || _journalStage.SealsAppended < _treeStage.PublishedCount
            || _settleStage.SettledBlocks.Value < (long)_journal.LastBlock)
        {
            _stop.ThrowIfFailed();
            Thread.Sleep(1); // nothing waits for this thread, and what it waits for has no sequence of its own
        }

        _stop.ThrowIfFailed();
    }

    /// <summary>Ends the stages where they are, without waiting for them: no claim succeeds any more, and no producer waits.</summary>
    public void Stop() => _stop.Stop();

    /// <summary>Blocks of the consensus library's that come while the stages run.</summary>
    internal JournalMarks Marks => _journalStage.Marks;

    /// <summary>
    /// Ends the stages, with the state, the trees and the batches that are not sealed exactly behind the last settled block: somebody else can go on from there. What is
    /// settled is told; everything else that was published is not, and the publisher of replies is told so. The memory of the ring is left to the collector, since
    /// producers may still be writing into what they have claimed.
    /// </summary>
    /// <remarks>
    /// Why the state can be used: the settle thread ends only where it waits for a block, the tree's only where it waits for slots; the slots between the two are still in
    /// the ring, since a slot is free only behind both, and are grown here.
    /// </remarks>
    /// <exception cref="EngineStoppedException">A stage failed, now or before: the state is not to be used.</exception>
    internal void StepDown()
    {
        EndStages();
        _stop.ThrowIfFailed();
        long settled = _settleStage.Settled.Value;
        _treeStage.Finish(settled);
        _replyStage.Finish(settled);
        _stop.Leave();
    }

    public void Dispose()
    {
        EndStages();
        _ring.Dispose();
    }

    private void EndStages()
    {
        Stop();
        _attestor.Wake();
        foreach (StageThread thread in _threads)
            thread.Join();
        _plans.TellBuilt(null);
    }
}
