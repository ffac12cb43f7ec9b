using System.Globalization;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using static System.FormattableString;

namespace Settlement.Replay.Stats;

/// <summary>A report for people: figures as lines, distributions as pictures.</summary>
internal sealed class StatsLines(StatsReport report, TextWriter output, int width)
{
    private readonly JournalStats _stats = report.Stats;

    public void Print()
    {
        PrintHead();
        PrintRates();
        PrintVerdicts();
        PrintMoney();
        PrintSides();
        PrintBatches();
        foreach (Distribution distribution in _stats.Distributions.Where(distribution => distribution.Count > 0))
        {
            output.WriteLine();
            HistogramPicture.Draw(distribution, width, output);
        }

        if (_stats.Batches.SealDelay.Count > 0)
            output.WriteLine("  A seal has the time of the block before it: 0 says that it stands in front of the next payments; slots say how many came between.");
        if (_stats.Clients.Delay.Count + _stats.Clients.Ahead.Count > 0)
            output.WriteLine("  A UUIDv7's time is its client's clock, in whole milliseconds: the difference is delay and clock skew together.");
        if (report.Damage is { } damage)
            output.WriteLine(Invariant($"DAMAGE  block {damage.Block} at {damage.Place}: {damage.What}. All figures are of what stands before it; `replay verify` says more."));
    }

    private void PrintHead()
    {
        output.WriteLine(Invariant($"{report.Journal}: ledger {report.LedgerId:x32}"));
        string kinds = string.Join(", ", _stats.Blocks.Select(kind => Invariant($"{kind.Count:N0} {SnakeCase.Of(kind.Kind)}")));
        output.WriteLine(Invariant($"  blocks      {_stats.BlocksCount:N0}: {kinds}"));
        output.WriteLine(Invariant($"  payments    {_stats.Time.Count:N0}; {_stats.Commands:N0} commands"));
        string each = report.BytesPerPayment is { } bytes ? Invariant($", {bytes:F1} bytes a payment") : "";
        output.WriteLine($"  bytes       {QuantityText.Of(_stats.BlocksBytes, Quantity.Bytes)} of blocks{each}; {report.Files.Count} files of {QuantityText.Of(report.Files.Sum(file => file.Bytes), Quantity.Bytes)}, zeros ahead of the log's end included");
    }

    private void PrintRates()
    {
        TimeFigures time = _stats.Time;
        if (time.Count == 0)
            return;
        output.WriteLine($"  time        {TimeText.Format(time.FirstNs)} to {TimeText.Format(time.LastNs)}, block times of payments");
        output.WriteLine(time.MeanPerSecond is { } mean
            ? Invariant($"  rate        {mean:N1} payments/s from first to last; {time.ActiveSeconds:N0} seconds had any")
            : "  rate        all came at one instant, so there is none");
        output.WriteLine(Invariant($"  peak        {time.PeakCount:N0} payments in the second from {TimeText.Format(time.PeakSecond * Limits.NsPerSecond)}"));
        foreach (QuietGap gap in time.Gaps)
            output.WriteLine($"  quiet       {QuantityText.Of(gap.LengthNs / 1_000.0, Quantity.Microseconds)} from {TimeText.Format(gap.FromNs)}");
    }

    private void PrintVerdicts()
    {
        var verdicts = new TextTable("verdict", "<payments", "<share", "value");
        foreach ((Verdict verdict, Tally tally) in _stats.Verdicts.OrderByDescending(listed => listed.Tally.Count))
            verdicts.Add(VerdictText.NameOf(verdict), Number(tally.Count), Share(tally.Count), AmountsOf(tally));
        Print(verdicts);
        var instructions = new TextTable("instruction", "<payments", "<accepted", "<share accepted", "value");
        foreach ((Instruction instruction, Tally tally) in _stats.Instructions.OrderByDescending(listed => listed.Tally.Count))
        {
            instructions.Add(SnakeCase.Of(instruction), Number(tally.Count), Number(tally.Accepted),
                Invariant($"{100.0 * tally.Accepted / tally.Count:F2}%"), AmountsOf(tally));
        }

        Print(instructions);
    }

    private void PrintMoney()
    {
        var currencies = new TextTable("currency", "<gross", "<held", "<issued", "<redeemed");
        foreach (StatsReport.CurrencyTotals totals in report.Totals())
        {
            currencies.Add(LedgerText.CurrencyOf(totals.Currency), Amount(totals.Gross, totals.Currency), Amount(totals.Held, totals.Currency),
                Amount(totals.Issued, totals.Currency), Amount(totals.Redeemed, totals.Currency));
        }

        Print(currencies);
        IReadOnlyList<Flow> all = _stats.Corridors.ByCount();
        var corridors = new TextTable($"corridor (top {Math.Min(report.TopCount, all.Count)} of {all.Count})", "<accepted", "<amount");
        foreach (Flow corridor in all.Take(report.TopCount))
            corridors.Add($"{LedgerText.CountryOf(corridor.From)} → {LedgerText.CountryOf(corridor.To)}", Number(corridor.Count), Money((Int128)corridor.Amount, corridor.Currency));
        Print(corridors);
    }

    private void PrintSides()
    {
        IReadOnlyList<StatsReport.Side> all = report.Sides();
        var sides = new TextTable($"participant (top {Math.Min(report.TopCount, all.Count)} of {all.Count})", "<payments", "<sent", "<received", "<net", "<inside", "currency");
        foreach (StatsReport.Side side in all.Take(report.TopCount))
        {
            sides.Add(LedgerText.ParticipantOf(report.State, side.Participant), Number(side.Count), Amount(side.Sent, side.Currency), Amount(side.Received, side.Currency),
                LedgerText.Amount(report.State, side.Net, side.Currency), Amount(side.Inside, side.Currency), LedgerText.CurrencyOf(side.Currency));
        }

        Print(sides);
        if (_stats.UnknownPartiesCount > 0)
            output.WriteLine(Invariant($"  {_stats.UnknownPartiesCount:N0} captures and refunds are not among the flows: what they are about stands before the journal's first block."));
        if (_stats.Flows.UnlistedCount + _stats.Corridors.UnlistedCount > 0)
            output.WriteLine(Invariant($"  Beyond {FlowTable.FlowsMax:N0} different ones, {_stats.Flows.UnlistedCount:N0} payments between participants and {_stats.Corridors.UnlistedCount:N0} of corridors are not listed."));
    }

    private void PrintBatches()
    {
        output.WriteLine();
        output.WriteLine(Invariant($"{_stats.Batches.Size.Count:N0} batches closed, {_stats.Batches.UnsealedCount:N0} of them not sealed here"));
        if (_stats.Clients.LateCount > 0)
            output.WriteLine(Invariant($"{_stats.Clients.LateCount:N0} payments came behind their `valid until`"));
    }

    private void Print(TextTable table)
    {
        if (table.IsEmpty)
            return;
        output.WriteLine();
        table.Print(output);
    }

    private string AmountsOf(Tally tally) => string.Join(", ", Enumerable.Range(1, report.State.Currencies.Count)
        .Where(index => tally[index] != 0)
        .Select(index => Money((Int128)tally[index], report.State.Currencies[index].Number)));

    private string Money(Int128 amount, ushort currency) => LedgerText.Money(report.State, amount, currency);

    private string Amount(UInt128 amount, ushort currency) => LedgerText.Amount(report.State, (Int128)amount, currency);

    private string Share(long count) => Invariant($"{100.0 * count / _stats.Time.Count:F2}%");

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
