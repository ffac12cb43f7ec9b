using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Settlement.Client.Wire;

/// <summary>
/// Where clients reach a node, port by port, in the words of a ready line: <c>binary-tls=10.0.0.2:7711 https=10.0.0.2:7443</c>. So a node names another's ports in one short text,
/// in refusals as in the members that the cluster journals.
/// </summary>
/// <remarks>Failure assumed: any text, from any server. What does not read as such is no address; nothing is looked up while it is read.</remarks>
public sealed class NodeAddresses
{
    public const string Binary = "binary";
    public const string BinaryTls = "binary-tls";
    public const string Http = "http";
    public const string Https = "https";

    /// <summary>Printable ASCII, so as many bytes as letters. Four names of 60 letters with their ports fit; a refusal's sentence has room beside it.</summary>
    public const int TextBytesMax = 288;

    private readonly (string Name, string Host, int Port)[] _all;

    private NodeAddresses((string Name, string Host, int Port)[] all) => _all = all;

    /// <summary>None is known.</summary>
    public static NodeAddresses None { get; } = new([]);

    public bool IsEmpty => _all.Length == 0;

    /// <param name="ports">Name, host and port of each.</param>
    public static NodeAddresses Of(IEnumerable<(string Name, string Host, int Port)> ports) => new([.. ports]);

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out NodeAddresses? addresses)
    {
        addresses = null;
        if (text.Length > TextBytesMax || text.ContainsAnyExceptInRange(' ', '~'))
            return false;
        var all = new List<(string, string, int)>();
        foreach (Range part in text.Split(' '))
        {
            ReadOnlySpan<char> one = text[part];
            if (one.IsEmpty)
                continue;
            int equals = one.IndexOf('=');
            if (equals <= 0 || !TryParse(one[(equals + 1)..], out string host, out int port))
                return false;
            all.Add((one[..equals].ToString(), host, port));
        }

        addresses = new NodeAddresses([.. all]);
        return true;
    }

    /// <summary>HOST:PORT, an IPv6 host in brackets.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out string host, out int port)
    {
        (host, port) = ("", 0);
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) || number == 0)
            return false;
        ReadOnlySpan<char> name = text[..colon];
        bool isBracketed = name.Length > 2 && name[0] == '[' && name[^1] == ']';
        if (isBracketed ? name[1..^1].ContainsAny('[', ']') : name.ContainsAny("[]: "))
            return false;
        (host, port) = ((isBracketed ? name[1..^1] : name).ToString(), number);
        return true;
    }

    /// <summary>By its name in a ready line.</summary>
    public bool TryFind(string name, out string host, out int port)
    {
        foreach ((string Name, string Host, int Port) one in _all)
        {
            if (one.Name == name)
            {
                (host, port) = (one.Host, one.Port);
                return true;
            }
        }

        (host, port) = ("", 0);
        return false;
    }

    public override string ToString() => string.Join(' ', _all.Select(one => $"{one.Name}={Format(one.Host, one.Port)}"));

    public static string Format(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");
}
