using System.Diagnostics;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Dedup.Spill;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;

namespace Settlement.Replay.Verify;

/// <summary>One verification, from the genesis block to the end of the journal or its first fault.</summary>
/// <remarks>
/// Nothing of the journal is written or locked. Ids that exceed the memory set aside for them spill into a temporary folder of
/// the run's own, which it deletes: beside a running node, the journal's own folder of ids is that node's.
/// <para>Failure assumed: a block that the reader finds whole, and that yet cannot be applied. It is named, and nothing behind it is read.</para>
/// </remarks>
internal sealed class VerifyRun : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("settlement-verify-").FullName;
    private readonly string _directory;
    private readonly JournalReader _reader;
    private readonly BlockReplay _replay;
    private FasterIdStore? _store;
    private SealVerifier? _seals;
    private ClosedBatch? _lastBatch;
    private long _payments;
    private long _sealed;

    private VerifyRun(string directory, JournalReader reader)
    {
        (_directory, _reader) = (directory, reader);
        _replay = new BlockReplay(NewDeduplicator) { Closed = batch => _lastBatch = batch };
    }

    /// <exception cref="JournalException">There is no journal that could be read, or it is of a newer format.</exception>
    public static VerifyReport Over(string directory)
    {
        if (!Directory.Exists(directory))
            throw new JournalException($"There is no directory '{directory}'. Name the directory of a journal.");
        using JournalReader reader = JournalReader.Open(directory);
        using var run = new VerifyRun(directory, reader);
        return run.Run();
    }

    public void Dispose()
    {
        _replay.Dispose();
        _store?.Dispose();
        _seals?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Deduplicator NewDeduplicator(Genesis genesis)
    {
        _store = new FasterIdStore(_folder);
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesDefault, _store);
    }

    private VerifyReport Run()
    {
        var watch = Stopwatch.StartNew();
        Finding? broken = ApplyAll();
        if (_reader.Blocks == 0 && _reader.End is { Kind: not JournalEndKind.Damage })
            throw new JournalException($"The journal in '{_directory}' holds no whole genesis block: its creation was cut short, and it never accepted anything.");
        Finding end = broken ?? EndOf(_reader.End!);
        watch.Stop();
        ulong blocksSound = _reader.Blocks - (broken is null ? 0UL : 1);
        return new VerifyReport
        {
            Journal = _directory,
            LedgerId = _reader.LedgerId,
            Blocks = blocksSound,
            Payments = _payments,
            Sequence = blocksSound == 0 ? 0 : _replay.State.Sequence,
            TimeNs = blocksSound == 0 ? 0 : _replay.State.TimeNs,
            Sealed = _sealed,
            Unsealed = _replay.Unsealed.Count,
            NodeKey = blocksSound == 0 ? default : _replay.State.Genesis.NodeKey,
            LastBatch = _lastBatch,
            Elapsed = watch.Elapsed,
            End = end,
        };
    }

    /// <returns>The block that cannot be applied; null: all can, up to where the reader ended.</returns>
    private Finding? ApplyAll()
    {
        try
        {
            while (_reader.Next())
            {
                ref readonly BlockHeader header = ref _reader.Header;
                _replay.Apply(in header, _reader.Body);
                if (header.Kind == BlockKind.Payments)
                    _payments += header.Count;
                else if (header.Kind == BlockKind.Seal)
                    CheckSignature(in header);
            }

            if (_reader.Blocks > 0)
            {
                _replay.State.VerifyConservation();
            }

            return null;
        }
        catch (LedgerBrokenException broken)
        {
            return new Finding(JournalFinding.Broken, _reader.File, _reader.FileOffset, _reader.Header.Number, broken.Message);
        }
    }

    /// <summary>The statement was compared by applying the block; here its signature is held against the key in the genesis.</summary>
    private void CheckSignature(in BlockHeader header)
    {
        _seals ??= new SealVerifier(_reader.LedgerId, _replay.State.Genesis);
        int statementBytes = _reader.Body.Length - (int)header.AttachmentBytes;
        var batch = ClosedBatch.Decode(_reader.Body[..statementBytes]);
        if (_seals.FaultOf(batch, _reader.Body[statementBytes..]) is { } fault)
            throw new LedgerBrokenException($"the seal of batch {batch.Number} {fault}");
        _sealed++;
    }

    private Finding EndOf(JournalEnd end) => new(
        end.Kind switch
        {
            JournalEndKind.End => JournalFinding.Clean,
            JournalEndKind.TornTail => JournalFinding.TornTail,
            _ => JournalFinding.Damage,
        },
        _reader.FileOf(end.Address), _reader.OffsetOf(end.Address), end.Block, end.What);
}
