using System.CommandLine;
using System.Runtime.InteropServices;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;

namespace Settlement.Replay.Tail;

/// <summary>`replay tail`: a queryable history that follows a journal.</summary>
internal static class TailCommand
{
    private const int SecondsMax = 86_400;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var target = new Argument<string?>("dir")
        {
            Description = "The projection's directory; made if it is not there. A projection that is there is kept up to date from where it ended.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var to = new Option<TailFormat?>("--to")
        {
            Description = $"sqlite: a database, {HistorySchema.FileName}, with payments, movements with running balances, batches and positions. parquet: files of payments, payments-FIRST-LAST.parquet.",
            HelpName = "sqlite|parquet",
        };
        var once = new Option<bool>("--once") { Description = "End at the journal's end instead of waiting for more." };
        var name = new Option<string?>("--name")
        {
            Description = $"The name under which the journal's `{JournalReaders.FolderName}` folder says how far the projection is; by default one that follows from the directory.",
            HelpName = "NAME",
        };
        var forget = new Option<string?>("--forget") { Description = "Take a name out of that folder: the journal is then no longer kept for it.", HelpName = "NAME" };
        var archive = new Option<string?>("--archive")
        {
            Description = "The folder that holds the files cut off the journal: a new projection begins with them.",
            HelpName = "DIR",
        };
        var rows = new Option<long?>("--rows")
        {
            Description = $"Rows at which a transaction or file is finished; by default {SqliteHistory.RowsMaxDefault} (a payment makes about three) and {ParquetHistory.RowsMaxDefault}.",
            HelpName = "N",
        };
        var seconds = new Option<double?>("--seconds")
        {
            Description = $"At the journal's end: time at which one is finished though it has fewer rows; by default {SqliteHistory.PeriodDefault.TotalSeconds} for sqlite, {ParquetHistory.PeriodDefault.TotalSeconds} for parquet.",
            HelpName = "T",
        };
        Option<bool> json = Verb.Json();
        var command = new Command(
            "tail",
            "Keeps a queryable history of a journal up to date, each row exactly once, until it is interrupted. The journal is only read, but for one file in its "
            + $"folder, {JournalReaders.FolderName}/NAME.json, written after every commit: it says how far the projection is, so that cutting the journal takes nothing away that is still needed.")
        {
            journal, target, to, once, archive, rows, seconds, name, forget, json,
        };
        command.Validators.Add(result =>
        {
            bool forgets = result.GetValue(forget) is not null;
            if (forgets && (result.GetValue(to) is not null || result.GetValue(target) is not null || result.GetValue(name) is not null))
                result.AddError("--forget NAME stands alone, behind the journal.");
            else if (!forgets && (result.GetValue(to) is null || result.GetValue(target) is null))
                result.AddError("--to sqlite DIR or --to parquet DIR is needed: what is to be kept up to date, and where.");
            else if ((result.GetValue(name) ?? result.GetValue(forget)) is { } given && !JournalReaders.IsName(given))
                result.AddError($"'{given}' is no name of a reader: letters, digits, dots, hyphens and underscores, up to {JournalReaders.NameCharsMax}, no dot in front.");
            else if (result.GetValue(rows) is < 1)
                result.AddError("--rows N: a number from 1 is expected.");
            else if (result.GetValue(seconds) is { } time && !(time is >= 0 and <= SecondsMax))
                result.AddError($"--seconds T: 0 to {SecondsMax} is expected.");
        });
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            if (parsed.GetValue(forget) is { } forgotten)
                return Forget(parsed.GetValue(journal)!, forgotten, parsed.GetValue(json), output);
            var options = new TailOptions
            {
                Journal = parsed.GetValue(journal)!,
                Target = parsed.GetValue(target)!,
                Format = parsed.GetValue(to)!.Value,
                Name = parsed.GetValue(name),
                Once = parsed.GetValue(once),
                Archive = parsed.GetValue(archive),
                RowsMax = parsed.GetValue(rows),
                Period = parsed.GetValue(seconds) is { } time ? TimeSpan.FromSeconds(time) : null,
            };
            using var stop = new CancellationTokenSource();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
            using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
            TailRun.Follow(options, WalkProgress.Over(options.Journal, error, parsed.GetValue(json)), stop.Token).Print(parsed.GetValue(json), output);
            return 0;

            void Stop(PosixSignalContext signal)
            {
                signal.Cancel = true; // the transaction at hand is finished first
                stop.Cancel();
            }
        }, stopsItself: true));
        return command;
    }

    private static int Forget(string journal, string name, bool json, TextWriter output)
    {
        if (!Directory.Exists(journal))
            throw Journals.NoDirectory(journal);
        if (!JournalReaders.Remove(journal, name))
            throw new UsageException($"The journal in '{journal}' has no reader '{name}'. Its readers are the files in '{Path.Combine(journal, JournalReaders.FolderName)}'.");
        output.WriteLine(json ? System.Text.Json.JsonSerializer.Serialize(new { journal, forgotten = name }) : $"{name} is no longer a reader of {journal}.");
        return 0;
    }
}
