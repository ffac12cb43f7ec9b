using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Gateway.Settle;

namespace Settlement.Gateway.Serve;

/// <summary>The certificate that the server's TLS ports show.</summary>
/// <param name="Certificate">With its private key.</param>
/// <param name="IsDevelopment">It was made by the server itself, for this machine: clients can only pin it.</param>
internal sealed record ServerCertificate(X509Certificate2 Certificate, bool IsDevelopment) : IDisposable
{
    /// <summary>Of the certificate that the server makes for itself.</summary>
    public const string DevelopmentName = "server.pem";

    private const int DaysValid = 3_650;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="UsageException">The files that were named cannot be used.</exception>
    public static ServerCertificate Open(ServeOptions options)
    {
        if (options.Certificate is { } named)
            return new ServerCertificate(Load(named, options.CertificateKey!), IsDevelopment: false);
        string certificate = Path.Combine(options.TlsFolder, DevelopmentName);
        string key = Path.Combine(options.TlsFolder, "server.key");
        if (!File.Exists(certificate) || !File.Exists(key))
            MakeDevelopment(options.TlsFolder, certificate, key);
        return new ServerCertificate(Load(certificate, key), IsDevelopment: true);
    }

    public void Dispose() => Certificate.Dispose();

    private static X509Certificate2 Load(string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception unusable) when (unusable is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The certificate in '{certificate}' with the key in '{key}' cannot be used: {unusable.Message} A PEM of each is expected that belong together.");
        }
    }

    private static void MakeDevelopment(string folder, string certificate, string key)
    {
        Directory.CreateDirectory(folder);
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Settlement development", pair, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(DaysValid));
        Write(key, pair.ExportPkcs8PrivateKeyPem(), OwnerOnly);
        Write(certificate, made.ExportCertificatePem(), OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>Whole under its name, or not there. Losing it costs only that clients must pin another.</summary>
    private static void Write(string path, string text, UnixFileMode mode)
    {
        string unfinished = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        using (var file = new StreamWriter(unfinished, options))
            file.WriteLine(text);
        File.Move(unfinished, path, overwrite: true);
    }
}
