using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Modules.Governance;

/// <summary>
/// The files of a voting device's key: the private half, which stays with who votes, and the public half, which goes to the operator: its maker, and the
/// SubjectPublicKeyInfo in PEM.
/// </summary>
/// <remarks><code>
///   maker: Acme Secure Devices
///   -----BEGIN PUBLIC KEY-----
///   …
/// </code></remarks>
internal static class DeviceKeyFile
{
    private const string MakerField = "maker: ";
    private const int PublicBytesMax = 16 << 10;

    /// <summary>Draws a device's key.</summary>
    /// <returns>The public half and its file.</returns>
    /// <exception cref="UsageException">There is a file already, or the maker's name cannot be one.</exception>
    public static (NodeKey Key, string PublicPath) Make(string path, string maker)
    {
        if (!GovernanceText.IsMaker(maker))
            throw new UsageException($"--maker '{maker}': expected a name of 1 to {GovernanceBounds.MakerBytesMax} printable ASCII letters, without spaces at its ends.");
        PrivateKeyFile file = FileOf(path);
        string publicPath = PublicPathOf(path);
        if (file.Exists || File.Exists(publicPath))
            throw new UsageException($"There is a file '{(file.Exists ? path : publicPath)}' already, and a key is never written over. Name another: {GovernanceOption.DeviceName} FILE.");
        if (!file.TryMake())
            throw new UsageException($"There is a file '{path}' already, and a key is never written over. Name another: {GovernanceOption.DeviceName} FILE.");
        using ECDsa pair = Open(path);
        NodeKey key = NodeKey.Of(pair);
        PrivateKeyFile.WritePublic(publicPath, $"{MakerField}{maker}\n{key.ToPem()}");
        return (key, publicPath);
    }

    /// <summary>The device, ready to sign.</summary>
    /// <exception cref="UsageException">The file cannot be used.</exception>
    public static ECDsa Open(string path)
    {
        PrivateKeyFile file = FileOf(path);
        if (!file.Exists)
            throw new UsageException($"{GovernanceOption.DeviceName} {path}: there is no such file; `rules device new` makes one.");
        return file.Open(static pair =>
        {
            _ = new SealSigner(pair); // throws where the halves do not belong together
            return pair;
        });
    }

    /// <summary>A device's public half and its maker.</summary>
    /// <exception cref="UsageException">The file holds none.</exception>
    public static (NodeKey Key, string Maker) ReadPublic(string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"'{path}': no such file; the public half that `rules device new` wrote is expected.");
        if (new FileInfo(path).Length > PublicBytesMax)
            throw new UsageException($"'{path}' holds no device's public key: it is too long for one.");
        string text = File.ReadAllText(path, Encoding.UTF8);
        int end = text.IndexOf('\n', StringComparison.Ordinal);
        string maker = text.StartsWith(MakerField, StringComparison.Ordinal) && end > 0 ? text[MakerField.Length..end].TrimEnd('\r') : "";
        if (!NodeKey.TryParsePem(text, out NodeKey key) || !GovernanceText.IsMaker(maker))
            throw new UsageException($"'{path}' holds no device's public key: expected the file ending in .pub that `rules device new` wrote beside the private one.");
        return (key, maker);
    }

    private static string PublicPathOf(string path) => path.EndsWith(".key", StringComparison.Ordinal) ? Path.ChangeExtension(path, ".pub") : path + ".pub";

    private static PrivateKeyFile FileOf(string path) => new(path, "a device's", $"{GovernanceOption.DeviceName} FILE");
}
