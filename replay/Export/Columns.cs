namespace Settlement.Replay.Export;

/// <summary>What a column holds, alike in all formats.</summary>
internal enum ColumnType
{
    /// <summary>64 bits, unsigned: wallets, smallest units, nanoseconds. Parquet UINT_64; JSON text, because readers round such numbers.</summary>
    UInt64 = 0,

    /// <summary>A number that stays below 2^53: sequences, blocks, batches, counts. Parquet INT_64, so that differences may be negative; a JSON number.</summary>
    Count = 1,

    /// <summary>32 bits, unsigned. Parquet UINT_32; a JSON number.</summary>
    UInt32 = 2,

    /// <summary>
    /// An amount in whole currency units. Parquet DECIMAL(38,18): 20 digits of a 64-bit number before the point and the largest scale behind it, so that
    /// one type holds every amount of every ledger. Text is at the currency's scale. A sum of 10^20 whole units or more is null; its units are there.
    /// </summary>
    Amount = 3,

    /// <summary>A sum of smallest units, 128 bits with a sign. Parquet DECIMAL(38,0); JSON text.</summary>
    Units = 4,

    /// <summary>UTC. Parquet TIMESTAMP in microseconds, rounded down; text to the nanosecond (RFC 3339).</summary>
    Time = 5,

    /// <summary>Parquet STRING.</summary>
    Text = 6,

    /// <summary>Text of few different values. Parquet STRING, each value written once a row group.</summary>
    Symbol = 7,

    Boolean = 8,
}

/// <summary>One column: name, type, whether it may be null, and what it says.</summary>
internal sealed record Column(string Name, ColumnType Type, bool IsNullable, string Meaning)
{
    public bool IsText => Type is ColumnType.Text or ColumnType.Symbol;

    /// <summary>The type as DuckDB and most query tools spell it.</summary>
    public string SqlType => Type switch
    {
        ColumnType.UInt64 => "UBIGINT",
        ColumnType.Count => "BIGINT",
        ColumnType.UInt32 => "UINTEGER",
        ColumnType.Amount => "DECIMAL(38,18)",
        ColumnType.Units => "DECIMAL(38,0)",
        ColumnType.Time => "TIMESTAMPTZ",
        ColumnType.Boolean => "BOOLEAN",
        _ => "VARCHAR",
    };
}

/// <summary>A table of an export: its name is the file's, its columns stand in this order in every format.</summary>
internal sealed class TableSchema(string name, string meaning, IReadOnlyList<Column> columns)
{
    public string Name { get; } = name;

    /// <summary>What one row is.</summary>
    public string Meaning { get; } = meaning;

    public IReadOnlyList<Column> Columns { get; } = columns;

    /// <summary>A column that always has a value.</summary>
    public static Column Needed(string name, ColumnType type, string meaning) => new(name, type, IsNullable: false, meaning);

    /// <summary>A column that may be null.</summary>
    public static Column Optional(string name, ColumnType type, string meaning) => new(name, type, IsNullable: true, meaning);
}
