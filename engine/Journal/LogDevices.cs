using FASTER.core;

namespace Settlement.Engine.Journal;

/// <summary>Who owns a log device: told of every write that FASTER has taken note of, and of the first that failed.</summary>
internal interface ILogDeviceOwner
{
    /// <summary>A write is on disk and FASTER knows. Returns how far the log is durable, and the last block in that.</summary>
    (long EndAddress, ulong Block) WriteCompleted();

    void WriteFailed(string what);
}

/// <summary>
/// FASTER's own managed device, for systems other than Linux, with completions passed on to the journal. It keeps no copy
/// of the tail sector and no order among its writes.
/// </summary>
internal sealed class StockLogDevice : StorageDeviceBase
{
    private readonly ManagedLocalStorageDevice _stock;
    private readonly ILogDeviceOwner _owner;
    private volatile bool _failed;

    public StockLogDevice(string path, ILogDeviceOwner owner)
        : base(path, JournalFiles.SectorBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _stock = new ManagedLocalStorageDevice(path, osReadBuffering: true);
        _owner = owner;
    }

    public override void Initialize(long segmentSize, LightEpoch? epoch = null, bool omitSegmentIdFromFilename = false)
    {
        base.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
        _stock.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
    }

    public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite,
        DeviceIOCompletionCallback callback, object context)
    {
        _stock.WriteAsync(sourceAddress, segmentId, destinationAddress, numBytesToWrite, (error, written, state) =>
        {
            if (error == 0 && written != numBytesToWrite)
                error = LinuxFileCalls.InputOutputErrno;
            if (error != 0 && !_failed)
            {
                _failed = true;
                _owner.WriteFailed($"a write of {numBytesToWrite} bytes to '{FileName}.{segmentId}', offset {destinationAddress}, failed with code {error}");
            }
            callback(_failed ? Math.Max(error, 1) : 0, written, state);
            if (!_failed)
                _owner.WriteCompleted();
        }, context);
    }

    public override void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength,
        DeviceIOCompletionCallback callback, object context) =>
        _stock.ReadAsync(segmentId, sourceAddress, destinationAddress, readLength, callback, context);

    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) =>
        _stock.RemoveSegmentAsync(segment, callback, result);

    public override void Dispose() => _stock.Dispose();
}
