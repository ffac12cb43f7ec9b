using System.Runtime.InteropServices;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Reply;

namespace Settlement.Engine;

/// <summary>How a node is opened. What can change a verdict is not here: it is journaled.</summary>
public sealed record NodeOptions
{
    public PipelineOptions Pipeline { get; init; } = new();

    public JournalOptions Journal { get; init; } = JournalOptions.Default;

    /// <summary>Memory set aside for ids that are no stream ids, in bytes; beyond it they spill to disk.</summary>
    public long IdMemoryBytes { get; init; } = 256L << 20;

    /// <summary>Told every batch that the journal closes already, in order, while it is opened.</summary>
    public Action<ClosedBatch>? Recovered { get; init; }

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
    private readonly BlockReplay _replay;
    private readonly IIdStore? _store;
    private readonly ISealSigner? _signer;

    private Node(FasterJournal journal, BlockReplay replay, IIdStore? store, ISealSigner? signer, RecoveryReport? recovery, Pipeline pipeline)
    {
        _journal = journal;
        _replay = replay;
        _store = store;
        _signer = signer;
        Recovery = recovery;
        Pipeline = pipeline;
    }

    /// <summary>What opening found; null: the journal is new.</summary>
    public RecoveryReport? Recovery { get; }

    public Pipeline Pipeline { get; }

    /// <summary>To be read only while the pipeline is drained.</summary>
    public LedgerState State => _replay.State;

    /// <summary>Opens a journal, or creates it; verifies and applies every block; starts the stages.</summary>
    /// <exception cref="JournalException">It cannot be opened; nothing was changed but a torn tail or sector, which is repaired.</exception>
    /// <exception cref="LedgerBrokenException">Its blocks are sound, but are not what these rules would have written.</exception>
    public static Node Open(string directory, NodeOptions options, IReplyPublisher replies, IBatchPublisher batches)
    {
        var disk = new DiskSignals(options.Pipeline.WaitStrategy);
        JournalOptions journalOptions = disk.On(options.Journal);
        FasterIdStore? store = null;
        ISealSigner? signer = null;
        var replay = new BlockReplay(genesis =>
        {
            signer ??= options.SignerOf(in genesis);
            // Only now is the journal's lock held: the store wipes what an earlier run spilled.
            store = new FasterIdStore(Path.Combine(directory, "ids"));
            return new Deduplicator(in genesis, options.IdMemoryBytes, store);
        })
        {
            Closed = options.Recovered,
        };
        FasterJournal? journal = null;
        try
        {
            RecoveryReport? report = null;
            if (!FasterJournal.Exists(directory) && options.Create is { } create)
            {
                signer = options.SignerOf(in create.Genesis);
                ReadOnlySpan<byte> genesis = MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in create.Genesis));
                journal = FasterJournal.Create(directory, create.LedgerId, options.Pipeline.Clock.NowNs, genesis, journalOptions);
                replay.Apply(new BlockHeader { Kind = BlockKind.Genesis }, genesis);
            }
            else
            {
                journal = FasterJournal.Open(directory, journalOptions, replay.Apply, out report);
            }

            replay.Closed = null;
            SealSigning? signing = signer is null ? null : new SealSigning(journal.LedgerId, signer);
            var pipeline = new Pipeline(
                journal, disk, replay.State, replay.Settler, replay.Trees, replay.Unsealed, signing, replies, batches, options.Pipeline);
            return new Node(journal, replay, store, signer, report, pipeline);
        }
        catch
        {
            replay.Dispose();
            store?.Dispose();
            signer?.Dispose();
            journal?.Dispose();
            throw;
        }
    }

    /// <summary>Stops the stages where they are; what was published and not drained is undone, or is found again in the journal.</summary>
    public void Dispose()
    {
        Pipeline.Dispose();
        _replay.Dispose();
        _store?.Dispose();
        _signer?.Dispose();
        _journal.Dispose();
    }
}
