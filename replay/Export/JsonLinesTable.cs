using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Settlement.Engine.Domain;

namespace Settlement.Replay.Export;

/// <summary>A table as JSON Lines: an object a row, with all columns, null among them. Numbers that a reader might round, and amounts, are text.</summary>
internal sealed class JsonLinesTable : TableWriter
{
    private const int WriteBytes = 1 << 16;

    private readonly Stream _stream;
    private readonly JsonEncodedText[] _names;
    private readonly ArrayBufferWriter<byte> _lines = new(2 * WriteBytes);
    private readonly Utf8JsonWriter _json;
    private readonly TimeCache _time = new();

    public JsonLinesTable(TableSchema schema, Stream stream)
        : base(schema)
    {
        _stream = stream;
        _names = [.. schema.Columns.Select(column => JsonEncodedText.Encode(column.Name))];
        // Names are read by people, too; and the text stands in no web page.
        _json = new Utf8JsonWriter(_lines, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
    }

    public override void Finish()
    {
        Write();
        _stream.Flush();
    }

    protected override void WriteNumber(int column, ulong value)
    {
        Begin(column);
        if (Schema.Columns[column].Type != ColumnType.UInt64)
        {
            _json.WriteNumberValue(value);
            return;
        }

        Span<byte> text = stackalloc byte[AmountText.BytesMax];
        value.TryFormat(text, out int written, default, CultureInfo.InvariantCulture);
        _json.WriteStringValue(text[..written]);
    }

    protected override void WriteAmount(int column, Int128 units, int scale)
    {
        Begin(column);
        Span<byte> text = stackalloc byte[AmountText.BytesMax];
        if (units >= 0 && units <= ulong.MaxValue && AmountText.Format((ulong)units, scale, text, out int written))
            _json.WriteStringValue(text[..written]);
        else
            _json.WriteStringValue(AmountText.ToText(units, scale));
    }

    protected override void WriteUnits(int column, Int128 units)
    {
        Begin(column);
        _json.WriteStringValue(units.ToString(CultureInfo.InvariantCulture));
    }

    protected override void WriteTime(int column, ulong timeNs)
    {
        Begin(column);
        _json.WriteStringValue(_time.Text(timeNs));
    }

    protected override void WriteText(int column, string text)
    {
        Begin(column);
        _json.WriteStringValue(text);
    }

    protected override void WriteBoolean(int column, bool value)
    {
        Begin(column);
        _json.WriteBooleanValue(value);
    }

    protected override void WriteNull(int column)
    {
        Begin(column);
        _json.WriteNullValue();
    }

    protected override void WriteRowEnd()
    {
        _json.WriteEndObject();
        _json.Flush();
        _json.Reset();
        _lines.Write("\n"u8);
        if (_lines.WrittenCount >= WriteBytes)
            Write();
    }

    protected override void Dispose(bool disposing) => _json.Dispose();

    private void Begin(int column)
    {
        if (column == 0)
            _json.WriteStartObject();
        _json.WritePropertyName(_names[column]);
    }

    private void Write()
    {
        _stream.Write(_lines.WrittenSpan);
        _lines.ResetWrittenCount();
    }
}
