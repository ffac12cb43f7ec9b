using System.Globalization;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>A small disk of one node's own: a file with ext4 on it, mounted at the node's folder. It can be filled up, and emptied again.</summary>
/// <remarks>Needs root and a loop device; <see cref="WhyNot"/> says what is missing. The file takes only what was ever written to it.</remarks>
internal sealed class DiskImage : IDisposable
{
    private const string Ballast = "ballast";
    private const long RestBytes = 32 << 20;

    private readonly string _file;

    public DiskImage(string file, string folder, long bytes)
    {
        (_file, Folder) = (file, folder);
        using (var image = new FileStream(file, FileMode.CreateNew))
            image.SetLength(bytes);
        ShellCommand.Run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", file);
        Directory.CreateDirectory(folder);
        ShellCommand.Run("mount", "-o", "loop", file, folder);
        string found = Path.Combine(folder, "lost+found");
        if (Directory.Exists(found))
            Directory.Delete(found);
    }

    public string Folder { get; }

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? WhyNot()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("settlement-disk-");
        try
        {
            using var disk = new DiskImage(Path.Combine(folder.FullName, "image"), Path.Combine(folder.FullName, "mounted"), 16 << 20);
            return null;
        }
        catch (CheckFailedException refused)
        {
            return $"no small disk can be mounted here: {refused.Message}";
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Takes all that is free: most of it at once, the rest by writing until nothing more fits.</summary>
    public void Fill()
    {
        string ballast = Path.Combine(Folder, Ballast);
        long most = new DriveInfo(Folder).AvailableFreeSpace - RestBytes;
        if (most > 0)
            ShellCommand.Run("fallocate", "-l", most.ToString(CultureInfo.InvariantCulture), ballast);
        byte[] zeros = new byte[64 << 10];
        using var rest = new FileStream(ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                rest.Write(zeros);
        }
        catch (IOException)
        {
            // Full: what was wanted.
        }
    }

    public void Empty() => File.Delete(Path.Combine(Folder, Ballast));

    /// <summary>What is on the disk stands in an ordinary folder of its name afterwards.</summary>
    public void Dispose()
    {
        Empty();
        string kept = $"{Folder}.kept";
        ShellCommand.Try("cp", "-a", "--sparse=always", Folder, kept);
        if (ShellCommand.Try("umount", Folder).Code != 0)
            ShellCommand.Try("umount", "-l", Folder); // somebody stands in it still
        Directory.Delete(Folder);
        Directory.Move(kept, Folder);
        File.Delete(_file);
    }
}
