namespace Settlement.Replay.Stats;

/// <summary>
/// Sums along an axis of unknown length in fixed memory: bins of equal width, which are joined in pairs, and so doubled in width, whenever the axis outgrows them.
/// </summary>
/// <param name="width">Of a bin at first, in the axis' unit.</param>
/// <param name="series">Sums kept in each bin.</param>
internal sealed class AdaptiveBins(ulong width, int series)
{
    public const int BinsMax = 2_048;

    private readonly long[] _sums = new long[BinsMax * series];
    private bool _isStarted;

    /// <summary>Where the first bin begins: the first place told, rounded down to a whole bin.</summary>
    public ulong Origin { get; private set; }

    public ulong Width { get; private set; } = width;

    /// <summary>Bins up to the last place told.</summary>
    public int Count { get; private set; }

    public long this[int bin, int series1] => _sums[(bin * series) + series1];

    /// <param name="place">Not below the first place told.</param>
    /// <param name="series1">Which of the sums.</param>
    /// <param name="amount">What is added to it.</param>
    public void Add(ulong place, int series1, long amount)
    {
        if (!_isStarted)
            (_isStarted, Origin) = (true, place - (place % Width));
        while ((place - Origin) / Width >= BinsMax)
            Join();
        int bin = (int)((place - Origin) / Width);
        Count = Math.Max(Count, bin + 1);
        _sums[(bin * series) + series1] += amount;
    }

    private void Join()
    {
        for (int bin = 0; bin < BinsMax / 2; bin++)
        {
            for (int i = 0; i < series; i++)
                _sums[(bin * series) + i] = _sums[(2 * bin * series) + i] + _sums[(((2 * bin) + 1) * series) + i];
        }

        Array.Clear(_sums, BinsMax / 2 * series, BinsMax / 2 * series);
        Width *= 2;
        Count = (Count + 1) / 2;
    }
}
