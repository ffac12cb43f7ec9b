using System.Runtime.InteropServices;

namespace Settlement.Engine.Journal;

/// <summary>
/// The open files of the log's segments, and the primer that writes zeros ahead of the tail so that a durable write finds its
/// blocks allocated and initialised, and costs one device write instead of one and a file system commit.
/// </summary>
/// <remarks>
/// Invariant: no zero is ever written at or below a byte that the log has begun to write. The writer moves
/// <c>_frontier</c> past its range before it writes, and waits for a piece of zeros that is being written there; the primer
/// takes pieces at the frontier only. Priming is help, never a condition: a write beyond the frontier extends the file itself,
/// and a primer that fails (disk full) only stops, because the log's own write will meet the same error and report it.
/// Bound: zeros ahead are at most half of the log, between <see cref="PieceBytes"/> and the configured maximum, so a small
/// journal stays small.
/// </remarks>
internal sealed unsafe class SegmentFiles : IDisposable
{
    public const int PieceBytes = 1 << 20;

    /// <summary>
    /// Writes larger than this gain little from primed blocks (one file system commit in several ms), and zeros would take
    /// the bandwidth that they need: the primer rests while such writes go on.
    /// </summary>
    public const int PrimedWriteBytesMax = 1 << 20;

    private readonly JournalFiles _files;
    private readonly IFileCalls _calls;
    private readonly bool _direct;
    private readonly long _aheadBytesMax;
    private readonly object _gate = new();
    private readonly Dictionary<long, int> _open = [];
    private readonly Thread? _primer;

    // written by: whoever holds _gate
    private long _frontier;
    private long _pieceStart;
    private long _pieceEnd;
    private long _target;
    private bool _stopping;

    public SegmentFiles(JournalFiles files, IFileCalls calls, bool direct, long aheadBytesMax, long endAddress)
    {
        _files = files;
        _calls = calls;
        _direct = direct;
        _aheadBytesMax = aheadBytesMax;
        _frontier = FrontierOnDisk(files, endAddress);
        if (aheadBytesMax > 0)
        {
            _primer = new Thread(Prime) { IsBackground = true, Name = "journal primer" };
            _primer.Start();
        }
    }

    /// <summary>What already exists beyond the end was zeroed when the journal was opened: it counts as primed.</summary>
    private static long FrontierOnDisk(JournalFiles files, long endAddress)
    {
        long frontier = (endAddress + JournalFiles.SectorBytes - 1) & -JournalFiles.SectorBytes;
        long last = files.LastSegment();
        if (last < 0)
            return frontier;
        long fileBytes = new FileInfo(files.SegmentPath(last)).Length & -JournalFiles.SectorBytes;
        return Math.Max(frontier, (last * files.SegmentBytes) + Math.Min(fileBytes, files.SegmentBytes));
    }

    /// <summary>The segment's handle, or the negated error number. Closes the segments before it: the log never goes back.</summary>
    public int HandleOf(long segment)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(segment, out int handle))
                return handle;
            string path = _files.SegmentPath(segment);
            bool isNew = !File.Exists(path);
            handle = _calls.Open(path, _direct, durable: true);
            if (handle < 0)
                return handle;
            _open.Add(segment, handle);
            int synced = isNew ? _calls.SyncDirectory(_files.Directory) : 0;
            return synced < 0 ? synced : handle;
        }
    }

    /// <summary>Takes the range from the primer; returns when no zeros are being written in it.</summary>
    public void BeforeWrite(long start, long end)
    {
        lock (_gate)
        {
            _frontier = Math.Max(_frontier, end);
            while (_pieceEnd > start && _pieceStart < end)
                Monitor.Wait(_gate);
        }
    }

    public void AfterWrite(long end, int bytes)
    {
        if (_primer is null || bytes > PrimedWriteBytesMax)
            return;
        lock (_gate)
        {
            long ahead = Math.Min(_aheadBytesMax, Math.Max(PieceBytes, end / 2));
            // Half of the distance may be used up before the primer starts again: it works in strides, not in sectors.
            if (_frontier - end > ahead / 2)
                return;
            _target = end + ahead;
            Monitor.PulseAll(_gate);
        }
    }

    public void CloseBefore(long segment)
    {
        lock (_gate)
        {
            foreach ((long number, int handle) in _open)
            {
                if (number >= segment)
                    continue;
                _ = _calls.Close(handle);
                _open.Remove(number);
                return;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        _primer?.Join();
        foreach (int handle in _open.Values)
            _ = _calls.Close(handle);
        _open.Clear();
    }

    private void Prime()
    {
        byte* zeros = (byte*)NativeMemory.AlignedAlloc(PieceBytes, JournalFiles.SectorBytes);
        NativeMemory.Clear(zeros, PieceBytes);
        int file = -1;
        long fileSegment = -1;
        try
        {
            while (TakePiece(out long start, out int bytes))
            {
                long segment = _files.SegmentOf(start);
                if (segment != fileSegment)
                {
                    CloseSynced(file);
                    // Creates the file, and its entry in the directory, through the same door as the writer.
                    file = HandleOf(segment) < 0 ? -1 : _calls.Open(_files.SegmentPath(segment), _direct, durable: false);
                    fileSegment = segment;
                }
                bool written = file >= 0 && _calls.Write(file, zeros, bytes, _files.OffsetOf(start)) == bytes;
                if (!GivePiece(written, out bool reached))
                    break;
                if (reached)
                    _ = _calls.Sync(file);
            }
        }
        finally
        {
            CloseSynced(file);
            NativeMemory.AlignedFree(zeros);
        }
    }

    private bool TakePiece(out long start, out int bytes)
    {
        lock (_gate)
        {
            while (!_stopping && _frontier >= _target)
                Monitor.Wait(_gate);
            start = _frontier;
            long end = Math.Min(start + PieceBytes, (_files.SegmentOf(start) + 1) * _files.SegmentBytes);
            bytes = (int)(end - start);
            if (_stopping)
                return false;
            (_pieceStart, _pieceEnd, _frontier) = (start, end, end);
            return true;
        }
    }

    private bool GivePiece(bool written, out bool reached)
    {
        lock (_gate)
        {
            (_pieceStart, _pieceEnd) = (0, 0);
            reached = _frontier >= _target;
            Monitor.PulseAll(_gate);
            return written && !_stopping;
        }
    }

    private void CloseSynced(int file)
    {
        if (file < 0)
            return;
        _ = _calls.Sync(file);
        _ = _calls.Close(file);
    }
}
