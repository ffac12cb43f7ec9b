using Microsoft.Extensions.Configuration;
using Settlement.Gateway.Serve;
using Settlement.Gateway.Serve.Metrics;

namespace Settlement.Tests.Gateway.Serve;

/// <summary>What `serve` says about settings that it cannot use: all of it at once, each by its name and value and what is expected.</summary>
public sealed class ServeSettingsTests
{
    [TestCase("Binaryport", "many", "Settlement:Binaryport 'many': expected a whole number.")]
    [TestCase("BinaryPort", "70000", "Settlement:BinaryPort '70000': expected a whole number from -1 to 65535.")]
    [TestCase("HttpPort", "7710", "Settlement:BinaryPort and HttpPort are both 7710: each needs its own.")]
    [TestCase("HttpPrt", "1", "Settlement:HttpPrt: there is no such setting; 'HttpPort' is one.")]
    [TestCase("Wire:Credits", "1", "Settlement:Wire:Credits: there is no such setting; 'Credit' is one.")]
    [TestCase("Log", "xml", "Settlement:Log 'xml': expected text or json.")]
    [TestCase("Log", "1", "Settlement:Log '1': expected text or json.")]
    [TestCase("Address", "localhost", "Settlement:Address 'localhost': expected an IP address, such as 127.0.0.1 or 0.0.0.0.")]
    [TestCase("PlainAddress", "0.0.0.0", "Settlement:PlainAddress '0.0.0.0': ports without TLS are for this machine alone.")]
    [TestCase("PlainAddress", "here", "Settlement:PlainAddress 'here': expected a loopback address, such as 127.0.0.1.")]
    [TestCase("Certificate", "/no/such.pem", "Settlement:Certificate and CertificateKey belong together: name both files, or neither.")]
    [TestCase("Certificate", "/no/such.pem", "Settlement:Certificate '/no/such.pem': there is no such file.")]
    [TestCase("AccountsMax", "0", "Settlement:AccountsMax '0': expected a whole number from 1 to 268435456.")]
    [TestCase("RingSlots", "40000", "Settlement:RingSlots '40000': a power of two is expected.")]
    [TestCase("RingSlots", "1024", "Settlement:RingSlots '1024': expected a whole number from 32768 to 16777216.")]
    [TestCase("IdMemoryBytes", "1", "Settlement:IdMemoryBytes '1': expected a whole number from ")]
    [TestCase("SnapshotEveryBytes", "-1", "Settlement:SnapshotEveryBytes '-1': expected a whole number from 0 to ")]
    [TestCase("EvidenceThreads", "0", "Settlement:EvidenceThreads '0': expected a whole number from 1 to 1024.")]
    [TestCase("StopMsMax", "-1", "Settlement:StopMsMax '-1': expected a whole number from 0 to 3600000.")]
    [TestCase("Wire:Credit", "0", "Settlement:Wire:Credit '0': expected a whole number from 1 to 65536.")]
    [TestCase("Wire:ConnectionsMax", "0", "Settlement:Wire:ConnectionsMax '0': expected a whole number from 1 to 1000000.")]
    [TestCase("Wire:UnauthenticatedMax", "0", "Settlement:Wire:UnauthenticatedMax '0': expected")]
    [TestCase("Wire:AuthenticationMsMax", "1", "Settlement:Wire:AuthenticationMsMax '1': expected")]
    [TestCase("Wire:FrameMsMax", "1", "Settlement:Wire:FrameMsMax '1': expected")]
    [TestCase("Wire:SilenceMsMax", "1", "Settlement:Wire:SilenceMsMax '1': expected")]
    [TestCase("Wire:OutboxBytesMax", "1", "Settlement:Wire:OutboxBytesMax '1': expected")]
    [TestCase("Wire:EndingMsMax", "1", "Settlement:Wire:EndingMsMax '1': expected")]
    [TestCase("Wire", "1", "Settlement:Wire '1': expected a group of settings.")]
    [TestCase("HttpPort:Number", "1", "Settlement:HttpPort: one value is expected, not a group of them.")]
    [TestCase("Metrics:Readers", "all", "Settlement:Metrics:Readers 'all': expected loopback or operator or nobody.")]
    [TestCase("Metrics:OtlpEndpoint", "collector", "Settlement:Metrics:OtlpEndpoint 'collector': expected the address of a collector, such as http://127.0.0.1:4317.")]
    [TestCase("Metrics:OtlpEveryMs", "5", "Settlement:Metrics:OtlpEveryMs '5': expected milliseconds from 1000 to 3600000.")]
    [TestCase("WebhooksToPrivateNetworks", "yes", "Settlement:WebhooksToPrivateNetworks 'yes': expected true or false.")]
    public void A_mistake_is_named_with_its_value_and_what_is_expected(string name, string value, string said)
    {
        List<string> mistakes = Read(out _, ("Data", "somewhere"), (name, value));
        Assert.That(mistakes, Has.Some.StartsWith(said), string.Join('\n', mistakes));
    }

    [Test]
    public void Without_a_folder_it_says_which_flag_is_missing() =>
        Assert.That(Read(out _), Is.EqualTo(new[] { "Settlement:Data is missing: say with --data DIR where the server keeps its ledger." }));

    [Test]
    public void All_mistakes_are_said_at_once() => Assert.That(
        Read(out _, ("BinaryPort", "x"), ("Log", "y"), ("Wire:Credit", "-4"), ("Nonsense", "1")), Has.Count.EqualTo(5));

    [Test]
    public void What_is_given_is_taken_and_the_rest_has_its_default()
    {
        Assert.That(Read(out ServeOptions options, ("Data", "d"), ("httpport", "0"), ("Log", "JSON"), ("Metrics:Readers", "operator"), ("Wire:Credit", "9")), Is.Empty);
        Assert.That((options.Data, options.HttpPort, options.BinaryPort, options.Log, options.Wire.Credit), Is.EqualTo(("d", 0, 7710, LogFormat.Json, 9)));
        Assert.That(options.Metrics.Readers, Is.EqualTo(MetricsReaders.Operator));
        Assert.That(new ServeOptions().Metrics.Readers, Is.EqualTo(MetricsReaders.Loopback), "by default nobody but this machine may read");
    }

    [Test]
    public void README_lists_every_setting_with_its_default()
    {
        string readme = File.ReadAllText(Repository.PathOf("README.md"));
        foreach ((string name, string @default) in Settings(new ServeOptions(), ""))
            Assert.That(readme, Does.Match($@"\| `{System.Text.RegularExpressions.Regex.Escape(name)}`[^|]*\|[^|]*\|[^|]*\| {System.Text.RegularExpressions.Regex.Escape(@default)} \|"), name);
    }

    private static IEnumerable<(string Name, string Default)> Settings(object options, string prefix)
    {
        foreach (var property in options.GetType().GetProperties().Where(property => property.CanWrite))
        {
            object? value = property.GetValue(options);
            if (value is { } part && property.PropertyType.IsClass && property.PropertyType != typeof(string))
            {
                foreach ((string, string) inner in Settings(part, $"{prefix}{property.Name}:"))
                    yield return inner;
                continue;
            }

            yield return ($"{prefix}{property.Name}", value switch
            {
                null => "none",
                bool flag => flag ? "true" : "false",
                Enum word => word.ToString().ToLowerInvariant(),
                int when property.Name == nameof(ServeOptions.EvidenceThreads) => "half of the cores",
                int port when property.Name.EndsWith("Port", StringComparison.Ordinal) => port.ToString(System.Globalization.CultureInfo.InvariantCulture),
                int or long => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value:N0}"),
                _ => $"`{value}`",
            });
        }
    }

    private static List<string> Read(out ServeOptions options, params (string Name, string Value)[] settings)
    {
        var mistakes = new List<string>();
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(one => new KeyValuePair<string, string?>($"{ServeSettings.Section}:{one.Name}", one.Value))).Build();
        options = ServeSettings.Read(configuration, mistakes);
        return mistakes;
    }
}
