using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Settlement.Engine.Text;

/// <summary>
/// The 64-bit number of a stream of ids, from what people call it. A hash becomes a number by its first eight bytes, little-endian;
/// never 0, which means "no stream".
/// </summary>
internal static class StreamName
{
    /// <summary>UTF-8 bytes of a stream's name in `stream:sequence`.</summary>
    public const int NameBytesMax = 64;

    /// <summary>Digits of a stream that is written as a number.</summary>
    public const int HexDigits = 16;

    /// <summary>The stream of a file that has records without an id: its content names it, not its path.</summary>
    public static ulong OfContent(Stream content) => OfHash(SHA256.HashData(content));

    public static ulong OfName(string name) => OfName(Encoding.UTF8.GetBytes(name));

    public static ulong OfName(ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, hash);
        return OfHash(hash);
    }

    /// <summary>The stream of a content whose SHA-256 is known.</summary>
    public static ulong OfHash(ReadOnlySpan<byte> sha256) => Math.Max(1, BinaryPrimitives.ReadUInt64LittleEndian(sha256));

    /// <summary>
    /// Reads a stream as it stands before the colon of an id and behind `--stream`: exactly 16 hexadecimal digits are the number
    /// itself, as reports print it; anything else is a name, hashed.
    /// </summary>
    /// <returns>False: empty, longer than <see cref="NameBytesMax"/>, or the number 0.</returns>
    public static bool TryParse(ReadOnlySpan<byte> text, out ulong stream)
    {
        if (text.Length == HexDigits && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out stream))
            return stream != 0;
        stream = 0;
        if (text.IsEmpty || text.Length > NameBytesMax)
            return false;
        stream = OfName(text);
        return true;
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out ulong)"/>
    public static bool TryParse(string text, out ulong stream) => TryParse(Encoding.UTF8.GetBytes(text), out stream);
}
