using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Batch;

/// <summary>
/// Holds the signatures of a ledger's seals against the key in its genesis. For who checks a journal or proves something from it; recovery does
/// not (<see cref="BlockReplay"/> says why).
/// </summary>
/// <remarks>Cost: about 0.1 ms a seal. Failure assumed: any bytes may stand in an attachment; they are a sentence.</remarks>
public sealed class SealVerifier : IDisposable
{
    private readonly UInt128 _ledgerId;
    private readonly LeafSalt _salts;
    private readonly ECDsa? _verifier;

    public SealVerifier(UInt128 ledgerId, in Genesis genesis)
    {
        _ledgerId = ledgerId;
        Key = genesis.NodeKey;
        _salts = new LeafSalt(genesis.SaltKey);
        _verifier = Key.IsNone ? null : Key.TryOpen();
    }

    /// <summary>None: the ledger's seals are not signed.</summary>
    public NodeKey Key { get; }

    public BatchHeader HeaderOf(ClosedBatch batch) => BatchHeader.Of(_ledgerId, batch, _salts);

    /// <summary>What is wrong with the attachment of a batch's seal block; null: nothing.</summary>
    public string? FaultOf(ClosedBatch batch, ReadOnlySpan<byte> attachment)
    {
        if (Key.IsNone)
            return attachment.IsEmpty ? null : "is signed, and the ledger names no key";
        if (attachment.IsEmpty)
            return $"is not signed by node key {Key.Id}, nor by any";
        if (attachment.Length != SealSignature.Size)
            return $"carries {attachment.Length} bytes where its signature has {SealSignature.Size}";
        SealSignature seal = MemoryMarshal.Read<SealSignature>(attachment);
        if (seal.Version != SealSignature.FormatVersion || seal.Algorithm != SealAlgorithm.EcdsaP256Sha256)
            return $"is signed in a way that is not known here (version {seal.Version}, algorithm {(ushort)seal.Algorithm})";
        if (seal.KeyId != Key.Id)
            return $"is signed by node key {seal.KeyId}, the ledger's is {Key.Id}";
        BatchHeader header = HeaderOf(batch);
        return IsSigned(_verifier, in header, in seal) ? null : $"has a signature that node key {Key.Id} did not make for it";
    }

    /// <summary>Whether a batch header is signed. Never throws, whatever the bytes.</summary>
    /// <param name="verifier">Of <see cref="NodeKey.TryOpen"/>: null for a key under which nothing verifies.</param>
    /// <param name="header">What is said to be signed.</param>
    /// <param name="seal">Its signature.</param>
    public static bool IsSigned(ECDsa? verifier, in BatchHeader header, in SealSignature seal) =>
        verifier is not null
        && verifier.VerifyData(header.Bytes, seal.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    public void Dispose()
    {
        _salts.Dispose();
        _verifier?.Dispose();
    }
}
