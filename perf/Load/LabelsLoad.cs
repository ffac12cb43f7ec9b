using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Settlement.Engine.Labels;
using Settlement.Engine.Simd;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf labels`: what the level check of one payment costs at 128, 256 and 512 bits.
/// </summary>
/// <remarks>
/// Counted: the kernel over full blocks of 16,384 payments whose columns (112 KiB) are in the cache, as they are after the pass
/// that fills them: in its second level, whose bandwidth (7 bytes a payment) bounds all widths much alike. The widths take
/// turns inside each run, so that a slow spell of the machine meets all of them; each figure is the median of the runs.
/// Units: nanoseconds a payment.
/// </remarks>
public static class LabelsLoad
{
    private const int PaymentsPerBlock = 16_384;

    /// <summary>Six bytes read and one written.</summary>
    private const int ColumnBytesPerPayment = 7;

    private static readonly int[] s_widthsBits = [128, 256, 512];

    /// <summary>Runs the load with the defaults of the command: 25 runs of 2,000 blocks a width.</summary>
    public static int Run(bool json, TextWriter output) => Run(json, output, runCount: 25, blockCount: 2_000);

    /// <returns>0; 1 when a width disagrees with the scalar rule.</returns>
    public static int Run(bool json, TextWriter output, int runCount, int blockCount)
    {
        LabelColumns columns = CreateColumns(seed: 1);
        byte[] allowed = new byte[columns.ColumnBytes];
        int[] widths = [.. s_widthsBits.Where(bits => bits <= LabelKernel.WidestBits)];
        foreach (int bits in widths)
        {
            if (AgreesWithRule(columns, allowed, bits)) continue;
            output.WriteLine($"labels: the {bits}-bit kernel disagrees with the rule");
            return 1;
        }

        double[][] nanoseconds = [.. widths.Select(_ => new double[runCount])];
        // One run more than is kept: the first lets the runtime finish compiling.
        long allocatedBytes = 0;
        for (int run = -1; run < runCount; run++)
        {
            for (int width = 0; width < widths.Length; width++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                double elapsed = NanosecondsPerPayment(columns, allowed, widths[width], blockCount);
                if (run < 0) continue;
                allocatedBytes += GC.GetAllocatedBytesForCurrentThread() - before;
                nanoseconds[width][run] = elapsed;
            }
        }
        Print(json, output, widths, nanoseconds, allocatedBytes, (long)blockCount * PaymentsPerBlock);
        return 0;
    }

    internal static LabelColumns CreateColumns(int seed)
    {
        LabelColumns columns = new(PaymentsPerBlock);
        Random random = new(seed);
        random.NextBytes(columns.Session);
        random.NextBytes(columns.Instruction);
        random.NextBytes(columns.Payment);
        random.NextBytes(columns.Payer);
        random.NextBytes(columns.Payee);
        foreach (ref byte declassify in columns.Declassify)
            declassify = random.Next(16) == 0 ? LabelColumns.Yes : LabelColumns.No;
        return columns;
    }

    private static double NanosecondsPerPayment(LabelColumns columns, byte[] allowed, int bits, int blockCount)
    {
        long start = Stopwatch.GetTimestamp();
        for (int block = 0; block < blockCount; block++) Judge(columns, allowed, bits);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)blockCount * PaymentsPerBlock);
    }

    private static void Judge(LabelColumns columns, byte[] allowed, int bits) =>
        LabelKernel.Judge(
            bits, columns.Session, columns.Instruction, columns.Payment, columns.Payer, columns.Payee, columns.Declassify, allowed);

    private static bool AgreesWithRule(LabelColumns columns, byte[] allowed, int bits)
    {
        Judge(columns, allowed, bits);
        for (int at = 0; at < allowed.Length; at++)
        {
            bool ruled = LabelRule.Allows(
                columns.Session[at], columns.Instruction[at], columns.Payment[at], columns.Payer[at], columns.Payee[at],
                columns.Declassify[at] == LabelColumns.Yes);
            if (ruled != (allowed[at] == LabelColumns.Yes)) return false;
        }
        return true;
    }

    private static void Print(
        bool json, TextWriter output, int[] widths, double[][] nanoseconds, long allocatedBytes, long paymentsPerRun)
    {
        int runCount = nanoseconds[0].Length;
        double[] medians = [.. nanoseconds.Select(runs => runs.Order().ElementAt(runCount / 2))];
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                figure = "labels",
                payments_per_second = Math.Round(1e9 / medians[^1]),
                bytes_per_payment = ColumnBytesPerPayment,
                runs = runCount,
                payments_per_run = paymentsPerRun,
                allocated_bytes = allocatedBytes,
                widths = widths.Select((bits, at) => new
                {
                    bits,
                    ns_per_payment = Math.Round(medians[at], 4),
                    ns_per_payment_min = Math.Round(nanoseconds[at].Min(), 4),
                    ns_per_payment_max = Math.Round(nanoseconds[at].Max(), 4),
                }),
                widest_bits = LabelKernel.WidestBits,
                machine = new { cores = Environment.ProcessorCount, architecture = RuntimeInformation.ProcessArchitecture.ToString() },
            }));
            return;
        }
        output.WriteLine($"labels: the level check of one payment, {PaymentsPerBlock:N0} a block, columns in the cache");
        output.WriteLine($"  medians of {runCount} runs of {paymentsPerRun:N0} payments, widths interleaved; {allocatedBytes} bytes allocated");
        for (int at = 0; at < widths.Length; at++)
            output.WriteLine($"  {widths[at]} bits  {medians[at]:F3} ns a payment  (min {nanoseconds[at].Min():F3}, max {nanoseconds[at].Max():F3})");
        string widest = $"vectors of {LabelKernel.WidestBits} bits";
        output.WriteLine($"  {Environment.ProcessorCount} cores, {RuntimeInformation.ProcessArchitecture}, {widest}");
    }
}
