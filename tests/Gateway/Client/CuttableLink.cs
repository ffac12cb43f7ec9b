using System.Net;
using System.Net.Sockets;

namespace Settlement.Tests.Gateway.Client;

/// <summary>A wire between client and server that can withhold what the server says, and be cut.</summary>
internal sealed class CuttableLink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _open = [];
    private readonly IPEndPoint _server;
    private volatile bool _withholds;
    private bool _refuses;

    public CuttableLink(IPEndPoint server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Whether what the server says is thrown away from now on.</summary>
    public bool WithholdsAnswers
    {
        get => _withholds;
        set => _withholds = value;
    }

    /// <summary>Tears what is open; new connections come through again.</summary>
    public void Cut()
    {
        lock (_open)
        {
            foreach (Socket socket in _open)
                socket.Close();
            _open.Clear();
        }

        _withholds = false;
    }

    /// <summary>Tears what is open, and everything that comes.</summary>
    public void CutForGood()
    {
        lock (_open)
            _refuses = true;
        Cut();
    }

    public void Dispose()
    {
        _listener.Stop();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync();
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await server.ConnectAsync(_server);
                bool refused;
                lock (_open)
                {
                    refused = _refuses;
                    _open.AddRange([client, server]);
                }

                if (refused)
                    Cut();
                _ = CarryAsync(client, server, withholds: () => false);
                _ = CarryAsync(server, client, withholds: () => _withholds);
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    private static async Task CarryAsync(Socket from, Socket to, Func<bool> withholds)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            for (int got; (got = await from.ReceiveAsync(buffer)) > 0;)
            {
                if (!withholds())
                    await to.SendAsync(buffer.AsMemory(0, got));
            }
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
        {
            // as the test wanted
        }

        from.Close();
        to.Close();
    }
}
