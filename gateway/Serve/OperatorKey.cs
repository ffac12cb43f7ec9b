using Settlement.Engine.Domain;
using Settlement.Gateway.Init;

namespace Settlement.Gateway.Serve;

/// <summary>
/// The key of the operator's first session: made at the first start, <c>keys/operator.pem</c>, with its public half beside it. Whoever holds the file acts as the
/// operator; it can be taken from the machine once there are other keys.
/// </summary>
internal static class OperatorKey
{
    public const string PrivateName = "operator.pem";
    public const string PublicName = "operator.pub";

    /// <summary>The public half; makes the pair where there is none.</summary>
    /// <exception cref="Settle.UsageException">What is there cannot be used.</exception>
    public static NodeKey OpenOrMake(string folder)
    {
        Directory.CreateDirectory(folder);
        var file = new PrivateKeyFile(Path.Combine(folder, PrivateName), "the operator's", "Data");
        if (!file.Exists)
            file.TryMake();
        NodeKey key = file.Open(pair =>
        {
            NodeKey found = NodeKey.Of(pair);
            pair.Dispose();
            return found;
        });
        PrivateKeyFile.WritePublic(Path.Combine(folder, PublicName), key.ToPem());
        PrivateKeyFile.WritePublic(Path.Combine(folder, $"session-{Limits.OperatorSession}.pub"), key.ToPem());
        return key;
    }
}
