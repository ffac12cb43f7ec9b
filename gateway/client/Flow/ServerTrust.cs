using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Settlement.Client.Flow;

/// <summary>How the server is recognised: by its key, by authorities of the caller's choice, or by the machine's.</summary>
/// <remarks>A pinned key needs no name, no date and no authority: it is the server's, or it is not.</remarks>
internal sealed class ServerTrust
{
    private readonly byte[][]? _pins; // SHA-256 of the SubjectPublicKeyInfo, one a node
    private readonly X509Certificate2Collection? _authorities;

    /// <exception cref="SettlementException">A file or the pin cannot be read, or more than one way is given.</exception>
    public ServerTrust(ClientOptions options)
    {
        int ways = (options.ServerCertificateFile is null ? 0 : 1) + (options.ServerKeyPin is null ? 0 : 1) + (options.AuthorityFile is null ? 0 : 1);
        if (ways > 1)
            throw new SettlementException($"{nameof(options.ServerCertificateFile)}, {nameof(options.ServerKeyPin)}, {nameof(options.AuthorityFile)}: give one of them");
        if (options.Plain && (ways > 0 || options.Certificate is not null))
            throw new SettlementException($"{nameof(options.Plain)} has no certificates: leave it away, or them");
        try
        {
            if (options.ServerCertificateFile is { } file)
            {
                X509Certificate2Collection certificates = [];
                certificates.ImportFromPem(File.ReadAllText(file));
                if (certificates.Count == 0)
                    throw new CryptographicException("it holds no certificate");
                _pins = [.. certificates.Select(PinOf)];
                foreach (X509Certificate2 certificate in certificates)
                    certificate.Dispose();
            }
            else if (options.ServerKeyPin is { } pin)
            {
                _pins = [.. pin.Split(',').Select(one => Convert.FromHexString(one.Trim()))];
                if (!Array.TrueForAll(_pins, one => one.Length == SHA256.HashSizeInBytes))
                    throw new FormatException("64 hexadecimal digits are expected");
            }
            else if (options.AuthorityFile is { } authorities)
            {
                _authorities = [];
                _authorities.ImportFromPemFile(authorities);
            }
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or FormatException)
        {
            throw new SettlementException($"how the server is recognised cannot be read ({options.ServerCertificateFile ?? options.AuthorityFile ?? options.ServerKeyPin}): {unusable.Message}", unusable);
        }
    }

    public bool Recognises(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 shown)
            return false;
        if (_pins is not null)
        {
            byte[] key = PinOf(shown);
            return Array.Exists(_pins, pin => CryptographicOperations.FixedTimeEquals(key, pin));
        }

        if (_authorities is null)
            return errors == SslPolicyErrors.None;
        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
            return false;
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (chain is not null)
            own.ChainPolicy.ExtraStore.AddRange(chain.ChainElements.Select(element => element.Certificate).ToArray());
        return own.Build(shown);
    }

    private static byte[] PinOf(X509Certificate2 certificate) => SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo());
}
