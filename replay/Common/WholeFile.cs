using System.Text;

namespace Settlement.Replay.Common;

/// <summary>
/// A text file that is written under another name in the same folder, and takes its own name when it is whole and on disk: nothing half done is ever under
/// the real name, and what stood there before stays until then.
/// </summary>
/// <remarks>Failure assumed: the disk is full, or the writing is given up: then the other name is deleted.</remarks>
internal sealed class WholeFile : IDisposable
{
    /// <summary>What stands behind the name while the file is written.</summary>
    public const string PartSuffix = ".part";

    private const int BufferBytes = 1 << 16;

    private readonly string _path;
    private readonly string _unfinished;
    private readonly FileStream _stream;
    private bool _kept;

    /// <exception cref="UsageException">No file can be there.</exception>
    public WholeFile(string option, string path)
    {
        _path = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(_path) ?? throw new UsageException($"{option} {path}: a file is expected.");
        if (Directory.Exists(_path))
            throw new UsageException($"{option} {path}: a folder is there; name a file.");
        if (!Directory.Exists(folder))
            throw new UsageException($"{option} {path}: there is no folder '{folder}'. Make it, or name another.");
        _unfinished = $"{_path}.{Environment.ProcessId}.unfinished";
        _stream = new FileStream(_unfinished, FileMode.Create, FileAccess.Write, FileShare.Read, BufferBytes);
        Writer = new StreamWriter(_stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferBytes, leaveOpen: true) { NewLine = "\n" };
    }

    public StreamWriter Writer { get; }

    /// <summary>To be called when all is written: gives the file its name.</summary>
    public void Keep()
    {
        Writer.Flush();
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_unfinished, _path, overwrite: true);
        _kept = true;
    }

    public void Dispose()
    {
        if (_kept)
            return;
        try
        {
            Writer.Dispose();
        }
        catch (IOException)
        {
            // what was written is not kept: that the rest of it did not fit is told by who wrote it
        }

        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // as above
        }

        File.Delete(_unfinished);
    }

    /// <summary>The same for a file that is written in one go.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string part = path + PartSuffix;
        try
        {
            using (var stream = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(part, path, overwrite: true);
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }
}
