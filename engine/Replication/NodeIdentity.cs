using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Replication;

/// <summary>
/// Who a node is to the other nodes of its cluster: a P-256 key of its own, and a certificate that this key signed and that names the ledger. The others know the key's hash, the pin; no authority stands above it.
/// </summary>
/// <remarks>
/// Files: <c>node.pem</c> (certificate) and <c>node.key</c> (PKCS 8, readable by the owner only). The ledger in the certificate is not a secret and proves nothing alone; it lets two nodes that
/// prove their keys see, before a byte of the log is sent, that they are of different ledgers. The certificate does not expire: a pin is withdrawn by removing the member.
/// </remarks>
public sealed class NodeIdentity : IDisposable
{
    private const string CertificateFile = "node.pem";
    private const string KeyFile = "node.key";
    private const string LedgerPrefix = "OU=";

    private NodeIdentity(X509Certificate2 certificate, UInt128 ledgerId)
    {
        Certificate = certificate;
        LedgerId = ledgerId;
        Pin = PinOf(certificate);
    }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public UInt128 LedgerId { get; }

    public Digest Pin { get; }

    public static bool Exists(string directory) => File.Exists(Path.Combine(directory, CertificateFile));

    /// <summary>Makes a key and its certificate and writes both durably.</summary>
    /// <exception cref="IOException">There is one already, or the disk refused.</exception>
    public static NodeIdentity Create(string directory, UInt128 ledgerId)
    {
        Directory.CreateDirectory(directory);
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(string.Create(CultureInfo.InvariantCulture, $"CN=settlement-node, {LedgerPrefix}{ledgerId:x32}"), pair, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero));
        Write(Path.Combine(directory, KeyFile), pair.ExportPkcs8PrivateKeyPem(), isSecret: true);
        Write(Path.Combine(directory, CertificateFile), made.ExportCertificatePem(), isSecret: false);
        DirectoryFlush.Of(directory);
        return Load(directory);
    }

    /// <exception cref="ClusterException">The files are not there, or are not what <see cref="Create"/> wrote.</exception>
    public static NodeIdentity Load(string directory)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(directory, CertificateFile), Path.Combine(directory, KeyFile));
            if (LedgerOf(certificate) is { } ledger)
                return new(certificate, ledger);
            certificate.Dispose();
            throw new ClusterException($"The certificate in '{directory}' names no ledger: it is not one that this program made. Restore node.pem, or make the node's identity anew and add it to the cluster again.");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ClusterException($"The node's identity in '{directory}' cannot be read ({refused.Message}). Restore node.pem and node.key.", refused);
        }
    }

    public static Digest PinOf(X509Certificate2 certificate) => Digest.From(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>The ledger that a certificate names; null: none.</summary>
    public static UInt128? LedgerOf(X509Certificate2 certificate)
    {
        foreach (string part in certificate.Subject.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith(LedgerPrefix, StringComparison.Ordinal)
                && UInt128.TryParse(part.AsSpan(LedgerPrefix.Length), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 ledger))
            {
                return ledger;
            }
        }

        return null;
    }

    public void Dispose() => Certificate.Dispose();

    private static void Write(string path, string text, bool isSecret)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (isSecret && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(System.Text.Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
    }
}

/// <summary>The cluster refuses something, or cannot do it. The message says what, why and what to do.</summary>
public class ClusterException : Exception
{
    public ClusterException(string message) : base(message) { }

    public ClusterException(string message, Exception inner) : base(message, inner) { }
}
