using System.Diagnostics;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>Native commands that break things: ip, mount, strace, kill.</summary>
internal static class ShellCommand
{
    /// <summary>Runs it to its end.</summary>
    /// <exception cref="CheckFailedException">It is not there, or fails; says what it wrote.</exception>
    public static string Run(string program, params string[] arguments)
    {
        (int code, string said) = Try(program, arguments);
        return code == 0 ? said : throw new CheckFailedException($"`{program} {string.Join(' ', arguments)}` ended with {code}: {said.Trim()}");
    }

    /// <returns>Its exit code, -1 where there is no such program, and all that it wrote.</returns>
    public static (int Code, string Said) Try(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output + error.GetAwaiter().GetResult());
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return (-1, missing.Message);
        }
    }
}
