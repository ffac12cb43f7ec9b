using Settlement.Replay.Common;

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

    /// <summary>Told how far the export is; null: nobody. Owned by who exports.</summary>
    public WalkProgress? Progress { get; init; }

    /// <summary>Makes the stream of a path; null: a file.</summary>
    public Func<string, Stream>? CreateStream { get; init; }
}

/// <summary>One file of an export.</summary>
/// <param name="Table">What it holds.</param>
/// <param name="Rows">Of a table; messages or entries of another format.</param>
internal sealed record ExportedFile(string Table, string Path, long Rows, long Bytes);

/// <summary>What an export wrote, and of which journal.</summary>
/// <param name="Sequence">The last one read.</param>
/// <param name="TimeNs">Of the last block read, ns since the Unix epoch.</param>
/// <param name="Payments">Slots of payments that were read, exported or not.</param>
internal sealed record ExportReport(UInt128 LedgerId, ulong Sequence, ulong TimeNs, long Payments, IReadOnlyList<ExportedFile> Files);

/// <summary>A format by name: what `replay export --format` chooses from.</summary>
internal sealed record ExportFormat(string Name, string Meaning, Func<ExportRequest, ExportReport> Export)
{
    public static readonly IReadOnlyList<ExportFormat> All =
    [
        new("csv", "tables as CSV files (RFC 4180)", request => TableExport.Run(request, "csv", (schema, stream) => new CsvTable(schema, stream))),
        new("parquet", "tables as Apache Parquet files, Zstandard inside", request => TableExport.Run(request, "parquet", (schema, stream) => new ParquetTable(schema, stream))),
        new("jsonl", "tables as JSON Lines", request => TableExport.Run(request, "jsonl", (schema, stream) => new JsonLinesTable(schema, stream))),
    ];

    public static string Names => string.Join(", ", All.Select(format => format.Name));

    /// <exception cref="UsageException">There is none of this name.</exception>
    public static ExportFormat Find(string name) =>
        All.FirstOrDefault(format => format.Name == name) ?? throw new UsageException($"--format {name}: one of {Names} is expected.");
}
