using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export;

/// <summary>One file of an export of tables.</summary>
internal sealed record TableFile(string Table, string Path, long Rows, long Bytes);

/// <summary>What an export of tables wrote, and of which journal.</summary>
internal sealed record TableSummary : IExportSummary
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required ExportRequest Request { get; init; }

    public required string Format { get; init; }

    public required UInt128 LedgerId { get; init; }

    /// <summary>The last one read.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Of the last block read, ns since the Unix epoch.</summary>
    public required ulong TimeNs { get; init; }

    /// <summary>Slots of payments that were read, exported or not.</summary>
    public required long Payments { get; init; }

    public required IReadOnlyList<TableFile> Files { get; init; }

    public required TimeSpan Elapsed { get; init; }

    private double Rate => Elapsed > TimeSpan.Zero ? Payments / Elapsed.TotalSeconds : 0;

    public void Print(bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(Json());
            return;
        }

        Line(output, $"{Request.Journal}: ledger {LedgerId:x32}, read to sequence {Sequence:N0} of {TimeText.Format(TimeNs)}");
        foreach (TableFile file in Files)
            Line(output, $"  {file.Table,-10} {file.Rows,14:N0} rows {file.Bytes,16:N0} bytes  {file.Path}");
        Line(output, $"  time       {Elapsed.TotalSeconds:F2} s, {Rate:N0} payments/s");
    }

    private string Json() => JsonSerializer.Serialize(new
    {
        journal = Request.Journal,
        ledger = LedgerId.ToString("x32", CultureInfo.InvariantCulture),
        format = Format,
        @out = Request.Directory,
        from = Request.From?.ToString(),
        to = Request.To.ToString(),
        sequence = Sequence,
        time = TimeText.Format(TimeNs),
        payments = Payments,
        files = Files.Select(file => new { table = file.Table, path = file.Path, rows = file.Rows, bytes = file.Bytes }),
        seconds = Elapsed.TotalSeconds,
        payments_per_second = Rate,
    }, s_json);

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
