using Settlement.Replay.Common;

namespace Settlement.Replay.Tail;

/// <summary>A projection's directory, taken for one process until disposed: two that append to one projection would both write every row.</summary>
/// <remarks>The kernel drops the lock with the process, so a file left behind locks nothing.</remarks>
internal sealed class TailLock : IDisposable
{
    private const string FileName = "tail.lock";

    private readonly FileStream _held;

    /// <exception cref="UsageException">The directory cannot be one, or another process has it.</exception>
    public TailLock(string directory)
    {
        if (File.Exists(directory))
            throw new UsageException($"'{directory}' is a file. Name a directory for the projection; it is made if it is not there.");
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, FileName);
        try
        {
            _held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new UsageException($"Another process keeps the projection in '{directory}' up to date. Stop it, or name another directory.");
        }
    }

    public void Dispose() => _held.Dispose();
}
