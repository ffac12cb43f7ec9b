using System.Diagnostics;
using System.Globalization;
using Settlement.Client;
using Settlement.Perf.Common;

namespace Settlement.Perf.Wire;

/// <summary>A server as its users start it, `gateway serve`, in a process and a folder of its own; killed and its folder deleted at the end.</summary>
/// <remarks>Failure assumed: it may not start, or die. It is then said with what it wrote on its error output.</remarks>
internal sealed class ServerProcess : IDisposable
{
    private const string Program = "Settlement.Gateway.dll";
    private const int ReadyMsMax = 60_000;
    private const string AllocatedMetric = "dotnet_gc_allocated_bytes_total ";

    private readonly Process _process;
    private readonly Queue<string> _errors = new(); // the last lines
    private readonly int _httpPort; // 0: none

    /// <param name="data">Its folder, which may be new.</param>
    /// <param name="binaryPort">0: any that is free.</param>
    /// <param name="withHttp">Also with its HTTP API, on a port that is free: for <see cref="AllocatedBytes"/>.</param>
    /// <param name="words">Further flags.</param>
    public ServerProcess(string data, int binaryPort = 0, bool withHttp = false, params string[] words)
    {
        Data = data;
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } path ? path : "dotnet";
        string[] ports = ["--binary-port", binaryPort.ToString(CultureInfo.InvariantCulture), "--binary-tls-port", "-1", "--http-port", withHttp ? "0" : "-1", "--https-port", "-1"];
        _process = Process.Start(new ProcessStartInfo(dotnet, [Path.Combine(AppContext.BaseDirectory, Program), "serve", "--data", data, .. ports, .. words])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.StandardInput.Close();
        var ready = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null || line.Data.StartsWith("ready ", StringComparison.Ordinal))
                ready.TrySetResult(line.Data);
        };
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        string? said = ready.Task.Wait(ReadyMsMax) ? ready.Task.Result : null;
        if (said is null)
        {
            string errors = Errors;
            Kill();
            throw new CheckFailedException($"the server did not get ready: {errors}");
        }

        BinaryPort = PortIn(said, " binary=");
        _httpPort = said.Contains(" http=", StringComparison.Ordinal) ? PortIn(said, " http=") : 0;
    }

    public string Data { get; }

    public int BinaryPort { get; }

    /// <summary>Of the operator's first session, as the server made it.</summary>
    public string OperatorKeyFile => Path.Combine(Data, "keys", "operator.pem");

    public int ProcessId => _process.Id;

    public string Errors
    {
        get
        {
            lock (_errors)
                return string.Join(" | ", _errors);
        }
    }

    public ClientOptions ClientOptions => new() { Host = "127.0.0.1", Port = BinaryPort, Plain = true, KeyFile = OperatorKeyFile };

    /// <summary>What it holds in memory now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>What it has taken from its collected heap so far, as its metrics say; only with an HTTP port. Exact to a few kilobytes a thread.</summary>
    public long AllocatedBytes
    {
        get
        {
            using var http = new HttpClient();
            string page = http.GetStringAsync(new Uri($"http://127.0.0.1:{_httpPort}/metrics")).GetAwaiter().GetResult();
            string line = page.Split('\n').FirstOrDefault(one => one.StartsWith(AllocatedMetric, StringComparison.Ordinal))
                ?? throw new CheckFailedException($"the server's metrics have no {AllocatedMetric.TrimEnd()}");
            return (long)double.Parse(line[AllocatedMetric.Length..], NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Asks it to end (SIGTERM), and waits.</summary>
    /// <returns>Its exit code.</returns>
    public int Stop()
    {
        using (Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Waits for it to end by itself.</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="CheckFailedException">It goes on.</exception>
    public int WaitForExit(int milliseconds) => _process.WaitForExit(milliseconds)
        ? _process.ExitCode
        : throw new CheckFailedException($"the server did not end within {milliseconds} ms: {Errors}");

    /// <summary>As kill -9.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static int PortIn(string ready, string name)
    {
        int at = ready.IndexOf(name, StringComparison.Ordinal);
        if (at < 0)
            throw new CheckFailedException($"the server's ready line has no{name.TrimEnd('=')} port: {ready}");
        string address = ready[(at + name.Length)..].Split(' ')[0];
        return int.Parse(address[(address.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private void Note(string? line)
    {
        if (line is null)
            return;
        lock (_errors)
        {
            _errors.Enqueue(line);
            if (_errors.Count > 20)
                _errors.Dequeue();
        }
    }
}
