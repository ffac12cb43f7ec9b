using System.Diagnostics;

namespace Settlement.Tests.Simd;

/// <summary>Runs a command of <see cref="Program"/> in a process of its own, under settings that the runtime reads at its start.</summary>
internal static class ChildProcess
{
    /// <returns>What it printed; the test fails unless it ended well.</returns>
    public static string Run(string command, params (string Name, string Value)[] settings)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        ProcessStartInfo start = new(dotnet, [typeof(ChildProcess).Assembly.Location, command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in settings) start.Environment[name] = value;
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string printed = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.That(child.ExitCode, Is.Zero, () => errors.GetAwaiter().GetResult());
        return printed;
    }
}
