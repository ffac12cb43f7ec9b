using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>How a public key signs. Numbers are stable.</summary>
public enum SignatureScheme : byte
{
    None = 0,

    /// <summary>ECDSA over P-256 with SHA-256; signatures are r and s, 64 bytes (IEEE P1363).</summary>
    P256 = 1,

    /// <summary>ML-DSA-65 (FIPS 204); signatures of 3,309 bytes.</summary>
    MlDsa65 = 2,
}

/// <summary>What the payer gave for a payment beside the payment.</summary>
public enum EvidenceKind : byte
{
    None = 0,

    /// <summary>
    /// A link of the SHA-256 chain that the payer committed to (PayWord, Rivest and Shamir 1996): that of the payment's number in its stream. It stands for
    /// all lower numbers too, so a stream needs one of each frame and block: of its highest number there.
    /// </summary>
    Link = 1,

    /// <summary>A signature of one of the payer's keys over the payment (<c>PaymentMessage</c>).</summary>
    Signature = 2,
}

/// <summary>
/// The head of one piece of evidence; its bytes follow, zero-padded to 8. So it travels in a frame, and so it stands in the attachment of the block.
/// </summary>
/// <remarks><code>
///  0    1    2       4        8               16
///  |kind|sche|length | index  | key           | link or signature, padded …
/// </code></remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct EvidenceEntry
{
    public const int Size = 16;

    /// <summary>A link: a SHA-256.</summary>
    public const int LinkBytes = 32;

    /// <summary>A link with its head: what a stream costs in a frame or block.</summary>
    public const int LinkSize = Size + LinkBytes;

    [FieldOffset(0)] public EvidenceKind Kind;

    /// <summary>Of a signature; none for a link.</summary>
    [FieldOffset(1)] public SignatureScheme Scheme;

    /// <summary>Bytes behind this head, without the padding.</summary>
    [FieldOffset(2)] public ushort Length;

    /// <summary>Which payment, from 0: of its frame, or of its block.</summary>
    [FieldOffset(4)] public uint Index;

    /// <summary>
    /// Which of the payer's keys signed: its number in the wallet, from 1. Of a link in a block: the sequence at which the chain was opened that it was checked against, so that
    /// it never counts for a later chain of the same stream; in a frame 0.
    /// </summary>
    [FieldOffset(8)] public ulong Key;

    /// <summary>Bytes behind this head, with the padding.</summary>
    public readonly int PaddedLength => (Length + 7) & ~7;
}
