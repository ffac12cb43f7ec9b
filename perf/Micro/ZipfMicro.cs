using BenchmarkDotNet.Attributes;
using Settlement.Perf.Generate;

namespace Settlement.Perf.Micro;

/// <summary>Nanoseconds a draw: the generator must not be what limits a load.</summary>
public class ZipfMicro
{
    private SeededRandom _random = new(1);
    private ZipfRank _ranks;

    [Params(1_000UL, 1_000_000UL)]
    public ulong Wallets { get; set; }

    [GlobalSetup]
    public void Setup() => _ranks = new ZipfRank(Wallets);

    [Benchmark]
    public ulong Rank() => _ranks.Next(ref _random);

    [Benchmark(Baseline = true)]
    public ulong Uniform() => _random.Below(Wallets);
}
