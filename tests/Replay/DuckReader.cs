using System.Globalization;
using DuckDB.NET.Data;
using Settlement.Replay.Export;
using Settlement.Replay.Sql;

namespace Settlement.Tests.Replay;

/// <summary>An export read by DuckDB, every value as DuckDB itself prints it. Fields of a row have a bar between them.</summary>
internal sealed class DuckReader : IDisposable
{
    private readonly DuckDBConnection _duck = new("DataSource=:memory:");

    public DuckReader()
    {
        _duck.Open();
        Rows("set TimeZone = 'UTC'");
    }

    /// <summary>With the export's tables as views, behind a prefix.</summary>
    public DuckReader Add(string directory, string prefix = "")
    {
        foreach (SqlSource source in SqlSource.In(directory))
            Rows($"create view {prefix}{source.Table.Name} as {source.Query}");
        return this;
    }

    /// <summary>A table whole, in its own order; times in microseconds.</summary>
    public List<string> Table(TableSchema table, string prefix = "") => Rows(
        $"select {string.Join(", ", table.Columns.Select(column => column.Type == ColumnType.Time ? $"epoch_us({column.Name})" : column.Name))} from {prefix}{table.Name}");

    public List<string> Rows(string query)
    {
        using DuckDBCommand command = _duck.CreateCommand();
        command.CommandText = query.StartsWith("select", StringComparison.Ordinal) ? $"select columns(*)::VARCHAR from ({query})" : query;
        using DuckDBDataReader reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(at =>
                reader.IsDBNull(at) ? "null" : Convert.ToString(reader.GetValue(at), CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    public void Dispose() => _duck.Dispose();
}
