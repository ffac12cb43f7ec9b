using System.CommandLine;
using Settlement.Replay.Common;
using Settlement.Replay.Export.Iso;

namespace Settlement.Replay.Export;

/// <summary>`replay export`: a journal's content as files that other programs read.</summary>
internal static class ExportCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var format = new Option<string>("--format")
        {
            Description = "camt.053 (statements), camt.054 (notifications), pacs.009 (settlement instructions).", Required = true,
        };
        var folder = new Option<string>("--out") { Description = "The folder that files are written to; made if it is not there.", Required = true };
        var from = new Option<string?>("--from") { Description = $"Begin behind this point: {JournalPoint.Expected}. Without it: with the ledger." };
        var to = new Option<string>("--to") { Description = "End at this point.", DefaultValueFactory = _ => "end" };
        var force = new Option<bool>("--force") { Description = "Replace files that are there." };
        Option<bool> json = Verb.Json();
        var command = new Command("export", "Writes ISO 20022 messages: account statements, notifications, settlement instructions.")
        {
            journal, format, folder, from, to, force, json,
        };
        IsoOptions iso = IsoOptions.AddTo(command);
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            string directory = parsed.GetValue(journal)!;
            bool asJson = parsed.GetValue(json);
            if (!IsoFormats.TryParse(parsed.GetValue(format)!, out IsoFormat isoFormat))
                throw new UsageException($"--format {parsed.GetValue(format)}: {string.Join(", ", IsoFormats.Names)} are expected.");
            IsoSummary summary = IsoExport.Run(iso.Read(parsed, new IsoRequest
            {
                Journal = directory,
                Format = isoFormat,
                Out = parsed.GetValue(folder)!,
                From = parsed.GetValue(from) is { } point ? JournalPoint.Parse("--from", point) : null,
                To = JournalPoint.Parse("--to", parsed.GetValue(to)!),
                Force = parsed.GetValue(force),
                Progress = () => WalkProgress.Over(directory, error, asJson),
            }));
            summary.Print(asJson, output);
            return 0;
        }));
        return command;
    }
}
