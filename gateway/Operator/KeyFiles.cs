using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Gateway.Init;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Operator;

/// <summary>A public key as its file has it.</summary>
internal sealed record PublicKey(SignatureScheme Scheme, byte[] Spki)
{
    public KeyId Id => PublicKeyForm.IdOf(Spki);
}

/// <summary>Files of keys that speak for a session or sign for a wallet: the private half stays with who has it, the public half goes to the operator.</summary>
internal static class KeyFiles
{
    private const string PublicLabel = "PUBLIC KEY";
    private const int PublicBytesMax = 16 << 10;

    /// <summary>Draws a key of P-256.</summary>
    /// <returns>The public half and its file.</returns>
    /// <exception cref="UsageException">There is a file already.</exception>
    public static (NodeKey Key, string PublicPath) Make(string path)
    {
        string publicPath = path.EndsWith(".key", StringComparison.Ordinal) || path.EndsWith(".pem", StringComparison.Ordinal)
            ? Path.ChangeExtension(path, ".pub") : path + ".pub";
        var file = new PrivateKeyFile(path, "a session's or a wallet's", "FILE");
        string? taken = file.Exists ? path : File.Exists(publicPath) ? publicPath : null;
        if (taken is not null || !file.TryMake())
            throw new UsageException($"There is a file '{taken ?? path}' already, and a key is never written over. Name another.");
        using ECDsa pair = Open(path);
        NodeKey key = NodeKey.Of(pair);
        PrivateKeyFile.WritePublic(publicPath, key.ToPem());
        return (key, publicPath);
    }

    /// <summary>A private key, ready to sign.</summary>
    /// <exception cref="UsageException">The file cannot be used.</exception>
    public static ECDsa Open(string path, string option = "--key FILE")
    {
        var file = new PrivateKeyFile(path, "a session's or a wallet's", option);
        if (!file.Exists)
            throw new UsageException($"{option[..option.LastIndexOf(' ')]} {path}: there is no such file; `key new {path}` makes a key.");
        return file.Open(static pair =>
        {
            _ = new SealSigner(pair); // throws where the halves do not belong together
            return pair;
        });
    }

    /// <summary>A public key of any scheme: SubjectPublicKeyInfo PEM, or the certificate that holds it.</summary>
    /// <exception cref="UsageException">The file holds none.</exception>
    public static PublicKey ReadPublic(string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"'{path}': no such file; a public key is expected, such as `key new` writes beside the private one.");
        if (new FileInfo(path).Length > PublicBytesMax)
            throw new UsageException($"'{path}' holds no public key: it is too long for one.");
        string text = File.ReadAllText(path, Encoding.UTF8);
        if (PemEncoding.TryFind(text, out PemFields fields) && text[fields.Label] is PublicLabel)
        {
            byte[] der = new byte[fields.DecodedDataLength];
            if (Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out int length) && PublicKeyForm.SchemeOf(der.AsSpan(0, length)) is var scheme and not SignatureScheme.None)
                return new PublicKey(scheme, der[..length]);
        }

        bool isPrivate = text.Contains("PRIVATE KEY", StringComparison.Ordinal);
        throw new UsageException(isPrivate
            ? $"'{path}' holds a private key, which nobody but its owner needs: give the public half, which `key new` writes beside it."
            : $"'{path}' holds no public key: expected the SubjectPublicKeyInfo of a P-256 or an ML-DSA-65 key in PEM (-----BEGIN {PublicLabel}-----).");
    }

    /// <summary>A key's id from its 32 hexadecimal digits, or from its public half's file.</summary>
    /// <exception cref="UsageException">It is neither.</exception>
    public static KeyId IdOf(string text)
    {
        Span<byte> bytes = stackalloc byte[KeyId.Size];
        return text.Length == 2 * KeyId.Size && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done
            ? KeyId.From(bytes)
            : ReadPublic(text).Id;
    }
}
