using System.Globalization;
using System.Text.Json;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Engine.Text;
using Spectre.Console;

namespace Settlement.Gateway.Settle;

/// <summary>What a settle run prints at its end: tables, or one JSON object.</summary>
internal static class SettleSummary
{
    private const int BatchesShown = 10;

    public static void Print(
        SettleOptions options, LedgerState state, ReplyCollector replies, SettleReport report, TimeSpan elapsed, TextWriter output)
    {
        if (options.Json)
            output.WriteLine(Json(state, replies, report, elapsed));
        else
            PrintTables(options, state, replies, report, elapsed, output);
    }

    private static double Rate(ReplyCollector replies, TimeSpan elapsed) => elapsed > TimeSpan.Zero ? replies.Decided / elapsed.TotalSeconds : 0;

    private static string Json(LedgerState state, ReplyCollector replies, SettleReport report, TimeSpan elapsed) => JsonSerializer.Serialize(new
    {
        payments = replies.Decided,
        not_settled = replies.UnsettledCount,
        verdicts = Listed(replies).ToDictionary(entry => VerdictText.NameOf(entry.Verdict), entry => entry.Count),
        wallets_opened = replies.WalletsOpened,
        wallets_known = replies.WalletsKnown,
        openings_issued = replies.OpeningsIssued,
        warnings = replies.WarningCount,
        seconds = elapsed.TotalSeconds,
        payments_per_second = Rate(replies, elapsed),
        latency_us = new { p50 = replies.LatencyUs(50), p99 = replies.LatencyUs(99), p999 = replies.LatencyUs(99.9), max = replies.LatencyUs(100) },
        batches = report.Closed.Count,
        open_batch = state.Batch.Number,
        open_batch_count = state.Batch.Count,
        sequence = state.Sequence,
        root = report.Closed.Count > 0 ? report.Closed[^1].Root.ToString() : null,
        state_hash = report.Closed.Count > 0 ? report.Closed[^1].StateHash.ToString() : null,
    });

    private static List<(Verdict Verdict, long Count)> Listed(ReplyCollector replies)
    {
        var listed = new List<(Verdict, long)>();
        for (int verdict = 0; verdict < replies.Counts.Length; verdict++)
        {
            if (replies.Counts[verdict] > 0)
                listed.Add(((Verdict)verdict, replies.Counts[verdict]));
        }

        return listed;
    }

    private static void PrintTables(
        SettleOptions options, LedgerState state, ReplyCollector replies, SettleReport report, TimeSpan elapsed, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = 120;
        var verdicts = new Table { Title = new TableTitle($"{Number(replies.Decided)} payments decided") };
        verdicts.AddColumn("verdict").AddColumn(new TableColumn("payments").RightAligned());
        foreach ((Verdict verdict, long count) in Listed(replies))
            verdicts.AddRow(VerdictText.NameOf(verdict), Number(count));
        if (replies.UnsettledCount > 0)
            verdicts.AddRow("not settled (see verdicts.csv)", Number(replies.UnsettledCount));
        console.Write(verdicts);
        if (options.Wallets is not null)
            console.MarkupLineInterpolated($"Wallets: {Number(replies.WalletsOpened)} opened, {Number(replies.WalletsKnown)} known before, {Number(replies.OpeningsIssued)} opening balances issued.");
        console.MarkupLineInterpolated($"Rate: {Number((long)Rate(replies, elapsed))} payments/s, read, journaled with fsync, decided; {elapsed.TotalSeconds:F2} s.");
        console.MarkupLineInterpolated($"Latency from submission to durable verdict: p50 {Ms(replies, 50)}, p99 {Ms(replies, 99)}, p99.9 {Ms(replies, 99.9)}, max {Ms(replies, 100)}.");
        PrintBatches(console, state, report);
        console.MarkupLineInterpolated($"Open batch {state.Batch.Number}: {Number((long)state.Batch.Count)} payments. Last sequence {state.Sequence}.");
    }

    private static void PrintBatches(IAnsiConsole console, LedgerState state, SettleReport report)
    {
        if (report.Closed.Count == 0)
            return;
        int skipped = Math.Max(0, report.Closed.Count - BatchesShown);
        var batches = new Table { Title = new TableTitle(skipped == 0 ? "Batches" : $"Batches (the last {BatchesShown} of {report.Closed.Count})") };
        batches.AddColumn("batch").AddColumn("sequences").AddColumn(new TableColumn("payments").RightAligned()).AddColumn("gross").AddColumn("root").AddColumn("state hash");
        foreach (ClosedBatch batch in report.Closed.Skip(skipped))
        {
            batches.AddRow(Number((long)batch.Number), $"{batch.FirstSequence}-{batch.LastSequence}", Number((long)batch.Count),
                string.Join(", ", batch.Gross.Select(gross => $"{AmountText.ToText((Int128)gross.Amount, SettleReport.ScaleOf(state, gross.Currency))} {Iso4217.LettersOf(gross.Currency)}")),
                batch.Root.ToString()[..12], batch.StateHash.ToString()[..12]);
        }

        console.Write(batches);
        ClosedBatch last = report.Closed[^1];
        var net = new Table { Title = new TableTitle($"Net positions of batch {last.Number}") };
        net.AddColumn("participant").AddColumn("currency").AddColumn(new TableColumn("net").RightAligned());
        foreach (NetPosition position in last.Net)
        {
            net.AddRow(Markup.Escape(state.Participants.NameOf(position.Participant)), Iso4217.LettersOf(position.Currency),
                AmountText.ToText(position.Net, SettleReport.ScaleOf(state, position.Currency)));
        }

        console.Write(net);
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Ms(ReplyCollector replies, double percentile) =>
        (replies.LatencyUs(percentile) / 1000.0).ToString("F2", CultureInfo.InvariantCulture) + " ms";
}
