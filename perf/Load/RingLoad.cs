using System.Globalization;
using Settlement.Engine.Ring;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf ring`: the ring against System.Threading.Channels, 64-byte payments from one or two producers to one consumer.
/// Every slot is written whole and read; every run checks that nothing was lost, doubled or reordered.
/// </summary>
public static class RingLoad
{
    public const int ClaimCount = 500;

    /// <summary>
    /// Slots, of the ring and of the channel: 4 MiB. More than a core's second cache holds, on purpose: the consumer then
    /// finds most lines in the shared third, while one that must be fetched out of the other core's second costs several
    /// times as much (measured: 16,384 slots are two to four times slower).
    /// </summary>
    public const int Capacity = 1 << 16;

    private const string ChannelNote = "claims of 500, both with one producer. The Channel moves one item at a time; claims of 500 move 500 slots with one publication";

    /// <summary>Payments of one channel run; the ring's runs take a multiple, to last about as long.</summary>
    private const long Payments = 5_000_000;
    private const long PaymentsSmall = 2_000;

    public static int Run(LoadOptions options) => Run(options, WaitStrategyKind.Phased);

    /// <param name="options">How often, how much, where to.</param>
    /// <param name="strategy">How the ring's threads wait.</param>
    /// <exception cref="CheckFailedException">A run lost, doubled or reordered a payment.</exception>
    public static int Run(LoadOptions options, WaitStrategyKind strategy)
    {
        ArgumentNullException.ThrowIfNull(options);
        long payments = options.Small ? PaymentsSmall : Payments;
        Runs[] runs = Runs.InTurn(
            options.Runs,
            () => RingRun.Single(strategy, 60 * payments, ClaimCount),
            () => ChannelRun.Through(Capacity, payments, producerCount: 1),
            () => RingRun.Multi(strategy, 60 * payments, ClaimCount, producerCount: 2),
            () => ChannelRun.Through(Capacity, payments, producerCount: 2),
            () => RingRun.Single(strategy, 8 * payments, claimCount: 1),
            () => RingRun.Multi(strategy, 4 * payments, claimCount: 1, producerCount: 2));
        Figure figure = new Figure("ring", Counted(strategy), runs[0])
            .WithRatio("channels", SideBySide.Of(runs[0], runs[1]), ChannelNote)
            .With("two_producers_per_second", runs[2].PerSecond.Median, "claims of 500")
            .WithRatio("channels_two_producers", SideBySide.Of(runs[2], runs[3]), "the same with two producers")
            .With("one_by_one_per_second", runs[4].PerSecond.Median, "one producer, claims of 1")
            .With("one_by_one_two_producers_per_second", runs[5].PerSecond.Median, "two producers, claims of 1")
            .With("one_by_one_ratio_to_channels", SideBySide.Of(runs[4], runs[1]).Ratio.Median, "one producer, claims of 1");
        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static string Counted(WaitStrategyKind strategy) => string.Create(CultureInfo.InvariantCulture,
        $"64-byte payments, each written whole by one producer in claims of {ClaimCount} and read and checked by one consumer; {Capacity} slots, {strategy} waits");
}
