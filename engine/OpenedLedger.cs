using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine;

/// <summary>
/// A ledger's state as it is opened, on a node that is alone or a replica: from the newest usable snapshot, and the blocks behind it; with all that the live stages need
/// besides: the signer of seals, the builder of rule plans.
/// </summary>
/// <remarks>Only while the journal's lock is held: the store of spilled ids is wiped and made again.</remarks>
internal sealed class OpenedLedger : IJournalRecovery, IDisposable
{
    private readonly string _directory;
    private readonly NodeOptions _options;
    private readonly List<string> _warnings = [];
    private FasterIdStore? _store;
    private PlanBuilder? _plans;

    public OpenedLedger(string directory, NodeOptions options)
    {
        (_directory, _options) = (directory, options);
        Replay = NewReplay();
    }

    /// <summary>Of a ledger that has a key.</summary>
    public ISealSigner? Signer { get; private set; }

    /// <summary>Whether the ledger has a key and this node was not given its private half: it can follow, and cannot seal.</summary>
    public bool LacksSigner { get; private set; }

    public BlockReplay Replay { get; private set; }

    /// <summary>Which snapshot the state was taken from; null: none.</summary>
    public string? Snapshot { get; private set; }

    public long SnapshotEndAddress { get; private set; }

    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>A node that does not seal need not have the key.</summary>
    public bool MayLackSigner { get; init; }

    public SnapshotHead? Begin(UInt128 ledgerId)
    {
        BlockReplay? loaded = new SnapshotStore(_directory).LoadNewest(ledgerId, NewReplay, null, _warnings.Add, out SnapshotHead head);
        if (loaded is null)
            return null;
        Replay = loaded;
        Snapshot = $"block {head.Block}, sequence {head.Sequence}";
        SnapshotEndAddress = head.EndAddress;
        return head;
    }

    public void Read(JournalReader reader)
    {
        Replay.Closed = _options.Recovered;
        new ReplayPipeline(Replay).Run(reader);
    }

    /// <exception cref="JournalException">There is none, or it is of another key.</exception>
    public void FindSigner(in Genesis genesis)
    {
        if (Signer is not null || LacksSigner)
            return;
        LacksSigner = MayLackSigner && _options.Signer is null && !genesis.NodeKey.IsNone;
        if (!LacksSigner)
            Signer = _options.SignerOf(in genesis);
    }

    /// <summary>From here on rule plans are built ahead, on a thread of their own. Once, when the state is there.</summary>
    public void BuildAhead(StopSignal stop)
    {
        _plans = new PlanBuilder(_options.Pipeline.Compiler ?? LawCompiler.Shared, null, fault => stop.Fail("plans", fault));
        Replay.State.Laws.Builder = _plans; // which the state disposes
        Replay.State.Laws.Foresee();
    }

    /// <summary>The live stages, on the state as it is: it is that behind the journal's last block, and nobody else writes it.</summary>
    public Pipeline StartStages(
        IJournal journal, DiskSignals disk, StateQueries queries, IAppliedWatch? applied, IReplyPublisher replies, IBatchPublisher batches)
    {
        if (_plans is null)
            throw new InvalidOperationException("stages are started once plans are built ahead");
        SealSigning? signing = Signer is null ? null : new SealSigning(Replay.State.LedgerId, Signer);
        return new Pipeline(
            journal, disk, Replay.State, Replay.Settler, Replay.Trees, signing, _plans, queries, applied, replies, batches, _options.Pipeline);
    }

    public void Dispose()
    {
        Replay.Dispose();
        _store?.Dispose();
        Signer?.Dispose();
    }

    private BlockReplay NewReplay() => new(NewDeduplicator) { Compiler = _options.Pipeline.Compiler };

    private Deduplicator NewDeduplicator(Genesis genesis)
    {
        FindSigner(in genesis);
        _store?.Dispose();
        _store = new FasterIdStore(Path.Combine(_directory, "ids"));
        return new Deduplicator(in genesis, _options.IdMemoryBytes, _store);
    }
}
