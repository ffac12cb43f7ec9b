using System.Security.Cryptography;

namespace Settlement.Engine.Domain;

/// <summary>
/// The one form in which a public key of each scheme is registered, named and shown: its SubjectPublicKeyInfo in DER, as OpenSSL and the framework write it.
/// </summary>
/// <remarks>
/// Invariant: one key has one form, so it has one <see cref="KeyId"/>.
/// <code>
///   P-256       0                  27              59              91
///               | head, … 00 04    | X             | Y             |
///   ML-DSA-65   0                  22                                 1974
///               | head, … 00       | rho and t1 (FIPS 204)            |
/// </code>
/// Failure assumed: any bytes may be given for a key. What has the form may still be no key (a point off the curve): nothing verifies under it.
/// </remarks>
public static class PublicKeyForm
{
    private const int MlDsa65KeyBytes = 1_952;
    private const int MlDsa65SignatureBytes = 3_309;

    /// <summary>The longest form of any scheme.</summary>
    public const int BytesMax = 1_974;

    /// <summary>The longest signature of any scheme.</summary>
    public const int SignatureBytesMax = MlDsa65SignatureBytes;

    /// <summary>DER up to the point: SEQUENCE { SEQUENCE { ecPublicKey, prime256v1 } BIT STRING { 04 …</summary>
    private static ReadOnlySpan<byte> P256Head =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
        0x03, 0x42, 0x00, 0x04,
    ];

    /// <summary>DER up to the key: SEQUENCE { SEQUENCE { id-ml-dsa-65 } BIT STRING { …</summary>
    private static ReadOnlySpan<byte> MlDsa65Head =>
    [
        0x30, 0x82, 0x07, 0xB2, 0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12, 0x03, 0x82, 0x07, 0xA1, 0x00,
    ];

    /// <summary>Bytes of a signature of the scheme; 0: there is no such scheme.</summary>
    public static int SignatureBytesOf(SignatureScheme scheme) => scheme switch
    {
        SignatureScheme.P256 => NodeKey.SignatureBytes,
        SignatureScheme.MlDsa65 => MlDsa65SignatureBytes,
        _ => 0,
    };

    /// <summary>Whether the bytes are a key of that scheme in its form.</summary>
    public static bool IsOf(SignatureScheme scheme, ReadOnlySpan<byte> spki) => scheme switch
    {
        SignatureScheme.P256 => spki.Length == P256Head.Length + NodeKey.Size && spki.StartsWith(P256Head),
        SignatureScheme.MlDsa65 => spki.Length == BytesMax && spki.StartsWith(MlDsa65Head),
        _ => false,
    };

    /// <summary>The scheme whose form the bytes have; <see cref="SignatureScheme.None"/>: of none.</summary>
    public static SignatureScheme SchemeOf(ReadOnlySpan<byte> spki) =>
        IsOf(SignatureScheme.P256, spki) ? SignatureScheme.P256
        : IsOf(SignatureScheme.MlDsa65, spki) ? SignatureScheme.MlDsa65
        : SignatureScheme.None;

    /// <summary>The key's own bytes, behind the head of its form: X and Y, or rho and t1.</summary>
    /// <param name="scheme">Of the key.</param>
    /// <param name="spki">In its form.</param>
    public static ReadOnlySpan<byte> KeyBytesOf(SignatureScheme scheme, ReadOnlySpan<byte> spki) =>
        spki[(scheme == SignatureScheme.P256 ? P256Head : MlDsa65Head).Length..];

    /// <summary>An ML-DSA-65 key of 1,952 bytes in its form.</summary>
    public static byte[] OfMlDsa65(ReadOnlySpan<byte> key) => key.Length == MlDsa65KeyBytes
        ? [.. MlDsa65Head, .. key]
        : throw new ArgumentException($"a key of ML-DSA-65 has {MlDsa65KeyBytes} bytes, not {key.Length}", nameof(key));

    /// <summary>What names a key, of any scheme.</summary>
    public static KeyId IdOf(ReadOnlySpan<byte> spki) => KeyId.From(SHA256.HashData(spki));
}
