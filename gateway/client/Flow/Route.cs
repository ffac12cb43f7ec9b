using Settlement.Client.Wire;

namespace Settlement.Client.Flow;

/// <summary>A node's port for this client.</summary>
internal readonly record struct NodePort(string Host, int Port)
{
    public override string ToString() => NodeAddresses.Format(Host, Port);
}

/// <summary>Which nodes a client may ask, and in which order: who was the leader, then those of the options, from the one that answered last.</summary>
/// <remarks>
/// Failure assumed: a node that names anyone it likes. What is named is tried like a node of the options, is recognised as one (<see cref="ServerTrust"/>), or is nothing; and a round
/// tries no address twice, so that two nodes that name each other end it. One caller at a time.
/// </remarks>
internal sealed class Route
{
    /// <summary>Leaders that one round follows beyond the options' own nodes.</summary>
    private const int NamedMax = 8;

    private readonly NodePort[] _nodes;
    private readonly string _portName;
    private NodePort? _leader; // who opened the last session
    private NodeAddresses _named = NodeAddresses.None; // by the node whose connection ended, until the next round

    /// <exception cref="SettlementException">One of the addresses is none.</exception>
    public Route(ClientOptions options)
    {
        var nodes = new List<NodePort> { new(options.Host, options.Port) };
        foreach (string other in options.OtherNodes)
        {
            if (!NodeAddresses.TryParse(other, out string host, out int port))
                throw new SettlementException($"{nameof(options.OtherNodes)} '{other}': HOST:PORT is expected, such as 10.0.0.2:7711");
            nodes.Add(new NodePort(host, port));
        }

        _nodes = [.. nodes.Distinct()];
        _portName = options.Plain ? NodeAddresses.Binary : NodeAddresses.BinaryTls;
    }

    /// <summary>Whether it knows more than one node: then nobody's refusal is the last word while others may lead.</summary>
    public bool HasSeveral => _nodes.Length > 1 || (_leader is { } leader && leader != _nodes[0]);

    public int NodeCount => _nodes.Length;

    /// <summary>A session was opened there.</summary>
    public void Arrived(NodePort leader) => _leader = leader;

    /// <summary>The node of the last session leads no longer, and says who does, if it knows.</summary>
    public void Left(NodeAddresses leader) => _named = leader;

    /// <summary>Nodes to try now, each once.</summary>
    public Round Begin()
    {
        var round = new Round(this);
        round.Name(_named);
        _named = NodeAddresses.None;
        return round;
    }

    internal sealed class Round
    {
        private readonly Route _route;
        private readonly LinkedList<NodePort> _next = new();
        private readonly HashSet<NodePort> _tried = [];
        private int _named;

        public Round(Route route)
        {
            _route = route;
            int from = route._leader is { } leader ? Math.Max(0, Array.IndexOf(route._nodes, leader)) : 0;
            if (route._leader is { } known)
                _next.AddLast(known);
            for (int i = 0; i < route._nodes.Length; i++)
                _next.AddLast(route._nodes[(from + i) % route._nodes.Length]);
        }

        public bool TryNext(out NodePort node)
        {
            while (_next.First is { } first)
            {
                node = first.Value;
                _next.RemoveFirst();
                if (_tried.Add(node))
                    return true;
            }

            node = default;
            return false;
        }

        /// <summary>A node named the leader: it is tried next.</summary>
        public void Name(NodeAddresses leader)
        {
            if (leader.TryFind(_route._portName, out string host, out int port) && _named++ < NamedMax)
                _next.AddFirst(new NodePort(host, port));
        }
    }
}
