using System.CommandLine;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Diff;
using Settlement.Gateway.Modules.Explain;
using Settlement.Gateway.Modules.Format;
using Settlement.Gateway.Modules.Governance;

namespace Settlement.Gateway.Modules;

/// <summary>
/// The command line of `rules`: what can be done with modules as files, and what changes the law of a ledger. `replay rules` asks about it.
/// </summary>
internal static class RulesCommand
{
    public static Command Create(TextWriter output, TextWriter error) => new("rules", "Rules as text: modules of the rule language; and the law of a ledger: who votes, what is proposed, voted and in force, what is under review.")
    {
        // files
        CheckCommand.Create(output, error),
        FormatCommand.Create(output, error),
        DiffCommand.Create(output, error),
        ExplainCommand.Create(output, error),
        // a ledger's law
        DeviceVerbs.Create(output, error),
        ProposalVerbs.Found(output, error),
        ProposalVerbs.Propose(output, error),
        ProposalVerbs.Sandbox(output, error),
        ProposalVerbs.Vote(output, error),
        ProposalVerbs.Schedule(output, error),
        ProposalVerbs.Rollback(output, error),
        ProposalVerbs.Emergency(output, error),
        ParameterVerb.Create(output, error),
        ReviewVerbs.Create(output, error),
    };
}
