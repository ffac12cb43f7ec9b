using System.Collections.Concurrent;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Batch;

// Purpose: stage 3e, behind the settle thread: grows each batch's tree, and publishes, signs and seals the batch when its root
//   is there. Closing does not wait for it; publishing does. A signature takes about 0.1 ms, of this thread alone.
// Invariant: batches are published in order, each once.

/// <summary>Where closed batches go.</summary>
public interface IBatchPublisher
{
    /// <summary>A batch with its root, in order. Called on the tree's thread.</summary>
    void OnClosed(ClosedBatch batch);
}

internal sealed class TreeStage(
    RingBuffer ring, Outcome[] outcomes, BatchTrees trees, SealSigning? signing, JournalStage journal,
    IBatchPublisher publisher, SequenceBarrier settled, WaitStrategy strategy, ulong firstSequence)
{
    /// <summary>How long a batch that a tick closed, so without a slot, may go unseen.</summary>
    private const int IdleMs = 50;

    /// <summary>Ring slots whose leaves are taken.</summary>
    public Sequence Grown { get; } = new(); // written by: tree thread

    /// <summary>Batches published since the start.</summary>
    public long PublishedCount => Volatile.Read(ref _publishedCount);

    /// <summary>Number of the last batch published, now or in an earlier run.</summary>
    public ulong LastPublished => Volatile.Read(ref _lastPublished);

    private ulong _lastPublished = trees.LastSealed; // written by: tree thread
    private long _publishedCount; // written by: tree thread

    public void Run()
    {
        foreach (ClosedBatch batch in trees.Unsealed)
            Publish(batch);
        for (long next = 0; ;)
        {
            if (settled.TryWaitFor(next, IdleMs, out long available))
            {
                Grow(next, available);
                next = available + 1;
            }

            while (trees.TryPublish(firstSequence + (ulong)next - 1, out ClosedBatch? batch))
                Publish(batch);
        }
    }

    /// <summary>
    /// When all stages have ended in order: grows what is settled, so that the trees are where the state is. What that closes is told and waits for its seal: whoever
    /// leads next appends it.
    /// </summary>
    public void Finish(long lastSettled)
    {
        Grow(Grown.Value + 1, lastSettled);
        while (trees.TryPublish(firstSequence + (ulong)lastSettled, out ClosedBatch? batch))
            publisher.OnClosed(batch);
    }

    private void Grow(long next, long last)
    {
        while (next <= last)
        {
            Span<Payment> slots = ring.Slots(next, last - next + 1);
            trees.Grow(slots, outcomes.AsSpan(ring.IndexOf(next), slots.Length), firstSequence + (ulong)next);
            next += slots.Length;
        }

        Grown.Set(last);
        strategy.SignalAllWhenBlocking();
    }

    private void Publish(ClosedBatch batch)
    {
        journal.Seal(batch.Encode(), signing is null ? [] : trees.Sign(batch, signing));
        publisher.OnClosed(batch);
        Volatile.Write(ref _lastPublished, batch.Number);
        Volatile.Write(ref _publishedCount, _publishedCount + 1);
    }
}

/// <summary>Under which key a ledger's seals are signed.</summary>
public sealed record SealSigning(UInt128 LedgerId, ISealSigner Signer);

/// <summary>
/// The trees of batches not yet published, and the batches not yet sealed. <see cref="Close"/> and <see cref="TakeSealed"/> are called by the settle thread; the rest by
/// one other, or by the same one in recovery and replay.
/// </summary>
public sealed class BatchTrees : IDisposable
{
    private readonly LeafSalt _salt;
    private readonly MerkleBuilder _builder;
    private readonly ConcurrentQueue<ClosedBatch> _closed = new(); // written by: settle thread
    private readonly Queue<ClosedBatch> _rooted = new(); // have their root, wait to be published; written by: tree thread
    private readonly ConcurrentQueue<ClosedBatch> _unsealed = new(); // written by: tree thread, and the one that meets their seals

    /// <param name="saltKey">Of the ledger's genesis.</param>
    public BatchTrees(in Digest saltKey)
    {
        _salt = new LeafSalt(saltKey);
        _builder = new MerkleBuilder(_salt);
    }

    /// <summary>The last batch whose seal was met in the journal.</summary>
    public ulong LastSealed { get; private set; } // written by: who meets seals

    /// <summary>Batches that were published and whose seals were not met yet, in order.</summary>
    public IReadOnlyCollection<ClosedBatch> Unsealed => _unsealed;

    /// <summary>Must be called before any thread can see the last payment of the batch as settled.</summary>
    public void Close(ClosedBatch batch) => _closed.Enqueue(batch);

    /// <summary>Takes the accepted of these slots as leaves, finishing every batch that ends among them or before.</summary>
    public void Grow(ReadOnlySpan<Payment> slots, ReadOnlySpan<Outcome> outcomes, ulong firstSequence)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            if (!outcomes[i].Verdict.IsAccepted() || outcomes[i].Batch == Outcome.NoBatch)
                continue;
            ulong sequence = firstSequence + (ulong)i;
            while (_closed.TryPeek(out ClosedBatch? batch) && batch.LastSequence < sequence)
                Finish();
            _builder.Append(sequence, in slots[i]);
        }
    }

    /// <summary>The next batch that has its root, given that all slots up to this sequence are grown.</summary>
    public bool TryPublish(ulong grownSequence, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ClosedBatch? published)
    {
        while (_closed.TryPeek(out ClosedBatch? batch) && batch.LastSequence <= grownSequence)
            Finish();
        if (!_rooted.TryDequeue(out published))
            return false;
        _unsealed.Enqueue(published);
        return true;
    }

    /// <summary>The batch that a seal block of the journal is about. Seals stand there in the order of their batches.</summary>
    /// <exception cref="LedgerBrokenException">None waits for a seal.</exception>
    public ClosedBatch TakeSealed(ulong block)
    {
        if (!_unsealed.TryDequeue(out ClosedBatch? batch))
            throw new LedgerBrokenException($"block {block} seals a batch that is not closed");
        LastSealed = batch.Number;
        return batch;
    }

    /// <summary>The open batch's tree, and what is not sealed. Every closed batch must have been published.</summary>
    public void Save(SnapshotWriter writer)
    {
        if (!_closed.IsEmpty || _rooted.Count > 0)
            throw new InvalidOperationException("a batch is closed and not published: its tree is not saved");
        writer.Write(LastSealed);
        _builder.Save(writer);
        writer.Write((ulong)_unsealed.Count);
        foreach (ClosedBatch batch in _unsealed)
        {
            byte[] statement = batch.Encode();
            writer.Write((ulong)statement.Length);
            writer.Write<byte>(statement);
        }
    }

    public void Load(SnapshotReader reader)
    {
        LastSealed = reader.Read<ulong>();
        _builder.Load(reader);
        for (int count = reader.ReadCount(Limits.UnsettledBatchesMax, "unsealed batches"); count > 0; count--)
        {
            byte[] statement = new byte[reader.ReadCount(Limits.BlockBodyBytesMax * 2L, "bytes of a statement")];
            reader.Read<byte>(statement);
            _unsealed.Enqueue(ClosedBatch.Decode(statement));
        }
    }

    /// <summary>The attachment of a batch's seal block.</summary>
    public byte[] Sign(ClosedBatch batch, SealSigning signing)
    {
        BatchHeader header = BatchHeader.Of(signing.LedgerId, batch, _salt);
        return SealSignature.Of(signing.Signer, in header).Bytes.ToArray();
    }

    public void Dispose() => _salt.Dispose();

    private void Finish()
    {
        if (!_closed.TryDequeue(out ClosedBatch? batch))
            return;
        batch.Root = _builder.Finish();
        _rooted.Enqueue(batch);
    }
}
