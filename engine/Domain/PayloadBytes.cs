using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Settlement.Engine.Domain;

// Purpose: the bytes of a command's continuation, written and read in order. Little-endian; short texts are a length of one byte and UTF-8.
// Invariant: each value has one encoding, and what is read must be used up, so payloads are equal exactly when their bytes are.
// Failure assumed: any bytes may be read; a fault is kept, and asked for at the end.

internal sealed class PayloadWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public PayloadWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public PayloadWriter Bytes(Digest value) => Bytes((ReadOnlySpan<byte>)value);

    public PayloadWriter Bytes(KeyId value) => Bytes((ReadOnlySpan<byte>)value);

    public PayloadWriter Bytes(NodeKey value) => Bytes((ReadOnlySpan<byte>)value);

    public PayloadWriter Bytes(SignatureP256 value) => Bytes((ReadOnlySpan<byte>)value);

    public PayloadWriter Byte(byte value) => Bytes([value]);

    public PayloadWriter Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public PayloadWriter UInt16(ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public PayloadWriter UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public PayloadWriter UInt64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public PayloadWriter UInt128(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    /// <exception cref="ArgumentException">It takes more than 255 bytes.</exception>
    public PayloadWriter Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > byte.MaxValue)
            throw new ArgumentException($"'{text}' takes more than {byte.MaxValue} bytes of UTF-8", nameof(text));
        return Byte((byte)bytes.Length).Bytes(bytes);
    }

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}

internal ref struct PayloadReader(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Something was missing, or had no meaning.</summary>
    public bool IsFaulty { get; private set; }

    /// <summary>All was read, and all was sound.</summary>
    public readonly bool IsWhole => !IsFaulty && _rest.IsEmpty;

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _rest.Length)
        {
            IsFaulty = true;
            _rest = default;
            return new byte[count];
        }

        ReadOnlySpan<byte> bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    public byte Byte() => Bytes(1)[0];

    public bool Flag()
    {
        byte value = Byte();
        IsFaulty |= value > 1;
        return value == 1;
    }

    public void Zero(int count) => IsFaulty |= Bytes(count).ContainsAnyExcept((byte)0);

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(sizeof(ushort)));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(sizeof(ulong)));

    public UInt128 UInt128() => BinaryPrimitives.ReadUInt128LittleEndian(Bytes(16));

    /// <summary>A short text; empty, and a fault, where it is no UTF-8.</summary>
    public string Text() => Utf8(Bytes(Byte()));

    public byte[] Rest()
    {
        byte[] rest = _rest.ToArray();
        _rest = default;
        return rest;
    }

    public string Utf8(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            IsFaulty = true;
            return "";
        }
    }
}
