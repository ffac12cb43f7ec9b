using System.CommandLine;
using System.Text.RegularExpressions;
using DuckDB.NET.Data;
using Settlement.Replay.Common;
using Settlement.Replay.Export;

namespace Settlement.Replay.Sql;

/// <summary>`replay sql`: a query over an export, or over a journal that is exported for it, by DuckDB in this process.</summary>
internal static partial class SqlCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> query = new("query") { Description = "One query, in quotes. Tables are views of their names; `replay export --columns` lists their columns." };
        Option<string?> over = new("--over") { HelpName = "DIR", Description = "A folder that `replay export` wrote to, in whichever format." };
        Option<string?> journal = new("--journal") { HelpName = "JOURNAL", Description = "A journal: the tables that the query names are exported to a temporary folder first." };
        Option<string?> from = new("--from") { HelpName = "POINT", Description = $"With --journal, where to begin: {JournalPoint.Expected}." };
        Option<string?> to = new("--to") { HelpName = "POINT", Description = "With --journal, where to end. Default: end." };
        Option<bool> csv = new("--csv") { Description = "Print CSV instead of a table." };
        Option<bool> json = new("--json") { Description = "Print JSON instead of a table." };
        var command = new Command("sql", "Runs a query over an export. Only the export's files can be read, and nothing is written.")
        {
            query, over, journal, from, to, csv, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            if (parsed.GetValue(over) is null == parsed.GetValue(journal) is null)
                throw new UsageException("Name what to query: either --over DIR, a folder that `replay export` wrote to, or --journal JOURNAL.");
            if (parsed.GetValue(csv) && parsed.GetValue(json))
                throw new UsageException("--csv and --json: one of them is expected.");
            if (parsed.GetValue(journal) is null && (parsed.GetValue(from) ?? parsed.GetValue(to)) is not null)
                throw new UsageException("--from and --to go with --journal: an export has its range already.");
            using var scratch = new ScratchFolder();
            string text = parsed.GetValue(query)!;
            string directory = parsed.GetValue(over) ?? Export(
                parsed.GetValue(journal)!, parsed.GetValue(from), parsed.GetValue(to), text, Path.Combine(scratch.Path, "export"), error);
            Run(text, directory, Path.Combine(scratch.Path, "spill"), parsed.GetValue(csv) ? SqlFormat.Csv : parsed.GetValue(json) ? SqlFormat.Json : SqlFormat.Table, output);
            return 0;
        }));
        return command;
    }

    private static string Export(string journal, string? from, string? to, string query, string directory, TextWriter error)
    {
        TableExport.Run(
            new ExportRequest
            {
                Journal = journal,
                Directory = directory,
                From = from is null ? null : JournalPoint.Parse("--from", from),
                To = to is null ? JournalPoint.End : JournalPoint.Parse("--to", to),
                Tables = TablesIn(query),
                Progress = () => WalkProgress.Over(journal, error, json: false),
            },
            "parquet",
            (schema, stream) => new ParquetTable(schema, stream));
        return directory;
    }

    /// <summary>The tables whose names occur in a query, wherever: those it can be about. None (`show tables`): all.</summary>
    private static string[] TablesIn(string query)
    {
        var words = Words().Matches(query).Select(word => word.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. ExportTables.All.Select(schema => schema.Name).Where(words.Contains)];
    }

    private static void Run(string query, string directory, string spill, SqlFormat format, TextWriter output)
    {
        try
        {
            using SqlSession session = SqlSession.Over(directory, spill);
            using DuckDBDataReader reader = session.Query(query);
            SqlOutput.Write(reader, format, output);
        }
        catch (DuckDBException fault)
        {
            throw new UsageException(SqlFault.Sentence(fault.Message));
        }
    }

    [GeneratedRegex(@"\w+", RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
