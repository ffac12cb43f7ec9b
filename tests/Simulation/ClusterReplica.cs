using System.Runtime.InteropServices;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Engine.Snapshots;
using Settlement.Tests.Dedup;

namespace Settlement.Tests.Simulation;

/// <summary>
/// One of several replicas, on the simulation's thread: the product's replicated log on FASTER's, recovery, snapshots, settling and trees, and a small consensus in the place of the
/// library's.
/// </summary>
/// <remarks>
/// Invariant: what is applied is committed; a follower answers for what is on its disk; a vote is remembered over restarts. The consensus' term and vote
/// are kept by the simulation, as a file that is flushed before every answer would keep them.
/// Failure assumed: its disk's faults, and messages that are lost, late, doubled and out of order. A replica whose journal is refused starts anew, counts for no quorum and
/// gives no vote until it has all that a confirmed leader has.
/// </remarks>
internal sealed partial class ClusterReplica(int index, int count, string folder, SimulatedDisk disk, Mutant mutant) : IDisposable
{
    private const int RecentBytes = 16 << 10;

    private byte[] _buffer = new byte[4096];
    private ReplicaLog? _log;
    private BlockReplay? _replay;
    private MemoryIdStore? _store;

    public int Index => index;

    public SimulatedDisk Disk => disk;

    public bool IsUp => _log is not null;

    public bool IsLeading { get; private set; }

    /// <summary>It leads, and has applied all that was committed before: it takes claims.</summary>
    public bool TakesClaims => IsUp && IsLeading && Applied >= _termBlock;

    public ulong Term { get; private set; }

    public bool IsRecovering { get; private set; }

    public int Incarnation { get; private set; }

    public ulong Applied { get; private set; }

    public ReplicaLog Log => _log ?? throw new InvalidOperationException("the replica is down");

    public BlockReplay Replay => _replay ?? throw new InvalidOperationException("the replica is down");

    public long ClockErrorNs { get; set; }

    /// <summary>Times that it was elected.</summary>
    public int Elections { get; private set; }

    /// <summary>Suffixes of the log that were replaced.</summary>
    public int Cuts { get; private set; }

    public required Action<ClusterMessage> Send { get; init; }

    /// <summary>Told what a leader's claim came to.</summary>
    public required Action<Claim, ulong, Outcome[]> Answered { get; init; }

    /// <summary>Told of claims whose fate nobody will tell.</summary>
    public required Action<Claim> NotAnswered { get; init; }

    public required Action<ClosedBatch> Published { get; init; }

    /// <summary>Told every block that is applied.</summary>
    public required Action<BlockHeader> OnApplied { get; init; }

    /// <summary>A cut is at a step; true: power goes there.</summary>
    public required Func<string, bool> CutStep { get; init; }

    public void Create(ulong timeNs)
    {
        Genesis genesis = LoneReplica.Genesis;
        FasterJournal.Create(folder, LoneReplica.LedgerId, timeNs, MemoryMarshal.AsBytes(new ReadOnlySpan<Genesis>(in genesis)), Options).Dispose();
    }

    private JournalOptions Options => LoneReplica.JournalOptions with { FileCalls = disk };

    public void Open()
    {
        try
        {
            _log = ReplicaLog.Open(folder, Options, new DiskSignals(WaitStrategyKind.Blocking), out _, RecentBytes);
            _log.CutStep = step =>
            {
                if (CutStep(step))
                    throw new SimulatedPowerCut();
            };
            _replay = new SnapshotStore(folder).LoadNewest(LoneReplica.LedgerId, NewReplay, head => head.Block <= _log.CommittedBlock, _ => { }, out SnapshotHead head);
            Applied = _replay is null ? 0 : head.Block;
            _replay ??= NewReplay();
            _replay.Closed = Published;
            if (!_replay.HasState)
                Apply(0);
            if (mutant == Mutant.ForgetVote)
                _votedFor = -1;
            ApplyCommitted();
        }
        catch
        {
            Close();
            throw;
        }
    }

    private BlockReplay NewReplay() => new(genesis =>
    {
        _store?.Dispose();
        _store = new MemoryIdStore();
        return new Deduplicator(in genesis, Deduplicator.IdMemoryBytesMin, _store);
    });

    /// <summary>Its journal is lost: it starts with nothing but its term and vote.</summary>
    public void StartAnew(ulong genesisTimeNs)
    {
        Close();
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        Incarnation++;
        IsRecovering = true;
        Create(genesisTimeNs);
        Open();
    }

    public void Close()
    {
        StepDown();
        _log?.Dispose();
        _replay?.Dispose();
        _store?.Dispose();
        (_log, _replay, _store) = (null, null, null);
        Applied = 0;
    }

    public void Dispose() => Close();

    private void ApplyCommitted()
    {
        while (Applied < Log.CommittedBlock)
            Apply(Applied + 1);
    }

    private void Apply(ulong block)
    {
        int bytes = Log.Read(block, ref _buffer);
        if (bytes < 0)
            throw new BrokenPromiseException($"replica {index} has committed block {block} and cannot read it");
        BlockHeader header = MemoryMarshal.Read<BlockHeader>(_buffer);
        Replay.Apply(in header, _buffer.AsSpan(BlockHeader.Size, bytes - BlockHeader.Size));
        Applied = block;
        OnApplied(header);
        int found = _inFlight.FindIndex(claim => claim.Block == block);
        if (found < 0)
            return;
        InFlight answered = _inFlight[found];
        _inFlight.RemoveAt(found);
        Answered(answered.Claim, answered.FirstSequence, Replay.Outcomes.ToArray());
    }

    /// <summary>A snapshot of what is committed, by a second engine.</summary>
    public SnapshotTaken? TakeSnapshot()
    {
        var options = new SnapshotOptions { IdMemoryBytes = Deduplicator.IdMemoryBytesMin, WriteBytesPerSecondMax = 0, NewIdStore = _ => new MemoryIdStore() };
        return SnapshotTaking.Take(folder, options, _ => { });
    }
}

/// <summary>Power went in the midst of what the engine does between two writes.</summary>
internal sealed class SimulatedPowerCut : Exception
{
    public SimulatedPowerCut()
        : base("power went")
    {
    }
}
