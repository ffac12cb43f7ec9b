using System.CommandLine;
using System.CommandLine.Parsing;
using Settlement.Gateway.Cluster;
using Settlement.Gateway.Http.Auth;
using Settlement.Gateway.Init;
using Settlement.Gateway.Modules;
using Settlement.Gateway.Operator;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway;

/// <summary>The program's command line: what it has, and what a command line that cannot be read gets as an answer.</summary>
internal static class GatewayCommands
{
    /// <returns>The command's exit code; <see cref="SettleCommand.ExitUnusable"/> where the words cannot be read.</returns>
    public static int Run(IReadOnlyList<string> words, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("Settlement: takes streams of small payments, decides each exactly once, and nets them into provable batches.")
        {
            InitCommand.Create(output, error),
            ServeCommand.Create(output, error),
            ClusterVerbs.Create(output, error),
            SettleCommand.Create(output, error),
            TokenCommand.Create(output, error),
            RulesCommand.Create(output, error),
            ParticipantVerbs.Create(output, error),
            SessionVerbs.Create(output, error),
            KeyVerbs.Create(output, error),
            WalletVerbs.Create(output, error),
            MandateVerbs.Create(output, error),
            ConsentVerbs.Create(output, error),
            ChainVerbs.Create(output, error),
        };
        ParseResult parsed = root.Parse(words.Count == 0 ? ["--help"] : words);
        if (parsed.Errors.Count == 0)
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error });
        foreach (var fault in parsed.Errors)
            error.WriteLine(fault.Message);
        error.WriteLine(parsed.CommandResult.Command is RootCommand ? "--help lists the verbs." : $"{PathOf(parsed.CommandResult)} --help lists what there is.");
        return SettleCommand.ExitUnusable;
    }

    /// <summary>A verb with the verbs that it is one of.</summary>
    private static string PathOf(CommandResult verb) => verb.Parent is CommandResult { Command: not RootCommand } above ? $"{PathOf(above)} {verb.Command.Name}" : verb.Command.Name;
}
