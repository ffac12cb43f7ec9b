using System.Runtime.InteropServices;

namespace Settlement.Replay.Common;

/// <summary>
/// Ends the process in order when it is told to end (Ctrl-C, SIGTERM, SIGHUP), so that temporary folders go with it. From .NET 10 on the
/// runtime itself just dies of these signals.
/// </summary>
internal sealed class ExitSignals : IDisposable
{
    private const int SignalExitBase = 128;

    private readonly PosixSignalRegistration[] _registrations =
    [
        Ending(PosixSignal.SIGINT, 2), Ending(PosixSignal.SIGTERM, 15), Ending(PosixSignal.SIGHUP, 1),
    ];

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private static PosixSignalRegistration Ending(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        Environment.Exit(SignalExitBase + number);
    });
}
