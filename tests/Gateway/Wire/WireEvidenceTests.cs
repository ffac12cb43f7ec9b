using System.Security.Cryptography;
using System.Runtime.InteropServices;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>Payments of wallets that ask for their owners' signatures.</summary>
internal sealed class WireEvidenceTests
{
    [Test]
    public void A_payment_with_its_payers_signature_is_accepted_and_one_without_is_not()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        using RawClient client = ledger.Operator();
        using ECDsa owner = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        client.SendCommand(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, 1, SignatureScheme.P256, owner.ExportSubjectPublicKeyInfo(), []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        client.SendCommand(Instruction.SetConsent, new ConsentSetting(1, ConsentPolicy.Signed, 1, 0, []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));

        Payment[] payments = ServedLedger.Pays(200);
        var evidence = new List<byte>();
        for (int i = 0; i < payments.Length; i++)
        {
            byte[] signature = owner.SignData(
                ConsentMessage.OfPayment(client.Challenge.LedgerId, in payments[i]), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            if (i % 10 == 3)
                signature[5] ^= 1;
            var piece = new byte[EvidenceEntry.Size + signature.Length];
            EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Index = (uint)i, Key = 1 }, signature);
            if (i % 10 != 7)
                evidence.AddRange(piece);
        }

        byte[] body = [.. MemoryMarshal.AsBytes(payments.AsSpan()), .. evidence];
        client.Send(FrameKind.Payments, new PaymentsBody { Count = 200, EvidenceBytes = (uint)evidence.Count }, body, FrameFlags.ListAll);
        client.SendPayments([ServedLedger.Pay(3, 4, 1, 8, 1)], FrameFlags.ListAll); // behind it, from a wallet that asks for nothing
        Verdict[] expected = [.. Enumerable.Range(0, 200).Select(i => i % 10 is 3 or 7 ? Verdict.ConsentMissing : Verdict.Accepted)];
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(expected));
        Assert.That(client.ReceiveVerdicts(), Is.EqualTo(new[] { Verdict.Accepted }));
        Assert.That(ledger.Host.Services.Counters.EvidenceDropped, Is.EqualTo(20));

        client.Send(FrameKind.Payments, new PaymentsBody { Count = 1, EvidenceBytes = 24 }, [.. MemoryMarshal.AsBytes(ServedLedger.Pays(1, stream: 9).AsSpan()), .. Enumerable.Repeat((byte)0xEE, 24)]);
        client.ExpectEnd(RefusalCode.Malformed);
    }
}
