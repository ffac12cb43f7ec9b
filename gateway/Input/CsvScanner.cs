using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Settlement.Gateway.Input;

/// <summary>
/// Splits UTF-8 CSV (RFC 4180: quotes, doubled quotes, line ends inside quotes; LF or CRLF; a byte order mark) into records
/// of fields that are spans of its buffer: nothing is copied but what is quoted, nothing allocated after the start.
/// Spaces and tabs around a field are no part of it; lines without any other character are skipped.
/// </summary>
/// <remarks>
/// Invariant: the unread bytes are <c>_buffer[_from.._to]</c>, and a record is taken only when its line end is among them;
/// where it is not, more is read and the record scanned again from its start. A record longer than
/// <see cref="InputLimits.RecordBytesMax"/> is refused, so that always happens within the buffer.
/// </remarks>
internal sealed class CsvScanner : IDisposable
{
    private const byte Comma = (byte)',';
    private const byte NewLine = (byte)'\n';
    private const byte Quote = (byte)'"';

    private readonly InputStream _input;
    private readonly byte[] _buffer = new byte[InputLimits.BufferBytes];
    private readonly byte[] _unquoted = new byte[InputLimits.RecordBytesMax];

    // One more than can be filled: the last stays empty, for columns that a file does not have.
    private readonly int[] _starts = new int[InputLimits.ColumnsMax + 1];
    private readonly int[] _lengths = new int[InputLimits.ColumnsMax + 1];

    // written by: the reader's thread, all of them
    private byte[] _fieldsIn;
    private int _from, _to;
    private bool _ended;
    private long _lineNext = 1;

    /// <summary>Place of a column that the file does not have; its field is empty in every record.</summary>
    public const int NoField = InputLimits.ColumnsMax;

    /// <exception cref="InputException">The file is UTF-16, or cannot be read.</exception>
    public CsvScanner(InputStream input)
    {
        _input = input;
        _fieldsIn = _buffer;
        while (_to < 3 && !_ended)
            Fill();
        ReadOnlySpan<byte> head = _buffer.AsSpan(0, _to);
        if (head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            _from = 3;
        else if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            throw new InputException(File, 1, "expected UTF-8, found UTF-16");
    }

    public string File => _input.Name;

    public InputStream Input => _input;

    /// <summary>Number of the record's first line, from 1.</summary>
    public long Line { get; private set; }

    public int FieldCount { get; private set; }

    public ReadOnlySpan<byte> Field(int place) => _fieldsIn.AsSpan(_starts[place], _lengths[place]);

    /// <summary>Goes to the next record.</summary>
    /// <param name="wait">False: only if it can be had without reading from the file.</param>
    /// <returns>False at the end or, without <paramref name="wait"/>, where more would have to be read.</returns>
    public bool Next(bool wait)
    {
        while (true)
        {
            if (TryScan())
            {
                if (FieldCount > 1 || _lengths[0] > 0)
                    return true;
            }
            else if (_ended)
            {
                if (_from == _to)
                    return false;
                ThrowQuoteNotClosed();
            }
            else
            {
                if (!wait)
                    return false;
                Fill();
            }
        }
    }

    public void Dispose() => _input.Dispose();

    private bool TryScan()
    {
        ReadOnlySpan<byte> data = _buffer.AsSpan(0, _to);
        int at = _from, count = 0;
        byte stop;
        do
        {
            int length = data[at..].IndexOfAny(Comma, NewLine, Quote);
            if (length < 0)
                return NeedsMore();
            stop = data[at + length];
            if (stop == Quote)
                return TryScanQuoted();
            if (count == InputLimits.ColumnsMax)
                ThrowTooManyFields();
            _starts[count] = at;
            _lengths[count] = length;
            if (length > 0 && (data[at] <= ' ' || data[at + length - 1] <= ' '))
                Trim(count);
            count++;
            at += length + 1;
        }
        while (stop != NewLine);

        Take(_buffer, count, at, 1);
        return true;
    }

    private void Take(byte[] fieldsIn, int count, int end, long lines)
    {
        if (end - _from > InputLimits.RecordBytesMax)
            ThrowTooLong();
        _fieldsIn = fieldsIn;
        FieldCount = count;
        Line = _lineNext;
        _lineNext += lines;
        _from = end;
    }

    /// <summary>The same record with quotes in it: byte by byte, copied without them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryScanQuoted()
    {
        ReadOnlySpan<byte> data = _buffer.AsSpan(0, _to);
        int at = _from, count = 0, write = 0;
        long lines = 1;
        while (true)
        {
            while (at < data.Length && IsPadding(data[at]))
                at++;
            if (at == data.Length)
                return NeedsMore();
            if (count == InputLimits.ColumnsMax)
                ThrowTooManyFields();
            int start = write;
            bool quoted = data[at] == Quote;
            bool whole = quoted ? TryCopyQuoted(data, ref at, ref write, ref lines) : TryCopyPlain(data, ref at, ref write);
            if (!whole)
                return NeedsMore();
            _starts[count] = start;
            _lengths[count] = write - start;
            count++;
            if (data[at++] == NewLine)
                break;
        }
        Take(_unquoted, count, at, lines);
        return true;
    }

    /// <summary>From the opening quote to the comma or line end behind the closing one. False: they are not all there.</summary>
    private bool TryCopyQuoted(ReadOnlySpan<byte> data, ref int at, ref int write, ref long lines)
    {
        at++;
        while (true)
        {
            if (at == data.Length)
                return false;
            byte next = data[at++];
            if (next == Quote)
            {
                if (at == data.Length)
                    return false;
                if (data[at] != Quote)
                    break;
                at++;
            }
            if (next == NewLine)
                lines++;
            Put(next, ref write);
        }
        while (at < data.Length && IsPadding(data[at]))
            at++;
        if (at == data.Length)
            return false;
        if (data[at] is not (Comma or NewLine))
            throw new InputException(File, _lineNext, "expected a comma or the line's end behind a closing quote");
        return true;
    }

    private bool TryCopyPlain(ReadOnlySpan<byte> data, ref int at, ref int write)
    {
        int start = write;
        while (at < data.Length && data[at] is not (Comma or NewLine))
        {
            if (data[at] == Quote)
                throw new InputException(File, _lineNext, "a quote stands inside a field that does not begin with one");
            Put(data[at++], ref write);
        }
        while (write > start && IsPadding(_unquoted[write - 1]))
            write--;
        return at < data.Length;
    }

    private void Put(byte value, ref int write)
    {
        if (write == _unquoted.Length)
            ThrowTooLong();
        _unquoted[write++] = value;
    }

    private bool NeedsMore()
    {
        if (_to - _from > InputLimits.RecordBytesMax)
            ThrowTooLong();
        return false;
    }

    /// <summary>Reads once, behind what is there. At the end of the file, gives its last line the end that it may lack.</summary>
    private void Fill()
    {
        _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
        _to -= _from;
        _from = 0;
        int count = _input.Read(_buffer.AsSpan(_to, _buffer.Length - _to - 1));
        _to += count;
        if (count > 0)
            return;
        _ended = true;
        if (_to > 0)
            _buffer[_to++] = NewLine;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Trim(int field)
    {
        int start = _starts[field], end = start + _lengths[field];
        while (start < end && IsPadding(_buffer[start]))
            start++;
        while (end > start && IsPadding(_buffer[end - 1]))
            end--;
        _starts[field] = start;
        _lengths[field] = end - start;
    }

    /// <summary>Blanks around a field, and the CR of a CRLF.</summary>
    private static bool IsPadding(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r';

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowTooLong() =>
        throw new InputException(File, _lineNext, $"the line is longer than {InputLimits.RecordBytesMax} bytes");

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowTooManyFields() =>
        throw new InputException(File, _lineNext, $"the line has more than {InputLimits.ColumnsMax} fields");

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowQuoteNotClosed() =>
        throw new InputException(File, _lineNext, "a quote is opened and not closed before the file ends");
}
