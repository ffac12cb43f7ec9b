using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Settlement.Client;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Gateway.Wire;

/// <summary>A session whose key is of a post-quantum scheme, from its registration to its payments, by the SDK alone.</summary>
internal sealed class WireMlDsaTests
{
    [Test]
    public async Task A_session_may_have_a_key_of_ML_DSA()
    {
        using var ledger = new ServedLedger();
        ledger.SetUp(4);
        var signer = new LatticeSigner(7);
        using (RawClient client = ledger.Operator())
        {
            client.SendCommand(Instruction.RegisterKey, new KeyRegistration(KeyRole.Session, ServedLedger.SessionOfBank1, SignatureScheme.MlDsa65, signer.Spki, []).Encode());
            Assert.That(client.ReceiveVerdicts()[0], Is.EqualTo(Verdict.Accepted));
        }

        var options = new ClientOptions { Host = "127.0.0.1", Port = ledger.Binary.Port, Plain = true, Signer = signer, ReconnectTries = 0 };
        await using (SettlementClient client = await SettlementClient.ConnectAsync(options))
        {
            Assert.That(client.Session.Participant, Is.EqualTo(1));
            PaymentVerdict[] verdicts = await client.SubmitAsync(ServedLedger.Pays(10));
            Assert.That(verdicts.Select(verdict => verdict.Verdict), Is.All.EqualTo(Verdict.Accepted));
        }

        var forged = new LatticeSigner(8) { Claimed = signer.KeyId };
        Assert.That(async () => await SettlementClient.ConnectAsync(options with { Signer = forged }), Throws.InstanceOf<SettlementException>(), "another key's signature under its name");
    }

    private sealed class LatticeSigner : KeySigner
    {
        private readonly MLDsaPrivateKeyParameters _key;

        public LatticeSigner(byte seed)
        {
            _key = MLDsaPrivateKeyParameters.FromSeed(MLDsaParameters.ml_dsa_65, Enumerable.Repeat(seed, 32).ToArray());
            Spki = PublicKeyForm.OfMlDsa65(_key.GetPublicKeyEncoded());
        }

        public byte[] Spki { get; }

        public KeyId? Claimed { get; init; }

        public override KeyId KeyId => Claimed ?? PublicKeyForm.IdOf(Spki);

        public override SignatureScheme Scheme => SignatureScheme.MlDsa65;

        public override byte[] Sign(ReadOnlySpan<byte> message)
        {
            var signer = new MLDsaSigner(MLDsaParameters.ml_dsa_65, deterministic: true);
            signer.Init(forSigning: true, _key);
            signer.BlockUpdate(message);
            return signer.GenerateSignature();
        }
    }
}
