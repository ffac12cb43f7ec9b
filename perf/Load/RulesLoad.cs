using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Simd;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf rules`: what judging one payment costs: by corridor rows (10, 100 and 1,000 thresholds: it should not matter how
/// many), and by the residual program (16 and 100 rules).
/// </summary>
/// <remarks>
/// Counted: <see cref="RulePlan.Judge"/> over chunks of 1,024 payments whose columns are in the second-level cache, as they are
/// after the pass that fills them. The cases take turns, so that a slow spell of the machine meets all of them. Checked:
/// every answer equals that of judging the payment alone.
/// </remarks>
public static class RulesLoad
{
    /// <summary>16 x 1,024 payments x 18 bytes: 300 KB.</summary>
    private const int ChunkCount = 16;

    /// <summary>Rounds over all chunks in a run.</summary>
    private const int RoundCount = 500;
    private const int RoundCountSmall = 1;

    private sealed record Case(string Name, string Says, RulePlan Plan, double BuildMs);

    /// <exception cref="CheckFailedException">An answer is not that of judging the payment alone.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        RuleLoadData data = new(ChunkCount, seed: 1);
        Case[] cases =
        [
            Make("twenty_countries", "rows of 20 countries' tiers and thresholds", TwentyCountries.Table()),
            Make("rows_10", "rows of 10 thresholds", RuleLoadData.Thresholds(10)),
            Make("rows_100", "rows of 100 thresholds", RuleLoadData.Thresholds(100)),
            Make("rows_1000", "rows of 1,000 thresholds", RuleLoadData.Thresholds(1_000)),
            Make("residual_16", "residual program of 16 rules", RuleLoadData.Residuals(16)),
            Make("residual_100", "residual program of 100 rules", RuleLoadData.Residuals(100)),
        ];
        foreach (Case one in cases)
            RequireAgreement(one, data);
        int roundCount = options.Small ? RoundCountSmall : RoundCount;
        Runs[] runs = Runs.InTurn(options.Runs, [.. cases.Select(one => (Func<Run>)(() => Judged(one.Plan, data, roundCount)))]);
        Figure figure = new("rules", Counted(cases[0].Plan), runs[0]);
        for (int i = 0; i < cases.Length; i++)
        {
            Spread ns = runs[i].NsPerPayment;
            figure = figure
                .With($"ns_per_payment_{cases[i].Name}", ns.Median, string.Create(CultureInfo.InvariantCulture, $"{cases[i].Says}; {ns.Min:F2} to {ns.Max:F2}"))
                .With($"build_ms_{cases[i].Name}", cases[i].BuildMs);
        }

        figure = figure.With("bytes_per_payment_of_all_cases", runs.Max(one => one.BytesPerPayment.Max), "the worst run of the worst case");
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static string Counted(RulePlan plan) => string.Create(CultureInfo.InvariantCulture,
        $"judging by corridor rows alone, {plan.Table.Rules.Length} rules of 20 countries, chunks of {Limits.ChunkPayments} payments, columns in the second-level cache; {RuleKernel.WidthBest}");

    private static Case Make(string name, string says, RuleTable table)
    {
        long start = Stopwatch.GetTimestamp();
        RulePlan plan = RulePlan.Build(table, static _ => 0);
        return new Case(name, says, plan, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static void RequireAgreement(Case one, RuleLoadData data)
    {
        ushort[] denied = new ushort[Limits.ChunkPayments];
        for (int chunk = 0; chunk < ChunkCount; chunk++)
        {
            one.Plan.Judge(data.Chunk(chunk), Limits.ChunkPayments, denied, default, default, default);
            for (int i = 0; i < denied.Length; i++)
            {
                int payment = chunk * Limits.ChunkPayments + i;
                if (denied[i] != one.Plan.JudgeOne(data.Facts(payment), denyOnly: false))
                    throw new CheckFailedException($"{one.Name} judges payment {payment} otherwise than alone");
            }
        }
    }

    private static Run Judged(RulePlan plan, RuleLoadData data, int roundCount) =>
        Common.Run.TimeThread((long)roundCount * data.Count, () =>
        {
            Span<ushort> denied = stackalloc ushort[Limits.ChunkPayments];
            for (int round = 0; round < roundCount; round++)
                for (int chunk = 0; chunk < ChunkCount; chunk++)
                    plan.Judge(data.Chunk(chunk), Limits.ChunkPayments, denied, default, default, default);
        });
}
