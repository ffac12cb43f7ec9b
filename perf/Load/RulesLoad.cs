using System.Diagnostics;
using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Simd;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf rules`: what judging one payment costs: by the modules that ship, by corridor rows (10, 100 and 1,000 thresholds: it should not matter how
/// many), and by the residual program (16 and 100 rules); what the modules cost inside all of Settle; and what the same rules cost in another engine.
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

    private const int SwapCount = 10;

    /// <summary>The peer takes about a millisecond each.</summary>
    private const int PeerPayments = 1_000;
    private const int PeerPaymentsSmall = 20;

    private sealed record Case(string Name, string Says, RulePlan Plan, double BuildMs);

    /// <exception cref="CheckFailedException">An answer is not that of judging the payment alone.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        RuleLoadData data = new(ChunkCount, seed: 1), spread = new(ChunkCount, seed: 2, spreadAmounts: true);
        RuleTable law = ShippedLaw.Table(out int modules);
        Case[] cases =
        [
            Make("modules", $"{modules} modules as they ship, {law.Rules.Length} rules of the table", law),
            Make("twenty_countries", "rows of 20 countries' tiers and thresholds", TwentyCountries.Table()),
            Make("rows_10", "rows of 10 thresholds", RuleLoadData.Thresholds(10)),
            Make("rows_100", "rows of 100 thresholds", RuleLoadData.Thresholds(100)),
            Make("rows_1000", "rows of 1,000 thresholds", RuleLoadData.Thresholds(1_000)),
            Make("residual_16", "residual program of 16 rules", RuleLoadData.Residuals(16)),
            Make("residual_100", "residual program of 100 rules", RuleLoadData.Residuals(100)),
        ];
        foreach (Case one in cases)
        {
            RequireAgreement(one, data);
            RequireAgreement(one, spread);
        }

        int roundCount = options.Small ? RoundCountSmall : RoundCount;
        Runs[] runs = Runs.InTurn(options.Runs, [.. cases.Select(one => (Func<Run>)(() => Judged(one.Plan, one == cases[0] ? spread : data, roundCount)))]);
        Figure figure = new("rules", Counted(cases[0].Plan), runs[0]);
        for (int i = 0; i < cases.Length; i++)
        {
            Spread ns = runs[i].NsPerPayment;
            figure = figure
                .With($"ns_per_payment_{cases[i].Name}", ns.Median, string.Create(CultureInfo.InvariantCulture, $"{cases[i].Says}; {ns.Min:F2} to {ns.Max:F2}"))
                .With($"build_ms_{cases[i].Name}", cases[i].BuildMs);
        }

        figure = InsideApply(figure, options, cases[0].Plan);
        (Spread pause, Spread build, string says) = LawSwap.Measure(options.Small, options.Small ? 1 : SwapCount);
        figure = figure
            .With("activation_pause_ms_max", pause.Max, $"settle thread, the block in which a version comes into force less the same without: {says}")
            .With("activation_pause_ms", pause.Median)
            .With("activation_build_ms", build.Median, "check, lowering, plan and self-check of it, on the thread of plans");
        figure = BesidePeer(figure, options, RulePlan.Build(PeerRules.Asked(law), Iso4217.OwnerCountry), spread);
        figure = figure.With("bytes_per_payment_of_all_cases", runs.Max(one => one.BytesPerPayment.Max), "the worst run of the worst case");
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static string Counted(RulePlan plan) => string.Create(CultureInfo.InvariantCulture,
        $"judging by the deny, require and review rules of all modules that ship, {plan.Table.Rules.Length} rules of the table, amounts on both sides of thresholds, chunks of {Limits.ChunkPayments} payments, columns in the second-level cache; {RuleKernel.WidthBest}");

    private static Case Make(string name, string says, RuleTable table)
    {
        long start = Stopwatch.GetTimestamp();
        RulePlan plan = RulePlan.Build(table, Iso4217.OwnerCountry);
        return new Case(name, says, plan, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static void RequireAgreement(Case one, RuleLoadData data)
    {
        Answers answers = new();
        for (int chunk = 0; chunk < ChunkCount; chunk++)
        {
            answers.Judge(one.Plan, data.Chunk(chunk));
            for (int i = 0; i < Limits.ChunkPayments; i++)
            {
                int payment = chunk * Limits.ChunkPayments + i;
                if (answers.DeniedBy[i] != one.Plan.JudgeOne(data.Facts(payment), denyOnly: false))
                    throw new CheckFailedException($"{one.Name} judges payment {payment} otherwise than alone");
            }
        }
    }

    private static Run Judged(RulePlan plan, RuleLoadData data, int roundCount)
    {
        Answers answers = new();
        return Common.Run.TimeThread((long)roundCount * data.Count, () =>
        {
            for (int round = 0; round < roundCount; round++)
                for (int chunk = 0; chunk < ChunkCount; chunk++)
                    answers.Judge(plan, data.Chunk(chunk));
        });
    }

    /// <summary>The same payments through all of Settle under no rules and under the modules; the difference is theirs, sums of limits included.</summary>
    private static Figure InsideApply(Figure figure, LoadOptions options, RulePlan law)
    {
        Answers answers = new();
        Runs[] runs = ApplyLoad.UnderRules(options, facts => answers.Pass(law, facts), RuleTable.Empty, law.Table);
        double[] differences = [.. runs[0].All.Zip(runs[1].All, (open, ruled) => ruled.NsPerPayment - open.NsPerPayment)];
        Spread difference = Spread.Of(differences);
        return figure
            .With("ns_per_payment_modules_inside_apply", difference.Median, string.Create(CultureInfo.InvariantCulture,
                $"all of Settle under the modules less the same under no rules, sums of limits included; {difference.Min:F1} to {difference.Max:F1}"))
            .With("apply_payments_per_second_under_modules", runs[1].PerSecond.Median)
            .With("apply_payments_per_second_under_no_rules", runs[0].PerSecond.Median);
    }

    /// <summary>The deny and require rules of the modules, in both engines, payment for payment the same answers.</summary>
    private static Figure BesidePeer(Figure figure, LoadOptions options, RulePlan plan, RuleLoadData data)
    {
        var peer = new PeerRules(plan.Table);
        PeerFacts[] facts = [.. Enumerable.Range(0, options.Small ? PeerPaymentsSmall : PeerPayments).Select(i => PeerRules.Of(data.Facts(i), Iso4217.OwnerCountry(data.Facts(i).Currency)))];
        int refused = 0;
        for (int i = 0; i < facts.Length; i++)
        {
            ushort rule = plan.JudgeOne(data.Facts(i), denyOnly: false);
            refused += rule == 0 ? 0 : 1;
            if (rule != peer.Judge(facts[i]) || rule != 0 != peer.Refuses(facts[i]))
                throw new CheckFailedException($"payment {i} is refused by rule {rule} here and by another in the peer");
        }

        int roundCount = options.Small ? RoundCountSmall : RoundCount;
        var all = SideBySide.Of(options.Runs, () => Judged(plan, data, roundCount), () => Common.Run.Time(facts.Length, () =>
        {
            foreach (PeerFacts one in facts)
                peer.Judge(one);
        }));
        var untilOne = SideBySide.Of(options.Runs, () => Judged(plan, data, roundCount), () => Common.Run.Time(facts.Length, () =>
        {
            foreach (PeerFacts one in facts)
                peer.Refuses(one);
        }));
        return figure
            .WithRatio("rules_engine", all, string.Create(CultureInfo.InvariantCulture,
                $"Microsoft RulesEngine with the same {peer.Count} deny and require rules, all evaluated; equal answers to {facts.Length} payments, {refused} of them refused"))
            .WithRatio("rules_engine_until_one", untilOne, "the same, asked only whether any rule refuses, ending at the first that does");
    }

    /// <summary>Every column that a plan writes.</summary>
    private sealed class Answers
    {
        public ushort[] DeniedBy { get; } = new ushort[Limits.ChunkPayments];

        private readonly ushort[] _reviewedBy = new ushort[Limits.ChunkPayments];
        private readonly uint[] _limits = new uint[Limits.ChunkPayments];
        private readonly ulong[] _masks = new ulong[Limits.ChunkPayments];

        /// <summary>Whether no rule refuses or reviews it; sums aside.</summary>
        public bool Pass(RulePlan plan, RuleFacts facts)
        {
            plan.Judge(new RuleColumns
            {
                Source = [facts.Source], Destination = [facts.Destination], Currency = [facts.Currency], Amount = [facts.Amount], Tier = [facts.Tier],
                Purpose = [facts.Purpose], Level = [facts.Level], Instruction = [facts.Instruction], PayerKind = [facts.PayerKind], PayeeKind = [facts.PayeeKind],
            }, 1, DeniedBy, _reviewedBy, _limits, _masks);
            return DeniedBy[0] == 0 && (!plan.HasReviews || _reviewedBy[0] == 0);
        }

        public void Judge(RulePlan plan, in RuleColumns columns) => plan.Judge(columns, Limits.ChunkPayments, DeniedBy, _reviewedBy, _limits, _masks);
    }
}
