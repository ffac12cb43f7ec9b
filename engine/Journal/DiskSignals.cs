using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

/// <summary>
/// How the disk's thread tells the stages what is durable, and that it failed. Made before the journal is opened, since a journal is
/// told at once whom to call.
/// </summary>
public sealed class DiskSignals
{
    public DiskSignals(WaitStrategyKind kind)
    {
        Strategy = new WaitStrategy(kind);
        Stop = new StopSignal();
        DurableBlocks = new Sequence();
        Figures = new DiskFigures();
    }

    private DiskSignals(DiskSignals whole)
    {
        Strategy = whole.Strategy;
        Stop = new StopSignal(whole.Stop);
        DurableBlocks = whole.DurableBlocks;
        Figures = whole.Figures;
    }

    public WaitStrategy Strategy { get; }

    public StopSignal Stop { get; }

    /// <summary>Highest durable block; of a replica the highest committed one.</summary>
    public Sequence DurableBlocks { get; } // written by: the opener, then the disk's thread, or whoever learns of commits

    public DiskFigures Figures { get; }

    /// <summary>The same signals for stages that may end before the engine does.</summary>
    public DiskSignals Part() => new(this);

    /// <summary>The options with this as the receiver.</summary>
    public JournalOptions On(JournalOptions options) => options with { Durable = OnDurable, Failed = OnFailed, Figures = Figures };

    internal void OnDurable(ulong block)
    {
        DurableBlocks.Set((long)block);
        Strategy.SignalAllWhenBlocking();
    }

    internal void OnFailed(JournalFailedException cause) => Stop.Fail("journal device", cause);
}
