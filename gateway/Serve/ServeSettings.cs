using System.Globalization;
using System.Net;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Settlement.Engine.Dedup;
using Settlement.Engine.Domain;
using Settlement.Engine.Rules.Language;
using Settlement.Gateway.Wire;

namespace Settlement.Gateway.Serve;

/// <summary>Reads the options from configuration and says everything that is wrong with them at once.</summary>
internal static class ServeSettings
{
    public const string Section = "Settlement";

    /// <param name="configuration">In the usual order: a later source wins.</param>
    /// <param name="mistakes">A sentence each; empty: the options can be used.</param>
    public static ServeOptions Read(IConfiguration configuration, List<string> mistakes)
    {
        var options = new ServeOptions();
        Bind(configuration.GetSection(Section), options, mistakes);
        var unusable = new List<string>();
        Check(options, unusable);
        mistakes.AddRange(unusable.Select(mistake => $"{Section}:{mistake}"));
        return options;
    }

    private static void Bind(IConfigurationSection section, object target, List<string> mistakes)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            PropertyInfo? property = target.GetType().GetProperty(child.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is not { CanWrite: true })
                mistakes.Add($"{child.Path}: there is no such setting{Meant(child.Key, target.GetType())}.");
            else if (property.GetValue(target) is { } part && property.PropertyType is { IsClass: true } && property.PropertyType != typeof(string))
            {
                if (child.Value is { Length: > 0 } alone)
                    mistakes.Add($"{child.Path} '{alone}': expected a group of settings.");
                Bind(child, part, mistakes);
            }
            else if (child.Value is not { } text)
                mistakes.Add($"{child.Path}: one value is expected, not a group of them.");
            else if (TryParse(text, property.PropertyType, out object? value, out string expected))
                property.SetValue(target, value);
            else
                mistakes.Add($"{child.Path} '{text}': expected {expected}.");
        }
    }

    private static string Meant(string name, Type type)
    {
        string[] known = [.. type.GetProperties().Where(property => property.CanWrite).Select(property => property.Name)];
        return Suggestion.Nearest(name, known) is { } meant ? $"; '{meant}' is one" : $"; there are {string.Join(", ", known.Order(StringComparer.Ordinal))}";
    }

    private static bool TryParse(string text, Type type, out object? value, out string expected)
    {
        (value, expected) = (null, "");
        if (type == typeof(string))
        {
            value = text.Length == 0 ? null : text;
            return true;
        }

        if (type == typeof(int))
        {
            expected = "a whole number";
            value = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null;
        }
        else if (type == typeof(long))
        {
            expected = "a whole number";
            value = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
        }
        else if (type == typeof(bool))
        {
            expected = "true or false";
            value = bool.TryParse(text, out bool flag) ? flag : null;
        }
        else if (type.IsEnum)
        {
            expected = string.Join(" or ", Enum.GetNames(type)).ToLowerInvariant();
            value = Enum.TryParse(type, text, ignoreCase: true, out object? named) && Enum.IsDefined(type, named) && !char.IsAsciiDigit(text[0]) ? named : null;
        }

        return value is not null;
    }

    private static void Check(ServeOptions options, List<string> mistakes)
    {
        if (options.Data is null)
            mistakes.Add("Data is missing: say with --data DIR where the server keeps its ledger.");
        else if (File.Exists(options.Data))
            mistakes.Add($"Data '{options.Data}' is a file; a folder is expected.");
        if (!IPAddress.TryParse(options.Address, out _))
            mistakes.Add($"Address '{options.Address}': expected an IP address, such as 127.0.0.1 or 0.0.0.0.");
        if (!IPAddress.TryParse(options.PlainAddress, out IPAddress? plain))
            mistakes.Add($"PlainAddress '{options.PlainAddress}': expected a loopback address, such as 127.0.0.1.");
        else if (!IPAddress.IsLoopback(plain) && (options.BinaryPort >= 0 || options.HttpPort >= 0))
            mistakes.Add($"PlainAddress '{options.PlainAddress}': ports without TLS are for this machine alone. Take a loopback address, or switch BinaryPort and HttpPort off with -1 and use the TLS ports.");
        (string Name, int Port)[] ports =
        [
            ("BinaryPort", options.BinaryPort), ("BinaryTlsPort", options.BinaryTlsPort), ("HttpPort", options.HttpPort), ("HttpsPort", options.HttpsPort),
        ];
        foreach ((string name, int port) in ports)
        {
            Range(name, port, -1, ushort.MaxValue, mistakes);
            foreach ((string other, int otherPort) in ports)
            {
                if (port > 0 && port == otherPort && string.CompareOrdinal(name, other) < 0)
                    mistakes.Add($"{name} and {other} are both {port}: each needs its own.");
            }
        }

        options.Metrics.Check(mistakes);
        options.Cluster.Check((name, value, least, most) => Range(name, value, least, most, mistakes));
        if ((options.Certificate is null) != (options.CertificateKey is null))
            mistakes.Add("Certificate and CertificateKey belong together: name both files, or neither.");
        foreach ((string name, string? file) in (ReadOnlySpan<(string, string?)>)[("Certificate", options.Certificate), ("CertificateKey", options.CertificateKey)])
        {
            if (file is not null && !File.Exists(file))
                mistakes.Add($"{name} '{file}': there is no such file.");
        }

        Range("HttpConnectionsMax", options.HttpConnectionsMax, 1, 1_000_000, mistakes);
        Range("AccountsMax", options.AccountsMax, 1, 1 << 28, mistakes);
        Range("IdMemoryBytes", options.IdMemoryBytes, Deduplicator.IdMemoryBytesMin, 1L << 40, mistakes);
        Range("SnapshotEveryBytes", options.SnapshotEveryBytes, 0, 1L << 50, mistakes);
        Range("Audit:BytesPerSecond", options.Audit.BytesPerSecond, 0, 1L << 40, mistakes);
        Range("Audit:PauseSeconds", options.Audit.PauseSeconds, 0, 31_536_000, mistakes);
        Range("RingSlots", options.RingSlots, 2 * Limits.BlockSlotsMax, 1 << 24, mistakes);
        if (!int.IsPow2(options.RingSlots))
            mistakes.Add($"RingSlots '{options.RingSlots}': a power of two is expected.");
        Range("EvidenceThreads", options.EvidenceThreads, 1, 1_024, mistakes);
        Range("StopMsMax", options.StopMsMax, 0, 3_600_000, mistakes);
        Range("WebhookBackOffMs", options.WebhookBackOffMs, 1, 600_000, mistakes);
        Range("WebhookAttemptsMax", options.WebhookAttemptsMax, 1, 1_000, mistakes);
        WireOptions wire = options.Wire;
        Range("Wire:ConnectionsMax", wire.ConnectionsMax, 1, 1_000_000, mistakes);
        Range("Wire:UnauthenticatedMax", wire.UnauthenticatedMax, 1, 1_000_000, mistakes);
        Range("Wire:AuthenticationMsMax", wire.AuthenticationMsMax, 100, 600_000, mistakes);
        Range("Wire:FrameMsMax", wire.FrameMsMax, 100, 600_000, mistakes);
        Range("Wire:SilenceMsMax", wire.SilenceMsMax, 500, 3_600_000, mistakes);
        Range("Wire:Credit", wire.Credit, 1, options.RingSlots, mistakes);
        Range("Wire:OutboxBytesMax", wire.OutboxBytesMax, 1 << 18, 1 << 30, mistakes);
        Range("Wire:EndingMsMax", wire.EndingMsMax, 100, 600_000, mistakes);
    }

    private static void Range(string name, long value, long least, long most, List<string> mistakes)
    {
        if (value < least || value > most)
            mistakes.Add($"{name} '{value}': expected a whole number from {least} to {most}.");
    }
}
