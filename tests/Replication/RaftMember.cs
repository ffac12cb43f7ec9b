using System.Net;
using System.Net.Sockets;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;
using Settlement.Engine.Replication;
using Settlement.Engine.Ring;

namespace Settlement.Tests.Replication;

/// <summary>
/// A member in this process: folder, log, consensus, and in the place of a pipeline an appender that is asked for blocks. It begins and ends to lead as a node does.
/// </summary>
internal sealed class RaftMember : IAsyncDisposable
{
    private readonly Lock _appending = new();
    private readonly List<string> _told = [];
    private bool _leads;

    public RaftMember(string place, int port, JournalOptions journal)
    {
        (Place, Port, JournalOptions) = (place, port, journal);
    }

    public string Place { get; }

    public int Port { get; }

    public JournalOptions JournalOptions { get; set; }

    public ReplicaLog Log { get; private set; } = null!;

    public RaftNode Node { get; private set; } = null!;

    /// <summary>The latest format of blocks that it says it reads.</summary>
    public int FormatVersion { get; set; } = BlockHeader.FormatVersion;

    public bool IsUp { get; private set; }

    public static Func<int, Microsoft.Extensions.Logging.ILoggerFactory>? LibraryLog { get; set; }

    /// <summary>It may append: the term is its own and its Term block is committed.</summary>
    public bool Leads => Volatile.Read(ref _leads);

    public ulong SeedNeededFrom { get; private set; }

    public string ClusterPlace => Path.Combine(Place, "cluster");

    public PinnedEndPoint Address
    {
        get
        {
            using NodeIdentity identity = NodeIdentity.Load(ClusterPlace);
            return new(IPAddress.Loopback, Port, identity.Pin, [$"127.0.0.1:{Port + 1}"]);
        }
    }

    public string[] Told
    {
        get
        {
            lock (_told)
                return [.. _told];
        }
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public async Task StartAsync(int electionMs = 500, int requestMs = 5_000)
    {
        Log = ReplicaLog.Open(Path.Combine(Place, "journal"), JournalOptions, new DiskSignals(WaitStrategyKind.Blocking), out _);
        Node = new RaftNode(
            new RaftNodeOptions { Directory = ClusterPlace, Address = new(IPAddress.Loopback, Port), ElectionMs = electionMs, RequestMs = requestMs, FormatVersion = FormatVersion, Tell = Hear, LibraryLog = LibraryLog?.Invoke(Port), Clients = [$"127.0.0.1:{Port + 1}"] },
            Log);
        Node.LeadershipGained += Gain;
        Node.LeadershipLost += Lose;
        Node.SeedNeeded += (_, first) => SeedNeededFrom = first;
        await Node.StartAsync();
        IsUp = true;
    }

    /// <summary>As when the process is gone: nobody is told, nothing is handed over.</summary>
    public async Task StopAsync()
    {
        if (!IsUp)
            return;
        IsUp = false;
        await Node.DisposeAsync();
        Lose();
        Log.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>Appends a block of payments, as a pipeline does.</summary>
    /// <returns>Its number; null: this node does not lead.</returns>
    public ulong? TryAppend(int payments)
    {
        byte[] body = new byte[payments * 64];
        new Random(payments).NextBytes(body);
        return TryAppendBody(body, payments);
    }

    public ulong? TryAppendBody(byte[] body, int payments)
    {
        lock (_appending)
        {
            if (!_leads)
                return null;
            var header = new BlockHeader { Kind = BlockKind.Payments, FirstSequence = Log.NextSequence, Count = (uint)payments, TimeNs = Log.LastTimeNs + 1 };
            ulong block = Log.Append(ref header, body, default);
            Log.Commit();
            return block;
        }
    }

    /// <summary>While it is down: blocks of its last term, as a leader leaves them that stopped before anyone else got them.</summary>
    public async Task AppendUnsentAsync(int blocks)
    {
        using ReplicaLog log = ReplicaLog.Open(Path.Combine(Place, "journal"), JournalOptions, new DiskSignals(WaitStrategyKind.Blocking), out _);
        log.BeginLeading(log.LastTerm);
        for (int i = 0; i < blocks; i++)
        {
            var header = new BlockHeader { Kind = BlockKind.Payments, FirstSequence = log.NextSequence, Count = 10, TimeNs = log.LastTimeNs + 1 };
            log.Append(ref header, new byte[10 * 64], default);
        }

        log.Commit();
        await log.FlushAsync(log.LastBlock);
        log.EndLeading();
    }

    private void Gain(ulong term)
    {
        if (!Node.TryBeginLeading(term, AppendForConsensus))
            return;
        lock (_appending)
        {
            Log.BeginLeading(term);
            Volatile.Write(ref _leads, true);
        }
    }

    private void Lose()
    {
        lock (_appending)
        {
            Volatile.Write(ref _leads, false);
            if (IsUp)
                Log.EndLeading();
        }

        if (IsUp)
            Node.EndLeading();
    }

    private ValueTask<ulong> AppendForConsensus(BlockKind kind, byte[] body, CancellationToken token)
    {
        lock (_appending)
        {
            var header = new BlockHeader { Kind = kind, FirstSequence = Log.NextSequence, TimeNs = Log.LastTimeNs };
            ulong block = Log.Append(ref header, body, default);
            Log.Commit();
            return new(block);
        }
    }

    private void Hear(string sentence)
    {
        lock (_told)
            _told.Add(sentence);
    }
}

/// <summary>Linux's file calls, of which durable writes take as long as is said.</summary>
internal sealed unsafe class SlowFiles : IFileCalls
{
    private readonly LinuxFileCalls _real = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<int, bool> _durable = new();
    private volatile int _writeDelayMs;
    private int _delayed;

    public int WriteDelayMs
    {
        get => _writeDelayMs;
        set => _writeDelayMs = value;
    }

    public int Delayed => _delayed;

    public int Open(string path, bool direct, bool durable)
    {
        int file = _real.Open(path, direct, durable);
        if (file >= 0)
            _durable[file] = durable;
        return file;
    }

    public long Write(int file, byte* bytes, int count, long offset)
    {
        if (_writeDelayMs > 0 && _durable.GetValueOrDefault(file))
        {
            Interlocked.Increment(ref _delayed);
            Thread.Sleep(_writeDelayMs);
        }

        return _real.Write(file, bytes, count, offset);
    }

    public long Read(int file, byte* bytes, int count, long offset) => _real.Read(file, bytes, count, offset);

    public int Sync(int file) => _real.Sync(file);

    public int SyncDirectory(string path) => _real.SyncDirectory(path);

    public int Close(int file)
    {
        _durable.TryRemove(file, out _);
        return _real.Close(file);
    }
}
