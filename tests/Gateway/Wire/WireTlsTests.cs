using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Settlement.Client.Wire;
using Settlement.Engine.Domain;
using Settlement.Gateway.Wire;

namespace Settlement.Tests.Gateway.Wire;

internal sealed class WireTlsTests
{
    private ServedLedger _ledger = null!;

    [OneTimeSetUp]
    public void Serve()
    {
        _ledger = new ServedLedger();
        _ledger.SetUp(4);
    }

    [OneTimeTearDown]
    public void Stop() => _ledger.Dispose();

    [Test]
    public void A_signature_that_names_the_servers_certificate_opens_a_session()
    {
        using ECDsa key = _ledger.OperatorKey();
        using RawClient client = Connect(null, out Digest shown);
        Assert.That(client.Authenticate(key, shown).Session, Is.EqualTo(Limits.OperatorSession));
        client.SendPayments(ServedLedger.Pays(WireLimits.FramePaymentsMax));
        Assert.That(client.Receive(FrameKind.Verdicts).Read<VerdictsBody>().Accepted, Is.EqualTo(WireLimits.FramePaymentsMax));
    }

    [Test]
    public void A_signature_that_names_another_certificate_or_none_was_passed_on_and_opens_nothing()
    {
        using ECDsa key = _ledger.OperatorKey();
        foreach (Digest other in new[] { default, Digest.From(SHA256.HashData("another server"u8)) })
        {
            using RawClient client = Connect(null, out _);
            client.SayHello();
            client.SendAuthentication(key, other);
            client.ExpectEnd(RefusalCode.NotAuthenticated);
        }
    }

    [Test]
    public void A_certificate_with_a_registered_key_opens_its_session()
    {
        using ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using X509Certificate2 certificate = CertificateOf(key);
        using RawClient client = Connect(certificate, out _);
        client.SayHello();
        client.Send(FrameKind.Authenticate, new AuthenticateBody { Kind = AuthenticationKind.Certificate, KeyId = NodeKey.Of(key).Id });
        Assert.That(client.Receive(FrameKind.Session).Read<SessionBody>().Session, Is.EqualTo(ServedLedger.SessionOfBank1));
    }

    [Test]
    public void A_certificate_with_another_key_than_the_named_one_opens_nothing()
    {
        using ECDsa operatorKey = _ledger.OperatorKey();
        using ECDsa key = _ledger.NewKeyOf(ServedLedger.SessionOfBank1);
        using ECDsa stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach ((ECDsa held, ECDsa named) in new[] { (key, operatorKey), (stranger, stranger), (stranger, key) })
        {
            using X509Certificate2 certificate = CertificateOf(held);
            using RawClient client = Connect(certificate, out _);
            client.SayHello();
            client.Send(FrameKind.Authenticate, new AuthenticateBody { Kind = AuthenticationKind.Certificate, KeyId = NodeKey.Of(named).Id });
            client.ExpectEnd(RefusalCode.NotAuthenticated);
        }
    }

    [Test]
    public void An_older_TLS_is_not_spoken()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(_ledger.BinaryTls);
        using var stream = new SslStream(new NetworkStream(socket));
        Assert.That(
            () => stream.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls12, RemoteCertificateValidationCallback = IsTheServers }),
            Throws.InstanceOf<Exception>().With.Matches<Exception>(fault => fault is AuthenticationException or IOException));
    }

    /// <summary>Pinned, as a client pins it that was given the server's file.</summary>
    private bool IsTheServers(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        using X509Certificate2 given = X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(_ledger.Data, "tls", "server.pem")));
        return shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(given.RawData);
    }

    private RawClient Connect(X509Certificate2? certificate, out Digest shown)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(_ledger.BinaryTls);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificates = certificate is null ? null : [certificate],
            RemoteCertificateValidationCallback = IsTheServers,
        });
        shown = ServerCertificateFeature.Of((X509Certificate2)stream.RemoteCertificate!).Hash;
        return new RawClient(stream);
    }

    private static X509Certificate2 CertificateOf(ECDsa key)
    {
        var request = new CertificateRequest("CN=anybody", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
