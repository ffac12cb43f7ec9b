using System.Diagnostics;
using System.Runtime.InteropServices;
using Settlement.Engine.Journal;

namespace Settlement.Perf.Load;

/// <summary>
/// What the disk can do at best for a journal: writes of 1 MiB, one after the other, each durable before the next (O_DIRECT
/// and O_DSYNC), into a file that was written before, so that nothing but data is written. Unit: MB/s, 10^6 bytes.
/// </summary>
/// <remarks>Where the file system refuses O_DIRECT, the page cache is in the way and <see cref="IsDirect"/> says so.</remarks>
public sealed unsafe class DiskBandwidth : IDisposable
{
    public const int WriteBytes = 1 << 20;

    private readonly LinuxFileCalls _calls = new();
    private readonly string _path;
    private readonly int _file;
    private readonly int _writes;
    private readonly byte* _bytes;

    /// <summary>Makes and writes a file of the given size in the directory whose disk is to be measured.</summary>
    public DiskBandwidth(string directory, int fileBytes)
    {
        _writes = fileBytes / WriteBytes;
        _path = Path.Combine(directory, "disk-bandwidth");
        _bytes = (byte*)NativeMemory.AlignedAlloc(WriteBytes, 4096);
        new Random(1).NextBytes(new Span<byte>(_bytes, WriteBytes));
        _file = _calls.Open(_path, direct: true, durable: true);
        IsDirect = _file >= 0;
        if (!IsDirect)
            _file = _calls.Open(_path, direct: false, durable: true);
        if (_file < 0)
            throw new IOException($"cannot open '{_path}': {Marshal.GetPInvokeErrorMessage(-_file)}");
        WriteAll();
    }

    public bool IsDirect { get; }

    /// <summary>One run over the whole file.</summary>
    public double MegabytesPerSecond()
    {
        long begun = Stopwatch.GetTimestamp();
        WriteAll();
        return _writes * (double)WriteBytes / 1e6 / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private void WriteAll()
    {
        for (int i = 0; i < _writes; i++)
        {
            long written = _calls.Write(_file, _bytes, WriteBytes, (long)i * WriteBytes);
            if (written != WriteBytes)
                throw new IOException($"writing to '{_path}' returned {written}");
        }
    }

    public void Dispose()
    {
        _ = _calls.Close(_file);
        File.Delete(_path);
        NativeMemory.AlignedFree(_bytes);
    }
}
