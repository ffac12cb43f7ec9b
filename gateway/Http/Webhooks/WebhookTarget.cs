using System.Net;
using System.Net.Sockets;
using Settlement.Gateway.Http.Answers;

namespace Settlement.Gateway.Http.Webhooks;

/// <summary>
/// Where deliveries may go. A participant names the address and this server connects to it, so without care the participant would reach what only the server can: services on its
/// loopback, its private network, the metadata address of its cloud.
/// </summary>
/// <remarks>Asked at every connection, of the address that was resolved: a name that resolves to something else later is refused then. Redirects are not followed.</remarks>
internal static class WebhookTarget
{
    private const int UrlCharsMax = 2_048;

    /// <exception cref="ProblemException">It is no URL that could be delivered to.</exception>
    public static Uri Parse(string url, bool toPrivateNetworks)
    {
        if (url.Length > UrlCharsMax || !Uri.TryCreate(url, UriKind.Absolute, out Uri? target) || target.Scheme is not ("http" or "https")
            || target.UserInfo.Length > 0 || target.Fragment.Length > 0 || target.Host.Length == 0)
            throw Problem.Invalid("url: an absolute http or https URL of at most 2,048 letters is expected, without a user name and without a fragment.");
        if (!toPrivateNetworks && IPAddress.TryParse(target.Host.Trim('[', ']'), out IPAddress? address) && !IsPublic(address))
            throw Problem.Invalid("url: an address of a public network is expected. The operator may allow private ones for the whole server.");
        return target;
    }

    /// <summary>Connects like the framework, but only to addresses that are allowed.</summary>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint end, bool toPrivateNetworks, CancellationToken cancel)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(end.Host, cancel);
        IPAddress[] allowed = toPrivateNetworks ? addresses : [.. addresses.Where(IsPublic)];
        if (allowed.Length == 0)
            throw new HttpRequestException("the address is not of a public network");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, end.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Neither of this machine nor of a private, link-local, shared, multicast or reserved network.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return !(IPAddress.IsLoopback(address) || address.Equals(IPAddress.IPv6Any) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal || address.IsIPv6SiteLocal || address.IsIPv6Multicast || address.IsIPv6Teredo
                || Embeds(address));
        byte[] bytes = address.GetAddressBytes();
        return (bytes[0], bytes[1]) switch
        {
            (0 or 10 or 127 or >= 224, _) => false,
            (100, >= 64 and < 128) => false,
            (169, 254) or (192, 168) or (198, 18 or 19) => false,
            (172, >= 16 and < 32) => false,
            (192, 0) => bytes[2] is not (0 or 2),
            (198, 51) => bytes[2] != 100,
            (203, 0) => bytes[2] != 113,
            _ => true,
        };
    }

    /// <summary>An IPv6 address that a translator or a tunnel would make an IPv4 address of (64:ff9b::/96, 2002::/16, and ::/96 of old).</summary>
    private static bool Embeds(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        return (bytes[0], bytes[1]) is (0x20, 0x02) || !bytes.AsSpan(0, 12).ContainsAnyExcept((byte)0) || (bytes[0] == 0 && bytes[1] == 0x64 && bytes[2] == 0xFF && bytes[3] == 0x9B);
    }
}
