using System.Runtime.InteropServices;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>A file from its beginning to its end, read past the page cache where the file system allows it, at somebody's pace.</summary>
internal sealed unsafe class PacedReading : Stream
{
    private readonly IFileCalls _calls;
    private readonly Func<int, bool> _pace;
    private readonly byte* _piece = (byte*)NativeMemory.AlignedAlloc(LogDisk.PieceBytes, JournalFiles.SectorBytes);
    private readonly int _file;
    private readonly string _path;
    private long _offset; // of the next piece
    private int _filled;
    private int _used;
    private bool _disposed;

    /// <param name="path">The file.</param>
    /// <param name="calls">With which files are touched; null: the system's.</param>
    /// <param name="pace">Asked behind each piece with its bytes; false ends the reading.</param>
    /// <exception cref="FileNotFoundException">It is not there any more.</exception>
    public PacedReading(string path, IFileCalls? calls, Func<int, bool> pace)
    {
        (_path, _calls, _pace) = (path, calls ?? new LinuxFileCalls(), pace);
        _file = _calls.OpenExisting(path, direct: true, durable: false);
        if (_file < 0)
            _file = _calls.OpenExisting(path, direct: false, durable: false);
        if (_file >= 0)
            return;
        NativeMemory.AlignedFree(_piece);
        throw new FileNotFoundException("it is gone", path);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="OperationCanceledException">Its pace ended it.</exception>
    /// <exception cref="IOException">The disk does not give the bytes.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_used == _filled)
            Fill();
        int count = Math.Min(buffer.Length, _filled - _used);
        new ReadOnlySpan<byte>(_piece + _used, count).CopyTo(buffer);
        _used += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (!_disposed && disposing)
        {
            _disposed = true;
            _ = _calls.Close(_file);
            NativeMemory.AlignedFree(_piece);
        }

        base.Dispose(disposing);
    }

    private void Fill()
    {
        long read;
        do
            read = _calls.Read(_file, _piece, LogDisk.PieceBytes, _offset);
        while (read == -LinuxFileCalls.InterruptedErrno);
        if (read < 0)
            throw new IOException($"'{_path}' cannot be read at offset {_offset} (code {-read})");
        (_used, _filled) = (0, (int)read);
        _offset += read;
        if (read > 0 && !_pace((int)read))
            throw new OperationCanceledException();
    }
}
