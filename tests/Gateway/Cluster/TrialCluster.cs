using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Settlement.Client;
using Settlement.Gateway.Cluster;

namespace Settlement.Tests.Gateway.Cluster;

/// <summary>Three nodes as processes, as `cluster trial` starts them, on ports that were free, in a folder of their own.</summary>
internal sealed partial class TrialCluster : IDisposable
{
    public const int Nodes = 3;

    private const int StartMsMax = 120_000;
    private const int SettleMsMax = 60_000;

    private readonly TemporaryFolder _folder = new();
    private readonly Process _trial;
    private readonly List<Process> _restarted = [];
    private readonly int[] _processes = new int[Nodes];
    private readonly List<string> _said = [];
    private readonly int _firstPort = FreePorts();

    private readonly (string Name, string Value)[] _settings;

    /// <param name="settings">Of all nodes, as their environment has them.</param>
    public TrialCluster(params (string Name, string Value)[] settings)
    {
        _settings = settings;
        _trial = Start(["cluster", "trial", "--data", _folder.Path, "--first-port", $"{_firstPort}", "--seconds", "900"]);
        _trial.OutputDataReceived += (_, line) => Note(line.Data);
        _trial.ErrorDataReceived += (_, line) => Note(line.Data);
        _trial.BeginOutputReadLine();
        _trial.BeginErrorReadLine();
        Wait(() => Said.Contains("Ctrl+C", StringComparison.Ordinal) || _trial.HasExited, StartMsMax, "the nodes start");
        foreach (Match node in NodeLine.Matches(Said))
            _processes[int.Parse(node.Groups[1].Value, CultureInfo.InvariantCulture) - 1] = int.Parse(node.Groups[2].Value, CultureInfo.InvariantCulture);
        Assert.That(_processes, Has.All.Positive, Said + Logs());
        Wait(() => Status(1) is { } report && report.Members.Count == Nodes && report.IsReady, SettleMsMax, "all are members");
    }

    public string Said
    {
        get
        {
            lock (_said)
                return string.Join('\n', _said);
        }
    }

    [GeneratedRegex(@"^node (\d): process (\d+),", RegexOptions.Multiline)]
    private static partial Regex NodeLine { get; }

    public string FolderOf(int node) => Path.Combine(_folder.Path, $"node{node}");

    public int BinaryPortOf(int node) => _firstPort + (10 * (node - 1));

    public Uri HttpOf(int node) => new($"http://127.0.0.1:{BinaryPortOf(node) + 2}/");

    /// <summary>Of the operator, at all nodes.</summary>
    public ClientOptions ClientOptions => new()
    {
        Host = "127.0.0.1", Port = BinaryPortOf(1), OtherNodes = [.. Enumerable.Range(2, Nodes - 1).Select(node => $"127.0.0.1:{BinaryPortOf(node)}")],
        Plain = true, KeyFile = Path.Combine(FolderOf(1), "keys", "operator.pem"), Deadline = TimeSpan.FromSeconds(60),
    };

    /// <returns>Null: it does not answer.</returns>
    public StatusReport? Status(int node)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return ClusterVerbs.Create(output, error).Parse(["status", "--json", "--data", FolderOf(node)]).Invoke() == 0
            ? JsonSerializer.Deserialize(output.ToString(), BulkJson.Default.StatusReport)
            : null;
    }

    /// <summary>Who leads, as soon as somebody does and says so.</summary>
    public int Leader()
    {
        int leader = 0;
        Wait(() => (leader = Enumerable.Range(1, Nodes).FirstOrDefault(node => Status(node) is { Role: "leader", IsReady: true })) != 0, SettleMsMax, "somebody leads");
        return leader;
    }

    /// <summary>With no chance to say anything (-9).</summary>
    public void Kill(int node)
    {
        using var process = Process.GetProcessById(_processes[node - 1]);
        process.Kill();
        process.WaitForExit();
    }

    public void Restart(int node)
    {
        Process again = Start(["serve", "--data", FolderOf(node)]);
        again.BeginOutputReadLine();
        again.ErrorDataReceived += (_, line) => Note(line.Data);
        again.BeginErrorReadLine();
        _restarted.Add(again);
        _processes[node - 1] = again.Id;
        Wait(() => Status(node) is { IsReady: true }, SettleMsMax, $"node {node} is ready again");
    }

    /// <summary>Waits until all nodes have applied the same.</summary>
    public void AwaitEqual() => Wait(
        () => Enumerable.Range(1, Nodes).Select(Status).ToArray() is var all && all.All(one => one is not null) && all.Select(one => (one!.AppliedBlock, one.LastBlock)).Distinct().Count() == 1,
        SettleMsMax, "all nodes are equal");

    /// <summary>In order, all of them.</summary>
    public void Stop()
    {
        foreach (Process process in _restarted.Append(_trial).Where(process => !process.HasExited))
        {
            using Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            kill.WaitForExit();
            Assert.That(process.WaitForExit(60_000), "it stops");
        }
    }

    public void Dispose()
    {
        foreach (Process process in _restarted.Append(_trial))
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        _folder.Dispose();
    }

    public static void Wait(Func<bool> until, int withinMs, string what)
    {
        for (var since = Stopwatch.StartNew(); !until();)
        {
            Assert.That(since.ElapsedMilliseconds, Is.LessThan(withinMs), what);
            Thread.Sleep(50);
        }
    }

    /// <summary>Three times ten ports in a row, of which the six that are used were free a moment ago: below those that the system gives away.</summary>
    public static int FreePorts()
    {
        for (int first = 21_000 + (Random.Shared.Next(300) * 30); ; first = 21_000 + (Random.Shared.Next(300) * 30))
        {
            if (Enumerable.Range(0, Nodes).SelectMany(node => Enumerable.Range(first + (10 * node), 6)).All(IsFree))
                return first;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(System.Net.IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private Process Start(string[] words)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet, [Path.Combine(AppContext.BaseDirectory, BuiltProgram.Gateway), .. words])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string name, string value) in _settings)
            start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    private string Logs() => string.Join('\n', Directory.EnumerateFiles(_folder.Path, "*.log").Select(File.ReadAllText));

    private void Note(string? line)
    {
        lock (_said)
            _said.Add(line ?? "");
    }
}
