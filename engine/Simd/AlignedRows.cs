using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Simd;

/// <summary>
/// Purpose: rows of 64 bytes, each in one cache line, for tables that are built once and dropped whole (a plan): pinned
/// memory of the collector, so that nothing has to be freed and an alignment stays.
/// </summary>
internal sealed class AlignedRows<T> where T : unmanaged
{
    private const int LineBytes = 64;
    private readonly byte[] _bytes;
    private readonly int _offset;

    public unsafe AlignedRows(int count)
    {
        Count = count;
        _bytes = GC.AllocateArray<byte>(checked(count * sizeof(T) + LineBytes), pinned: true);
        nuint address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));
        _offset = (int)(LineBytes - address % LineBytes) % LineBytes;
    }

    public int Count { get; }

    public Span<T> Rows => MemoryMarshal.Cast<byte, T>(_bytes.AsSpan(_offset, Count * Unsafe.SizeOf<T>()));
}
