using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal;

/// <summary>Which device writes the log's segments. The files are the same.</summary>
public enum JournalDevice
{
    /// <summary>Direct on Linux, stock elsewhere.</summary>
    Automatic = 0,

    /// <summary>Our own: one thread, O_DIRECT and O_DSYNC, errors checked, tail sector kept. Linux only.</summary>
    Direct = 1,

    /// <summary>FASTER's ManagedLocalStorageDevice. It keeps no copy of the tail sector.</summary>
    Stock = 2,
}

/// <summary>
/// Settings of one opened journal. Page and segment size are fixed when a journal is created and read from it afterwards;
/// memory size may differ each time. They change speed, never verdicts.
/// </summary>
/// <remarks>
/// Memory: at most <see cref="MemoryBytes"/> for the log's pages, taken page by page as they are first used.
/// A block of 16,384 payments takes 1 MiB + 132 bytes, so a page of 2^n MiB holds 2^n - 1 of them and wastes 1 / 2^n: a
/// sixteenth at 16 MiB, a quarter at 4 MiB.
/// </remarks>
public sealed record JournalOptions
{
    public static readonly JournalOptions Default = new();

    /// <summary>For journals of a few thousand blocks (samples, tests): less memory. Blocks of up to 1 MiB still fit.</summary>
    public static readonly JournalOptions Small = new() { PageBytes = 2 << 20, MemoryBytes = 8 << 20, SegmentBytes = 32 << 20 };

    /// <summary>Bytes of a log page, a power of two. A block does not cross pages.</summary>
    public int PageBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of log kept in memory, a power of two, at least two pages.</summary>
    public int MemoryBytes { get; init; } = 64 << 20;

    /// <summary>Bytes of a log file, a power of two, at least a page.</summary>
    public long SegmentBytes { get; init; } = 256 << 20;

    /// <summary>How far ahead of the tail the log may be primed with zeros; 0: not at all.</summary>
    public long PrimeAheadBytesMax { get; init; } = 32 << 20;

    public JournalDevice Device { get; init; }

    /// <summary>The ledger that is expected; null: whichever it is.</summary>
    public UInt128? LedgerId { get; init; }

    /// <summary>
    /// Told the highest durable block each time it advances, in order, on the device's thread: it must not wait, and what it
    /// throws fails the journal.
    /// </summary>
    public Action<ulong>? Durable { get; init; }

    /// <summary>Told once, on the thread that saw it, when the journal has failed.</summary>
    public Action<JournalFailedException>? Failed { get; init; }

    /// <summary>Counts what the device does; null: nobody asks.</summary>
    public DiskFigures? Figures { get; init; }

    /// <summary>Asked on the device's thread for the last block known to be committed by a cluster; null: the journal is one node's own.</summary>
    internal Func<ulong>? Committed { get; init; }

    /// <summary>The calls that touch files; tests put faults behind it.</summary>
    internal IFileCalls? FileCalls { get; init; }

    internal JournalDevice DeviceHere => Device != JournalDevice.Automatic ? Device
        : OperatingSystem.IsLinux() ? JournalDevice.Direct : JournalDevice.Stock;

    internal void Check()
    {
        if (!IsPowerOfTwo(PageBytes) || PageBytes < 2 * JournalFiles.SectorBytes)
            throw new ArgumentException($"a page of {PageBytes} bytes: a power of two of at least {2 * JournalFiles.SectorBytes} is needed");
        if (!IsPowerOfTwo(MemoryBytes) || MemoryBytes < 2L * PageBytes)
            throw new ArgumentException($"a memory of {MemoryBytes} bytes: a power of two of at least two pages of {PageBytes} is needed");
        if (!IsPowerOfTwo(SegmentBytes) || SegmentBytes < PageBytes)
            throw new ArgumentException($"a segment of {SegmentBytes} bytes: a power of two of at least a page of {PageBytes} is needed");
    }

    private static bool IsPowerOfTwo(long value) => value > 0 && (value & (value - 1)) == 0;
}
