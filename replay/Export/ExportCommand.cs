using System.CommandLine;
using Settlement.Replay.Common;
using Settlement.Replay.Export.Iso;

namespace Settlement.Replay.Export;

/// <summary>`replay export`: what a journal holds, with what became of it, as files that other software reads.</summary>
internal static class ExportCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        IsoOptions iso = new();
        IReadOnlyList<ExportFormat> formats = [.. ExportFormat.Tables, .. ExportFormat.Iso(iso)];
        string names = string.Join(", ", formats.Select(known => known.Name));

        Argument<string> journal = Verb.Journal();
        journal.Arity = ArgumentArity.ZeroOrOne; // --columns needs none
        Option<string?> format = new("--format") { Description = string.Join("; ", formats.Select(known => $"{known.Name}: {known.Meaning}")) + "." };
        Option<string?> directory = new("--out") { HelpName = "DIR", Description = "The folder to write to; made if there is none." };
        Option<string?> from = new("--from") { HelpName = "POINT", Description = $"Where to begin, this point included: {JournalPoint.Expected}. A batch: its first payment." };
        Option<string?> to = new("--to") { HelpName = "POINT", Description = "Where to end, this point included. A batch: its close. Default: end." };
        Option<string[]> tables = new("--tables")
        {
            HelpName = "NAMES", Description = $"Which tables, with commas between: {ExportTables.Names}. Default: all.", AllowMultipleArgumentsPerToken = true,
        };
        Option<bool> force = new("--force") { Description = "Replace files that are there." };
        Option<bool> columns = new("--columns") { Description = "Print what the columns of all tables are, and do nothing else." };
        Option<bool> json = Verb.Json();
        var command = new Command("export", "Applies a journal again and writes payments with verdicts, batches, positions and balances as files.")
        {
            journal, format, directory, from, to, tables, force, columns, json,
        };
        iso.AddTo(command);
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            bool asJson = parsed.GetValue(json);
            if (parsed.GetValue(columns))
            {
                ColumnList.Print(output, asJson);
                return 0;
            }

            string path = parsed.GetValue(journal) ?? throw new UsageException("Name the directory of a journal.");
            string name = parsed.GetValue(format) ?? throw new UsageException($"--format is missing: one of {names} is expected.");
            ExportFormat chosen = formats.FirstOrDefault(known => known.Name == name) ?? throw new UsageException($"--format {name}: one of {names} is expected.");
            bool isTables = ExportFormat.Tables.Contains(chosen);
            if ((isTables ? iso.FirstGiven(parsed) : parsed.GetResult(tables) is null ? null : tables.Name) is { } strange)
                throw new UsageException($"{strange} is not for --format {name}.");
            chosen.Export(new ExportRequest
            {
                Journal = path,
                Directory = parsed.GetValue(directory) ?? throw new UsageException("--out is missing: the folder to write to is expected."),
                From = parsed.GetValue(from) is { } first ? JournalPoint.Parse("--from", first) : null,
                To = parsed.GetValue(to) is { } last ? JournalPoint.Parse("--to", last) : JournalPoint.End,
                Tables = [.. (parsed.GetValue(tables) ?? []).SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
                Force = parsed.GetValue(force),
                Progress = () => WalkProgress.Over(path, error, asJson),
            }, parsed).Print(asJson, output);
            return 0;
        }));
        return command;
    }
}
