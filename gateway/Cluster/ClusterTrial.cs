using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Replication;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>Several nodes of one cluster on this machine, each a `serve` of its own, for trying out: made where they are not there yet, started, and stopped together.</summary>
/// <remarks>
/// Node N lives in DIR/nodeN, listens at six ports from FIRST + 10 (N - 1) on, writes what it says into DIR/nodeN.log, behind what earlier starts said, and has its process' number in DIR/nodeN.pid.
/// A node that ends by itself, or is killed, stays down: that is what there is to try out. Its line to start it again is printed.
/// </remarks>
internal sealed class ClusterTrial(string data, int nodes, int firstPort, TextWriter output)
{
    private const int PortsOfNode = 10;
    private const int ReadyMsMax = 60_000;
    private const int StopMsMax = 20_000;
    private const int LookMs = 100;

    private readonly Process?[] _running = new Process?[nodes];

    /// <param name="seconds">Ends by itself after so long; null: when it is told to.</param>
    public void Run(int? seconds)
    {
        using var told = new ManualResetEventSlim();
        void Tell(PosixSignalContext signal)
        {
            signal.Cancel = true;
            told.Set();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Tell);
        using PosixSignalRegistration end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Tell);
        try
        {
            for (int node = 1; node <= nodes && !told.IsSet; node++)
            {
                if (!new ClusterFolder(FolderOf(node)).Exists)
                    Make(node);
                Start(node);
            }

            PrintNodes();
            for (var since = Stopwatch.StartNew(); !told.Wait(LookMs) && (seconds is null || since.Elapsed.TotalSeconds < seconds);)
                TellEnded();
        }
        finally
        {
            Stop();
        }
    }

    private string FolderOf(int node) => Path.Combine(data, $"node{node}");

    private string LogOf(int node) => Path.Combine(data, $"node{node}.log");

    private int PortOf(int node, int offset) => firstPort + (PortsOfNode * (node - 1)) + offset;

    private void Make(int node)
    {
        var options = new ServeOptions
        {
            Data = FolderOf(node), BinaryPort = PortOf(node, 0), BinaryTlsPort = PortOf(node, 1), HttpPort = PortOf(node, 2), HttpsPort = PortOf(node, 3),
        };
        string raft = Address(PortOf(node, 4)), bulk = Address(PortOf(node, 5));
        if (node == 1)
        {
            ClusterFounding.Found(options, raft, bulk, out _);
            return;
        }

        var first = new ClusterFolder(FolderOf(1));
        using NodeIdentity identity = NodeIdentity.Load(first.Path);
        var contact = new ClusterContact(first.ReadNote().Bulk, identity.Pin.ToString());
        using var client = new BulkClient(contact.Bulk, contact.Pin, identity.Certificate);
        string secret = client.InviteAsync(CancellationToken.None).GetAwaiter().GetResult().Secret;
        ClusterFounding.JoinAsync(options, raft, bulk, contact, secret, isLearner: false, _ => { }).GetAwaiter().GetResult();
    }

    private static string Address(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private void Start(int node)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Settlement.Gateway.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. IsHosted ? [program] : (string[])[], "serve", "--data", FolderOf(node)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var log = new StreamWriter(LogOf(node), append: true) { AutoFlush = true };
        var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Note(string? line)
        {
            if (line is null)
                ready.TrySetResult(false);
            else
                lock (log)
                    log.WriteLine(line);
            if (line?.StartsWith("ready ", StringComparison.Ordinal) == true)
                ready.TrySetResult(true);
        }

        Process started = Process.Start(start)!;
        _running[node - 1] = started;
        File.WriteAllText(Path.Combine(data, $"node{node}.pid"), string.Create(CultureInfo.InvariantCulture, $"{started.Id}\n"));
        started.StandardInput.Close();
        started.OutputDataReceived += (_, line) => Note(line.Data);
        started.ErrorDataReceived += (_, line) => Note(line.Data ?? "");
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        if (!ready.Task.Wait(ReadyMsMax) || !ready.Task.Result)
            throw new UsageException($"Node {node} did not get ready: '{LogOf(node)}' says why.");
    }

    /// <summary>Whether this process is `dotnet` with the program as its argument.</summary>
    private static bool IsHosted => Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet";

    private void PrintNodes()
    {
        for (int node = 1; node <= nodes; node++)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"node {node}: process {_running[node - 1]?.Id}, binary {PortOf(node, 0)}, binary-tls {PortOf(node, 1)}, http {PortOf(node, 2)}, https {PortOf(node, 3)}, log {LogOf(node)}"));
        }

        output.WriteLine($"`cluster status --data {FolderOf(1)}` shows who leads; the operator's key is {Path.Combine(FolderOf(1), "keys", OperatorKey.PrivateName)}. Ctrl+C stops all.");
        output.Flush();
    }

    private void TellEnded()
    {
        for (int node = 1; node <= nodes; node++)
        {
            if (_running[node - 1] is not { HasExited: true } ended)
                continue;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"node {node} has ended ({ended.ExitCode}). Start it again: serve --data {FolderOf(node)}"));
            output.Flush();
            ended.Dispose();
            _running[node - 1] = null;
        }
    }

    private void Stop()
    {
        foreach (Process? node in _running)
        {
            if (node is null || node.HasExited)
                continue;
            if (OperatingSystem.IsWindows())
                node.Kill();
            else
                Process.Start("kill", ["-TERM", node.Id.ToString(CultureInfo.InvariantCulture)])?.WaitForExit();
        }

        foreach (Process? node in _running)
        {
            if (node is null)
                continue;
            if (!node.WaitForExit(StopMsMax))
                node.Kill();
            node.Dispose();
        }
    }
}
