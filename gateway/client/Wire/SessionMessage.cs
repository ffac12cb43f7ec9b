using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Client.Wire;

/// <summary>
/// What a client signs to open a session: both nonces, so that no handshake can be replayed; the ledger, so that it serves no other; and the
/// server's certificate, so that nobody between the two can pass it on.
/// </summary>
/// <remarks><code>
///  0                               32              48                        80                        112                       144
///  | "settlement session v1", 0…   | ledger id     | nonce of the client     | nonce of the server     | server certificate      |
/// </code></remarks>
public static class SessionMessage
{
    public const int Size = 144;

    private static ReadOnlySpan<byte> Tag => "settlement session v1"u8;

    /// <param name="ledgerId">As the challenge says.</param>
    /// <param name="client">The client's nonce.</param>
    /// <param name="server">The server's.</param>
    /// <param name="certificate">SHA-256 of the DER of the certificate that the server showed; zero where there is no TLS.</param>
    /// <param name="message"><see cref="Size"/> bytes.</param>
    public static void Write(UInt128 ledgerId, in Nonce client, in Nonce server, in Digest certificate, Span<byte> message)
    {
        message[..Size].Clear();
        Tag.CopyTo(message);
        MemoryMarshal.Write(message[32..], in ledgerId);
        ((ReadOnlySpan<byte>)client).CopyTo(message[48..]);
        ((ReadOnlySpan<byte>)server).CopyTo(message[80..]);
        ((ReadOnlySpan<byte>)certificate).CopyTo(message[112..]);
    }
}
