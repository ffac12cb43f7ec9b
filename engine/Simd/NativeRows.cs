using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Simd;

/// <summary>
/// Purpose: rows outside the collector, taken at start for the life of the ledger. They begin as zeros, and the system
/// gives a page only when it is first written, so capacity costs address space and use costs memory.
/// Invariant: every index is checked; rows begin at a multiple of 64 bytes.
/// </summary>
internal sealed unsafe class NativeRows<T> : IDisposable where T : unmanaged
{
    private const int LineBytes = 64;
    private readonly T* _rows;

    // written by: the thread that disposes; no rows then, so that a later use throws
    private uint _count;
    private void* _block;

    /// <exception cref="OutOfMemoryException">The system does not give the address space.</exception>
    public NativeRows(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _count = (uint)count;
        // Not AlignedAlloc: it does not zero, and clearing would touch every page.
        _block = NativeMemory.AllocZeroed((nuint)count * (nuint)sizeof(T) + LineBytes);
        _rows = (T*)(((nuint)_block + LineBytes - 1) / LineBytes * LineBytes);
    }

    ~NativeRows() => Free();

    public int Count => (int)_count;

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= _count)
                ThrowOutside(index);
            return ref _rows[index];
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        _count = 0;
        NativeMemory.Free(_block);
        _block = null;
    }

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowOutside(int index) =>
        throw new ArgumentOutOfRangeException(nameof(index), $"row {index} of {_count}");
}
