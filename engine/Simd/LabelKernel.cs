using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Settlement.Engine.Simd;

/// <summary>
/// The payment's level check (<see cref="Labels.LabelRule"/>) for a whole block at once, on byte columns.
/// </summary>
/// <remarks>
/// Purpose: for each payment <c>allowed = max(payer, payment) &lt;= min(session, instruction)
/// and (max(payer, payment) &lt;= payee or declassify)</c>, as a byte 0xFF or 0x00.
/// <para>
/// Invariant: neither a jump nor an address depends on the data, so the time taken tells nothing of any level. Every kernel
/// is one do-while loop whose only jump compares the index with the length; there is no tail, because a column's length is a
/// multiple of 64. The disassembly test holds the compiled code to this. The test of the length stands outside the kernel.
/// </para>
/// Units: one byte a payment in each column.
/// </remarks>
public static class LabelKernel
{
    /// <summary>Columns are a multiple of this long: 64 payments, one vector of the widest kind.</summary>
    public const int UnitBytes = 64;

    /// <summary>Length of a column that holds <paramref name="paymentCount"/> payments.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ColumnBytes(int paymentCount) => (paymentCount + UnitBytes - 1) & -UnitBytes;

    /// <summary>Judges whole columns at the widest vectors of the hardware.</summary>
    /// <param name="session">Clearance of the session, a payment.</param>
    /// <param name="instruction">Level of the instruction.</param>
    /// <param name="payment">Level of the payment.</param>
    /// <param name="payer">Level of the payer's wallet.</param>
    /// <param name="payee">Level of the payee's wallet.</param>
    /// <param name="declassify">0xFF where the session may declassify, else 0x00.</param>
    /// <param name="allowed">Result: 0xFF or 0x00.</param>
    /// <exception cref="ArgumentException">The columns differ in length, or it is no multiple of 64.</exception>
    public static void Judge(
        ReadOnlySpan<byte> session, ReadOnlySpan<byte> instruction, ReadOnlySpan<byte> payment,
        ReadOnlySpan<byte> payer, ReadOnlySpan<byte> payee, ReadOnlySpan<byte> declassify, Span<byte> allowed) =>
        Judge(WidestBits, session, instruction, payment, payer, payee, declassify, allowed);

    /// <summary>128, 256 or 512: what <see cref="Judge(ReadOnlySpan{byte}, ReadOnlySpan{byte}, ReadOnlySpan{byte},
    /// ReadOnlySpan{byte}, ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/> takes here.</summary>
    public static int WidestBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    /// <summary>Judges at a stated width, for tests and benchmarks; what the hardware does not have, the framework emulates.</summary>
    internal static void Judge(
        int widthBits, ReadOnlySpan<byte> session, ReadOnlySpan<byte> instruction, ReadOnlySpan<byte> payment,
        ReadOnlySpan<byte> payer, ReadOnlySpan<byte> payee, ReadOnlySpan<byte> declassify, Span<byte> allowed)
    {
        int length = allowed.Length;
        if (session.Length != length || instruction.Length != length || payment.Length != length || payer.Length != length
            || payee.Length != length || declassify.Length != length || length % UnitBytes != 0)
            ThrowColumnsUneven();
        if (length == 0) return;

        ref byte s = ref MemoryMarshal.GetReference(session);
        ref byte i = ref MemoryMarshal.GetReference(instruction);
        ref byte p = ref MemoryMarshal.GetReference(payment);
        ref byte a = ref MemoryMarshal.GetReference(payer);
        ref byte b = ref MemoryMarshal.GetReference(payee);
        ref byte d = ref MemoryMarshal.GetReference(declassify);
        ref byte ok = ref MemoryMarshal.GetReference(allowed);
        if (widthBits == 512) Judge512(ref s, ref i, ref p, ref a, ref b, ref d, ref ok, (nuint)length);
        else if (widthBits == 256) Judge256(ref s, ref i, ref p, ref a, ref b, ref d, ref ok, (nuint)length);
        else Judge128(ref s, ref i, ref p, ref a, ref b, ref d, ref ok, (nuint)length);
    }

    // The three kernels differ in the width alone. They are not inlined so that the disassembly test finds each by name.

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Judge512(
        ref byte s, ref byte i, ref byte p, ref byte a, ref byte b, ref byte d, ref byte ok, nuint length)
    {
        nuint at = 0;
        do
        {
            Vector512<byte> source = Vector512.Max(Vector512.LoadUnsafe(ref a, at), Vector512.LoadUnsafe(ref p, at));
            Vector512<byte> reader = Vector512.Min(Vector512.LoadUnsafe(ref s, at), Vector512.LoadUnsafe(ref i, at));
            Vector512<byte> flows = Vector512.LessThanOrEqual(source, Vector512.LoadUnsafe(ref b, at));
            Vector512<byte> reads = Vector512.LessThanOrEqual(source, reader);
            (reads & (flows | Vector512.LoadUnsafe(ref d, at))).StoreUnsafe(ref ok, at);
            at += (nuint)Vector512<byte>.Count;
        }
        while (at < length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Judge256(
        ref byte s, ref byte i, ref byte p, ref byte a, ref byte b, ref byte d, ref byte ok, nuint length)
    {
        nuint at = 0;
        do
        {
            Vector256<byte> source = Vector256.Max(Vector256.LoadUnsafe(ref a, at), Vector256.LoadUnsafe(ref p, at));
            Vector256<byte> reader = Vector256.Min(Vector256.LoadUnsafe(ref s, at), Vector256.LoadUnsafe(ref i, at));
            Vector256<byte> flows = Vector256.LessThanOrEqual(source, Vector256.LoadUnsafe(ref b, at));
            Vector256<byte> reads = Vector256.LessThanOrEqual(source, reader);
            (reads & (flows | Vector256.LoadUnsafe(ref d, at))).StoreUnsafe(ref ok, at);
            at += (nuint)Vector256<byte>.Count;
        }
        while (at < length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Judge128(
        ref byte s, ref byte i, ref byte p, ref byte a, ref byte b, ref byte d, ref byte ok, nuint length)
    {
        nuint at = 0;
        do
        {
            Vector128<byte> source = Vector128.Max(Vector128.LoadUnsafe(ref a, at), Vector128.LoadUnsafe(ref p, at));
            Vector128<byte> reader = Vector128.Min(Vector128.LoadUnsafe(ref s, at), Vector128.LoadUnsafe(ref i, at));
            Vector128<byte> flows = Vector128.LessThanOrEqual(source, Vector128.LoadUnsafe(ref b, at));
            Vector128<byte> reads = Vector128.LessThanOrEqual(source, reader);
            (reads & (flows | Vector128.LoadUnsafe(ref d, at))).StoreUnsafe(ref ok, at);
            at += (nuint)Vector128<byte>.Count;
        }
        while (at < length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowColumnsUneven() =>
        throw new ArgumentException($"label columns must be equally long, and a multiple of {UnitBytes}");
}
