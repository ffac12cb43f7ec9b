using System.CommandLine;
using Settlement.Engine.Rules;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Modules.Smt;

namespace Settlement.Gateway.Modules.Check;

/// <summary>
/// The command line of `rules check`. Exit codes: 0 the rule set is sound (warnings and notes are not faults); 1 it is not; 2 it cannot be read as it was asked for.
/// </summary>
internal static class CheckCommand
{
    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string[]> files = RuleOption.Files("The modules and treaties of a rule set; a folder stands for its *.rules.");
        Option<string[]> parameter = RuleOption.Parameter();
        Option<int?> on = RuleOption.On("Look at the rules of this day only. Default: every day on which they differ.");
        Option<bool> noSolver = RuleOption.NoSolver();
        Option<double> seconds = RuleOption.Seconds();
        Option<bool> json = RuleOption.Json();
        var command = new Command("check", "Checks modules: whether they read, agree with their own tests, and hang together.") { files, parameter, on, noSolver, seconds, json };
        command.SetAction(parsed => RuleOption.Run(error, () =>
        {
            RuleFiles read = RuleFiles.Read(parsed.GetValue(files)!);
            RuleParameters parameters = RuleOption.ReadParameters(parsed.GetValue(parameter));
            SolverBudget budget = SolverCheck.Budget(RuleOption.ReadSeconds(parsed.GetValue(seconds)));
            CheckReport report = Check(read, parameters, parsed.GetValue(on), RuleOption.SolverOf(parsed.GetValue(noSolver), out string? why), why, budget);
            if (parsed.GetValue(json))
                report.WriteJson(output);
            else
                report.Write(output);
            return report.IsSound ? 0 : RuleOption.ExitUnsound;
        }));
        return command;
    }

    internal static CheckReport Check(RuleFiles files, RuleParameters parameters, int? onlyDay, Z3Library? library, string? whyNoSolver, SolverBudget budget)
    {
        List<CheckFinding> findings = [];
        foreach (ModuleReading reading in files.Readings)
            findings.AddRange(reading.Faults.Select(fault => Of(fault, reading.Module)));
        string? assumed = null;
        string solver = $"The solver's checks were left out: {whyNoSolver}.";
        if (files.AreModules)
        {
            RuleSet rules = parameters.RuleSetOf(files.Newest);
            assumed = parameters.Assumed(files.Modules);
            RuleSet ledger = parameters.LedgerSetOf(files.Newest);
            // The solver has a thread of its own, so its questions and the other checks share two cores.
            Task<SolverReport>? solving = library is null ? null : Task.Run(() => SolverCheck.Run(rules, library, budget, onlyDay));
            foreach (IGrouping<string, LawModule> versions in files.Modules.GroupBy(module => module.Name, StringComparer.Ordinal))
                findings.AddRange(ModuleCheck.CheckVersions([.. versions]).Select(one => Of(one.Fault, one.Module)));
            foreach (LawModule module in files.Modules)
                findings.AddRange(ModuleCheck.Check(ledger, module).Select(fault => Of(fault, module)));
            if (solving is not null)
            {
                SolverReport report = solving.GetAwaiter().GetResult();
                findings.RemoveAll(before => report.Findings.Any(found => SaysMore(found, before)));
                findings.AddRange(report.Findings.Where(found => !IsToldBefore(found, findings)));
                solver = $"Solver: {report.Summary}.";
            }
        }
        else
        {
            solver = "Checks of the modules together were left out, for not all of them read.";
        }
        return new CheckReport(files, findings, assumed, solver);
    }

    /// <summary>The deterministic checks know some of what the solver finds.</summary>
    private static bool IsToldBefore(CheckFinding found, List<CheckFinding> before) => found.Code == FindingCode.ExceptionsOverlap &&
        before.Any(one => one.Code == CheckCode.ExceptionsOverlap && one.Module == found.Module && one.Place == found.Place);

    /// <summary>Of a dead statement the solver knows why.</summary>
    private static bool SaysMore(CheckFinding found, CheckFinding before) =>
        found.Code == FindingCode.Dead && before.Code == CheckCode.Dead && before.Module == found.Module && before.Place == found.Place;

    /// <summary>A dead statement keeps nobody from proposing a module, but a file that is being written should have none.</summary>
    private static CheckFinding Of(ModuleFault fault, LawModule? module) => new(
        fault.IsError || fault.Code == CheckCode.Dead ? FindingKind.Error : FindingKind.Warning, fault.Code, module, fault.Place, fault.Message, null, fault.Hint);
}
