using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using static System.FormattableString;

namespace Settlement.Replay.Backup;

/// <summary>`replay backup` and `replay restore`.</summary>
internal static class BackupCommands
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command CreateBackup(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var target = new Argument<string>("target") { Description = "The backup's directory: new, empty, or with an earlier backup of the same journal, which is then gone on with." };
        var check = new Option<bool>("--check") { Description = "Read files that are in the backup already, and compare their hashes, too." };
        var full = new Option<bool>("--full") { Description = "Apply every block of the backup again, as `replay verify` does." };
        Option<bool> json = Verb.Json();
        var command = new Command("backup", "Copies a journal, beside a running node, too, up to its last durable block; verifies what it copied.")
        {
            journal, target, check, full, json,
        };
        command.SetAction(parsed => Run(error, () =>
        {
            BackupResult result = new BackupRun(parsed.GetValue(journal)!, parsed.GetValue(target)!, parsed.GetValue(check)).Run(parsed.GetValue(full));
            output.WriteLine(parsed.GetValue(json) ? Json(result) : Lines(result, parsed.GetValue(target)!, parsed.GetValue(full)));
            return 0;
        }));
        return command;
    }

    public static Command CreateRestore(TextWriter output, TextWriter error)
    {
        var backup = new Argument<string>("backup") { Description = "A backup's directory. It is only read." };
        var directory = new Argument<string>("directory") { Description = "Where the journal goes: a new or an empty directory." };
        var to = new Option<string?>("--to") { HelpName = "POINT", Description = $"Restore up to here, not beyond: {JournalPoint.Expected}. A point inside a block gives the boundary before it." };
        Option<bool> json = Verb.Json();
        var command = new Command("restore", "Makes a journal from a backup, whole or up to a point in time; checks every file, every block and the chain.")
        {
            backup, directory, to, json,
        };
        command.SetAction(parsed => Run(error, () =>
        {
            JournalPoint point = parsed.GetValue(to) is { } text ? JournalPoint.Parse("--to", text) : JournalPoint.End;
            RestoreResult result = new RestoreRun(parsed.GetValue(backup)!, parsed.GetValue(directory)!).Run(point);
            output.WriteLine(parsed.GetValue(json) ? Json(result) : Lines(result, parsed.GetValue(directory)!, point));
            return 0;
        }));
        return command;
    }

    private static int Run(TextWriter error, Func<int> verb) => Verb.Run(error, () =>
    {
        try
        {
            return verb();
        }
        catch (BackupException fault)
        {
            error.WriteLine(fault.Message);
            return ReplayCommand.ExitUnsound;
        }
    });

    private static string Lines(BackupResult result, string target, bool full)
    {
        BackupManifest manifest = result.Manifest;
        return string.Join(Environment.NewLine,
        [
            Invariant($"{target}: backup of ledger {manifest.Ledger}"),
            Invariant($"  up to       block {manifest.Blocks - 1}, sequence {manifest.LastSequence}, {manifest.Created}"),
            Invariant($"  new         {result.NewBlocks:N0} blocks; {result.CopiedBytes:N0} bytes copied into {result.CopiedFiles} files, {result.KeptFiles} files were there already"),
            Invariant($"  chain       {manifest.Chain}"),
            full ? "  verified    every block of the backup: CRC, chain, and applied again" : "  verified    CRC and chain of what is new, read back from the backup",
        ]);
    }

    private static string Lines(RestoreResult result, string directory, JournalPoint to)
    {
        string boundary = result.IsExact ? "" : Invariant($"; {to} lies inside the next block, and a journal ends behind a whole one");
        List<string> lines =
        [
            Invariant($"{directory}: journal of ledger {result.Manifest.Ledger}"),
            Invariant($"  ends        behind block {result.End.Block}, sequence {result.End.Sequence}, {TimeText.Format(result.End.TimeNs)}{boundary}"),
            Invariant($"  verified    the hash of every file, CRC and chain of every block; {result.Snapshots} snapshots restored with it"),
        ];
        if (result.IsCut)
            lines.Add(Invariant($"  left out    {result.Manifest.Blocks - 1 - result.End.Block:N0} blocks of the backup, up to sequence {result.Manifest.LastSequence}"));
        lines.Add(Invariant($"  MIND        Clients may hold acknowledgements of payments behind sequence {result.End.Sequence}: this journal does not know them. Have them sent again, and never run it beside the node that it came from."));
        return string.Join(Environment.NewLine, lines);
    }

    private static string Json(BackupResult result) => JsonSerializer.Serialize(new
    {
        ledger = result.Manifest.Ledger,
        last_block = result.Manifest.Blocks - 1,
        last_sequence = result.Manifest.LastSequence,
        time = result.Manifest.Created,
        chain = result.Manifest.Chain,
        new_blocks = result.NewBlocks,
        copied_bytes = result.CopiedBytes,
        copied_files = result.CopiedFiles,
        kept_files = result.KeptFiles,
    }, s_json);

    private static string Json(RestoreResult result) => JsonSerializer.Serialize(new
    {
        ledger = result.Manifest.Ledger,
        last_block = result.End.Block,
        last_sequence = result.End.Sequence,
        time = TimeText.Format(result.End.TimeNs),
        chain = result.End.Previous.ToString(),
        exact = result.IsExact,
        blocks_left_out = result.Manifest.Blocks - 1 - result.End.Block,
        snapshots = result.Snapshots,
        acknowledged_behind = result.End.Sequence.ToString(CultureInfo.InvariantCulture),
    }, s_json);
}
