using System.CommandLine;
using Settlement.Engine.Journal;
using Settlement.Replay.Common;
using Settlement.Replay.Stats.Charts;

namespace Settlement.Replay.Stats;

/// <summary>`replay stats`: rates, sizes, verdicts, money and times of a journal, and charts of them.</summary>
internal static class StatsCommand
{
    private const int TopDefault = 10;

    public static Command Create(TextWriter output, TextWriter error)
    {
        Argument<string> journal = Verb.Journal();
        var from = new Option<string?>("--from") { HelpName = "POINT", Description = $"Where to begin: {JournalPoint.Expected}. A batch: its first payment." };
        var to = new Option<string?>("--to") { HelpName = "POINT", Description = "Where to stop, this point included. A batch: its close." };
        var top = new Option<int?>("--top") { HelpName = "N", Description = $"How many corridors and participants are listed. Default: {TopDefault}." };
        var svg = new Option<string?>("--svg") { HelpName = "FILE", Description = "Draws charts into this file: rate over time, batch sizes, net flows between participants." };
        Option<bool> json = Verb.Json();
        var command = new Command("stats", "Counts and measures a journal: rates, sizes, verdicts, money, batches, and what its recorded times tell.")
        {
            journal, from, to, top, svg, json,
        };
        command.SetAction(parsed => Verb.Run(error, () =>
        {
            int listed = parsed.GetValue(top) ?? TopDefault;
            if (listed < 1)
                throw new UsageException("--top: a whole number from 1 is expected.");
            string place = parsed.GetValue(journal)!;
            bool asJson = parsed.GetValue(json);
            PointRange range = PointRange.Resolve(place, parsed.GetValue(from), parsed.GetValue(to));
            using WalkProgress? progress = WalkProgress.Over(place, error, asJson);
            return Run(place, range, progress, report => Print(report, parsed.GetValue(svg), asJson, output), listed);
        }));
        return command;
    }

    /// <summary>The walk is from genesis whatever the range: captures and refunds have the parties of what may stand anywhere before them.</summary>
    private static int Run(string journal, PointRange range, WalkProgress? progress, Action<StatsReport> print, int top)
    {
        var stats = new JournalStats();
        using JournalWalk walk = JournalWalk.Open(journal, new WalkOptions { Until = range.Until, Progress = progress });
        while (walk.Next())
            stats.Take(walk, range);
        progress?.Dispose();
        JournalEnd? damage = walk.End is { Kind: JournalEndKind.Damage } end ? end : null;
        if (damage is null)
            range.CheckReached(walk);
        else if (walk.Reader.Blocks == 0)
            throw Journals.Damaged(damage);
        (string Name, long Bytes)[] files =
        [
            .. new DirectoryInfo(journal).EnumerateFiles("journal.log.*").Select(file => (file.Name, file.Length)).OrderBy(file => file.Name.Length).ThenBy(file => file.Name, StringComparer.Ordinal),
        ];
        print(new StatsReport(journal, walk.LedgerId, stats, walk.State, files, damage, top));
        return damage is null ? 0 : ReplayCommand.ExitUnsound;
    }

    private static void Print(StatsReport report, string? svg, bool json, TextWriter output)
    {
        if (svg is not null)
            ChartPage.Write(report, svg);
        if (json)
            output.WriteLine(StatsJson.Of(report));
        else
            new StatsLines(report, output, HistogramPicture.WidthOf(output)).Print();
    }
}
