namespace Settlement.Perf.Cluster;

/// <summary>
/// A node's own clock, which can be set while it runs: libfaketime answers its questions for the time of day, and leaves the monotonic clock alone, as an operator who sets the date does.
/// No setting of the server could do that without being one that must never be used.
/// </summary>
internal sealed class ClockFault(string file)
{
    private static readonly string[] s_libraries =
    [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
    ];

    /// <summary>Why it cannot be done here; null: it can.</summary>
    public static string? WhyNot() => Array.Exists(s_libraries, File.Exists) ? null : "libfaketime is not here (package faketime): clocks stay as they are";

    /// <summary>Variables of the environment that a node is started with.</summary>
    public IEnumerable<(string Name, string Value)> Variables()
    {
        Set(TimeSpan.Zero);
        yield return ("LD_PRELOAD", Array.Find(s_libraries, File.Exists)!);
        yield return ("FAKETIME_TIMESTAMP_FILE", file);
        yield return ("FAKETIME_CACHE_DURATION", "1"); // seconds: reading the file at every question would slow a node down
        yield return ("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        yield return ("FAKETIME_FORCE_MONOTONIC_FIX", "0"); // for a C library of long ago; with this one, every timed wait ended at once, and nodes span
    }

    /// <summary>What the library leaves in shared memory when its process is killed.</summary>
    public static void Forget(int processId)
    {
        File.Delete(FormattableString.Invariant($"/dev/shm/faketime_shm_{processId}"));
        File.Delete(FormattableString.Invariant($"/dev/shm/sem.faketime_sem_{processId}"));
    }

    /// <summary>The node's clock is off by so much from now on.</summary>
    public void Set(TimeSpan offset)
    {
        string unfinished = $"{file}.new";
        File.WriteAllText(unfinished, FormattableString.Invariant($"{(offset < TimeSpan.Zero ? '-' : '+')}{Math.Abs(offset.TotalSeconds):0.###}\n"));
        File.Move(unfinished, file, overwrite: true);
    }
}
