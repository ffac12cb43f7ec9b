using System.CommandLine;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Explain;

/// <summary>The command line of `rules explain`. Exit codes: 0 explained, whatever the answer; 2 it cannot be carried out as it was given.</summary>
internal static class ExplainCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> files = RuleOption.Files("The modules and treaties of the rule set; a folder stands for its *.rules.");
        Option<string> source = Required("--src", "COUNTRY", "The payer's country.");
        Option<string> destination = Required("--dst", "COUNTRY", "The payee's country.");
        Option<string> amount = Required("--amount", "\"CCY N\"", "The amount, such as \"USD 3000.00\".");
        var tier = new Option<int>("--tier") { HelpName = "N", Description = $"The payer's identity tier, 0 to {Limits.TierMax}. Default: 0." };
        Option<string> purpose = Default("--purpose", "WORD", $"{string.Join(", ", LawWords.Purposes)}.", LawWords.Purposes[0]);
        var level = new Option<int>("--level") { HelpName = "N", Description = "The payment's level, 0 to 255. Default: 0." };
        Option<string> instruction = Default("--instruction", "WORD", $"{string.Join(", ", LawWords.Instructions)}.", LawPhrase.Of(RuleField.Instruction, (ushort)Instruction.Immediate));
        Option<string> payer = Default("--payer", "KIND", $"What the payer is: {string.Join(", ", LawWords.Kinds)}.", LawWords.Kinds[0]);
        Option<string> payee = Default("--payee", "KIND", "What the payee is.", LawWords.Kinds[0]);
        var spent = new Option<string[]>("--spent") { HelpName = "\"WINDOW CCY N\"", Description = "What the payer paid before, such as \"day USD 9000\"; may be repeated." };
        Option<string[]> parameter = RuleOption.Parameter();
        Option<int?> on = RuleOption.On("The payment's day. Default: today (UTC).");
        Option<bool> json = RuleOption.Json();
        var command = new Command("explain", "Says what modules answer to a payment, by which rules, and what would have to be different.")
        {
            files, source, destination, amount, tier, purpose, level, instruction, payer, payee, spent, parameter, on, json,
        };
        command.SetAction(parsed => RuleOption.Run(error, () =>
        {
            AskedCase asked = AskedCase.Read(
                parsed.GetValue(source)!, parsed.GetValue(destination)!, parsed.GetValue(amount)!, parsed.GetValue(tier), parsed.GetValue(purpose)!, parsed.GetValue(level),
                parsed.GetValue(instruction)!, parsed.GetValue(payer)!, parsed.GetValue(payee)!, parsed.GetValue(spent) ?? []);
            RuleParameters parameters = RuleOption.ReadParameters(parsed.GetValue(parameter));
            RuleFiles read = RuleFiles.Read(parsed.GetValue(files)!);
            if (RuleOption.TellUnreadable(read, error))
                return RuleOption.ExitUnusable;
            int day = parsed.GetValue(on) ?? (int)(DateTime.UtcNow - DateTime.UnixEpoch).TotalDays;
            foreach (IGrouping<string, LawModule> versions in read.Modules.GroupBy(module => module.Name, StringComparer.Ordinal))
                if (ModuleCheck.CheckVersions([.. versions]) is [var (_, overlap), ..])
                    throw new UsageException($"{overlap.Message}. {char.ToUpperInvariant(overlap.Hint![0])}{overlap.Hint[1..]}.");
            // Of several versions of a module the one that is in force; where none is, it does not matter which.
            LawModule[] modules = [.. read.Modules.GroupBy(module => module.Name, StringComparer.Ordinal)
                .Select(versions => versions.OrderBy(module => module.EffectiveDay).LastOrDefault(module => module.EffectiveDay <= day) ?? versions.First())];
            Explanation explanation = Explain(modules, parameters, asked, day);
            if (parsed.GetValue(json))
                explanation.WriteJson(output);
            else
                explanation.Write(output);
            return 0;
        }));
        return command;
    }

    internal static Explanation Explain(IReadOnlyList<LawModule> modules, RuleParameters parameters, AskedCase asked, int day)
    {
        RuleSet rules = parameters.RuleSetOf(modules);
        IReadOnlyList<NearMiss>? misses = null;
        try
        {
            misses = NearMisses.Of(rules, day, asked);
        }
        catch (ModelTooLargeException)
        {
            // What decides is known nevertheless.
        }
        return new Explanation(rules, day, asked, RuleSetInterpreter.Judge(rules, day, asked.Case), misses, parameters.Assumed(modules));
    }

    private static Option<string> Required(string name, string help, string description)
    {
        Option<string> option = SettleOption.Text(name, help, description);
        option.Required = true;
        return option;
    }

    private static Option<string> Default(string name, string help, string description, string value)
    {
        Option<string> option = SettleOption.Text(name, help, description);
        option.DefaultValueFactory = _ => value;
        return option;
    }
}
