using System.Diagnostics;

namespace Settlement.Tests;

/// <summary>A program of the solution as it was built, in a process of its own. All of them stand beside the tests.</summary>
internal static class BuiltProgram
{
    public const string Gateway = "Settlement.Gateway.dll";
    public const string Perf = "Settlement.Perf.dll";
    public const string Replay = "Settlement.Replay.dll";
    public const string Tests = "Settlement.Tests.dll";

    /// <param name="program">One of the names above.</param>
    /// <param name="arguments">Each as it is.</param>
    /// <param name="settings">Variables of the environment, which the runtime reads at its start.</param>
    public static (int Code, string Output, string Error) Run(string program, IEnumerable<string> arguments, params (string Name, string Value)[] settings)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in settings)
            start.Environment[name] = value;
        using Process child = Process.Start(start)!;
        child.StandardInput.Close();
        Task<string> error = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
