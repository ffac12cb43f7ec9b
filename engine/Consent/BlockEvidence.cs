using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;

namespace Settlement.Engine.Consent;

/// <summary>
/// The evidence of the block that is being applied: which payment was signed by which of its payer's keys, and which links were revealed. It stands in the block's attachment, so every
/// replica and every replay finds the same; that signatures and links are right was checked before they were journaled, and `replay verify` checks it again.
/// </summary>
/// <remarks>
/// Invariant: entries ascend by payment, as they stand in the attachment. Grows to what the largest attachment needs, and stays.
/// Failure assumed: an attachment that is not made of entries is a ledger that these rules did not make; it is named and refused.
/// Written by: settle thread.
/// </remarks>
internal sealed class BlockEvidence
{
    private Signed[] _signed = [];
    private RevealedLink[] _links = [];
    private int _count;
    private int _linkCount;
    private ulong _firstSequence;

    /// <summary>In the order of their payments.</summary>
    public ReadOnlySpan<RevealedLink> Links => _links.AsSpan(0, _linkCount);

    /// <summary>Takes a block's attachment in the place of the one before.</summary>
    /// <param name="header">Of the block; its payments are what entries count.</param>
    /// <param name="attachment">Empty: the block has none.</param>
    /// <exception cref="LedgerBrokenException">It is not made of entries, in order, about payments of the block.</exception>
    public void Take(in BlockHeader header, ReadOnlySpan<byte> attachment)
    {
        (_count, _linkCount, _firstSequence) = (0, 0, header.FirstSequence);
        string? fault = header.Kind == BlockKind.Payments ? EvidenceReader.FaultOf(attachment, (int)header.Count) : "it is no block of payments";
        if (fault is not null)
            throw new LedgerBrokenException($"block {header.Number}: its attachment cannot be read: {fault}");
        var reader = new EvidenceReader(attachment);
        while (reader.Next())
        {
            EvidenceEntry entry = reader.Entry;
            if (entry.Kind == EvidenceKind.Link)
                Add(new RevealedLink(entry.Index, entry.Key, Digest.From(reader.Content)));
            else
                Add(new Signed(entry.Index, entry.Key, entry.Scheme));
        }
    }

    /// <summary>The block has no evidence.</summary>
    public void Clear() => (_count, _linkCount) = (0, 0);

    /// <summary>How many of the wallet's keys that are in force signed the payment of that sequence.</summary>
    public int CountSigners(ulong sequence, WalletConsent wallet)
    {
        Span<ulong> counted = stackalloc ulong[ConsentBounds.WalletKeysMax]; // no more are in force at one time
        int count = 0;
        ulong index = sequence - _firstSequence;
        for (int i = FirstOf(index); i < _count && _signed[i].Index == index; i++)
        {
            Signed signed = _signed[i];
            if (wallet.Find(signed.Key) is { } key && key.Scheme == signed.Scheme && !counted[..count].Contains(signed.Key))
                counted[count++] = signed.Key;
        }

        return count;
    }

    private int FirstOf(ulong index)
    {
        int low = 0, high = _count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_signed[middle].Index < index)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private void Add(Signed signed)
    {
        if (_count == _signed.Length)
            Array.Resize(ref _signed, Math.Max(1_024, _count * 2));
        _signed[_count++] = signed;
    }

    private void Add(RevealedLink link)
    {
        if (_linkCount == _links.Length)
            Array.Resize(ref _links, Math.Max(256, _linkCount * 2));
        _links[_linkCount++] = link;
    }

    private readonly record struct Signed(uint Index, ulong Key, SignatureScheme Scheme);
}
