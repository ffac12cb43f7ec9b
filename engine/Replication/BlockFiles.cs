using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal;

namespace Settlement.Engine.Replication;

/// <summary>A block of the log is not on disk as it was written. The message says which, where, and what is wrong.</summary>
public sealed class BlockDamagedException : JournalException
{
    public BlockDamagedException(ulong block, long address, string message)
        : base(message) => (Block, Address, IsDamage) = (block, address, true);

    public ulong Block { get; }

    /// <summary>At or in front of the damage, in its page or one that leads there: where to look for it.</summary>
    public long Address { get; }
}

/// <summary>
/// Reads blocks by number from the segment files of a journal that is in use, and checks each one's CRC.
/// </summary>
/// <remarks>
/// There is no index: a log of a year would have billions of entries. An entry never crosses a page, so the first block of every page says where to look: a binary search
/// over pages (four bytes and a header each), then a walk inside one. Who reads on where he stopped is found by the places behind the last blocks read, and neither searches nor walks.
/// Failure assumed: any byte may be wrong. A block that is not found is looked for once more, by a search that believes the first block of a page only if its CRC is right and passes the page over if not: so
/// damage costs blocks of its own page and no others.
/// One reader at a time, any thread: they take turns.
/// </remarks>
internal sealed class BlockFiles(JournalFiles files) : IDisposable
{
    private const int WindowBytes = 64 << 10;
    private const int CursorsMax = 8;
    private const int HandlesMax = 4;

    /// <summary>A cursor this many blocks in front of what is asked is near enough to walk from.</summary>
    private const ulong NearBlocks = 64;

    private readonly record struct Cursor(ulong Block, long Address, long Used);

    /// <summary>Where a block stands.</summary>
    public readonly record struct Found(long Address, long EndAddress, BlockHeader Header);

    private readonly Lock _gate = new();
    private readonly Cursor[] _cursors = new Cursor[CursorsMax];
    private readonly List<(long Segment, SafeFileHandle File)> _open = [];
    private readonly byte[] _window = new byte[WindowBytes];
    private long _windowStart = -1;
    private int _windowFilled;
    private long _uses;
    private bool _believesCrcAlone;
    private ulong _firstBlock = ulong.MaxValue;
    private long _firstSegment = -1;

    /// <summary>The lowest block that can be read: the first one of the first page that there is.</summary>
    /// <param name="end">Address up to which the log is on disk.</param>
    public ulong FirstBlock(long end)
    {
        lock (_gate)
        {
            if (_firstSegment >= 0 && File.Exists(files.SegmentPath(_firstSegment)))
                return _firstBlock;
            _believesCrcAlone = true;
            long segment = files.FirstSegment();
            if (segment < 0 || !TryFirstOf(segment * (files.SegmentBytes / files.PageBytes), end, out _, out ulong block))
                throw new BlockDamagedException(0, Math.Max(segment, 0) * files.SegmentBytes, $"The journal in '{files.Directory}' has no block that could be read.");
            (_firstSegment, _firstBlock) = (segment, block);
            return block;
        }
    }

    /// <summary>Reads a block, header and body.</summary>
    /// <param name="block">At most the last one on disk.</param>
    /// <param name="end">Address up to which the log is on disk.</param>
    /// <param name="buffer">Is replaced where it is too small.</param>
    /// <param name="found">Where it is.</param>
    /// <returns>Its length; -1: it was cut away with the files that held it.</returns>
    /// <exception cref="BlockDamagedException">It should be there, and is not.</exception>
    public int Read(ulong block, long end, ref byte[] buffer, out Found found)
    {
        lock (_gate)
        {
            int bytes;
            string? damage = null;
            long near = 0;
            for (int attempt = 0; attempt < 2; attempt++)
            {
                // What is read while the device writes the same sector again may be a page of the cache that was filled before: look again.
                _believesCrcAlone = attempt > 0;
                if (attempt > 0)
                    _windowStart = -1;
                if (!TryFind(block, end, out found))
                {
                    if (IsCutAway(block, end))
                        return -1;
                    damage = "it is not where it should be";
                    near = TrySearch(block, end, out long page) ? page : Math.Max(0, files.FirstSegment()) * files.SegmentBytes;
                    Array.Clear(_cursors);
                    continue;
                }

                bytes = BlockHeader.Size + (int)found.Header.BodyBytes;
                if (buffer.Length < bytes)
                    buffer = GC.AllocateUninitializedArray<byte>(bytes);
                if (Copy(found.Address + 4, buffer.AsSpan(0, bytes), end)
                    && BlockSeal.CrcOf(in MemoryMarshal.AsRef<BlockHeader>(buffer.AsSpan(0, BlockHeader.Size)), buffer.AsSpan(BlockHeader.Size, bytes - BlockHeader.Size), default) == found.Header.Crc)
                {
                    Remember(block + 1, found.EndAddress);
                    return bytes;
                }

                damage = $"its CRC is not that of its bytes, at {files.PlaceOf(found.Address)}";
                near = found.Address;
            }

            throw new BlockDamagedException(block, near, $"Block {block} of the journal in '{files.Directory}' is damaged: {damage}.");
        }
    }

    /// <summary>Forgets all places and files: the log's end was cut.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            Array.Clear(_cursors);
            foreach ((_, SafeFileHandle file) in _open)
                file.Dispose();
            _open.Clear();
            _windowStart = -1;
            _firstSegment = -1;
        }
    }

    public void Dispose() => Forget();

    private bool IsCutAway(ulong block, long end)
    {
        long segment = files.FirstSegment();
        _believesCrcAlone = true;
        return segment > 0 && TryFirstOf(segment * (files.SegmentBytes / files.PageBytes), end, out _, out ulong first) && block < first;
    }

    private bool TryFind(ulong block, long end, out Found found)
    {
        if (!TryCursor(block, out long address) && !TrySearch(block, end, out address))
        {
            found = default;
            return false;
        }

        return TryWalk(address, block, end, out found);
    }

    private bool TryCursor(ulong block, out long address)
    {
        address = 0;
        ulong best = 0;
        int index = -1;
        for (int i = 0; i < CursorsMax; i++)
        {
            if (_cursors[i].Address != 0 && _cursors[i].Block <= block && _cursors[i].Block >= best && block - _cursors[i].Block <= NearBlocks)
                (index, best, address) = (i, _cursors[i].Block, _cursors[i].Address);
        }

        if (index >= 0)
            _cursors[index] = _cursors[index] with { Used = ++_uses };
        return index >= 0;
    }

    /// <summary>In the place of the cursor that led here, else of the one that nobody has used for longest.</summary>
    private void Remember(ulong next, long address)
    {
        int oldest = 0;
        for (int i = 0; i < CursorsMax; i++)
        {
            if (_cursors[i].Address != 0 && _cursors[i].Block < next && next - _cursors[i].Block <= NearBlocks)
            {
                oldest = i;
                break;
            }

            if (_cursors[i].Used < _cursors[oldest].Used)
                oldest = i;
        }

        _cursors[oldest] = new Cursor(next, address, ++_uses);
    }

    /// <summary>The address of the last page's first block that is not behind the one asked for.</summary>
    private bool TrySearch(ulong block, long end, out long address)
    {
        address = -1;
        long low = Math.Max(0, files.FirstSegment()) * (files.SegmentBytes / files.PageBytes);
        long high = (end - 1) / files.PageBytes;
        while (low <= high)
        {
            long middle = low + ((high - low) / 2);
            long page = middle;
            long at = 0;
            ulong first = 0;
            while (page <= high && !TryFirstOf(page, end, out at, out first))
                page++;
            if (page > high || first > block)
                high = middle - 1;
            else
                (address, low) = (at, page + 1);
        }

        return address >= 0;
    }

    /// <summary>The first block of a page; false: it has none, or none that could be told.</summary>
    private bool TryFirstOf(long page, long end, out long address, out ulong block)
    {
        long start = page * files.PageBytes;
        address = Math.Max(start, JournalFiles.FirstAddress);
        block = 0;
        while (address < end)
        {
            int length = LengthAt(address, end);
            if (length != -(FasterJournal.CommitRecordBytes - 4))
            {
                BlockHeader header = default;
                if (length < BlockHeader.Size || !TryHeader(address, end, length, ref header) || (_believesCrcAlone && !IsWhole(address, in header)))
                    return false;
                block = header.Number;
                return true;
            }

            address += FasterJournal.CommitRecordBytes;
        }

        return false;
    }

    private bool IsWhole(long address, in BlockHeader header)
    {
        int bytes = (int)header.BodyBytes;
        byte[] body = ArrayPool<byte>.Shared.Rent(bytes);
        bool whole = ReadInto(address + 4 + BlockHeader.Size, body.AsSpan(0, bytes)) == bytes && BlockSeal.CrcOf(in header, body.AsSpan(0, bytes), default) == header.Crc;
        ArrayPool<byte>.Shared.Return(body);
        return whole;
    }

    private bool TryWalk(long address, ulong block, long end, out Found found)
    {
        found = default;
        BlockHeader header = default;
        while (address < end)
        {
            int length = LengthAt(address, end);
            if (length == -(FasterJournal.CommitRecordBytes - 4))
                address += FasterJournal.CommitRecordBytes;
            else if (length >= BlockHeader.Size && TryHeader(address, end, length, ref header))
            {
                long next = address + 4 + ((length + 3) & ~3);
                if (header.Number == block)
                {
                    found = new Found(address, next, header);
                    return true;
                }

                if (header.Number > block)
                    return false;
                address = next;
            }
            else
                address = files.PageStartOf(address) + files.PageBytes; // the unused rest of a page, or damage: then what follows says so
        }

        return false;
    }

    private bool TryHeader(long address, long end, int length, ref BlockHeader header)
    {
        if (length > files.PageStartOf(address) + files.PageBytes - address - 4)
            return false;
        ReadOnlySpan<byte> bytes = WindowAt(address + 4, BlockHeader.Size, end);
        if (bytes.Length < BlockHeader.Size)
            return false;
        header = MemoryMarshal.Read<BlockHeader>(bytes);
        return header.Magic == BlockHeader.MagicValue && header.LedgerId == files.LedgerId && header.BodyBytes == length - BlockHeader.Size;
    }

    private int LengthAt(long address, long end)
    {
        ReadOnlySpan<byte> bytes = WindowAt(address, 4, end);
        return bytes.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    /// <summary>Bytes of the log, fewer where it ends; valid until the next call.</summary>
    private ReadOnlySpan<byte> WindowAt(long address, int bytes, long end)
    {
        if (_windowStart < 0 || address < _windowStart || address + bytes > _windowStart + _windowFilled)
        {
            long pageEnd = files.PageStartOf(address) + files.PageBytes;
            _windowStart = address;
            _windowFilled = ReadInto(address, _window.AsSpan(0, (int)Math.Min(WindowBytes, Math.Min(pageEnd, end) - address)));
        }

        int offset = (int)(address - _windowStart);
        return _window.AsSpan(offset, Math.Min(bytes, _windowFilled - offset));
    }

    private bool Copy(long address, Span<byte> target, long end)
    {
        if (target.Length > WindowBytes)
            return ReadInto(address, target) == target.Length;
        ReadOnlySpan<byte> bytes = WindowAt(address, target.Length, end);
        return bytes.TryCopyTo(target) && bytes.Length == target.Length;
    }

    /// <returns>How many bytes there were.</returns>
    private int ReadInto(long address, Span<byte> target)
    {
        if (HandleOf(files.SegmentOf(address)) is not { } file)
            return 0;
        long offset = files.OffsetOf(address);
        int done = 0;
        int read;
        while (done < target.Length && (read = RandomAccess.Read(file, target[done..], offset + done)) > 0)
            done += read;
        return done;
    }

    private SafeFileHandle? HandleOf(long segment)
    {
        foreach ((long number, SafeFileHandle file) in _open)
        {
            if (number == segment)
                return file;
        }

        try
        {
            SafeFileHandle opened = File.OpenHandle(files.SegmentPath(segment), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (_open.Count == HandlesMax)
            {
                _open[0].File.Dispose();
                _open.RemoveAt(0);
            }

            _open.Add((segment, opened));
            return opened;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
