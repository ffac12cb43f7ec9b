using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Text;

/// <summary>
/// A payment's id as text: a UUID (its sixteen bytes are one big-endian number) or `stream:sequence`, where the stream is a name
/// or 16 hexadecimal digits (<see cref="StreamName"/>) and the sequence a decimal number from 1.
/// </summary>
/// <remarks>One for each reader: it remembers the last stream's name, because hashing it costs more than the rest of a record.</remarks>
internal sealed class PaymentIdText
{
    /// <summary>What a column that holds an id expects.</summary>
    public const string Expected = "a UUID or stream:sequence (a name or 16 hexadecimal digits, a colon, a number from 1)";

    /// <summary>Longest text that <see cref="Format(ulong, ulong, bool)"/> writes: 16 digits, a colon, 20 digits.</summary>
    public const int CharsMax = 37;

    private const int UuidChars = 36;

    // written by: the reader's thread
    private readonly byte[] _lastName = new byte[StreamName.NameBytesMax];
    private int _lastNameLength;
    private ulong _lastStream;

    /// <summary>Reads an id. The nil UUID is none.</summary>
    public bool TryParse(ReadOnlySpan<byte> text, out ulong high, out ulong low, out bool isStream)
    {
        isStream = false;
        if (text.Length == UuidChars && Utf8Parser.TryParse(text, out Guid uuid, out int used, 'D') && used == UuidChars)
        {
            UInt128 number = ToNumber(uuid);
            (high, low) = ((ulong)(number >> 64), (ulong)number);
            return number != 0;
        }

        high = low = 0;
        int colon = text.LastIndexOf((byte)':');
        if (colon < 0 || !FieldText.TryReadNumber(text[(colon + 1)..], out low) || low == 0)
            return false;
        ReadOnlySpan<byte> name = text[..colon];
        isStream = true;
        high = _lastStream;
        return (_lastNameLength != 0 && name.SequenceEqual(_lastName.AsSpan(0, _lastNameLength))) || TryParseStream(name, out high);
    }

    /// <summary>The id as reports print it and files may hold it.</summary>
    public static string Format(in Payment payment) => Format(payment.IdHigh, payment.IdLow, payment.HasStreamId);

    /// <inheritdoc cref="Format(in Payment)"/>
    public static string Format(ulong high, ulong low, bool isStream) =>
        isStream
            ? string.Create(CultureInfo.InvariantCulture, $"{high:x16}:{low}")
            : ToUuid(new UInt128(high, low)).ToString("D", CultureInfo.InvariantCulture);

    private static UInt128 ToNumber(Guid uuid)
    {
        Span<byte> bytes = stackalloc byte[16];
        uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static Guid ToUuid(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new Guid(bytes, bigEndian: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryParseStream(ReadOnlySpan<byte> name, out ulong stream)
    {
        if (!StreamName.TryParse(name, out stream))
            return false;
        name.CopyTo(_lastName);
        _lastNameLength = name.Length;
        _lastStream = stream;
        return true;
    }
}
