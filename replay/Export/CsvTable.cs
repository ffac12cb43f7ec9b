using System.Globalization;
using System.Text;
using Settlement.Engine.Domain;
using Settlement.Engine.Text;

namespace Settlement.Replay.Export;

/// <summary>A table as CSV (RFC 4180, UTF-8, line feeds): a head with the columns' names, then a line a row. Null is an empty field, an empty text is "".</summary>
internal sealed class CsvTable : TableWriter
{
    private const int WriteBytes = 1 << 16;
    private const int NumberBytesMax = 20;

    private readonly Stream _stream;
    private readonly ByteBuffer _line = new(2 * WriteBytes);
    private readonly TimeCache _time = new();

    public CsvTable(TableSchema schema, Stream stream)
        : base(schema)
    {
        _stream = stream;
        AddText(string.Join(',', schema.Columns.Select(column => column.Name)));
        _line.Add((byte)'\n');
    }

    public override void Finish()
    {
        Write();
        _stream.Flush();
    }

    protected override void WriteNumber(int column, ulong value)
    {
        Separate(column);
        value.TryFormat(_line.Room(NumberBytesMax), out int written, default, CultureInfo.InvariantCulture);
        _line.Advance(written);
    }

    protected override void WriteAmount(int column, Int128 units, int scale)
    {
        Separate(column);
        if (units >= 0 && units <= ulong.MaxValue && AmountText.Format((ulong)units, scale, _line.Room(AmountText.BytesMax), out int written))
            _line.Advance(written);
        else
            AddText(AmountText.ToText(units, scale));
    }

    protected override void WriteUnits(int column, Int128 units)
    {
        Separate(column);
        AddText(units.ToString(CultureInfo.InvariantCulture));
    }

    protected override void WriteTime(int column, ulong timeNs)
    {
        Separate(column);
        AddText(_time.Text(timeNs));
    }

    protected override void WriteText(int column, string text)
    {
        Separate(column);
        AddText(text.Length == 0 ? "\"\"" : CsvText.Field(text));
    }

    protected override void WriteBoolean(int column, bool value)
    {
        Separate(column);
        _line.Add(value ? "true"u8 : "false"u8);
    }

    protected override void WriteNull(int column) => Separate(column);

    protected override void WriteRowEnd()
    {
        _line.Add((byte)'\n');
        if (_line.Length >= WriteBytes)
            Write();
    }

    protected override void Dispose(bool disposing)
    {
    }

    private void Separate(int column)
    {
        if (column > 0)
            _line.Add((byte)',');
    }

    private void AddText(string text) =>
        _line.Advance(Encoding.UTF8.GetBytes(text, _line.Room(Encoding.UTF8.GetMaxByteCount(text.Length))));

    private void Write()
    {
        _stream.Write(_line.Written);
        _line.Clear();
    }
}

/// <summary>Times as text: all payments of a block have the same one.</summary>
internal sealed class TimeCache
{
    private ulong _timeNs;
    private string? _text;

    public string Text(ulong timeNs)
    {
        if (_text is null || timeNs != _timeNs)
            (_timeNs, _text) = (timeNs, TimeText.Format(timeNs));
        return _text;
    }
}
