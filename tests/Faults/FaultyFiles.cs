using Settlement.Engine.Journal;

namespace Settlement.Tests.Faults;

public enum Fault
{
    None,

    /// <summary>The write returns EIO; nothing reaches the disk.</summary>
    Fails,

    /// <summary>The write returns that half was written, and half was.</summary>
    HalfWritten,

    /// <summary>The write returns ENOSPC.</summary>
    DiskFull,

    /// <summary>The write succeeds, but one bit is another.</summary>
    FlippedBit,

    /// <summary>The write succeeds, but nothing reaches the disk.</summary>
    Lost,

    /// <summary>Power goes: the first bytes reach the disk, the write and all later calls fail.</summary>
    Torn,

    /// <summary>Power goes: only the bytes behind the first ones reach the disk (sectors may arrive in any order).</summary>
    TornBackwards,
}

/// <summary>Linux's file calls with one fault at the device's n-th durable write to the log, or to the notes; what opening a journal writes, at rest, is not counted.</summary>
internal sealed unsafe class FaultyFiles : IFileCalls
{
    private readonly LinuxFileCalls _real = new();
    private readonly Dictionary<int, (string Path, bool Durable, bool AtRest)> _files = [];
    private readonly Lock _gate = new();
    private bool _dead;

    public Fault Fault { get; init; }

    /// <summary>Which durable write has the fault, from 1.</summary>
    public int AtWrite { get; init; }

    public bool InNotes { get; init; }

    /// <summary>How many bytes of a torn write reach the disk, or do not.</summary>
    public int TearBytes { get; init; }

    public int Writes { get; private set; }

    public bool Happened { get; private set; }

    /// <summary>Writes that were tried after a write had failed: there must be none.</summary>
    public int WritesAfterFailure { get; private set; }

    public int Open(string path, bool direct, bool durable)
    {
        int file = _dead ? -LinuxFileCalls.InputOutputErrno : _real.Open(path, direct: false, durable);
        lock (_gate)
        {
            if (file >= 0)
                _files[file] = (path, durable, AtRest: durable && !direct);
        }
        return file;
    }

    public long Write(int file, byte* bytes, int count, long offset)
    {
        (string path, bool durable, bool atRest) = _files[file];
        bool isNote = path.EndsWith(".note", StringComparison.Ordinal);
        if (!durable)
            return _dead ? -LinuxFileCalls.InputOutputErrno : _real.Write(file, bytes, count, offset);
        if (Happened && Fault is not (Fault.FlippedBit or Fault.Lost))
            WritesAfterFailure++;
        if (_dead)
            return -LinuxFileCalls.InputOutputErrno;
        if (atRest || isNote != InNotes || ++Writes != AtWrite)
            return _real.Write(file, bytes, count, offset);
        Happened = true;
        return Wrong(file, bytes, count, offset);
    }

    private long Wrong(int file, byte* bytes, int count, long offset)
    {
        int tear = Math.Min(TearBytes, count);
        switch (Fault)
        {
            case Fault.Fails:
                return -LinuxFileCalls.InputOutputErrno;
            case Fault.DiskFull:
                return -LinuxFileCalls.NoSpaceErrno;
            case Fault.HalfWritten:
                return _real.Write(file, bytes, count / 2, offset);
            case Fault.Lost:
                return count;
            case Fault.FlippedBit:
                byte[] copy = new ReadOnlySpan<byte>(bytes, count).ToArray();
                copy[tear % count] ^= 0x10;
                fixed (byte* wrong = copy)
                    return _real.Write(file, wrong, count, offset);
            case Fault.Torn:
                _dead = true;
                _real.Write(file, bytes, tear, offset);
                return -LinuxFileCalls.InputOutputErrno;
            case Fault.TornBackwards:
                _dead = true;
                _real.Write(file, bytes + tear, count - tear, offset + tear);
                return -LinuxFileCalls.InputOutputErrno;
            default:
                return _real.Write(file, bytes, count, offset);
        }
    }

    public long Read(int file, byte* bytes, int count, long offset) => _real.Read(file, bytes, count, offset);

    public int Sync(int file) => _dead ? -LinuxFileCalls.InputOutputErrno : _real.Sync(file);

    public int SyncDirectory(string path) => _real.SyncDirectory(path);

    public int Close(int file) => _real.Close(file);
}
