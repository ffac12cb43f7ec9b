using System.Globalization;
using FASTER.core;
using Microsoft.Win32.SafeHandles;

namespace Settlement.Engine.Dedup.Spill;

/// <summary>
/// The files behind one FasterKV log of spilled ids, read and written by the calling thread itself.
/// </summary>
/// <remarks>
/// Purpose: FasterKV with a device of its own threads goes on after a failed write and waits for ever for a flush that
/// never comes. Here a write is done when the call returns, and a failure is thrown through the put that caused it; after one
/// failure every use throws. Nothing is synced: the folder is wiped at start, since a replay makes its ids again.
/// <para>
/// Reads are taken down and served in <see cref="TryComplete"/>, one after the other, since serving one may ask for the
/// next of a chain: as a loop it needs no stack, however long the chain. A scan of the log reads page by page, without
/// chains, and sleeps until its page is there: it has its reads served at once.
/// </para>
/// Invariant: used by one thread at a time. Segments are files `name.number`, dropped whole.
/// </remarks>
internal class SpillDevice : StorageDeviceBase
{
    private const int SectorBytes = 512;

    private readonly string _name;
    private readonly List<SafeFileHandle?> _segments = [];
    private readonly Queue<PendingRead> _reads = new();

    // written by: settle thread
    private int _segmentFirst;
    private Exception? _fault;

    /// <param name="name">Path of the files, without their number.</param>
    public SpillDevice(string name)
        : base(name, SectorBytes, Devices.CAPACITY_UNSPECIFIED) => _name = name;

    /// <summary>Segments on disk, for tests and reports.</summary>
    public int SegmentCount => _segments.Count - _segmentFirst;

    /// <summary>Whether any access has failed.</summary>
    public bool IsFaulted => _fault != null;

    /// <summary>Throws if any access has failed: what FasterKV believes of its log is then not to be trusted.</summary>
    public void ThrowIfFaulted()
    {
        if (_fault != null) throw new IOException($"the store of spilled ids failed: {_fault.Message}", _fault);
    }

    /// <summary>Serve a read in the call that asks for it.</summary>
    public bool ReadsServedAtOnce { get; set; } // written by: settle thread

    public override void WriteAsync(
        IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite,
        DeviceIOCompletionCallback callback, object context)
    {
        ThrowIfFaulted();
        try
        {
            Write(Segment(segmentId), Bytes(sourceAddress, numBytesToWrite), (long)destinationAddress);
        }
        catch (Exception fault)
        {
            _fault = fault;
            throw;
        }

        callback(0, numBytesToWrite, context);
    }

    public override void ReadAsync(
        int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength,
        DeviceIOCompletionCallback callback, object context)
    {
        PendingRead read = new(segmentId, sourceAddress, destinationAddress, readLength, callback, context);
        if (ReadsServedAtOnce) Serve(in read);
        else _reads.Enqueue(read);
    }

    public override bool TryComplete()
    {
        ThrowIfFaulted();
        while (_reads.TryDequeue(out PendingRead read)) Serve(in read);
        return true;
    }

    /// <summary>Deletes the files that lie wholly below an address of the log.</summary>
    public void DropBelow(long address)
    {
        int end = (int)Math.Min(address / SegmentSize, _segments.Count);
        for (; _segmentFirst < end; _segmentFirst++) Drop(_segmentFirst);
    }

    /// <summary>Not used: the log is cut with <see cref="DropBelow"/>, in the calling thread.</summary>
    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result)
    {
        Drop(segment);
        callback(result);
    }

    public override void Dispose()
    {
        for (int segment = _segmentFirst; segment < _segments.Count; segment++) Drop(segment);
        _segmentFirst = _segments.Count;
        GC.SuppressFinalize(this);
    }

    protected virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) =>
        RandomAccess.Write(file, bytes, offset);

    protected virtual void Read(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(file, bytes, offset);
            if (count == 0) throw new EndOfStreamException($"{_name}: {bytes.Length} bytes are missing at {offset}");
            bytes = bytes[count..];
            offset += count;
        }
    }

    private void Serve(in PendingRead read)
    {
        try
        {
            Read(Segment(read.Segment), Bytes(read.Destination, read.Length), (long)read.Source);
        }
        catch (Exception fault)
        {
            _fault = fault;
            throw;
        }

        read.Callback(0, read.Length, read.Context);
    }

    private static unsafe Span<byte> Bytes(IntPtr address, uint length) => new((void*)address, (int)length);

    private string PathOf(int segment) => string.Create(CultureInfo.InvariantCulture, $"{_name}.{segment}");

    private SafeFileHandle Segment(int segment)
    {
        while (_segments.Count <= segment) _segments.Add(null);
        return _segments[segment] ??=
            File.OpenHandle(PathOf(segment), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    private void Drop(int segment)
    {
        if (_segments[segment] is not { } file) return;
        file.Dispose();
        _segments[segment] = null;
        File.Delete(PathOf(segment));
    }

    private readonly record struct PendingRead(
        int Segment, ulong Source, IntPtr Destination, uint Length, DeviceIOCompletionCallback Callback, object Context);
}
