using System.Globalization;
using Microsoft.AspNetCore.Connections;

namespace Settlement.Gateway.Serve;

/// <summary>
/// How many connections several ports may have open together. One more is closed as soon as it is there, without a word, before TLS or a protocol has cost anything.
/// </summary>
/// <remarks>
/// Failure assumed: strangers who open connections without end. Each takes a file descriptor, and a process that has none left cannot open the next file of its journal: it dies. So
/// what all ports take together stays below what the operating system gives (<see cref="OpenFilesMax"/>); and since one that is closed at once holds its descriptor for a moment, too,
/// <see cref="BoundedTransport"/> takes no connection from the system's queue while so many are there.
/// </remarks>
internal sealed class ConnectionBound(int connectionsMax)
{
    /// <summary>Files that are not connections: the journal, snapshots, spilled ids, the history, libraries, connections to others.</summary>
    public const int FilesReserved = 400;

    /// <summary>Connections that are being closed because they are too many.</summary>
    private const int Leaving = 16;

    private const string Limits = "/proc/self/limits";

    private int _open; // interlocked

    public int ConnectionsMax => connectionsMax;

    /// <summary>Shares out what the operating system gives: a fifth for HTTP at most, the rest for the binary ports.</summary>
    public static (ConnectionBound Http, ConnectionBound Binary) Share(int httpMax, int binaryMax, int? openFilesMax)
    {
        if (openFilesMax is not { } files)
            return (new ConnectionBound(httpMax), new ConnectionBound(binaryMax));
        int sockets = Math.Max(8, files - FilesReserved);
        int http = Math.Min(httpMax, sockets / 5);
        return (new ConnectionBound(http), new ConnectionBound(Math.Min(binaryMax, sockets - http)));
    }

    /// <summary>Files that this process may have open; null: the system has no such limit, or does not say. The runtime has raised the soft limit to the hard one.</summary>
    public static int? OpenFilesMax()
    {
        if (!File.Exists(Limits))
            return null;
        string? line = File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 3 && int.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out int soft) ? soft : null;
    }

    /// <summary>All that there may be at one time.</summary>
    public static int Sum(ConnectionBound http, ConnectionBound binary) => http.ConnectionsMax + binary.ConnectionsMax + Leaving;

    /// <summary>Put in front of all else that a port does with a connection.</summary>
    public ConnectionDelegate Wrap(ConnectionDelegate next) => async context =>
    {
        try
        {
            if (Interlocked.Increment(ref _open) <= connectionsMax)
                await next(context).ConfigureAwait(false);
            else
                context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    };
}
