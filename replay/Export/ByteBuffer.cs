using System.Buffers.Binary;

namespace Settlement.Replay.Export;

/// <summary>Bytes in order, in one array that is kept and used again.</summary>
internal sealed class ByteBuffer(int capacity)
{
    private byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    /// <summary>Room for so many bytes behind what is written; they are not part of it before <see cref="Advance"/>.</summary>
    public Span<byte> Room(int bytes)
    {
        if (_bytes.Length - Length < bytes)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + bytes));
        return _bytes.AsSpan(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    public void Add(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void AddInt32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Room(sizeof(int)), value);
        Length += sizeof(int);
    }

    /// <summary>Writes over four bytes that are written.</summary>
    public void SetInt32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(at, sizeof(int)), value);

    /// <summary>Seven bits a byte, the lowest first (ULEB128).</summary>
    public void AddVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            Add((byte)(value | 0x80));
        Add((byte)value);
    }
}
