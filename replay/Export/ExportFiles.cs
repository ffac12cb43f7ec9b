using Settlement.Replay.Common;

namespace Settlement.Replay.Export;

/// <summary>
/// The files that one command writes into a folder: under temporary names beside their own, flushed to disk and renamed when all of them are
/// whole. Given up before that, or when the process ends in order, none is left, nor the folder, if it was made for them.
/// </summary>
internal sealed class ExportFiles : IDisposable
{
    private const string PartialSuffix = ".partial";

    private readonly string _directory;
    private readonly bool _force;
    private readonly Func<string, Stream> _create;
    private readonly bool _madeDirectory;
    private readonly List<(string Partial, string Target, Stream Stream)> _files = [];
    private bool _isCommitted;

    /// <param name="directory">Made if there is none.</param>
    /// <param name="force">Whether files of these names may be replaced.</param>
    /// <param name="create">Makes the stream of a path; null: a file.</param>
    public ExportFiles(string directory, bool force, Func<string, Stream>? create = null)
    {
        if (File.Exists(directory))
            throw new UsageException($"{directory} is a file. Name a folder to export to.");
        (_directory, _force, _create) = (directory, force, create ?? Open);
        _madeDirectory = !Directory.Exists(directory);
        Directory.CreateDirectory(directory);
        AppDomain.CurrentDomain.ProcessExit += GiveUp;
    }

    /// <summary>A new file, to be written from its beginning; closed by this object.</summary>
    /// <exception cref="UsageException">There is one of this name, and none may be replaced.</exception>
    public Stream Create(string name)
    {
        string target = Path.Combine(_directory, name);
        if (Directory.Exists(target))
            throw new UsageException($"{target} is a folder, where the export needs a file. Name another folder to export to.");
        if (!_force && File.Exists(target))
            throw new UsageException($"{target} is there already. Name another folder, or say --force to replace it.");
        // Two exports into one folder must not write one file: the last to finish gives it its name.
        string partial = Path.Combine(_directory, $".{name}.{Path.GetRandomFileName()}{PartialSuffix}");
        Stream stream = _create(partial);
        _files.Add((partial, target, stream));
        return stream;
    }

    /// <summary>Gives all files their names; returns their paths and lengths in bytes.</summary>
    public IReadOnlyList<(string Path, long Bytes)> Commit()
    {
        var lengths = new List<(string, long)>();
        foreach ((_, string target, Stream stream) in _files)
        {
            lengths.Add((target, stream.Length));
            if (stream is FileStream file)
                file.Flush(flushToDisk: true);
            stream.Dispose();
        }

        foreach ((string partial, string target, _) in _files)
            File.Move(partial, target, overwrite: _force);
        _isCommitted = true;
        return lengths;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= GiveUp;
        foreach ((_, _, Stream stream) in _files)
            stream.Dispose();
        if (!_isCommitted)
            GiveUp(this, EventArgs.Empty);
    }

    /// <summary>
    /// Unbuffered: who writes here has a buffer of his own, and nothing is left to be written when the disk is full. May be deleted while it is
    /// written: the process may end.
    /// </summary>
    private static FileStream Open(string path) => new(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, bufferSize: 0);

    private void GiveUp(object? sender, EventArgs ended)
    {
        try
        {
            foreach ((string partial, _, _) in _files)
                File.Delete(partial);

            if (_madeDirectory && !Directory.EnumerateFileSystemEntries(_directory).Any())
                Directory.Delete(_directory);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // What made the command give up is being told; that a file of no name is left, too, would hide it.
        }
    }
}
