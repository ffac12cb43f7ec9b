using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Engine.Batch;
using Settlement.Engine.Domain;
using Settlement.Engine.Ledger;
using Settlement.Tests.Live;

namespace Settlement.Tests.Batch;

/// <summary>What is signed of a batch: its bytes, what it hides, and what becomes of a signature with any byte changed.</summary>
public sealed class BatchHeaderTests
{
    private static readonly UInt128 s_ledger = new(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210);

    [Test]
    public void The_signed_bytes_are_those_of_the_picture()
    {
        using LeafSalt salts = new(MerkleBuilderTests.SaltKey);
        ClosedBatch batch = Batch(number: 9);
        BatchHeader header = BatchHeader.Of(s_ledger, batch, salts);

        using var expected = new MemoryStream();
        using var writer = new BinaryWriter(expected);
        writer.Write("settlement batch v1\0\0\0\0\0"u8);
        foreach (ulong word in new ulong[] { 0xFEDC_BA98_7654_3210, 0x0123_4567_89AB_CDEF, 9, 101, 220, 1_000, 2_000, 70, 77 })
            writer.Write(word);
        writer.Write(Filled(1));
        writer.Write(Filled(3));
        writer.Write(Commitment(NaiveSaltOfTotals(9)));
        Assert.That(Convert.ToHexString(header.Bytes), Is.EqualTo(Convert.ToHexString(expected.ToArray())));
    }

    [Test]
    public void Totals_cannot_be_guessed_from_a_header_without_the_salt_of_the_totals()
    {
        using LeafSalt salts = new(MerkleBuilderTests.SaltKey);
        ClosedBatch truth = Batch(number: 9);
        Digest commitment = BatchHeader.Of(s_ledger, truth, salts).Commitment;

        // Every salt that a receipt of this ledger may show, and numbers that anybody knows.
        List<UInt128> known = [0, 1, 9, s_ledger, UInt128.MaxValue];
        foreach (ulong[] sequences in Enumerable.Range(0, 1_000).Select(at => (ulong)at).Chunk(LeafSalt.SequencesMax))
            known.AddRange(MemoryMarshal.Cast<byte, UInt128>(salts.Compute(sequences)));
        known.AddRange(Enumerable.Range(0, 100).Where(number => number != 9).Select(number => salts.OfTotals((ulong)number)));
        foreach (UInt128 salt in known)
            Assert.That(BatchHeader.CommitmentOf(truth, salt), Is.Not.EqualTo(commitment), "the truth, guessed");

        Assert.That(BatchHeader.CommitmentOf(truth, salts.OfTotals(9)), Is.EqualTo(commitment), "whom it is shown to can check it");
        Assert.That(known, Does.Not.Contain(salts.OfTotals(9)));
    }

    [Test]
    public void The_commitment_binds_every_figure_of_the_totals()
    {
        using LeafSalt salts = new(MerkleBuilderTests.SaltKey);
        UInt128 salt = salts.OfTotals(9);
        List<Digest> commitments =
        [
            BatchHeader.CommitmentOf(Batch(9), salt),
            BatchHeader.CommitmentOf(Batch(9, state: 4), salt),
            BatchHeader.CommitmentOf(Batch(9, gross: [new GrossValue(978, 5_001), new GrossValue(392, 7)]), salt),
            BatchHeader.CommitmentOf(Batch(9, gross: [new GrossValue(978, 5_000)]), salt),
            BatchHeader.CommitmentOf(Batch(9, gross: []), salt),
            BatchHeader.CommitmentOf(Batch(9, net: [new NetPosition(1, 978, -40, 0), new NetPosition(2, 978, 39, 1)]), salt),
            BatchHeader.CommitmentOf(Batch(9, net: [new NetPosition(2, 978, -40, 0), new NetPosition(1, 978, 40, 0)]), salt),
            BatchHeader.CommitmentOf(Batch(9, net: []), salt),
        ];
        Assert.That(commitments, Is.Unique);
    }

    [Test]
    public void A_signature_holds_for_its_header_and_for_no_other()
    {
        Genesis genesis = Keyed(out SealSigner signer);
        using (signer)
        using (var verifier = new SealVerifier(s_ledger, in genesis))
        using (ECDsa? key = genesis.NodeKey.TryOpen())
        {
            BatchHeader header = verifier.HeaderOf(Batch(9));
            SealSignature seal = SealSignature.Of(signer, in header);
            Assert.That(SealVerifier.IsSigned(key, in header, in seal));
            Assert.That(SealVerifier.IsSigned(null, in header, in seal), Is.False);
            for (int at = 0; at < BatchHeader.Size; at++)
            {
                BatchHeader other = header;
                MemoryMarshal.AsBytes(new Span<BatchHeader>(ref other))[at] ^= 1;
                Assert.That(SealVerifier.IsSigned(key, in other, in seal), Is.False, $"byte {at}");
            }
        }
    }

    [Test]
    public void Every_changed_byte_of_a_seals_attachment_is_found()
    {
        Random random = PrintedSeed.Create();
        Genesis genesis = Keyed(out SealSigner signer);
        using (signer)
        using (var verifier = new SealVerifier(s_ledger, in genesis))
        {
            ClosedBatch batch = Batch(9);
            BatchHeader header = verifier.HeaderOf(batch);
            byte[] good = SealSignature.Of(signer, in header).Bytes.ToArray();
            Assert.That(verifier.FaultOf(batch, good), Is.Null);
            for (int at = 0; at < good.Length; at++)
            {
                byte[] bad = [.. good];
                bad[at] ^= (byte)random.Next(1, 256);
                Assert.That(verifier.FaultOf(batch, bad), Is.Not.Null, $"byte {at}");
            }

            Assert.That(verifier.FaultOf(Batch(10), good), Does.Contain("did not make for it"), "of another batch");
            Assert.That(verifier.FaultOf(Batch(9, net: []), good), Does.Contain("did not make for it"), "other positions");
            Assert.That(verifier.FaultOf(batch, []), Does.Contain("is not signed"));
            Assert.That(verifier.FaultOf(batch, good.AsSpan(1)), Does.Contain("83 bytes"));
            Assert.That(verifier.FaultOf(batch, [.. good, 0]), Does.Contain("85 bytes"));
            Assert.That(new SealVerifier(s_ledger, genesis with { NodeKey = default }).FaultOf(batch, good), Does.Contain("names no key"));
            Assert.That(new SealVerifier(s_ledger, genesis with { NodeKey = default }).FaultOf(batch, []), Is.Null);
            Assert.That(new SealVerifier(1, in genesis).FaultOf(batch, good), Does.Contain("did not make for it"), "of another ledger");
        }
    }

    [Test]
    public void A_private_key_beside_another_public_one_signs_nothing()
    {
        ECParameters key = LiveLedger.NewKey();
        ECParameters other = LiveLedger.NewKey();
        using ECDsa larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.That(() => new SealSigner(larger), Throws.InstanceOf<CryptographicException>());
        Assert.That(
            () =>
            {
                using var pair = ECDsa.Create(new ECParameters { Curve = key.Curve, D = key.D, Q = other.Q });
                using var signer = new SealSigner(pair);
            },
            Throws.InstanceOf<CryptographicException>());
    }

    private static Genesis Keyed(out SealSigner signer)
    {
        signer = new SealSigner(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        return Genesis.Default(Digest.From(MerkleBuilderTests.SaltKey)) with { NodeKey = signer.PublicKey };
    }

    private static byte[] Filled(byte with) => [.. Enumerable.Repeat(with, 32)];

    private static ClosedBatch Batch(ulong number, byte state = 2, GrossValue[]? gross = null, NetPosition[]? net = null) => new()
    {
        Number = number,
        FirstSequence = 101,
        LastSequence = 220,
        OpenedNs = 1_000,
        ClosedNs = 2_000,
        Count = 70,
        Accepted = 77,
        Gross = gross ?? [new GrossValue(978, 5_000), new GrossValue(392, 7)],
        Net = net ?? [new NetPosition(1, 978, -40, 0), new NetPosition(2, 978, 40, 0)],
        RulesHash = Digest.From(Filled(1)),
        StateHash = Digest.From(Filled(state)),
        Root = Digest.From(Filled(3)),
    };

    /// <summary>The commitment of <see cref="Batch"/> as the pictures have it, byte by byte.</summary>
    private static byte[] Commitment(byte[] salt)
    {
        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        writer.Write(salt);
        writer.Write(Filled(2));
        writer.Write(2u);
        foreach ((ushort currency, ulong amount) in new[] { ((ushort)978, 5_000UL), ((ushort)392, 7UL) })
        {
            writer.Write(currency);
            writer.Write(amount);
            writer.Write(0UL);
        }

        writer.Write(2u);
        foreach ((ushort participant, long net) in new[] { ((ushort)1, -40L), ((ushort)2, 40L) })
        {
            writer.Write(participant);
            writer.Write((ushort)978);
            writer.Write(net);
            writer.Write(net < 0 ? -1L : 0L);
            writer.Write(0L);
            writer.Write(0L);
        }

        return SHA256.HashData(message.ToArray());
    }

    private static byte[] NaiveSaltOfTotals(ulong number)
    {
        using Aes aes = Aes.Create();
        aes.Key = MerkleBuilderTests.SaltKey;
        return aes.EncryptEcb([.. BitConverter.GetBytes(number), .. "totals 1"u8], PaddingMode.None);
    }
}
