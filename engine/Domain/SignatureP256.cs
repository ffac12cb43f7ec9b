using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Settlement.Engine.Domain;

/// <summary>r and s of an ECDSA signature over P-256 (IEEE P1363), 64 bytes.</summary>
[InlineArray(Size)]
public struct SignatureP256 : IEquatable<SignatureP256>
{
    public const int Size = NodeKey.SignatureBytes;

    private byte _first;

    public static SignatureP256 From(ReadOnlySpan<byte> bytes)
    {
        SignatureP256 signature = default;
        bytes[..Size].CopyTo(signature);
        return signature;
    }

    /// <summary>Signs a message, of its SHA-256.</summary>
    public static SignatureP256 Sign(ECDsa device, ReadOnlySpan<byte> message) =>
        From(device.SignData(message.ToArray(), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));

    /// <summary>Whether the key's owner signed the message.</summary>
    public readonly bool IsOf(in NodeKey key, ReadOnlySpan<byte> message)
    {
        using ECDsa? verifier = key.TryOpen();
        return verifier is not null
            && verifier.VerifyData(message, this, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    public readonly bool Equals(SignatureP256 other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is SignatureP256 other && Equals(other);

    public override readonly int GetHashCode() => this[0] | this[1] << 8 | this[2] << 16 | this[3] << 24;

    public static bool operator ==(SignatureP256 left, SignatureP256 right) => left.Equals(right);

    public static bool operator !=(SignatureP256 left, SignatureP256 right) => !left.Equals(right);
}
