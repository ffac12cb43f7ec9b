using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Replay;

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
                ConsentMessage.OfPayment(client.Challenge.LedgerId, in payments[i], participant: 0), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
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

    /// <summary>Ids are each participant's own: a signature that did not name one would pay once through each that may debit the wallet.</summary>
    [Test]
    public void A_signature_given_to_one_participant_pays_through_no_other()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        using RawClient client = ledger.Operator();
        using ECDsa owner = Owner(client, new MandateSetting(1, 2, true, 0, []));
        using ECDsa first = ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using ECDsa second = ledger.NewKeyOf(ServedLedger.SessionOfBank2);
        using RawClient bank1 = RawClient.Open(ledger.Binary, first, out SessionBody session);
        using RawClient bank2 = RawClient.Open(ledger.Binary, second, out _);
        Payment payment = ServedLedger.Pay(1, 2, 100, stream: 7, number: 1);
        byte[] signed = Signed(owner, client.Challenge.LedgerId, in payment, session.Participant);
        Assert.That(SendSigned(bank1, payment, signed), Is.EqualTo(Verdict.Accepted));
        Assert.That(SendSigned(bank2, payment, signed), Is.EqualTo(Verdict.ConsentMissing), "through another bank");
        Assert.That(SendSigned(client, payment, signed), Is.EqualTo(Verdict.ConsentMissing), "by the operator, who reads every journal");
        Assert.That(SendSigned(bank1, payment, signed), Is.EqualTo(Verdict.Duplicate));
        Payment other = payment with { IdLow = 2 };
        Assert.That(SendSigned(bank2, other, Signed(owner, client.Challenge.LedgerId, in other, participant: 2)), Is.EqualTo(Verdict.Accepted), "the mandate is there");
    }

    /// <summary>What the server changes of a payment it changes before it looks at signatures: else any client could make a journal that proves its leader a liar.</summary>
    [Test]
    public void A_signed_slot_that_is_no_payment_leaves_a_journal_that_verifies()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        using (RawClient client = ledger.Operator())
        {
            using ECDsa owner = Owner(client);
            Payment command = ServedLedger.Pay(1, 2, 100, stream: 7, number: 1) with { Instruction = (Instruction)200 };
            Payment own = ServedLedger.Pay(1, 2, 100, stream: 7, number: 2) with { Session = 3 };
            Assert.That(SendSigned(client, command, Signed(owner, client.Challenge.LedgerId, in command, participant: 0)), Is.EqualTo(Verdict.Malformed));
            Assert.That(SendSigned(client, own, Signed(owner, client.Challenge.LedgerId, in own, participant: 0)), Is.EqualTo(Verdict.UnknownSession));
            Payment good = ServedLedger.Pay(1, 2, 100, stream: 7, number: 3);
            Assert.That(SendSigned(client, good, Signed(owner, client.Challenge.LedgerId, in good, participant: 0)), Is.EqualTo(Verdict.Accepted));
        }

        ledger.Stop();
        using var output = new StringWriter();
        Assert.That(ReplayCommand.Run(["verify", Path.Combine(ledger.Data, "journal")], output, output), Is.Zero, output.ToString());
    }

    /// <summary>Wallet 1 asks for one signature of the key that is given back.</summary>
    private static ECDsa Owner(RawClient client, MandateSetting? mandate = null)
    {
        ECDsa owner = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        client.SendCommand(Instruction.RegisterKey, new KeyRegistration(KeyRole.Wallet, 1, SignatureScheme.P256, owner.ExportSubjectPublicKeyInfo(), []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        if (mandate is not null)
        {
            client.SendCommand(Instruction.SetMandate, mandate.Encode());
            Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        }

        client.SendCommand(Instruction.SetConsent, new ConsentSetting(1, ConsentPolicy.Signed, 1, 0, []).Encode());
        Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        return owner;
    }

    private static byte[] Signed(ECDsa owner, UInt128 ledgerId, in Payment payment, ushort participant)
    {
        byte[] signature = owner.SignData(
            ConsentMessage.OfPayment(ledgerId, in payment, participant), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        var piece = new byte[EvidenceEntry.Size + signature.Length];
        EvidenceReader.Write(piece, new EvidenceEntry { Kind = EvidenceKind.Signature, Scheme = SignatureScheme.P256, Key = 1 }, signature);
        return piece;
    }

    private static Verdict SendSigned(RawClient client, Payment payment, byte[] evidence)
    {
        client.Send(
            FrameKind.Payments, new PaymentsBody { Count = 1, EvidenceBytes = (uint)evidence.Length },
            [.. MemoryMarshal.AsBytes(new ReadOnlySpan<Payment>(in payment)), .. evidence], FrameFlags.ListAll);
        return client.ReceiveVerdicts()[0];
    }
}
