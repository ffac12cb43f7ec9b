using Settlement.Replay.Common;
using Settlement.Replay.Export;

namespace Settlement.Replay.Sql;

/// <summary>One table of an export's folder: its file `NAME.parquet`, `NAME.csv` or `NAME.jsonl`, or the pieces `NAME-*` of one that `replay tail` keeps.</summary>
internal sealed record SqlSource(TableSchema Table, string Ending, IReadOnlyList<string> Files)
{
    private static readonly string[] s_endings = ["parquet", "csv", "jsonl"];

    /// <summary>What the view selects; types are the export's in every format.</summary>
    public string Query => $"from {Ending switch
    {
        "parquet" => $"read_parquet({FileList})",
        "csv" => $"read_csv({FileList}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, columns = {Columns})",
        _ => $"read_json({FileList}, format = 'newline_delimited', columns = {Columns})",
    }}";

    private string FileList => $"[{string.Join(", ", Files.Select(SqlSession.Quoted))}]";

    private string Columns => $"{{{string.Join(", ", Table.Columns.Select(column => $"'{column.Name}': '{column.SqlType}'"))}}}";

    /// <exception cref="UsageException">There is no table, or one in two formats.</exception>
    public static IReadOnlyList<SqlSource> In(string directory)
    {
        if (!Directory.Exists(directory))
            throw new UsageException($"There is no folder '{directory}'. Name one that `replay export` wrote to.");
        var found = new List<SqlSource>();
        foreach (TableSchema table in ExportTables.All)
        {
            SqlSource[] sources = [.. s_endings.Select(ending => new SqlSource(table, ending, FilesOf(directory, table.Name, ending))).Where(source => source.Files.Count > 0)];
            if (sources.Length > 1)
                throw new UsageException($"{directory} has {table.Name} as {string.Join(" and as ", sources.Select(source => source.Ending))}. Keep one of them, or export to a folder of its own.");
            found.AddRange(sources);
        }

        return found.Count > 0 ? found : throw new UsageException($"{directory} has no table of an export: {ExportTables.Names}, each .parquet, .csv or .jsonl.");
    }

    private static List<string> FilesOf(string directory, string table, string ending)
    {
        List<string> files = [.. Directory.EnumerateFiles(directory, $"{table}-*.{ending}").Select(Path.GetFullPath).Order(StringComparer.Ordinal)];
        string file = Path.GetFullPath(Path.Combine(directory, $"{table}.{ending}"));
        if (File.Exists(file))
            files.Add(file);
        return files;
    }
}
