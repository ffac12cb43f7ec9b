using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Simulation;

/// <summary>
/// `./run.ps1 simulate`: runs seeds for a time, or one seed, or one seed with some of its faults; prints what was done, and of a seed that fails the shortest list of
/// faults with which it still does, and the command that repeats it.
/// </summary>
/// <remarks>Exit codes: 0 nothing was found; 1 a seed failed; 2 the arguments are unusable.</remarks>
internal static class SimulateCommand
{
    public const string Usage = "simulate [--seconds N] [--seed S] [--seeds N] [--replicas N] [--threads N] [--faults 1,2,…|none] [--mutant NAME] [--trace]";

    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        ulong? seed = null;
        double seconds = 0;
        long seeds = 0;
        int replicas = 0, threads = Math.Min(Environment.ProcessorCount, 2);
        int[]? faults = null;
        Mutant mutant = Mutant.None;
        bool traces = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            string value = name == "--trace" || i + 1 >= arguments.Length ? "" : arguments[++i];
            bool isUnderstood = name switch
            {
                "--trace" => traces = true,
                "--seed" => Take(ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong one), seed = one),
                "--seconds" => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds) && seconds > 0,
                "--seeds" => long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out seeds) && seeds > 0,
                "--replicas" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out replicas) && replicas is 1 or 3 or 5,
                "--threads" => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out threads) && threads is > 0 and <= 64,
                "--mutant" => Enum.TryParse(value, ignoreCase: true, out mutant) && Enum.IsDefined(mutant),
                "--faults" => TryParseFaults(value, out faults),
                _ => false,
            };
            if (isUnderstood)
                continue;
            error.WriteLine($"'{name} {value}' is not understood. Usage: {Usage}; replicas are 1, 3 or 5.");
            return 2;
        }

        SimulationPlan PlanOf(ulong one)
        {
            SimulationPlan plan = SimulationPlan.Of(one, replicas);
            return faults is null ? plan : plan.WithOnly(faults);
        }

        bool isOne = seed is not null && seconds == 0 && seeds == 0;
        ulong first = seed ?? (ulong)Random.Shared.NextInt64(1_000_000_000_000);
        return isOne
            ? RunOne(PlanOf(first), mutant, traces, output)
            : RunFor(first, PlanOf, seeds == 0 ? long.MaxValue : seeds, seconds == 0 && seeds == 0 ? 60 : seconds == 0 ? double.MaxValue : seconds, threads, mutant, replicas, output);
    }

    private static bool Take<T>(bool isGood, T _) => isGood;

    private static bool TryParseFaults(string text, out int[]? faults)
    {
        faults = [];
        if (text == "none")
            return true;
        string[] parts = text.Split(',');
        faults = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0)];
        return faults.All(number => number > 0);
    }

    private static int RunOne(SimulationPlan plan, Mutant mutant, bool traces, TextWriter output)
    {
        output.WriteLine(Describe(plan));
        SimulationResult result = Simulator.Run(plan, mutant, traces ? output : null);
        output.WriteLine(FiguresText(1, result.Figures));
        output.WriteLine($"trace {result.Trace}");
        if (result.Failure is null)
            return 0;
        Tell(result, plan, mutant, output);
        return 1;
    }

    private static int RunFor(
        ulong first, Func<ulong, SimulationPlan> planOf, long seeds, double seconds, int threads, Mutant mutant, int replicas, TextWriter output)
    {
        output.WriteLine($"seeds from {first}, {threads} at once");
        long begun = Stopwatch.GetTimestamp();
        TimeSpan budget = seconds >= TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);
        (long done, RunFigures figures) = Simulator.RunMany(first, planOf, seeds, budget, threads, mutant, out SimulationResult? failed);
        double minutes = Stopwatch.GetElapsedTime(begun).TotalMinutes;
        output.WriteLine(FiguresText(done, figures));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{minutes * 60:F1} s, {done / minutes:F0} seeds a minute, seeds {first} to {first + (ulong)done - 1}"));
        if (failed is null)
            return 0;
        SimulationPlan plan = planOf(failed.Seed);
        output.WriteLine(Describe(plan));
        Tell(failed, plan, mutant, output);
        return 1;
    }

    private static void Tell(SimulationResult failed, SimulationPlan plan, Mutant mutant, TextWriter output)
    {
        output.WriteLine($"seed {failed.Seed} failed: {failed.Failure}");
        SimulationPlan shortest = Simulator.Shrink(plan, mutant);
        output.WriteLine($"the shortest list of faults with which it still fails, {shortest.Faults.Length} of {plan.Faults.Length}:");
        foreach (SimulatedFault fault in shortest.Faults)
            output.WriteLine("  " + fault);
        string numbers = shortest.Faults.Length == 0 ? "none" : string.Join(',', shortest.Faults.Select(fault => fault.Number));
        output.WriteLine($"./run.ps1 simulate --seed {plan.Seed} --replicas {plan.Replicas} --faults {numbers}{(mutant == Mutant.None ? "" : $" --mutant {mutant}")} --trace");
    }

    private static string Describe(SimulationPlan plan) =>
        $"seed {plan.Seed}: {plan.Replicas} replicas, {plan.Steps} steps{(plan.IsBulky ? ", many ids" : "")}{(plan.CutsJournal ? ", journal cut" : "")}; faults:"
        + string.Concat(plan.Faults.Select(fault => $"{Environment.NewLine}  {fault}"));

    private static string FiguresText(long seeds, RunFigures figures) => string.Create(CultureInfo.InvariantCulture,
        $"{seeds} seeds, {figures.SimulatedNs / (double)Limits.NsPerHour:F1} simulated hours, {figures.Payments} slots, {figures.Blocks} blocks, {figures.Batches} batches, {figures.Snapshots} snapshots, {figures.Faults} faults, {figures.Crashes} power cuts, {figures.Elections} elections, {figures.Cuts} suffixes cut, {figures.Refusals} refusals after damage, {figures.Repairs} journals repaired");
}
