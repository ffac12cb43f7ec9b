using System.Globalization;
using Settlement.Engine.Labels;
using Settlement.Engine.Simd;
using Settlement.Perf.Common;

namespace Settlement.Perf.Load;

/// <summary>
/// `perf labels`: what the level check of one payment costs at 128, 256 and 512 bits.
/// </summary>
/// <remarks>
/// Counted: the kernel over full blocks of 16,384 payments whose columns (112 KiB) are in the cache, as they are after the pass
/// that fills them: in its second level, whose bandwidth (7 bytes a payment) bounds all widths much alike. The widths take
/// turns, so that a slow spell of the machine meets all of them. Checked: every answer equals the scalar rule's.
/// </remarks>
public static class LabelsLoad
{
    private const int PaymentsPerBlock = 16_384;

    private const int BlockCount = 100_000;
    private const int BlockCountSmall = 2;

    private static readonly int[] s_widthsBits = [128, 256, 512];

    /// <exception cref="CheckFailedException">A width disagrees with the scalar rule.</exception>
    public static int Run(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        LabelColumns columns = CreateColumns(seed: 1);
        byte[] allowed = new byte[columns.ColumnBytes];
        int[] widths = [.. s_widthsBits.Where(bits => bits <= LabelKernel.WidestBits)];
        foreach (int bits in widths)
            RequireAgreement(columns, allowed, bits);
        int blockCount = options.Small ? BlockCountSmall : BlockCount;
        Runs[] runs = Runs.InTurn(options.Runs, [.. widths.Select(bits => (Func<Run>)(() => Judged(columns, allowed, bits, blockCount)))]);
        Figure figure = new("labels", Counted(widths[^1]), runs[^1]);
        for (int width = 0; width < widths.Length; width++)
        {
            Spread ns = runs[width].NsPerPayment;
            figure = figure.With(
                $"ns_per_payment_{widths[width]}_bits", ns.Median, string.Create(CultureInfo.InvariantCulture, $"{ns.Min:F3} to {ns.Max:F3}"));
        }

        FigurePrinter.Print(figure, options.Json, options.Output);
        return 0;
    }

    private static string Counted(int bits) => string.Create(CultureInfo.InvariantCulture,
        $"the level check alone with {bits}-bit vectors, blocks of {PaymentsPerBlock} payments, columns (6 bytes read, 1 written a payment) in the second-level cache");

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

    private static Run Judged(LabelColumns columns, byte[] allowed, int bits, int blockCount) =>
        Common.Run.TimeThread((long)blockCount * PaymentsPerBlock, () =>
        {
            for (int block = 0; block < blockCount; block++) Judge(columns, allowed, bits);
        });

    private static void Judge(LabelColumns columns, byte[] allowed, int bits) =>
        LabelKernel.Judge(
            bits, columns.Session, columns.Instruction, columns.Payment, columns.Payer, columns.Payee, columns.Declassify, allowed);

    private static void RequireAgreement(LabelColumns columns, byte[] allowed, int bits)
    {
        Judge(columns, allowed, bits);
        for (int at = 0; at < allowed.Length; at++)
        {
            bool ruled = LabelRule.Allows(
                columns.Session[at], columns.Instruction[at], columns.Payment[at], columns.Payer[at], columns.Payee[at],
                columns.Declassify[at] == LabelColumns.Yes);
            if (ruled != (allowed[at] == LabelColumns.Yes)) throw new CheckFailedException($"the {bits}-bit kernel disagrees with the rule at payment {at}");
        }
    }
}
