using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Settlement.Engine.Domain;

/// <summary>
/// A node's public key: X and Y of a point of P-256, big-endian, 64 bytes, as they stand in a ledger's genesis block. Zero: no key.
/// </summary>
/// <remarks>
/// Only one form of each is read and written, so that a key has one id: the SubjectPublicKeyInfo with the curve by name and the point
/// uncompressed, which is what OpenSSL and the framework write.
/// <code>
///   0                                                26 27              59              91
///   | 30 59 30 13 06 07 … ecPublicKey, P-256 … 03 42 00|04| X             | Y             |
/// </code>
/// Failure assumed: any bytes may be given for a key, also such as are no point of the curve: nothing verifies under them.
/// </remarks>
[InlineArray(Size)]
public struct NodeKey : IEquatable<NodeKey>
{
    public const int Size = 2 * CoordinateBytes;

    /// <summary>X and Y; r and s of a signature are as long.</summary>
    public const int CoordinateBytes = 32;

    /// <summary>An ECDSA signature, r and s (IEEE P1363).</summary>
    public const int SignatureBytes = 2 * CoordinateBytes;

    private const string PemLabel = "PUBLIC KEY";

    private byte _first;

    /// <summary>DER of the SubjectPublicKeyInfo up to the point.</summary>
    private static ReadOnlySpan<byte> SpkiHead =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
        0x03, 0x42, 0x00, 0x04,
    ];

    public static NodeKey From(ReadOnlySpan<byte> bytes)
    {
        NodeKey key = default;
        bytes[..Size].CopyTo(key);
        return key;
    }

    /// <summary>The public half of a key pair.</summary>
    /// <exception cref="CryptographicException">It is on another curve.</exception>
    public static NodeKey Of(ECDsa pair)
    {
        ECParameters parameters = pair.ExportParameters(includePrivateParameters: false);
        if (parameters.Curve.Oid?.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            throw new CryptographicException("a key of the curve P-256 is expected");
        NodeKey key = default;
        parameters.Q.X!.CopyTo(key[..CoordinateBytes]);
        parameters.Q.Y!.CopyTo(key[CoordinateBytes..]);
        return key;
    }

    public readonly bool IsNone => !((ReadOnlySpan<byte>)this).ContainsAnyExcept((byte)0);

    public readonly KeyId Id => KeyId.From(SHA256.HashData(Spki()));

    /// <summary>DER of the SubjectPublicKeyInfo.</summary>
    public readonly byte[] Spki() => [.. SpkiHead, .. (ReadOnlySpan<byte>)this];

    public readonly string ToPem() => PemEncoding.WriteString(PemLabel, Spki()) + "\n";

    /// <summary>Reads what <see cref="ToPem"/> writes, or OpenSSL for the same key.</summary>
    public static bool TryParsePem(ReadOnlySpan<char> text, out NodeKey key)
    {
        key = default;
        if (!PemEncoding.TryFind(text, out PemFields fields) || text[fields.Label] is not PemLabel)
            return false;
        Span<byte> der = stackalloc byte[128];
        if (!Convert.TryFromBase64Chars(text[fields.Base64Data], der, out int bytes) || bytes != SpkiHead.Length + Size || !der.StartsWith(SpkiHead))
            return false;
        key = From(der[SpkiHead.Length..]);
        return true;
    }

    /// <summary>Makes what verifies signatures under this key; null where it is no point of the curve.</summary>
    public readonly ECDsa? TryOpen()
    {
        try
        {
            return ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = this[..CoordinateBytes].ToArray(), Y = this[CoordinateBytes..].ToArray() },
            });
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public readonly bool Equals(NodeKey other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is NodeKey other && Equals(other);

    public override readonly int GetHashCode() => MemoryMarshal.Read<int>(this);

    public override readonly string ToString() => Convert.ToHexStringLower(this);

    public static bool operator ==(NodeKey left, NodeKey right) => left.Equals(right);

    public static bool operator !=(NodeKey left, NodeKey right) => !left.Equals(right);
}

/// <summary>What names a key: the first 16 bytes of the SHA-256 of its SubjectPublicKeyInfo.</summary>
[InlineArray(Size)]
public struct KeyId : IEquatable<KeyId>
{
    public const int Size = 16;

    private byte _first;

    public static KeyId From(ReadOnlySpan<byte> bytes)
    {
        KeyId id = default;
        bytes[..Size].CopyTo(id);
        return id;
    }

    public readonly bool Equals(KeyId other) => ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is KeyId other && Equals(other);

    public override readonly int GetHashCode() => MemoryMarshal.Read<int>(this);

    public override readonly string ToString() => Convert.ToHexStringLower(this);

    public static bool operator ==(KeyId left, KeyId right) => left.Equals(right);

    public static bool operator !=(KeyId left, KeyId right) => !left.Equals(right);
}
