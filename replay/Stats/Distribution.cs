using HdrHistogram;

namespace Settlement.Replay.Stats;

/// <summary>What a distribution's values count.</summary>
internal enum Quantity
{
    Number = 0,
    Bytes = 1,
    Microseconds = 2,
}

/// <summary>How often which value was seen, to three significant digits; least and greatest are exact.</summary>
/// <remarks>Memory is fixed: some 500 KiB. Values above <see cref="ValueMax"/> count as that.</remarks>
internal sealed class Distribution(string name, string title, Quantity quantity)
{
    /// <summary>A year in microseconds, 31 TB.</summary>
    public const long ValueMax = 31_536_000_000_000;

    private const int Digits = 3;

    private readonly LongHistogram _histogram = new(ValueMax, Digits);

    /// <summary>As JSON names it.</summary>
    public string Name => name;

    /// <summary>As a picture's head names it.</summary>
    public string Title => title;

    public Quantity Quantity => quantity;

    public long Count => _histogram.TotalCount;

    public long Min { get; private set; } = long.MaxValue;

    public long Max { get; private set; }

    public double Mean => Count == 0 ? 0 : _histogram.GetMean();

    public void Record(ulong value)
    {
        long taken = (long)Math.Min(value, ValueMax);
        _histogram.RecordValue(taken);
        (Min, Max) = (Math.Min(Min, taken), Math.Max(Max, taken));
    }

    /// <summary>The value that so many percent do not exceed.</summary>
    public long At(double percentile) => Count == 0 ? 0 : Math.Clamp(_histogram.GetValueAtPercentile(percentile), Min, Max);

    /// <summary>Every value that was seen, rounded as it is kept, with how often; ascending.</summary>
    public IEnumerable<(long Value, long Count)> Values() =>
        _histogram.RecordedValues().Select(value => (Math.Clamp(value.ValueIteratedTo, Min, Max), value.CountAddedInThisIterationStep));
}
