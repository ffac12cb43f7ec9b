using Settlement.Client.Wire;

namespace Settlement.Gateway.Serve.Roles;

/// <summary>This node takes no payments, because it does not lead. Of what was asked for nothing was carried out, unless <see cref="MayHaveHappened"/>.</summary>
/// <param name="leader">Where clients reach the node that does; none where no leader is known.</param>
/// <param name="mayHaveHappened">It led when it took what was asked for: the next leader may have it, or not.</param>
internal sealed class NotLeadingException(NodeAddresses leader, bool mayHaveHappened = false)
    : Exception(leader.IsEmpty ? "this node does not lead, and no leader is known now" : "another node leads")
{
    public NodeAddresses Leader { get; } = leader;

    public bool MayHaveHappened { get; } = mayHaveHappened;
}
