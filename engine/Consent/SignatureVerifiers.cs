using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Consent;

/// <summary>Checks signatures under one public key. One thread at a time.</summary>
public interface ISignatureVerifier : IDisposable
{
    /// <summary>Whether the key's owner signed the message. Bytes may be anything.</summary>
    bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);
}

/// <summary>
/// Purpose: one place where a scheme's number becomes an algorithm. P-256 is the framework's; ML-DSA-65 is BouncyCastle's, because the platform's OpenSSL
/// (3.0) has none. Failure assumed: keys and signatures of clients may be anything.
/// </summary>
public static class SignatureVerifiers
{
    /// <summary>Null: the bytes are no key of that scheme.</summary>
    /// <param name="scheme">How it signs.</param>
    /// <param name="spki">In its form (<see cref="PublicKeyForm"/>).</param>
    public static ISignatureVerifier? TryOpen(SignatureScheme scheme, ReadOnlySpan<byte> spki)
    {
        if (!PublicKeyForm.IsOf(scheme, spki))
            return null;
        ReadOnlySpan<byte> key = PublicKeyForm.KeyBytesOf(scheme, spki);
        if (scheme == SignatureScheme.P256)
            return NodeKey.From(key).TryOpen() is { } point ? new P256Verifier(point) : null;
        return new MlDsa65Verifier(MLDsaPublicKeyParameters.FromEncoding(MLDsaParameters.ml_dsa_65, key.ToArray()));
    }

    /// <summary>Whether a message is signed by a key: for the rare check. Whoever checks many keeps the verifier.</summary>
    public static bool Verifies(SignatureScheme scheme, ReadOnlySpan<byte> spki, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using ISignatureVerifier? verifier = TryOpen(scheme, spki);
        return verifier is not null && verifier.Verifies(message, signature);
    }

    private sealed class P256Verifier(ECDsa point) : ISignatureVerifier
    {
        public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
            signature.Length == NodeKey.SignatureBytes
            && point.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        public void Dispose() => point.Dispose();
    }

    private sealed class MlDsa65Verifier(MLDsaPublicKeyParameters key) : ISignatureVerifier
    {
        public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
        {
            if (signature.Length != PublicKeyForm.SignatureBytesOf(SignatureScheme.MlDsa65))
                return false;
            var signer = new MLDsaSigner(MLDsaParameters.ml_dsa_65, deterministic: true);
            signer.Init(forSigning: false, key);
            signer.BlockUpdate(message);
            return signer.VerifySignature(signature.ToArray());
        }

        public void Dispose()
        {
            // Nothing is held outside the managed heap.
        }
    }
}
