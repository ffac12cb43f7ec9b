namespace Settlement.History;

/// <summary>A temporary folder that is gone when it is disposed, or when the process ends in order (Ctrl-C included).</summary>
internal sealed class ScratchFolder : IDisposable
{
    public ScratchFolder() => AppDomain.CurrentDomain.ProcessExit += Delete;

    public string Path { get; } = Directory.CreateTempSubdirectory("settlement-replay-").FullName;

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Delete;
        Directory.Delete(Path, recursive: true);
    }

    private void Delete(object? sender, EventArgs ended)
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // the process ends: nobody is left to tell
        }
    }
}
