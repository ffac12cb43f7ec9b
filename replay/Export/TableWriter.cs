using Settlement.Engine.Domain;

namespace Settlement.Replay.Export;

/// <summary>
/// Writes rows of one table to a stream, in one of the formats: a call a column, in the schema's order, then <see cref="EndRow"/>; after the last
/// row <see cref="Finish"/>. Memory does not grow with the rows.
/// </summary>
/// <remarks>Invariant: every call is of its column's type, or it throws: a row that slipped by one column must never become a file.</remarks>
internal abstract class TableWriter(TableSchema schema) : IDisposable
{
    /// <summary>From here on a sum in whole units does not fit DECIMAL(38,18): 10^20.</summary>
    private static readonly Int128 s_wholeMax = (Int128)10_000_000_000 * 10_000_000_000;

    private int _column; // the next one of the row

    public TableSchema Schema { get; } = schema;

    public long Rows { get; private set; }

    public void Count(ulong value) => WriteNumber(Next(ColumnType.Count), value);

    public void UInt64(ulong value) => WriteNumber(Next(ColumnType.UInt64), value);

    public void UInt32(uint value) => WriteNumber(Next(ColumnType.UInt32), value);

    /// <summary>An amount of smallest units, of which 10^scale make a whole one.</summary>
    public void Amount(ulong units, int scale) => WriteAmount(Next(ColumnType.Amount), units, scale);

    /// <summary>A sum or net position; null where it does not fit.</summary>
    public void AmountOfSum(Int128 units, int scale)
    {
        int column = Next(ColumnType.Amount);
        Int128 limit = s_wholeMax * AmountText.UnitsPerWhole(scale);
        if (units < limit && units > -limit)
            WriteAmount(column, units, scale);
        else
            WriteNullChecked(column);
    }

    /// <exception cref="OverflowException">The sum has more than 38 digits: no ledger has so many payments.</exception>
    public void Units(Int128 units) => WriteUnits(Next(ColumnType.Units), units);

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    public void Time(ulong timeNs) => WriteTime(Next(ColumnType.Time), timeNs);

    public void Text(string text) => WriteText(Next(ColumnType.Text), text);

    public void Symbol(string text) => WriteText(Next(ColumnType.Symbol), text);

    public void Boolean(bool value) => WriteBoolean(Next(ColumnType.Boolean), value);

    public void Null()
    {
        CheckColumn();
        WriteNullChecked(_column++);
    }

    public void CountOrNull(ulong? value)
    {
        if (value is { } number)
            Count(number);
        else
            Null();
    }

    public void UInt64OrNull(ulong? value)
    {
        if (value is { } number)
            UInt64(number);
        else
            Null();
    }

    public void UInt32OrNull(uint? value)
    {
        if (value is { } number)
            UInt32(number);
        else
            Null();
    }

    public void AmountOrNull(ulong? units, int scale)
    {
        if (units is { } number)
            Amount(number, scale);
        else
            Null();
    }

    public void TimeOrNull(ulong? timeNs)
    {
        if (timeNs is { } time)
            Time(time);
        else
            Null();
    }

    public void TextOrNull(string? text)
    {
        if (text is not null)
            Text(text);
        else
            Null();
    }

    public void SymbolOrNull(string? text)
    {
        if (text is not null)
            Symbol(text);
        else
            Null();
    }

    public void EndRow()
    {
        if (_column != Schema.Columns.Count)
            throw new InvalidOperationException($"a row of {Schema.Name} has {_column} columns of {Schema.Columns.Count}");
        _column = 0;
        Rows++;
        WriteRowEnd();
    }

    /// <summary>Writes what is left, and flushes the stream. Nothing can be written behind it.</summary>
    public abstract void Finish();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void WriteNumber(int column, ulong value);

    protected abstract void WriteAmount(int column, Int128 units, int scale);

    protected abstract void WriteUnits(int column, Int128 units);

    protected abstract void WriteTime(int column, ulong timeNs);

    protected abstract void WriteText(int column, string text);

    protected abstract void WriteBoolean(int column, bool value);

    protected abstract void WriteNull(int column);

    protected abstract void WriteRowEnd();

    /// <summary>Does not finish the file: what is disposed before <see cref="Finish"/> was given up.</summary>
    protected abstract void Dispose(bool disposing);

    private void WriteNullChecked(int column)
    {
        if (!Schema.Columns[column].IsNullable)
            throw new InvalidOperationException($"{Schema.Name}.{Schema.Columns[column].Name} cannot be null");
        WriteNull(column);
    }

    private int Next(ColumnType type)
    {
        CheckColumn();
        if (Schema.Columns[_column].Type != type)
            throw new InvalidOperationException($"{Schema.Name}.{Schema.Columns[_column].Name} is {Schema.Columns[_column].Type}, not {type}");
        return _column++;
    }

    private void CheckColumn()
    {
        if (_column >= Schema.Columns.Count)
            throw new InvalidOperationException($"a row of {Schema.Name} has {Schema.Columns.Count} columns, no more");
    }
}
