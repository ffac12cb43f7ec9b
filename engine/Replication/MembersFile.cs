using System.Buffers.Binary;
using System.Net;
using DotNext.IO;
using DotNext.Net.Cluster.Consensus.Raft.Membership;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Replication;

/// <summary>
/// The members that this node knows, in memory and in DIR/cluster/members. The consensus library reads and writes its configuration here; its version is the number of the Members block that stated it, 0 before the first.
/// </summary>
/// <remarks>
/// <code>
///   0         8         12        16
///   | version | length  | CRC-32C | MemberList … |
/// </code>
/// Invariant: a list replaces one of a lower version only, and is on disk (file and directory) before anyone hears of it: it is written beside the old one and renamed over it, so a crash leaves one of the two.
/// Failure assumed: the file may be missing or damaged; then the node does not start, since it would not know whom to trust.
/// </remarks>
public sealed class MembersFile : IClusterConfigurationStorage<EndPoint>
{
    private const int HeadBytes = 16;

    private readonly string _path;
    private readonly SemaphoreSlim _saving = new(1, 1);
    private volatile Stated _stated;

    private sealed record Stated(MemberList List, long Version);

    private MembersFile(string path, Stated stated) => (_path, _stated) = (path, stated);

    public MemberList Members => _stated.List;

    /// <summary>Number of the block that stated them; 0: none did, they were given when this node was set up.</summary>
    public long Version => _stated.Version;

    /// <summary>A list of a higher version has come and is on disk. Before the library hears of it.</summary>
    public event Action<MemberList>? Changed;

    public event Func<IClusterConfiguration<EndPoint>, CancellationToken, ValueTask>? ConfigurationChanged;

    public static bool Exists(string directory) => File.Exists(PathIn(directory));

    /// <summary>Writes what a node is to know when it starts: itself alone (the first of a cluster), or the others (one that joins).</summary>
    public static void Create(string directory, MemberList members, long version)
    {
        Directory.CreateDirectory(directory);
        Write(PathIn(directory), new(members, version));
    }

    /// <exception cref="ClusterException">It is missing or damaged.</exception>
    public static MembersFile Open(string directory)
    {
        string path = PathIn(directory);
        if (!File.Exists(path))
            throw new ClusterException($"There is no list of members in '{directory}': this node belongs to no cluster. Start one with `cluster init`, or join one.");
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeadBytes
            || BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)) != bytes.Length - HeadBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)) != CrcOf(bytes))
        {
            throw new ClusterException($"The list of members '{path}' is damaged. Join the cluster again, or restore the file from a copy of this node.");
        }

        return new(path, new(MemberList.Decode(bytes.AsSpan(HeadBytes)), BinaryPrimitives.ReadInt64LittleEndian(bytes)));
    }

    public async ValueTask<bool> SaveConfigurationAsync<TConfiguration>(TConfiguration configuration, long configurationVersion, CancellationToken token = default)
        where TConfiguration : IDataTransferObject
    {
        using DotNext.Buffers.MemoryOwner<byte> bytes = await configuration.ToMemoryAsync(null, token).ConfigureAwait(false);
        return await SaveAsync(MemberList.Decode(bytes.Span), configurationVersion, token).ConfigureAwait(false);
    }

    /// <returns>False: the list known is of this version or a later one.</returns>
    public async ValueTask<bool> SaveAsync(MemberList members, long version, CancellationToken token)
    {
        await _saving.WaitAsync(token).ConfigureAwait(false);
        try
        {
            if (version <= _stated.Version)
                return false;
            var stated = new Stated(members, version);
            Write(_path, stated);
            _stated = stated;
            Changed?.Invoke(members);
            // It is told once, so it must hear of it, whoever has given up meanwhile: votes would else be counted among the members of before.
            foreach (Func<IClusterConfiguration<EndPoint>, CancellationToken, ValueTask> told in Delegate.EnumerateInvocationList(ConfigurationChanged))
                await told(members, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _saving.Release();
        }
    }

    public ValueTask<IClusterConfiguration<EndPoint>> LoadConfigurationAsync(CancellationToken token = default) => new(_stated.List);

    ValueTask<(IDataTransferObject Configuration, long Version)> IClusterConfigurationStorage.LoadConfigurationAsync(CancellationToken token)
    {
        Stated stated = _stated;
        return new((stated.List, stated.Version));
    }

    public void Dispose() => _saving.Dispose();

    private static string PathIn(string directory) => Path.Combine(directory, "members");

    private static void Write(string path, Stated stated)
    {
        ReadOnlySpan<byte> list = stated.List.Bytes.Span;
        byte[] bytes = new byte[HeadBytes + list.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, stated.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), list.Length);
        list.CopyTo(bytes.AsSpan(HeadBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), CrcOf(bytes));
        string beside = path + ".new";
        using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        File.Move(beside, path, overwrite: true);
        DirectoryFlush.Of(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Over version, length and list.</summary>
    private static uint CrcOf(ReadOnlySpan<byte> bytes) => Crc32C.Append(Crc32C.Append(0, bytes[..12]), bytes[HeadBytes..]);
}
