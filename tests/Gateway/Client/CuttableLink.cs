using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;

namespace Settlement.Tests.Gateway.Client;

/// <summary>A wire in the clear between client and server that can withhold what the server says, refuse questions as a node that leads no longer, and be cut.</summary>
internal sealed class CuttableLink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _open = [];
    private readonly IPEndPoint _server;
    private volatile bool _withholds;
    private bool _refuses;
    private int _questionsRefused;

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

    /// <summary>So many questions about streams get no other answer than that the server leads no longer and knows of no leader, each on a connection of its own.</summary>
    public void RefuseQuestions(int count) => Interlocked.Exchange(ref _questionsRefused, count);

    public bool HasRefused => Volatile.Read(ref _questionsRefused) <= 0;

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
                _ = CarryFramesAsync(client, server);
                _ = CarryAsync(server, client);
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    private async Task CarryAsync(Socket server, Socket client)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            for (int got; (got = await server.ReceiveAsync(buffer)) > 0;)
            {
                if (!_withholds)
                    await client.SendAsync(buffer.AsMemory(0, got));
            }
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException)
        {
            // as the test wanted
        }

        server.Close();
        client.Close();
    }

    private async Task CarryFramesAsync(Socket client, Socket server)
    {
        try
        {
            using var from = new NetworkStream(client);
            byte[] frame = new byte[64 << 10];
            while (true)
            {
                await from.ReadExactlyAsync(frame.AsMemory(0, FrameHeader.Size));
                FrameHeader header = MemoryMarshal.Read<FrameHeader>(frame);
                int bytes = FrameHeader.Size + (int)header.Bytes;
                if (frame.Length < bytes)
                    Array.Resize(ref frame, bytes);
                await from.ReadExactlyAsync(frame.AsMemory(FrameHeader.Size, (int)header.Bytes));
                if (header.Kind == FrameKind.AskStreams && Interlocked.Decrement(ref _questionsRefused) >= 0)
                {
                    await client.SendAsync(Refusal(header.Number));
                    break;
                }

                await server.SendAsync(frame.AsMemory(0, bytes));
            }
        }
        catch (Exception cut) when (cut is IOException or SocketException or ObjectDisposedException)
        {
            // as the test wanted
        }

        server.Close();
        client.Close();
    }

    private static byte[] Refusal(ulong number)
    {
        byte[] frame = new byte[FrameHeader.Size + RefusalBody.Size];
        MemoryMarshal.Write(frame, new FrameHeader { Bytes = RefusalBody.Size, Kind = FrameKind.Refusal, Number = number });
        MemoryMarshal.Write(frame.AsSpan(FrameHeader.Size), new RefusalBody { Code = RefusalCode.NotLeader, Closes = 1, Fate = FrameFate.NotTaken });
        return frame;
    }
}
