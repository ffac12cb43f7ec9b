namespace Settlement.Replay.Export;

/// <summary>Where one column of one row group lies in the file, in bytes from its beginning; heads of pages count.</summary>
internal struct ParquetChunk
{
    public long Start;

    /// <summary>0: there is none.</summary>
    public long DictionaryStart;
    public long DataStart;
    public long BytesUncompressed;
    public long BytesCompressed;
}

/// <summary>What a Parquet file says of itself at its end: columns and types, row groups, where their pages lie. Numbers and names are the format's.</summary>
internal sealed class ParquetFooter
{
    private const int TypeBoolean = 0, TypeInt32 = 1, TypeInt64 = 2, TypeByteArray = 6, TypeFixedBytes = 7;
    private const int ConvertedUtf8 = 0, ConvertedDecimal = 5, ConvertedTimestampMicros = 10, ConvertedUInt32 = 13, ConvertedUInt64 = 14, ConvertedInt64 = 18;
    private const int LogicalString = 1, LogicalDecimal = 5, LogicalTimestamp = 8, LogicalInteger = 10;
    private const int EncodingPlain = 0, EncodingRle = 3, EncodingDictionary = 8;
    private const int CodecZstd = 6;
    private const int PageData = 0, PageDictionary = 2;
    private const int FormatVersion = 2;
    private const string CreatedBy = "settlement replay";

    private readonly TableSchema _schema;
    private readonly ByteBuffer _groups = new(4096); // every group as it will stand in the footer
    private readonly ThriftWriter _writer;
    private int _groupCount;
    private int _groupRows;
    private long _groupStart;
    private long _groupBytes;
    private long _groupBytesCompressed;

    public ParquetFooter(TableSchema schema)
    {
        _schema = schema;
        _writer = new ThriftWriter(_groups);
    }

    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    public static void EncodePageHead(ByteBuffer target, ParquetColumn column, bool isDictionary, int bytes, int bytesCompressed)
    {
        var head = new ThriftWriter(target);
        head.BeginItem();
        head.Int32(1, isDictionary ? PageDictionary : PageData);
        head.Int32(2, bytes);
        head.Int32(3, bytesCompressed);
        if (isDictionary)
        {
            head.Begin(7);
            head.Int32(1, column.DictionaryCount);
            head.Int32(2, EncodingPlain);
        }
        else
        {
            head.Begin(5);
            head.Int32(1, column.Rows);
            head.Int32(2, EncodingOf(column));
            head.Int32(3, EncodingRle);
            head.Int32(4, EncodingRle);
        }

        head.End();
        head.End();
    }

    public void BeginGroup(int rows)
    {
        _groupRows = rows;
        (_groupStart, _groupBytes, _groupBytesCompressed) = (0, 0, 0);
        _writer.BeginItem();
        _writer.StructList(1, _schema.Columns.Count);
    }

    /// <summary>The next column of the group.</summary>
    public void AddChunk(int at, ParquetColumn column, in ParquetChunk chunk)
    {
        if (at == 0)
            _groupStart = chunk.Start;
        _groupBytes += chunk.BytesUncompressed;
        _groupBytesCompressed += chunk.BytesCompressed;
        _writer.BeginItem();
        _writer.Int64(2, chunk.Start);
        _writer.Begin(3);
        _writer.Int32(1, PhysicalType(_schema.Columns[at].Type));
        _writer.Int32List(2, column.DictionaryCount > 0 ? [EncodingPlain, EncodingRle, EncodingDictionary] : [EncodingPlain, EncodingRle]);
        _writer.TextList(3, [_schema.Columns[at].Name]);
        _writer.Int32(4, CodecZstd);
        _writer.Int64(5, column.Rows);
        _writer.Int64(6, chunk.BytesUncompressed);
        _writer.Int64(7, chunk.BytesCompressed);
        _writer.Int64(9, chunk.DataStart);
        if (chunk.DictionaryStart != 0)
            _writer.Int64(11, chunk.DictionaryStart);
        _writer.Begin(12);
        _writer.Int64(3, column.Nulls);
        if (column.Values > 0 && _schema.Columns[at].Type != ColumnType.Boolean)
        {
            _writer.Bytes(5, column.Max);
            _writer.Bytes(6, column.Min);
        }

        _writer.End();
        _writer.End();
        _writer.End();
    }

    public void EndGroup()
    {
        _writer.Int64(2, _groupBytes);
        _writer.Int64(3, _groupRows);
        _writer.Int64(5, _groupStart);
        _writer.Int64(6, _groupBytesCompressed);
        _writer.End();
        _groupCount++;
    }

    /// <summary>Footer, its length, and the magic behind it.</summary>
    public ReadOnlySpan<byte> Encode(long rows, IReadOnlyList<KeyValuePair<string, string>> metadata)
    {
        var target = new ByteBuffer(_groups.Length + 4096);
        var footer = new ThriftWriter(target);
        footer.BeginItem();
        footer.Int32(1, FormatVersion);
        footer.StructList(2, 1 + _schema.Columns.Count);
        footer.BeginItem();
        footer.Text(4, _schema.Name);
        footer.Int32(5, _schema.Columns.Count);
        footer.End();
        foreach (Column column in _schema.Columns)
            EncodeColumn(footer, column);
        footer.Int64(3, rows);
        footer.StructList(4, _groupCount);
        target.Add(_groups.Written);
        if (metadata.Count > 0)
        {
            footer.StructList(5, metadata.Count);
            foreach ((string key, string value) in metadata)
            {
                footer.BeginItem();
                footer.Text(1, key);
                footer.Text(2, value);
                footer.End();
            }
        }

        footer.Text(6, CreatedBy);
        // Without a stated order, readers may not believe minima and maxima.
        footer.StructList(7, _schema.Columns.Count);
        for (int at = 0; at < _schema.Columns.Count; at++)
        {
            footer.BeginItem();
            footer.Empty(1);
            footer.End();
        }

        footer.End();
        target.AddInt32(target.Length);
        target.Add(Magic);
        return target.Written;
    }

    private static int EncodingOf(ParquetColumn column) => column.DictionaryCount > 0 ? EncodingDictionary : EncodingPlain;

    private static int PhysicalType(ColumnType type) => type switch
    {
        ColumnType.UInt64 or ColumnType.Count or ColumnType.Time => TypeInt64,
        ColumnType.UInt32 => TypeInt32,
        ColumnType.Amount or ColumnType.Units => TypeFixedBytes,
        ColumnType.Boolean => TypeBoolean,
        _ => TypeByteArray,
    };

    private static void EncodeColumn(ThriftWriter footer, Column column)
    {
        bool isDecimal = column.Type is ColumnType.Amount or ColumnType.Units;
        int scale = column.Type == ColumnType.Amount ? ParquetTable.AmountScale : 0;
        footer.BeginItem();
        footer.Int32(1, PhysicalType(column.Type));
        if (isDecimal)
            footer.Int32(2, DecimalColumn.Width);
        footer.Int32(3, column.IsNullable ? 1 : 0);
        footer.Text(4, column.Name);
        if (column.Type != ColumnType.Boolean)
        {
            footer.Int32(6, ConvertedType(column.Type));
            if (isDecimal)
            {
                footer.Int32(7, scale);
                footer.Int32(8, DecimalColumn.Precision);
            }

            footer.Begin(10);
            EncodeLogicalType(footer, column.Type, scale);
            footer.End();
        }

        footer.End();
    }

    private static int ConvertedType(ColumnType type) => type switch
    {
        ColumnType.UInt64 => ConvertedUInt64,
        ColumnType.Count => ConvertedInt64,
        ColumnType.UInt32 => ConvertedUInt32,
        ColumnType.Amount or ColumnType.Units => ConvertedDecimal,
        ColumnType.Time => ConvertedTimestampMicros,
        _ => ConvertedUtf8,
    };

    private static void EncodeLogicalType(ThriftWriter footer, ColumnType type, int scale)
    {
        switch (type)
        {
            case ColumnType.Amount or ColumnType.Units:
                footer.Begin(LogicalDecimal);
                footer.Int32(1, scale);
                footer.Int32(2, DecimalColumn.Precision);
                footer.End();
                break;
            case ColumnType.Time:
                footer.Begin(LogicalTimestamp);
                footer.Boolean(1, true); // UTC
                footer.Begin(2);
                footer.Empty(2); // microseconds
                footer.End();
                footer.End();
                break;
            case ColumnType.UInt64 or ColumnType.Count or ColumnType.UInt32:
                footer.Begin(LogicalInteger);
                footer.Byte(1, type == ColumnType.UInt32 ? (byte)32 : (byte)64);
                footer.Boolean(2, type == ColumnType.Count); // signed
                footer.End();
                break;
            default:
                footer.Empty(LogicalString);
                break;
        }
    }
}
