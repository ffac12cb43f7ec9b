using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Snapshots;
using Settlement.Replay.Common;

namespace Settlement.Replay.Snapshot;

/// <summary>`replay snapshot`: takes a snapshot beside a journal, and cuts the journal behind it if asked. The only verb that takes anything away.</summary>
internal static class SnapshotCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = new("journal") { Description = "The journal's directory. It may be in use. A snapshot is written into its folder `snapshots`." };
        Option<bool> json = Verb.Json();
        var cut = new Option<bool>("--cut") { Description = "Then take away the journal's first files, as far as two snapshots and every reader allow." };
        var archive = new Option<string?>("--archive") { Description = "Copy what is cut into this folder first. `replay verify --archive` reads both as one." };
        var pace = new Option<int>("--mb-per-second")
        {
            Description = "Write no faster than this, to leave the disk to a running node; 0: as fast as it goes.", DefaultValueFactory = _ => (int)(new SnapshotOptions().WriteBytesPerSecondMax / 1_000_000),
        };
        var command = new Command("snapshot", "Takes a snapshot of the journal's state as far as it is durable, so that the next start reads the journal from there on; keeps the newest two.")
        {
            journal, cut, archive, pace, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            if (parsed.GetValue(archive) is not null && !parsed.GetValue(cut))
                throw new UsageException("--archive DIR says where cut files go; say --cut, too.");
            if (parsed.GetValue(pace) < 0)
                throw new UsageException($"--mb-per-second {parsed.GetValue(pace)}: 0 or more is expected.");
            string directory = parsed.GetValue(journal)!;
            if (!Directory.Exists(directory))
                throw Journals.NoDirectory(directory);
            var options = new SnapshotOptions
            {
                Cut = parsed.GetValue(cut), Archive = parsed.GetValue(archive), WriteBytesPerSecondMax = parsed.GetValue(pace) * 1_000_000L,
            };
            SnapshotTaken? taken = SnapshotTaking.Take(directory, options, error.WriteLine);
            FilesCut? cutNow = taken is null && options.Cut ? JournalCutting.Cut(directory, options.Archive) : taken?.Cut;
            Print(taken, cutNow, parsed.GetValue(json), output);
            return 0;
        }));
        return command;
    }

    private static void Print(SnapshotTaken? taken, FilesCut? cut, bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                taken = taken is not null,
                path = taken?.Path,
                block = taken?.Head.Block,
                sequence = taken?.Head.Sequence,
                bytes = taken?.Bytes,
                blocks_applied = taken?.BlocksApplied,
                cut = cut is null ? null : new { files = cut.Files, bytes = cut.Bytes, kept = cut.Kept },
            }));
            return;
        }

        output.WriteLine(taken is null
            ? "No snapshot was taken: the newest one is of the last durable block already."
            : string.Create(CultureInfo.InvariantCulture,
                $"{taken.Path}: block {taken.Head.Block}, sequence {taken.Head.Sequence}, {taken.Bytes:N0} bytes; {taken.BlocksApplied:N0} blocks were applied since the one before."));
        if (cut is not null)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Cut: {cut.Files} files, {cut.Bytes:N0} bytes; {cut.Kept}."));
    }
}
