using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Settlement.Gateway.Input;

/// <summary>
/// One file of the command line, opened: `-` is standard input, a name that ends in `.gz` is decompressed. Hashes, where asked,
/// what it gives out (so a file and its gzip have one content). Failures of the file system and of the compression become
/// an <see cref="InputException"/> that names the file.
/// </summary>
internal sealed class InputStream : ForwardStream
{
    public const string StandardInputPath = "-";

    /// <summary>How far is looked for the first character that tells XML from CSV.</summary>
    private const int HeadBytes = 512;

    private readonly Stream _stream;
    private readonly IncrementalHash? _hash;
    private readonly byte[] _head = new byte[HeadBytes];
    private int _headFrom, _headTo; // written by: the reader's thread

    /// <summary>Wraps a stream that is open already; it is closed with this one.</summary>
    /// <param name="name">How messages call it.</param>
    /// <param name="canReread">Whether the same bytes can be had by opening the name again.</param>
    /// <param name="hashed">Whether <see cref="ContentHash"/> will be asked for.</param>
    public InputStream(Stream stream, string name, bool canReread, bool hashed)
    {
        _stream = stream;
        Name = name;
        CanReread = canReread;
        _hash = hashed ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    }

    /// <exception cref="InputException">There is no such file, or it cannot be opened.</exception>
    public static InputStream Open(string path, bool hashed = false)
    {
        if (path == StandardInputPath)
            return new InputStream(Console.OpenStandardInput(), "standard input", canReread: false, hashed);
        try
        {
            // Readers bring their own large buffer; the file's second one would only copy.
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
            bool compressed = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
            Stream stream = compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
            return new InputStream(stream, path, canReread: file.CanSeek, hashed);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException(path, 0, "there is no such file", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InputException(path, 0, $"the file cannot be opened ({fault.Message})", fault);
        }
    }

    public string Name { get; }

    /// <summary>False for standard input and for pipes.</summary>
    public bool CanReread { get; }

    /// <summary>Bytes given out so far, after decompression.</summary>
    public long BytesRead { get; private set; }

    /// <summary>SHA-256 of the bytes given out since it was opened.</summary>
    public byte[] ContentHash() => _hash!.GetCurrentHash();

    /// <summary>Whether the first character is `&lt;`. Takes nothing away from what is read later.</summary>
    public bool LooksLikeXml()
    {
        // The first character of UTF-16 text is two bytes, in either order, so the second is looked at, too.
        for (int at = 0; ; at++)
        {
            while (at + 1 >= _headTo && _headTo < HeadBytes)
            {
                int count = ReadSource(_head.AsSpan(_headTo));
                if (count == 0)
                    break;
                _headTo += count;
            }
            if (at >= _headTo)
                return false;
            bool skipped = _head[at] is 0xEF or 0xBB or 0xBF or 0xFE or 0xFF or 0x00 or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';
            if (!skipped)
                return _head[at] == (byte)'<';
        }
    }

    public override int Read(Span<byte> buffer)
    {
        int count = _headFrom < _headTo ? TakeHead(buffer) : ReadSource(buffer);
        _hash?.AppendData(buffer[..count]);
        BytesRead += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Dispose();
            _hash?.Dispose();
        }
        base.Dispose(disposing);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int TakeHead(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _headTo - _headFrom);
        _head.AsSpan(_headFrom, count).CopyTo(buffer);
        _headFrom += count;
        return count;
    }

    private int ReadSource(Span<byte> buffer)
    {
        try
        {
            return _stream.Read(buffer);
        }
        catch (InvalidDataException fault)
        {
            throw new InputException(Name, 0, $"the file is not whole gzip ({fault.Message})", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new InputException(Name, 0, $"the file cannot be read ({fault.Message})", fault);
        }
    }
}
