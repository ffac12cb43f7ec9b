using Settlement.Client.Wire;

namespace Settlement.Tests.Gateway.Cluster;

public sealed class NodeAddressesTests
{
    [TestCase("binary-tls=10.0.0.2:7711 https=10.0.0.2:7443")]
    [TestCase("binary=[::1]:7710")]
    [TestCase("https=node-2.example:1")]
    public void What_is_written_is_read(string text)
    {
        Assert.That(NodeAddresses.TryParse(text, out NodeAddresses? addresses));
        Assert.That(addresses!.ToString(), Is.EqualTo(text));
    }

    [TestCase("binary")]
    [TestCase("binary=10.0.0.2")]
    [TestCase("binary=10.0.0.2:0")]
    [TestCase("binary=10.0.0.2:65536")]
    [TestCase("binary=10.0.0.2:+1")]
    [TestCase("binary=::1:7710")]
    [TestCase("binary=[[::1]]:7710")]
    [TestCase("=10.0.0.2:1")]
    [TestCase("binary=a:1\nhttps=b:2")]
    public void Anything_else_is_no_address(string text) => Assert.That(NodeAddresses.TryParse(text, out _), Is.False);

    [Test]
    public void Nothing_is_none_and_too_much_is_refused()
    {
        Assert.That(NodeAddresses.TryParse("", out NodeAddresses? none));
        Assert.That(none!.IsEmpty);
        Assert.That(NodeAddresses.TryParse("a=" + new string('b', NodeAddresses.TextBytesMax) + ":1", out _), Is.False);
    }

    [Test]
    public void A_port_is_found_by_its_whole_name()
    {
        Assert.That(NodeAddresses.TryParse("binary-tls=a:1 binary=b:2", out NodeAddresses? addresses));
        Assert.That(addresses!.TryFind(NodeAddresses.Binary, out string host, out int port));
        Assert.That((host, port), Is.EqualTo(("b", 2)));
        Assert.That(addresses.TryFind(NodeAddresses.Https, out _, out _), Is.False);
    }
}
