using System.Diagnostics;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Consent.Checking;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Common;
using Settlement.Replay.Receipts;

namespace Settlement.Replay.Verify;

/// <summary>
/// One verification, from the genesis block to the end of the journal or its first fault; where the journal was cut and no archive is named, from
/// its oldest snapshot on.
/// </summary>
/// <remarks>
/// Nothing of the journal is written or locked. Ids that exceed the memory set aside for them spill into a temporary folder of
/// the run's own, which it deletes: beside a running node, the journal's own folder of ids is that node's.
/// <para>Failure assumed: a block that the reader finds whole, and that yet cannot be applied. It is named, and nothing behind it is believed.</para>
/// </remarks>
internal sealed class VerifyRun : IDisposable
{
    private readonly ScratchFolder _scratch = new();
    private readonly string _directory;
    private readonly string? _archive;
    private readonly WalkProgress? _progress;
    private readonly List<SnapshotCheck> _snapshots = [];
    private readonly List<(string Path, Receipt Receipt)> _receipts = [];
    private readonly HashSet<string> _matched = [];
    private FasterIdStore? _store;
    private readonly bool _checksSignatures;
    private SealVerifier? _seals;
    private EvidenceAudit? _evidence; // used by: settle thread

    // Of what stands before the end; written by: follow thread.
    private ClosedBatch? _lastBatch;
    private long _payments;
    private long _sealed;
    private ulong _blocks;
    private ulong _sequence;
    private ulong _timeNs;
    private ulong _lastSealed;

    private VerifyRun(string directory, string? archive, IReadOnlyList<string> receipts, WalkProgress? progress, bool checksSignatures)
    {
        (_directory, _archive, _progress, _checksSignatures) = (directory, archive, progress, checksSignatures);
        foreach (string path in receipts)
            _receipts.Add((path, ReceiptFile.Read(path)));
    }

    /// <param name="directory">The journal's.</param>
    /// <param name="archive">Folder with files that were cut off it; null: none.</param>
    /// <param name="receipts">Files of receipts that the journal must hold.</param>
    /// <param name="progress">Told how far the reading is.</param>
    /// <param name="checksSignatures">Whether payers' signatures are checked, and not only the links of their chains.</param>
    /// <exception cref="JournalException">There is no journal that could be read, or it is of a newer format.</exception>
    /// <exception cref="UsageException">A receipt cannot be read.</exception>
    public static VerifyReport Over(
        string directory, string? archive = null, IReadOnlyList<string>? receipts = null, WalkProgress? progress = null, bool checksSignatures = true)
    {
        if (!Directory.Exists(directory))
            throw Journals.NoDirectory(directory);
        using var run = new VerifyRun(directory, archive, receipts ?? [], progress, checksSignatures);
        return run.Run();
    }

    public void Dispose()
    {
        _progress?.Dispose();
        _store?.Dispose();
        _seals?.Dispose();
        _evidence?.Dispose();
        _scratch.Dispose();
    }

    private VerifyReport Run()
    {
        var watch = Stopwatch.StartNew();
        CheckSnapshots();
        BlockReplay? begun = null;
        SnapshotHead head = default;
        if (_archive is null && Journals.IsCut(_directory))
            begun = new SnapshotStore(_directory).LoadOldest(Journals.LedgerIdOf(_directory), NewReplay, out head);
        using BlockReplay replay = begun ?? NewReplay();
        using JournalReader reader = begun is null ? Journals.Open(_directory, _archive) : JournalReader.OpenBehind(_directory, in head);
        Finding? broken = ApplyAll(reader, replay);
        if (reader.Position.NextNumber == 0 && reader.End is { Kind: not JournalEndKind.Damage })
            throw new JournalException($"The journal in '{_directory}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
        watch.Stop();
        return new VerifyReport
        {
            Journal = _directory,
            LedgerId = reader.LedgerId,
            BegunBehind = begun is null ? null : head.Block,
            Blocks = _blocks,
            Payments = _payments,
            Sequence = _sequence,
            TimeNs = _timeNs,
            Sealed = _sealed,
            Unsealed = replay.Unsealed.Count,
            NodeKey = replay.HasState ? replay.State.Genesis.NodeKey : default,
            Links = _evidence?.Links ?? 0,
            Signatures = _evidence?.Signatures ?? 0,
            SignaturesLeftOut = !_checksSignatures,
            LastBatch = _lastBatch,
            Snapshots = [.. _snapshots.Select(snapshot => AgainstEnd(snapshot, reader.Position.NextNumber))],
            Receipts = [.. _receipts.Select(receipt => Match(receipt.Path, receipt.Receipt, begun is null ? 0 : head.Sequence))],
            Elapsed = watch.Elapsed,
            FileTime = reader.FileTime,
            End = broken ?? EndOf(reader),
        };
    }

    /// <summary>Reads each snapshot through; whether its state is the journal's is seen when the journal gets there.</summary>
    private void CheckSnapshots()
    {
        foreach (string path in new SnapshotStore(_directory).Paths())
        {
            try
            {
                SnapshotHead head = SnapshotStore.Check(path, out Digest stateHash);
                _snapshots.Add(new SnapshotCheck(path, head.Block, stateHash)
                {
                    Fault = head.LedgerId == Journals.LedgerIdOf(_directory) ? null : $"it is of ledger {head.LedgerId:x32}, not of this one. Take the file away",
                });
            }
            catch (Exception fault) when (fault is SnapshotException or IOException or UnauthorizedAccessException)
            {
                _snapshots.Add(new SnapshotCheck(path, null, default) { Fault = fault.Message });
            }
        }
    }

    /// <returns>The block that cannot be applied; null: all can, up to where the reader ended.</returns>
    private Finding? ApplyAll(JournalReader reader, BlockReplay replay)
    {
        var pipeline = new ReplayPipeline(replay)
        {
            Read = read => _progress?.At(read.Address, read.Header.FirstSequence + read.Header.Count),
            Settling = (in BlockHeader header, ReadOnlySpan<byte> body) => CheckEvidence(replay, in header, body),
            Settled = (in BlockHeader header, ReadOnlySpan<byte> _) => CompareSnapshot(replay, header.Number),
            Followed = (in BlockHeader header, ReadOnlySpan<byte> body) => Count(replay, in header, body),
        };
        try
        {
            pipeline.Run(reader);
            if (replay.HasState)
                replay.State.VerifyConservation();
            return null;
        }
        catch (LedgerBrokenException broken)
        {
            (ulong block, long address) = pipeline.Fault ?? (reader.Position.NextNumber - 1, reader.Address);
            return new Finding(JournalFinding.Broken, reader.FileOf(address), reader.OffsetOf(address), block, broken.Message);
        }
    }

    /// <summary>Who settles takes the evidence as checked by the node that journaled it.</summary>
    private void CheckEvidence(BlockReplay replay, in BlockHeader header, ReadOnlySpan<byte> body)
    {
        if (header.Kind == BlockKind.Payments && header.AttachmentBytes > 0)
            (_evidence ??= new EvidenceAudit(header.LedgerId, _checksSignatures)).Check(in header, body, replay.State);
    }

    private void CompareSnapshot(BlockReplay replay, ulong block)
    {
        for (int i = 0; i < _snapshots.Count; i++)
        {
            SnapshotCheck snapshot = _snapshots[i];
            if (snapshot.Block != block || snapshot.Fault is not null)
                continue;
            bool same = snapshot.StateHash == replay.State.Batch.StateHashNow();
            _snapshots[i] = snapshot with { IsCompared = true, Fault = same ? null : $"its state is not the one that the journal gives behind block {block}" };
        }
    }

    /// <summary>A journal that ends before a block behind which a snapshot was taken has lost it.</summary>
    private static SnapshotCheck AgainstEnd(SnapshotCheck snapshot, ulong nextBlock) =>
        snapshot.Fault is null && snapshot.Block >= nextBlock
            ? snapshot with { Fault = $"it was taken behind block {snapshot.Block}, and the journal ends with block {nextBlock - 1}: the journal has lost its tail. Restore it from a backup or a standby" }
            : snapshot;

    private void Count(BlockReplay replay, in BlockHeader header, ReadOnlySpan<byte> body)
    {
        if (header.Kind == BlockKind.Seal)
            CheckSignature(replay, in header, body);
        _payments += header.Kind == BlockKind.Payments ? header.Count : 0;
        _blocks++;
        _sequence = header.FirstSequence + header.Count - 1;
        _timeNs = header.TimeNs;
    }

    /// <summary>The statement was compared by applying the block; here its signature is held against the key in the genesis.</summary>
    private void CheckSignature(BlockReplay replay, in BlockHeader header, ReadOnlySpan<byte> body)
    {
        _seals ??= new SealVerifier(header.LedgerId, replay.State.Genesis);
        int statementBytes = body.Length - (int)header.AttachmentBytes;
        var batch = ClosedBatch.Decode(body[..statementBytes]);
        if (_seals.FaultOf(batch, body[statementBytes..]) is { } fault)
            throw new LedgerBrokenException($"the seal of batch {batch.Number} {fault}");
        foreach ((string path, Receipt receipt) in _receipts)
        {
            if (receipt.Header.Number == batch.Number && receipt.Header.Bytes.SequenceEqual(_seals.HeaderOf(batch).Bytes))
                _matched.Add(path);
        }

        _sealed++;
        _lastSealed = batch.Number;
    }

    private ReceiptMatch Match(string path, Receipt receipt, ulong begunBehind)
    {
        var match = new ReceiptMatch(path, receipt.Header.Number);
        NodeKey? key = _seals is null || _seals.Key.IsNone ? null : _seals.Key;
        if (ReceiptCheck.Of(receipt, key) is { IsValid: false } invalid)
            return match with { Fault = $"it proves nothing: {invalid.What}" };
        if (_matched.Contains(path))
            return match;
        return match with
        {
            Fault = receipt.Header.Number > _lastSealed
                ? $"batch {receipt.Header.Number} was sealed and is not in the journal, whose last seal is of batch {_lastSealed}: the journal has lost its tail. Restore it from a backup or a standby"
                : receipt.Header.LastSequence <= begunBehind
                    ? $"batch {receipt.Header.Number} lies in front of where the verification began"
                    : $"batch {receipt.Header.Number} of the journal is another one: this is not the journal of which the receipt was made",
        };
    }

    private BlockReplay NewReplay() => new(NewDeduplicator) { Closed = batch => _lastBatch = batch };

    private Deduplicator NewDeduplicator(Genesis genesis)
    {
        _store?.Dispose();
        _store = new FasterIdStore(_scratch.Path);
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesDefault, _store);
    }

    private static Finding EndOf(JournalReader reader)
    {
        JournalEnd end = reader.End!;
        return new(
            end.Kind switch
            {
                JournalEndKind.End => JournalFinding.Clean,
                JournalEndKind.TornTail => JournalFinding.TornTail,
                _ => JournalFinding.Damage,
            },
            reader.FileOf(end.Address), reader.OffsetOf(end.Address), end.Block, end.What);
    }
}
