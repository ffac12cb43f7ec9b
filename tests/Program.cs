using Settlement.Tests.Governance;
using Settlement.Tests.Labels;
using Settlement.Tests.Simd;
using Settlement.Tests.Simulation;

namespace Settlement.Tests;

/// <summary>
/// What a test runs in a child process of this assembly, where the runtime's settings must differ from the test host's
/// (they are read once, at its start); and `simulate`, which may run for hours and is not a test.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["label-kernels"]) return LabelKernelDisassemblyTests.RunKernels();
        if (arguments is ["sha256-lanes"]) return Sha256DisassemblyTests.RunLanes();
        if (arguments is ["sha256-check"]) return Sha256HardwareTests.CheckLanes();
        if (arguments is ["governance-script", var journal, var keys]) return GovernanceCrashTests.RunScript(journal, keys);
        if (arguments is ["simulate", .. var rest]) return SimulateCommand.Run(rest, Console.Out, Console.Error);
        Console.Error.WriteLine("this is the entry of child processes that tests start; run the tests with `dotnet test`");
        return 2;
    }
}
