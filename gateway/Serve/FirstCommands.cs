using Settlement.Engine;
using Settlement.Engine.Journal;
using Settlement.Engine.Ledger;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Serve;

/// <summary>What a node journals before it lets clients in: the operator's word about the time, by his having started it, and a new ledger's cut-offs.</summary>
internal static class FirstCommands
{
    /// <summary>Sends them, and waits until they are decided. While nobody else writes.</summary>
    /// <param name="setUp">Made while the state could be read.</param>
    /// <param name="pipeline">Of this leadership.</param>
    /// <exception cref="Engine.Ring.EngineStoppedException">The engine stopped, or leads no longer.</exception>
    public static void Send(LedgerSetUp setUp, Pipeline pipeline)
    {
        setUp.AcceptTime(BlockClock.System.NowNs);
        setUp.ApplyFirstSettings(new SettleOptions());
        pipeline.Drain();
    }

    /// <param name="state">To be read now.</param>
    /// <param name="pipeline">That they will go to.</param>
    public static LedgerSetUp SetUpOf(LedgerState state, Pipeline pipeline) => new(state, new Submitter(pipeline, null), LedgerOpening.ScalesOf(state));
}
