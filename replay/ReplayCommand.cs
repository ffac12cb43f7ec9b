using System.CommandLine;
using System.CommandLine.Parsing;
using Settlement.Replay.Backup;
using Settlement.Replay.Check;
using Settlement.Replay.Diff;
using Settlement.Replay.Export;
using Settlement.Replay.Prove;
using Settlement.Replay.Rules;
using Settlement.Replay.Show;
using Settlement.Replay.Snapshot;
using Settlement.Replay.Sql;
using Settlement.Replay.State;
using Settlement.Replay.Statement;
using Settlement.Replay.Stats;
using Settlement.Replay.Tail;
using Settlement.Replay.Verify;
using Settlement.Replay.WhatIf;

namespace Settlement.Replay;

/// <summary>
/// The command line of `replay`, the operator's tool over a journal. It reads journals and never writes into one; beside them, `tail` leaves its mark and
/// `snapshot` its file, and `snapshot --cut` alone takes files away.
/// </summary>
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
        var root = new RootCommand("The operator's tool over a journal: verifies it, goes back in it, proves from it, exports it, keeps it safe; beside a running node, too.")
        {
            VerifyCommand.Create(output, error),
            ShowCommand.Create(output, error),
            StateCommand.Create(output, error),
            StatementCommand.Create(output, error),
            StatsCommand.Create(output, error),
            DiffCommand.Create(output, error),
            WhatIfCommand.Create(output, error),
            RulesCommand.Create(output, error),
            ProveCommand.Create(output, error),
            CheckCommand.Create(output, error),
            ExportCommand.Create(output, error),
            SqlCommand.Create(output, error),
            TailCommand.Create(output, error),
            SnapshotCommand.Create(output, error),
            BackupCommands.CreateBackup(output, error),
            BackupCommands.CreateRestore(output, error),
        };
        ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count == 0)
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        foreach (var fault in parsed.Errors)
            error.WriteLine(fault.Message);
        error.WriteLine(parsed.CommandResult.Command is RootCommand ? "replay --help lists the verbs." : $"replay {PathOf(parsed.CommandResult)} --help lists what it takes.");
        return ExitUnusable;
    }

    /// <summary>A verb with the verbs that it is one of.</summary>
    private static string PathOf(CommandResult verb) => verb.Parent is CommandResult { Command: not RootCommand } above ? $"{PathOf(above)} {verb.Command.Name}" : verb.Command.Name;
}
