using System.Net;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// A member of the cluster as the others know it: where its consensus port is, which key it must show there, where clients find it, and whether it votes.
/// </summary>
/// <remarks>
/// Equal means: the same address and port, which is how the consensus library tells members apart. A node that comes back with a new key is another member, and is removed and added.
/// </remarks>
public sealed class PinnedEndPoint : IPEndPoint
{
    /// <summary>The bounds of what a Members block may say of one member.</summary>
    public const int ClientAddressesMax = 8;

    public const int ClientAddressCharsMax = 255;

    /// <param name="address">Of the consensus port.</param>
    /// <param name="port">The consensus port.</param>
    /// <param name="pin">SHA-256 of the SubjectPublicKeyInfo of the node's certificate.</param>
    /// <param name="clients">Addresses for clients, as they are handed to them; this layer reads nothing from them.</param>
    /// <param name="isLearner">It copies the ledger and does not vote.</param>
    public PinnedEndPoint(IPAddress address, int port, Digest pin, IReadOnlyList<string> clients, bool isLearner = false)
        : base(address, port)
    {
        if (clients.Count > ClientAddressesMax || clients.Any(static text => text.Length is 0 or > ClientAddressCharsMax || text.Any(static sign => sign is < '!' or > '~')))
            throw new ArgumentException($"a member has at most {ClientAddressesMax} addresses for clients, each of 1 to {ClientAddressCharsMax} printable ASCII characters", nameof(clients));
        (Pin, Clients, IsLearner) = (pin, [.. clients], isLearner);
    }

    public Digest Pin { get; }

    public IReadOnlyList<string> Clients { get; }

    public bool IsLearner { get; }

    /// <summary>The same member, voting or not.</summary>
    public PinnedEndPoint As(bool isLearner) => isLearner == IsLearner ? this : new(Address, Port, Pin, Clients, isLearner);
}
