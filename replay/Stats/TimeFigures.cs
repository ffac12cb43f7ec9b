using Settlement.Engine.Domain;

namespace Settlement.Replay.Stats;

/// <summary>A time without payments.</summary>
/// <param name="FromNs">Block time of the last payment before it.</param>
/// <param name="ToNs">Block time of the next.</param>
internal readonly record struct QuietGap(ulong FromNs, ulong ToNs)
{
    public ulong LengthNs => ToNs - FromNs;
}

/// <summary>When payments came, by block times: how many a second, in which second most, and when none. Memory is fixed.</summary>
internal sealed class TimeFigures
{
    public const int GapsKept = 5;
    public const int AcceptedSeries = 0;
    public const int OtherSeries = 1;

    private const ulong FirstBinNs = 1_000_000;

    private readonly List<QuietGap> _gaps = [];
    private ulong _second;
    private long _secondCount;

    /// <summary>Payments over time, by series.</summary>
    public AdaptiveBins Bins { get; } = new(FirstBinNs, 2);

    /// <summary>Between blocks of payments.</summary>
    public Distribution Gap { get; } = new("block_gap_us", "time between blocks of payments", Quantity.Microseconds);

    public long Count { get; private set; }

    public ulong FirstNs { get; private set; }

    public ulong LastNs { get; private set; }

    /// <summary>The whole second (of UTC) with most payments.</summary>
    public ulong PeakSecond { get; private set; }

    public long PeakCount { get; private set; }

    /// <summary>Whole seconds of UTC in which any payment came.</summary>
    public long ActiveSeconds { get; private set; }

    /// <summary>The longest, longest first.</summary>
    public IReadOnlyList<QuietGap> Gaps => _gaps;

    /// <summary>A second from first to last; null: all came at one instant, and there is no rate.</summary>
    public double? MeanPerSecond => LastNs > FirstNs ? Count / ((LastNs - FirstNs) / (double)Limits.NsPerSecond) : null;

    /// <summary>The next block's payments.</summary>
    public void Add(ulong timeNs, long accepted, long others)
    {
        if (Count == 0)
            FirstNs = timeNs;
        else
            TakeGap(new QuietGap(LastNs, timeNs));
        LastNs = timeNs;
        Count += accepted + others;
        Bins.Add(timeNs, AcceptedSeries, accepted);
        Bins.Add(timeNs, OtherSeries, others);
        ulong second = timeNs / Limits.NsPerSecond;
        if (second != _second)
            (_second, _secondCount, ActiveSeconds) = (second, 0, ActiveSeconds + 1);
        _secondCount += accepted + others;
        if (_secondCount > PeakCount)
            (PeakSecond, PeakCount) = (second, _secondCount);
    }

    private void TakeGap(QuietGap gap)
    {
        Gap.Record(gap.LengthNs / 1_000);
        if (gap.LengthNs == 0 || (_gaps.Count == GapsKept && gap.LengthNs <= _gaps[^1].LengthNs))
            return;
        int place = _gaps.FindIndex(kept => kept.LengthNs < gap.LengthNs);
        _gaps.Insert(place < 0 ? _gaps.Count : place, gap);
        if (_gaps.Count > GapsKept)
            _gaps.RemoveAt(GapsKept);
    }
}
