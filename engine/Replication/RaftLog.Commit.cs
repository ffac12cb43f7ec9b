using System.Runtime.InteropServices;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.IO.Log;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>What counts: majorities, the committed block, and the lists of members in it.</summary>
internal sealed partial class RaftLog
{
    private readonly PinnedEndPoint _local;

    /// <summary>Held while a block is checked and called committed, and while a suffix is cut, so that none is called committed that is replaced meanwhile.</summary>
    private readonly Lock _deciding = new();

    async ValueTask<long> IAuditTrail.CommitAsync(long endIndex, CancellationToken token)
    {
        await _log.FlushAsync((ulong)endIndex, token).ConfigureAwait(false);
        // Another leader's word counts once it has sent blocks in this term. A term that is newer than this node's own is not enough: the library takes it over, and flushes it, before it ends the round in which this node
        // still counts as a leader.
        if (Volatile.Read(ref _followedTerm) != Term)
            return await MarkMajorityAsync(token).ConfigureAwait(false);
        ulong before = _log.CommittedBlock;
        lock (_deciding)
            _log.MarkCommitted((ulong)endIndex);
        await ApplyAsync(token).ConfigureAwait(false);
        return (long)(_log.CommittedBlock - before);
    }

    /// <summary>After each answer, too: what a majority has by now need not wait for the library's round to end.</summary>
    private async ValueTask<long> MarkMajorityAsync(CancellationToken token)
    {
        ulong before = _log.CommittedBlock;
        lock (_deciding)
            _log.MarkCommitted(MajorityBlock());
        if (_log.CommittedBlock == before)
            return 0;
        await ApplyAsync(token).ConfigureAwait(false);
        return (long)(_log.CommittedBlock - before);
    }

    /// <summary>
    /// The highest block that is on this disk and on those of a majority of the voters, this node counted, as their answers in its term say. One of an earlier term is committed by none but a later one of this term.
    /// </summary>
    private ulong MajorityBlock()
    {
        IReadOnlyList<PinnedEndPoint> voters = _members.Members.Voters;
        Span<ulong> known = stackalloc ulong[MemberList.MembersMax];
        int count = 0;
        (ulong here, ulong term, ulong committed) = (_log.FlushedBlock, OwnTerm, _log.CommittedBlock);
        foreach (PinnedEndPoint voter in voters)
            known[count++] = voter.Equals(_local) ? here : ProgressOf(voter) is { } progress && progress.Term == term ? progress.Known : 0;
        known = known[..count];
        known.Sort();
        ulong majority = count == 0 ? 0 : Math.Min(here, known[(count - 1) / 2]);
        return majority > committed && _log.TermOf(majority) == term ? majority : committed;
    }

    /// <summary>Makes committed lists of members this node's, in order, and wakes who waits for a committed block.</summary>
    private async ValueTask ApplyAsync(CancellationToken token)
    {
        await _applying.WaitAsync(token).ConfigureAwait(false);
        try
        {
            ulong committed = _log.CommittedBlock;
            while (NextMembersBlock(committed) is { } block)
            {
                await _members.SaveAsync(ReadMembers(block), (long)block, token).ConfigureAwait(false);
                lock (_gate)
                    _membersBlocks.Remove(block);
            }

            lock (_gate)
            {
                _applied = Math.Max(_applied, committed);
                for (int i = _waiting.Count - 1; i >= 0; i--)
                {
                    if (_waiting[i].Block > _applied)
                        continue;
                    _waiting[i].Done.TrySetResult();
                    _waiting.RemoveAt(i);
                }
            }
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>A list of members that stands in the log and is not committed; null: there is none.</summary>
    public ulong? PendingMembers
    {
        get
        {
            lock (_gate)
                return _membersBlocks.Count > 0 ? _membersBlocks.Max : null;
        }
    }

    private ulong? NextMembersBlock(ulong committed)
    {
        lock (_gate)
            return _membersBlocks.Count > 0 && _membersBlocks.Min <= committed ? _membersBlocks.Min : null;
    }

    private MemberList ReadMembers(ulong block)
    {
        byte[] buffer = new byte[4096];
        int bytes = _log.Read(block, ref buffer);
        if (bytes < BlockHeader.Size)
            throw new ClusterException($"Block {block}, which states the cluster's members, cannot be read. Seed this node anew.");
        return MemberList.Decode(buffer.AsSpan(BlockHeader.Size, bytes - BlockHeader.Size));
    }

    ValueTask IAuditTrail.WaitForApplyAsync(CancellationToken token)
    {
        ulong next;
        lock (_gate)
            next = _applied + 1;
        return WaitApplied(next, token);
    }

    ValueTask IAuditTrail.WaitForApplyAsync(long index, CancellationToken token) => WaitApplied((ulong)index, token);

    private ValueTask WaitApplied(ulong block, CancellationToken token)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (block <= _applied)
                return default;
            _waiting.Add((block, done));
        }

        return new(done.Task.WaitAsync(token));
    }
}
