using System.Runtime.InteropServices;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>
/// Reads and writes a log's bytes by address, past the page cache: what an audit believes must come from the disk, and what it reads once must not push out what others read often.
/// </summary>
/// <remarks>
/// Invariant: a file that is not there is never made. Sectors are read and written whole.
/// Failure assumed: a sector that cannot be read counts as zeros, for then it is damaged, and a disk that is told to write it may take another in its place. File systems that refuse
/// O_DIRECT are read through the page cache.
/// One thread uses it.
/// </remarks>
internal sealed unsafe class LogDisk(JournalFiles files, IFileCalls? calls) : IDisposable
{
    /// <summary>Read in one call, between two looks at the pace.</summary>
    public const int PieceBytes = 256 << 10;

    private readonly IFileCalls _calls = calls ?? new LinuxFileCalls();
    private readonly byte* _piece = (byte*)NativeMemory.AlignedAlloc(PieceBytes, JournalFiles.SectorBytes);
    private long _segment = -1;
    private int _file = -1;

    /// <summary>Whether the last read met a file that is not there.</summary>
    public bool IsMissing { get; private set; }

    /// <summary>Fills a span with the log's bytes; what files do not have is zeros.</summary>
    /// <param name="address">Of the first byte.</param>
    /// <param name="target">May cross files.</param>
    /// <param name="pace">Asked behind each piece with its bytes; false ends the reading.</param>
    /// <returns>False: it was ended.</returns>
    public bool Read(long address, Span<byte> target, Func<int, bool>? pace = null)
    {
        IsMissing = false;
        for (int done = 0; done < target.Length;)
        {
            long start = (address + done) & -JournalFiles.SectorBytes;
            int skip = (int)(address + done - start);
            long fileEnd = (files.SegmentOf(start) + 1) * files.SegmentBytes;
            int wanted = (skip + target.Length - done + JournalFiles.SectorBytes - 1) & -JournalFiles.SectorBytes;
            int bytes = (int)Math.Min(Math.Min(PieceBytes, wanted), fileEnd - start);
            ReadPiece(start, bytes);
            int count = Math.Min(bytes - skip, target.Length - done);
            new ReadOnlySpan<byte>(_piece + skip, count).CopyTo(target[done..]);
            done += count;
            if (pace is not null && !pace(bytes))
                return false;
        }

        return true;
    }

    /// <summary>Writes sectors, durable on return.</summary>
    /// <param name="address">Of the first; a multiple of a sector.</param>
    /// <param name="sectors">Whole ones, of one file.</param>
    /// <exception cref="IOException">They were not written, or not all of them.</exception>
    public void Write(long address, ReadOnlySpan<byte> sectors)
    {
        string path = files.SegmentPath(files.SegmentOf(address));
        int file = _calls.OpenExisting(path, direct: true, durable: true);
        if (file < 0)
            file = _calls.OpenExisting(path, direct: false, durable: true);
        if (file < 0)
            throw new IOException($"'{path}' could not be opened for writing (code {-file}).");
        try
        {
            for (int done = 0; done < sectors.Length;)
            {
                int count = Math.Min(PieceBytes, sectors.Length - done);
                sectors.Slice(done, count).CopyTo(new Span<byte>(_piece, count));
                long written = _calls.Write(file, _piece, count, files.OffsetOf(address) + done);
                if (written != count)
                    throw new IOException($"'{path}' could not be written at offset {files.OffsetOf(address) + done}: {written} of {count} bytes (a negative count is an error's number).");
                done += count;
            }
        }
        finally
        {
            _ = _calls.Close(file);
        }
    }

    /// <summary>Lets go of the open file.</summary>
    public void Forget()
    {
        if (_file >= 0)
            _ = _calls.Close(_file);
        (_file, _segment) = (-1, -1);
    }

    public void Dispose()
    {
        Forget();
        NativeMemory.AlignedFree(_piece);
    }

    private void ReadPiece(long start, int bytes)
    {
        new Span<byte>(_piece, bytes).Clear();
        if (!TryOpen(files.SegmentOf(start)))
        {
            IsMissing = true;
            return;
        }

        long offset = files.OffsetOf(start);
        if (ReadHere(_piece, bytes, offset) >= 0)
            return;
        for (int at = 0; at < bytes; at += JournalFiles.SectorBytes)
        {
            if (ReadHere(_piece + at, JournalFiles.SectorBytes, offset + at) < 0)
                new Span<byte>(_piece + at, JournalFiles.SectorBytes).Clear();
        }
    }

    /// <returns>How many there were; negative: an error's number.</returns>
    private long ReadHere(byte* target, int bytes, long offset)
    {
        long done = 0;
        while (done < bytes)
        {
            long read = _calls.Read(_file, target + done, (int)(bytes - done), offset + done);
            if (read == -LinuxFileCalls.InterruptedErrno)
                continue;
            if (read < 0)
                return read;
            done += read;
            if (read == 0 || (read & (JournalFiles.SectorBytes - 1)) != 0)
                break; // the file's end
        }

        return done;
    }

    private bool TryOpen(long segment)
    {
        if (segment == _segment)
            return true;
        Forget();
        string path = files.SegmentPath(segment);
        _file = _calls.OpenExisting(path, direct: true, durable: false);
        if (_file < 0)
            _file = _calls.OpenExisting(path, direct: false, durable: false);
        if (_file >= 0)
            _segment = segment;
        return _file >= 0;
    }
}
