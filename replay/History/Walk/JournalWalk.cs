using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;

namespace Settlement.History;

internal sealed record WalkOptions
{
    /// <summary>As <see cref="From"/>: only the state at the end is wanted.</summary>
    public const ulong StateOnly = ulong.MaxValue;

    /// <summary>
    /// The first sequence whose outcome is wanted: the newest snapshot before it, and before the end, spares the journal in front of that. 0 or 1: all of them, from
    /// genesis.
    /// </summary>
    public ulong From { get; init; }

    /// <summary>In the place of <see cref="From"/>: the first block that is wanted, whether or not it takes a sequence; null: <see cref="From"/> says it.</summary>
    public ulong? FromBlock { get; init; }

    /// <summary>Folder with files that were cut off the journal; null: none.</summary>
    public string? Archive { get; init; }

    /// <summary>Where to stop.</summary>
    public JournalPoint Until { get; init; } = JournalPoint.End;

    /// <summary>The blocks are to be applied under other rules than the journal's (<see cref="BlockReplay.IsHypothetical"/>).</summary>
    public bool IsHypothetical { get; init; }

    /// <summary>Told how far the reading is; null: nobody.</summary>
    public WalkProgress? Progress { get; init; }
}

/// <summary>
/// A journal read and applied again, a block at a time, without locking it or changing a byte: what every verb that needs verdicts or
/// balances stands on. The journal holds payments, not verdicts; the verdicts follow from applying them.
/// </summary>
/// <remarks>
/// Ids that exceed the memory set aside spill into a temporary folder of the walk's own.
/// Failure assumed: damage and torn tails are the reader's <see cref="End"/>; a sound block that these rules would not have written throws.
/// </remarks>
internal sealed class JournalWalk : IDisposable
{
    private readonly JournalReader _reader;
    private readonly WalkProgress? _progress;
    private readonly JournalPoint _until;
    private readonly ulong _lastSequence;
    private readonly ScratchFolder _scratch;
    private readonly BlockReplay _replay;
    private readonly List<ClosedBatch> _closedNow = [];
    private readonly MovementLog _movedByCommands = new();
    private FasterIdStore? _store;
    private bool _hasState;
    private bool _stopped;

    private JournalWalk(string directory, WalkOptions options)
    {
        (_progress, _until) = (options.Progress, options.Until);
        _lastSequence = _until.Kind switch
        {
            PointKind.Sequence => _until.Value,
            PointKind.Batch => Journals.LastSequenceOf(directory, _until.Value, options.Archive),
            _ => ulong.MaxValue,
        };
        _scratch = new ScratchFolder();
        try
        {
            BlockReplay NewReplay() => new(NewDeduplicator) { IsHypothetical = options.IsHypothetical };
            UInt128 ledgerId = Journals.LedgerIdOf(directory);
            bool mayBeginLater = options.FromBlock is { } block ? block > 0 : options.From > 1;
            BlockReplay? loaded = mayBeginLater
                ? new SnapshotStore(directory).LoadNewest(ledgerId, NewReplay, head => IsBefore(in head, options), _ => { }, out SnapshotHead snapshot)
                : NoSnapshot(out snapshot);
            _replay = loaded ?? NewReplay();
            _reader = loaded is null ? Journals.Open(directory, options.Archive) : JournalReader.OpenBehind(directory, in snapshot);
            _hasState = loaded is not null;
            _replay.Closed = _closedNow.Add;
        }
        catch
        {
            _replay?.Dispose();
            _store?.Dispose();
            _scratch.Dispose();
            throw;
        }
    }

    /// <summary>Opens a journal for reading.</summary>
    /// <exception cref="JournalException">There is none that could be read, or it is of a newer format.</exception>
    /// <exception cref="UsageException">The point to stop at is not in it.</exception>
    public static JournalWalk Open(string directory, WalkOptions options)
    {
        if (!Directory.Exists(directory))
            throw Journals.NoDirectory(directory);
        return new JournalWalk(directory, options);
    }

    public JournalReader Reader => _reader;

    public UInt128 LedgerId => _reader.LedgerId;

    public LedgerState State => _replay.State;

    public BlockReplay Replay => _replay;

    /// <summary>Of the block applied last.</summary>
    public ref readonly BlockHeader Header => ref _reader.Header;

    public ReadOnlySpan<byte> Body => _reader.Body;

    /// <summary>The slots of that block that were applied: payments, or commands with their continuations.</summary>
    public ReadOnlySpan<Payment> Slots => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Payment>(_reader.Body)[.._replay.Outcomes.Length];

    /// <summary>What became of them, parallel to <see cref="Slots"/>.</summary>
    public ReadOnlySpan<Outcome> Outcomes => _replay.Outcomes;

    /// <summary>
    /// What the commands of that block moved, and the holds that expired as it began: a payment under review that is released moves money then. Empty for other
    /// blocks, and where the ledger tells its movements to somebody else.
    /// </summary>
    public ReadOnlySpan<AccountMovement> MovedByCommands => _movedByCommands.All;

    /// <summary>Batches that this block closed, with their roots.</summary>
    public IReadOnlyList<ClosedBatch> ClosedNow => _closedNow;

    /// <summary>How the reading ended; null while it has not, or when it stopped at the point asked for.</summary>
    public JournalEnd? End => _stopped ? null : _reader.End;

    /// <summary>Applies the next block; false at the point asked for, or at the journal's end.</summary>
    /// <exception cref="LedgerBrokenException">The block is sound, but is not what the rules would have written.</exception>
    public bool Next()
    {
        _closedNow.Clear();
        _movedByCommands.Clear();
        if (_stopped || IsReached() || !_reader.Next())
            return false;
        ref readonly BlockHeader header = ref _reader.Header;
        if (_until.Kind == PointKind.Time && header.TimeNs > _until.Value)
        {
            if (header.Kind == BlockKind.Genesis)
                throw new UsageException($"{_until} lies before the journal's beginning, {Engine.Text.TimeText.Format(header.TimeNs)}.");
            _stopped = true;
            return false;
        }

        bool listens = header.Kind == BlockKind.Control && _hasState && State.Movements is null;
        if (listens)
            State.Movements = _movedByCommands;
        _replay.Apply(in header, _reader.Body, _lastSequence);
        if (listens)
            State.Movements = null;
        _hasState = true;
        _progress?.At(_reader.Address, header.FirstSequence + header.Count);
        return true;
    }

    /// <summary>
    /// Whether more has come behind the journal's end or torn tail, which beside a running node is its next block: <see cref="Next"/> is then to be
    /// asked again. Never behind damage, nor at the point asked for. Cheap where nothing came: it may be asked ten times a second.
    /// </summary>
    public bool TryContinue() => !_stopped && _reader.TryContinue();

    /// <summary>Goes on to the point asked for.</summary>
    /// <exception cref="UsageException">The journal ends before it.</exception>
    /// <exception cref="JournalException">The journal is damaged before it.</exception>
    public void ToPoint()
    {
        while (Next())
        {
        }

        if (_reader.End is { Kind: JournalEndKind.Damage } damage)
            throw Journals.Damaged(damage);
        // The last block's own time is in the journal, though no block behind it says so.
        bool isLastTime = _until.Kind == PointKind.Time && _hasState && _until.Value == State.TimeNs;
        if (!_stopped && _until.Kind != PointKind.End && !isLastTime)
            throw new UsageException(
                $"{_until} lies behind the journal's end: its last sequence is {State.Sequence}, its last block of {Engine.Text.TimeText.Format(State.TimeNs)}, its last closed batch {State.Batch.Number - 1}.");
    }

    public void Dispose()
    {
        _progress?.Dispose();
        _replay.Dispose();
        _store?.Dispose();
        _reader.Dispose();
        _scratch.Dispose();
    }

    private bool IsReached()
    {
        if (!_hasState)
            return false;
        _stopped = _until.Kind switch
        {
            PointKind.Sequence => _replay.State.Sequence >= _until.Value,
            PointKind.Batch => _replay.State.Batch.Number > _until.Value,
            _ => false,
        };
        return _stopped;
    }

    /// <summary>
    /// A snapshot's state must be in front of what is wanted and of the end: behind its last sequence, blocks without payments may have let holds expire
    /// already.
    /// </summary>
    private bool IsBefore(in SnapshotHead head, WalkOptions options) =>
        (options.FromBlock is { } block ? head.Block < block : head.Sequence + 1 < options.From) && head.Sequence < _lastSequence && (_until.Kind != PointKind.Time || head.TimeNs <= _until.Value);

    private static BlockReplay? NoSnapshot(out SnapshotHead snapshot)
    {
        snapshot = default;
        return null;
    }

    private Deduplicator NewDeduplicator(Genesis genesis)
    {
        _store?.Dispose();
        _store = new FasterIdStore(_scratch.Path);
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesDefault, _store);
    }
}
