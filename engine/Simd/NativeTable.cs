using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>
/// A fixed number of zeroed rows outside the garbage collector's heap. The whole range is taken at once and touched by the operating
/// system page by page as it is used, in huge pages where the system has them: random access to tables far larger than
/// the caches costs a page walk otherwise.
/// </summary>
/// <typeparam name="T">A row; a power of two of bytes keeps it inside one cache line.</typeparam>
public sealed unsafe class NativeTable<T> : IDisposable
    where T : unmanaged
{
    private const nuint HugePageBytes = 2 << 20;

    private readonly void* _allocation;
    private readonly T* _rows;

    /// <exception cref="OutOfMemoryException">The range cannot be had.</exception>
    public NativeTable(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Length = length;
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        nuint alignment = bytes >= HugePageBytes ? HugePageBytes : 64;
        _allocation = NativeMemory.AllocZeroed(bytes + alignment);
        _rows = (T*)(((nuint)_allocation + alignment - 1) & ~(alignment - 1));
        if (alignment == HugePageBytes)
            NativePages.PreferHuge(_rows, bytes);
    }

    ~NativeTable() => NativeMemory.Free(_allocation);

    public long Length { get; }

    public ref T this[long row]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)row >= (ulong)Length)
                ThrowRowOutsideTable(row);
            return ref _rows[row];
        }
    }

    /// <summary>Asks for a row's cache line ahead of its use; any number is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long row)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(_rows + row);
    }

    public Span<T> Slice(long start, int length)
    {
        if ((ulong)start > (ulong)Length || (ulong)length > (ulong)(Length - start))
            ThrowRowOutsideTable(start);
        return new Span<T>(_rows + start, length);
    }

    public void Dispose()
    {
        NativeMemory.Free(_allocation);
        GC.SuppressFinalize(this);
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowRowOutsideTable(long row) =>
        throw new UnreachableException($"row {row} of a table of {Length} {typeof(T).Name}");
}

internal static partial class NativePages
{
    private const int AdviceHugePage = 14;

    /// <summary>Asks for huge pages; the system's refusal costs speed, nothing else.</summary>
    internal static unsafe void PreferHuge(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux())
            _ = AdviseMemory(address, length, AdviceHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int AdviseMemory(void* address, nuint length, int advice);
}
