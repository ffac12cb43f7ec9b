using System.Buffers.Text;
using System.Globalization;

namespace Settlement.Perf.Generate;

/// <summary>
/// Writes CSV fields as UTF-8 into one buffer and the buffer to a stream: no strings, no allocation a line. Nothing that is
/// written here can hold a comma, a quote or a line end, so nothing is quoted.
/// </summary>
public sealed class CsvText : IDisposable
{
    /// <summary>Longer than any line: 11 fields, the longest 37 bytes.</summary>
    private const int LineBytesMax = 512;
    private const int BufferBytes = 1 << 18;

    private static readonly ulong[] s_powersOfTen = [1, 10, 100, 1_000, 10_000];

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _used;

    /// <param name="stream">Is closed with this.</param>
    public CsvText(Stream stream) => _stream = stream;

    /// <summary>Bytes of text so far, before any compression.</summary>
    public long BytesWritten { get; private set; }

    public void Comma() => _buffer[_used++] = (byte)',';

    public void Text(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_buffer.AsSpan(_used));
        _used += text.Length;
    }

    public void Number(ulong value)
    {
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_used), out int written);
        _used += written;
    }

    /// <summary>12.34 from 1234 and scale 2; all decimal places are written.</summary>
    public void Amount(ulong units, int scale)
    {
        if (scale == 0)
        {
            Number(units);
            return;
        }

        (ulong whole, ulong fraction) = Math.DivRem(units, s_powersOfTen[scale]);
        Number(whole);
        _buffer[_used++] = (byte)'.';
        for (int place = scale - 1; place >= 0; place--)
        {
            _buffer[_used + place] = (byte)('0' + fraction % 10);
            fraction /= 10;
        }

        _used += scale;
    }

    /// <summary>The sixteen bytes as one big-endian number: 8-4-4-4-12 digits.</summary>
    public void Uuid(ulong high, ulong low)
    {
        Hex(high >> 32, 8);
        _buffer[_used++] = (byte)'-';
        Hex(high >> 16, 4);
        _buffer[_used++] = (byte)'-';
        Hex(high, 4);
        _buffer[_used++] = (byte)'-';
        Hex(low >> 48, 4);
        _buffer[_used++] = (byte)'-';
        Hex(low, 12);
    }

    /// <summary>Seconds since the Unix epoch, as RFC 3339 in UTC.</summary>
    public void Time(ulong seconds)
    {
        DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            .TryFormat(_buffer.AsSpan(_used), out int written, "yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        _used += written;
    }

    public void EndLine()
    {
        _buffer[_used++] = (byte)'\n';
        if (_used > BufferBytes - LineBytesMax)
            Flush();
    }

    public void Flush()
    {
        _stream.Write(_buffer, 0, _used);
        BytesWritten += _used;
        _used = 0;
    }

    public void Dispose()
    {
        Flush();
        _stream.Dispose();
    }

    private void Hex(ulong value, int digits)
    {
        for (int place = digits - 1; place >= 0; place--)
        {
            _buffer[_used + place] = "0123456789abcdef"u8[(int)(value & 15)];
            value >>= 4;
        }

        _used += digits;
    }
}
