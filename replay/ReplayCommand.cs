using System.CommandLine;
using Settlement.Replay.Backup;
using Settlement.Replay.Check;
using Settlement.Replay.Diff;
using Settlement.Replay.Export;
using Settlement.Replay.Prove;
using Settlement.Replay.Show;
using Settlement.Replay.Snapshot;
using Settlement.Replay.Sql;
using Settlement.Replay.State;
using Settlement.Replay.Statement;
using Settlement.Replay.Stats;
using Settlement.Replay.Verify;
using Settlement.Replay.WhatIf;

namespace Settlement.Replay;

/// <summary>The command line of `replay`, the operator's tool over a journal. It never writes to one.</summary>
/// <remarks>Exit codes: 0 sound, or the same; 1 the journal is damaged or broken, or two that were compared differ; 2 the command cannot be carried out as it was given.</remarks>
public static class ReplayCommand
{
    public const int ExitUnsound = 1;
    public const int ExitUnusable = 2;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        var root = new RootCommand("The operator's tool over a journal: reads it, beside a running node, too, and never writes to it.")
        {
            CheckCommand.Create(output, error),
            ProveCommand.Create(output, error),
            ExportCommand.Create(output, error),
            SqlCommand.Create(output, error),
            VerifyCommand.Create(output, error),
            SnapshotCommand.Create(output, error),
            StateCommand.Create(output, error),
            StatementCommand.Create(output, error),
            DiffCommand.Create(output, error),
            WhatIfCommand.Create(output, error),
            ShowCommand.Create(output, error),
            StatsCommand.Create(output, error),
            BackupCommands.CreateBackup(output, error),
            BackupCommands.CreateRestore(output, error),
        };
        ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count == 0)
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        foreach (var fault in parsed.Errors)
            error.WriteLine(fault.Message);
        error.WriteLine(parsed.CommandResult.Command is RootCommand ? "replay --help lists the verbs." : $"replay {parsed.CommandResult.Command.Name} --help lists what it takes.");
        return ExitUnusable;
    }
}
