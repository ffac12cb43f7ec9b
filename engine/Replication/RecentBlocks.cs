using Settlement.Engine.Domain;

namespace Settlement.Engine.Replication;

/// <summary>
/// The last blocks of a log, in memory: what is not on disk yet, and what others of the cluster ask for while they keep up.
/// </summary>
/// <remarks>
/// One buffer of fixed size, taken at start (the system gives it page by page as it is first used), in which blocks follow each other as in a ring; a block is in one piece.
/// Invariant: the blocks in it are consecutive, and none leaves it before it is on disk: whoever adds one makes room first and waits for the disk where he must.
/// Nothing is allocated a block. Any thread; a copy of a block of 1 MiB holds the others up for a tenth of a millisecond.
/// </remarks>
internal sealed class RecentBlocks
{
    /// <summary>Bound on the number: a power of two, 24 bytes each, 1.5 MiB.</summary>
    private const int CountMax = 1 << 16;

    private readonly record struct Place(int Offset, int Bytes, ulong Term);

    private readonly byte[] _bytes;
    private readonly Place[] _places = new Place[CountMax];
    private readonly Lock _gate = new();

    // written by: who appends, holding _gate
    private ulong _first;
    private int _count;
    private int _tail;

    /// <param name="bytes">At least the largest block.</param>
    /// <param name="nextBlock">The first block that will be put.</param>
    public RecentBlocks(int bytes, ulong nextBlock) => (_bytes, _first) = (GC.AllocateUninitializedArray<byte>(bytes), nextBlock);

    /// <summary>Whether a block of so many bytes has room; if not, the number of the block that must leave first.</summary>
    public bool HasRoomFor(int bytes, out ulong oldest)
    {
        lock (_gate)
        {
            oldest = _first;
            return OffsetFor(bytes) >= 0;
        }
    }

    /// <summary>Lets go of the oldest block.</summary>
    public void DropOldest()
    {
        lock (_gate)
        {
            _first++;
            _count--;
        }
    }

    /// <summary>Adds the next block, for which there is room.</summary>
    public void Put(in BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> body3)
    {
        int bytes = BlockHeader.Size + body1.Length + body2.Length + body3.Length;
        lock (_gate)
        {
            int offset = OffsetFor(bytes);
            if (offset < 0 || header.Number != _first + (ulong)_count)
                throw new InvalidOperationException($"block {header.Number} of {bytes} bytes was put behind {_count} blocks from {_first} on: a broken invariant");
            Span<byte> target = _bytes.AsSpan(offset, bytes);
            Journal.BlockSeal.BytesOf(in header).CopyTo(target);
            target = target[BlockHeader.Size..];
            body1.CopyTo(target);
            body2.CopyTo(target[body1.Length..]);
            body3.CopyTo(target[(body1.Length + body2.Length)..]);
            _places[header.Number % CountMax] = new Place(offset, bytes, header.Term);
            _count++;
            _tail = offset + bytes;
        }
    }

    /// <summary>Copies a block into a buffer, which is replaced where it is too small; false: it is not here.</summary>
    public bool TryRead(ulong block, ref byte[] buffer, out int bytes)
    {
        lock (_gate)
        {
            bytes = 0;
            if (block < _first || block - _first >= (ulong)_count)
                return false;
            Place place = _places[block % CountMax];
            bytes = place.Bytes;
            if (buffer.Length < bytes)
                buffer = GC.AllocateUninitializedArray<byte>(bytes);
            _bytes.AsSpan(place.Offset, bytes).CopyTo(buffer);
            return true;
        }
    }

    public bool TryTermOf(ulong block, out ulong term)
    {
        lock (_gate)
        {
            bool here = block >= _first && block - _first < (ulong)_count;
            term = here ? _places[block % CountMax].Term : 0;
            return here;
        }
    }

    /// <summary>Forgets all blocks behind one; the next that is put is the one behind it.</summary>
    public void CutBehind(ulong block)
    {
        lock (_gate)
        {
            ulong next = block + 1;
            _count = next > _first ? (int)Math.Min((ulong)_count, next - _first) : 0;
            if (_count == 0)
                (_first, _tail) = (next, 0);
            else
                _tail = _places[block % CountMax].Offset + _places[block % CountMax].Bytes;
        }
    }

    /// <summary>Where so many bytes would go, in one piece; negative: nowhere, as it is.</summary>
    private int OffsetFor(int bytes)
    {
        if (_count == 0)
            return bytes <= _bytes.Length ? 0 : -1;
        if (_count == CountMax)
            return -1;
        int head = _places[_first % CountMax].Offset;
        if (_tail <= head)
            return head - _tail >= bytes ? _tail : -1;
        if (_bytes.Length - _tail >= bytes)
            return _tail;
        return head >= bytes ? 0 : -1;
    }
}
