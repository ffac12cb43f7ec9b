using System.Runtime.InteropServices;
using DotNext.IO;
using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// The consensus library's log: the blocks of a <see cref="ReplicaLog"/>, a block's number being its index.
/// </summary>
/// <remarks>
/// The base class keeps term and vote (and has a log of its own, which stays empty: nothing here calls it, its tasks sleep). Its state file is opened for writing through, so a vote is on disk before it is given;
/// only the file's name is not, which this class flushes once. The base's members for the log are re-implemented here, for it answers before it flushes.
/// <para>
/// Invariants: an answer to a leader leaves after the flush of all that it speaks of; blocks at or below the committed one are never replaced; the highest block called committed is on this disk and, where this node leads,
/// on the disks of a majority that this class counted itself (<see cref="MajorityBlock"/>): the library takes the median of the first answers of a round, which is no majority of four or five
/// members when answers end at different blocks, as they do here, where one read is bounded.
/// </para>
/// Threads: the library's, several at once. Appends take turns (<c>_tail</c>); a running pipeline owns the tail between <see cref="TryBeginLeading"/> and <see cref="EndLeading"/>, and everything else waits or goes through it.
/// Failure assumed: a failed disk throws out of every append and wait; another node's bytes may be anything, and <see cref="ReplicaLog"/> takes none that it did not verify.
/// </remarks>
internal sealed partial class RaftLog : WriteAheadLog, IPersistentState, IAuditTrail<IRaftLogEntry>, IAuditTrail
{
    private readonly ReplicaLog _log;
    private readonly MembersFile _members;
    private readonly int _formatVersion;
    private readonly SemaphoreSlim _tail = new(1, 1);
    private readonly SemaphoreSlim _applying = new(1, 1);
    private readonly Lock _gate = new();

    // written by: who holds _gate
    private readonly SortedSet<ulong> _membersBlocks = [];
    private readonly List<(ulong Block, TaskCompletionSource Done)> _waiting = [];
    private ulong _applied;

    // written by: who holds _tail
    private Func<BlockKind, byte[], CancellationToken, ValueTask<ulong>>? _appender;
    private TaskCompletionSource? _tailFree;
    private readonly System.Buffers.ArrayBufferWriter<byte> _received = new(1 << 16);
    private byte[] _standing = [];
    private ulong _ownTerm;
    private ulong _followedTerm; // in which another leader last spoke

    // written by: the library's, when a leader speaks
    private long _heardMs;

    public RaftLog(ReplicaLog log, MembersFile members, string directory, PinnedEndPoint local, int formatVersion = BlockHeader.FormatVersion)
        : base(new Options { Location = directory, ConcurrencyLevel = 4 }, IStateMachine.CreateNoOp(long.MaxValue))
    {
        Snapshots.DirectoryFlush.Of(directory);
        Snapshots.DirectoryFlush.Of(Path.GetDirectoryName(Path.GetFullPath(directory))!);
        (_log, _members, _local, _formatVersion) = (log, members, local, formatVersion);
        _applied = log.CommittedBlock;
    }

    /// <summary>Blocks of a later format are refused by the library already when it compares this number of both sides.</summary>
    int IPersistentState.Version => _formatVersion;

    /// <summary>A leader's block was refused: the sentence says why. Nothing was appended.</summary>
    public event Action<ReplicatedBlockException>? BlockRefused;

    /// <summary>A leader sends another block than the one that is here in its term.</summary>
    public event Action<ClusterException>? BlockDiffers;

    /// <summary>The leader has cut away what this node would need next; the number is of the first block that it has.</summary>
    public event Action<ulong>? SeedNeeded;

    /// <summary>The term in which this node last appended a block of its own, so in which it leads, or led.</summary>
    public ulong OwnTerm => Volatile.Read(ref _ownTerm);

    /// <summary>When a leader last sent something that was taken, on the clock of <see cref="Environment.TickCount64"/>; null: never.</summary>
    public long? HeardMs => Volatile.Read(ref _heardMs) is var heard and > 0 ? heard : null;

    bool IAuditTrail.IsLogEntryLengthAlwaysPresented => true;

    long IAuditTrail.LastEntryIndex => (long)_log.LastBlock;

    long IAuditTrail.LastCommittedEntryIndex => (long)_log.CommittedBlock;

    private ulong Term => (ulong)((IPersistentState)this).Term;

    /// <summary>Finds the Members blocks that this node has and has not made its list yet. Before the library starts.</summary>
    async Task IAuditTrail.InitializeAsync(CancellationToken token)
    {
        foreach (ulong block in _log.MembersBlocks)
        {
            if (block > (ulong)_members.Version && block <= _log.LastBlock)
                Note(BlockKind.Members, block);
        }

        await ApplyAsync(token).ConfigureAwait(false);
    }

    /// <summary>The pipeline takes the tail: what the library appends from now on goes through this delegate, in the journal stage's order.</summary>
    /// <returns>False: another term has begun.</returns>
    public bool TryBeginLeading(ulong term, Func<BlockKind, byte[], CancellationToken, ValueTask<ulong>> appender)
    {
        _tail.Wait();
        try
        {
            if (Term != term || OwnTerm != term || _appender is not null)
                return false;
            _tailFree = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _appender, appender);
            return true;
        }
        finally
        {
            _tail.Release();
        }
    }

    /// <summary>The pipeline appends nothing more.</summary>
    public void EndLeading()
    {
        _tail.Wait();
        try
        {
            Volatile.Write(ref _appender, null);
            _tailFree?.TrySetResult();
            _tailFree = null;
        }
        finally
        {
            _tail.Release();
        }
    }

    /// <summary>The library's own entries: the barrier of an election, and a list of members.</summary>
    async ValueTask<long> IAuditTrail<IRaftLogEntry>.AppendAsync<TEntry>(TEntry entry, CancellationToken token)
    {
        (BlockKind kind, ulong term) = (entry.IsConfiguration ? BlockKind.Members : BlockKind.Term, (ulong)entry.Term);
        byte[] body;
        using (DotNext.Buffers.MemoryOwner<byte> bytes = await entry.ToMemoryAsync(null, token).ConfigureAwait(false))
            body = bytes.Span.ToArray();
        if (kind == BlockKind.Term && body.Length > 0)
            throw new InvalidOperationException($"the consensus library appends an entry of {body.Length} bytes that is no list of members: a broken invariant");
        if (kind == BlockKind.Members)
            _ = MemberList.Decode(body);
        ulong block = await AppendOwnAsync(kind, term, body, token).ConfigureAwait(false);
        return (long)block;
    }

    private async ValueTask<ulong> AppendOwnAsync(BlockKind kind, ulong term, byte[] body, CancellationToken token)
    {
        while (true)
        {
            Func<BlockKind, byte[], CancellationToken, ValueTask<ulong>>? appender;
            ulong? placed = null;
            await _tail.WaitAsync(token).ConfigureAwait(false);
            try
            {
                RequireOwn(kind, term);
                appender = _appender;
                if (appender is null)
                {
                    // The base's term is durable by now: the library votes for itself before it appends.
                    ulong block = _log.AppendMark(kind, term, body);
                    Volatile.Write(ref _ownTerm, term);
                    Note(kind, block);
                    placed = block;
                }
            }
            finally
            {
                _tail.Release();
            }

            if (appender is not null && term == OwnTerm)
            {
                placed = await appender(kind, body, token).ConfigureAwait(false);
                Note(kind, placed.Value);
            }

            if (placed is { } own)
            {
                // It may have been committed before it was noted.
                await ApplyAsync(token).ConfigureAwait(false);
                return own;
            }

            await TailFreeAsync(token).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Number and term name a block, on all members: so none but a term's winner appends in it. The library appends its barrier in the term that it has just won; everything else is of a term that has one here.
    /// Who asks may have ceased to lead since, and this node may have voted for another one.
    /// </summary>
    private void RequireOwn(BlockKind kind, ulong term)
    {
        if (term != Term || (kind == BlockKind.Members && term != OwnTerm))
            throw new NotLeaderException();
    }

    /// <summary>One block of a leader, or the word that it has no block that would fit here.</summary>
    async ValueTask IAuditTrail<IRaftLogEntry>.AppendAsync<TEntry>(TEntry entry, long startIndex, CancellationToken token)
    {
        if (entry.IsSnapshot)
        {
            using DotNext.Buffers.MemoryOwner<byte> bytes = await entry.ToMemoryAsync(null, token).ConfigureAwait(false);
            ulong first = bytes.Length >= sizeof(ulong) ? MemoryMarshal.Read<ulong>(bytes.Span) : 0;
            // Such a leader has taken this node for further back than it is: it was seeded meanwhile. Told that it needs nothing, the leader finds out where it ends.
            if (first <= _log.CommittedBlock + 1)
                return;
            SeedNeeded?.Invoke(first);
            // The leader tries again as soon as this fails; the pause keeps that from being a busy loop until this node is seeded.
            await Task.Delay(RefusalPauseMs, token).ConfigureAwait(false);
            throw new ClusterException("This node needs a seed: the leader has cut away the blocks that it would need next.");
        }

        await TakeTailAsync(token).ConfigureAwait(false);
        try
        {
            await PlaceAsync(entry, (ulong)startIndex, token).ConfigureAwait(false);
        }
        finally
        {
            _tail.Release();
        }

        await _log.FlushAsync((ulong)startIndex, token).ConfigureAwait(false);
    }

    /// <summary>A leader's blocks, behind one that both have. Returns when they are on this disk: what follows is the answer.</summary>
    async ValueTask IAuditTrail<IRaftLogEntry>.AppendAsync<TEntry>(ILogEntryProducer<TEntry> entries, long startIndex, bool skipCommitted, CancellationToken token)
    {
        ulong block = (ulong)startIndex;
        await TakeTailAsync(token).ConfigureAwait(false);
        try
        {
            Volatile.Write(ref _followedTerm, Term);
            for (; await entries.MoveNextAsync().ConfigureAwait(false); block++)
                await PlaceAsync(entries.Current, block, token).ConfigureAwait(false);
        }
        finally
        {
            _tail.Release();
        }

        await _log.FlushAsync(block - 1, token).ConfigureAwait(false);
        Volatile.Write(ref _heardMs, Environment.TickCount64);
    }

    /// <summary>An equal term at an index is the same entry and stays; another one replaces it and all behind it.</summary>
    private async ValueTask PlaceAsync<TEntry>(TEntry entry, ulong block, CancellationToken token)
        where TEntry : IRaftLogEntry
    {
        ulong term = (ulong)entry.Term;
        if (block <= _log.CommittedBlock && block < _log.FirstBlock)
            return;
        if (block <= _log.LastBlock)
        {
            ulong here = _log.TermOf(block);
            if (here == term)
            {
                await RequireSameAsync(entry, block, token).ConfigureAwait(false);
                return;
            }

            if (block <= _log.CommittedBlock)
                throw new ClusterException($"Block {block} is committed here in term {here}; a leader sends another one of term {term}. The two logs belong to different histories: stop this node and seed it anew.");
        }

        _received.ResetWrittenCount();
        await entry.WriteToAsync(_received, token).ConfigureAwait(false);
        // A connection that ends in the middle looks to the library like the end of the entry.
        if (entry.Length is { } length && length != _received.WrittenCount)
            throw new EndOfStreamException($"block {block} came as {_received.WrittenCount} bytes of {length}: the connection ended");
        try
        {
            BlockKind kind = Place(_received.WrittenSpan, block, term);
            Note(kind, block);
        }
        catch (ReplicatedBlockException refused)
        {
            BlockRefused?.Invoke(refused);
            await Task.Delay(RefusalPauseMs, token).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// All that is agreed rests on a term having one leader. Were there two, because a voter forgot its vote, this is where it shows; taking the block for the one that is here would answer for what is not on this disk.
    /// </summary>
    private async ValueTask RequireSameAsync<TEntry>(TEntry entry, ulong block, CancellationToken token)
        where TEntry : IRaftLogEntry
    {
        _received.ResetWrittenCount();
        await entry.WriteToAsync(_received, token).ConfigureAwait(false);
        int bytes = _log.Read(block, ref _standing);
        // What was cut away behind a snapshot meanwhile is committed, and is compared no longer.
        if (bytes < 0 || _received.WrittenSpan.SequenceEqual(_standing.AsSpan(0, bytes)))
            return;
        if (entry.Length is { } length && length != _received.WrittenCount)
            throw new EndOfStreamException($"block {block} came as {_received.WrittenCount} bytes of {length}: the connection ended");
        var differs = new ClusterException($"Block {block} of term {entry.Term} is here, and a leader sends another one of the same number and term: that term had two leaders, because a node forgot its vote. Compare the nodes' journals (`replay diff`) before any of them goes on.");
        BlockDiffers?.Invoke(differs);
        await Task.Delay(RefusalPauseMs, token).ConfigureAwait(false);
        throw differs;
    }

    private BlockKind Place(ReadOnlySpan<byte> bytes, ulong block, ulong term)
    {
        ref readonly BlockHeader header = ref ReplicatedBlockException.CheckAlone(bytes);
        if (header.Number != block || header.Term != term)
            throw new ClusterException($"A leader sends block {header.Number} of term {header.Term} as entry {block} of term {term}: a broken invariant.");
        if (header.LedgerId == _log.LedgerId && block <= _log.LastBlock)
        {
            lock (_deciding)
                _log.CutBehind(block - 1);
            lock (_gate)
                _membersBlocks.RemoveWhere(number => number >= block);
        }

        _log.AppendReplicated(bytes);
        return header.Kind;
    }

    private void Note(BlockKind kind, ulong block)
    {
        if (kind != BlockKind.Members)
            return;
        lock (_gate)
            _membersBlocks.Add(block);
    }

    /// <summary>The tail, with no pipeline on it: a new leader's blocks wait until the old one's stages are stopped.</summary>
    private async ValueTask TakeTailAsync(CancellationToken token)
    {
        while (true)
        {
            await _tail.WaitAsync(token).ConfigureAwait(false);
            if (_appender is null)
                return;
            _tail.Release();
            await TailFreeAsync(token).ConfigureAwait(false);
        }
    }

    private Task TailFreeAsync(CancellationToken token) => Volatile.Read(ref _tailFree)?.Task.WaitAsync(token) ?? Task.CompletedTask;

    private static ref readonly BlockHeader HeaderOf(ReadOnlySpan<byte> block) => ref MemoryMarshal.AsRef<BlockHeader>(block[..BlockHeader.Size]);
}
