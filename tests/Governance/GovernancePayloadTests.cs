using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Governance;

namespace Settlement.Tests.Governance;

/// <summary>Payloads and messages lie as they are pictured, and there is one encoding of each.</summary>
public sealed class GovernancePayloadTests
{
    private static readonly byte[] s_key = [.. Enumerable.Range(1, 64).Select(i => (byte)i)];
    private static readonly byte[] s_signature = [.. Enumerable.Range(65, 64).Select(i => (byte)i)];
    private static readonly byte[] s_hash = [.. Enumerable.Range(129, 32).Select(i => (byte)i)];
    private static readonly byte[] s_device = [.. Enumerable.Range(170, 16).Select(i => (byte)i)];

    private static IEnumerable<TestCaseData> Payloads()
    {
        Digest hash = Digest.From(s_hash);
        KeyId device = KeyId.From(s_device);
        SignatureP256 signature = SignatureP256.From(s_signature);
        yield return Case("founding", new ModuleFounding("us", 3, 2, 258).Encode(), [3, 0, 2, 0, 2, 1, 2, .. "us"u8],
            bytes => ModuleFounding.TryDecode(bytes, out ModuleFounding? it) ? it.Encode() : null);
        yield return Case("device", new DeviceRegistration(NodeKey.From(s_key), "us", "Acme").Encode(), [.. s_key, 2, .. "us"u8, 4, .. "Acme"u8],
            bytes => DeviceRegistration.TryDecode(bytes, out DeviceRegistration? it) ? it.Encode() : null);
        yield return Case("revocation", new DeviceRevocation(device).Encode(), s_device,
            bytes => DeviceRevocation.TryDecode(bytes, out DeviceRevocation? it) ? it.Encode() : null);
        yield return Case("proposal", new ProposalCommand(ProposalPayload.OfText("us", 7, "law"), device, signature).Encode(),
            [1, 0, 0, 0, 7, 0, 0, 0, .. s_device, .. s_signature, 2, .. "us"u8, .. "law"u8],
            bytes => ProposalCommand.TryDecode(bytes, out ProposalCommand? it) ? it.Encode() : null);
        yield return Case("admission", new ProposalCommand(ProposalPayload.OfDevice("us", NodeKey.From(s_key), "Acme"), device, signature).Encode(),
            [4, 0, 0, 0, 0, 0, 0, 0, .. s_device, .. s_signature, 2, .. "us"u8, .. s_key, 4, .. "Acme"u8],
            bytes => ProposalCommand.TryDecode(bytes, out ProposalCommand? it) ? it.Encode() : null);
        yield return Case("sandbox", new SandboxRecord(1, 2, 3, hash).Encode(), [.. Number(1), .. Number(2), .. Number(3), .. s_hash],
            bytes => SandboxRecord.TryDecode(bytes, out SandboxRecord? it) ? it.Encode() : null);
        yield return Case("vote", new VoteCommand(9, hash, true, device, signature).Encode(), [.. Number(9), .. s_hash, .. s_device, .. s_signature, 1],
            bytes => VoteCommand.TryDecode(bytes, out VoteCommand? it) ? it.Encode() : null);
        yield return Case("schedule", new ScheduleCommand(9, hash, ActivationPoint.AtTime(5)).Encode(), [.. Number(9), .. s_hash, 2, .. Number(5)],
            bytes => ScheduleCommand.TryDecode(bytes, out ScheduleCommand? it) ? it.Encode() : null);
        yield return Case("parameter", new ParameterCommand(978, "rate", 5, ActivationPoint.AtSequence(6)).Encode(),
            [0xD2, 3, .. Number(5), 1, .. Number(6), 4, .. "rate"u8],
            bytes => ParameterCommand.TryDecode(bytes, out ParameterCommand? it) ? it.Encode() : null);
        yield return Case("attestation", new PlanAttestation(hash, 20_000, true, hash).Encode(), [.. s_hash, 0x20, 0x4E, 0, 0, 1, .. s_hash],
            bytes => PlanAttestation.TryDecode(bytes, out PlanAttestation? it) ? it.Encode() : null);
        yield return Case("decision", new ReviewDecision(1, 2, 3, true, device, signature, "why").Encode(),
            [.. Number(1), .. Number(0), 2, 0, .. Number(3), .. Number(0), .. s_device, .. s_signature, 1, .. "why"u8],
            bytes => ReviewDecision.TryDecode(bytes, out ReviewDecision? it) ? it.Encode() : null);
    }

    [TestCaseSource(nameof(Payloads))]
    public void A_payload_lies_as_pictured_and_is_read_again(byte[] encoded, byte[] pictured, Func<byte[], byte[]?> again)
    {
        Assert.That(encoded, Is.EqualTo(pictured));
        Assert.That(again(encoded), Is.EqualTo(encoded));
    }

    /// <summary>Whatever bytes are read: what they decode to encodes to them, and no others.</summary>
    [TestCaseSource(nameof(Payloads))]
    public void No_other_bytes_stand_for_a_payload(byte[] encoded, byte[] pictured, Func<byte[], byte[]?> again)
    {
        for (int length = 0; length < encoded.Length; length++)
            if (again(encoded[..length]) is { } cut)
                Assert.That(cut, Is.EqualTo(encoded[..length]));
        Random random = PrintedSeed.Create();
        int refused = 0;
        for (int round = 0; round < 3_000; round++)
        {
            byte[] bytes = random.Next(4) == 0 ? [.. encoded, (byte)random.Next(256)] : [.. encoded];
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (again(bytes) is { } read)
                Assert.That(read, Is.EqualTo(bytes));
            else
                refused++;
        }

        Assert.That(refused, Is.Positive);
    }

    [Test]
    public void Messages_lie_as_pictured_and_differ_by_ledger_and_purpose()
    {
        ProposalPayload payload = ProposalPayload.OfText("us", 7, "law");
        Digest hash = payload.Hash();
        Assert.That(hash, Is.EqualTo(Digest.From(SHA256.HashData([1, 7, 0, 0, 0, 2, .. "us"u8, .. "law"u8]))));
        byte[] ledger = [.. Number(7), .. Number(0)];
        byte[] hashBytes = ((ReadOnlySpan<byte>)hash).ToArray();
        Assert.That(GovernanceMessage.OfProposal(7, payload), Is.EqualTo((byte[])[.. Tag("settlement proposal v1"), .. ledger, .. hashBytes]));
        Assert.That(GovernanceMessage.OfVote(7, 9, hash, true), Is.EqualTo((byte[])[.. Tag("settlement vote v1"), .. ledger, .. Number(9), .. hashBytes, 1]));
        Assert.That(GovernanceMessage.OfDecision(7, 1, 2, 3, false, "why"), Is.EqualTo((byte[])
            [.. Tag("settlement decision v1"), .. ledger, .. Number(1), .. Number(0), 2, 0, .. Number(3), .. Number(0), 0, .. SHA256.HashData("why"u8)]));
    }

    [Test]
    public void Slots_carry_a_payload_behind_a_plain_head()
    {
        byte[] payload = [.. Enumerable.Range(0, 130).Select(i => (byte)i)];
        Payment[] slots = PayloadCommand.ToSlots(Instruction.Vote, 5, payload);
        ControlCommand head = System.Runtime.InteropServices.MemoryMarshal.Cast<Payment, ControlCommand>(slots)[0];
        Assert.That((slots.Length, head.Instruction, head.Session, head.ContinuationBytes), Is.EqualTo((4, Instruction.Vote, (ushort)5, 130u)));
        Assert.That(System.Runtime.InteropServices.MemoryMarshal.AsBytes(slots.AsSpan(1))[..130].ToArray(), Is.EqualTo(payload));
    }

    private static TestCaseData Case(string name, byte[] encoded, byte[] pictured, Func<byte[], byte[]?> again) => new TestCaseData(encoded, pictured, again).SetArgDisplayNames(name);

    private static byte[] Number(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Tag(string tag) => [.. Encoding.ASCII.GetBytes(tag), .. new byte[32 - tag.Length]];
}
