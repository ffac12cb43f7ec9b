using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Batch;

/// <summary>How a seal is signed.</summary>
public enum SealAlgorithm : ushort
{
    None = 0,

    /// <summary>ECDSA over P-256, of the SHA-256 of the batch header.</summary>
    EcdsaP256Sha256 = 1,
}

/// <summary>r and s of a signature (IEEE P1363), 64 bytes.</summary>
[InlineArray(NodeKey.SignatureBytes)]
public struct SignatureBytes
{
    private byte _first;
}

/// <summary>The attachment of a seal block, 84 bytes behind the statement: who signed the batch's <see cref="BatchHeader"/>, and how.</summary>
/// <remarks>
/// <code>
///   0       2       4               20                              84
///   | ver.  | algo. | key id        | signature: r          | s     |
/// </code>
/// An ECDSA signature draws a number, so two runs over the same payments sign the same batch with other bytes. Nothing follows from
/// them: they are no part of a statement, a state hash or a tree; only the chain of that one journal covers them.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct SealSignature
{
    public const int Size = 84;
    public const ushort FormatVersion = 1;

    [FieldOffset(0)] public ushort Version;
    [FieldOffset(2)] public SealAlgorithm Algorithm;
    [FieldOffset(4)] public KeyId KeyId;
    [FieldOffset(20)] public SignatureBytes Signature;

    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(new ReadOnlySpan<SealSignature>(in this));

    /// <summary>Signs a batch's header.</summary>
    public static SealSignature Of(ISealSigner signer, in BatchHeader header)
    {
        var signature = new SealSignature { Version = FormatVersion, Algorithm = SealAlgorithm.EcdsaP256Sha256, KeyId = signer.PublicKey.Id };
        signer.Sign(header.Bytes, signature.Signature);
        return signature;
    }
}

/// <summary>Holds the private half of a node's key.</summary>
public interface ISealSigner : IDisposable
{
    NodeKey PublicKey { get; }

    /// <summary>Signs a message. One thread at a time.</summary>
    /// <param name="message">Begins with a tag that says what it is.</param>
    /// <param name="signature">Of <see cref="NodeKey.SignatureBytes"/>.</param>
    void Sign(ReadOnlySpan<byte> message, Span<byte> signature);
}

/// <summary>Signs with a key pair in memory.</summary>
/// <remarks>Owns the pair. Failure assumed: none; a pair that cannot sign throws, and the engine stops before it publishes the batch.</remarks>
public sealed class SealSigner : ISealSigner
{
    private readonly ECDsa _pair;

    /// <param name="pair">Of P-256, with its private half.</param>
    /// <exception cref="CryptographicException">It is on another curve, or its halves do not belong together.</exception>
    public SealSigner(ECDsa pair)
    {
        PublicKey = NodeKey.Of(pair);
        _pair = pair;
        // A file may hold a public key beside a private one that is not its own: it would sign, and nothing would verify.
        using ECDsa? check = PublicKey.TryOpen();
        Span<byte> signature = stackalloc byte[NodeKey.SignatureBytes];
        Sign(ProbeTag, signature);
        if (check is null || !check.VerifyData(ProbeTag, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
            throw new CryptographicException("the private key and the public key beside it do not belong together");
    }

    public NodeKey PublicKey { get; }

    private static ReadOnlySpan<byte> ProbeTag => "settlement key probe v1"u8;

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        int bytes = _pair.SignData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        if (bytes != NodeKey.SignatureBytes)
            throw new CryptographicException($"a signature of {bytes} bytes, {NodeKey.SignatureBytes} are expected");
    }

    public void Dispose() => _pair.Dispose();
}
