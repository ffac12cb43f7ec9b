using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Init;

/// <summary>
/// The files of a node's key: <c>node.key</c>, the private half, and <c>node.pub</c>, the public half (SubjectPublicKeyInfo PEM), which is for everybody.
/// </summary>
internal static class NodeKeyFile
{
    public const string PrivateName = "node.key";
    public const string PublicName = "node.pub";

    /// <summary>With which `settle` and `init` name a node's key; other verbs, which have keys of devices too, say <c>--node-key</c>.</summary>
    public const string Option = "--key";

    /// <summary>The private half of the key that a ledger names.</summary>
    /// <exception cref="UsageException">It is not there, or cannot be used; says what to do.</exception>
    public static SealSigner Open(string path, string journal, NodeKey expected, string option = Option)
    {
        PrivateKeyFile file = FileOf(path, option);
        if (!file.Exists)
        {
            throw new UsageException(
                $"The ledger in '{journal}' signs its seals with node key {expected.Id}, and there is no file '{path}'. Put that key's file back, or name it: {option} FILE.");
        }

        SealSigner signer = Read(file);
        if (signer.PublicKey == expected)
            return signer;
        KeyId found = signer.PublicKey.Id;
        signer.Dispose();
        throw new UsageException($"'{path}' holds node key {found}; the ledger in '{journal}' signs its seals with {expected.Id}. Name the file of that key: {option} FILE.");
    }

    /// <summary>The key in a file; made, if there is none.</summary>
    /// <exception cref="UsageException">What is there cannot be used.</exception>
    public static NodeKey OpenOrMake(string path, out bool made)
    {
        PrivateKeyFile file = FileOf(path, Option);
        made = !file.Exists && file.TryMake();
        using SealSigner signer = Read(file);
        return signer.PublicKey;
    }

    /// <summary>Writes <c>node.pub</c> into a journal's directory.</summary>
    /// <returns>Its path.</returns>
    public static string WritePublic(string journal, NodeKey key)
    {
        string path = Path.Combine(journal, PublicName);
        PrivateKeyFile.WritePublic(path, key.ToPem());
        return path;
    }

    private static PrivateKeyFile FileOf(string path, string option) => new(path, "a node's", $"{option} FILE");

    private static SealSigner Read(PrivateKeyFile file) => file.Open(pair => new SealSigner(pair));
}
