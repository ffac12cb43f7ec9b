using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Settlement.Engine.Simd;

/// <summary>
/// A fixed number of zeroed rows outside the garbage-collected heap, reserved at start and touched as used.
/// </summary>
/// <remarks>
/// Purpose: tables whose capacity is large and whose use may be small. The operating system gives pages at first touch, so an
/// untouched row costs address space alone; on Linux the reservation is not counted against memory either (MAP_NORESERVE).
/// With <c>hugePages</c> the kernel is asked for 2 MiB pages: a table read at random then misses the address translation
/// cache a few times where it would miss it at every row.
/// <para>
/// Invariant: an index is not checked in the indexer, since it is computed from a hash or a place that the owner bounds.
/// <see cref="Row"/> and <see cref="Rows"/> check, for an index that comes from elsewhere; after <see cref="Dispose"/> there are no
/// rows, so they throw. Use of the indexer after it is a fault of the owner.
/// </para>
/// Failure assumed: the reservation is refused; that throws <see cref="InsufficientMemoryException"/> at start.
/// </remarks>
/// <typeparam name="T">A row: no references, and a size that its layout states.</typeparam>
public sealed unsafe partial class NativeTable<T> : IDisposable
    where T : unmanaged
{
    private const nuint AlignmentBytes = 64;

    private readonly T* _rows;
    private readonly nint _reservation;
    private readonly nuint _reservationBytes;

    // written by: the owner, once
    private bool _disposed;

    /// <param name="rowCount">At least 1.</param>
    /// <param name="hugePages">Ask for pages of 2 MiB: for tables read at random and used nearly whole.</param>
    public NativeTable(long rowCount, bool hugePages = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowCount, 1);
        RowCount = rowCount;
        nuint alignment = hugePages ? PageMapping.HugePageBytes : AlignmentBytes;
        _reservationBytes = checked((nuint)rowCount * (nuint)sizeof(T) + alignment);
        _reservation = PageMapping.Reserve(_reservationBytes);
        nuint first = ((nuint)_reservation + alignment - 1) & ~(alignment - 1);
        _rows = (T*)first;
        if (hugePages) PageMapping.AskHugePages((nint)first, (nuint)rowCount * (nuint)sizeof(T));
    }

    ~NativeTable() => Release();

    /// <summary>0 after <see cref="Dispose"/>.</summary>
    public long RowCount { get; private set; } // written by: the owner, once

    public ref T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _rows[index];
    }

    /// <summary>A row; checked.</summary>
    public ref T Row(long index)
    {
        if ((ulong)index >= (ulong)RowCount) ThrowOutside(index);
        return ref _rows[index];
    }

    /// <summary>Rows as a span; checked.</summary>
    public Span<T> Rows(long first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, RowCount);
        return new Span<T>(_rows + first, count);
    }

    /// <summary>Asks for the row's first cache line; a hint, and nothing where the processor has no such instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long index)
    {
        if (Sse.IsSupported) Sse.Prefetch0(_rows + index);
    }

    /// <summary>The cache line so many bytes behind the row's first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long index, int offsetBytes)
    {
        if (Sse.IsSupported) Sse.Prefetch0((byte*)(_rows + index) + offsetBytes);
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_disposed) return;
        _disposed = true;
        RowCount = 0;
        PageMapping.Release(_reservation, _reservationBytes);
    }

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowOutside(long index) => throw new ArgumentOutOfRangeException(nameof(index), $"row {index} of {RowCount}");
}

/// <summary>What <see cref="NativeTable{T}"/> asks of the operating system.</summary>
internal static unsafe partial class PageMapping
{
    public const nuint HugePageBytes = 2 << 20;

    // Linux, x64 and arm64 alike.
    private const int ProtectionReadWrite = 3;
    private const int PrivateAnonymousNoReserve = 0x02 | 0x20 | 0x4000;
    private const int AdviceHugePage = 14;
    private const nint Failed = -1;

    public static nint Reserve(nuint bytes)
    {
        if (!OperatingSystem.IsLinux()) return (nint)NativeMemory.AllocZeroed(bytes);
        nint mapped = Map(0, bytes, ProtectionReadWrite, PrivateAnonymousNoReserve, -1, 0);
        return mapped != Failed
            ? mapped
            : throw new InsufficientMemoryException($"the operating system refused to reserve {bytes} bytes of address space");
    }

    public static void AskHugePages(nint address, nuint bytes)
    {
        // A kernel without huge pages refuses the advice: the table is slower, not wrong.
        if (OperatingSystem.IsLinux()) _ = Advise(address, bytes, AdviceHugePage);
    }

    public static void Release(nint address, nuint bytes)
    {
        if (address == 0) return;
        if (OperatingSystem.IsLinux()) _ = Unmap(address, bytes);
        else NativeMemory.Free((void*)address);
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
