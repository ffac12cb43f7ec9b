using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using BenchmarkDotNet.Running;
using Settlement.Engine.Ledger;
using Settlement.Perf.Chaos;
using Settlement.Perf.Common;
using Settlement.Perf.Generate;
using Settlement.Perf.Peers;

namespace Settlement.Perf;

/// <summary>The command line of `perf`: one verb a load, `compare` with a peer, and `chaos`, `generate` and `micro`, which are none.</summary>
/// <remarks>
/// Exit codes: 0 done; 1 a load's own check failed; 2 the command cannot be used as it was given, with a sentence on the error
/// output.
/// </remarks>
public static class PerfCommand
{
    public const int ExitCheckFailed = 1;
    public const int ExitUnusable = 2;

    public static int Run(string[] args, IReadOnlyList<PerfLoad> loads, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(loads);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        ParseResult parsed = Tree(loads, output, error).Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
            return Refuse(error, SentenceOf(parsed), parsed.CommandResult.Command);
        return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
    }

    private static RootCommand Tree(IReadOnlyList<PerfLoad> loads, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("Measures the settlement engine. Every figure says what was counted, how often, and on which machine.");
        foreach (PerfLoad load in loads)
            root.Add(LoadCommand(load, output, error));
        root.Add(CompareCommand(output, error));
        foreach (PerfLoad load in PerfLoads.OfClusters)
            root.Add(LoadCommand(load, output, error));
        root.Add(ChaosCommand.Create(output, error));
        root.Add(GenerateCommand.Create(output, error));
        root.Add(MicroCommand());
        return root;
    }

    private static Command LoadCommand(PerfLoad load, TextWriter output, TextWriter error)
    {
        var json = new Option<bool>("--json") { Description = "print one JSON object instead of lines" };
        var runs = new Option<int>("--runs")
        {
            Description = $"timed runs, at least {Runs.CountDefault}; a warm-up comes on top",
            HelpName = "N",
            DefaultValueFactory = _ => Runs.CountDefault,
        };
        runs.Validators.Add(RequireEnoughRuns);
        var small = new Option<bool>("--small") { Description = "so little work that the figure means nothing: shows that the load still runs" };
        var command = new Command(load.Verb, load.Summary) { json, runs, small };
        Option<int>[] numbers = [.. load.Numbers.Select(NumberOption)];
        foreach (Option<int> number in numbers)
            command.Add(number);
        command.SetAction(parsed =>
        {
            try
            {
                return load.Run(new LoadOptions(output, parsed.GetValue(json), parsed.GetValue(runs), parsed.GetValue(small))
                {
                    Numbers = numbers.Where(number => parsed.GetResult(number) is { Implicit: false }).ToDictionary(number => number.Name, parsed.GetValue),
                });
            }
            catch (Exception failed) when (failed is CheckFailedException or LedgerBrokenException)
            {
                error.WriteLine($"{load.Verb}: {failed.Message}");
                return ExitCheckFailed;
            }
        });
        return command;
    }

    /// <summary>A load beside a peer that must be installed: so it is none of those that run everywhere.</summary>
    private static Command CompareCommand(TextWriter output, TextWriter error)
    {
        Command command = LoadCommand(new PerfLoad("compare", "the same payments through a server and through a peer, side by side", PostgresCompare.Run), output, error);
        var peer = new Argument<string>("peer") { Description = "PostgreSQL of the distribution, started for it and, by root, installed if need be", DefaultValueFactory = _ => "postgres" };
        peer.AcceptOnlyFromAmong("postgres");
        command.Add(peer);
        return command;
    }

    private static Option<int> NumberOption(LoadNumber number)
    {
        var option = new Option<int>(number.Name) { Description = number.Says, HelpName = number.HelpName, DefaultValueFactory = _ => number.Default };
        option.Validators.Add(given =>
        {
            if (given.Tokens.Count == 1 && int.TryParse(given.Tokens[0].Value, out int value) && (value < number.Min || value > number.Max))
                given.AddError($"{number.Name} {value}: {number.Min} to {number.Max} expected.");
        });
        return option;
    }

    private static void RequireEnoughRuns(OptionResult option)
    {
        if (option.Tokens.Count == 1 && int.TryParse(option.Tokens[0].Value, out int runs) && runs is < Runs.CountDefault or > 1_000)
            option.AddError($"--runs {runs}: {Runs.CountDefault} to 1000 expected, for a median of fewer says little.");
    }

    /// <summary>BenchmarkDotNet's own command line over perf/Micro; without arguments it lists what there is.</summary>
    private static Command MicroCommand()
    {
        var rest = new Argument<string[]>("arguments")
        {
            Description = "for BenchmarkDotNet: --filter '*Zipf*', --job dry, --list flat …",
            Arity = ArgumentArity.ZeroOrMore,
            CaptureRemainingTokens = true,
        };
        var command = new Command("micro", "BenchmarkDotNet over perf/Micro: single functions, in nanoseconds.") { rest };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed =>
        {
            string[] given = [.. parsed.GetValue(rest) ?? [], .. parsed.UnmatchedTokens];
            var summaries = BenchmarkSwitcher.FromAssembly(Assembly.GetExecutingAssembly()).Run(given.Length == 0 ? ["--list", "flat"] : given);
            return summaries.Any(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
        });
        return command;
    }

    private static string SentenceOf(ParseResult parsed) => parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens.Count > 0
        ? $"'{parsed.UnmatchedTokens[0]}' is not a verb of perf."
        : string.Join(" ", parsed.Errors.Select(one => one.Message));

    internal static int Refuse(TextWriter error, string sentence, Command command)
    {
        error.WriteLine(sentence);
        error.WriteLine(command is RootCommand
            ? $"The verbs are: {string.Join(", ", command.Subcommands.Select(one => one.Name))}; --help says more."
            : $"perf {command.Name} --help says what it takes.");
        return ExitUnusable;
    }
}
