using System.CommandLine;
using Settlement.Replay.Common;
using Settlement.Replay.Export.Iso;

namespace Settlement.Replay.Export;

/// <summary>What an export was asked for, whatever its format.</summary>
internal sealed record ExportRequest
{
    public required string Journal { get; init; }

    /// <summary>The folder to write to.</summary>
    public required string Directory { get; init; }

    /// <summary>The first sequence, block time or batch to be exported; null: from the beginning.</summary>
    public JournalPoint? From { get; init; }

    /// <summary>The last one.</summary>
    public JournalPoint To { get; init; } = JournalPoint.End;

    /// <summary>Names of the tables wanted; empty: all.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Whether files that are there may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Makes a progress bar for a walk, which disposes it; null: nobody looks.</summary>
    public Func<WalkProgress?>? Progress { get; init; }

    /// <summary>Makes the stream of a path; null: a file.</summary>
    public Func<string, Stream>? CreateStream { get; init; }
}

/// <summary>What an export tells when it is done.</summary>
internal interface IExportSummary
{
    void Print(bool json, TextWriter output);
}

/// <summary>A format by name: what `replay export --format` chooses from.</summary>
/// <param name="Export">Is handed the command line, too, for options that only this format has.</param>
internal sealed record ExportFormat(string Name, string Meaning, Func<ExportRequest, ParseResult, IExportSummary> Export)
{
    /// <summary>The formats of tables.</summary>
    public static readonly IReadOnlyList<ExportFormat> Tables =
    [
        OfTables("csv", "tables as CSV files (RFC 4180)", (schema, stream) => new CsvTable(schema, stream)),
        OfTables("parquet", "tables as Apache Parquet files, Zstandard inside", (schema, stream) => new ParquetTable(schema, stream)),
        OfTables("jsonl", "tables as JSON Lines", (schema, stream) => new JsonLinesTable(schema, stream)),
    ];

    /// <summary>The formats of messages.</summary>
    /// <param name="options">Those that only these formats have.</param>
    public static IEnumerable<ExportFormat> Iso(IsoOptions options)
    {
        string[] meanings = ["ISO 20022 account statements", "ISO 20022 debit and credit notifications", "ISO 20022 settlement instructions for net positions"];
        return IsoFormats.Names.Zip(meanings, (name, meaning) => new ExportFormat(name, meaning, (request, parsed) =>
        {
            _ = IsoFormats.TryParse(name, out IsoFormat format);
            return IsoExport.Run(options.Read(parsed, new IsoRequest
            {
                Journal = request.Journal,
                Format = format,
                Out = request.Directory,
                From = request.From is { } from ? Before(from) : null,
                To = request.To,
                Force = request.Force,
                Progress = request.Progress,
            }));
        }));
    }

    /// <summary>An opening balance is that in front of the range's first payment.</summary>
    private static JournalPoint? Before(JournalPoint first) =>
        first.Kind == PointKind.End ? first : first.Value > 1 ? first with { Value = first.Value - 1 } : null;

    private static ExportFormat OfTables(string name, string meaning, Func<TableSchema, Stream, TableWriter> open) =>
        new(name, meaning, (request, _) => TableExport.Run(request, name, open));
}
