using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Snapshots;

/// <summary>
/// Reads what <see cref="SnapshotWriter"/> wrote, in the same order; every byte is checked before it is given out.
/// </summary>
/// <remarks>
/// Failure assumed: any byte may be wrong, missing or of another snapshot. Checksums find that; counts and indexes are checked all the
/// same by whoever reads them (<see cref="Expect"/>), for a sound file may come from a program with other bounds.
/// </remarks>
public sealed class SnapshotReader
{
    private readonly Stream _stream;
    private readonly string _name;
    private readonly byte[] _chunk = GC.AllocateUninitializedArray<byte>(SnapshotChunkHead.Size + SnapshotChunkHead.BytesMax);
    private SnapshotHead _head;
    private SnapshotSection _section;
    private int _used;
    private int _filled;
    private uint _chunks;
    private long _bytesRead;

    /// <param name="stream">At its beginning; stays the caller's.</param>
    /// <param name="name">Names the file in messages.</param>
    /// <exception cref="SnapshotException">No snapshot begins there, or one of another format.</exception>
    public SnapshotReader(Stream stream, string name)
    {
        (_stream, _name) = (stream, name);
        Fill(MemoryMarshal.AsBytes(new Span<SnapshotHead>(ref _head)));
        SnapshotHead plain = _head;
        plain.Crc = 0;
        Expect(_head.Magic == SnapshotHead.MagicValue, "it does not begin as a snapshot does");
        Expect(_head.Crc == Crc32C.Append(0, MemoryMarshal.AsBytes(new ReadOnlySpan<SnapshotHead>(in plain))), "its head does not match its CRC");
        Expect(_head.Version == SnapshotHead.FormatVersion, $"it is of format {_head.Version}, and this program reads format {SnapshotHead.FormatVersion}");
    }

    public SnapshotHead Head => _head;

    /// <summary>Goes to a section; all of the one before must have been read.</summary>
    public void Begin(SnapshotSection section)
    {
        Expect(_used == _filled, $"section {_section} is longer than what belongs into it");
        _section = section;
    }

    public T Read<T>()
        where T : unmanaged
    {
        T value = default;
        Read(new Span<T>(ref value));
        return value;
    }

    public void Read<T>(Span<T> values)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(values);
        while (bytes.Length > 0)
        {
            if (_used == _filled)
                Expect(TakeChunk() == _section, $"section {_section} is shorter than what belongs into it");
            int count = Math.Min(bytes.Length, _filled - _used);
            _chunk.AsSpan(SnapshotChunkHead.Size + _used, count).CopyTo(bytes);
            bytes = bytes[count..];
            _used += count;
        }
    }

    /// <summary>Reads rows into a table outside the managed heap.</summary>
    public void Read<T>(NativeTable<T> table, long first, long count)
        where T : unmanaged
    {
        const int PieceRows = 16_384;
        for (long at = first; at < first + count; at += PieceRows)
            Read(table.Rows(at, (int)Math.Min(PieceRows, first + count - at)));
    }

    /// <summary>A count, as eight bytes, that has a bound.</summary>
    public int ReadCount(long max, string what)
    {
        ulong count = Read<ulong>();
        Expect(count <= (ulong)max, $"it holds {count} {what}, of which at most {max} have room");
        return (int)count;
    }

    /// <summary>Refuses the snapshot where a condition does not hold.</summary>
    public void Expect([DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
            throw new SnapshotException(string.Create(CultureInfo.InvariantCulture, $"The snapshot '{_name}' cannot be used: {otherwise} (at byte {_bytesRead})"));
    }

    /// <summary>Reads the end; nothing may follow it.</summary>
    /// <returns>The state hash that was written.</returns>
    public Digest Finish()
    {
        Begin(SnapshotSection.End);
        return ReadEnd();
    }

    /// <summary>Reads a whole snapshot for its checksums alone.</summary>
    /// <exception cref="SnapshotException">Its first fault.</exception>
    /// <param name="stream">At its beginning.</param>
    /// <param name="name">Names it in messages.</param>
    /// <param name="stateHash">Of the state that it holds.</param>
    public static SnapshotHead Check(Stream stream, string name, out Digest stateHash)
    {
        var reader = new SnapshotReader(stream, name);
        while ((reader._section = reader.TakeChunk()) != SnapshotSection.End)
        {
        }

        stateHash = reader.ReadEnd();
        return reader.Head;
    }

    /// <summary>Gives all that follows on the head to a writer, each chunk checked: the same snapshot under another head.</summary>
    /// <exception cref="SnapshotException">Its first fault; what was written is then none.</exception>
    internal void CopyTo(SnapshotWriter writer)
    {
        SnapshotSection section = SnapshotSection.None;
        while ((_section = TakeChunk()) != SnapshotSection.End)
        {
            Expect(_section >= section, $"section {_section} follows on section {section}");
            if (_section != section)
                writer.Begin(section = _section);
            writer.Write<byte>(_chunk.AsSpan(SnapshotChunkHead.Size, _filled));
            _used = _filled;
        }

        writer.Finish(ReadEnd());
    }

    private Digest ReadEnd()
    {
        Digest stateHash = Read<Digest>();
        ulong chunks = Read<ulong>();
        ulong bytes = Read<ulong>();
        Expect(_used == _filled, "its end is longer than an end is");
        Expect(chunks == _chunks - 1UL, $"its end says {chunks} chunks, {_chunks - 1} were read");
        Expect(bytes == (ulong)_bytesRead, $"its end says {bytes} bytes, {_bytesRead} were read");
        Expect(_stream.ReadByte() < 0, "bytes follow behind its end");
        return stateHash;
    }

    /// <summary>Takes the next chunk whole, and says of which section it is.</summary>
    private SnapshotSection TakeChunk()
    {
        Fill(_chunk.AsSpan(0, SnapshotChunkHead.Size));
        SnapshotChunkHead head = MemoryMarshal.Read<SnapshotChunkHead>(_chunk);
        Expect(head.Bytes is > 0 and <= SnapshotChunkHead.BytesMax, $"a chunk of {head.Bytes} bytes cannot be");
        Span<byte> chunk = _chunk.AsSpan(0, SnapshotChunkHead.Size + (int)head.Bytes);
        Fill(chunk[SnapshotChunkHead.Size..]);
        uint stated = head.Crc;
        head.Crc = 0;
        MemoryMarshal.Write(chunk, in head);
        Expect(stated == Crc32C.Append(_head.Crc, chunk), $"chunk {_chunks} does not match its CRC");
        Expect(head.Index == _chunks, $"chunk {head.Index} stands where chunk {_chunks} is expected");
        _chunks++;
        (_used, _filled) = (0, (int)head.Bytes);
        return head.Section;
    }

    private void Fill(Span<byte> bytes)
    {
        int read = _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        _bytesRead += read;
        Expect(read == bytes.Length, "it is cut short");
    }
}
