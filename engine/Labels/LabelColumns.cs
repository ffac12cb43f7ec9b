using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Labels;

/// <summary>
/// The byte columns on which the levels of a whole block are judged: six that go in, one that comes out. Memory is taken once.
/// </summary>
/// <remarks>
/// One allocation, every column starting on a cache line and as long as the next multiple of 64 payments:
/// <code>
///   | session | instruction | payment | payer | payee | declassify | allowed |     each <see cref="ColumnBytes"/> long
/// </code>
/// What lies behind the last payment of a block, up to the next multiple of 64, is left from earlier blocks: it is judged
/// like the rest and never looked at. That is what spares the kernel a tail. Failure assumed: none; a block longer than the
/// columns is a broken invariant and throws.
/// </remarks>
public sealed class LabelColumns
{
    private const int ColumnCount = 7;

    /// <summary>In <see cref="Declassify"/> and <see cref="Allowed"/>; any value but this and <see cref="No"/> is a broken invariant.</summary>
    public const byte Yes = 0xFF;
    public const byte No = 0x00;

    private readonly byte[] _bytes;
    private readonly int _start;

    /// <param name="paymentsMax">Most payments of one block, at least 1.</param>
    public LabelColumns(int paymentsMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(paymentsMax);
        ColumnBytes = LabelKernel.ColumnBytes(paymentsMax);
        // Pinned, so that the first cache line stays where it was found.
        _bytes = GC.AllocateArray<byte>((ColumnCount * ColumnBytes) + LabelKernel.UnitBytes, pinned: true);
        _start = FirstLine(_bytes);
    }

    /// <summary>Length of each column: the most payments of a block, rounded up to a multiple of 64.</summary>
    public int ColumnBytes { get; }

    /// <summary>Clearance of the session that sent the payment.</summary>
    public Span<byte> Session => Column(0);

    /// <summary>Level of the instruction.</summary>
    public Span<byte> Instruction => Column(1);

    /// <summary>Level of the payment's own data.</summary>
    public Span<byte> Payment => Column(2);

    /// <summary>Level of the payer's wallet.</summary>
    public Span<byte> Payer => Column(3);

    /// <summary>Level of the payee's wallet.</summary>
    public Span<byte> Payee => Column(4);

    /// <summary><see cref="Yes"/> where the session may declassify, else <see cref="No"/>.</summary>
    public Span<byte> Declassify => Column(5);

    /// <summary>After <see cref="Judge"/>: <see cref="Yes"/> where the levels allow the payment, else <see cref="No"/>.</summary>
    public ReadOnlySpan<byte> Allowed => Column(6);

    /// <summary>Judges the first <paramref name="paymentCount"/> payments.</summary>
    public void Judge(int paymentCount)
    {
        int bytes = LabelKernel.ColumnBytes(paymentCount);
        LabelKernel.Judge(
            Session[..bytes], Instruction[..bytes], Payment[..bytes], Payer[..bytes], Payee[..bytes], Declassify[..bytes],
            Column(6)[..bytes]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Column(int index) => _bytes.AsSpan(_start + (index * ColumnBytes), ColumnBytes);

    private static int FirstLine(byte[] pinned) =>
        (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0) & (LabelKernel.UnitBytes - 1));
}
