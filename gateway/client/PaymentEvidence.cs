using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>What a payer gave for a payment: a link of its chain, or a signature of one of its keys.</summary>
/// <param name="Index">Which payment of the call, from 0; evidence is given in rising order of it.</param>
/// <param name="Key">Of a signature: the key's number in the wallet, from 1.</param>
/// <param name="Bytes">The link or the signature.</param>
public readonly record struct PaymentEvidence(int Index, EvidenceKind Kind, SignatureScheme Scheme, ulong Key, ReadOnlyMemory<byte> Bytes)
{
    public static PaymentEvidence Link(int index, ReadOnlyMemory<byte> link) => new(index, EvidenceKind.Link, SignatureScheme.None, 0, link);

    public static PaymentEvidence Signature(int index, SignatureScheme scheme, ulong key, ReadOnlyMemory<byte> signature) =>
        new(index, EvidenceKind.Signature, scheme, key, signature);

    internal int Size => EvidenceEntry.Size + ((Bytes.Length + 7) & ~7);

    /// <summary>Writes it as it stands in a frame; the space is zero.</summary>
    internal int Write(Span<byte> space, int indexInFrame)
    {
        var entry = new EvidenceEntry { Kind = Kind, Scheme = Scheme, Length = checked((ushort)Bytes.Length), Index = (uint)indexInFrame, Key = Key };
        MemoryMarshal.Write(space, in entry);
        Bytes.Span.CopyTo(space[EvidenceEntry.Size..]);
        return Size;
    }
}
