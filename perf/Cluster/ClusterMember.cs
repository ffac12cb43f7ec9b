using System.Diagnostics;
using System.Globalization;
using System.Net;
using Settlement.Engine.Replication;
using Settlement.Gateway.Cluster;
using Settlement.Perf.Common;

namespace Settlement.Perf.Cluster;

/// <summary>Where a node listens.</summary>
internal sealed record MemberPorts(IPAddress Address, int Raft, int Bulk, int Binary, int BinaryTls, int Http, int Https)
{
    public string RaftAddress => new IPEndPoint(Address, Raft).ToString();

    public string BulkAddress => new IPEndPoint(Address, Bulk).ToString();
}

/// <summary>
/// One node of a cluster as its users run it, `gateway serve`, in a process and a folder of its own, which can be killed, stopped, and started again. What it writes is added to a log.
/// </summary>
/// <remarks>Failure assumed: it may not start, or die at any moment; whoever needs it up asks.</remarks>
internal sealed class ClusterMember : IDisposable
{
    private const string Program = "Settlement.Gateway.dll";
    private const string Runner = "exec \"$@\" >> \"$SETTLEMENT_LOG\" 2>&1 </dev/null";

    private readonly string[] _words; // in front of the command
    private readonly (string Name, string Value)[] _variables;
    private Process? _process;
    private BulkClient? _asking;
    private NodeIdentity? _identity;
    private long _logStart;

    /// <param name="number">From 0.</param>
    /// <param name="folder">That holds its data folder and its log.</param>
    /// <param name="ports">Where it listens.</param>
    /// <param name="words">What stands in front of its command.</param>
    /// <param name="variables">Of its environment.</param>
    public ClusterMember(int number, string folder, MemberPorts ports, string[] words, IEnumerable<(string Name, string Value)> variables)
    {
        (Number, Ports, _words, _variables) = (number, ports, words, [.. variables]);
        Name = string.Create(CultureInfo.InvariantCulture, $"node{number + 1}");
        Root = Path.Combine(folder, Name);
        LogPath = Path.Combine(folder, $"{Name}.log");
        Directory.CreateDirectory(Root);
    }

    public int Number { get; }

    /// <summary>node1, node2 …</summary>
    public string Name { get; }

    /// <summary>Holds <see cref="Data"/>; a small disk may be mounted there.</summary>
    public string Root { get; }

    /// <summary>As `serve --data` is told.</summary>
    public string Data => Path.Combine(Root, "data");

    public string Journal => Path.Combine(Data, "journal");

    public string LogPath { get; }

    public MemberPorts Ports { get; }

    public bool IsRunning => _process is { HasExited: false };

    public bool IsPaused { get; private set; }

    public int ProcessId => _process!.Id;

    /// <summary>Of its running process.</summary>
    public TimeSpan ProcessorTime => IsRunning ? Fresh().TotalProcessorTime : TimeSpan.Zero;

    /// <summary>0: it does not run.</summary>
    public long ResidentBytes => IsRunning ? Fresh().WorkingSet64 : 0;

    /// <summary>The most that its running process ever held.</summary>
    public long ResidentBytesMax => IsRunning ? Fresh().PeakWorkingSet64 : 0;

    /// <summary>Starts its process, and returns at once.</summary>
    public void Start()
    {
        End();
        _logStart = File.Exists(LogPath) ? new FileInfo(LogPath).Length : 0;
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        // Variables are set behind the words in front, so that a library that is loaded before others is not loaded into `ip`, too.
        string[] variables = _variables.Length == 0 ? [] : ["env", .. _variables.Select(one => $"{one.Name}={one.Value}")];
        var start = new ProcessStartInfo("/bin/sh", ["-c", Runner, "sh", .. _words, .. variables, dotnet, Path.Combine(AppContext.BaseDirectory, Program), "serve", "--data", Data]);
        start.Environment["SETTLEMENT_LOG"] = LogPath;
        _process = Process.Start(start)!;
    }

    /// <summary>Whether its ports are open, as it said itself since it was started.</summary>
    public bool SaidReady => TextSinceStart().Split('\n').Any(line => line.StartsWith("ready ", StringComparison.Ordinal));

    /// <exception cref="CheckFailedException">It does not get that far.</exception>
    public void WaitReady(int milliseconds = 180_000)
    {
        long begun = Environment.TickCount64;
        while (!SaidReady)
        {
            if (!IsRunning)
                throw new CheckFailedException($"{Name} ended with code {_process?.ExitCode}: {LastWords}");
            if (Environment.TickCount64 - begun > milliseconds)
                throw new CheckFailedException($"{Name} did not get ready within {milliseconds} ms: {LastWords}");
            Thread.Sleep(10);
        }
    }

    /// <summary>What it wrote last.</summary>
    public string LastWords => string.Join(" | ", TextSinceStart().Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(8));

    /// <summary>All that it wrote since it was started.</summary>
    public string TextSinceStart()
    {
        if (!File.Exists(LogPath))
            return "";
        using var log = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        log.Seek(_logStart, SeekOrigin.Begin);
        using var reader = new StreamReader(log);
        return reader.ReadToEnd();
    }

    /// <summary>As kill -9; returns when it is gone.</summary>
    public void Kill()
    {
        if (IsRunning)
            _process!.Kill();
        End();
    }

    /// <summary>Asks it to end (SIGTERM), and waits.</summary>
    /// <returns>Its exit code.</returns>
    public int Stop(int milliseconds = 60_000)
    {
        Signal("TERM");
        if (!_process!.WaitForExit(milliseconds))
            throw new CheckFailedException($"{Name} did not end within {milliseconds} ms: {LastWords}");
        int code = _process.ExitCode;
        End();
        return code;
    }

    /// <returns>Its exit code; null: it goes on.</returns>
    public int? WaitForExit(int milliseconds) => _process is null ? null : _process.WaitForExit(milliseconds) ? _process.ExitCode : null;

    /// <summary>It stands still from now on (SIGSTOP).</summary>
    public void Pause()
    {
        Signal("STOP");
        IsPaused = true;
    }

    public void Resume()
    {
        Signal("CONT");
        IsPaused = false;
    }

    /// <summary>It has lost its disk: everything is gone but its log, and the certificate that clients know it by, which its operator has elsewhere.</summary>
    public void Wipe()
    {
        Kill();
        string certificate = Path.Combine(Data, "tls");
        string kept = Path.Combine(Root, "tls");
        Directory.Move(certificate, kept);
        Directory.Delete(Data, recursive: true);
        Directory.CreateDirectory(Data);
        Directory.Move(kept, certificate);
        _identity?.Dispose();
        _asking?.Dispose();
        (_identity, _asking) = (null, null);
    }

    /// <returns>Null: it does not answer in time.</returns>
    public StatusReport? Status(int milliseconds = 1_000)
    {
        if (!IsRunning || IsPaused)
            return null;
        try
        {
            _identity ??= NodeIdentity.Load(Path.Combine(Data, "cluster"));
            _asking ??= new BulkClient(Ports.BulkAddress, _identity.Pin.ToString(), _identity.Certificate);
            using var patience = new CancellationTokenSource(milliseconds);
            return _asking.StatusAsync(patience.Token).GetAwaiter().GetResult();
        }
        catch (Exception away) when (away is ClusterException or OperationCanceledException or IOException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        Kill();
        _asking?.Dispose();
        _identity?.Dispose();
    }

    private void Signal(string name)
    {
        if (IsRunning)
            ShellCommand.Run("kill", $"-{name}", ProcessId.ToString(CultureInfo.InvariantCulture));
    }

    private void End()
    {
        if (_process is null)
            return;
        _process.WaitForExit();
        if (_variables.Length > 0 && OperatingSystem.IsLinux())
            ClockFault.Forget(_process.Id);
        _process.Dispose();
        _process = null;
        IsPaused = false;
    }

    private Process Fresh()
    {
        _process!.Refresh();
        return _process;
    }
}
