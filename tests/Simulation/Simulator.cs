using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>What runs did, added up.</summary>
internal sealed class RunFigures
{
    public ulong SimulatedNs { get; set; }

    public long Payments { get; set; }

    public long Blocks { get; set; }

    public long Batches { get; set; }

    public long Snapshots { get; set; }

    public long Crashes { get; set; }

    public long Elections { get; set; }

    public long Cuts { get; set; }

    public long Faults { get; set; }

    public long Refusals { get; set; }

    /// <summary>Damaged journals that were repaired from the others.</summary>
    public long Repairs { get; set; }

    public void Add(RunFigures other)
    {
        SimulatedNs += other.SimulatedNs;
        Payments += other.Payments;
        Blocks += other.Blocks;
        Batches += other.Batches;
        Snapshots += other.Snapshots;
        Crashes += other.Crashes;
        Elections += other.Elections;
        Cuts += other.Cuts;
        Faults += other.Faults;
        Refusals += other.Refusals;
        Repairs += other.Repairs;
    }
}

/// <summary>How one seed went.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Trace">Hash over all that was decided.</param>
/// <param name="Failure">What was found; null: nothing.</param>
/// <param name="Figures">What was done.</param>
internal sealed record SimulationResult(ulong Seed, string Trace, Exception? Failure, RunFigures Figures);

/// <summary>All that a run depends on: a function of the seed, but for faults that are left out.</summary>
internal sealed record SimulationPlan(ulong Seed, int Replicas, int Steps, bool IsBulky, bool CutsJournal, SimulatedFault[] Faults)
{
    /// <param name="seed">The seed.</param>
    /// <param name="replicas">How many; 0: as the seed says.</param>
    public static SimulationPlan Of(ulong seed, int replicas = 0)
    {
        var random = new SeededRandom(seed * 0x9E37_79B9_7F4A_7C15);
        int roll = random.Below(100);
        int chosen = roll < 45 ? 1 : roll < 90 ? 3 : 5;
        int count = replicas != 0 ? replicas : chosen;
        int steps = count == 1 ? random.Between(20, 120) : random.Between(60, 200);
        bool isBulky = random.OneIn(12);
        bool cuts = count == 1 && random.OneIn(2);
        int damages = random.OneIn(3) ? 1 : 0;
        return new SimulationPlan(seed, count, steps, isBulky, cuts, SimulatedFault.Plan(random, steps, count, damages));
    }

    public ulong SeedOf(string part) => BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{Seed} {part}")));

    /// <summary>The same run with these faults alone, by number.</summary>
    public SimulationPlan WithOnly(IReadOnlyCollection<int> numbers) => this with { Faults = [.. Faults.Where(fault => numbers.Contains(fault.Number))] };
}

/// <summary>Runs seeds.</summary>
/// <remarks>One run is one thread and one folder of its own; two runs share nothing, so they may go side by side.</remarks>
internal static class Simulator
{
    public static SimulationResult Run(SimulationPlan plan, Mutant mutant = Mutant.None, TextWriter? lines = null)
    {
        string folder = Path.Combine(Root, $"settlement-simulation-{Environment.ProcessId}-{Guid.NewGuid():n}");
        Directory.CreateDirectory(folder);
        using var trace = new TraceHash { Lines = lines };
        var figures = new RunFigures();
        Exception? failure = null;
        try
        {
            RunIn(folder, plan, trace, figures, mutant);
        }
#pragma warning disable CA1031 // Whatever a run throws is what it has found: an index out of range as well as a broken promise.
        catch (Exception found)
#pragma warning restore CA1031
        {
            failure = found;
            trace.Add("failure " + found.GetType().Name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return new SimulationResult(plan.Seed, trace.Finish(), failure, figures);
    }

    private static void RunIn(string folder, SimulationPlan plan, TraceHash trace, RunFigures figures, Mutant mutant)
    {
        if (plan.Replicas > 1)
        {
            var cluster = new ClusterRun(folder, plan, trace, figures, mutant);
            try
            {
                cluster.Run();
            }
            finally
            {
                cluster.Dispose();
                figures.Faults += cluster.Struck;
            }

            return;
        }

        using var run = new LoneRun(folder, plan, trace, figures, mutant);
        try
        {
            if (run.Run())
                figures.Refusals++;
        }
        finally
        {
            figures.Faults += run.Struck;
        }
    }

    /// <summary>In memory, where there is such a folder: the disk is simulated, and the real one would only be slow.</summary>
    private static string Root => Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    /// <summary>Leaves out one fault after the other, as long as the run still fails.</summary>
    public static SimulationPlan Shrink(SimulationPlan plan, Mutant mutant = Mutant.None)
    {
        for (bool shrunk = true; shrunk;)
        {
            shrunk = false;
            foreach (SimulatedFault fault in plan.Faults)
            {
                SimulationPlan fewer = plan.WithOnly([.. plan.Faults.Where(other => other != fault).Select(other => other.Number)]);
                if (Run(fewer, mutant).Failure is null)
                    continue;
                (plan, shrunk) = (fewer, true);
                break;
            }
        }

        return plan;
    }

    /// <summary>Runs seeds one behind the other on so many threads until the time is over or one fails.</summary>
    /// <param name="firstSeed">The first; then each next.</param>
    /// <param name="planOf">The plan of a seed.</param>
    /// <param name="seedsMax">At most so many.</param>
    /// <param name="budget">Of real time.</param>
    /// <param name="threads">How many at once.</param>
    /// <param name="mutant">What is wrong with the node.</param>
    /// <param name="failed">The failing seed of the lowest number that was run; null: none failed.</param>
    public static (long Seeds, RunFigures Figures) RunMany(
        ulong firstSeed, Func<ulong, SimulationPlan> planOf, long seedsMax, TimeSpan budget, int threads, Mutant mutant, out SimulationResult? failed)
    {
        long next = 0, done = 0;
        var total = new RunFigures();
        SimulationResult? first = null;
        var gate = new Lock();
        long begun = Stopwatch.GetTimestamp();
        void Work()
        {
            while (Volatile.Read(ref first) is null && Stopwatch.GetElapsedTime(begun) < budget)
            {
                long index = Interlocked.Increment(ref next) - 1;
                if (index >= seedsMax)
                    return;
                SimulationResult result = Run(planOf(firstSeed + (ulong)index), mutant);
                lock (gate)
                {
                    done++;
                    total.Add(result.Figures);
                    if (result.Failure is not null && (first is null || result.Seed < first.Seed))
                        first = result;
                }
            }
        }

        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(_ => new Thread(Work))];
        foreach (Thread other in others)
            other.Start();
        Work();
        foreach (Thread other in others)
            other.Join();
        failed = first;
        return (done, total);
    }
}

internal static class Scenarios
{
    /// <summary>An operator accepts that the clock went forward.</summary>
    public static Payment AcceptTime => Commands.SlotOf(Scenario.Command(Instruction.AcceptTime));
}

internal static class Commands
{
    public static Payment SlotOf(ControlCommand command) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<ControlCommand, Payment>(new ReadOnlySpan<ControlCommand>(in command))[0];
}
