using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Replication;

/// <summary>
/// One member's ledger: the state that follows from what its log has committed, in one of two roles. It follows, applying committed blocks, or it leads, and a
/// <see cref="Engine.Pipeline"/> writes new ones. A change of role is a change of the thread that writes the state; the state stays.
/// </summary>
/// <remarks>
/// <code>
///             ┌── Lead(term): all of the log is committed and applied ──▶ leads: the pipeline's stages
///  follows ◀──┤                                                              │
///   (apply)   └───────────────── StepDown() ◀────────────────────────────────┘
/// </code>
/// Invariant: only committed blocks are applied, in either role, because the settle stage waits for <see cref="ReplicaLog.CommittedBlock"/>, too. So nothing is ever taken
/// back: when a leader steps down, its state is that behind its last settled block, and it follows from there.
/// <para>Who leads is decided elsewhere. <see cref="Lead"/> and <see cref="StepDown"/> are called by one thread after the other, never from a stage's thread or from
/// what a publisher is told on one.</para>
/// Failure assumed: a disk, a stage, an invariant. Each stops the replica at once, in either role, and <see cref="Failure"/> says which; it is opened again, as after a crash.
/// </remarks>
public sealed class Replica : IDisposable
{
    /// <summary>How often a wait for the log's end looks whether it is still wanted. The end itself is signalled.</summary>
    private const int LookMs = 20;

    private readonly ReplicaLog _log;
    private readonly OpenedLedger _ledger;
    private readonly DiskSignals _disk;
    private readonly StateQueries _queries = new();
    private readonly SequenceWaits _waits;
    private readonly Progress _progress;
    private readonly SequenceBarrier _appliedBarrier;
    private readonly SnapshotTimer? _snapshots;
    private readonly Lock _role = new();

    // written by: holders of _role
    private StopSignal? _followingStop;
    private StageThread? _following;
    private volatile Pipeline? _pipeline;
    private ulong _term; // that the pipeline leads in
    private bool _disposed;

    private long _steps; // calls of StepDown so far: a Lead that waits gives up
    private ulong _batchTold; // written by: the thread that publishes batches

    private Replica(ReplicaLog log, string directory, OpenedLedger ledger, NodeOptions options, DiskSignals disk, ulong appliedBlock)
    {
        (_log, _ledger, _disk) = (log, ledger, disk);
        _waits = new SequenceWaits(ledger.Replay.State.Sequence);
        _progress = new Progress(disk.Strategy, _waits, appliedBlock, ledger.Replay.State.Sequence);
        _appliedBarrier = new SequenceBarrier(disk.Strategy, disk.Stop, _progress.Blocks);
        _batchTold = ledger.Replay.State.Batch.Number - 1;
        BatchClosed += options.Recovered;
        ledger.Replay.Closed = TellClosed;
        Follow();
        _snapshots = options.Snapshots is { EveryJournalBytes: > 0 } taking
            ? new SnapshotTimer(directory, taking, () => log.EndAddress, ledger.SnapshotEndAddress, options.Warn ?? (_ => { }),
                broken => disk.Stop.Fail("snapshots", broken))
            : null;
    }

    /// <summary>The last block that is applied: all up to it are committed. Any thread.</summary>
    public ulong AppliedBlock => (ulong)_progress.Blocks.Value;

    /// <summary>The last sequence of the blocks that are applied. Any thread.</summary>
    public ulong AppliedSequence => _progress.Sequence;

    public bool IsLeading => _pipeline is not null;

    /// <summary>Whether this member has the key that the ledger's seals are signed with, or the ledger has none.</summary>
    public bool MayLead => !_ledger.LacksSigner;

    /// <summary>What stopped the replica; null while it runs.</summary>
    public EngineStoppedException? Failure => _disk.Stop.Failure;

    /// <summary>Which snapshot the state was taken from; null: none, it begins with genesis.</summary>
    public string? Snapshot => _ledger.Snapshot;

    /// <summary>
    /// Each batch that the blocks applied here close, once, in order, with its root; in either role. On the thread that grows the trees; must not wait. Who must not miss any
    /// gives <see cref="NodeOptions.Recovered"/>, which is called before the first block is applied.
    /// </summary>
    public event Action<ClosedBatch>? BatchClosed;

    /// <summary>Takes the newest usable snapshot's state, or genesis, and follows: blocks behind it are applied as they are known to be committed.</summary>
    /// <param name="log">Open; stays the caller's, who disposes it after this.</param>
    /// <param name="directory">Of its journal.</param>
    /// <param name="options">As for a node that is alone; a member that is never to lead needs no signer.</param>
    /// <param name="disk">With which the log was opened.</param>
    /// <exception cref="JournalException">The journal does not hold what the state begins with.</exception>
    public static Replica Open(ReplicaLog log, string directory, NodeOptions options, DiskSignals disk)
    {
        var ledger = new OpenedLedger(directory, options) { MayLackSigner = true };
        try
        {
            ulong applied = 0;
            if (ledger.Begin(log.LedgerId) is { } head)
            {
                RequireBlockOf(log, in head);
                applied = head.Block;
                // A snapshot is taken of what is committed, so what it is of is.
                log.MarkCommitted(head.Block);
            }
            else
            {
                ApplyGenesis(log, ledger.Replay);
            }

            foreach (string warning in ledger.Warnings)
                options.Warn?.Invoke(warning);
            ledger.BuildAhead(disk.Stop);
            return new Replica(log, directory, ledger, options, disk, applied);
        }
        catch
        {
            ledger.Dispose();
            throw;
        }
    }

    /// <summary>Asks the state as of all that is applied, by whichever thread writes it. Any thread; does not wait.</summary>
    /// <returns>False: too many questions wait, or the replica has stopped; the query is neither answered nor abandoned.</returns>
    public bool TryAsk(IStateQuery query) => _queries.TryAsk(query);

    /// <summary>For readers who have seen a sequence, maybe at another node: waits until it is applied here, too.</summary>
    /// <returns>False: it was not before the time was over, or too many wait, or the replica ends.</returns>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public Task<bool> WaitAppliedAsync(ulong sequence, TimeSpan atMost, CancellationToken token = default) => _waits.WaitAsync(sequence, atMost, token);

    /// <summary>
    /// Waits until all of the log, which must end in the term's own blocks, is committed and applied, then starts the stages on the live state.
    /// </summary>
    /// <param name="term">That was won: its <see cref="BlockKind.Term"/> block is in the log.</param>
    /// <param name="replies">Gets outcomes, and is told when there will be none any more.</param>
    /// <param name="batches">Gets closed batches: first those that wait for their seals, which may have been told by <see cref="BatchClosed"/> before.</param>
    /// <param name="token">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The wait was ended, or the node stepped down meanwhile.</exception>
    /// <exception cref="EngineStoppedException">The replica has stopped.</exception>
    /// <exception cref="JournalException">This member has not the ledger's key.</exception>
    public Pipeline Lead(ulong term, IReplyPublisher replies, IBatchPublisher batches, CancellationToken token = default)
    {
        if (!MayLead)
            throw new JournalException("This member cannot lead: it was not given the private half of the key that signs the ledger's seals.");
        long steps = Volatile.Read(ref _steps);
        while (true)
        {
            ulong last = AwaitApplied(term, steps, token);
            lock (_role)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_pipeline is not null)
                    throw new InvalidOperationException("the replica leads already");
                ThrowIfNotWanted(steps, token);
                if (TryStart(term, last, replies, batches) is { } pipeline)
                    return pipeline;
            }
        }
    }

    /// <summary>
    /// Ends the stages and follows again. When it returns, nothing is appended any more; what was settled is told, and nothing else will be. Where the replica follows,
    /// a <see cref="Lead"/> that waits gives up.
    /// </summary>
    /// <remarks>Waits for the block that is being settled, and for the reply thread's call of its publisher.</remarks>
    public void StepDown()
    {
        Interlocked.Increment(ref _steps);
        lock (_role)
        {
            if (_pipeline is not { } pipeline)
                return;
            _log.EndLeading();
            try
            {
                pipeline.StepDown();
            }
            catch (Exception fault)
            {
                // The state is written by nobody any more, and the replica does not follow: Failure says why.
                _disk.Stop.Fail("step down", fault);
            }

            _pipeline = null;
            if (!_disposed && Failure is null)
                Follow();
        }
    }

    /// <summary>
    /// Appends a block of the consensus library's own, in whichever role: while stages run, their journal thread does it. The block stands in the log when the task is done;
    /// it is committed as any other.
    /// </summary>
    /// <param name="kind"><see cref="BlockKind.Term"/> or <see cref="BlockKind.Members"/>.</param>
    /// <param name="term">Of its leader.</param>
    /// <param name="body">Must not change until the task is done.</param>
    /// <returns>Its number. It fails with <see cref="NotLeadingException"/> or <see cref="EngineStoppedException"/> where the block is not appended.</returns>
    public Task<ulong> AppendMarkAsync(BlockKind kind, ulong term, ReadOnlyMemory<byte> body)
    {
        lock (_role)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_pipeline is not { } pipeline)
                return Task.FromResult(_log.AppendMark(kind, term, body.Span));
            return term == _term ? pipeline.Marks.Add(kind, body) : Task.FromException<ulong>(new NotLeadingException());
        }
    }

    /// <summary>Ends the role. The log stays open.</summary>
    public void Dispose()
    {
        lock (_role)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        _snapshots?.Dispose();
        StepDown();
        lock (_role)
        {
            EndFollowing();
            _disk.Stop.Stop();
            _queries.Close();
            _waits.Close();
            _ledger.Dispose();
        }
    }

    private static void ApplyGenesis(ReplicaLog log, BlockReplay replay)
    {
        byte[] bytes = [];
        int length = log.FirstBlock == 0 ? log.Read(0, ref bytes) : -1;
        if (length < BlockHeader.Size)
            throw new JournalException(
                $"The journal begins at block {log.FirstBlock}, and there is no usable snapshot from which the state could be taken. Restore one from a backup, or let the node begin anew from another member.");
        replay.Apply(System.Runtime.InteropServices.MemoryMarshal.Read<BlockHeader>(bytes), bytes.AsSpan(BlockHeader.Size, length - BlockHeader.Size));
    }

    /// <summary>The log must hold the very block that the snapshot is of: it was verified from the newest on, and this may be an older one.</summary>
    private static void RequireBlockOf(ReplicaLog log, in SnapshotHead head)
    {
        byte[] bytes = [];
        int length = log.Read(head.Block, ref bytes);
        using var seal = new BlockSeal();
        if (length < BlockHeader.Size
            || seal.DigestOf(System.Runtime.InteropServices.MemoryMarshal.Read<BlockHeader>(bytes), bytes.AsSpan(BlockHeader.Size, length - BlockHeader.Size), default) != head.Previous)
        {
            throw new JournalException(
                $"The journal does not hold block {head.Block} as the snapshot of it says: it is not the journal of that snapshot. Nothing was changed. Restore the journal, or let the node begin anew from another member.");
        }
    }

    private void Follow()
    {
        _followingStop = new StopSignal(_disk.Stop);
        var committed = new SequenceBarrier(_disk.Strategy, _followingStop, _disk.DurableBlocks);
        var following = new Following(_log, _ledger.Replay, committed, _queries, _followingStop, _progress, AppliedBlock);
        _following = new StageThread("apply", _followingStop, following.Run);
        _following.Start();
    }

    private void EndFollowing()
    {
        if (_following is null)
            return;
        _followingStop!.Stop();
        _following.Join();
        _followingStop.Leave();
        _following = null;
    }

    /// <returns>The log's last block, which is applied.</returns>
    private ulong AwaitApplied(ulong term, long steps, CancellationToken token)
    {
        try
        {
            while (true)
            {
                ThrowIfNotWanted(steps, token);
                ulong last = _log.LastBlock;
                if (_log.LastTerm != term)
                    throw new InvalidOperationException($"the log ends in term {_log.LastTerm}: term {term} is led when a block of it is there");
                if (_appliedBarrier.TryWaitFor((long)last, LookMs, out _) && _log.LastBlock == last)
                    return last;
            }
        }
        catch (AlertException)
        {
            throw _disk.Stop.ToException();
        }
    }

    private void ThrowIfNotWanted(long steps, CancellationToken token)
    {
        token.ThrowIfCancellationRequested();
        if (Volatile.Read(ref _steps) != steps)
            throw new OperationCanceledException("the node stepped down before it led");
    }

    /// <returns>Null: the log has grown meanwhile.</returns>
    private Pipeline? TryStart(ulong term, ulong last, IReplyPublisher replies, IBatchPublisher batches)
    {
        _log.BeginLeading(term); // from here on nobody else appends
        try
        {
            if (_log.LastBlock != last)
            {
                _log.EndLeading();
                return null;
            }

            EndFollowing();
            _disk.Stop.ThrowIfFailed();
            if (AppliedBlock != last || _log.CommittedBlock < last)
                throw new LedgerBrokenException($"block {AppliedBlock} is applied and block {_log.CommittedBlock} committed, where the log ends with block {last}");
            _term = term;
            _pipeline = _ledger.StartStages(_log, _disk.Part(), _queries, _progress, replies, new ToldBatches(this, batches));
            return _pipeline;
        }
        catch (Exception fault)
        {
            _log.EndLeading();
            _disk.Stop.Fail("lead", fault); // the state may be anything: it is opened again
            throw;
        }
    }

    private void TellClosed(ClosedBatch batch)
    {
        if (batch.Number <= _batchTold)
            return; // told by the role before; it waits for its seal
        _batchTold = batch.Number;
        BatchClosed?.Invoke(batch);
    }

    private sealed class ToldBatches(Replica replica, IBatchPublisher inner) : IBatchPublisher
    {
        public void OnClosed(ClosedBatch batch)
        {
            replica.TellClosed(batch);
            inner.OnClosed(batch);
        }
    }

    /// <summary>How far the state is; moved by the thread that writes it.</summary>
    private sealed class Progress(WaitStrategy strategy, SequenceWaits waits, ulong block, ulong sequence) : IAppliedWatch
    {
        private ulong _sequence = sequence;

        public Sequence Blocks { get; } = new((long)block);

        public ulong Sequence => Volatile.Read(ref _sequence);

        public void OnApplied(ulong block, ulong sequence)
        {
            Volatile.Write(ref _sequence, sequence);
            Blocks.Set((long)block);
            strategy.SignalAllWhenBlocking();
            waits.Reached(sequence);
        }
    }
}
