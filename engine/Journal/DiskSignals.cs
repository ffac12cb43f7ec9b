using Settlement.Engine.Ring;

namespace Settlement.Engine.Journal;

/// <summary>
/// How the disk's thread tells the stages what is durable, and that it failed. Made before the journal is opened, since a journal is
/// told at once whom to call.
/// </summary>
public sealed class DiskSignals(WaitStrategyKind kind)
{
    public WaitStrategy Strategy { get; } = new(kind);

    public StopSignal Stop { get; } = new();

    /// <summary>Highest block that the stages may settle: on disk, and in a cluster on a quorum of disks.</summary>
    public Sequence DurableBlocks { get; } = new(); // written by: the opener, then the disk's thread, or who commits for the cluster

    public DiskFigures Figures { get; } = new();

    /// <summary>The options with this as the receiver.</summary>
    public JournalOptions On(JournalOptions options) => options with { Durable = OnDurable, Failed = OnFailed, Figures = Figures };

    internal void OnDurable(ulong block)
    {
        DurableBlocks.Set((long)block);
        Strategy.SignalAllWhenBlocking();
    }

    internal void OnFailed(JournalFailedException cause) => Stop.Fail("journal device", cause);
}
