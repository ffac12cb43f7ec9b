namespace Settlement.Engine.Journal.Integrity;

/// <summary>A journal that is in use, as its audit sees it.</summary>
internal interface IAuditedLog
{
    JournalFiles Files { get; }

    /// <summary>Through which its files are touched; null: the system's.</summary>
    IFileCalls? FileCalls { get; }

    /// <summary>Up to where it is on disk; what lies before is written no more, but for the last sector.</summary>
    long DurableEnd { get; }

    /// <summary>Changes when its end is taken away, and once more when that is done: odd in between. What was read before says nothing.</summary>
    long Cuts { get; }

    /// <summary>Gives a block that it still has in memory, or null; null itself: it keeps none.</summary>
    Func<ulong, byte[]?>? InMemory { get; }

    /// <summary>Runs something while its end stays; false: it was taken away since, and nothing was run.</summary>
    bool TryHold(long cuts, Action action);
}

/// <summary>How a journal is audited. Nothing here changes a verdict.</summary>
public sealed record AuditOptions
{
    /// <summary>Bytes a second that an audit reads; 0: there is none.</summary>
    public long BytesPerSecond { get; init; } = 4 << 20;

    /// <summary>Between the end of one pass over all files and the next.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>What an audit has come to, since the node was started. Any thread reads it.</summary>
public sealed class AuditFigures
{
    private long _bytes;
    private long _passes;
    private long _lastPassUnixMs;
    private long _found;
    private long _repaired;
    private volatile IReadOnlyList<JournalDamage> _standing = [];
    private volatile IReadOnlyList<string> _snapshots = [];

    /// <summary>Bytes read and checked.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Passes over all files that came to their end.</summary>
    public long Passes => Volatile.Read(ref _passes);

    /// <summary>When the last one did, in ms since the Unix epoch; 0: none has.</summary>
    public long LastPassUnixMs => Volatile.Read(ref _lastPassUnixMs);

    /// <summary>Damaged blocks found; damage between blocks counts as one.</summary>
    public long Found => Volatile.Read(ref _found);

    /// <summary>Of them, those repaired.</summary>
    public long Repaired => Volatile.Read(ref _repaired);

    /// <summary>Damage of the journal that stands.</summary>
    public IReadOnlyList<JournalDamage> Standing => _standing;

    /// <summary>Snapshots that are damaged, a sentence each.</summary>
    public IReadOnlyList<string> DamagedSnapshots => _snapshots;

    /// <summary>Damaged blocks that nobody has repaired.</summary>
    public long StandingBlocks => _standing.Sum(BlocksOf);

    /// <summary>What an operator should know; null: all is well, as far as it was read.</summary>
    public string? Sentence => _standing is [var first, ..]
        ? $"the journal is damaged at {first.Name}, {first.Place}{(_standing.Count > 1 ? $", and at {_standing.Count - 1} more places" : "")}, and was not repaired: {first.NotRepaired}"
        : _snapshots is [var snapshot, ..] ? snapshot : null;

    internal void Read(int bytes) => Volatile.Write(ref _bytes, _bytes + bytes);

    internal void Passed(IReadOnlyList<string> snapshots)
    {
        _snapshots = snapshots;
        Volatile.Write(ref _lastPassUnixMs, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        Volatile.Write(ref _passes, _passes + 1);
    }

    /// <returns>Whether it was not known before.</returns>
    internal bool Note(JournalDamage damage)
    {
        bool isNew = !_standing.Any(known => known.Address == damage.Address);
        if (isNew)
            Volatile.Write(ref _found, _found + BlocksOf(damage));
        if (damage.RepairedFrom is not null)
            Volatile.Write(ref _repaired, _repaired + BlocksOf(damage));
        _standing = [.. _standing.Where(known => known.Address != damage.Address), .. damage.RepairedFrom is null ? [damage] : (JournalDamage[])[]];
        return isNew;
    }

    /// <summary>What was known to be damaged between two addresses and was found whole stands no more.</summary>
    internal void Clear(long from, long to)
    {
        if (_standing.Count > 0)
            _standing = [.. _standing.Where(known => known.Address < from || known.Address >= to)];
    }

    private static long BlocksOf(JournalDamage damage) => Math.Max(1, (long)damage.Blocks);
}
