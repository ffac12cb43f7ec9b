using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Simulation;

/// <summary>
/// A node alone, on one thread: the product's journal on FASTER's log, its recovery, snapshots, settling and trees, without the threads that carry
/// blocks from one to the next.
/// </summary>
/// <remarks>Invariant: nothing is told before the journal says that its block is durable.</remarks>
internal sealed class LoneReplica(string folder, string archive, SimulatedDisk disk, Mutant mutant) : IJournalRecovery, IDisposable
{
    /// <summary>Small pages and segments, so that a run of some hundred blocks goes over many of both.</summary>
    public static readonly JournalOptions JournalOptions = new()
    {
        PageBytes = 16 << 10, MemoryBytes = 32 << 10, SegmentBytes = 64 << 10, PrimeAheadBytesMax = 0, Device = JournalDevice.Direct, WritesInline = true,
    };

    public static readonly Genesis Genesis = new()
    {
        AccountsMax = 256, ParticipantsMax = 8, CurrenciesMax = 4, SessionsMax = 16, StreamsMax = 8, TargetsMax = 4_096, SumsMax = 128,
    };

    public const ulong LedgerId = 7;

    private readonly Queue<ClosedBatch> _unsealed = new();
    private FasterJournal? _journal;
    private BlockReplay? _replay;
    private MemoryIdStore? _store;

    public bool IsUp => _journal is not null;

    private FasterJournal Journal => _journal ?? throw new InvalidOperationException("the replica is down");

    public BlockReplay Replay => _replay ?? throw new InvalidOperationException("the replica is down");

    public ulong LastTimeNs => Journal.LastTimeNs;

    public ulong LastBlock => Journal.LastBlock;

    public int UnsealedCount => _unsealed.Count;

    /// <summary>Told each batch as it is closed.</summary>
    public required Action<ClosedBatch> Published { get; init; }

    public void Create(ulong timeNs)
    {
        Genesis genesis = Genesis;
        ReadOnlySpan<byte> body = MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis));
        _journal = FasterJournal.Create(folder, LedgerId, timeNs, body, Options);
        _replay = new BlockReplay(NewDeduplicator);
        _replay.Apply(new BlockHeader { Kind = BlockKind.Genesis, LedgerId = LedgerId }, body);
        GoLive();
    }

    public RecoveryReport Open()
    {
        try
        {
            _journal = FasterJournal.Open(folder, Options, this, out RecoveryReport report);
            GoLive();
            return report;
        }
        catch
        {
            Close();
            throw;
        }
    }

    private JournalOptions Options => JournalOptions with { FileCalls = disk };

    private void GoLive()
    {
        if (mutant == Mutant.ForgetIdsOnRecovery)
            Mutation.ForgetAll(Replay.State.Ids, Genesis, _store!);
        _unsealed.Clear();
        foreach (ClosedBatch batch in Replay.Unsealed)
            Close(batch);
        Replay.Closed = Close;
    }

    private void Close(ClosedBatch batch)
    {
        _unsealed.Enqueue(batch);
        Published(batch);
    }

    SnapshotHead? IJournalRecovery.Begin(UInt128 ledgerId)
    {
        _replay = new SnapshotStore(folder).LoadNewest(ledgerId, () => new BlockReplay(NewDeduplicator), null, _ => { }, out SnapshotHead head);
        bool isLoaded = _replay is not null;
        _replay ??= new BlockReplay(NewDeduplicator);
        return isLoaded ? head : null;
    }

    void IJournalRecovery.Read(JournalReader reader)
    {
        while (reader.Next())
            Replay.Apply(in reader.Header, reader.Body);
    }

    private Deduplicator NewDeduplicator(Genesis genesis)
    {
        _store?.Dispose();
        _store = new MemoryIdStore();
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, _store);
    }

    /// <summary>Seals the claim into a block, makes it durable, applies it.</summary>
    /// <returns>Null: the block did not become durable; nobody may be told anything.</returns>
    /// <exception cref="JournalFailedException">The disk failed.</exception>
    public Outcome[]? Submit(Claim claim, ulong clockNs, out ulong firstSequence)
    {
        firstSequence = Journal.NextSequence;
        var header = new BlockHeader
        {
            Kind = claim.IsControl ? BlockKind.Control : BlockKind.Payments,
            FirstSequence = firstSequence,
            Count = (uint)claim.Slots.Length,
            TimeNs = JournalStage.TimeAfter(Journal.LastBlock != 0, Journal.LastTimeNs, clockNs, claim.AcceptsTime),
        };
        ReadOnlySpan<Payment> slots = mutant == Mutant.CutOffOffByOne && claim.IsControl ? Mutation.WithLaterCutOff(claim.Slots) : claim.Slots;
        return Append(ref header, MemoryMarshal.AsBytes(claim.Slots.AsSpan()), MemoryMarshal.AsBytes(slots)) ? Replay.Outcomes.ToArray() : null;
    }

    /// <summary>A node that is idle journals a tick when a batch's age is due.</summary>
    public void TickIfDue(ulong clockNs)
    {
        ulong now = JournalStage.TimeAfter(Journal.LastBlock != 0, Journal.LastTimeNs, clockNs, acceptsTime: false);
        bool isOver = Replay.State.Batch.DueNs is { } due && now >= due;
        if (!isOver && now - Journal.LastTimeNs < Limits.TimeStepMaxNs / 2)
            return;
        var header = new BlockHeader { Kind = BlockKind.Tick, FirstSequence = Journal.NextSequence, TimeNs = now };
        Append(ref header, default, default);
    }

    /// <summary>Journals the statement of the oldest batch that has no seal.</summary>
    public void Seal()
    {
        if (!_unsealed.TryPeek(out ClosedBatch? batch))
            return;
        byte[] statement = batch.Encode();
        var header = new BlockHeader { Kind = BlockKind.Seal, FirstSequence = Journal.NextSequence, TimeNs = Journal.LastTimeNs };
        if (Append(ref header, statement, statement))
            _unsealed.Dequeue();
    }

    private bool Append(ref BlockHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> applied)
    {
        ulong number = Journal.Append(ref header, body, default);
        if (mutant == Mutant.AcknowledgeBeforeFlush)
        {
            if (number % 4 == 0)
                Journal.Commit();
            Replay.Apply(in header, applied);
            return true;
        }

        Journal.Commit();
        if (Journal.DurableBlock < number)
            return false;
        Replay.Apply(in header, applied);
        return true;
    }

    public SnapshotTaken? TakeSnapshot(bool cut)
    {
        var options = new SnapshotOptions
        {
            IdMemoryBytes = Deduplicator.IdMemoryBytesMin, WriteBytesPerSecondMax = 0, Cut = cut, Archive = archive, NewIdStore = _ => new MemoryIdStore(),
        };
        return SnapshotTaking.Take(folder, options, _ => { });
    }

    /// <summary>Lets go of everything: in good order if the disk still works, else as a process that is gone.</summary>
    public void Close()
    {
        _replay?.Dispose();
        _journal?.Dispose();
        _store?.Dispose();
        (_replay, _journal, _store) = (null, null, null);
        _unsealed.Clear();
    }

    public void Dispose() => Close();
}
