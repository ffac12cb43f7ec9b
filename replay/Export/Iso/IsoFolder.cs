using Settlement.Replay.Common;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// The folder that messages go to. They are written into a folder inside it that is gone afterwards, and take their names when all are whole:
/// what fails halfway leaves nothing under a real name.
/// </summary>
internal sealed class IsoFolder : IDisposable
{
    private readonly bool _force;
    private readonly bool _made;
    private readonly string _work;
    private bool _published;
    private bool _disposed;

    /// <exception cref="UsageException">The name is a file's.</exception>
    public IsoFolder(string path, bool force)
    {
        if (File.Exists(path))
            throw new UsageException($"'{path}' is a file: name a folder for the messages.");
        (Path, _force, _made) = (path, force, !Directory.Exists(path));
        _work = Directory.CreateDirectory(System.IO.Path.Combine(path, ".unfinished-" + Guid.NewGuid().ToString("N"))).FullName;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public string Path { get; }

    /// <summary>Messages created.</summary>
    public int Count { get; private set; }

    /// <summary>Begins a message.</summary>
    /// <exception cref="UsageException">There is a file of that name already.</exception>
    public FileStream Create(string name)
    {
        string target = System.IO.Path.Combine(Path, name);
        if (Directory.Exists(target) || (!_force && File.Exists(target)))
            throw new UsageException($"'{target}' exists already: name another folder, or give --force to replace it. Nothing was written.");
        Count++;
        return new FileStream(System.IO.Path.Combine(_work, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 64 << 10);
    }

    /// <summary>A file for the export's own use, gone when the folder is disposed.</summary>
    public string ScratchPath(string name) => System.IO.Path.Combine(_work, name);

    /// <summary>Gives the messages their names.</summary>
    public void Publish()
    {
        _published = true;
        foreach (string file in Directory.EnumerateFiles(_work, "*.xml"))
            File.Move(file, System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)), overwrite: _force);
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        if (_disposed)
            return;
        _disposed = true;
        Directory.Delete(_work, recursive: true);
        if (_made && !_published && !Directory.EnumerateFileSystemEntries(Path).Any())
            Directory.Delete(Path);
    }

    private void OnExit(object? sender, EventArgs ended)
    {
        try
        {
            Dispose();
        }
        catch (IOException)
        {
            // the process ends: nobody is left to tell
        }
    }
}
