using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Settlement.Replay.Export.Iso;

/// <summary>
/// Ids of messages, statements and instructions: hashes of what they are about (ledger, account, range, page), so that the same export gives
/// the same ids on any machine and on any day, and another account, range or page gives others.
/// </summary>
internal static class IsoIds
{
    /// <summary>32 hexadecimal digits: fits Max35Text.</summary>
    public static string Of(UInt128 ledger, params ReadOnlySpan<string> parts) => Convert.ToHexStringLower(Hash(ledger, parts)[..16]);

    /// <summary>A UETR: the form of a random UUID, as the schema asks, by the hash.</summary>
    public static string Uetr(UInt128 ledger, params ReadOnlySpan<string> parts)
    {
        Span<byte> bytes = Hash(ledger, parts).AsSpan(0, 16);
        bytes[6] = (byte)(0x40 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true).ToString("D", CultureInfo.InvariantCulture);
    }

    /// <summary>No part holds the separator.</summary>
    private static byte[] Hash(UInt128 ledger, ReadOnlySpan<string> parts) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ledger:x32}|{string.Join('|', parts)}")));
}
