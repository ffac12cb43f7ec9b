using System.Security.Cryptography;
using Settlement.Engine.Domain;

namespace Settlement.Tests.Domain;

/// <summary>A node's public key as bytes, as PEM and by its id.</summary>
public sealed class NodeKeyTests
{
    // Made by `openssl ecparam -genkey -name prime256v1`; the id by `openssl pkey -pubin -outform DER | sha256sum`.
    private const string OpensslPem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgrf8AI7+cvisb1zHI9Nw1UZVfp5V\n2wBfYboVumshiW3Sf4e2dVECxd7VN3TYfeP2VvMnaKJGD1P7sUn7JPpf4g==\n-----END PUBLIC KEY-----\n";
    private const string OpensslPoint = "82b7fc008efe72f8ac6f5cc723d370d546557e9e55db005f61ba15ba6b21896dd27f87b6755102c5ded53774d87de3f656f32768a2460f53fbb149fb24fa5fe2";
    private const string OpensslId = "f82d37145c2f989cc970836c8f956e6e";

    [Test]
    public void A_key_of_openssl_is_read_and_written_again_as_it_was()
    {
        Assert.That(NodeKey.TryParsePem(OpensslPem, out NodeKey key));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(key.ToPem(), Is.EqualTo(OpensslPem));
            Assert.That(key.ToString(), Is.EqualTo(OpensslPoint));
            Assert.That(key.Id.ToString(), Is.EqualTo(OpensslId));
            Assert.That(key.IsNone, Is.False);
        }
    }

    [Test]
    public void The_frameworks_text_of_a_key_is_ours()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        NodeKey key = NodeKey.Of(pair);
        Assert.That(key.ToPem(), Is.EqualTo(pair.ExportSubjectPublicKeyInfoPem() + "\n"));
        Assert.That(NodeKey.TryParsePem("a note before it\n" + key.ToPem() + "and one behind", out NodeKey read));
        Assert.That(read, Is.EqualTo(key));
        using ECDsa? opened = key.TryOpen();
        byte[] message = [1, 2, 3];
        byte[] signature = pair.SignData(message, HashAlgorithmName.SHA256);
        Assert.That(opened!.VerifyData(message, signature, HashAlgorithmName.SHA256));
    }

    [Test]
    public void What_is_no_public_key_of_P_256_is_not_read()
    {
        using ECDsa larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1);
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using RSA rsa = RSA.Create(2_048);
        string good = pair.ExportSubjectPublicKeyInfoPem();
        foreach (string pem in new[]
        {
            "", "node.pub", larger.ExportSubjectPublicKeyInfoPem(), other.ExportSubjectPublicKeyInfoPem(), rsa.ExportSubjectPublicKeyInfoPem(),
            pair.ExportPkcs8PrivateKeyPem(), good.Replace("PUBLIC", "EC PUBLIC", StringComparison.Ordinal), good[..60], good.Replace("MFkw", "MFkx", StringComparison.Ordinal),
            good.Replace("MFkw", "", StringComparison.Ordinal),
        })
            Assert.That(NodeKey.TryParsePem(pem, out _), Is.False, pem);
        Assert.That(() => NodeKey.Of(larger), Throws.InstanceOf<CryptographicException>());
        Assert.That(() => NodeKey.Of(other), Throws.InstanceOf<CryptographicException>());
    }

    [Test]
    public void Nothing_verifies_under_what_is_no_point_of_the_curve()
    {
        Assert.That(default(NodeKey).IsNone);
        Assert.That(default(NodeKey).TryOpen(), Is.Null);
        byte[] ones = new byte[NodeKey.Size];
        ones.AsSpan().Fill(0xFF);
        Assert.That(NodeKey.From(ones).TryOpen(), Is.Null);
        ones.AsSpan().Fill(1);
        Assert.That(NodeKey.From(ones).TryOpen(), Is.Null);
    }
}
