namespace Settlement.Replay.Tail;

/// <summary>What a tail keeps up to date.</summary>
internal enum TailFormat
{
    Sqlite = 0,
    Parquet = 1,
}

internal sealed record TailOptions
{
    /// <summary>The journal's directory.</summary>
    public required string Journal { get; init; }

    /// <summary>The projection's directory.</summary>
    public required string Target { get; init; }

    public required TailFormat Format { get; init; }

    /// <summary>Under which name the tail is a reader of the journal; null: one that follows from the target.</summary>
    public string? Name { get; init; }

    /// <summary>Ends at the journal's end instead of waiting for more.</summary>
    public bool Once { get; init; }

    /// <summary>Folder with files that were cut off the journal; null: none.</summary>
    public string? Archive { get; init; }

    /// <summary>Rows at which a transaction or file is finished; null: as the format has it.</summary>
    public long? RowsMax { get; init; }

    /// <summary>Time at which one is finished; null: as the format has it.</summary>
    public TimeSpan? Period { get; init; }

    /// <summary>How often more is looked for at the journal's end.</summary>
    public TimeSpan PollPeriod { get; init; } = TimeSpan.FromMilliseconds(100);
}
