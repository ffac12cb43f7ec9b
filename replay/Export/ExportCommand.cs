using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>`replay export`: what a journal holds, with what became of it, as files that other software reads.</summary>
internal static class ExportCommand
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        Option<string?> format = new("--format") { Description = string.Join("; ", ExportFormat.All.Select(known => $"{known.Name}: {known.Meaning}")) + "." };
        Option<string?> directory = new("--out") { Description = "The folder to write to; made if there is none." };
        Option<string?> from = new("--from") { Description = $"Where to begin, that included: {JournalPoint.Expected.Replace(", or end", "", StringComparison.Ordinal)}." };
        Option<string?> to = new("--to") { Description = $"Where to end, that included: {JournalPoint.Expected}." };
        Option<string[]> tables = new("--tables")
        {
            Description = $"Which tables, with commas between: {ExportTables.Names}. All, unless said.",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<bool> force = new("--force") { Description = "Replace files that are there." };
        Option<bool> columns = new("--columns") { Description = "Print what the tables' columns are, and do nothing." };
        Option<bool> json = Verb.Json();
        var command = new Command("export", "Applies a journal again and writes payments with verdicts, batches, positions and balances as files.")
        {
            journal, format, directory, from, to, tables, force, columns, json,
        };
        journal.Arity = ArgumentArity.ZeroOrOne; // --columns needs none
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            if (parsed.GetValue(columns))
            {
                ColumnList.Print(output, parsed.GetValue(json));
                return 0;
            }

            ExportFormat chosen = ExportFormat.Find(parsed.GetValue(format) ?? throw Missing("--format", $"one of {ExportFormat.Names}"));
            string path = parsed.GetValue(journal) ?? throw new UsageException("Name the directory of a journal.");
            using WalkProgress? progress = WalkProgress.Over(path, error, parsed.GetValue(json));
            var request = new ExportRequest
            {
                Journal = path,
                Directory = parsed.GetValue(directory) ?? throw Missing("--out", "the folder to write to"),
                From = parsed.GetValue(from) is { } first ? JournalPoint.Parse("--from", first) : null,
                To = parsed.GetValue(to) is { } last ? JournalPoint.Parse("--to", last) : JournalPoint.End,
                Tables = [.. (parsed.GetValue(tables) ?? []).SelectMany(names => names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
                Force = parsed.GetValue(force),
                Progress = progress,
            };
            var watch = Stopwatch.StartNew();
            ExportReport report = chosen.Export(request);
            Print(output, parsed.GetValue(json), request, chosen, report, watch.Elapsed);
            return 0;
        }));
        return command;
    }

    private static UsageException Missing(string option, string what) => new($"{option} is missing: {what} is expected.");

    private static void Print(TextWriter output, bool json, ExportRequest request, ExportFormat format, ExportReport report, TimeSpan elapsed)
    {
        double rate = elapsed > TimeSpan.Zero ? report.Payments / elapsed.TotalSeconds : 0;
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                journal = request.Journal,
                ledger = report.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
                format = format.Name,
                @out = request.Directory,
                from = request.From?.ToString(),
                to = request.To.ToString(),
                sequence = report.Sequence,
                time = TimeText.Format(report.TimeNs),
                payments = report.Payments,
                files = report.Files.Select(file => new { table = file.Table, path = file.Path, rows = file.Rows, bytes = file.Bytes }),
                seconds = elapsed.TotalSeconds,
                payments_per_second = rate,
            }, s_json));
            return;
        }

        Line(output, $"{request.Journal}: ledger {report.LedgerId:x32}, read to sequence {report.Sequence:N0} of {TimeText.Format(report.TimeNs)}");
        foreach (ExportedFile file in report.Files)
            Line(output, $"  {file.Table,-10} {file.Rows,14:N0} rows {file.Bytes,16:N0} bytes  {file.Path}");
        Line(output, $"  time       {elapsed.TotalSeconds:F2} s, {rate:N0} payments/s");
    }

    private static void Line(TextWriter output, FormattableString line) => output.WriteLine(FormattableString.Invariant(line));
}
