using System.CommandLine;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>`replay rules`: asks a ledger about its law, as of now or of any past point. Nothing is posted and nothing is written.</summary>
internal static class RulesCommand
{
    public static Command Create(TextWriter output, TextWriter error) => new("rules", "The law of a ledger, as of now or any past point: what is in force, how it came about, what it says to a payment.")
    {
        List(output, error), Show(output, error), History(output, error), MayCommand.Create(output, error), Reviews(output, error),
    };

    public static Option<string?> At() => new("--at") { HelpName = "POINT", Description = $"When: {JournalPoint.Expected}. Default: end." };

    private static Command List(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        Option<string?> at = At();
        Option<bool> json = Verb.Json();
        var command = new Command("list", "Modules and treaties in force, parameters, proposals under way, changes to come, voting devices.") { journal, at, json };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            using LawsAt laws = LawsAt.Open(parsed.GetValue(journal)!, parsed.GetValue(at), error, parsed.GetValue(json));
            var report = new ListReport(laws);
            if (parsed.GetValue(json))
                report.PrintJson(output);
            else
                report.PrintLines(output);
            return 0;
        }));
        return command;
    }

    private static Command Show(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var module = new Argument<string>("module") { Description = "Name of the module or treaty." };
        var version = new Option<string?>("--version") { HelpName = "N", Description = "Which version, whether or not it came into force. Default: the one in force." };
        Option<string?> at = At();
        var text = new Option<bool>("--text") { Description = "Print the text alone, byte for byte." };
        Option<bool> json = Verb.Json();
        var command = new Command("show", "The text of a module or treaty, exactly, and what the ledger knows about it.") { journal, module, version, at, text, json };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            using LawsAt laws = LawsAt.Open(parsed.GetValue(journal)!, parsed.GetValue(at), error, parsed.GetValue(json));
            var report = TextReport.Of(laws, parsed.GetValue(module)!, parsed.GetValue(version));
            if (parsed.GetValue(json))
                report.PrintJson(output);
            else if (parsed.GetValue(text))
                report.PrintText(output);
            else
                report.PrintLines(output);
            return 0;
        }));
        return command;
    }

    private static Command History(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var module = new Argument<string?>("module") { Description = "Name of a module or treaty. Default: all.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> at = At();
        Option<bool> json = Verb.Json();
        var command = new Command("history", "Every step by which the law came about: founded, devices, proposed, checked, sandboxed, votes, scheduled, active, superseded, rolled back, failed.")
        {
            journal, module, at, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            using LawsAt laws = LawsAt.Open(parsed.GetValue(journal)!, parsed.GetValue(at), error, parsed.GetValue(json));
            var report = new HistoryReport(laws, parsed.GetValue(module));
            if (parsed.GetValue(json))
                report.PrintJson(output);
            else
                report.PrintLines(output);
            return 0;
        }));
        return command;
    }

    private static Command Reviews(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        Option<string?> at = At();
        Option<bool> json = Verb.Json();
        var command = new Command("reviews", "Payments that wait for a reviewer: parties, amount, the statement that held them, since when, and when they go back.") { journal, at, json };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            ReviewsReport report = ReviewsReport.Read(parsed.GetValue(journal)!, parsed.GetValue(at), error, parsed.GetValue(json));
            if (parsed.GetValue(json))
                report.PrintJson(output);
            else
                report.PrintLines(output);
            return 0;
        }));
        return command;
    }
}
