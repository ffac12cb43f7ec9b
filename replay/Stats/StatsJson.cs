using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.Stats;

/// <summary>A report as one JSON object.</summary>
internal static class StatsJson
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(StatsReport report)
    {
        JournalStats stats = report.Stats;
        return JsonSerializer.Serialize(new
        {
            journal = report.Journal,
            ledger = report.LedgerId.ToString("x32", CultureInfo.InvariantCulture),
            blocks = stats.Blocks.ToDictionary(kind => SnakeCase.Of(kind.Kind), kind => kind.Count),
            payments = stats.Time.Count,
            commands = stats.Commands,
            rate = RateOf(stats.Time),
            bytes = new
            {
                blocks = stats.BlocksBytes,
                a_payment = report.BytesPerPayment,
                files = report.Files.ToDictionary(file => file.Name, file => file.Bytes),
            },
            verdicts = stats.Verdicts.Select(listed => new
            {
                verdict = VerdictText.NameOf(listed.Verdict), count = listed.Tally.Count, share = Share(listed.Tally.Count, stats.Time.Count), value = AmountsOf(report, listed.Tally),
            }),
            instructions = stats.Instructions.Select(listed => new
            {
                instruction = SnakeCase.Of(listed.Instruction), count = listed.Tally.Count, accepted = listed.Tally.Accepted, value = AmountsOf(report, listed.Tally),
            }),
            currencies = report.Totals().Select(totals => new
            {
                currency = LedgerText.CurrencyOf(totals.Currency),
                gross = Amount(report, totals.Gross, totals.Currency),
                held = Amount(report, totals.Held, totals.Currency),
                issued = Amount(report, totals.Issued, totals.Currency),
                redeemed = Amount(report, totals.Redeemed, totals.Currency),
            }),
            corridors = stats.Corridors.ByCount().Take(report.TopCount).Select(corridor => new
            {
                from = LedgerText.CountryOf(corridor.From),
                to = LedgerText.CountryOf(corridor.To),
                currency = LedgerText.CurrencyOf(corridor.Currency),
                count = corridor.Count,
                amount = Amount(report, corridor.Amount, corridor.Currency),
            }),
            participants = report.Sides().Take(report.TopCount).Select(side => new
            {
                participant = LedgerText.ParticipantOf(report.State, side.Participant),
                currency = LedgerText.CurrencyOf(side.Currency),
                count = side.Count,
                sent = Amount(report, side.Sent, side.Currency),
                received = Amount(report, side.Received, side.Currency),
                inside = Amount(report, side.Inside, side.Currency),
                net = LedgerText.Amount(report.State, side.Net, side.Currency),
            }),
            flows_of_unknown_parties = stats.UnknownPartiesCount,
            flows_unlisted = stats.Flows.UnlistedCount,
            corridors_unlisted = stats.Corridors.UnlistedCount,
            batches = new { closed = stats.Batches.Size.Count, unsealed = stats.Batches.UnsealedCount },
            late_for_valid_until = stats.Clients.LateCount,
            distributions = stats.Distributions.Where(distribution => distribution.Count > 0).ToDictionary(distribution => distribution.Name, distribution => new
            {
                count = distribution.Count, min = distribution.Min, mean = distribution.Mean, p50 = distribution.At(50), p90 = distribution.At(90), p99 = distribution.At(99),
                p999 = distribution.At(99.9), max = distribution.Max,
            }),
            damage = report.Damage is { } damage ? new { block = damage.Block, place = damage.Place, what = damage.What } : null,
        }, s_json);
    }

    private static object RateOf(TimeFigures time) => new
    {
        first = time.Count == 0 ? null : TimeText.Format(time.FirstNs),
        last = time.Count == 0 ? null : TimeText.Format(time.LastNs),
        mean_per_second = time.MeanPerSecond,
        active_seconds = time.ActiveSeconds,
        peak_second = time.Count == 0 ? null : TimeText.Format(time.PeakSecond * Limits.NsPerSecond),
        peak_count = time.PeakCount,
        quiet = time.Gaps.Select(gap => new { from = TimeText.Format(gap.FromNs), to = TimeText.Format(gap.ToNs), seconds = gap.LengthNs / (double)Limits.NsPerSecond }),
    };

    private static Dictionary<string, string> AmountsOf(StatsReport report, Tally tally) => Enumerable.Range(1, report.State.Currencies.Count)
        .Where(index => tally[index] != 0)
        .ToDictionary(index => LedgerText.CurrencyOf(report.State.Currencies[index].Number), index => Amount(report, tally[index], report.State.Currencies[index].Number));

    private static string Amount(StatsReport report, UInt128 amount, ushort currency) => LedgerText.Amount(report.State, (Int128)amount, currency);

    private static double Share(long count, long all) => all == 0 ? 0 : count / (double)all;
}
