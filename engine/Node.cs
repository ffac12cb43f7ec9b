using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine;

/// <summary>How a node is opened. What can change a verdict is not here: it is journaled.</summary>
public sealed record NodeOptions
{
    public PipelineOptions Pipeline { get; init; } = new();

    public JournalOptions Journal { get; init; } = JournalOptions.Default;

    /// <summary>Memory set aside for ids that are no stream ids, in bytes; beyond it they spill to disk.</summary>
    public long IdMemoryBytes { get; init; } = 256L << 20;

    /// <summary>When snapshots are taken; null: never, though one that is there is used.</summary>
    public SnapshotOptions? Snapshots { get; init; }

    /// <summary>Told every batch that the blocks applied in opening close, in order; those before a snapshot are in the journal's seals.</summary>
    public Action<ClosedBatch>? Recovered { get; init; }

    /// <summary>Told what an operator should know and what stops nothing: a damaged snapshot, one that could not be taken. Any thread.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Ledger id and genesis of a journal that does not exist yet; null: it must exist.</summary>
    public (UInt128 LedgerId, Genesis Genesis)? Create { get; init; }

    /// <summary>
    /// Gives the private half of the key that the ledger's genesis names, or null, or throws what is to be done. Asked while nothing is changed yet, and
    /// only for a ledger that has a key; the node disposes what it gets.
    /// </summary>
    public Func<NodeKey, ISealSigner?>? Signer { get; init; }

    /// <exception cref="JournalException">There is none, or it is of another key.</exception>
    internal ISealSigner? SignerOf(in Genesis genesis)
    {
        if (genesis.NodeKey.IsNone)
            return null;
        NodeKey key = genesis.NodeKey;
        ISealSigner signer = Signer?.Invoke(key)
            ?? throw new JournalException($"The ledger's seals are signed by node key {key.Id}. Open it with the private half of that key.");
        if (signer.PublicKey == key)
            return signer;
        KeyId other = signer.PublicKey.Id;
        signer.Dispose();
        throw new JournalException($"The ledger's seals are signed by node key {key.Id}, not by {other}. Open it with the private half of {key.Id}.");
    }
}

/// <summary>One ledger on one machine: a journal, the state that follows from it, and the stages that carry both on.</summary>
public sealed class Node : IDisposable
{
    private readonly FasterJournal _journal;
    private readonly OpenedLedger _ledger;
    private readonly SnapshotTimer? _snapshots;

    private Node(FasterJournal journal, DiskFigures disk, OpenedLedger ledger, RecoveryReport? report, Pipeline pipeline, SnapshotTimer? snapshots)
    {
        Disk = disk;
        _journal = journal;
        _ledger = ledger;
        _snapshots = snapshots;
        Recovery = report;
        Pipeline = pipeline;
    }

    /// <summary>What opening found; null: the journal is new.</summary>
    public RecoveryReport? Recovery { get; }

    public Pipeline Pipeline { get; }

    /// <summary>What the journal's disk has done.</summary>
    public DiskFigures Disk { get; }

    public UInt128 LedgerId => _journal.LedgerId;

    /// <summary>To be read only while the pipeline is drained.</summary>
    public LedgerState State => _ledger.Replay.State;

    /// <summary>Opens a journal, or creates it; takes the newest snapshot's state; verifies and applies every block behind it; starts the stages.</summary>
    /// <exception cref="JournalException">It cannot be opened; nothing was changed but a torn tail or sector, which is repaired.</exception>
    /// <exception cref="LedgerBrokenException">Its blocks are sound, but are not what these rules would have written.</exception>
    public static Node Open(string directory, NodeOptions options, IReplyPublisher replies, IBatchPublisher batches)
    {
        var disk = new DiskSignals(options.Pipeline.WaitStrategy);
        JournalOptions journalOptions = disk.On(options.Journal);
        var ledger = new OpenedLedger(directory, options);
        FasterJournal? journal = null;
        try
        {
            RecoveryReport? report = null;
            if (!FasterJournal.Exists(directory) && options.Create is { } create)
            {
                ledger.FindSigner(in create.Genesis); // before there is a journal that nobody could sign
                ReadOnlySpan<byte> genesis = MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in create.Genesis));
                journal = FasterJournal.Create(directory, create.LedgerId, options.Pipeline.Clock.NowNs, genesis, journalOptions);
                ledger.Replay.Apply(new BlockHeader { Kind = BlockKind.Genesis, LedgerId = create.LedgerId }, genesis);
            }
            else
            {
                journal = FasterJournal.Open(directory, journalOptions, ledger, out report);
                report = report with { Snapshot = ledger.Snapshot, Warnings = ledger.Warnings };
            }

            ledger.Replay.Closed = null;
            ledger.BuildAhead(disk.Stop);
            disk.DurableBlocks.Set((long)journal.DurableBlock);
            Pipeline pipeline = ledger.StartStages(journal, disk, new StateQueries(), null, replies, batches);
            SnapshotTimer? snapshots = options.Snapshots is { EveryJournalBytes: > 0 } taking
                ? new SnapshotTimer(directory, taking, () => journal.EndAddress, ledger.SnapshotEndAddress, options.Warn ?? (_ => { }), broken => disk.Stop.Fail("snapshots", broken))
                : null;
            return new Node(journal, disk.Figures, ledger, report, pipeline, snapshots);
        }
        catch
        {
            ledger.Dispose();
            journal?.Dispose();
            throw;
        }
    }

    /// <summary>Begins to read the journal's files again in the background; the caller disposes it before this node. A node that is alone has nobody to ask for what its disk has lost.</summary>
    public IntegrityAudit StartAudit(AuditOptions options, Action<string> tell) => new(_journal, options, () => [], tell);

    /// <summary>Stops the stages where they are; what was published and not drained is undone, or is found again in the journal.</summary>
    public void Dispose()
    {
        _snapshots?.Dispose();
        Pipeline.Dispose();
        _ledger.Dispose();
        _journal.Dispose();
    }
}
