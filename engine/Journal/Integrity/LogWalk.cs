using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>How a walk ended.</summary>
internal enum WalkEnd
{
    /// <summary>At the end that it was given.</summary>
    End = 0,

    /// <summary>At something that is not as it was written: <see cref="LogWalk.What"/>.</summary>
    Damage,

    /// <summary>The files in which it was are gone: cut away behind a snapshot.</summary>
    CutAway,

    /// <summary>It was told to stop.</summary>
    Stopped,
}

/// <summary>A place between two entries of a log, with what must follow there.</summary>
/// <param name="Address">Where the next entry begins.</param>
/// <param name="Position">Of the chain; null: not known, for nothing before was read.</param>
/// <param name="CommitNumber">Of the last of FASTER's commit records; 0: not known.</param>
internal readonly record struct LogPlace(long Address, ChainPosition? Position, long CommitNumber);

/// <summary>
/// Reads a log from the disk, entry by entry, and checks all that can be checked: lengths, CRCs, zeros where nothing stands, FASTER's commit records, and the chain.
/// </summary>
/// <remarks>
/// Unlike <see cref="JournalReader"/> it may begin anywhere at a page's start, knows where the log ends by being told, goes on where it stopped, and reads past the page cache at a pace.
/// Memory: one page. One thread uses it.
/// </remarks>
internal sealed class LogWalk : IDisposable
{
    /// <summary>So many blocks back a walk knows where it has been: damage may be seen only behind bytes that look whole.</summary>
    private const int TrailBlocks = 64;

    private readonly JournalFiles _files;
    private readonly LogDisk _disk;
    private readonly Func<int, bool>? _pace;
    private readonly byte[] _page;
    private readonly BlockSeal _seal = new();
    private readonly List<LogPlace> _trail = [];
    private long _pageStart = -1;
    private int _pageFilled;
    private LogPlace _at;

    /// <summary>Where the zeros at the end of a page began, while no block behind them has shown that nothing is missing.</summary>
    private LogPlace? _gap;

    /// <param name="files">Of the journal.</param>
    /// <param name="disk">Reads them; stays the caller's.</param>
    /// <param name="pageStart">Where to begin: the start of a page.</param>
    /// <param name="pace">As of <see cref="LogDisk.Read"/>.</param>
    public LogWalk(JournalFiles files, LogDisk disk, long pageStart, Func<int, bool>? pace)
    {
        (_files, _disk, _pace) = (files, disk, pace);
        _page = GC.AllocateUninitializedArray<byte>(files.PageBytes);
        ChainPosition? genesis = pageStart == 0 ? ChainPosition.BeforeGenesis(files.LedgerId) : null;
        _at = new LogPlace(Math.Max(pageStart, JournalFiles.FirstAddress), genesis, 0);
    }

    /// <summary>Behind the last entry that is whole and follows on the one before; at damage, where that begins.</summary>
    public LogPlace At => _at;

    /// <summary>Places before the last blocks, the nearest last: where damage may have begun that shows only here.</summary>
    public IReadOnlyList<LogPlace> Trail => _trail;

    /// <summary>What is wrong.</summary>
    public string What { get; private set; } = "";

    /// <summary>The last block that was read; null: none.</summary>
    public ulong? LastBlock => _at.Position is { NextNumber: > 0 } position ? position.NextNumber - 1 : null;

    /// <summary>Goes on to an end.</summary>
    /// <param name="end">Up to where the log is on disk.</param>
    /// <param name="untilBlock">May end sooner: behind this one.</param>
    public WalkEnd Run(long end, ulong untilBlock = ulong.MaxValue)
    {
        _pageStart = -1; // what was read may have changed since
        while (_at.Address < end && (LastBlock is not { } last || last < untilBlock))
        {
            if (!Load(_files.PageStartOf(_at.Address), end))
                return WalkEnd.Stopped;
            if (_disk.IsMissing && _files.FirstSegment() > _files.SegmentOf(_at.Address))
                return WalkEnd.CutAway;
            if (Objection(end) is { } objection)
            {
                What = _disk.IsMissing ? $"the file '{_files.SegmentPath(_files.SegmentOf(_at.Address))}' is missing: {objection}" : objection;
                if (_gap is { } gap)
                    _at = gap;
                _gap = null;
                return WalkEnd.Damage;
            }
        }

        return WalkEnd.End;
    }

    /// <summary>Goes on behind damage that stays as it is: from a place that holds an entry.</summary>
    public void GoTo(LogPlace place)
    {
        (_at, _gap, _pageStart) = (place, null, -1);
        _trail.Clear();
    }

    /// <summary>Takes the entry at hand; what is wrong with it, else null.</summary>
    private string? Objection(long end)
    {
        int offset = (int)(_at.Address - _pageStart);
        ReadOnlySpan<byte> page = _page.AsSpan(0, _pageFilled);
        int length = page.Length - offset < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(page[offset..]);
        if (length == 0)
            return PassZeros(page[offset..], end);
        if (length < 0)
        {
            if (LogEntries.ObjectionToCommit(page, offset, length, _at.Address, _at.CommitNumber, out long number) is { } bad)
                return bad;
            _at = _at with { Address = _at.Address + FasterJournal.CommitRecordBytes, CommitNumber = number };
            return null;
        }

        return LogEntries.ObjectionToBlock(page, offset, length, _files.PageBytes) ?? TakeBlock(page.Slice(offset + 4, length));
    }

    private string? TakeBlock(ReadOnlySpan<byte> block)
    {
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(block[..BlockHeader.Size]);
        if (header.Version > BlockHeader.FormatVersion)
            throw JournalFiles.NewerFormat(_files.Directory, header.Version, BlockHeader.FormatVersion);
        ChainPosition? position = _at.Position;
        string? objection = position?.Objection(in header) ?? (header.LedgerId != _files.LedgerId ? $"it belongs to ledger {header.LedgerId:x32}" : null);
        if (objection is not null)
            return objection;
        if (_trail.Count == TrailBlocks)
            _trail.RemoveAt(0);
        _trail.Add(_at);
        Digest digest = _seal.DigestOf(in header, block[BlockHeader.Size..], default);
        _at = new LogPlace(_at.Address + LogEntries.BytesOf(block.Length), ChainPosition.Behind(in header, in digest), _at.CommitNumber);
        _gap = null;
        return null;
    }

    /// <summary>The rest of a page may be unused, if the log goes on in the next one.</summary>
    private string? PassZeros(ReadOnlySpan<byte> rest, long end)
    {
        long nextPage = _pageStart + _files.PageBytes;
        if (rest.IndexOfAnyExcept((byte)0) >= 0 || _at.Address == _pageStart)
            return "no block begins there";
        if (nextPage > end)
            return "the log ends there";
        _gap ??= _at;
        _at = _at with { Address = nextPage };
        return null;
    }

    private bool Load(long pageStart, long end)
    {
        if (pageStart == _pageStart)
            return true;
        _pageFilled = (int)Math.Min(_files.PageBytes, end - pageStart);
        _pageStart = -1;
        if (!_disk.Read(pageStart, _page.AsSpan(0, _pageFilled), _pace))
            return false;
        _pageStart = pageStart;
        return true;
    }

    public void Dispose() => _seal.Dispose();
}
