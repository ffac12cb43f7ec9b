using System.Globalization;
using System.Security.Cryptography;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;

namespace Settlement.History;

/// <summary>The steps of a check, in their order.</summary>
internal enum CheckStep
{
    None = 0,

    /// <summary>The receipt's key is the one that was named, and its id is that key's.</summary>
    Key = 1,

    /// <summary>Index, number of leaves and siblings make a path.</summary>
    Path = 2,

    /// <summary>The payment's leaf and the path lead to the batch's root.</summary>
    Root = 3,

    /// <summary>The header goes with the payment: its sequence, the number of accepted payments.</summary>
    Header = 4,

    /// <summary>The key signed the header.</summary>
    Signature = 5,
}

/// <summary>What a check found.</summary>
/// <param name="Failed">The first step that failed; none: the receipt is valid.</param>
/// <param name="What">What is wrong; empty: nothing.</param>
internal readonly record struct CheckResult(CheckStep Failed, string What)
{
    public bool IsValid => Failed == CheckStep.None;
}

/// <summary>Checks a receipt with nothing but itself and, where one is given, a node's public key.</summary>
/// <remarks>Never throws, whatever the receipt says.</remarks>
internal static class ReceiptCheck
{
    /// <param name="receipt">As it was read.</param>
    /// <param name="named">The key that must have signed it; null: whichever the receipt names, which proves no more than that somebody has such a key.</param>
    public static CheckResult Of(Receipt receipt, NodeKey? named)
    {
        BatchHeader header = receipt.Header;
        SealSignature seal = receipt.Seal;
        if (named is { } key && key != receipt.Key)
            return new(CheckStep.Key, $"it is signed by node key {receipt.Key.Id}, the key that was named is {key.Id}");
        if (seal.KeyId != receipt.Key.Id)
            return new(CheckStep.Key, $"its key id is {seal.KeyId}, its public key's is {receipt.Key.Id}");
        if (!MerklePath.TryFollow(receipt.Payment, receipt.Path, out Digest root))
        {
            return new(CheckStep.Path, string.Create(CultureInfo.InvariantCulture,
                $"leaf {receipt.Path.Index} of {receipt.Path.LeafCount} has no path of {receipt.Path.Siblings.Count} siblings"));
        }

        if (root != header.Root)
            return new(CheckStep.Root, $"payment, sequence, salt and path lead to root {root}, the batch's is {header.Root}");
        if ((ulong)receipt.Path.LeafCount != header.Accepted)
            return new(CheckStep.Header, string.Create(CultureInfo.InvariantCulture, $"the batch has {header.Accepted} accepted payments, its tree {receipt.Path.LeafCount} leaves"));
        if (receipt.Path.Sequence < header.FirstSequence || receipt.Path.Sequence > header.LastSequence)
        {
            return new(CheckStep.Header, string.Create(CultureInfo.InvariantCulture,
                $"sequence {receipt.Path.Sequence} is not among the batch's {header.FirstSequence} to {header.LastSequence}"));
        }

        using ECDsa? verifier = receipt.Key.TryOpen();
        return SealVerifier.IsSigned(verifier, in header, in seal)
            ? default
            : new(CheckStep.Signature, $"node key {receipt.Key.Id} did not sign this header of batch {header.Number.ToString(CultureInfo.InvariantCulture)}");
    }
}
