namespace Settlement.Tests.Reference;

/// <summary>
/// SplitMix64: a small generator of our own, so that a printed seed gives the same history under every runtime version,
/// which System.Random does not promise.
/// </summary>
public sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        return Settlement.Perf.Generate.SeededRandom.Mix(_state);
    }

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public ulong Below(ulong bound) => bound == 0 ? 0 : (ulong)(((UInt128)Next() * bound) >> 64);

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)Below((ulong)Math.Max(bound, 0));

    /// <summary><paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public ulong Between(ulong low, ulong high) => low + Below(high - low + 1);

    /// <summary><paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>True once in <paramref name="every"/> times.</summary>
    public bool OneIn(int every) => Below(every) == 0;

    /// <summary>True in <paramref name="percent"/> of 100 cases.</summary>
    public bool Percent(int percent) => Below(100) < percent;

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];
}
