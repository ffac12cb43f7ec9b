using Settlement.Client.Wire;
using Settlement.Engine;
using Settlement.Engine.Batch;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Cluster;

/// <summary>A cluster node's engine: it follows, and answers questions; or it leads, and has a ring besides. Which of the two is the consensus' to say.</summary>
/// <remarks>
/// <see cref="Lead"/> and <see cref="StepDown"/> are called in turn, by one task after the other. Between a leadership's beginning and its first commands being decided the node leads, and is not
/// ready: clients are sent away for that moment.
/// </remarks>
internal sealed class ReplicaEngine : LedgerEngine
{
    private readonly Replica _replica;
    private readonly ReplicaLog _log;
    private readonly EgressPublisher _egress;
    private readonly IBatchPublisher _batches;
    private readonly int _lagBlocksMax;
    private readonly int _ringSlots;
    private long _slotsSettledBefore; // in leaderships that are over; written by: who steps down
    private volatile bool _isOpen;

    public ReplicaEngine(Replica replica, ReplicaLog log, DiskFigures disk, EgressPublisher egress, IBatchPublisher batches, int ringSlots, int lagBlocksMax)
    {
        (_replica, _log, Disk, _egress, _batches, _ringSlots, _lagBlocksMax) = (replica, log, disk, egress, batches, ringSlots, lagBlocksMax);
    }

    /// <summary>Where clients reach the leader, as far as the consensus knows; set once, before ports open.</summary>
    public Func<NodeAddresses> LeaderKnown { get; set; } = () => NodeAddresses.None;

    /// <summary>Whether a leader was heard lately; set once, before ports open.</summary>
    public Func<bool> IsLed { get; set; } = () => false;

    public override UInt128 LedgerId => _log.LedgerId;

    public override EngineStoppedException? Failure => _replica.Failure;

    public override ulong Sequence => _replica.AppliedSequence;

    public override DiskFigures Disk { get; }

    public override bool SurvivesRoles => true;

    public override bool IsReady => _isOpen && base.IsReady;

    public override bool IsCaughtUp => Failure is null && (IsReady || (IsLed() && LagBlocks <= (ulong)_lagBlocksMax));

    public override NodeAddresses Leader => LeaderKnown();

    /// <summary>Blocks that are known to be committed and not applied yet.</summary>
    public ulong LagBlocks => _log.CommittedBlock is var committed && _replica.AppliedBlock is var applied && committed > applied ? committed - applied : 0;

    public ulong AppliedBlock => _replica.AppliedBlock;

    public override PipelineProgress Progress => Leading?.Pipeline.Progress is { } running
        ? running with { SlotsSettled = running.SlotsSettled + Volatile.Read(ref _slotsSettledBefore) }
        : new PipelineProgress
        {
            RingSlots = _ringSlots,
            SlotsSettled = Volatile.Read(ref _slotsSettledBefore),
            Sequence = _replica.AppliedSequence,
            LastBlock = _log.LastBlock,
            DurableBlock = _log.CommittedBlock,
            SettledBlock = _replica.AppliedBlock,
        };

    public override bool TryAsk(IStateQuery query) => _replica.TryAsk(query);

    /// <summary>Starts the stages on the live state.</summary>
    /// <param name="term">That was won.</param>
    /// <param name="cancel">The term is over before they have started.</param>
    /// <exception cref="OperationCanceledException">It was over.</exception>
    public Leadership Lead(ulong term, CancellationToken cancel)
    {
        _isOpen = false;
        PendingFrames frames = _egress.Begin();
        var leading = new Leadership(_replica.Lead(term, _egress, _batches, cancel), frames);
        Begin(leading);
        return leading;
    }

    /// <summary>Clients may come in.</summary>
    public void Open() => _isOpen = true;

    /// <summary>Ends the leadership, or the wait for one. When it returns nothing is appended any more, and whoever waits for an answer that will not come knows it.</summary>
    public void StepDown()
    {
        _isOpen = false;
        Leadership? ended = Take();
        ended?.Close();
        _replica.StepDown();
        if (ended is null)
            return;
        Volatile.Write(ref _slotsSettledBefore, _slotsSettledBefore + ended.Pipeline.Progress.SlotsSettled);
        TellEnded();
    }
}
