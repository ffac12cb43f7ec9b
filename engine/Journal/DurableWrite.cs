namespace Settlement.Engine.Journal;

/// <summary>A write into a file that is there, durable on return: the few that a journal makes while no device is at work on it.</summary>
/// <remarks>Failure assumed: it fails, or power goes while it is made; it throws, and whoever opens the journal next finds any part of it done.</remarks>
internal static unsafe class DurableWrite
{
    /// <param name="path">The file.</param>
    /// <param name="bytes">What.</param>
    /// <param name="offset">Where.</param>
    /// <param name="calls">With which files are touched; null: the framework's.</param>
    /// <exception cref="IOException">It was not written, or not all of it.</exception>
    public static void At(string path, ReadOnlySpan<byte> bytes, long offset, IFileCalls? calls)
    {
        if (calls is null)
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, FileOptions.WriteThrough);
            RandomAccess.Write(handle, bytes, offset);
            RandomAccess.FlushToDisk(handle);
            return;
        }

        int file = calls.Open(path, direct: false, durable: true);
        if (file < 0)
            throw new IOException($"'{path}' could not be opened for writing (code {-file}).");
        long written;
        fixed (byte* first = bytes)
            written = calls.Write(file, first, bytes.Length, offset);
        _ = calls.Close(file);
        if (written != bytes.Length)
            throw new IOException($"'{path}' could not be written at offset {offset}: {written} of {bytes.Length} bytes (a negative count is an error's number).");
    }
}
