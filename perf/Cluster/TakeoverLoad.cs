using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>`perf takeover`: three nodes with the settings they come with; the leader is killed under load so many times.</summary>
internal static class TakeoverLoad
{
    private static readonly LoadNumber s_rounds = new("--rounds", "N", 30, 1, 10_000, "how often the leader is killed");
    private static readonly LoadNumber s_rate = new("--rate", "N", 1_000, 50, 1_000_000, "payments that each of three banks streams a second meanwhile");

    public static IReadOnlyList<LoadNumber> Numbers { get; } = [s_rounds, s_rate];

    public static int Run(LoadOptions options)
    {
        string folder = Directory.CreateTempSubdirectory("settlement-takeover-").FullName;
        TakeoverResult result = TakeoverRun.Run(folder, options.Small ? 1 : options.Of(s_rounds), options.Small ? 100 : options.Of(s_rate), seed: 1);
        if (!result.Check.IsSound)
            throw new CheckFailedException($"{result.Check}: {string.Join("; ", result.Check.Faults)}; kept in {folder}");
        Directory.Delete(folder, recursive: true);
        var verdict = Spread.Of(result.VerdictMs);
        var back = Spread.Of(result.BackMs);
        FigurePrinter.Print(
            new Figure(
                "takeover",
                $"verdicts while the leader of three nodes on one machine was killed (-9) {result.VerdictMs.Count} times and started again, clients and all nodes on the same cores; settings as they come; "
                    + "all that was acknowledged is in every node's journal once",
                new Runs([new Run(result.Answers, (long)result.Elapsed.TotalNanoseconds, 0)])) { Unit = "verdicts" }
                .With("takeover_ms", verdict.Median, $"median, from the kill to a client's verdict of a payment that it sent after it; {verdict.Min:0} to {verdict.Max:0}")
                .With("takeover_ms_max", verdict.Max)
                .With("takeover_ms_p90", result.VerdictMs.Order().ElementAt((result.VerdictMs.Count - 1) * 9 / 10))
                .With("back_ms", back.Median, $"median, from the old leader's start until it had caught up; {back.Min:0} to {back.Max:0}")
                .With("lost", 0, $"of {result.Check.Acknowledged:N0} acknowledged payments; settled twice: 0"),
            options.Json,
            options.Output);
        return 0;
    }
}
