using System.ComponentModel;
using System.Diagnostics;

namespace Settlement.Tests;

/// <summary>A file system of few bytes, in memory, mounted on a folder until it is disposed: for what happens when a disk is full.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string directory) => Directory = directory;

    public string Directory { get; }

    /// <summary>Skips the test where nothing may be mounted.</summary>
    /// <param name="directory">Is made.</param>
    /// <param name="size">As mount has it, such as 300m.</param>
    public static SmallDisk Mount(string directory, string size)
    {
        System.IO.Directory.CreateDirectory(directory);
        if (!OperatingSystem.IsLinux() || Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", directory) != 0)
            Assert.Ignore("a small file system cannot be mounted here");
        return new SmallDisk(directory);
    }

    public void Resize(string size) => Assert.That(Run("mount", "-o", $"remount,size={size}", Directory), Is.Zero);

    public void Dispose() => Run("umount", Directory);

    private static int Run(string program, params string[] words)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (Win32Exception)
        {
            return -1; // no such program
        }
    }
}
