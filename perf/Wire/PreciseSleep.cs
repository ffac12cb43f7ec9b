using System.Runtime.InteropServices;

namespace Settlement.Perf.Wire;

/// <summary>Sleeps for less than the millisecond below which the framework does not go, without spinning on a core that the server needs.</summary>
internal static partial class PreciseSleep
{
    public static void For(TimeSpan time)
    {
        if (!OperatingSystem.IsLinux())
        {
            Thread.Sleep(1);
            return;
        }

        var asked = new TimeSpec { Seconds = (long)time.TotalSeconds, Nanoseconds = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick };
        _ = NanoSleep(in asked, 0); // a signal ends it early: the schedule looks at the clock anyway
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static partial int NanoSleep(in TimeSpec asked, nint left);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
