using System.Runtime.InteropServices;

namespace Settlement.Engine.Journal;

/// <summary>
/// The calls with which the direct device touches files. Results are counts or handles, or the negated error number.
/// The one seam at which tests put faults: failed, short, lost and torn writes, a full disk.
/// </summary>
internal unsafe interface IFileCalls
{
    /// <summary>
    /// Opens or creates. Direct: past the page cache, and addresses, lengths and offsets must be multiples of a sector.
    /// Durable: a write returns when its data are on disk.
    /// </summary>
    int Open(string path, bool direct, bool durable);

    /// <summary>As <see cref="Open"/>, but a file that is not there is not made: who looks at old files must not bring back one that was cut away.</summary>
    int OpenExisting(string path, bool direct, bool durable) => File.Exists(path) ? Open(path, direct, durable) : -LinuxFileCalls.NoEntryErrno;

    long Write(int file, byte* bytes, int count, long offset);

    long Read(int file, byte* bytes, int count, long offset);

    int Sync(int file);

    int SyncDirectory(string path);

    int Close(int file);
}

/// <summary>The Linux system calls, nothing added.</summary>
internal sealed unsafe partial class LinuxFileCalls : IFileCalls
{
    public const int NoEntryErrno = 2;
    public const int InterruptedErrno = 4;
    public const int InputOutputErrno = 5;
    public const int NoSpaceErrno = 28;

    private const int ReadOnly = 0;
    private const int ReadWrite = 2;
    private const int CreateFlag = 0x40;
    private const int DataSyncFlag = 0x1000;
    private const int CloseOnExecFlag = 0x80000;
    private const int OwnerWritesAllRead = 0x1A4;

    // The two flags that differ between x86-64 and ARM64.
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int DirectFlag = Arm ? 0x10000 : 0x4000;
    private static readonly int DirectoryFlag = Arm ? 0x4000 : 0x10000;

    public int Open(string path, bool direct, bool durable) => Open(path, CreateFlag, direct, durable);

    public int OpenExisting(string path, bool direct, bool durable) => Open(path, 0, direct, durable);

    private static int Open(string path, int flags, bool direct, bool durable) => Result(open(
        path,
        ReadWrite | flags | CloseOnExecFlag | (direct ? DirectFlag : 0) | (durable ? DataSyncFlag : 0),
        OwnerWritesAllRead));

    public long Write(int file, byte* bytes, int count, long offset) => Result(pwrite(file, bytes, (nuint)count, offset));

    public long Read(int file, byte* bytes, int count, long offset) => Result(pread(file, bytes, (nuint)count, offset));

    public int Sync(int file) => Result(fdatasync(file));

    public int SyncDirectory(string path)
    {
        int directory = Result(open(path, ReadOnly | DirectoryFlag | CloseOnExecFlag, 0));
        if (directory < 0)
            return directory;
        int result = Result(fsync(directory));
        _ = close(directory);
        return result;
    }

    public int Close(int file) => Result(close(file));

    private static int Result(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    private static long Result(nint result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int file, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int file, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}
