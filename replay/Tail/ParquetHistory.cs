using System.Globalization;
using System.Text.RegularExpressions;
using DuckDB.NET.Data;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;
using Settlement.Replay.Export;

namespace Settlement.Replay.Tail;

/// <summary>Payments in Parquet files by sequence range, for query tools that read a folder of them: `select … from 'DIR/payments-*.parquet'`.</summary>
/// <remarks>
/// <code>
///   payments-00000000000000000001-00000000000000016384.parquet    sequences from .. to, those of commands among them, without gap or overlap
///   payments.partial                                              the file that is being written; deleted by whoever starts next
/// </code>
/// A file is whole when it has its name: it is written under another one, flushed, renamed. Its own metadata says behind which block it ends, so
/// the position is what the newest file says, and there is nothing beside the files that could say otherwise.
/// </remarks>
internal sealed partial class ParquetHistory : IProjection
{
    public const long RowsMaxDefault = 1_000_000;
    public static readonly TimeSpan PeriodDefault = TimeSpan.FromMinutes(1);

    private const string PartialName = "payments.partial";
    private const string KeyPrefix = "settlement.";

    private readonly string _directory;
    private readonly UInt128 _ledgerId;
    private PaymentRows? _rows;
    private FileStream? _stream;
    private ParquetTable? _table;

    /// <param name="directory">Where the files are, or shall be.</param>
    /// <param name="ledgerId">The journal's.</param>
    /// <exception cref="UsageException">The files that are there do not follow one another, or are of another ledger.</exception>
    public ParquetHistory(string directory, UInt128 ledgerId)
    {
        (_directory, _ledgerId) = (directory, ledgerId);
        File.Delete(PathOf(PartialName));
        Position = PositionOf(NewestFile());
    }

    public TailPosition? Position { get; private set; }

    public long RowsPending => _table?.Rows ?? 0;

    public long RowsMax { get; init; } = RowsMaxDefault;

    public TimeSpan Period { get; init; } = PeriodDefault;

    public void Resume(JournalWalk walk)
    {
        _rows = new PaymentRows(walk);
        _rows.BeginBehind();
    }

    public void Take(JournalWalk walk)
    {
        _rows ??= new PaymentRows(walk);
        _rows.BeginBlock();
        while (_rows.Next(out PaymentRow row))
            row.WriteTo(_table ??= Begin());
    }

    /// <summary>Finishes the file; without rows there is none, and the position stays.</summary>
    public void Commit(in TailPosition position, JournalWalk walk)
    {
        if (_table is null)
            return;
        ulong first = (Position?.Sequence ?? 0) + 1;
        _table.Metadata =
        [
            Entry("ledger", position.LedgerId.ToString("x32", CultureInfo.InvariantCulture)),
            Entry("first_sequence", Text(first)), Entry("sequence", Text(position.Sequence)), Entry("block", Text(position.Block)),
            Entry("address", Text((ulong)position.Address)), Entry("chain", position.Chain.ToString()), Entry("time_ns", Text(position.TimeNs)),
        ];
        _table.Finish();
        _stream!.Flush(flushToDisk: true);
        Close();
        File.Move(PathOf(PartialName), PathOf(string.Create(CultureInfo.InvariantCulture, $"payments-{first:d20}-{position.Sequence:d20}.parquet")));
        if (OperatingSystem.IsLinux())
            _ = new LinuxFileCalls().SyncDirectory(_directory);
        Position = position;
    }

    public void Dispose()
    {
        if (_table is null)
            return;
        Close();
        File.Delete(PathOf(PartialName));
    }

    private ParquetTable Begin()
    {
        _stream = new FileStream(PathOf(PartialName), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        return new ParquetTable(PaymentRow.Schema, _stream);
    }

    private void Close()
    {
        _table!.Dispose();
        _stream!.Dispose();
        (_table, _stream) = (null, null);
    }

    /// <summary>The file of the highest sequences; null: there are none.</summary>
    private string? NewestFile()
    {
        string? newest = null;
        ulong last = 0;
        foreach (string name in Directory.EnumerateFiles(_directory, "payments-*.parquet").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
        {
            Match range = FileName().Match(name);
            if (!range.Success)
                continue;
            ulong first = ulong.Parse(range.Groups[1].Value, CultureInfo.InvariantCulture);
            if (first != last + 1)
                throw new UsageException(
                    $"'{PathOf(name)}' begins with sequence {first}, where {last + 1} comes next: a file is missing or there twice. Put it right, or delete the files from there on: they are made again from the journal.");
            last = ulong.Parse(range.Groups[2].Value, CultureInfo.InvariantCulture);
            newest = name;
        }

        return newest;
    }

    private TailPosition? PositionOf(string? name)
    {
        if (name is null)
            return null;
        string path = PathOf(name);
        Dictionary<string, string> entries = MetadataOf(path);
        try
        {
            var ledger = UInt128.Parse(entries["ledger"], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (ledger != _ledgerId)
                throw new UsageException($"'{path}' is of ledger {ledger:x32}, the journal of ledger {_ledgerId:x32}. Name the directory of that ledger, or a new one.");
            return new TailPosition(
                ledger, Number("sequence"), Number("block"), (long)Number("address"), Digest.From(Convert.FromHexString(entries["chain"])), Number("time_ns"));
        }
        catch (Exception malformed) when (malformed is KeyNotFoundException or FormatException or OverflowException or ArgumentException)
        {
            throw new UsageException($"'{path}' does not say where it ends: it was not written by `replay tail`. Name another directory.");
        }

        ulong Number(string key) => ulong.Parse(entries[key], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static Dictionary<string, string> MetadataOf(string path)
    {
        try
        {
            using var connection = new DuckDBConnection("DataSource=:memory:");
            connection.Open();
            using DuckDBCommand command = connection.CreateCommand();
            command.CommandText = "select decode(key), decode(value) from parquet_kv_metadata($path)";
            command.Parameters.Add(new DuckDBParameter("path", Literal(path)));
            using DuckDBDataReader rows = command.ExecuteReader();
            var entries = new Dictionary<string, string>();
            while (rows.Read())
            {
                if (rows.GetString(0).StartsWith(KeyPrefix, StringComparison.Ordinal))
                    entries[rows.GetString(0)[KeyPrefix.Length..]] = rows.GetString(1);
            }

            return entries;
        }
        catch (DuckDBException fault)
        {
            throw new UsageException($"'{path}' cannot be read as a Parquet file ({fault.Message.ReplaceLineEndings(" ")}). Delete it, and it is made again from the journal.");
        }
    }

    /// <summary>DuckDB reads a path as a pattern.</summary>
    private static string Literal(string path) => Wildcard().Replace(path, "[$0]");

    private static KeyValuePair<string, string> Entry(string key, string value) => new(KeyPrefix + key, value);

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private string PathOf(string name) => Path.Combine(_directory, name);

    [GeneratedRegex(@"[\[*?]", RegexOptions.CultureInvariant)]
    private static partial Regex Wildcard();

    [GeneratedRegex(@"^payments-(\d{20})-(\d{20})\.parquet$", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
