namespace Settlement.Engine.Journal;

/// <summary>Where block times come from: the one clock of the engine.</summary>
public abstract class BlockClock
{
    /// <summary>Nanoseconds since the Unix epoch.</summary>
    public abstract ulong NowNs { get; }

    /// <summary>The machine's clock, in steps of 100 ns.</summary>
    public static BlockClock System { get; } = new SystemClock();

    /// <summary>A clock that stands still: the same input then gives the same journal.</summary>
    public static BlockClock Fixed(ulong timeNs) => new FixedClock(timeNs);

    private sealed class SystemClock : BlockClock
    {
        public override ulong NowNs => (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
    }

    private sealed class FixedClock(ulong timeNs) : BlockClock
    {
        public override ulong NowNs => timeNs;
    }
}
