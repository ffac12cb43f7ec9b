using System.Text;
using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Reference;

/// <summary>
/// Signatures by other code than the engine's, and the same on every run: keys come from a number, ECDSA's nonce from key and message (RFC 6979), ML-DSA signs without chance.
/// Messages are of the ledger with id 0, as generated histories are.
/// </summary>
public static class NaiveSignatures
{
    private static readonly X9ECParameters s_curve = CustomNamedCurves.GetByName("P-256");
    private static readonly ECDomainParameters s_p256 = new(s_curve.Curve, s_curve.G, s_curve.N, s_curve.H);

    /// <summary>Tag of 32 bytes, ledger id 0, and what is signed.</summary>
    public static byte[] Message(string tag, byte[] content) => [.. Encoding.ASCII.GetBytes(tag.PadRight(32, '\0')), .. new byte[16], .. content];

    public static bool IsKey(SignatureScheme scheme, byte[] spki)
    {
        if (scheme != SignatureScheme.P256)
            return true;
        BigInteger x = new(1, spki, 27, 32), y = new(1, spki, 59, 32);
        if (x.CompareTo(s_curve.Curve.Field.Characteristic) >= 0 || y.CompareTo(s_curve.Curve.Field.Characteristic) >= 0)
            return false;
        return s_curve.Curve.CreatePoint(x, y).IsValid();
    }

    public static bool Verifies(SignatureScheme scheme, byte[] spki, byte[] message, byte[] signature)
    {
        if (scheme == SignatureScheme.MlDsa65)
        {
            if (signature.Length != 3_309)
                return false;
            var verifier = new MLDsaSigner(MLDsaParameters.ml_dsa_65, deterministic: true);
            verifier.Init(forSigning: false, MLDsaPublicKeyParameters.FromEncoding(MLDsaParameters.ml_dsa_65, spki[22..]));
            verifier.BlockUpdate(message, 0, message.Length);
            return verifier.VerifySignature(signature);
        }

        if (signature.Length != 64)
            return false;
        var ecdsa = new ECDsaSigner();
        ecdsa.Init(forSigning: false, new ECPublicKeyParameters(s_curve.Curve.DecodePoint(spki[26..]), s_p256));
        return ecdsa.VerifySignature(Sha256(message), new BigInteger(1, signature, 0, 32), new BigInteger(1, signature, 32, 32));
    }

    private static byte[] Sha256(byte[] message) => System.Security.Cryptography.SHA256.HashData(message);

    /// <summary>A pair of keys of an owner in a generated history.</summary>
    public sealed class Pair
    {
        private readonly ECPrivateKeyParameters? _p256;
        private readonly MLDsaPrivateKeyParameters? _mlDsa;

        public Pair(ulong number, SignatureScheme scheme)
        {
            Scheme = scheme;
            byte[] seed = Sha256(BitConverter.GetBytes(number));
            if (scheme == SignatureScheme.MlDsa65)
            {
                _mlDsa = MLDsaPrivateKeyParameters.FromSeed(MLDsaParameters.ml_dsa_65, seed);
                Spki = PublicKeyForm.OfMlDsa65(_mlDsa.GetPublicKeyEncoded());
                return;
            }

            seed[0] &= 0x7F; // below the curve's order
            _p256 = new ECPrivateKeyParameters(new BigInteger(1, seed), s_p256);
            byte[] point = s_curve.G.Multiply(_p256.D).Normalize().GetEncoded(compressed: false);
            Spki = NodeKey.From(point.AsSpan(1)).Spki();
        }

        public SignatureScheme Scheme { get; }

        public byte[] Spki { get; }

        public byte[] Sign(byte[] message)
        {
            if (_mlDsa is not null)
            {
                var signer = new MLDsaSigner(MLDsaParameters.ml_dsa_65, deterministic: true);
                signer.Init(forSigning: true, _mlDsa);
                signer.BlockUpdate(message, 0, message.Length);
                return signer.GenerateSignature();
            }

            var ecdsa = new ECDsaSigner(new HMacDsaKCalculator(new Sha256Digest()));
            ecdsa.Init(forSigning: true, _p256!);
            BigInteger[] signature = ecdsa.GenerateSignature(Sha256(message));
            return [.. Padded(signature[0]), .. Padded(signature[1])];
        }

        private static byte[] Padded(BigInteger number)
        {
            byte[] bytes = number.ToByteArrayUnsigned();
            return [.. new byte[32 - bytes.Length], .. bytes];
        }
    }
}
