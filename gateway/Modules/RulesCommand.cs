using System.CommandLine;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Explain;
using Settlement.Gateway.Modules.Format;

namespace Settlement.Gateway.Modules;

/// <summary>The command line of `rules`: what can be done with modules as files.</summary>
internal static class RulesCommand
{
    public static Command Create(TextWriter output, TextWriter error) => new("rules", "Rules as text: modules of the rule language.")
    {
        CheckCommand.Create(output, error),
        DiffCommand.Create(output, error),
        ExplainCommand.Create(output, error),
        FormatCommand.Create(output, error),
    };
}
