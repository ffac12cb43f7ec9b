using System.CommandLine;
using Settlement.Engine.Questions;
using Settlement.Replay.Common;

namespace Settlement.Replay.Rules;

/// <summary>`replay rules may`: what the law says to a payment that nobody has made.</summary>
internal static class MayCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var from = new Option<string>("--from") { HelpName = "COUNTRY", Description = "The payer's country.", Required = true };
        var to = new Option<string>("--to") { HelpName = "COUNTRY", Description = "The payee's country.", Required = true };
        var amount = new Option<string>("--amount") { HelpName = "\"400 USD\"", Description = "How much, in which currency.", Required = true };
        Option<string?> tier = Optional("--tier", "N", "The payer's identity tier, 0 to 3. Default: 0.");
        Option<string?> purpose = Optional("--purpose", "WORD", "What for: family_support, medical … Default: unstated.");
        Option<string?> level = Optional("--level", "N", "Level of the payment's data. Default: 0.");
        Option<string?> instruction = Optional("--instruction", "WORD", "micropayment, immediate or hold. Default: immediate.");
        Option<string?> payer = Optional("--payer", "KIND", "What the payer is: person, business, government, financial_institution, non_profit. Default: unstated.");
        Option<string?> payee = Optional("--payee", "KIND", "What the payee is. Default: unstated.");
        var spent = new Option<string[]>("--spent")
        {
            HelpName = "\"day 9000 USD\"",
            Description = "What the payer paid before in a window (day, month, 30 days, year from 04-01); may be repeated. What is not stated: what was paid on the day.",
        };
        Option<string?> at = RulesCommand.At();
        Option<string?> clearance = Optional("--clearance", "N", "Clearance of who asks: below 64 yes, no or ask alone; from 64 on whose law; from 128 on which statement and why; 255 all. Default: 255.");
        Option<bool> json = Verb.Json();
        var command = new Command("may", "Whether A may pay B this: yes, no, or review, as of now or any past point. Nothing is posted.")
        {
            journal, from, to, amount, tier, purpose, level, instruction, payer, payee, spent, at, clearance, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            using LawsAt laws = LawsAt.Open(parsed.GetValue(journal)!, parsed.GetValue(at), error, parsed.GetValue(json));
            LawView view = LawView.Of(laws.State);
            MayQuestion question = MayQuestion.Read(
                new MayWords
                {
                    Prefix = "--",
                    From = parsed.GetValue(from)!,
                    To = parsed.GetValue(to)!,
                    Amount = parsed.GetValue(amount)!,
                    Tier = parsed.GetValue(tier),
                    Purpose = parsed.GetValue(purpose),
                    Level = parsed.GetValue(level),
                    Instruction = parsed.GetValue(instruction),
                    Payer = parsed.GetValue(payer),
                    Payee = parsed.GetValue(payee),
                    Spent = parsed.GetValue(spent) ?? [],
                    Clearance = parsed.GetValue(clearance),
                }, view);
            var report = new MayReport(laws, question, MayAnswer.To(question, view));
            if (parsed.GetValue(json))
                report.PrintJson(output);
            else
                report.PrintLines(output);
            return 0;
        }));
        return command;
    }

    private static Option<string?> Optional(string name, string help, string description) => new(name) { HelpName = help, Description = description };
}
