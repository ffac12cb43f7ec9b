using System.CommandLine;
using Settlement.Gateway.Modules.Governance;

namespace Settlement.Gateway.Modules;

/// <summary>
/// The command line of `rules`: what changes the law of a ledger. `replay rules` asks about it.
/// </summary>
internal static class RulesCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        var command = new Command("rules", "Modules of law: who votes, what is proposed, voted and scheduled; parameters, and payments under review.")
        {
            DeviceVerbs.Create(output, error),
            ParameterVerb.Create(output, error),
            ReviewVerbs.Create(output, error),
        };
        foreach (Command verb in ProposalVerbs.Create(output, error))
            command.Add(verb);
        return command;
    }
}
