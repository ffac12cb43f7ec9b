using DuckDB.NET.Data;

namespace Settlement.Tests.Replay;

/// <summary>Asks DuckDB about a folder of Parquet files: other software than wrote them.</summary>
internal static class ParquetFiles
{
    /// <summary>How the files of a tail's folder stand in a query.</summary>
    public static string Of(string folder) => $"'{folder}/payments-*.parquet'";

    public static List<object[]> Query(string sql)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using DuckDBCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using DuckDBDataReader reader = command.ExecuteReader();
        var rows = new List<object[]>();
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }

        return rows;
    }

    public static long Number(string sql) => Convert.ToInt64(Query(sql)[0][0], System.Globalization.CultureInfo.InvariantCulture);
}
