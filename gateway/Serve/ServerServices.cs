using Microsoft.Extensions.Logging;
using Settlement.Engine.Batch;
using Settlement.Engine.Journal.Integrity;
using Settlement.Gateway.Serve.Roles;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve;

/// <summary>What a running server is made of, for all its ports.</summary>
/// <param name="Options">As it was started.</param>
/// <param name="Engine">The ring while this node leads, and the questions to the state.</param>
/// <param name="LedgerId">Which ledger it is.</param>
/// <param name="Ingress">Puts slots into the ring and awaits their outcomes.</param>
/// <param name="Keys">Finds whose a session key is.</param>
/// <param name="Wire">The binary port.</param>
/// <param name="Batches">Closed batches as they are published.</param>
/// <param name="Counters">What was counted since the start.</param>
/// <param name="Audit">What reading the files again has found.</param>
/// <param name="Logs">Makes logs.</param>
internal sealed record ServerServices(
    ServeOptions Options, LedgerEngine Engine, UInt128 LedgerId, IngressAdapter Ingress, ISessionKeys Keys, WireServer Wire, ClosedBatches Batches,
    ServerCounters Counters, AuditFigures Audit, ILoggerFactory Logs)
{
    private volatile bool _isOpen;

    /// <summary>Whether this node is of use to clients: it takes payments, or it answers reads as of nearly now.</summary>
    public bool IsReady => _isOpen && (Engine.IsReady || Engine.IsCaughtUp);

    public void Open() => _isOpen = true;

    public void Close() => _isOpen = false;
}

/// <summary>Hands closed batches to whoever wants them.</summary>
internal sealed class ClosedBatches : IBatchPublisher
{
    /// <summary>On the tree thread, in order; must not wait, and must not throw.</summary>
    public event Action<ClosedBatch>? Closed;

    public void OnClosed(ClosedBatch batch) => Closed?.Invoke(batch);
}
