using System.CommandLine;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Check;
using Settlement.Gateway.Modules.Smt;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Diff;

/// <summary>
/// The command line of `rules diff`. Exit codes: 0 no payment is treated differently, proven; 1 some are; 2 it cannot be carried out as it was given, or it is not proven.
/// </summary>
internal static class DiffCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> files = RuleOption.Files("The old modules, and, where there is one of them and no --new, the new one behind it.");
        var renewed = new Option<string[]>("--new") { HelpName = "FILE…", Description = "The new modules.", AllowMultipleArgumentsPerToken = true };
        var with = new Option<string[]>("--with") { HelpName = "FILE…", Description = "Modules that stand on both sides; those that are named as old or new, too, are left out of it.", AllowMultipleArgumentsPerToken = true };
        Option<string[]> parameter = RuleOption.Parameter();
        Option<int?> on = RuleOption.On("Compare the rules of this day only. Default: every day on which they differ.");
        Option<bool> noSolver = RuleOption.NoSolver();
        Option<double> seconds = RuleOption.Seconds();
        Option<bool> json = RuleOption.Json();
        var command = new Command("diff", "Says which payments new modules treat differently from old ones: rules diff OLD NEW, or rules diff OLD… --new NEW…")
        {
            files, renewed, with, parameter, on, noSolver, seconds, json,
        };
        command.SetAction(parsed => RuleOption.Run(error, () =>
        {
            string[] old = parsed.GetValue(files)!, fresh = parsed.GetValue(renewed) ?? [];
            if (fresh.Length == 0 && old.Length == 2)
                (old, fresh) = ([old[0]], [old[1]]);
            if (fresh.Length == 0)
                throw new UsageException("Which modules are new? Name one old and one new file, or put --new in front of the new ones.");
            RuleParameters parameters = RuleOption.ReadParameters(parsed.GetValue(parameter));
            RuleFiles before = RuleFiles.Read(old).OneOfEachName(), after = RuleFiles.Read(fresh).OneOfEachName();
            RuleFiles both = RuleFiles.Read(parsed.GetValue(with) ?? []).OneOfEachName();
            if (RuleOption.TellUnreadable(before, error) | RuleOption.TellUnreadable(after, error) | RuleOption.TellUnreadable(both, error))
                return RuleOption.ExitUnusable;
            Z3Library? library = RuleOption.SolverOf(parsed.GetValue(noSolver), out string? why);
            SolverBudget budget = SolverCheck.Budget(RuleOption.ReadSeconds(parsed.GetValue(seconds)));
            DiffReport report = Compare(before.Modules, after.Modules, both.Modules, parameters, parsed.GetValue(on), library, why, budget);
            if (parsed.GetValue(json))
                report.WriteJson(output);
            else
                report.Write(output);
            return report.Ways.Count > 0 ? RuleOption.ExitUnsound : report.IsProven ? 0 : RuleOption.ExitUnusable;
        }));
        return command;
    }

    internal static DiffReport Compare(
        IReadOnlyList<LawModule> old, IReadOnlyList<LawModule> renewed, IReadOnlyList<LawModule> both, RuleParameters parameters, int? onlyDay, Z3Library? library, string? whyNoSolver,
        SolverBudget budget)
    {
        LawModule[] with = [.. both.Where(module => !old.Concat(renewed).Any(other => other.Name == module.Name))];
        (IReadOnlyList<LawModule> before, IReadOnlyList<LawModule> after) = Together(old, renewed);
        before = [.. before, .. with];
        after = [.. after, .. with];
        List<string> headers = DiffHeaders.Of(old, renewed);
        DiffReport report = new(headers, parameters.Assumed([.. before, .. after]), whyNoSolver);
        LawModule[] all = [.. before, .. after];
        IReadOnlyList<ParameterName> missing = parameters.Missing(all);
        report.Add(RuleSetDiff.Compare(parameters.RuleSetOf(before, missing), parameters.RuleSetOf(after, missing), library, budget, onlyDay), withoutNumbers: false);
        // A missing number closes doors; what is done then is law, too.
        if (missing.Count > 0)
            report.Add(RuleSetDiff.Compare(parameters.RuleSetOf(before, []), parameters.RuleSetOf(after, []), library, budget, onlyDay), withoutNumbers: true);
        return report;
    }

    /// <summary>
    /// A new version takes the old one's place on the day on which it takes effect. Before that day there is nothing to compare: so both are looked at from the later day on.
    /// </summary>
    private static (IReadOnlyList<LawModule> Before, IReadOnlyList<LawModule> After) Together(IReadOnlyList<LawModule> old, IReadOnlyList<LawModule> renewed)
    {
        LawModule From(LawModule module, IReadOnlyList<LawModule> others) =>
            others.FirstOrDefault(other => other.Name == module.Name) is { } other && other.EffectiveDay > module.EffectiveDay ? module with { EffectiveDay = other.EffectiveDay } : module;
        return ([.. old.Select(module => From(module, renewed))], [.. renewed.Select(module => From(module, old))]);
    }
}

/// <summary>What the headers of modules say about a change.</summary>
internal static class DiffHeaders
{
    public static List<string> Of(IReadOnlyList<LawModule> old, IReadOnlyList<LawModule> renewed)
    {
        List<string> headers = [];
        foreach (string name in old.Concat(renewed).Select(module => module.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            LawModule? before = old.FirstOrDefault(module => module.Name == name), after = renewed.FirstOrDefault(module => module.Name == name);
            if (before is null || after is null)
                headers.Add(before is null ? $"{after} is new" : $"{before} is gone");
            else if (before.Hash == after.Hash)
                headers.Add($"{after}: the same text");
            else
            {
                string version = before.Version == after.Version ? $"{before}, another text" : $"{before} becomes version {after.Version}";
                string day = before.EffectiveDay == after.EffectiveDay ? "" : $", in force from {NumberText.DateOf(after.EffectiveDay)} (the old one: {NumberText.DateOf(before.EffectiveDay)}); compared from the later day on";
                string until = before.UntilDay == after.UntilDay ? "" : $", {Until(after)} (the old one: {Until(before)})";
                headers.Add(version + day + until);
            }
        }
        return headers;
    }

    private static string Until(LawModule module) => module.UntilDay is { } until ? $"until {NumberText.DateOf(until)}" : "without an end";
}
