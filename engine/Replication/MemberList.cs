using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Net;
using System.Text;
using DotNext.IO;
using DotNext.Net.Cluster.Consensus.Raft.Membership;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// Who belongs to the cluster: the body of a Members block, and the consensus library's configuration. Never changes; a change makes another one.
/// </summary>
/// <remarks>
/// The library counts every member that it knows in its quorum, also one in its standby mode. So it is shown the voters alone; learners stand in the same list, and so in the same blocks, and are fed outside of the consensus.
/// A list may name a successor: the voter that the leader hands over to. The others then stand back for one election.
/// <code>
///   0         4       6         7                 …
///   | "STLM"  | count | successor: 1 byte flag, 32 bytes of its pin where the flag is 1 | members
/// a member:
///   | learner 1 | address bytes 1 | address 4 or 16 | port 2 | pin 32 | clients 1 | each: length 1, ASCII |
/// </code>
/// Little-endian. Bound: <see cref="MembersMax"/> members; so a list takes less than 70 KB.
/// </remarks>
public sealed class MemberList : IClusterConfiguration<EndPoint>
{
    public const int MembersMax = 32;

    /// <summary>"STLM".</summary>
    private const uint Magic = 0x4D4C_5453;

    private readonly byte[] _bytes;

    private MemberList(IReadOnlyList<PinnedEndPoint> all, Digest? successor)
    {
        if (all.Count > MembersMax)
            throw new ClusterException($"A cluster has at most {MembersMax} members, learners included.");
        All = all;
        Successor = successor;
        Voters = [.. all.Where(static member => !member.IsLearner)];
        Members = Voters.ToFrozenSet<EndPoint>();
        _bytes = Encode();
    }

    public static MemberList Empty { get; } = new([], null);

    /// <summary>Voters and learners, as they were added.</summary>
    public IReadOnlyList<PinnedEndPoint> All { get; }

    public IReadOnlyList<PinnedEndPoint> Voters { get; }

    /// <summary>Of the voter that the leader hands over to; null: nobody.</summary>
    public Digest? Successor { get; }

    /// <summary>What the library sees: the voters.</summary>
    public IReadOnlySet<EndPoint> Members { get; }

    public ReadOnlyMemory<byte> Bytes => _bytes;

    bool IDataTransferObject.IsReusable => true;

    long? IDataTransferObject.Length => _bytes.Length;

    public PinnedEndPoint? WithPin(Digest pin) => All.FirstOrDefault(member => member.Pin == pin);

    public PinnedEndPoint? At(EndPoint address) => All.FirstOrDefault(member => member.Equals(address));

    /// <summary>The list with this member, in the place of one with the same address or key.</summary>
    public MemberList With(PinnedEndPoint member) => new([.. All.Where(other => !other.Equals(member) && other.Pin != member.Pin), member], null);

    public MemberList Without(EndPoint address) => new([.. All.Where(member => !member.Equals(address))], null);

    public MemberList HandingOverTo(PinnedEndPoint successor) => new(All, successor.Pin);

    // The library tells by reference whether anything changed.
    IClusterConfiguration<EndPoint> IClusterConfiguration<EndPoint>.Add(EndPoint address) =>
        Members.Contains(address) || address is not PinnedEndPoint member ? this : With(member);

    IClusterConfiguration<EndPoint> IClusterConfiguration<EndPoint>.Remove(EndPoint address) => Members.Contains(address) ? Without(address) : this;

    ValueTask IDataTransferObject.WriteToAsync<TWriter>(TWriter writer, CancellationToken token) => writer.Invoke(_bytes, token);

    bool IDataTransferObject.TryGetMemory(out ReadOnlyMemory<byte> memory)
    {
        memory = _bytes;
        return true;
    }

    /// <exception cref="ClusterException">The bytes are no list.</exception>
    public static MemberList Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (bytes.IsEmpty)
                return Empty;
            int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic || count > MembersMax)
                throw Unreadable(null);
            bool hasSuccessor = bytes[6] != 0;
            Digest? successor = hasSuccessor ? Digest.From(bytes[7..]) : null;
            int at = hasSuccessor ? 39 : 7;
            var all = new PinnedEndPoint[count];
            for (int i = 0; i < count; i++)
                all[i] = DecodeMember(bytes, ref at);
            return at == bytes.Length ? new(all, successor) : throw Unreadable(null);
        }
        catch (Exception odd) when (odd is ArgumentException or IndexOutOfRangeException)
        {
            throw Unreadable(odd);
        }
    }

    private static PinnedEndPoint DecodeMember(ReadOnlySpan<byte> bytes, ref int at)
    {
        bool isLearner = bytes[at++] != 0;
        int addressBytes = bytes[at++];
        var address = new IPAddress(bytes.Slice(at, addressBytes));
        at += addressBytes;
        int port = BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
        Digest pin = Digest.From(bytes[(at + 2)..]);
        at += 34;
        var clients = new string[bytes[at++]];
        for (int i = 0; i < clients.Length; i++)
        {
            int length = bytes[at++];
            clients[i] = Encoding.ASCII.GetString(bytes.Slice(at, length));
            at += length;
        }

        return new(address, port, pin, clients, isLearner);
    }

    private byte[] Encode()
    {
        using var bytes = new MemoryStream();
        Span<byte> head = stackalloc byte[7];
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(head[4..], (ushort)All.Count);
        head[6] = Successor is null ? (byte)0 : (byte)1;
        bytes.Write(head);
        if (Successor is { } named)
        {
            Digest successor = named;
            bytes.Write(successor);
        }

        Span<byte> port = stackalloc byte[2];
        foreach (PinnedEndPoint member in All)
        {
            byte[] address = member.Address.GetAddressBytes();
            bytes.WriteByte(member.IsLearner ? (byte)1 : (byte)0);
            bytes.WriteByte((byte)address.Length);
            bytes.Write(address);
            BinaryPrimitives.WriteUInt16LittleEndian(port, (ushort)member.Port);
            bytes.Write(port);
            Digest pin = member.Pin;
            bytes.Write(pin);
            bytes.WriteByte((byte)member.Clients.Count);
            foreach (string client in member.Clients)
            {
                bytes.WriteByte((byte)client.Length);
                bytes.Write(Encoding.ASCII.GetBytes(client));
            }
        }

        return bytes.ToArray();
    }

    private static ClusterException Unreadable(Exception? inner) =>
        new("A list of the cluster's members cannot be read: it is damaged, or a later program wrote it.", inner ?? new InvalidDataException("no list of members"));
}
