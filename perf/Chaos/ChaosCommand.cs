using System.CommandLine;
using System.Globalization;
using Settlement.Perf.Common;

namespace Settlement.Perf.Chaos;

/// <summary>The command line of `perf chaos`, and of `perf chaos --check`, which checks again what a run has kept.</summary>
internal static class ChaosCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        var minutes = new Option<double>("--minutes") { HelpName = "N", Description = "how long things are broken; healing and checking come on top", DefaultValueFactory = _ => 30 };
        var seed = new Option<int?>("--seed") { HelpName = "S", Description = "of the faults and of the payments; by default a new one, which is printed" };
        var keep = new Option<string?>("--keep") { HelpName = "DIR", Description = "new folder for nodes, logs and history, kept whatever comes; by default a temporary one, kept only when something is wrong" };
        var rate = new Option<int>("--rate") { HelpName = "N", Description = "payments that each of three banks streams a second", DefaultValueFactory = _ => 400 };
        var check = new Option<string?>("--check") { HelpName = "DIR", Description = "break nothing: hold the history of a kept run against its journals again" };
        var command = new Command("chaos", "three nodes under load: kills, pauses, partitions, slow and full disks, clocks; then everything is checked from outside") { minutes, seed, keep, rate, check };
        minutes.Validators.Add(given =>
        {
            if (given.Tokens.Count == 1 && double.TryParse(given.Tokens[0].Value, CultureInfo.InvariantCulture, out double value) && value is not (> 0 and <= 10_000))
                given.AddError($"--minutes {given.Tokens[0].Value}: more than 0, up to 10000, expected.");
        });
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(check) is { } kept)
                return CheckKept(kept, output, error);
            string folder = parsed.GetValue(keep) is { } named ? Path.GetFullPath(named) : Directory.CreateTempSubdirectory("settlement-chaos-").FullName;
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            {
                error.WriteLine($"--keep {folder}: there is something in it. Name a new folder.");
                return PerfCommand.ExitUnusable;
            }

            Directory.CreateDirectory(folder);
            var plan = new ChaosPlan(folder, TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(seed) ?? Random.Shared.Next()) { PerSecond = parsed.GetValue(rate) };
            return Run(plan, isKept: parsed.GetValue(keep) is not null, output, error);
        });
        return command;
    }

    private static int Run(ChaosPlan plan, bool isKept, TextWriter output, TextWriter error)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"chaos: seed {plan.Seed}, {plan.Duration.TotalMinutes:0.##} minutes, in {plan.Folder}"));
        bool isSound = false;
        try
        {
            ChaosResult result = ChaosRun.Run(plan, output);
            ChaosRun.Print(plan, result, output);
            isSound = result.IsSound;
        }
        catch (CheckFailedException failed)
        {
            error.WriteLine($"chaos: {failed.Message}");
        }
        finally
        {
            // Whatever went wrong, the runner itself included: the evidence stays.
            if (isSound && !isKept)
                Directory.Delete(plan.Folder, recursive: true);
            else
                output.WriteLine($"  kept      {plan.Folder}: nodes' folders and logs, history.txt; `perf chaos --check` looks again");
        }

        return isSound ? 0 : PerfCommand.ExitCheckFailed;
    }

    private static int CheckKept(string folder, TextWriter output, TextWriter error)
    {
        string history = Path.Combine(folder, "history.txt");
        string[] nodes = Directory.Exists(folder) ? Directory.GetDirectories(folder, "node*") : [];
        Array.Sort(nodes, StringComparer.Ordinal);
        if (!File.Exists(history) || nodes.Length == 0)
        {
            error.WriteLine($"--check {folder}: there are no nodes and no history.txt in it.");
            return PerfCommand.ExitUnusable;
        }

        CheckReport report = HistoryChecker.Check(ClientHistory.Read(history), [.. nodes.Select(node => JournalFacts.Of(Path.GetFileName(node), Path.Combine(node, "data", "journal")))]);
        output.WriteLine($"chaos: {report}");
        foreach (string fault in report.Faults)
            output.WriteLine($"  WRONG     {fault}");
        return report.IsSound ? 0 : PerfCommand.ExitCheckFailed;
    }
}
