using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Settlement.Perf.Common;

namespace Settlement.Perf.Peers;

/// <summary>The distribution's PostgreSQL, on a cluster of its own in a temporary folder, on a free loopback port; stopped and deleted at the end.</summary>
/// <remarks>
/// Durable as it comes: fsync, synchronous_commit and full_page_writes are on. It refuses to run as root, so root runs it as the user `postgres`, whom the package
/// makes; without the package, root installs it.
/// </remarks>
internal sealed class PostgresServer : IDisposable
{
    private const string Programs = "/usr/lib/postgresql";

    /// <summary>More than the defaults, so that the tables fit and checkpoints do not come in each run.</summary>
    private const string Settings = "-c shared_buffers=1GB -c max_wal_size=4GB -c fsync=on -c synchronous_commit=on -c full_page_writes=on -c autovacuum=off -c max_connections=64";

    private readonly string _folder;
    private readonly string _programs;

    private PostgresServer(string programs)
    {
        _programs = programs;
        _folder = Path.Combine(Path.GetTempPath(), $"settlement-postgres-{Path.GetRandomFileName()}");
        Port = FreePort();
        Directory.CreateDirectory(_folder);
        try
        {
            if (Environment.IsPrivilegedProcess)
                Run("chown", "postgres", _folder);
            RunAsOwner(Path.Combine(_programs, "initdb"), "-D", Cluster, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8");
            RunAsOwner(Path.Combine(_programs, "pg_ctl"), "-D", Cluster, "-w", "-t", "60", "-l", Path.Combine(_folder, "log"), "-o", $"-p {Port} -c listen_addresses=127.0.0.1 -k {_folder} {Settings}", "start");
        }
        catch
        {
            Directory.Delete(_folder, recursive: true);
            throw;
        }
    }

    public int Port { get; }

    public string ConnectionString =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={Port};Username=postgres;Database=postgres;Maximum Pool Size=64;Command Timeout=600");

    private string Cluster => Path.Combine(_folder, "data");

    /// <summary>Whether it could be started, or installed and started.</summary>
    public static bool IsThere => Find() is not null;

    /// <exception cref="CheckFailedException">It is not there and cannot be installed, or does not start.</exception>
    public static PostgresServer Start(TextWriter notes)
    {
        if (Find() is null && Environment.IsPrivilegedProcess)
        {
            notes.WriteLine("PostgreSQL is not installed: apt-get install postgresql …");
            Run("apt-get", "install", "-y", "--no-install-recommends", "postgresql");
        }

        string programs = Find()
            ?? throw new CheckFailedException($"PostgreSQL is not under {Programs}: install the package postgresql, or run this as root, which installs it");
        return new PostgresServer(programs);
    }

    public void Dispose()
    {
        RunAsOwner(Path.Combine(_programs, "pg_ctl"), "-D", Cluster, "-m", "immediate", "-w", "stop");
        Directory.Delete(_folder, recursive: true);
    }

    private static string? Find() => Directory.Exists(Programs)
        ? Directory.GetDirectories(Programs).Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void RunAsOwner(string program, params string[] arguments)
    {
        if (Environment.IsPrivilegedProcess)
            Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else
            Run(program, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Its output stays its own: what pg_ctl starts would hold a pipe open for ever.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1 </dev/null", program, .. arguments]) { WorkingDirectory = "/" };
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new CheckFailedException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}
