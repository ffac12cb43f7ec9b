using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Settlement.Replay.Common;

/// <summary>One JSON object, written as it comes about: however long its lists are, 64 KiB of it are in memory.</summary>
internal sealed class JsonText : IDisposable
{
    private const int DrainBytes = 1 << 16;

    private readonly ArrayBufferWriter<byte> _buffer = new(2 * DrainBytes);
    private readonly TextWriter _output;

    public JsonText(TextWriter output)
    {
        _output = output;
        Writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        Writer.WriteStartObject();
    }

    public Utf8JsonWriter Writer { get; }

    /// <summary>A 64- or 128-bit number that a JSON reader may round: as text.</summary>
    public static string Exact<T>(T number) where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);

    /// <summary>To be called between the entries of a long list.</summary>
    public void DrainIfLong()
    {
        if (Writer.BytesPending + _buffer.WrittenCount >= DrainBytes)
            Drain();
    }

    /// <summary>Ends the object and its line.</summary>
    public void End()
    {
        Writer.WriteEndObject();
        Drain();
        _output.WriteLine();
    }

    public void Dispose() => Writer.Dispose();

    /// <summary>A flush ends behind a token, so never inside a letter of UTF-8.</summary>
    private void Drain()
    {
        Writer.Flush();
        _output.Write(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.ResetWrittenCount();
    }
}
