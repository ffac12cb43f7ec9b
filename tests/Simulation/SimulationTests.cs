using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// The node above the consensus library, on one thread, with virtual time and seeded faults: a share of seeds every run, and as many as there is time for in a soak.
/// </summary>
[TestFixture]
internal sealed class SimulationTests
{
    /// <summary>Some 150 simulated hours; six seconds on two idle cores.</summary>
    private const int SeedsEachRun = 120;

    private const ulong SimulatedHoursMin = 24;

    private static readonly int s_threads = Math.Min(Environment.ProcessorCount, 2);

    [Test, Category(LongRun.Category)]
    public void Faults_lose_nothing_that_was_told()
    {
        ulong seed = (uint)PrintedSeed.Next();
        var longRun = new LongRun();
        var total = new RunFigures();
        long seeds = 0;
        while (seeds == 0 || longRun.MayGoOn(1))
        {
            (long done, RunFigures figures) = Simulator.RunMany(
                seed + (ulong)seeds, one => SimulationPlan.Of(one), SeedsEachRun, TimeSpan.MaxValue, s_threads, Mutant.None, out SimulationResult? failed);
            seeds += done;
            total.Add(figures);
            if (failed is not null)
                Assert.Fail(TextOf(failed.Seed, Mutant.None, 0));
        }

        double hours = total.SimulatedNs / (double)Limits.NsPerHour;
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{seeds} seeds, {hours:F1} simulated hours, {total.Faults} faults, {total.Crashes} power cuts, {total.Elections} elections, {total.Cuts} suffixes cut, {total.Refusals} refusals"));
        Assert.That(hours, Is.GreaterThan(SimulatedHoursMin));
        Assert.That(new[] { total.Crashes, total.Elections, total.Cuts, total.Snapshots, total.Refusals, total.Batches }, Is.All.GreaterThan(0), "what is to be tried has come to pass");
    }

    [TestCase(3UL, 1)]
    [TestCase(17UL, 1)]
    [TestCase(5UL, 3)]
    [TestCase(8UL, 3)]
    [TestCase(2UL, 5)]
    public void A_seed_repeats_exactly(ulong seed, int replicas)
    {
        SimulationResult once = Simulator.Run(SimulationPlan.Of(seed, replicas));
        SimulationResult again = Simulator.Run(SimulationPlan.Of(seed, replicas));
        Assert.That(once.Failure, Is.Null);
        Assert.That(again.Trace, Is.EqualTo(once.Trace));
        Assert.That(Simulator.Run(SimulationPlan.Of(seed + 1, replicas)).Trace, Is.Not.EqualTo(once.Trace));
    }

    [Test]
    public void Every_mutant_is_caught_within_its_number_of_seeds([Values] Mutant mutant)
    {
        if (mutant == Mutant.None)
        {
            Assert.That(mutant.SeedsMax(), Is.Zero, "nothing is wrong with it: the other tests run it");
            return;
        }

        ulong seed = (uint)PrintedSeed.Next();
        (long seeds, _) = Simulator.RunMany(
            seed, one => SimulationPlan.Of(one, mutant.Replicas()), mutant.SeedsMax(), TimeSpan.MaxValue, s_threads, mutant, out SimulationResult? failed);
        Assert.That(failed, Is.Not.Null, $"{seeds} seeds from {seed} on did not find {mutant}");
        TestContext.Out.WriteLine($"{mutant}: caught by seed {failed!.Seed}, within {seeds} of {mutant.SeedsMax()} seeds: {failed.Failure!.Message}");
    }

    [Test]
    public void Shrinking_leaves_the_faults_without_which_a_seed_does_not_fail()
    {
        SimulationPlan plan = FailingPlan(Mutant.AnswerBeforeFlush, faultsMin: 4);
        SimulationPlan shortest = Simulator.Shrink(plan, Mutant.AnswerBeforeFlush);
        Assert.That(shortest.Faults, Has.Length.InRange(1, plan.Faults.Length));
        Assert.That(shortest.Faults, Is.SubsetOf(plan.Faults));
        Assert.That(Simulator.Run(shortest, Mutant.AnswerBeforeFlush).Failure, Is.Not.Null);
        foreach (SimulatedFault fault in shortest.Faults)
        {
            SimulationPlan fewer = shortest.WithOnly([.. shortest.Faults.Where(other => other != fault).Select(other => other.Number)]);
            Assert.That(Simulator.Run(fewer, Mutant.AnswerBeforeFlush).Failure, Is.Null, $"without {fault} it fails, too");
        }
    }

    [Test]
    public void The_command_prints_how_a_failing_seed_is_repeated()
    {
        SimulationPlan plan = FailingPlan(Mutant.SkipFlush, faultsMin: 2);
        (int code, string output, _) = Command("--seed", $"{plan.Seed}", "--replicas", $"{plan.Replicas}", "--mutant", "SkipFlush");
        Assert.That(code, Is.EqualTo(1));
        string repeat = output.Split(Environment.NewLine).Single(line => line.StartsWith("./run.ps1 simulate", StringComparison.Ordinal));
        (int codeAgain, string outputAgain, _) = Command(repeat.Split(' ')[2..]);
        Assert.That(codeAgain, Is.EqualTo(1));
        Assert.That(outputAgain, Does.Contain(repeat));
        Assert.That(Command("--seed", $"{plan.Seed}", "--replicas", $"{plan.Replicas}").Code, Is.Zero, "without the mutant nothing is wrong");
    }

    [Test]
    public void The_command_runs_seeds_and_prints_their_figures()
    {
        (int code, string output, _) = Command("--seed", "1", "--seeds", "4");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("4 seeds, ").And.Contain("simulated hours").And.Contain("seeds a minute"));
        (_, string one, _) = Command("--seed", "1", "--replicas", "1", "--faults", "none");
        Assert.That(one, Does.Contain("trace "));
    }

    [TestCase("--seed", "many")]
    [TestCase("--replicas", "2")]
    [TestCase("--seconds", "0")]
    [TestCase("--faults", "1,x")]
    [TestCase("--mutant", "Sleepy")]
    [TestCase("--loud", "1")]
    public void What_the_command_does_not_understand_it_says(string name, string value)
    {
        (int code, _, string error) = Command(name, value);
        Assert.That(code, Is.EqualTo(2));
        Assert.That(error, Does.Contain($"'{name} {value}'").And.Contain(SimulateCommand.Usage));
    }

    private static SimulationPlan FailingPlan(Mutant mutant, int faultsMin)
    {
        for (ulong seed = 1; ; seed++)
        {
            SimulationPlan plan = SimulationPlan.Of(seed, mutant.Replicas());
            if (plan.Faults.Length >= faultsMin && Simulator.Run(plan, mutant).Failure is not null)
                return plan;
        }
    }

    private static (int Code, string Output, string Error) Command(params string[] arguments)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        using var error = new StringWriter(CultureInfo.InvariantCulture);
        int code = SimulateCommand.Run(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private static string TextOf(ulong seed, Mutant mutant, int replicas)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        SimulateCommand.Run(["--seed", $"{seed}", .. replicas == 0 ? (string[])[] : ["--replicas", $"{replicas}"], .. mutant == Mutant.None ? (string[])[] : ["--mutant", $"{mutant}"]], output, output);
        return output.ToString();
    }
}
