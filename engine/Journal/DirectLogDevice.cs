using System.Runtime.InteropServices;
using FASTER.core;

namespace Settlement.Engine.Journal;

/// <summary>
/// The log's device on Linux: one thread, O_DIRECT and O_DSYNC, one pwrite at a time, in address order.
/// </summary>
/// <remarks>
/// Purpose: a completed write is durable, and whatever fails is seen. For each write the thread 1. writes it, 2. tells
/// FASTER, which advances its flushed address on this very thread (no thread-pool hop), 3. tells the journal, which
/// acknowledges, 4. writes the tail note, and only then takes the next write.
/// Invariant: each write begins in the sector in which the durable log ends, so at any moment at most one write lies beyond
/// what a note knows. FASTER issues flushes in address order from the appending thread; that is checked, not believed.
/// Failure assumed: a write may fail, be short, tear, or be lost by power. The first failure is final: every later request is
/// completed with its error, none reaches the disk. A short write is a failure, too: it means that the rest did meet an
/// error (full disk, mostly), and trying the rest again would be the retry that must not be.
/// </remarks>
internal sealed unsafe class DirectLogDevice : StorageDeviceBase
{
    /// <summary>How long the device is idle before it notes what was committed since its last write.</summary>
    private const int NoteIdleMs = 20;

    private readonly record struct Request(IntPtr Source, long Address, int Bytes, DeviceIOCompletionCallback Callback, object Context);

    private readonly JournalFiles _files;
    private readonly IFileCalls _calls;
    private readonly ILogDeviceOwner _owner;
    private readonly SegmentFiles _segments;
    private readonly Thread _writer;
    private readonly object _gate = new();

    /// <summary>Bound: FASTER has at most two requests out for each page in memory.</summary>
    private readonly List<Request> _queue;
    private readonly DiskFigures? _figures;
    private readonly Func<ulong>? _committed;
    private readonly int _noteFile;
    private readonly byte* _noteSlot;

    // written by: whoever holds _gate
    private bool _stopping;

    // written by: writer thread
    private long _endAddress;
    private ulong _noteSerial;
    private ulong _notedBlock;
    private ulong _notedCommitted;
    private uint _error;

    /// <summary>Whether writes go past the page cache; false where the file system refuses it (tmpfs before Linux 6.6).</summary>
    public bool IsDirect { get; }

    /// <summary>
    /// Begins at <paramref name="endAddress"/>, where the verified log ends; the note file's newest note is <paramref name="noteSerial"/>.
    /// </summary>
    public DirectLogDevice(JournalFiles files, JournalOptions options, ILogDeviceOwner owner, long endAddress, ulong noteSerial)
        : base(files.LogPath, JournalFiles.SectorBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _files = files;
        _calls = options.FileCalls ?? new LinuxFileCalls();
        _figures = options.Figures;
        _committed = options.Committed;
        _owner = owner;
        _endAddress = endAddress;
        _noteSerial = noteSerial;
        _queue = new List<Request>((2 * (options.MemoryBytes / files.PageBytes)) + 2);
        _noteFile = _calls.Open(files.NotePath, direct: true, durable: true);
        IsDirect = _noteFile >= 0;
        if (!IsDirect)
            _noteFile = _calls.Open(files.NotePath, direct: false, durable: true);
        if (_noteFile < 0)
            throw new JournalException($"Cannot open '{files.NotePath}' for writing: {TextOf(-_noteFile)}.");
        _noteSlot = (byte*)NativeMemory.AlignedAlloc(TailNote.SlotBytes, JournalFiles.SectorBytes);
        NativeMemory.Clear(_noteSlot, TailNote.SlotBytes);
        if (TailNote.ReadNewest(files.NotePath) is { } note && note.Serial == noteSerial)
        {
            note.Sector.CopyTo(new Span<byte>(_noteSlot + JournalFiles.SectorBytes, JournalFiles.SectorBytes));
            (_notedBlock, _notedCommitted) = (note.Block, note.SettledBlock);
        }

        _segments = new SegmentFiles(files, _calls, IsDirect, options.PrimeAheadBytesMax, endAddress);
        _writer = new Thread(Run) { IsBackground = true, Name = "journal device" };
        _writer.Start();
    }

    public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite,
        DeviceIOCompletionCallback callback, object context)
    {
        long address = (segmentId * _files.SegmentBytes) + (long)destinationAddress;
        lock (_gate)
        {
            _queue.Add(new Request(sourceAddress, address, (int)numBytesToWrite, callback, context));
            Monitor.Pulse(_gate);
        }
    }

    private void Run()
    {
        while (TryTake(out Request request))
        {
            if (request.Callback is null)
                WriteNote(_endAddress, _notedBlock);
            else if (_error == 0)
                Write(in request);
            else
                request.Callback(_error, 0, request.Context);
        }
    }

    private void Write(in Request request)
    {
        if (request.Address != (_endAddress & -JournalFiles.SectorBytes))
        {
            FailOutOfOrder(in request);
            return;
        }
        int handle = _segments.HandleOf(_files.SegmentOf(request.Address));
        if (handle < 0)
        {
            Fail(in request, handle);
            return;
        }
        long end = request.Address + request.Bytes;
        _segments.BeforeWrite(request.Address, end);
        long written;
        long begun = DiskFigures.Begin();
        do
            written = _calls.Write(handle, (byte*)request.Source, request.Bytes, _files.OffsetOf(request.Address));
        while (written == -LinuxFileCalls.InterruptedErrno); // nothing was written: not a failed write
        if (written != request.Bytes)
        {
            Fail(in request, written);
            return;
        }

        _figures?.End(begun, request.Bytes);

        // Before FASTER may reuse the page: appends behind the end may go on in this sector, the acknowledged bytes stand.
        Buffer.MemoryCopy((byte*)request.Source + request.Bytes - JournalFiles.SectorBytes, _noteSlot + JournalFiles.SectorBytes,
            JournalFiles.SectorBytes, JournalFiles.SectorBytes);
        request.Callback(0, (uint)request.Bytes, request.Context);
        (long endAddress, ulong block) = _owner.WriteCompleted();
        if (endAddress > end || endAddress <= end - JournalFiles.SectorBytes)
        {
            FailOutOfStep(endAddress, end);
            return;
        }
        _endAddress = endAddress;
        WriteNote(endAddress, block);
        _segments.AfterWrite(end, request.Bytes);
        if (_files.OffsetOf(request.Address) == 0)
            _segments.CloseBefore(_files.SegmentOf(request.Address));
    }

    private void WriteNote(long endAddress, ulong block)
    {
        ulong serial = _noteSerial + 1;
        (_notedBlock, _notedCommitted) = (block, Math.Min(block, _committed?.Invoke() ?? block));
        TailNote.Format(new Span<byte>(_noteSlot, TailNote.SlotBytes), serial, endAddress, block, kept: true, _committed is null ? null : _notedCommitted);
        long written;
        do
            written = _calls.Write(_noteFile, _noteSlot, TailNote.SlotBytes, TailNote.OffsetOf(serial));
        while (written == -LinuxFileCalls.InterruptedErrno);
        _noteSerial = serial;
        if (written != TailNote.SlotBytes)
            FailNote(written);
    }

    private bool TryTake(out Request request)
    {
        lock (_gate)
        {
            request = default;
            while (_queue.Count == 0 && !_stopping)
            {
                if (!Monitor.Wait(_gate, HasCommitsToNote ? NoteIdleMs : Timeout.Infinite) && _queue.Count == 0 && IsNoteDue)
                    return true;
            }

            if (_queue.Count == 0)
                return _stopping && IsNoteDue;
            // The completion of a page's first part hands over its second part after the next page's first was queued.
            int lowest = 0;
            for (int i = 1; i < _queue.Count; i++)
            {
                if (_queue[i].Address < _queue[lowest].Address)
                    lowest = i;
            }
            request = _queue[lowest];
            _queue.RemoveAt(lowest);
            return true;
        }
    }

    /// <summary>Whether blocks that are on disk were not committed when the last note was written: readers wait for it.</summary>
    private bool HasCommitsToNote => _committed is not null && _error == 0 && _notedCommitted < _notedBlock;

    private bool IsNoteDue => HasCommitsToNote && _committed!() > _notedCommitted;

    private void Fail(in Request request, long written)
    {
        string why = written < 0 ? TextOf((int)-written) : $"only {written} of {request.Bytes} bytes were written (is the disk full?)";
        _error = written < 0 ? (uint)-written : LinuxFileCalls.NoSpaceErrno;
        _owner.WriteFailed($"a write of {request.Bytes} bytes to '{_files.PlaceOf(request.Address)}' failed: {why}");
        request.Callback(_error, 0, request.Context);
    }

    private void FailNote(long written)
    {
        string why = written < 0 ? TextOf((int)-written) : $"only {written} of {TailNote.SlotBytes} bytes were written (is the disk full?)";
        _error = LinuxFileCalls.InputOutputErrno;
        _owner.WriteFailed($"a tail note could not be written to '{_files.NotePath}': {why}");
    }

    private void FailOutOfOrder(in Request request)
    {
        _error = LinuxFileCalls.InputOutputErrno;
        _owner.WriteFailed($"the log asked to write at address {request.Address} while it ends at {_endAddress}: a broken invariant, not a disk error");
        request.Callback(_error, 0, request.Context);
    }

    private void FailOutOfStep(long endAddress, long writtenEnd)
    {
        _error = LinuxFileCalls.InputOutputErrno;
        _owner.WriteFailed($"the log says it is durable up to {endAddress} after a write up to {writtenEnd}: a broken invariant, or an acknowledgement that threw");
    }

    private static string TextOf(int errno) => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";

    /// <summary>Reads on the calling thread: only opening a journal reads, one page.</summary>
    public override void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength,
        DeviceIOCompletionCallback callback, object context)
    {
        int handle = _segments.HandleOf(segmentId);
        long done = handle < 0 ? handle : 0;
        while (done >= 0 && done < readLength)
        {
            long read = _calls.Read(handle, (byte*)destinationAddress + done, (int)(readLength - done), (long)sourceAddress + done);
            if (read == -LinuxFileCalls.InterruptedErrno)
                continue;
            if (read <= 0)
            {
                done = read < 0 ? read : done;
                break;
            }
            done += read;
        }
        if (done >= 0)
            NativeMemory.Clear((byte*)destinationAddress + done, (nuint)(readLength - done)); // a log behind its file's end is zeros
        callback(done < 0 ? (uint)-done : 0, done < 0 ? 0 : readLength, context);
    }

    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result)
    {
        File.Delete(_files.SegmentPath(segment));
        _ = _calls.SyncDirectory(_files.Directory);
        callback(result);
    }

    /// <summary>Writes what is queued and ends the thread. FASTER's pages must stay alive until then.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }
        _writer.Join();
    }

    public override void Dispose()
    {
        Stop();
        _segments.Dispose();
        _ = _calls.Close(_noteFile);
        NativeMemory.AlignedFree(_noteSlot);
    }
}
