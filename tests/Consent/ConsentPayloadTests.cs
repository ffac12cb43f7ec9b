using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.X509;
using Settlement.Engine.Consent;
using Settlement.Engine.Domain;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Consent;

/// <summary>What commands 156..161 say, byte by byte, and the forms of keys and messages.</summary>
[TestFixture]
public sealed class ConsentPayloadTests
{
    private delegate byte[]? Reencode(byte[] bytes);

    private static readonly NaiveSignatures.Pair s_pair = new(1, SignatureScheme.P256);
    private static readonly OwnerSignature[] s_signatures = [new(1, new byte[64]), new(3, new byte[3_309])];

    private static (byte[] Bytes, Reencode Reencode)[] Payloads() =>
    [
        (new KeyRegistration(KeyRole.Wallet, 5, SignatureScheme.P256, s_pair.Spki, s_signatures).Encode(),
            bytes => KeyRegistration.TryDecode(bytes, out KeyRegistration? read) ? read.Encode() : null),
        (new KeyRegistration(KeyRole.Session, 5, SignatureScheme.P256, s_pair.Spki, []).Encode(),
            bytes => KeyRegistration.TryDecode(bytes, out KeyRegistration? read) ? read.Encode() : null),
        (new KeyRevocation(KeyRole.Wallet, 5, PublicKeyForm.IdOf(s_pair.Spki), s_signatures).Encode(),
            bytes => KeyRevocation.TryDecode(bytes, out KeyRevocation? read) ? read.Encode() : null),
        (new SessionClosing(9).Encode(), bytes => SessionClosing.TryDecode(bytes, out SessionClosing? read) ? read.Encode() : null),
        (new MandateSetting(5, 2, true, 77, s_signatures).Encode(), bytes => MandateSetting.TryDecode(bytes, out MandateSetting? read) ? read.Encode() : null),
        (new ConsentSetting(5, ConsentPolicy.Stream, 2, 100, s_signatures).Encode(),
            bytes => ConsentSetting.TryDecode(bytes, out ConsentSetting? read) ? read.Encode() : null),
        (new ChainOpening(new ChainCommitment(1, 2, 3, 978, 4, 5, 6, 7, 8, Digest.From(new byte[32])), s_signatures).Encode(),
            bytes => ChainOpening.TryDecode(bytes, out ChainOpening? read) ? read.Encode() : null),
    ];

    [Test]
    public void A_payload_is_read_as_it_was_written_and_no_other_bytes_are([Range(0, 6)] int index)
    {
        (byte[] bytes, Reencode reencode) = Payloads()[index];
        Assert.That(reencode(bytes), Is.EqualTo(bytes));
        Assert.That(reencode([.. bytes, 0]), Is.Null);
        for (int length = 0; length < Math.Min(bytes.Length, 200); length++)
            Assert.That(reencode(bytes[..length]), Is.Null, $"{length} bytes");
        for (int at = 0; at < Math.Min(bytes.Length, 400); at++)
        {
            byte[] other = [.. bytes];
            other[at] ^= 0x40;
            Assert.That(reencode(other), Is.Null.Or.EqualTo(other), $"byte {at}: one encoding each");
        }
    }

    [Test]
    public void What_cannot_be_meant_is_not_read()
    {
        Assert.That(ConsentSetting.TryDecode(new ConsentSetting(5, ConsentPolicy.Custodial, 1, 0, []).Encode(), out _), Is.False);
        Assert.That(ConsentSetting.TryDecode(new ConsentSetting(5, ConsentPolicy.Signed, 0, 0, []).Encode(), out _), Is.False);
        Assert.That(ConsentSetting.TryDecode(new ConsentSetting(5, ConsentPolicy.Signed, 17, 0, []).Encode(), out _), Is.False);
        Assert.That(ConsentSetting.TryDecode(new ConsentSetting(5, ConsentPolicy.Signed, 1, 9, []).Encode(), out _), Is.False);
        Assert.That(MandateSetting.TryDecode(new MandateSetting(5, 2, false, 77, []).Encode(), out _), Is.False);
        Assert.That(KeyRevocation.TryDecode(new KeyRevocation(KeyRole.Wallet, 5, default, [new(2, [1]), new(2, [1])]).Encode(), out _), Is.False, "one key twice");
        Assert.That(KeyRegistration.TryDecode(new KeyRegistration(KeyRole.Session, 5, SignatureScheme.MlDsa65, s_pair.Spki, []).Encode(), out _), Is.False);
    }

    [Test]
    public void Messages_lie_as_pictured()
    {
        var payment = new Payment { IdLow = 7, Payer = 1, Payee = 2, Amount = 3, Session = 99 };
        byte[] message = ConsentMessage.OfPayment(258, in payment, participant: 513);
        Assert.That(message, Has.Length.EqualTo(112));
        Assert.That(Encoding.ASCII.GetString(message, 0, 32).TrimEnd('\0'), Is.EqualTo("settlement payment v1"));
        Assert.That(message[32..36], Is.EqualTo((byte[])[2, 1, 0, 0]));
        Assert.That(message[48], Is.EqualTo(7));
        Assert.That(message[110..], Is.EqualTo((byte[])[1, 2]), "through whom; whichever of his sessions carries it, the owner signed the same");
        Assert.That(ConsentMessage.OfCommand(0, Instruction.SetConsent, 5, 6, [1]),
            Is.EqualTo(NaiveSignatures.Message("settlement wallet command v1", [160, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, .. SHA256.HashData([1])])));
        Assert.That(ConsentMessage.OfChain(0, new ChainCommitment(1, 2, 3, 978, 4, 5, 6, 7, 8, default)), Has.Length.EqualTo(136));
    }

    [Test]
    public void Keys_have_the_form_that_others_write()
    {
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.That(PublicKeyForm.SchemeOf(p256.ExportSubjectPublicKeyInfo()), Is.EqualTo(SignatureScheme.P256));
        Assert.That(PublicKeyForm.IdOf(p256.ExportSubjectPublicKeyInfo()), Is.EqualTo(NodeKey.Of(p256).Id));
        var mlDsa = new NaiveSignatures.Pair(2, SignatureScheme.MlDsa65);
        Assert.That(PublicKeyForm.SchemeOf(mlDsa.Spki), Is.EqualTo(SignatureScheme.MlDsa65));
        Assert.That(SubjectPublicKeyInfoFactory.CreateSubjectPublicKeyInfo(Org.BouncyCastle.Security.PublicKeyFactory.CreateKey(mlDsa.Spki)).GetDerEncoded(), Is.EqualTo(mlDsa.Spki));
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.That(PublicKeyForm.SchemeOf(other.ExportSubjectPublicKeyInfo()), Is.EqualTo(SignatureScheme.None));
    }

    [Test]
    public void A_signature_verifies_under_its_key_and_message_alone([Values(SignatureScheme.P256, SignatureScheme.MlDsa65)] SignatureScheme scheme)
    {
        var pair = new NaiveSignatures.Pair(5, scheme);
        byte[] message = [1, 2, 3];
        byte[] signature = pair.Sign(message);
        using ISignatureVerifier verifier = SignatureVerifiers.TryOpen(scheme, pair.Spki)!;
        Assert.That(verifier.Verifies(message, signature), Is.True);
        Assert.That(verifier.Verifies([1, 2, 4], signature), Is.False);
        Assert.That(verifier.Verifies(message, signature.AsSpan()[..^1]), Is.False);
        Assert.That(SignatureVerifiers.Verifies(scheme, new NaiveSignatures.Pair(6, scheme).Spki, message, signature), Is.False);
        signature[9] ^= 1;
        Assert.That(verifier.Verifies(message, signature), Is.False);
    }

    [Test]
    public void Each_link_is_the_hash_of_the_next()
    {
        var seed = Digest.From(SHA256.HashData([1]));
        var chain = new PayWordChain(in seed, 1_000);
        Assert.That(chain.Link(1_000), Is.EqualTo(seed));
        for (uint number = 1; number <= 1_000; number++)
        {
            Digest link = chain.Link(number);
            Assert.That(PayWordChain.Hash(in link, 1), Is.EqualTo(chain.Link(number - 1)), $"link {number}");
        }

        Assert.That(chain.End, Is.EqualTo(PayWordChain.Hash(in seed, 1_000)));
    }
}
