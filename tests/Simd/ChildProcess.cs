namespace Settlement.Tests.Simd;

/// <summary>Runs a command of <see cref="Program"/> in a process of its own, under settings that the runtime reads at its start.</summary>
internal static class ChildProcess
{
    /// <returns>What it printed; the test fails unless it ended well.</returns>
    public static string Run(string command, params (string Name, string Value)[] settings)
    {
        (int code, string printed, string errors) = BuiltProgram.Run(BuiltProgram.Tests, [command], settings);
        Assert.That(code, Is.Zero, errors);
        return printed;
    }
}
