using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Settlement.Perf.Common;

/// <summary>
/// What a figure was measured on. A number without its machine says nothing, and a number from a busy machine says less:
/// so the load average is part of it.
/// </summary>
/// <param name="Processor">The model as the kernel names it.</param>
/// <param name="Cores">Logical processors this process may use.</param>
/// <param name="MemoryBytes">Physical memory.</param>
/// <param name="VectorBits">The widest vectors that the runtime uses here: 0, 128, 256 or 512.</param>
/// <param name="LoadAverage">Runnable threads over the last minute, when it was asked; negative where the system does not tell.</param>
/// <param name="Build">Release, or Debug: whose figures are worth nothing.</param>
public sealed record Machine(
    string Processor, int Cores, long MemoryBytes, int VectorBits, string System, string Runtime, double LoadAverage, string Build)
{
    /// <summary>Reads this machine, from /proc where there is one.</summary>
    public static Machine Read() => new(
        ProcessorIn(Text("/proc/cpuinfo")) ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        MemoryBytesIn(Text("/proc/meminfo")) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0,
        SystemIn(Text("/etc/os-release")) ?? RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        LoadAverageIn(Text("/proc/loadavg")) ?? -1,
        BuildName);

#if DEBUG
    private const string BuildName = "Debug";
#else
    private const string BuildName = "Release";
#endif

    /// <summary>The first processor's model; ARM kernels give none, so the hardware line is taken there.</summary>
    internal static string? ProcessorIn(string cpuinfo) => ValueOf(cpuinfo, "model name", ':') ?? ValueOf(cpuinfo, "Hardware", ':');

    /// <summary>Bytes of the line "MemTotal: 24689452 kB".</summary>
    internal static long? MemoryBytesIn(string meminfo)
    {
        string? total = ValueOf(meminfo, "MemTotal", ':');
        return total is not null && total.EndsWith(" kB", StringComparison.Ordinal)
            && long.TryParse(total.AsSpan(0, total.Length - 3), NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes)
            ? kilobytes * 1024
            : null;
    }

    internal static string? SystemIn(string osRelease) => ValueOf(osRelease, "PRETTY_NAME", '=')?.Trim('"');

    internal static double? LoadAverageIn(string loadavg) =>
        double.TryParse(loadavg.Split(' ')[0], NumberStyles.Float, CultureInfo.InvariantCulture, out double minute) ? minute : null;

    private static string? ValueOf(string text, string key, char separator)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            int at = line.IndexOf(separator);
            if (at > 0 && line[..at].Trim().SequenceEqual(key))
                return line[(at + 1)..].Trim().ToString();
        }

        return null;
    }

    private static string Text(string path) => File.Exists(path) ? File.ReadAllText(path) : "";
}
