using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Governance;

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
