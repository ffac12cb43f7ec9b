using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Engine.Ring;

namespace Settlement.Gateway.Wire;

/// <summary>The binary port: every connection of it, and what bounds them together.</summary>
internal sealed partial class WireServer : ISessionEnds, IDisposable
{
    /// <summary>What a connection's pipe holds at most before its socket is not read: the longest frame, and some.</summary>
    public const int InputBytesMax = 2 << 20;

    private const int SweepMs = 250;

    /// <summary>How long clients that did not leave in a stop's time have to hear so.</summary>
    private const int LastWordMs = 1_000;

    /// <summary>Sessions that one question to the state is about.</summary>
    private const int AskedAtOnce = 64;

    private readonly ConcurrentDictionary<WireConnection, byte> _connections = new(ReferenceEqualityComparer.Instance);
    private readonly ILogger _log;
    private readonly Timer _sweep;
    private int _unauthenticated; // interlocked
    private int _isGoingAway;

    public WireServer(UInt128 ledgerId, IngressAdapter ingress, EvidenceDesk evidence, ISessionKeys keys, WireOptions options, ServerCounters counters, ILogger log)
    {
        (LedgerId, Ingress, Evidence, Keys, Options, Counters, _log) = (ledgerId, ingress, evidence, keys, options, counters, log);
        _sweep = new Timer(_ => Sweep(), null, SweepMs, SweepMs);
    }

    public UInt128 LedgerId { get; }

    public IngressAdapter Ingress { get; }

    public EvidenceDesk Evidence { get; }

    public ISessionKeys Keys { get; }

    public WireOptions Options { get; }

    public ServerCounters Counters { get; }

    public int ConnectionCount => _connections.Count;

    /// <summary>Serves one connection to its end.</summary>
    public async Task ServeAsync(ConnectionContext context)
    {
        Interlocked.Increment(ref Counters.ConnectionsAccepted);
        var connection = new WireConnection(this, context);
        int unauthenticated = Interlocked.Increment(ref _unauthenticated);
        if (Interlocked.Increment(ref Counters.ConnectionsOpen) > Options.ConnectionsMax || unauthenticated > Options.UnauthenticatedMax)
        {
            Interlocked.Increment(ref Counters.ConnectionsRefused);
            connection.Refuse(RefusalCode.Busy, 0, FrameFate.None, "There are as many connections as may be. Try again later.");
        }
        else if (Volatile.Read(ref _isGoingAway) != 0)
        {
            connection.Refuse(RefusalCode.ServerEnding, 0, FrameFate.None, "The server ends.");
        }

        _connections.TryAdd(connection, 0);
        try
        {
            if (Volatile.Read(ref _isGoingAway) != 0)
                connection.GoAway(); // it came while the others were told
            await connection.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            Interlocked.Decrement(ref Counters.ConnectionsOpen);
            if (connection.IsAuthenticated)
            {
                Interlocked.Decrement(ref Counters.SessionsOpen);
                LogEnded(_log, connection.Session!.Session, context.ConnectionId);
            }
            else
            {
                Interlocked.Decrement(ref _unauthenticated);
            }
        }
    }

    /// <summary>A connection has authenticated itself.</summary>
    public void OnSession(WireConnection connection)
    {
        Interlocked.Decrement(ref _unauthenticated);
        Interlocked.Increment(ref Counters.SessionsOpen);
        Interlocked.Increment(ref Counters.SessionsOpened);
        LogOpened(_log, connection.Session!.Session, connection.Session.Record.Participant);
    }

    /// <summary>Ends a connection at once: nothing that could still be said would be read. Any thread; does not wait.</summary>
    public void Cut(WireConnection connection, RefusalCode code)
    {
        Interlocked.Increment(ref Counters.Refusals[(int)code]);
        LogCut(_log, code);
        ThreadPool.UnsafeQueueUserWorkItem(static cut => cut.Abort(), connection, preferLocal: false);
    }

    /// <summary>Looks at every open session, once for each time that it is called, in the background.</summary>
    public void OnSessionsEnded() => ThreadPool.UnsafeQueueUserWorkItem(static server => _ = server.EndSessionsAsync(), this, preferLocal: false);

    /// <summary>Tells every client that the server ends, and waits until they have what they wait for, or the time is over.</summary>
    public async Task DrainAsync(CancellationToken until)
    {
        Volatile.Write(ref _isGoingAway, 1);
        foreach (WireConnection connection in _connections.Keys)
            connection.GoAway();
        try
        {
            while (!_connections.IsEmpty)
                await Task.Delay(10, until).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            foreach (WireConnection connection in _connections.Keys)
                connection.Refuse(RefusalCode.ServerEnding, 0, FrameFate.None, "The server ends now.");
            for (var heard = Stopwatch.StartNew(); !_connections.IsEmpty && heard.ElapsedMilliseconds < LastWordMs;)
                await Task.Delay(10, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The engine has stopped: nobody gets an answer any more.</summary>
    public void TellEngineStopped()
    {
        Volatile.Write(ref _isGoingAway, 1);
        foreach (WireConnection connection in _connections.Keys)
            connection.TellEngineStopped();
    }

    /// <summary>This node does not lead any more: all clients are told who does, and leave.</summary>
    public void TellNotLeading()
    {
        foreach (WireConnection connection in _connections.Keys)
            connection.TellNotLeading();
    }

    public void Dispose() => _sweep.Dispose();

    private async Task EndSessionsAsync()
    {
        try
        {
            foreach (WireConnection[] some in _connections.Keys.Where(connection => connection.Session is not null).Chunk(AskedAtOnce))
            {
                WireConnection[] ended = await Ingress.Engine.AskAsync(
                    state => Array.FindAll(some, connection => !LedgerSessionKeys.IsInForce(state, connection.Session!)), CancellationToken.None).ConfigureAwait(false);
                foreach (WireConnection connection in ended)
                    connection.Refuse(RefusalCode.SessionEnded, 0, FrameFate.None, "The operator closed the session, or revoked its key.");
            }
        }
        catch (EngineStoppedException)
        {
            // Then all connections end.
        }
    }

    private void Sweep()
    {
        long now = Environment.TickCount64;
        foreach (WireConnection connection in _connections.Keys)
            connection.CheckDeadline(now);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} of participant {Participant} connected.")]
    private static partial void LogOpened(ILogger log, ushort session, ushort participant);

    [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} disconnected ({Connection}).")]
    private static partial void LogEnded(ILogger log, ushort session, string connection);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection was cut: {Code}.")]
    private static partial void LogCut(ILogger log, RefusalCode code);
}

/// <summary>Kestrel's way in.</summary>
internal sealed class WireConnectionHandler(WireServer server) : ConnectionHandler
{
    public override Task OnConnectedAsync(ConnectionContext connection) => server.ServeAsync(connection);
}
