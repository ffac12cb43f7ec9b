using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Journal.Integrity;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Replication;

// Purpose: how the log's files are opened, and how its end is replaced.
// Failure assumed: a crash at any write; what is half done is finished by the next opening (Journal/TailCut.cs).

public sealed partial class ReplicaLog
{
    /// <summary>Blocks that state the cluster's members, as opening found them behind the newest snapshot.</summary>
    internal IReadOnlyList<ulong> MembersBlocks { get; private set; } = [];

    private long _cuts; // odd while the end is being taken away; written by: who cuts

    JournalFiles IAuditedLog.Files => _journal.Files;

    IFileCalls? IAuditedLog.FileCalls => _options.FileCalls;

    long IAuditedLog.DurableEnd => Volatile.Read(ref _journal).DurableEnd;

    long IAuditedLog.Cuts => Volatile.Read(ref _cuts);

    Func<ulong, byte[]?>? IAuditedLog.InMemory => block =>
    {
        byte[] buffer = [];
        return _recent.TryRead(block, ref buffer, out int bytes) ? buffer.AsSpan(0, bytes).ToArray() : null;
    };

    bool IAuditedLog.TryHold(long cuts, Action action)
    {
        _cutting.EnterReadLock();
        try
        {
            if (_cuts != cuts || _disposed)
                return false;
            action();
            return true;
        }
        finally
        {
            _cutting.ExitReadLock();
        }
    }

    /// <summary>Told after each write of a cut: tests copy the files there.</summary>
    internal Action<string>? CutStep { get; set; }

    /// <summary>
    /// Opens a member's journal, which may be a single node's so far: repairs what a crash can do, and verifies every block behind the newest usable snapshot, or all of them. Nothing is applied; what was committed
    /// beyond the snapshot is known when the consensus, or the last note of this node, says so.
    /// </summary>
    /// <param name="directory">Of the journal.</param>
    /// <param name="options">Memory and device; whom it tells is the log's own affair.</param>
    /// <param name="disk">Moved by commits, and failed by the disk.</param>
    /// <param name="report">What was found.</param>
    /// <param name="recentBytes">Bytes of recent blocks in memory; at least a page of the log.</param>
    /// <exception cref="JournalException">It cannot be opened. Nothing was changed but a torn tail or sector, which is repaired, and a cut that was interrupted, which is finished.</exception>
    public static ReplicaLog Open(string directory, JournalOptions options, DiskSignals disk, out RecoveryReport report, int recentBytes = RecentBytesDefault)
    {
        if (JournalFiles.TryReadLayout(directory, out JournalFiles files))
            recentBytes = Math.Max(recentBytes, files.PageBytes);
        var log = new ReplicaLog(options, disk, recentBytes);
        var verifying = new Verifying(directory, recentBytes);
        log._journal = FasterJournal.Open(directory, log._options, verifying, out report);
        report = report with { Snapshot = verifying.Snapshot, Warnings = verifying.Warnings };
        log._recent = verifying.Recent!;
        log._files = new BlockFiles(log._journal.Files);
        log.MembersBlocks = verifying.MembersBlocks;
        log._lastBlock = log._commitAsked = log._journal.LastBlock;
        log._lastTerm = log._journal.Position.Term;
        log._commitNumberMax = verifying.CommitNumber + 1;
        log._committedBlock = Math.Min(Math.Max(verifying.CommittedBlock, verifying.SnapshotBlock), log._lastBlock);
        disk.DurableBlocks.Set((long)log._committedBlock);
        return log;
    }

    /// <summary>
    /// Takes all blocks behind one away, because a new leader has others there. Durable on return. It is rare: appending and reading from files wait for it, about as long as for opening a small journal.
    /// </summary>
    /// <exception cref="InvalidOperationException">Blocks behind it are committed.</exception>
    /// <exception cref="JournalFailedException">The disk failed, now or before.</exception>
    public void CutBehind(ulong block)
    {
        lock (_appending)
        {
            ThrowIfFailed();
            if (block >= _lastBlock)
                return;
            if (_isLeading)
                throw new InvalidOperationException($"a leader's log is not cut, and this one leads in term {_leadingTerm}");
            _cutting.EnterWriteLock();
            Volatile.Write(ref _cuts, _cuts + 1);
            try
            {
                Cut(block);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JournalException and not JournalFailedException)
            {
                OnFailed(new JournalFailedException($"The end of the journal in '{_journal.Files.Directory}' could not be cut behind block {block}: {fault.Message} Put the disk right, then start again: opening finishes the cut.", fault));
                ThrowIfFailed();
            }
            finally
            {
                Volatile.Write(ref _cuts, _cuts + 1);
                _cutting.ExitWriteLock();
            }
        }
    }

    private void Cut(ulong block)
    {
        JournalFiles files = _journal.Files;
        _journal.Commit();
        _journal.WaitDurable(_journal.LastBlock);
        byte[] bytes = [];
        if (_files.Read(block, _journal.DurableEnd, ref bytes, out BlockFiles.Found found) < 0)
            throw new ArgumentOutOfRangeException(nameof(block), $"block {block} is not in the log any more, and blocks behind it cannot be replaced");
        using var seal = new BlockSeal();
        BlockHeader header = found.Header;
        Digest digest = seal.DigestOf(in header, bytes.AsSpan(BlockHeader.Size, (int)header.BodyBytes), default);
        var position = ChainPosition.Behind(in header, in digest);
        lock (_gate)
        {
            if (block < _committedBlock)
                throw new InvalidOperationException($"block {_committedBlock} is committed; nothing behind block {block} can be replaced");
            Volatile.Write(ref _lastBlock, block);
            Commits.Forget();
        }

        Volatile.Write(ref _lastTerm, position.Term);
        FileStream held = _journal.CloseLocked();
        var cut = new TailCut(files.LedgerId, block, found.EndAddress, JournalStart.SectorAt(files, found.EndAddress));
        cut.Intend(files, CutStep);
        ulong serial = cut.Finish(files, _options.DeviceHere == JournalDevice.Direct, _options.FileCalls, CutStep);
        Volatile.Write(ref _journal, new FasterJournal(files, _options, held, new RecoveredEnd(position, found.EndAddress, _commitNumberMax, serial)));
        _commitAsked = block;
        _recent.CutBehind(block);
        _files.Forget();
        _waiters.CutBehind(block);
    }

    /// <summary>Verifies what is behind the newest usable snapshot, and keeps the last blocks in memory.</summary>
    private sealed class Verifying(string directory, int recentBytes) : IJournalRecovery
    {
        private readonly List<string> _warnings = [];

        public RecentBlocks? Recent { get; private set; }

        public string? Snapshot { get; private set; }

        public ulong SnapshotBlock { get; private set; }

        /// <summary>Committed for certain, as far as this node had noted it.</summary>
        public ulong CommittedBlock { get; private set; }

        public long CommitNumber { get; private set; }

        public IReadOnlyList<string> Warnings => _warnings;

        public List<ulong> MembersBlocks { get; } = [];

        public SnapshotHead? Begin(UInt128 ledgerId)
        {
            foreach (string path in new SnapshotStore(directory).Paths())
            {
                try
                {
                    SnapshotHead head = SnapshotStore.Check(path);
                    if (head.LedgerId != ledgerId)
                        throw new SnapshotException($"The snapshot '{path}' is of ledger {head.LedgerId:x32}, the journal is of {ledgerId:x32}");
                    Snapshot = $"block {head.Block}, sequence {head.Sequence}";
                    SnapshotBlock = head.Block;
                    return head;
                }
                catch (Exception fault) when (fault is SnapshotException or IOException or UnauthorizedAccessException)
                {
                    _warnings.Add(fault.Message);
                }
            }

            return null;
        }

        public void Read(JournalReader reader)
        {
            Recent = new RecentBlocks(recentBytes, reader.Position.NextNumber);
            while (reader.Next())
            {
                while (!Recent.HasRoomFor(BlockHeader.Size + reader.Body.Length, out _))
                    Recent.DropOldest();
                Recent.Put(in reader.Header, reader.Body, default, default);
                if (reader.Header.Kind == BlockKind.Members)
                    MembersBlocks.Add(reader.Header.Number);
            }

            CommittedBlock = reader.CommittedBlock;
            CommitNumber = Math.Max(1, reader.CommitNumber);
        }
    }
}
