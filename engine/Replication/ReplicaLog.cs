using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;

namespace Settlement.Engine.Replication;

/// <summary>
/// A journal that several nodes agree on: FASTER's log as one of a cluster's members has it. A block's number is its index in the consensus, and its header's term that of the leader that sealed it.
/// </summary>
/// <remarks>
/// Purpose: the same files as a single node's, of which the consensus says how far they count. A leader's stages append here as to any journal; a follower takes the leader's bytes as they are.
/// Either way a block is first appended, then on this disk (<see cref="FlushedBlock"/>), then committed (<see cref="CommittedBlock"/>): known to be on a quorum of disks. Stages settle
/// what is committed, for that is what <see cref="IJournal.DurableBlock"/> and <see cref="DiskSignals.DurableBlocks"/> say here.
/// <para>Invariant: the files hold one linear chain, at any moment; what is committed never changes; the term never decreases.</para>
/// Threads: one appends at a time (appending, cutting and asking for commits take turns on a lock); reading, waiting and marking may happen on any.
/// Memory: the log's pages as in any journal, and <see cref="RecentBytesDefault"/> of recent blocks; nothing is allocated a payment.
/// Failure assumed: any write may fail, and the first one that does is final, as in any journal; bytes from other nodes may be anything.
/// </remarks>
public sealed partial class ReplicaLog : IJournal, IAuditedLog
{
    /// <summary>Bytes of recent blocks in memory.</summary>
    public const int RecentBytesDefault = 64 << 20;

    private readonly DiskSignals _disk;
    private readonly JournalOptions _options;
    private readonly FlushWaiters _waiters = new();
    private readonly Lock _appending = new();
    private readonly ReaderWriterLockSlim _cutting = new();
    private readonly object _gate = new();
    private readonly Func<ulong> _flushedBlock;
    private readonly int _recentBytes;
    private RecentBlocks _recent = null!;
    private BlockFiles _files = null!;

    // written by: who appends, holding _appending
    private FasterJournal _journal = null!;
    private ulong _lastTerm;
    private ulong _commitAsked;
    private ulong _leadingTerm;
    private bool _isLeading;
    private long _commitNumberMax;
    private bool _disposed;

    // written by: who holds _gate; the last block also by who appends
    private ulong _lastBlock;
    private ulong _committedBlock;
    private JournalFailedException? _failure;

    private ReplicaLog(JournalOptions options, DiskSignals disk, int recentBytes)
    {
        _disk = disk;
        _recentBytes = recentBytes;
        _flushedBlock = () => FlushedBlock;
        _options = options with { Durable = OnFlushed, Failed = OnFailed, Figures = disk.Figures, Committed = () => CommittedBlock };
    }

    public UInt128 LedgerId => _journal.LedgerId;

    /// <summary>The lowest block that can be read: those before it were cut away behind a snapshot.</summary>
    public ulong FirstBlock
    {
        get
        {
            _cutting.EnterReadLock();
            try
            {
                return _files.FirstBlock(_journal.DurableEnd);
            }
            finally
            {
                _cutting.ExitReadLock();
            }
        }
    }

    public ulong LastBlock => Volatile.Read(ref _lastBlock);

    public ulong LastTerm => Volatile.Read(ref _lastTerm);

    public ulong LastTimeNs => _journal.LastTimeNs;

    /// <summary>Sequence that the next block must begin with. Of interest to who appends.</summary>
    public ulong NextSequence => _journal.NextSequence;

    /// <summary>Bytes of log appended so far.</summary>
    public long EndAddress => _journal.EndAddress;

    /// <summary>Highest block that is on this disk, with all before it.</summary>
    /// <remarks>The last block first: read the other way round, and a cut and new blocks between the two, the new ones would count as flushed because the old ones were.</remarks>
    public ulong FlushedBlock => Math.Min(LastBlock, Volatile.Read(ref _journal).DurableBlock);

    /// <summary>Highest block that is known to be committed; it never goes back.</summary>
    public ulong CommittedBlock => Volatile.Read(ref _committedBlock);

    /// <summary>The committed block: what may be settled.</summary>
    public ulong DurableBlock => CommittedBlock;

    /// <summary>How long this node's own blocks took until they were committed.</summary>
    public CommitFigures Commits { get; } = new();

    /// <summary>What stopped the log; null: nothing has.</summary>
    public JournalFailedException? Failure => Volatile.Read(ref _failure);

    /// <summary>There is something to replicate. On the appending thread: it must not wait.</summary>
    public event Action? Appended;

    /// <summary>The highest committed block has become this one. On the thread that marked it; two of them may come in either order.</summary>
    public event Action<ulong>? Committed;

    /// <summary>From now on blocks may be appended, and each is of this term.</summary>
    public void BeginLeading(ulong term)
    {
        lock (_appending)
        {
            if (term < _lastTerm)
                throw new ArgumentOutOfRangeException(nameof(term), $"the log's last block is of term {_lastTerm}, nobody can lead in term {term}");
            (_leadingTerm, _isLeading) = (term, true);
        }
    }

    /// <summary>From now on every <see cref="Append"/> throws. Returns when one that is under way is done.</summary>
    public void EndLeading()
    {
        lock (_appending)
            _isLeading = false;
    }

    /// <inheritdoc/>
    /// <exception cref="NotLeadingException">This node does not lead, or no longer.</exception>
    public ulong Append(ref BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment = default)
    {
        lock (_appending)
        {
            if (!_isLeading)
                throw new NotLeadingException();
            header.Term = _leadingTerm;
            return AppendHere(ref header, body1, body2, attachment);
        }
    }

    /// <inheritdoc/>
    public void Commit()
    {
        lock (_appending)
            CommitHere();
        Appended?.Invoke();
    }

    /// <summary>Appends a block of the consensus' own, which has the time of the block before it, and starts to make it durable. Only while no pipeline appends.</summary>
    /// <param name="kind">Term or Members.</param>
    /// <param name="term">Of the leader: this node.</param>
    /// <param name="body">Nothing, or the members as the consensus library wrote them.</param>
    /// <returns>Its number.</returns>
    public ulong AppendMark(BlockKind kind, ulong term, ReadOnlySpan<byte> body)
    {
        if (kind is not (BlockKind.Term or BlockKind.Members))
            throw new ArgumentOutOfRangeException(nameof(kind), $"a block of kind {kind} is not of the consensus' own");
        ulong number;
        lock (_appending)
        {
            var header = new BlockHeader { Kind = kind, FirstSequence = _journal.NextSequence, TimeNs = _journal.LastTimeNs, Term = term };
            number = AppendHere(ref header, body, default, default);
            CommitHere();
        }

        Appended?.Invoke();
        return number;
    }

    /// <summary>
    /// Appends a block that a leader sealed: header and body as <see cref="Read"/> gave them there. All of it is verified before a byte is written; who answers for it calls <see cref="FlushAsync"/> first.
    /// </summary>
    /// <exception cref="ReplicatedBlockException">It is no sound block, or does not continue this log. Nothing was changed.</exception>
    /// <exception cref="JournalFailedException">The disk failed, now or before.</exception>
    public void AppendReplicated(ReadOnlySpan<byte> block)
    {
        ref readonly BlockHeader header = ref ReplicatedBlockException.CheckAlone(block);
        ReadOnlySpan<byte> body = block[BlockHeader.Size..];
        lock (_appending)
        {
            ThrowIfFailed();
            if (_isLeading)
                throw new InvalidOperationException($"block {header.Number} of another leader came to a log that leads in term {_leadingTerm}");
            ReplicatedBlockException.CheckHere(in header, in _journal.Position, _journal.BodyBytesMax);
            MakeRoom(block.Length);
            _journal.AppendSealed(in header, body);
            Appending(in header, body, default, default);
        }
    }

    /// <summary>Until the block is on this disk.</summary>
    /// <param name="block">Appended already.</param>
    /// <param name="token">Ends the waiting; the block is written all the same.</param>
    /// <exception cref="JournalFailedException">The disk failed before that.</exception>
    public ValueTask FlushAsync(ulong block, CancellationToken token = default)
    {
        if (FlushedBlock >= block)
            return default;
        if (Volatile.Read(ref _commitAsked) < block)
        {
            lock (_appending)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThan(block, LastBlock);
                CommitHere();
            }
        }

        return _waiters.Wait(block, _flushedBlock, token);
    }

    /// <summary>The consensus knows that the block is on a quorum of disks, this one among them. Lower ones than before change nothing.</summary>
    /// <exception cref="InvalidOperationException">The block is not on this disk.</exception>
    public void MarkCommitted(ulong block)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            if (block <= _committedBlock)
                return;
            if (block > FlushedBlock)
                throw new InvalidOperationException($"block {block} was called committed; this log ends with block {_lastBlock} and is on disk up to block {FlushedBlock}");
            Commits.Committed(_committedBlock + 1, block);
            Volatile.Write(ref _committedBlock, block);
            _disk.OnDurable(block);
            Monitor.PulseAll(_gate);
        }

        Committed?.Invoke(block);
    }

    /// <summary>Waits for a block to be committed.</summary>
    /// <returns>False: it was not, in this time.</returns>
    /// <exception cref="JournalFailedException">The log failed.</exception>
    public bool WaitCommitted(ulong block, int milliseconds)
    {
        long until = Environment.TickCount64 + milliseconds;
        lock (_gate)
        {
            while (_committedBlock < block)
            {
                ThrowIfFailed();
                if (milliseconds == Timeout.Infinite)
                    Monitor.Wait(_gate);
                else if (until - Environment.TickCount64 is var left && (left <= 0 || !Monitor.Wait(_gate, (int)left)))
                    return _committedBlock >= block;
            }

            return true;
        }
    }

    void IJournal.WaitDurable(ulong block) => WaitCommitted(block, Timeout.Infinite);

    /// <summary>Reads a block, header and body. Any thread. From memory where it is recent; else from its file, and then its CRC is checked.</summary>
    /// <param name="block">Its number.</param>
    /// <param name="buffer">Is replaced where it is too small.</param>
    /// <returns>Its length; -1: it is not there, cut away or beyond the end.</returns>
    /// <exception cref="BlockDamagedException">It should be there, is not as it was written, and could not be repaired now.</exception>
    public int Read(ulong block, ref byte[] buffer)
    {
        try
        {
            return ReadAsItIs(block, ref buffer);
        }
        catch (BlockDamagedException damaged) when (Mend is { } mend && mend(new BlockDamage(damaged.Block, damaged.Address)))
        {
            return ReadAsItIs(block, ref buffer);
        }
    }

    /// <summary>Asked to repair a damaged block that a reader met, while he waits; true: reading it again is worth it. Set once, by who has copies.</summary>
    public Func<BlockDamage, bool>? Mend { get; set; }

    /// <summary>As <see cref="Read"/>, without a repair: for others who look for a good copy.</summary>
    /// <inheritdoc cref="Read"/>
    public int ReadAsItIs(ulong block, ref byte[] buffer)
    {
        if (_recent.TryRead(block, ref buffer, out int bytes))
            return bytes;
        _cutting.EnterReadLock();
        try
        {
            // What is not on disk yet is in memory: it is beyond the end, or came there just now.
            return block > FlushedBlock ? -1 : _files.Read(block, _journal.DurableEnd, ref buffer, out _);
        }
        finally
        {
            _cutting.ExitReadLock();
        }
    }

    /// <summary>The term of a block that can be read.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It cannot: it is cut away, or beyond the end.</exception>
    /// <exception cref="BlockDamagedException">It should be there, and is not as it was written.</exception>
    public ulong TermOf(ulong block)
    {
        if (_recent.TryTermOf(block, out ulong term))
            return term;
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(4096);
        byte[] rented = buffer;
        try
        {
            return Read(block, ref buffer) >= 0
                ? MemoryMarshal.AsRef<BlockHeader>(buffer.AsSpan(0, BlockHeader.Size)).Term
                : throw new ArgumentOutOfRangeException(nameof(block), $"block {block} is not in the log, which has blocks {FirstBlock} to {LastBlock}");
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Makes what was appended durable, unless the log has failed, and closes the files.</summary>
    public void Dispose()
    {
        lock (_appending)
        {
            if (_disposed)
                return;
            _disposed = true;
            _isLeading = false;
            _cutting.EnterWriteLock();
            try
            {
                _journal.Dispose();
                _files.Dispose();
            }
            finally
            {
                _cutting.ExitWriteLock();
            }
        }

        OnFailed(new JournalFailedException($"The journal in '{_journal.Files.Directory}' was closed."), tells: false);
    }

    private ulong AppendHere(ref BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment)
    {
        ThrowIfFailed();
        MakeRoom(BlockHeader.Size + body1.Length + body2.Length + attachment.Length);
        ulong number = _journal.Append(ref header, body1, body2, attachment);
        Commits.Appended(number);
        Appending(in header, body1, body2, attachment);
        return number;
    }

    /// <summary>Takes an appended block among the recent ones, where others may see it.</summary>
    private void Appending(in BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment)
    {
        _recent.Put(in header, body1, body2, attachment);
        Volatile.Write(ref _lastTerm, header.Term);
        Volatile.Write(ref _lastBlock, header.Number);
    }

    private void CommitHere()
    {
        ThrowIfFailed();
        _journal.Commit();
        _commitNumberMax++;
        Volatile.Write(ref _commitAsked, _journal.LastBlock);
    }

    /// <summary>Old blocks leave the memory for a new one, as soon as they are on disk.</summary>
    private void MakeRoom(int bytes)
    {
        while (bytes <= _recentBytes && !_recent.HasRoomFor(bytes, out ulong oldest))
        {
            if (oldest > _journal.DurableBlock)
            {
                CommitHere();
                _journal.WaitDurable(oldest);
            }

            _recent.DropOldest();
        }
    }

    private void OnFlushed(ulong block) => _waiters.Flushed(block);

    private void OnFailed(JournalFailedException failure) => OnFailed(failure, tells: true);

    private void OnFailed(JournalFailedException failure, bool tells)
    {
        lock (_gate)
        {
            if (_failure is null)
                Volatile.Write(ref _failure, failure);
            Monitor.PulseAll(_gate);
        }

        _waiters.Fail(failure);
        if (tells)
            _disk.OnFailed(failure);
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
            throw new JournalFailedException(failure.Message, failure);
    }
}
