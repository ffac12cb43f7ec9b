using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>
/// Signs with a registered key, wherever it is kept. For a key in a security module, or of a scheme that the platform lacks, derive from it.
/// </summary>
public abstract class KeySigner
{
    /// <summary>Names the key: the first 16 bytes of the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public abstract KeyId KeyId { get; }

    public abstract SignatureScheme Scheme { get; }

    /// <summary>Signs a message in the scheme's own form: for P-256 r and s over its SHA-256.</summary>
    public abstract byte[] Sign(ReadOnlySpan<byte> message);

    /// <param name="pair">Of P-256. Stays the caller's.</param>
    public static KeySigner From(ECDsa pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        return new PairSigner(pair);
    }

    /// <summary>Reads a private key of P-256 (PKCS#8 PEM).</summary>
    /// <exception cref="SettlementException">The file has no such key.</exception>
    public static KeySigner FromFile(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new SettlementException($"the key file '{path}' cannot be read: {unreadable.Message}", unreadable);
        }

        var pair = ECDsa.Create();
        try
        {
            pair.ImportFromPem(text);
            return new PairSigner(pair);
        }
        catch (Exception unusable) when (unusable is ArgumentException or CryptographicException)
        {
            pair.Dispose();
            throw new SettlementException($"'{path}' is no private key of P-256 in PEM: {unusable.Message}", unusable);
        }
    }

    private sealed class PairSigner(ECDsa pair) : KeySigner
    {
        public override KeyId KeyId { get; } = NodeKey.Of(pair).Id;

        public override SignatureScheme Scheme => SignatureScheme.P256;

        public override byte[] Sign(ReadOnlySpan<byte> message)
        {
            lock (pair)
                return pair.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }
}
