using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Simd;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf rules`: what judging one payment costs: by corridor rows (10, 100 and 1,000 thresholds: it should not matter how
/// many), and by the residual program (16 and 100 rules).
/// </summary>
/// <remarks>
/// Counted: <see cref="RulePlan.Judge"/> over chunks of 1,024 payments whose columns are in the second-level cache, as they are
/// after the pass that fills them. The cases take turns inside each run, so that a slow spell of the machine meets all of
/// them; each figure is the median of the runs. Checked: every answer equals that of judging the payment alone.
/// </remarks>
public static class RulesLoad
{
    /// <summary>16 x 1,024 payments x 18 bytes: 300 KB.</summary>
    private const int ChunkCount = 16;

    private sealed record Case(string Name, string Says, int RuleCount, RulePlan Plan, double BuildMs);

    /// <summary>Runs the load with the defaults of the command: 9 runs of 100 rounds over 16 chunks.</summary>
    public static int Run(bool json, TextWriter output) => Run(json, output, runCount: 9, roundCount: 100);

    /// <returns>0; 1 when an answer is not that of judging the payment alone.</returns>
    public static int Run(bool json, TextWriter output, int runCount, int roundCount)
    {
        RuleLoadData data = new(ChunkCount, seed: 1);
        Case[] cases =
        [
            Make("rows_10", "corridor rows, 10 thresholds", RuleLoadData.Thresholds(10)),
            Make("rows_100", "corridor rows, 100 thresholds", RuleLoadData.Thresholds(100)),
            Make("rows_1000", "corridor rows, 1,000 thresholds", RuleLoadData.Thresholds(1_000)),
            Make("twenty_countries", "corridor rows, 20 countries' tiers and thresholds", TwentyCountries.Table()),
            Make("residual_16", "residual program, 16 rules", RuleLoadData.Residuals(16)),
            Make("residual_100", "residual program, 100 rules", RuleLoadData.Residuals(100)),
        ];
        foreach (Case one in cases)
            if (!AgreesWithJudgingAlone(one.Plan, data))
            {
                output.WriteLine($"rules: {one.Name} disagrees with judging payments alone");
                return 1;
            }
        double[][] nanoseconds = [.. cases.Select(_ => new double[runCount])];
        long allocatedBytes = 0;
        // One run more than is kept: the first lets the runtime finish compiling.
        for (int run = -1; run < runCount; run++)
            for (int i = 0; i < cases.Length; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                double elapsed = NanosecondsPerPayment(cases[i].Plan, data, roundCount);
                if (run < 0)
                    continue;
                allocatedBytes += GC.GetAllocatedBytesForCurrentThread() - before;
                nanoseconds[i][run] = elapsed;
            }
        Print(json, output, cases, nanoseconds, allocatedBytes, (long)roundCount * data.Count);
        return 0;
    }

    private static Case Make(string name, string says, RuleTable table)
    {
        long start = Stopwatch.GetTimestamp();
        RulePlan plan = RulePlan.Build(table, static _ => 0);
        return new Case(name, says, table.Rules.Length, plan, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static bool AgreesWithJudgingAlone(RulePlan plan, RuleLoadData data)
    {
        ushort[] denied = new ushort[Limits.ChunkPayments];
        for (int chunk = 0; chunk < ChunkCount; chunk++)
        {
            plan.Judge(data.Chunk(chunk), Limits.ChunkPayments, denied, default, default);
            for (int i = 0; i < denied.Length; i++)
                if (denied[i] != plan.JudgeOne(data.Facts(chunk * Limits.ChunkPayments + i), denyOnly: false))
                    return false;
        }
        return true;
    }

    private static double NanosecondsPerPayment(RulePlan plan, RuleLoadData data, int roundCount)
    {
        Span<ushort> denied = stackalloc ushort[Limits.ChunkPayments];
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < roundCount; round++)
            for (int chunk = 0; chunk < ChunkCount; chunk++)
                plan.Judge(data.Chunk(chunk), Limits.ChunkPayments, denied, default, default);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)roundCount * data.Count);
    }

    private static void Print(bool json, TextWriter output, Case[] cases, double[][] nanoseconds, long allocatedBytes,
        long paymentsPerRun)
    {
        int runCount = nanoseconds[0].Length;
        double[] medians = [.. nanoseconds.Select(runs => runs.Order().ElementAt(runCount / 2))];
        double bytesPerPayment = Math.Round((double)allocatedBytes / (paymentsPerRun * runCount * cases.Length), 6);
        int headline = Array.FindIndex(cases, one => one.Name == "twenty_countries");
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                figure = "rules",
                payments_per_second = Math.Round(1e9 / medians[headline]),
                bytes_per_payment = bytesPerPayment,
                runs = runCount,
                payments_per_run = paymentsPerRun,
                vectors = RuleKernel.WidthBest.ToString(),
                cases = cases.Select((one, at) => new
                {
                    name = one.Name,
                    rules = one.RuleCount,
                    ns_per_payment = Math.Round(medians[at], 3),
                    ns_per_payment_min = Math.Round(nanoseconds[at].Min(), 3),
                    ns_per_payment_max = Math.Round(nanoseconds[at].Max(), 3),
                    build_ms = Math.Round(one.BuildMs, 2),
                }),
                machine = $"{Environment.ProcessorCount} processors",
            }));
            return;
        }
        output.WriteLine(FormattableString.Invariant(
            $"rules: ns a payment, median of {runCount} runs of {paymentsPerRun:N0} payments, columns in cache"));
        output.WriteLine(FormattableString.Invariant($"  {RuleKernel.WidthBest}, {Environment.ProcessorCount} processors"));
        for (int i = 0; i < cases.Length; i++)
        {
            output.Write(string.Create(CultureInfo.InvariantCulture, $"  {cases[i].Says,-52} {medians[i],7:F2} ns   "));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"({nanoseconds[i].Min():F2} to {nanoseconds[i].Max():F2}; plan built in {cases[i].BuildMs:F1} ms)"));
        }
        output.WriteLine(FormattableString.Invariant($"  allocated: {bytesPerPayment} bytes a payment"));
    }
}
