using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Snapshots;

/// <summary>
/// Writes the bytes of one snapshot to a stream, in order and without seeking; memory: one chunk. Who writes a table calls
/// <see cref="Begin"/> and then <see cref="Write{T}(ReadOnlySpan{T})"/> as often as is convenient: chunks are filled across calls.
/// </summary>
public sealed class SnapshotWriter
{
    private readonly Stream _stream;
    private readonly byte[] _chunk = GC.AllocateUninitializedArray<byte>(SnapshotChunkHead.Size + SnapshotChunkHead.BytesMax);
    private readonly uint _seed;
    private SnapshotSection _section;
    private int _filled;
    private uint _chunks;

    /// <param name="stream">Stays the caller's.</param>
    /// <param name="head">Magic, version and CRC are filled in.</param>
    public SnapshotWriter(Stream stream, SnapshotHead head)
    {
        _stream = stream;
        head.Magic = SnapshotHead.MagicValue;
        head.Version = SnapshotHead.FormatVersion;
        head.Crc = 0;
        head.Crc = _seed = Crc32C.Append(0, MemoryMarshal.AsBytes(new ReadOnlySpan<SnapshotHead>(in head)));
        _stream.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<SnapshotHead>(in head)));
        BytesWritten = SnapshotHead.Size;
    }

    /// <summary>Bytes given to the stream so far.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Ends the section before, and begins another.</summary>
    public void Begin(SnapshotSection section)
    {
        if (section <= _section)
            throw new InvalidOperationException($"section {section} after {_section}: they stand in the order of their numbers");
        Flush();
        _section = section;
    }

    public void Write<T>(in T value)
        where T : unmanaged => Write(new ReadOnlySpan<T>(in value));

    public void Write<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        while (bytes.Length > 0)
        {
            int count = Math.Min(bytes.Length, SnapshotChunkHead.BytesMax - _filled);
            bytes[..count].CopyTo(_chunk.AsSpan(SnapshotChunkHead.Size + _filled));
            bytes = bytes[count..];
            _filled += count;
            if (_filled == SnapshotChunkHead.BytesMax)
                Flush();
        }
    }

    /// <summary>Writes rows of a table outside the managed heap, however many.</summary>
    public void Write<T>(NativeTable<T> table, long first, long count)
        where T : unmanaged
    {
        const int PieceRows = 16_384;
        for (long at = first; at < first + count; at += PieceRows)
            Write<T>(table.Rows(at, (int)Math.Min(PieceRows, first + count - at)));
    }

    /// <summary>Ends the last section and writes the end: without it a snapshot is not one.</summary>
    /// <param name="stateHash">Of the state that was written.</param>
    public void Finish(in Digest stateHash)
    {
        ulong chunks = _filled > 0 ? _chunks + 1UL : _chunks;
        Begin(SnapshotSection.End);
        Write(in stateHash);
        Write(chunks);
        Write((ulong)BytesWritten + SnapshotChunkHead.Size + 48);
        Flush();
    }

    private void Flush()
    {
        if (_filled == 0)
            return;
        var head = new SnapshotChunkHead { Bytes = (uint)_filled, Section = _section, Index = _chunks++ };
        Span<byte> chunk = _chunk.AsSpan(0, SnapshotChunkHead.Size + _filled);
        MemoryMarshal.Write(chunk, in head);
        head.Crc = Crc32C.Append(_seed, chunk);
        MemoryMarshal.Write(chunk, in head);
        _stream.Write(chunk);
        BytesWritten += chunk.Length;
        _filled = 0;
    }
}
