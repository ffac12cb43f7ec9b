using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Client;

/// <summary>What a payer gave for a payment: a link of its chain, or a signature of one of its keys.</summary>
/// <param name="Index">Which payment of the call, from 0; evidence is given in rising order of it.</param>
/// <param name="Key">Of a signature: the key's number in the wallet, from 1.</param>
/// <param name="Bytes">The link or the signature.</param>
public readonly record struct PaymentEvidence(int Index, EvidenceKind Kind, SignatureScheme Scheme, ulong Key, ReadOnlyMemory<byte> Bytes)
{
    /// <param name="index">Of the payment with that link's number; it speaks for lower numbers of its frame, too.</param>
    /// <param name="link">As <see cref="PayWordChain.Link"/> gives it.</param>
    public static PaymentEvidence Link(int index, in Digest link) => new(index, EvidenceKind.Link, SignatureScheme.None, 0, ((ReadOnlySpan<byte>)link).ToArray());

    /// <summary>Signs a payment for its payer: one wallet's key, one payment, one ledger, sent by one participant.</summary>
    /// <param name="index">Which payment of the call.</param>
    /// <param name="ledgerId">As <see cref="SessionInfo.LedgerId"/> has it.</param>
    /// <param name="participant">Who will send it, as <see cref="SessionInfo.Participant"/> has it: ids are each participant's own.</param>
    /// <param name="payment">With its id: a signature is for that id.</param>
    /// <param name="key">The key's number in the wallet, from 1.</param>
    /// <param name="signer">Holds the key.</param>
    public static PaymentEvidence Sign(int index, UInt128 ledgerId, ushort participant, in Payment payment, ulong key, KeySigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return Signature(index, signer.Scheme, key, signer.Sign(ConsentMessage.OfPayment(ledgerId, in payment, participant)));
    }

    public static PaymentEvidence Signature(int index, SignatureScheme scheme, ulong key, ReadOnlyMemory<byte> signature) =>
        new(index, EvidenceKind.Signature, scheme, key, signature);

    /// <summary>Holds what one call gives against what a frame can carry: a frame is shared, and what is wrong in it would be refused for every call that shares it.</summary>
    /// <returns>The bytes that it takes in a frame.</returns>
    /// <exception cref="ArgumentException">It names no payment of the call, is out of order, or too large; says which.</exception>
    internal static int Check(ReadOnlySpan<PaymentEvidence> evidence, int payments)
    {
        int last = 0;
        long bytes = 0;
        for (int i = 0; i < evidence.Length; i++)
        {
            PaymentEvidence one = evidence[i];
            if (one.Index < 0 || one.Index >= payments)
                throw new ArgumentException($"evidence {i} is for payment {one.Index}, and the call has {payments}: indexes count the call's payments from 0", nameof(evidence));
            if (one.Index < last)
                throw new ArgumentException($"evidence {i} is for payment {one.Index}, behind that for payment {last}: order it by rising index", nameof(evidence));
            if (one.Bytes.Length > ushort.MaxValue)
                throw new ArgumentException($"evidence {i} has {one.Bytes.Length} bytes: a link has 32, and no signature more than {ushort.MaxValue}", nameof(evidence));
            last = one.Index;
            bytes += one.Size;
        }

        return bytes <= WireLimits.FrameEvidenceBytesMax ? (int)bytes
            : throw new ArgumentException($"the evidence takes {bytes} bytes, and a frame carries {WireLimits.FrameEvidenceBytesMax}: give fewer payments at a time", nameof(evidence));
    }

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
