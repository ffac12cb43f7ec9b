using System.CommandLine;
using System.Globalization;
using Settlement.Engine.Rules.Language;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.WhatIf;

/// <summary>`replay what-if`: the same payments under other rules.</summary>
internal static class WhatIfCommand
{
    private const int ExamplesDefault = 5;
    private const int ExamplesMax = 100_000;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var rules = new Option<string[]>("--rules") { HelpName = "FILE.rules|DIR|TABLE.json|none", Description = "The other rules: modules (may be repeated; a folder stands for its modules), one table in JSON, or none (every corridor is open).", Required = true };
        var parameters = new Option<string[]>("--parameter") { HelpName = "EUR.rate=1.08", Description = "A rate or index that the modules ask for; may be repeated." };
        var from = new Option<string?>("--from") { HelpName = "POINT", Description = "From where on they are in force; what the journal activates there or later does not come into force. Default: the beginning." };
        var to = new Option<string?>("--to") { HelpName = "POINT", Description = $"Where to stop: {JournalPoint.Expected}. Default: end." };
        var examples = new Option<string?>("--examples") { HelpName = "N", Description = $"How many payments of each pair of verdicts, balances and positions to show. Default: {ExamplesDefault}." };
        var file = new Option<string?>("--out") { HelpName = "FILE.csv", Description = "Write every payment with another verdict to this file." };
        Option<bool> json = Verb.Json();
        var command = new Command("what-if", "The same payments under another rule table: which verdicts would be others, why, and who would hold what. Money follows.")
        {
            journal, rules, parameters, from, to, examples, file, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            string directory = parsed.GetValue(journal)!;
            string[] paths = parsed.GetValue(rules)!;
            Dictionary<ParameterName, ulong> given = ParametersOf(parsed.GetValue(parameters) ?? []);
            int shown = parsed.GetValue(examples) is { } text ? CountOf(text) : ExamplesDefault;
            var until = parsed.GetValue(to) is { } point ? JournalPoint.Parse("--to", point) : JournalPoint.End;
            Journals.Open(directory).Dispose();
            var start = RangeStart.Resolve(directory, parsed.GetValue(from), until);
            for (CurrencyScales? scales = null; ;)
            {
                using var run = new WhatIfRun(directory, start, until, WalkProgress.Over(directory, error, parsed.GetValue(json)));
                var other = OtherRules.Read(paths, given, directory, run.Start, scales);
                using WholeFile? whole = parsed.GetValue(file) is { } path ? new WholeFile("--out", path) : null;
                whole?.Writer.WriteLine(FlipText.Columns);
                FlipTally tally = run.Run(other.Plan, state => new FlipTally(state, shown), flip => whole?.Writer.WriteLine(FlipText.Row(run.Actual, in flip)));
                start.CheckReached(run.Actual.Sequence, until);
                scales = other.Corrected(run.Actual);
                if (scales is not null)
                    continue; // once: the ledger refused a declaration by whose scale the rules were read
                whole?.Keep();
                var report = new WhatIfReport(directory, string.Join(", ", paths), start, run, tally, new BalanceEffect(run.Actual, run.Hypothetical, shown), other);
                if (parsed.GetValue(json))
                    report.PrintJson(output);
                else
                    report.PrintLines(output);
                return 0;
            }
        }));
        return command;
    }

    private static Dictionary<ParameterName, ulong> ParametersOf(string[] texts)
    {
        try
        {
            return ParameterText.ParseAll(texts);
        }
        catch (FormatException unreadable)
        {
            throw new UsageException($"{unreadable.Message}.");
        }
    }

    private static int CountOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count <= ExamplesMax
            ? count
            : throw new UsageException($"--examples {text}: a number from 0 to {ExamplesMax} is expected.");
}
