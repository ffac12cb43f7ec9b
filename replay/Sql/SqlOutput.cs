using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DuckDB.NET.Data;
using Settlement.Engine.Text;
using Settlement.Replay.Common;
using Spectre.Console;

namespace Settlement.Replay.Sql;

internal enum SqlFormat
{
    /// <summary>For people: the first rows only.</summary>
    Table = 0,
    Json = 1,
    Csv = 2,
}

/// <summary>A result, row by row as DuckDB makes it; JSON and CSV of any length in constant memory.</summary>
internal sealed class SqlOutput
{
    public const int TableRowsMax = 1_000;

    private const int WriteChars = 1 << 16;
    private const int TableWidthPiped = 200;

    private readonly DuckDBDataReader _reader;
    private readonly string[] _names;
    private readonly Type[] _types;
    private readonly bool[] _isUtc;

    private SqlOutput(DuckDBDataReader reader)
    {
        _reader = reader;
        _names = [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
        _types = [.. Enumerable.Range(0, reader.FieldCount).Select(TypeOf)];
        _isUtc = [.. Enumerable.Range(0, reader.FieldCount).Select(at => reader.GetDataTypeName(at) == "TimestampTz")];
    }

    public static void Write(DuckDBDataReader reader, SqlFormat format, TextWriter output)
    {
        var result = new SqlOutput(reader);
        switch (format)
        {
            case SqlFormat.Json:
                result.WriteJson(output);
                break;
            case SqlFormat.Csv:
                result.WriteCsv(output);
                break;
            default:
                result.WriteTable(output);
                break;
        }
    }

    /// <exception cref="UsageException">The library that reads results cannot hold the value.</exception>
    private object? Value(int column)
    {
        try
        {
            return _reader.IsDBNull(column) ? null : _reader.GetProviderSpecificValue(column);
        }
        catch (InvalidCastException)
        {
            throw new UsageException($"The column {_names[column]} has a {_reader.GetDataTypeName(column)} with a null in it, which cannot be printed: cast it to VARCHAR.");
        }
    }

    /// <exception cref="UsageException">The library that reads results has no such type.</exception>
    private Type TypeOf(int column)
    {
        try
        {
            return _reader.GetProviderSpecificFieldType(column);
        }
        catch (ArgumentException)
        {
            throw new UsageException($"The column {_names[column]} is of type {_reader.GetDataTypeName(column)}, which cannot be printed: cast it to VARCHAR.");
        }
    }

    private void WriteTable(TextWriter output)
    {
        var table = new Table();
        for (int at = 0; at < _names.Length; at++)
        {
            var column = new TableColumn(Markup.Escape(_names[at]));
            table.AddColumn(SqlValue.IsNumber(_types[at]) ? column.RightAligned() : column);
        }

        int rows = 0;
        bool more = false;
        while (!more && _reader.Read())
        {
            more = rows == TableRowsMax;
            if (more)
                break;
            rows++;
            table.AddRow(Enumerable.Range(0, _names.Length).Select(at => new Text(Value(at) is { } value ? SqlValue.Text(value, _isUtc[at]) : "null")));
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!console.Profile.Out.IsTerminal)
            console.Profile.Width = TableWidthPiped;
        console.Write(table);
        output.WriteLine(more
            ? string.Create(CultureInfo.InvariantCulture, $"The first {rows:N0} rows; --csv or --json gives all.")
            : string.Create(CultureInfo.InvariantCulture, $"{rows:N0} {(rows == 1 ? "row" : "rows")}."));
    }

    private void WriteJson(TextWriter output)
    {
        var buffer = new ArrayBufferWriter<byte>(2 * WriteChars);
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        JsonEncodedText[] names = [.. _names.Select(name => JsonEncodedText.Encode(name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping))];
        output.Write('[');
        for (bool first = true; _reader.Read(); first = false)
        {
            json.WriteStartObject();
            for (int at = 0; at < names.Length; at++)
            {
                json.WritePropertyName(names[at]);
                SqlValue.WriteJson(json, Value(at), _isUtc[at]);
            }

            json.WriteEndObject();
            json.Flush();
            output.Write(first ? "\n" : ",\n");
            output.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
            buffer.ResetWrittenCount();
            json.Reset();
        }

        output.WriteLine("\n]");
    }

    private void WriteCsv(TextWriter output)
    {
        output.Write(string.Join(',', _names.Select(CsvText.Field)));
        output.Write('\n');
        var line = new StringBuilder();
        while (_reader.Read())
        {
            line.Clear();
            for (int at = 0; at < _names.Length; at++)
            {
                line.Append(at > 0 ? "," : "");
                if (Value(at) is { } value)
                    line.Append(SqlValue.Text(value, _isUtc[at]) is { Length: > 0 } text ? CsvText.Field(text) : "\"\"");
            }

            output.Write(line.Append('\n'));
        }
    }
}
