using System.Runtime.InteropServices;

namespace Settlement.Replay.Common;

/// <summary>
/// While it lives, Ctrl-C, a request to terminate and a terminal that is closed end the process in order: <see cref="AppDomain.ProcessExit"/> is raised, on which temporary
/// files count. Without it the runtime (since .NET 10) lets the signal end the process at once.
/// </summary>
internal sealed class OrderlyExit : IDisposable
{
    /// <summary>What shells say of a process that a signal ended: 128 and the signal's number.</summary>
    private const int InterruptedCode = 128 + 2;
    private const int TerminatedCode = 128 + 15;
    private const int HungUpCode = 128 + 1;

    private readonly PosixSignalRegistration _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Exit(signal, InterruptedCode));
    private readonly PosixSignalRegistration _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Exit(signal, TerminatedCode));
    private readonly PosixSignalRegistration _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => Exit(signal, HungUpCode));

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _hangUp.Dispose();
    }

    private static void Exit(PosixSignalContext signal, int code)
    {
        signal.Cancel = true;
        Environment.Exit(code);
    }
}
