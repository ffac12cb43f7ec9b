using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Governance;

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

/// <summary>
/// What devices sign. Each message begins with a tag of its own and the ledger's id, so a signature serves one purpose on one ledger; a vote also names
/// the proposal's number and its payload's hash, so it serves one proposal. All have a fixed length.
/// </summary>
/// <remarks><code>
///             0                               32              48
///   proposal  | "settlement proposal v1", 0…  | ledger id     | hash of the payload 32                                |  80
///   vote      | "settlement vote v1", 0…      | ledger id     | proposal 8 | hash of its payload 32 | yes 1            |  89
///   decision  | "settlement decision v1", 0…  | ledger id     | id 16 | participant 2 | target 16 | releases 1 | reason's SHA-256 32 | 115
/// </code></remarks>
public static class GovernanceMessage
{
    private const int TagBytes = 32;

    public static byte[] OfProposal(UInt128 ledgerId, ProposalPayload payload) =>
        Begin("settlement proposal v1", ledgerId).Bytes(payload.Hash()).ToArray();

    public static byte[] OfVote(UInt128 ledgerId, ulong proposal, in Digest payloadHash, bool isYes) =>
        Begin("settlement vote v1", ledgerId).UInt64(proposal).Bytes(payloadHash).Flag(isYes).ToArray();

    public static byte[] OfDecision(UInt128 ledgerId, UInt128 id, ushort participant, UInt128 target, bool releases, string reason) =>
        Begin("settlement decision v1", ledgerId).UInt128(id).UInt16(participant).UInt128(target).Flag(releases)
            .Bytes(SHA256.HashData(Encoding.UTF8.GetBytes(reason))).ToArray();

    /// <summary>A device's proposal, signed.</summary>
    public static ProposalCommand Propose(UInt128 ledgerId, ProposalPayload payload, ECDsa device) =>
        new(payload, NodeKey.Of(device).Id, SignatureP256.Sign(device, OfProposal(ledgerId, payload)));

    /// <summary>A device's vote, signed.</summary>
    public static VoteCommand Vote(UInt128 ledgerId, ulong proposal, in Digest payloadHash, bool isYes, ECDsa device) =>
        new(proposal, payloadHash, isYes, NodeKey.Of(device).Id, SignatureP256.Sign(device, OfVote(ledgerId, proposal, in payloadHash, isYes)));

    /// <summary>A device's decision about a held payment, signed.</summary>
    public static ReviewDecision Decide(UInt128 ledgerId, UInt128 id, ushort participant, UInt128 target, bool releases, string reason, ECDsa device) =>
        new(id, participant, target, releases, NodeKey.Of(device).Id,
            SignatureP256.Sign(device, OfDecision(ledgerId, id, participant, target, releases, reason)), reason);

    private static PayloadWriter Begin(string tag, UInt128 ledgerId)
    {
        Span<byte> padded = stackalloc byte[TagBytes];
        padded.Clear();
        Encoding.ASCII.GetBytes(tag, padded);
        return new PayloadWriter().Bytes(padded).UInt128(ledgerId);
    }
}

/// <summary>Commands with their continuation, ready for a journal's slots.</summary>
public static class GovernanceCommand
{
    /// <param name="instruction">One of 146..155.</param>
    /// <param name="session">Who sends it.</param>
    /// <param name="payload">What <c>Encode</c> of its record gave.</param>
    public static Payment[] ToSlots(Instruction instruction, ushort session, ReadOnlySpan<byte> payload)
    {
        var head = new ControlCommand { Instruction = instruction, Session = session, ContinuationBytes = (uint)payload.Length };
        var slots = new Payment[1 + head.ContinuationSlots];
        Span<byte> bytes = MemoryMarshal.AsBytes(slots.AsSpan());
        MemoryMarshal.Write(bytes, in head);
        payload.CopyTo(bytes[Payment.Size..]);
        return slots;
    }
}
