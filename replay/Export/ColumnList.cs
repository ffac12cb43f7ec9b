using System.Text.Json;

namespace Settlement.Replay.Export;

/// <summary>The one place where the columns of all formats are told: `replay export --columns`, as Markdown or JSON.</summary>
internal static class ColumnList
{
    public static void Print(TextWriter output, bool json)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(ExportTables.All.Select(table => new
            {
                table = table.Name,
                meaning = table.Meaning,
                columns = table.Columns.Select(column => new { name = column.Name, type = column.SqlType, nullable = column.IsNullable, meaning = column.Meaning }),
            })));
            return;
        }

        foreach (TableSchema table in ExportTables.All)
        {
            output.WriteLine($"## {table.Name}");
            output.WriteLine();
            output.WriteLine(table.Meaning);
            output.WriteLine();
            output.WriteLine("| column | type | may be null | what |");
            output.WriteLine("|---|---|---|---|");
            foreach (Column column in table.Columns)
                output.WriteLine($"| {column.Name} | {column.SqlType} | {(column.IsNullable ? "yes" : "")} | {column.Meaning} |");
            output.WriteLine();
        }

        output.WriteLine("In CSV a null is an empty field. In JSON Lines, UBIGINT columns of wallets, units and nanoseconds, and all decimals, are text.");
        output.WriteLine("Text gives amounts at the currency's scale and times to the nanosecond; Parquet gives times in microseconds, rounded down.");
    }
}
