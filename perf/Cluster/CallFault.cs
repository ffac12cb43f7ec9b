using System.Diagnostics;
using System.Globalization;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>
/// Makes the journal's writes of a running node slow, or fail: strace stands between its one device thread and the kernel, so the program that is tested is the one that ships.
/// </summary>
/// <remarks>Ends when it is disposed of, or with the node. Needs strace and the right to trace; <see cref="WhyNot"/> says what is missing.</remarks>
internal sealed class CallFault : IDisposable
{
    private const string DeviceThread = "journal device";

    private readonly Process _strace;

    private CallFault(Process strace) => _strace = strace;

    /// <summary>Why it cannot be done here; null: it can.</summary>
    public static string? WhyNot()
    {
        if (!OperatingSystem.IsLinux())
            return "strace is Linux's";
        (int code, string said) = ShellCommand.Try("strace", "-o", "/dev/null", "-e", "inject=getpid:delay_enter=1", "true");
        return code == 0 ? null : $"strace cannot be used here ({said.Trim()}): it needs the package strace and the right to trace";
    }

    /// <summary>Each write of the journal waits so long before the disk hears of it.</summary>
    public static CallFault Slow(int processId, TimeSpan each) =>
        Start(processId, string.Create(CultureInfo.InvariantCulture, $"inject=pwrite64:delay_enter={(long)each.TotalMicroseconds}"));

    /// <summary>The next write of the journal fails, and all behind it.</summary>
    /// <param name="processId">The node's.</param>
    /// <param name="error">EIO, ENOSPC …</param>
    public static CallFault Fail(int processId, string error) => Start(processId, $"inject=pwrite64:error={error}");

    /// <summary>The thread that it stands before is there.</summary>
    public bool IsAttached => !_strace.HasExited;

    public void Dispose()
    {
        if (!_strace.HasExited)
            ShellCommand.Try("kill", "-TERM", _strace.Id.ToString(CultureInfo.InvariantCulture)); // lets go of the thread
        if (!_strace.WaitForExit(5_000))
            _strace.Kill();
        _strace.Dispose();
    }

    private static CallFault Start(int processId, string inject)
    {
        string thread = Directory.EnumerateDirectories($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/task")
            .FirstOrDefault(task => File.ReadAllText(Path.Combine(task, "comm")).Trim() == DeviceThread)
            ?? throw new CheckFailedException($"process {processId} has no thread '{DeviceThread}'");
        Process strace = Process.Start(new ProcessStartInfo("strace", ["-p", Path.GetFileName(thread), "-e", "trace=pwrite64", "-e", inject, "-o", "/dev/null"]) { RedirectStandardError = true })!;
        var attached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        strace.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null || line.Data.Contains("attached", StringComparison.Ordinal))
                attached.TrySetResult();
        };
        strace.BeginErrorReadLine();
        if (!attached.Task.Wait(10_000) || strace.HasExited)
            throw new CheckFailedException($"strace did not get hold of thread {Path.GetFileName(thread)}");
        return new CallFault(strace);
    }
}
