namespace Settlement.Replay.Common;

/// <summary>A file that stands under its name whole or not at all: written beside it under another name, flushed, and renamed.</summary>
internal static class WholeFile
{
    /// <summary>What stands behind the name while the file is written.</summary>
    public const string PartSuffix = ".part";

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
