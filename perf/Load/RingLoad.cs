using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf ring`: the ring against System.Threading.Channels, 64-byte payments from one or two producers to one consumer.
/// Every slot is written whole and read; every run checks that nothing was lost, doubled or reordered.
/// </summary>
/// <remarks>
/// Rounds are interleaved (ring, channel, ring, …) so that a noisy minute hurts all alike; a median stands for each.
/// </remarks>
public static class RingLoad
{
    public const int RunCountMin = 5;
    public const int ClaimCount = 500;

    /// <summary>
    /// Slots, of the ring and of the channel: 4 MiB. More than a core's second cache holds, on purpose: the consumer then
    /// finds most lines in the shared third, while one that must be fetched out of the other core's second costs several
    /// times as much (measured: 16,384 slots are two to four times slower).
    /// </summary>
    public const int Capacity = 1 << 16;

    private const string ChannelNote = "The Channel moves one item at a time; claims of 500 move 500 slots with one publication.";

    private static readonly Variant[] Variants =
    [
        new("ring_single_claims_of_500", 60, (strategy, count) => RingRun.Single(strategy, count, ClaimCount)),
        new("channel_single", 1, (_, count) => ChannelRun.Run(Capacity, count, producerCount: 1)),
        new("ring_multi_2_claims_of_500", 60, (strategy, count) => RingRun.Multi(strategy, count, ClaimCount, producerCount: 2)),
        new("channel_multi_2", 1, (_, count) => ChannelRun.Run(Capacity, count, producerCount: 2)),
        new("ring_single_one_by_one", 8, (strategy, count) => RingRun.Single(strategy, count, claimCount: 1)),
        new("ring_multi_2_one_by_one", 4, (strategy, count) => RingRun.Multi(strategy, count, claimCount: 1, producerCount: 2)),
    ];

    /// <summary>Runs and prints; returns 0, or throws when a run's contents are wrong.</summary>
    /// <param name="json">One JSON object instead of a table.</param>
    /// <param name="output">Where to.</param>
    /// <param name="payments">Payments of one channel run; the ring's runs take a multiple, to last about as long.</param>
    /// <param name="runCount">Rounds, after one that is not counted.</param>
    /// <param name="strategy">How the ring's threads wait.</param>
    public static int Run(
        bool json,
        TextWriter output,
        long payments = 5_000_000,
        int runCount = RunCountMin,
        WaitStrategyKind strategy = WaitStrategyKind.Phased)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfLessThan(payments, ClaimCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(runCount, RunCountMin);
        var rates = Variants.ToDictionary(variant => variant.Name, _ => new List<double>());
        for (int round = 0; round <= runCount; round++)
        {
            foreach (Variant variant in Variants)
            {
                long count = payments * variant.Weight / (2 * ClaimCount) * (2 * ClaimCount);
                TimeSpan elapsed = variant.Run(strategy, count);
                if (round > 0)
                    rates[variant.Name].Add(count / elapsed.TotalSeconds);
            }
        }

        double ratioSingle = Median(rates["ring_single_claims_of_500"]) / Median(rates["channel_single"]);
        double ratioMulti = Median(rates["ring_multi_2_claims_of_500"]) / Median(rates["channel_multi_2"]);
        if (json)
            PrintJson(output, rates, runCount, strategy, ratioSingle, ratioMulti);
        else
            PrintTable(output, rates, runCount, strategy, ratioSingle, ratioMulti);
        return 0;
    }

    private static void PrintTable(
        TextWriter output,
        Dictionary<string, List<double>> rates,
        int runCount,
        WaitStrategyKind strategy,
        double ratioSingle,
        double ratioMulti)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ring: {Payment.Size}-byte payments to one consumer, {Capacity} slots, {strategy} waits, ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"{Environment.ProcessorCount} cores; medians of {runCount} runs"));
        foreach ((string name, List<double> runs) in rates)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-28} {Median(runs) / 1e6,8:F1} M/s   ({runs.Min() / 1e6:F1} to {runs.Max() / 1e6:F1})"));
        }
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  ratio_to_channels            {ratioSingle,8:F1}   (two producers: {ratioMulti:F1})"));
        output.WriteLine($"  {ChannelNote}");
    }

    private static void PrintJson(
        TextWriter output,
        Dictionary<string, List<double>> rates,
        int runCount,
        WaitStrategyKind strategy,
        double ratioSingle,
        double ratioMulti)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString("figure", "ring");
            writer.WriteNumber("payments_per_second", Math.Round(Median(rates["ring_single_claims_of_500"])));
            writer.WriteNumber("bytes_per_payment", Payment.Size);
            writer.WriteNumber("runs", runCount);
            writer.WriteString("wait_strategy", strategy.ToString());
            writer.WriteNumber("cores", Environment.ProcessorCount);
            writer.WriteNumber("ratio_to_channels", Math.Round(ratioSingle, 2));
            writer.WriteNumber("ratio_to_channels_multi_2", Math.Round(ratioMulti, 2));
            writer.WriteString("note", ChannelNote);
            writer.WriteStartObject("medians_per_second");
            foreach ((string name, List<double> runs) in rates)
                writer.WriteNumber(name, Math.Round(Median(runs)));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(text.GetBuffer().AsSpan(0, (int)text.Length)));
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private sealed record Variant(string Name, long Weight, Func<WaitStrategyKind, long, TimeSpan> Run);
}
