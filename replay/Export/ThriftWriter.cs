using System.Text;

namespace Settlement.Replay.Export;

/// <summary>Structures of Apache Thrift's compact protocol, in which Parquet states what its pages hold: only the kinds of field that it takes.</summary>
/// <remarks>Fields of a structure must come in the order of their numbers.</remarks>
internal sealed class ThriftWriter(ByteBuffer target)
{
    private readonly Stack<int> _outerFields = new();
    private int _lastField;

    private enum Kind : byte
    {
        True = 1,
        False = 2,
        Byte = 3,
        Int32 = 5,
        Int64 = 6,
        Binary = 8,
        List = 9,
        Struct = 12,
    }

    public void Int32(int field, int value)
    {
        Field(field, Kind.Int32);
        AddZigZag(value);
    }

    public void Int64(int field, long value)
    {
        Field(field, Kind.Int64);
        AddZigZag(value);
    }

    public void Byte(int field, byte value)
    {
        Field(field, Kind.Byte);
        target.Add(value);
    }

    public void Boolean(int field, bool value) => Field(field, value ? Kind.True : Kind.False);

    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Field(field, Kind.Binary);
        AddBinary(value);
    }

    public void Int32List(int field, ReadOnlySpan<int> values)
    {
        ListHead(field, Kind.Int32, values.Length);
        foreach (int value in values)
            AddZigZag(value);
    }

    public void TextList(int field, ReadOnlySpan<string> values)
    {
        ListHead(field, Kind.Binary, values.Length);
        foreach (string value in values)
            AddBinary(Encoding.UTF8.GetBytes(value));
    }

    /// <summary>The items follow, each between <see cref="BeginItem"/> and <see cref="End"/>, or as bytes that were written so before.</summary>
    public void StructList(int field, int count) => ListHead(field, Kind.Struct, count);

    public void BeginItem()
    {
        _outerFields.Push(_lastField);
        _lastField = 0;
    }

    public void Begin(int field)
    {
        Field(field, Kind.Struct);
        BeginItem();
    }

    public void End()
    {
        target.Add(0);
        _lastField = _outerFields.Pop();
    }

    /// <summary>A structure without fields.</summary>
    public void Empty(int field)
    {
        Begin(field);
        End();
    }

    private void Field(int field, Kind kind)
    {
        int step = field - _lastField;
        if (step is < 1 or > 15)
            throw new InvalidOperationException($"field {field} does not follow on field {_lastField}");
        target.Add((byte)((step << 4) | (int)kind));
        _lastField = field;
    }

    private void ListHead(int field, Kind item, int count)
    {
        Field(field, Kind.List);
        if (count < 15)
        {
            target.Add((byte)((count << 4) | (int)item));
            return;
        }

        target.Add((byte)(0xF0 | (int)item));
        target.AddVarint((ulong)count);
    }

    private void AddBinary(ReadOnlySpan<byte> value)
    {
        target.AddVarint((ulong)value.Length);
        target.Add(value);
    }

    private void AddZigZag(long value) => target.AddVarint((ulong)((value << 1) ^ (value >> 63)));
}
