using BenchmarkDotNet.Attributes;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules;
using Settlement.Engine.Simd;
using Settlement.Perf.Load;

namespace Settlement.Perf.Micro;

/// <summary>One chunk of 1,024 payments through a plan: divide by 1,024 for a payment.</summary>
[MemoryDiagnoser]
public class RuleBenchmarks
{
    private readonly RuleLoadData _data = new(chunkCount: 1, seed: 1);
    private readonly ushort[] _deniedBy = new ushort[Limits.ChunkPayments];
    private readonly RulePlan _rows = RulePlan.Build(RuleLoadData.Thresholds(1_000), static _ => 0);
    private readonly RulePlan _residual = RulePlan.Build(RuleLoadData.Residuals(100), static _ => 0);

    [Benchmark]
    public ushort Rows() => Judge(_rows, RuleKernel.WidthBest);

    [Benchmark]
    public ushort ResidualBest() => Judge(_residual, RuleKernel.WidthBest);

    [Benchmark]
    public ushort Residual256() => Judge(_residual, RuleWidth.Bits256);

    [Benchmark]
    public ushort Residual128() => Judge(_residual, RuleWidth.Bits128);

    [Benchmark]
    public ushort ResidualScalar() => Judge(_residual, RuleWidth.Scalar);

    /// <summary>One payment, as captures and refunds are judged.</summary>
    [Benchmark]
    public ushort One() => _rows.JudgeOne(_data.Facts(0), denyOnly: true);

    private ushort Judge(RulePlan plan, RuleWidth width)
    {
        plan.Judge(width, _data.Chunk(0), Limits.ChunkPayments, _deniedBy, default, default, default);
        return _deniedBy[0];
    }
}
