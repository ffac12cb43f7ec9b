using BenchmarkDotNet.Attributes;
using Settlement.Engine.Labels;
using Settlement.Engine.Simd;
using Settlement.Perf.Load;

namespace Settlement.Perf.Micro;

/// <summary>The level check at each width and by the scalar rule; a payment is an operation.</summary>
public class LabelBenchmarks
{
    private const int PaymentsPerBlock = 16_384;

    private readonly LabelColumns _columns = LabelsLoad.CreateColumns(seed: 1);
    private readonly byte[] _allowed = new byte[PaymentsPerBlock];

    [Benchmark(OperationsPerInvoke = PaymentsPerBlock)]
    public byte Bits128() => Judge(128);

    [Benchmark(OperationsPerInvoke = PaymentsPerBlock)]
    public byte Bits256() => Judge(256);

    [Benchmark(OperationsPerInvoke = PaymentsPerBlock)]
    public byte Bits512() => Judge(512);

    [Benchmark(Baseline = true, OperationsPerInvoke = PaymentsPerBlock)]
    public byte Scalar()
    {
        for (int at = 0; at < PaymentsPerBlock; at++)
        {
            bool allowed = LabelRule.Allows(
                _columns.Session[at], _columns.Instruction[at], _columns.Payment[at], _columns.Payer[at], _columns.Payee[at],
                _columns.Declassify[at] == LabelColumns.Yes);
            _allowed[at] = allowed ? LabelColumns.Yes : LabelColumns.No;
        }
        return _allowed[^1];
    }

    private byte Judge(int bits)
    {
        LabelKernel.Judge(
            bits, _columns.Session, _columns.Instruction, _columns.Payment, _columns.Payer, _columns.Payee, _columns.Declassify, _allowed);
        return _allowed[^1];
    }
}
