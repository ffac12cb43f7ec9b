using System.Runtime.InteropServices;

namespace Settlement.Engine.Snapshots;

/// <summary>What the framework does not do on Linux: there, a thread's priority is its nice value.</summary>
internal static partial class ThreadPriorities
{
    private const int OfThread = 0; // PRIO_PROCESS; the kernel takes it for the thread
    private const int NiceMost = 19;

    /// <summary>The calling thread runs when nobody else wants the processor, or nearly so. A hint: a system that refuses it is slower, not wrong.</summary>
    public static void YieldToAll()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(OfThread, 0, NiceMost);
        else
            Thread.CurrentThread.Priority = ThreadPriority.Lowest;
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int value);
}
