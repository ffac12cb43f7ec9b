using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;

namespace Settlement.Engine.Replication;

/// <summary>
/// A follower's one thread: applies what is committed, block by block, as a replay of the journal would, and answers questions between two blocks.
/// </summary>
/// <remarks>
/// Invariant: a block is applied once, in order, and only when it is committed; so nothing that a new leader may replace is ever in the state, and whoever ends this
/// thread finds the state between two blocks.
/// Failure assumed: a block that cannot be read, that does not follow, or a seal that states what these payments do not give: the replica stops there.
/// </remarks>
internal sealed class Following(
    ReplicaLog log, BlockReplay replay, SequenceBarrier committed, StateQueries queries, StopSignal stop, IAppliedWatch applied, ulong appliedBlock)
{
    private byte[] _bytes = []; // the block at hand, and the next ones after it

    public void Run()
    {
        bool isLast = true;
        try
        {
            queries.WakeBy(committed);
            bool moreAsked = queries.Answer(replay.State);
            Digest previous = DigestOf(appliedBlock);
            for (long next = (long)appliedBlock + 1; ;)
            {
                if (committed.TryWaitFor(next, moreAsked ? 0 : Timeout.Infinite, out long available))
                {
                    for (; next <= available && !committed.IsAlerted; next++)
                    {
                        Apply((ulong)next, (ulong)next == appliedBlock + 1 ? previous : null);
                        moreAsked = queries.Answer(replay.State);
                    }
                }

                moreAsked = queries.Answer(replay.State);
            }
        }
        catch (AlertException)
        {
            isLast = stop.IsEngineEnding; // else another thread answers from here on
            throw;
        }
        finally
        {
            if (isLast)
                queries.Close();
        }
    }

    private void Apply(ulong number, Digest? previous)
    {
        ref readonly BlockHeader header = ref Read(number, out ReadOnlySpan<byte> body);
        // Inside the log every block follows on the one before; that it is the one that was applied here is this replica's own invariant.
        if (previous is { } expected && header.Previous != expected)
            throw new LedgerBrokenException($"block {number} follows on another block {number - 1} than was applied here: a block was replaced that had been committed");
        replay.Apply(in header, body);
        applied.OnApplied(number, replay.State.Sequence);
    }

    private Digest DigestOf(ulong number)
    {
        using var seal = new BlockSeal();
        ref readonly BlockHeader header = ref Read(number, out ReadOnlySpan<byte> body);
        return seal.DigestOf(in header, body, default);
    }

    private ref readonly BlockHeader Read(ulong number, out ReadOnlySpan<byte> body)
    {
        int length = log.Read(number, ref _bytes);
        if (length < BlockHeader.Size)
            throw new JournalException($"block {number} is committed, and the journal does not have it");
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(_bytes.AsSpan(0, BlockHeader.Size));
        if (header.Number != number)
            throw new LedgerBrokenException($"block {header.Number} was read in the place of block {number}");
        body = _bytes.AsSpan(BlockHeader.Size, length - BlockHeader.Size);
        return ref header;
    }
}
