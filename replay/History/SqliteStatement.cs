using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Settlement.History;

/// <summary>
/// A prepared statement that is stepped with numbers, straight on SQLite's own calls: the provider's parameter objects would cost more than the
/// insertion. Errors are the provider's exceptions.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    public SqliteStatement(SqliteConnection connection, string sql)
    {
        _database = connection.Handle ?? throw new InvalidOperationException("the connection is not open");
        Check(raw.sqlite3_prepare_v2(_database, sql, out _statement));
    }

    /// <param name="place">From 1, as are all.</param>
    /// <param name="value">The bits of a signed number.</param>
    public void Bind(int place, ulong value) => Check(raw.sqlite3_bind_int64(_statement, place, unchecked((long)value)));

    public void Bind(int place, long value) => Check(raw.sqlite3_bind_int64(_statement, place, value));

    public void Bind(int place, ReadOnlySpan<byte> value) => Check(raw.sqlite3_bind_blob(_statement, place, value));

    public void Bind(int place, string value) => Check(raw.sqlite3_bind_text(_statement, place, value));

    /// <summary>An integer where it fits 64 signed bits, else decimal text: sums of 128 bits.</summary>
    public void Bind(int place, Int128 value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            Bind(place, (long)value);
        else
            Bind(place, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Runs it to its end.</summary>
    public void Execute()
    {
        int code = raw.sqlite3_step(_statement);
        int reset = raw.sqlite3_reset(_statement);
        if (code != raw.SQLITE_DONE)
            Check(reset);
    }

    /// <summary>Goes to the next row; false, and ready to be bound again: there is none.</summary>
    public bool Read()
    {
        int code = raw.sqlite3_step(_statement);
        if (code == raw.SQLITE_ROW)
            return true;
        Reset();
        return false;
    }

    /// <summary>Lets go of the rows that were not read.</summary>
    public void Reset() => Check(raw.sqlite3_reset(_statement));

    /// <param name="column">From 0, as are all.</param>
    public long Number(int column) => raw.sqlite3_column_int64(_statement, column);

    public ulong Bits(int column) => unchecked((ulong)raw.sqlite3_column_int64(_statement, column));

    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_statement, column);

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    /// <summary>What <see cref="Bind(int, Int128)"/> bound.</summary>
    public Int128 Sum(int column) =>
        raw.sqlite3_column_type(_statement, column) == raw.SQLITE_INTEGER
            ? Number(column)
            : Int128.Parse(Text(column), System.Globalization.CultureInfo.InvariantCulture);

    public void Dispose() => _statement.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            SqliteException.ThrowExceptionForRC(code, _database);
    }
}
