using System.Net;
using System.Net.Sockets;

namespace Settlement.Tests.Gateway.Http;

/// <summary>Strangers that connect over HTTP and say nothing take so many places and no more.</summary>
public sealed class ConnectionBoundTests
{
    [Test]
    public void Connections_beyond_the_bound_are_closed_and_the_server_goes_on()
    {
        using var ledger = new HttpLedger(options => options.Wire.ConnectionsMax = 4);
        var strangers = new List<Socket>();
        try
        {
            for (int i = 0; i < 400; i++)
            {
                var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
                strangers.Add(stranger);
                stranger.Connect(ledger.Host.PortOf("http"));
            }

            Assert.That(IsClosedByServer(strangers[^1]), "the last of 400, where 4 and 256 are taken");
            Assert.That(strangers[0].Poll(0, SelectMode.SelectRead), Is.False, "the first stays");
        }
        finally
        {
            strangers.ForEach(stranger => stranger.Dispose());
        }

        // Their places are free as soon as the server has seen them go.
        Assert.That(() => Live(ledger), Is.EqualTo(HttpStatusCode.OK).After(10_000, 50));
    }

    private static bool IsClosedByServer(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException gone)
        {
            return gone.SocketErrorCode == SocketError.ConnectionReset;
        }
    }

    private static HttpStatusCode Live(HttpLedger ledger)
    {
        try
        {
            return ledger.Get(0, "/health/live").Status;
        }
        catch (HttpRequestException)
        {
            return HttpStatusCode.ServiceUnavailable;
        }
    }
}
