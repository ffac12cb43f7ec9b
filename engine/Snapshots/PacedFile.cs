using System.Diagnostics;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Snapshots;

/// <summary>
/// A new file that is written no faster than asked: beside a running journal, a snapshot must not take the whole disk. What is written goes to the disk
/// piece by piece, so that no flood of dirty pages is left for the end, when the journal's own writes would wait behind it.
/// </summary>
internal sealed class PacedFile(string path, long bytesPerSecondMax) : Stream
{
    private const long PieceBytes = 1 << 20;

    private readonly FileStream _file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long _written;
    private long _flushed;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _file.Write(buffer);
        _written += buffer.Length;
        if (_written - _flushed < PieceBytes || bytesPerSecondMax == 0)
            return;
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        _flushed = _written;
        TimeSpan due = TimeSpan.FromTicks((long)((Int128)_written * TimeSpan.TicksPerSecond / bytesPerSecondMax));
        if (due > _watch.Elapsed)
            Thread.Sleep(due - _watch.Elapsed);
    }

    /// <summary>Makes all of it durable.</summary>
    public override void Flush() => RandomAccess.FlushToDisk(_file.SafeFileHandle);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Makes renames in a directory durable.</summary>
internal static class DirectoryFlush
{
    public static void Of(string directory)
    {
        if (OperatingSystem.IsLinux() && new LinuxFileCalls().SyncDirectory(directory) is var code and < 0)
            throw new IOException($"the directory '{directory}' could not be flushed (code {-code})");
    }
}
