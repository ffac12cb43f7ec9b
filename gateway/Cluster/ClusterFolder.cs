using System.Globalization;
using System.Text;
using System.Text.Json;
using Settlement.Client.Wire;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Cluster;

/// <summary>What a node of a cluster knows of itself: <c>cluster/node.json</c>. What the members are is journaled; this is only where this one listens.</summary>
internal sealed record ClusterNote
{
    public const int FormatNow = 1;

    public int Format { get; init; } = FormatNow;

    /// <summary>The ledger's id, 32 hexadecimal digits: a folder that was put together from two clusters is found out before anything is opened.</summary>
    public required string Ledger { get; init; }

    /// <summary>Where other nodes reach this one to agree, HOST:PORT; it listens there.</summary>
    public required string Raft { get; init; }

    /// <summary>Where they fetch snapshots and blocks, and the operator's verbs ask, HOST:PORT.</summary>
    public required string Bulk { get; init; }

    /// <summary>Where clients reach this node, in the words of a ready line.</summary>
    public required string Clients { get; init; }

    /// <summary>Whether it is an extra copy that neither votes nor leads.</summary>
    public bool Learner { get; init; }

    /// <summary>Pins of the members that `cluster recover` left behind, when it made this node a cluster of its own: they are told so when they ask.</summary>
    public IReadOnlyList<string> Forgotten { get; init; } = [];

    /// <summary>Nodes to ask to be let in, as ports of theirs (<see cref="Bulk"/>) with their pins, until this one finds itself among the members.</summary>
    public IReadOnlyList<ClusterContact> Contacts { get; init; } = [];
}

/// <summary>Another node's bulk port, and how it is recognised.</summary>
internal sealed record ClusterContact(string Bulk, string Pin);

/// <summary>The folder of a node's cluster files, <c>DIR/cluster</c>: a server whose data folder has it is a node of a cluster.</summary>
/// <remarks>Invariant: the note is written last and whole, so a folder that has it is complete; one without it is a join or an init that was cut off, and is begun again.</remarks>
internal sealed class ClusterFolder(string data)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public string Data => data;

    public string Path { get; } = System.IO.Path.Combine(data, "cluster");

    public string NotePath => System.IO.Path.Combine(Path, "node.json");

    public string JournalPath => System.IO.Path.Combine(data, "journal");

    public string SettingsPath => System.IO.Path.Combine(data, "appsettings.json");

    public bool Exists => File.Exists(NotePath);

    private string RemovalPath => System.IO.Path.Combine(Path, "removed");

    private string ReachedPath => System.IO.Path.Combine(Path, "reached");

    /// <exception cref="UsageException">It does not read as one.</exception>
    public ClusterNote ReadNote()
    {
        try
        {
            ClusterNote? note = JsonSerializer.Deserialize<ClusterNote>(File.ReadAllBytes(NotePath), s_json);
            if (note is { Format: ClusterNote.FormatNow })
                return note;
            throw new UsageException($"'{NotePath}' is of format {note?.Format}, and this program reads {ClusterNote.FormatNow}: use the program version that wrote it.");
        }
        catch (JsonException broken)
        {
            throw new UsageException($"'{NotePath}' does not read as a cluster node's note ({broken.Message.Split(" Path:", 2)[0].TrimEnd('.')}). Put back a copy, or join again with an empty folder.");
        }
    }

    /// <summary>Why the node may not run any more; null: it may.</summary>
    public string? ReadRemoval() => File.Exists(RemovalPath) ? File.ReadAllText(RemovalPath).Trim() : null;

    public void WriteRemoval(string sentence) => Write(RemovalPath, Encoding.UTF8.GetBytes(sentence + "\n"));

    /// <summary>The highest block that was committed here, as it was noted lately: the journal has it, unless it is not the one that was here. Null: not known.</summary>
    public ulong? ReadReached() =>
        File.Exists(ReachedPath) && ulong.TryParse(File.ReadAllText(ReachedPath).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong block) ? block : null;

    public void WriteReached(ulong block) => Write(ReachedPath, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{block}\n")), isDurable: false);

    /// <summary>Takes back what stops a node: the operator has said that this one goes on, with the log that it has.</summary>
    public void Release(ulong lastBlock)
    {
        File.Delete(RemovalPath);
        WriteReached(lastBlock);
    }

    public void WriteNote(ClusterNote note)
    {
        Directory.CreateDirectory(Path);
        Write(NotePath, JsonSerializer.SerializeToUtf8Bytes(note, s_json));
    }

    /// <summary>
    /// Keeps the ports that clients were promised where `serve` looks for its settings, so that it needs no more than the folder; settings that are there already stand.
    /// </summary>
    public void WriteSettings(ServeOptions options)
    {
        if (File.Exists(SettingsPath))
            return;
        var settings = new Dictionary<string, object>
        {
            [ServeSettings.Section] = new Dictionary<string, object>
            {
                [nameof(options.Address)] = options.Address,
                [nameof(options.PlainAddress)] = options.PlainAddress,
                [nameof(options.BinaryPort)] = options.BinaryPort,
                [nameof(options.BinaryTlsPort)] = options.BinaryTlsPort,
                [nameof(options.HttpPort)] = options.HttpPort,
                [nameof(options.HttpsPort)] = options.HttpsPort,
            },
        };
        Write(SettingsPath, JsonSerializer.SerializeToUtf8Bytes(settings, s_json));
    }

    /// <summary>Where clients reach the node: its TLS ports at the host that other nodes reach it by; the ports without TLS where that is this machine alone.</summary>
    public static NodeAddresses ClientsOf(string host, ServeOptions options)
    {
        bool isHere = host is "localhost" || (System.Net.IPAddress.TryParse(host, out System.Net.IPAddress? address) && System.Net.IPAddress.IsLoopback(address));
        (string Name, string Host, int Port)[] ports =
        [
            (NodeAddresses.Binary, options.PlainAddress, isHere ? options.BinaryPort : -1), (NodeAddresses.BinaryTls, host, options.BinaryTlsPort),
            (NodeAddresses.Http, options.PlainAddress, isHere ? options.HttpPort : -1), (NodeAddresses.Https, host, options.HttpsPort),
        ];
        if (Array.Find(ports, port => port.Port == 0) is { Name: { } any })
            throw new UsageException($"A node of a cluster tells clients of the others where it is: give its {any} port a number, or switch it off with -1.");
        return NodeAddresses.Of(ports.Where(port => port.Port > 0));
    }

    private static void Write(string path, byte[] bytes, bool isDurable = true)
    {
        string unfinished = $"{path}.{System.IO.Path.GetRandomFileName()}";
        using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: isDurable);
        }

        File.Move(unfinished, path, overwrite: true);
    }
}
