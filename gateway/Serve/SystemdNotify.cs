using System.Net.Sockets;
using System.Text;

namespace Settlement.Gateway.Serve;

/// <summary>Tells systemd how the service is (sd_notify): a datagram to the socket that the environment names, where it names one.</summary>
internal static class SystemdNotify
{
    public static void Ready() => Tell("READY=1\nSTATUS=takes payments");

    public static void Stopping() => Tell("STOPPING=1\nSTATUS=answers what is under way");

    private static void Tell(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } name || !OperatingSystem.IsLinux())
            return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            string path = name[0] == '@' ? '\0' + name[1..] : name; // a name of the abstract space
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // Nobody listens; the service is no worse for it.
        }
    }
}
