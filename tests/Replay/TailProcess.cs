using System.Diagnostics;
using System.Globalization;
using Settlement.Replay.Common;
using Settlement.Replay.Tail;

namespace Settlement.Tests.Replay;

/// <summary>`replay tail` as a process that follows a journal, to be ended as an operator or a power cut would.</summary>
internal sealed class TailProcess : IDisposable
{
    /// <summary>Far more than it needs: only a process that has not heard the signal takes so long.</summary>
    private static readonly TimeSpan StopWithin = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    /// <param name="temporary">Where it may leave temporary files when it is killed.</param>
    /// <param name="words">Behind `replay`.</param>
    public TailProcess(string temporary, params string[] words)
    {
        Directory.CreateDirectory(temporary);
        // Who runs the tests may ignore interrupts and hang-ups (nohup, a job in the background), and a child inherits that: env gives it the defaults, and becomes the child.
        _process = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT,HUP,TERM", "dotnet", Path.Combine(AppContext.BaseDirectory, BuiltProgram.Replay), .. words])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_EnableDiagnostics"] = "0", ["TMPDIR"] = temporary },
        })!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Whether it has taken the target, and so listens to signals; before that it ends like any program.</summary>
    public static bool Holds(string target)
    {
        try
        {
            new TailLock(target).Dispose();
            return false;
        }
        catch (UsageException)
        {
            return true;
        }
    }

    /// <summary>SIGKILL: nothing of it runs any more.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, or another signal by name.</summary>
    public (int Code, string Output, string Error) Signal(string name)
    {
        using Process sender = Process.Start("sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -{name} {_process.Id}")])!;
        sender.WaitForExit();
        if (!_process.WaitForExit(StopWithin))
            throw new TimeoutException($"{StopWithin.TotalSeconds} s after {name} it still runs");
        return (_process.ExitCode, _output.Result, _error.Result);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
