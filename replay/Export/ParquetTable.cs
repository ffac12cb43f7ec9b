using Settlement.Engine.Domain;
using ZstdSharp;

namespace Settlement.Replay.Export;

/// <summary>
/// A table as one Apache Parquet file: row groups as they fill, each column one page (and its dictionary) compressed with Zstandard, the
/// footer at the end. The stream is only ever appended to.
/// </summary>
/// <remarks>
/// Memory: the columns of one row group, used again for the next, and about 100 bytes of footer a column and row group (for payments some 3 KB
/// every 131,072 rows). Written here and not by a library, because the one for .NET at hand states minima and maxima of its timestamps in
/// milliseconds whatever their unit is, so that readers skip rows that they look for; and holds times to 100 ns only.
/// </remarks>
internal sealed class ParquetTable : TableWriter
{
    public const int GroupRowsDefault = 131_072;

    /// <summary>Of every amount, so that all currencies share a column.</summary>
    public const int AmountScale = Limits.ScaleMax;

    private const int CompressionLevel = 1;
    private const ulong NsPerMicrosecond = 1_000;

    private static readonly Int128[] s_powersOfTen = [.. Enumerable.Range(0, AmountScale + 1).Select(power => (Int128)AmountText.UnitsPerWhole(power))];

    private readonly Stream _stream;
    private readonly int _groupRows;
    private readonly ParquetColumn[] _columns;
    private readonly ParquetFooter _footer;
    private readonly Compressor _compressor = new(CompressionLevel);
    private readonly ByteBuffer _page = new(1 << 16);
    private readonly ByteBuffer _compressed = new(1 << 16);
    private readonly ByteBuffer _head = new(256);
    private long _position;
    private int _rows; // of the open group
    private bool _isFinished;

    /// <param name="stream">Written from its present position, which becomes the file's beginning. Not closed here.</param>
    public ParquetTable(TableSchema schema, Stream stream, int groupRows = GroupRowsDefault)
        : base(schema)
    {
        (_stream, _groupRows) = (stream, groupRows);
        _columns = [.. schema.Columns.Select(column => NewColumn(column.Type, groupRows))];
        _footer = new ParquetFooter(schema);
        Append(ParquetFooter.Magic);
    }

    /// <summary>Keys and values of the file's own metadata; may be set until <see cref="Finish"/>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; set; } = [];

    public override void Finish()
    {
        if (_isFinished)
            throw new InvalidOperationException("the file is finished");
        _isFinished = true;
        if (_rows > 0)
            WriteGroup();
        Append(_footer.Encode(Rows, Metadata));
        _stream.Flush();
    }

    protected override void WriteNumber(int column, ulong value) => _columns[column].AddNumber(value);

    protected override void WriteAmount(int column, Int128 units, int scale) =>
        _columns[column].AddDecimal(units * s_powersOfTen[AmountScale - scale]);

    protected override void WriteUnits(int column, Int128 units) => _columns[column].AddDecimal(units);

    protected override void WriteTime(int column, ulong timeNs) => _columns[column].AddNumber(timeNs / NsPerMicrosecond);

    protected override void WriteText(int column, string text) => _columns[column].AddText(text);

    protected override void WriteBoolean(int column, bool value) => _columns[column].AddBoolean(value);

    protected override void WriteNull(int column) => _columns[column].AddNull();

    protected override void WriteRowEnd()
    {
        if (++_rows == _groupRows)
            WriteGroup();
    }

    protected override void Dispose(bool disposing) => _compressor.Dispose();

    private static ParquetColumn NewColumn(ColumnType type, int rowsMax) => type switch
    {
        ColumnType.UInt32 => new NumberColumn(rowsMax, sizeof(uint)),
        ColumnType.UInt64 or ColumnType.Count or ColumnType.Time => new NumberColumn(rowsMax, sizeof(ulong)),
        ColumnType.Amount or ColumnType.Units => new DecimalColumn(rowsMax),
        ColumnType.Boolean => new BooleanColumn(rowsMax),
        ColumnType.Symbol => new SymbolColumn(rowsMax),
        _ => new TextColumn(rowsMax),
    };

    private void WriteGroup()
    {
        _footer.BeginGroup(_rows);
        for (int at = 0; at < _columns.Length; at++)
        {
            ParquetColumn column = _columns[at];
            var chunk = new ParquetChunk { Start = _position };
            if (column.DictionaryCount > 0)
            {
                _page.Clear();
                _page.Add(column.Dictionary);
                chunk.DictionaryStart = _position;
                WritePage(column, isDictionary: true, ref chunk);
            }

            _page.Clear();
            if (Schema.Columns[at].IsNullable)
                column.WritePresence(_page);
            column.WriteValues(_page);
            chunk.DataStart = _position;
            WritePage(column, isDictionary: false, ref chunk);
            _footer.AddChunk(at, column, in chunk);
            column.Clear();
        }

        _footer.EndGroup();
        _rows = 0;
    }

    private void WritePage(ParquetColumn column, bool isDictionary, ref ParquetChunk chunk)
    {
        _compressed.Clear();
        _compressed.Advance(_compressor.Wrap(_page.Written, _compressed.Room(Compressor.GetCompressBound(_page.Length))));
        _head.Clear();
        ParquetFooter.EncodePageHead(_head, column, isDictionary, _page.Length, _compressed.Length);
        Append(_head.Written);
        Append(_compressed.Written);
        chunk.BytesUncompressed += _head.Length + _page.Length;
        chunk.BytesCompressed += _head.Length + _compressed.Length;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        _position += bytes.Length;
    }
}
