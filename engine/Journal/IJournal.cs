using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal;

/// <summary>
/// The durable, ordered, append-only sequence of blocks. One thread (the journal stage) appends and commits; any thread may
/// ask what is durable. A block that was ever reported durable survives the loss of the process and of power.
/// </summary>
/// <remarks>
/// Failure assumed: any write may fail, be cut short, or tear at any byte when power goes. After the first failed write
/// nothing is acknowledged and every call throws <see cref="JournalFailedException"/>: what the disk holds is then only
/// known by opening the journal again, which verifies every block.
/// </remarks>
public interface IJournal : IDisposable
{
    /// <summary>
    /// Seals a block (magic, version, ledger, number, chain, CRC, body length are filled in; kind, sequence, count, time, term
    /// and attachment length are the caller's) and appends it. Returns at once, unless the log's memory is full: then it
    /// waits for the disk. The body may come in two parts, as a ring gives it at its wrap, and with an attachment behind them, whose length the header states.
    /// </summary>
    /// <returns>The block's number.</returns>
    /// <exception cref="ArgumentException">The body is larger than a block may be, or sequence or time do not continue the journal.</exception>
    /// <exception cref="JournalFailedException">The disk failed, now or before.</exception>
    ulong Append(ref BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment = default);

    /// <summary>
    /// Starts to make all appended blocks durable. Does not wait for the disk (but for the room of a 48-byte record, where the
    /// log's memory is full). Commits made while the disk is busy are written together.
    /// </summary>
    void Commit();

    /// <summary>Number of the last appended block.</summary>
    ulong LastBlock { get; }

    /// <summary>Time of the last block, ns since the epoch; the next may not be earlier.</summary>
    ulong LastTimeNs { get; }

    /// <summary>Highest block number that is known to be on disk, with all before it. Any thread.</summary>
    ulong DurableBlock { get; }

    /// <summary>Blocks the calling thread until the block is durable. It must have been committed.</summary>
    /// <exception cref="JournalFailedException">The disk failed before that.</exception>
    void WaitDurable(ulong block);
}

/// <summary>A journal cannot be opened, created or read. The message says what, where, and what to do.</summary>
public class JournalException : Exception
{
    public JournalException(string message) : base(message) { }

    public JournalException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Whether its files are not as they were written: a block that was durable is missing or wrong. Who has a copy may repair it.</summary>
    public bool IsDamage { get; init; }
}

/// <summary>The disk under an open journal failed. Nothing after the last acknowledged block may be believed.</summary>
public sealed class JournalFailedException : JournalException
{
    public JournalFailedException(string message) : base(message) { }

    public JournalFailedException(string message, Exception inner) : base(message, inner) { }
}
