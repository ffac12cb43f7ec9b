using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Settlement.Replay.Export;

// Purpose: the values of one column of one row group, encoded as they come: what is not null in Parquet's PLAIN encoding (numbers little-endian,
//   decimals 16 bytes big-endian, texts behind their length), texts of few values as places in a dictionary.
// Invariant: min and max are in the order that the format defines for the column's type, because readers skip row groups by them.

internal abstract class ParquetColumn(int rowsMax)
{
    private readonly byte[] _present = new byte[(rowsMax + 7) / 8]; // a bit a row, the lowest first

    /// <summary>Values that are not null, in PLAIN encoding; or the dictionary's.</summary>
    protected ByteBuffer Plain { get; } = new(4096);

    /// <summary>Rows of the group so far.</summary>
    public int Rows { get; private set; }

    public int Nulls { get; private set; }

    public int Values => Rows - Nulls;

    /// <summary>Empty: not stated.</summary>
    public abstract ReadOnlySpan<byte> Min { get; }

    public abstract ReadOnlySpan<byte> Max { get; }

    /// <summary>Entries of the dictionary; 0: values stand in the page itself.</summary>
    public virtual int DictionaryCount => 0;

    public ReadOnlySpan<byte> Dictionary => DictionaryCount == 0 ? default : Plain.Written;

    public void AddNull()
    {
        Rows++;
        Nulls++;
    }

    public virtual void AddNumber(ulong value) => throw WrongKind();

    public virtual void AddDecimal(Int128 value) => throw WrongKind();

    public virtual void AddText(string text) => throw WrongKind();

    public virtual void AddBoolean(bool value) => throw WrongKind();

    /// <summary>Which rows have a value, as definition levels of the highest level 1: one run.</summary>
    public void WritePresence(ByteBuffer page)
    {
        int start = page.Length;
        page.AddInt32(0);
        if (Nulls == 0)
        {
            page.AddVarint((ulong)Rows << 1);
            page.Add(1);
        }
        else
        {
            int bytes = (Rows + 7) / 8;
            page.AddVarint(((ulong)bytes << 1) | 1);
            page.Add(_present.AsSpan(0, bytes));
        }

        page.SetInt32(start, page.Length - start - sizeof(int));
    }

    public virtual void WriteValues(ByteBuffer page) => page.Add(Plain.Written);

    /// <summary>Begins the next row group.</summary>
    public virtual void Clear()
    {
        Array.Clear(_present);
        Plain.Clear();
        Rows = 0;
        Nulls = 0;
    }

    protected void NotePresent()
    {
        _present[Rows >> 3] |= (byte)(1 << (Rows & 7));
        Rows++;
    }

    private InvalidOperationException WrongKind() => new($"a {GetType().Name} does not take such a value");
}

/// <summary>Numbers of 4 or 8 bytes that are not negative: of times, too, as they lie behind 1970.</summary>
internal sealed class NumberColumn(int rowsMax, int width) : ParquetColumn(rowsMax)
{
    private readonly byte[] _minBytes = new byte[8];
    private readonly byte[] _maxBytes = new byte[8];
    private ulong _min = ulong.MaxValue;
    private ulong _max;

    public override ReadOnlySpan<byte> Min => Values == 0 ? default : Little(_minBytes, _min);

    public override ReadOnlySpan<byte> Max => Values == 0 ? default : Little(_maxBytes, _max);

    public override void AddNumber(ulong value)
    {
        NotePresent();
        BinaryPrimitives.WriteUInt64LittleEndian(Plain.Room(8), value);
        Plain.Advance(width);
        _min = Math.Min(_min, value);
        _max = Math.Max(_max, value);
    }

    public override void Clear()
    {
        base.Clear();
        (_min, _max) = (ulong.MaxValue, 0);
    }

    private ReadOnlySpan<byte> Little(byte[] bytes, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes.AsSpan(0, width);
    }
}

/// <summary>DECIMAL(38): unscaled values of 16 bytes.</summary>
internal sealed class DecimalColumn(int rowsMax) : ParquetColumn(rowsMax)
{
    public const int Width = 16;
    public const int Precision = 38;

    private readonly byte[] _minBytes = new byte[Width];
    private readonly byte[] _maxBytes = new byte[Width];
    private Int128 _min = Int128.MaxValue;
    private Int128 _max = Int128.MinValue;

    public override ReadOnlySpan<byte> Min => Values == 0 ? default : Big(_minBytes, _min);

    public override ReadOnlySpan<byte> Max => Values == 0 ? default : Big(_maxBytes, _max);

    public override void AddDecimal(Int128 value)
    {
        NotePresent();
        BinaryPrimitives.WriteInt128BigEndian(Plain.Room(Width), value);
        Plain.Advance(Width);
        if (value < _min)
            _min = value;
        if (value > _max)
            _max = value;
    }

    public override void Clear()
    {
        base.Clear();
        (_min, _max) = (Int128.MaxValue, Int128.MinValue);
    }

    private static ReadOnlySpan<byte> Big(byte[] bytes, Int128 value)
    {
        BinaryPrimitives.WriteInt128BigEndian(bytes, value);
        return bytes;
    }
}

internal sealed class BooleanColumn(int rowsMax) : ParquetColumn(rowsMax)
{
    private readonly byte[] _bits = new byte[(rowsMax + 7) / 8];

    public override ReadOnlySpan<byte> Min => default;

    public override ReadOnlySpan<byte> Max => default;

    public override void AddBoolean(bool value)
    {
        if (value)
            _bits[Values >> 3] |= (byte)(1 << (Values & 7));
        NotePresent();
    }

    public override void WriteValues(ByteBuffer page) => page.Add(_bits.AsSpan(0, (Values + 7) / 8));

    public override void Clear()
    {
        base.Clear();
        Array.Clear(_bits);
    }
}

/// <summary>Texts, each written out. Their order is that of their UTF-8 bytes.</summary>
internal sealed class TextColumn(int rowsMax) : ParquetColumn(rowsMax)
{
    private readonly ByteBuffer _min = new(64);
    private readonly ByteBuffer _max = new(64);

    public override ReadOnlySpan<byte> Min => _min.Written;

    public override ReadOnlySpan<byte> Max => _max.Written;

    public override void AddText(string text)
    {
        int start = Plain.Length + sizeof(int);
        int bytes = Encoding.UTF8.GetBytes(text, Plain.Room(sizeof(int) + Encoding.UTF8.GetMaxByteCount(text.Length))[sizeof(int)..]);
        Plain.AddInt32(bytes);
        Plain.Advance(bytes);
        ReadOnlySpan<byte> added = Plain.Written[start..];
        if (Values == 0 || added.SequenceCompareTo(_min.Written) < 0)
            Replace(_min, added);
        if (Values == 0 || added.SequenceCompareTo(_max.Written) > 0)
            Replace(_max, added);
        NotePresent();
    }

    public override void Clear()
    {
        base.Clear();
        _min.Clear();
        _max.Clear();
    }

    private static void Replace(ByteBuffer kept, ReadOnlySpan<byte> with)
    {
        kept.Clear();
        kept.Add(with);
    }
}

/// <summary>Texts of few different values: a dictionary, and a place in it for each value.</summary>
internal sealed class SymbolColumn(int rowsMax) : ParquetColumn(rowsMax)
{
    private readonly int[] _places = new int[rowsMax];
    private readonly Dictionary<string, int> _placeOf = new(StringComparer.Ordinal); // looked up, never walked
    private readonly List<(int Start, int Length)> _entries = [];
    private string? _last; // most rows repeat the value before
    private int _lastPlace;

    public override ReadOnlySpan<byte> Min => Extreme(sign: -1);

    public override ReadOnlySpan<byte> Max => Extreme(sign: 1);

    public override int DictionaryCount => _entries.Count;

    public override void AddText(string text)
    {
        if (!ReferenceEquals(text, _last))
        {
            _lastPlace = PlaceOf(text);
            _last = text;
        }

        _places[Values] = _lastPlace;
        NotePresent();
    }

    /// <summary>The width of a place in bits, then one bit-packed run of groups of eight.</summary>
    public override void WriteValues(ByteBuffer page)
    {
        if (_entries.Count == 0)
            return;
        int width = BitOperations.Log2((uint)(_entries.Count - 1) | 1) + 1;
        int groups = (Values + 7) / 8;
        page.Add((byte)width);
        page.AddVarint(((ulong)groups << 1) | 1);
        ulong bits = 0;
        int filled = 0;
        for (int at = 0; at < groups * 8; at++)
        {
            bits |= (ulong)(at < Values ? _places[at] : 0) << filled;
            for (filled += width; filled >= 8; filled -= 8, bits >>= 8)
                page.Add((byte)bits);
        }
    }

    public override void Clear()
    {
        base.Clear();
        _placeOf.Clear();
        _entries.Clear();
        _last = null;
    }

    private int PlaceOf(string text)
    {
        ref int place = ref CollectionsMarshal.GetValueRefOrAddDefault(_placeOf, text, out bool known);
        if (known)
            return place;
        int bytes = Encoding.UTF8.GetByteCount(text);
        Plain.AddInt32(bytes);
        _entries.Add((Plain.Length, bytes));
        Encoding.UTF8.GetBytes(text, Plain.Room(bytes));
        Plain.Advance(bytes);
        return place = _entries.Count - 1;
    }

    private ReadOnlySpan<byte> Extreme(int sign)
    {
        ReadOnlySpan<byte> extreme = default;
        for (int place = 0; place < _entries.Count; place++)
        {
            ReadOnlySpan<byte> entry = Plain.Written.Slice(_entries[place].Start, _entries[place].Length);
            if (place == 0 || Math.Sign(entry.SequenceCompareTo(extreme)) == sign)
                extreme = entry;
        }

        return extreme;
    }
}
