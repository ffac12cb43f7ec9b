using Settlement.Engine;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Engine.Ring;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve.Roles;

/// <summary>A single node: it leads from its start to its end.</summary>
internal sealed class NodeEngine : LedgerEngine
{
    private readonly Node _node;

    /// <param name="node">Stays the caller's.</param>
    /// <param name="frames">Of its replies.</param>
    public NodeEngine(Node node, PendingFrames frames)
    {
        _node = node;
        Begin(new Leadership(node.Pipeline, frames));
    }

    public override UInt128 LedgerId => _node.LedgerId;

    public override EngineStoppedException? Failure => _node.Pipeline.Failure;

    public override ulong Sequence => _node.Pipeline.Progress.Sequence;

    public override DiskFigures Disk => _node.Disk;

    public override PipelineProgress Progress => _node.Pipeline.Progress;

    public override bool TryAsk(IStateQuery query) => _node.Pipeline.TryAsk(query);
}
