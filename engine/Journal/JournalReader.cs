using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Journal;

/// <summary>
/// Reads a journal's files without FASTER and without changing a byte, a page at a time, and verifies every block: magic,
/// CRC, format, ledger, number, sequence, time, chain. Works beside a running journal of the direct device: it then ends where
/// the log ended when its last page was read, and what is on its way may look like a torn tail, never like damage.
/// </summary>
/// <remarks>
/// The log as FASTER writes it: pages of 2^n bytes; entries of a 4-byte length, that many bytes, and zeros to a multiple
/// of 4. A negative length is one of FASTER's commit records. A length of zero is the end of a page, or of the log. The first
/// 64 bytes are not used. A length has no checksum of its own: it is checked against the block header, which has one.
/// </remarks>
public sealed class JournalReader : IDisposable
{
    private readonly JournalFiles _files;
    private readonly BlockSeal _seal = new();
    private readonly byte[] _page;
    private TailCut? _cut;
    private TailNote? _note;
    private SafeFileHandle? _file;
    private long _fileSegment = -1;
    private long _pageStart = -1;

    /// <summary>Up to where the log was known to be durable when the page was read.</summary>
    private long _pageDurableEnd;

    /// <summary>Bytes of the page that its file has; behind them all counts as zero.</summary>
    private int _pageFilled;
    private long _next = JournalFiles.FirstAddress;
    private ChainPosition _position;
    private long _blockEnd;
    private long _blockCommit;
    private int _headerOffset;
    private int _bodyBytes;

    /// <summary>What stood at the end when <see cref="TryContinue"/> looked last.</summary>
    private ulong? _endMark;

    private JournalReader(JournalFiles files)
    {
        _files = files;
        _page = GC.AllocateUninitializedArray<byte>(files.PageBytes);
        _position = ChainPosition.BeforeGenesis(files.LedgerId);
        _note = TailNote.ReadNewest(files.NotePath);
        _cut = TailCut.Read(files);
    }

    /// <param name="directory">The journal's directory.</param>
    /// <param name="ledgerId">The ledger that is expected; null: whichever it is.</param>
    /// <exception cref="JournalException">There is no journal, it is of another ledger, or of a newer format.</exception>
    public static JournalReader Open(string directory, UInt128? ledgerId = null) =>
        Open(JournalFiles.ReadLayout(directory, ledgerId));

    /// <summary>Opens a journal for reading, with the files that were cut off it in a folder of their own.</summary>
    /// <inheritdoc cref="Open(string, UInt128?)"/>
    public static JournalReader OpenWith(string directory, string archive) =>
        Open(JournalFiles.ReadLayout(directory, null) with { Archive = archive });

    /// <summary>Opens a journal for reading on behind a snapshot.</summary>
    /// <inheritdoc cref="Open(string, UInt128?)"/>
    /// <exception cref="JournalException">The journal does not hold the snapshot's block.</exception>
    public static JournalReader OpenBehind(string directory, in SnapshotHead snapshot) =>
        OpenBehind(JournalFiles.ReadLayout(directory, snapshot.LedgerId), in snapshot);

    internal static JournalReader Open(JournalFiles files)
    {
        if (files.FirstSegment() > 0)
            throw new JournalException(
                $"The journal in '{files.Directory}' is damaged at block 0: the file '{files.SegmentPath(0)}' is missing. If it was cut away on purpose, the journal can be read only from a snapshot on, and there is none that could be used; the whole of it is in a backup or an archive.");
        return new JournalReader(files);
    }

    internal static JournalReader OpenBehind(JournalFiles files, in SnapshotHead snapshot)
    {
        var reader = new JournalReader(files);
        try
        {
            reader.GoBehind(in snapshot);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The journal must hold the very block behind which the snapshot was taken: else it is another history, or its tail is lost, which nothing
    /// in the journal alone could show.
    /// </summary>
    private void GoBehind(in SnapshotHead snapshot)
    {
        Load(_files.PageStartOf(snapshot.BlockAddress));
        int offset = (int)(snapshot.BlockAddress - _pageStart);
        int length = LengthAt(offset);
        bool isBlock = length > 0 && ObjectionTo(offset, length) is null;
        if (isBlock)
        {
            _headerOffset = offset + 4;
            _bodyBytes = length - BlockHeader.Size;
            isBlock = Header.Number == snapshot.Block && _seal.DigestOf(in Header, Body, default) == snapshot.Previous
                && Header.FirstSequence + Header.Count == snapshot.Sequence + 1
                && snapshot.EndAddress >= snapshot.BlockAddress + 4 + ((length + 3) & ~3);
        }

        if (!isBlock)
            throw new JournalException(
                $"The journal in '{_files.Directory}' does not hold block {snapshot.Block} at {_files.PlaceOf(snapshot.BlockAddress)}, behind which a snapshot was taken: its tail is lost, or it is not the journal of that snapshot."
                + " Nothing was changed. Restore the journal from a backup or a standby.") { IsDamage = true };
        _position = ChainPosition.Behind(in Header, snapshot.Previous);
        _next = snapshot.EndAddress;
        CommitNumber = _blockCommit = snapshot.CommitNumber;
        Address = snapshot.BlockAddress;
        _blockEnd = snapshot.EndAddress;
    }

    /// <summary>What a snapshot of the state behind the last block states about the journal.</summary>
    public SnapshotHead HeadOfSnapshot() => new()
    {
        LedgerId = LedgerId,
        Block = _position.NextNumber - 1,
        Sequence = _position.NextSequence - 1,
        TimeNs = _position.TimeNs,
        BlockAddress = Address,
        EndAddress = _blockEnd,
        CommitNumber = _blockCommit,
        Previous = _position.Previous,
    };

    public UInt128 LedgerId => _files.LedgerId;

    /// <summary>The block that <see cref="Next"/> found; it and the body live until the next call.</summary>
    public ref readonly BlockHeader Header =>
        ref MemoryMarshal.AsRef<BlockHeader>(_page.AsSpan(_headerOffset, BlockHeader.Size));

    public ReadOnlySpan<byte> Body => _page.AsSpan(_headerOffset + BlockHeader.Size, _bodyBytes);

    /// <summary>Log address of the block's entry.</summary>
    public long Address { get; private set; }

    /// <summary>The block's segment file.</summary>
    public string File => FileOf(Address);

    /// <summary>Offset of the block's entry in that file, bytes.</summary>
    public long FileOffset => OffsetOf(Address);

    /// <summary>The segment file that holds a log address, such as <see cref="JournalEnd.Address"/>.</summary>
    public string FileOf(long address) => _files.ReadPath(_files.SegmentOf(address));

    /// <summary>Offset of a log address in that file, bytes.</summary>
    public long OffsetOf(long address) => _files.OffsetOf(address);

    /// <summary>Where the chain stands behind the last block.</summary>
    public ChainPosition Position => _position;

    /// <summary>Blocks read by this object.</summary>
    public ulong Blocks { get; private set; }

    /// <summary>Number of the last of FASTER's commit records; 0: none.</summary>
    public long CommitNumber { get; private set; }

    /// <summary>How the reading ended; null while it has not.</summary>
    public JournalEnd? End { get; private set; }

    /// <summary>Spent waiting for the files' bytes: for disk or page cache.</summary>
    public TimeSpan FileTime { get; private set; }

    internal TailNote? Note => _note;

    /// <summary>The last block that was durable for certain when the note was read; a device that keeps no notes knows it when the journal is closed.</summary>
    public ulong DurableBlock => _note?.Block ?? 0;

    /// <summary>The last block that nothing will take back, as far as the note knows: the durable one, and in a replicated journal the last one of those that was known to be committed.</summary>
    public ulong CommittedBlock => _note?.SettledBlock ?? 0;

    /// <summary>
    /// In a replicated journal, to end before the first block that the note does not call committed, for another leader's may yet take its place. <see cref="TryContinue"/> goes on once
    /// a note says more. A journal that is one node's own is read to its end all the same.
    /// </summary>
    public bool EndsAtCommitted { get; set; }

    /// <summary>Goes to the next block; false at the end, of which <see cref="End"/> then says what it is.</summary>
    public bool Next()
    {
        while (End is null)
        {
            if (_cut is { } cut && cut.EndAddress == _next)
            {
                // Interrupted: who opens the journal for writing will finish it, and nothing behind it counts.
                End = new JournalEnd(JournalEndKind.End, _next, _files.PlaceOf(_next), _position.NextNumber, "the log is being cut", _next);
                return false;
            }

            if (EndsAtCommitted && !IsNextCommitted())
            {
                End = new JournalEnd(JournalEndKind.End, _next, _files.PlaceOf(_next), _position.NextNumber, "what follows is not known to be committed", _next);
                return false;
            }

            Load(_files.PageStartOf(_next));
            int offset = (int)(_next - _pageStart);
            int length = LengthAt(offset);
            if (length > 0)
            {
                if (TakeBlock(offset, length))
                    return true;
            }
            else if (length < 0)
                TakeCommitRecord(offset, length);
            else
                TakeZero(offset);
        }
        return false;
    }

    private bool IsNextCommitted()
    {
        if (_note is not { Committed: not null } || _position.NextNumber <= _note.SettledBlock)
            return true;
        _note = TailNote.ReadNewest(_files.NotePath) ?? _note;
        return _position.NextNumber <= _note.SettledBlock;
    }

    /// <summary>
    /// Behind an end or a torn tail: whether anything has come since, so that <see cref="Next"/> is to be asked again. Never behind damage.
    /// </summary>
    /// <remarks>
    /// Cheap where nothing came. The direct device writes a note after every write of the log, so a note that is still the same says that nothing
    /// is there to be believed; without such notes the bytes behind the end are compared. Where something came, page and note are
    /// read anew and reading goes on at the same address and chain position, by the same rules as in a reader that was opened now: a
    /// torn tail that a node has cut meanwhile is zeros or other blocks by then, and what the new note calls durable and is not
    /// whole is damage.
    /// </remarks>
    public bool TryContinue()
    {
        if (End is null)
            return true;
        if (End.Kind == JournalEndKind.Damage)
            return false;
        TailNote? newest = TailNote.ReadNewest(_files.NotePath);
        ulong mark = newest is { Kept: true } ? newest.Serial : DataMarkAt(End.Address);
        if (mark == _endMark)
            return false;
        _endMark = mark;
        _note = newest ?? _note;
        _cut = TailCut.Read(_files);
        Forget();
        End = null;
        return true;
    }

    /// <summary>
    /// Whether the note says that the last block is durable, or nothing can be told because notes are not kept. Beside a running node
    /// a block can be read an instant before its write is acknowledged; what is not to be taken back must wait for this.
    /// </summary>
    public bool IsNoted
    {
        get
        {
            if (_note is not { Kept: true } || _note.EndAddress >= _next)
                return true;
            _note = TailNote.ReadNewest(_files.NotePath) ?? _note;
            return _note is not { Kept: true } || _note.EndAddress >= _next;
        }
    }

    /// <summary>Serial of the note at hand, so that who waits for <see cref="IsNoted"/> can tell whether anyone still writes.</summary>
    public ulong NoteSerial => _note?.Serial ?? 0;

    private ulong DataMarkAt(long address)
    {
        Forget();
        Load(_files.PageStartOf(address));
        int from = Math.Min((int)(address - _pageStart), _pageFilled);
        uint rest = Crc32C.Append(0, _page.AsSpan(from, _pageFilled - from));
        Load(_pageStart + _files.PageBytes);
        uint next = Crc32C.Append(0, _page.AsSpan(0, Math.Min(JournalFiles.SectorBytes, _pageFilled)));
        return ((ulong)rest << 32) | next;
    }

    /// <summary>The page at hand and its file: a segment may have been made meanwhile, or be another file by now.</summary>
    private void Forget()
    {
        _file?.Dispose();
        _file = null;
        _fileSegment = -1;
        _pageStart = -1;
    }

    private bool TakeBlock(int offset, int length)
    {
        if (ObjectionTo(offset, length) is { } objection)
        {
            StopOrReadAgain(_next, objection);
            return false;
        }
        _headerOffset = offset + 4;
        _bodyBytes = length - BlockHeader.Size;
        if (Header.Version > BlockHeader.FormatVersion)
            throw JournalFiles.NewerFormat(_files.Directory, Header.Version, BlockHeader.FormatVersion);
        if (_position.Objection(in Header) is { } broken)
        {
            StopOrReadAgain(_next, broken);
            return false;
        }
        Digest digest = _seal.DigestOf(in Header, Body, default);
        _position.Advance(in Header, in digest);
        Address = _next;
        _next += 4 + ((length + 3) & ~3);
        (_blockEnd, _blockCommit) = (_next, CommitNumber);
        Blocks++;
        return true;
    }

    private string? ObjectionTo(int offset, int length) => LogEntries.ObjectionToBlock(_page.AsSpan(0, _pageFilled), offset, length, _files.PageBytes);

    /// <summary>One of FASTER's: its content is not used, but a bad one says that the disk is not to be believed.</summary>
    private void TakeCommitRecord(int offset, int length)
    {
        if (LogEntries.ObjectionToCommit(_page.AsSpan(0, _pageFilled), offset, length, _next, CommitNumber, out long number) is { } objection)
        {
            StopOrReadAgain(_next, objection);
            return;
        }

        CommitNumber = number;
        _next += FasterJournal.CommitRecordBytes;
    }

    /// <summary>A length of zero: the rest of the page is unused, and the log goes on in the next, or ends here.</summary>
    private void TakeZero(int offset)
    {
        if (offset < _pageFilled && _page.AsSpan(offset, _pageFilled - offset).IndexOfAnyExcept((byte)0) >= 0)
        {
            StopOrReadAgain(_next, "no block begins there, but bytes follow");
            return;
        }
        long end = _next;
        long durableEnd = _pageDurableEnd;
        long nextPage = _pageStart + _files.PageBytes;
        if (offset > 0)
        {
            Load(nextPage);
            if (LengthAt(0) != 0)
            {
                // Beside a running journal, the page before may have been filled since it was read.
                if (!ReadAgain(durableEnd, end))
                    _next = nextPage;
                return;
            }
        }
        Finish(end, offset > 0 ? nextPage : end, durableEnd, _pageDurableEnd);
    }

    /// <summary>The log seems to end at an address, with nothing but zeros up to the end of its page.</summary>
    private void Finish(long end, long nextPage, long durableEnd, long nextPageDurableEnd)
    {
        if (ReadAgain(durableEnd, end) || ReadAgain(nextPageDurableEnd, nextPage))
            return;
        // A page flushed to its end: the note counts its unused rest as written, and the log goes on behind it.
        long address = _note is { } last && last.EndAddress == nextPage ? nextPage : end;
        long residue = LastDataBehind(address);
        if (residue > address)
            Stop(address, "no block begins there, but bytes follow", address == end ? durableEnd : nextPageDurableEnd);
        else if (_note is { HasBlock: true } note && (note.EndAddress > address || _position.NextNumber <= note.Block))
            Stop(address, "the log ends there", address == end ? durableEnd : nextPageDurableEnd);
        else
            End = new JournalEnd(JournalEndKind.End, address, _files.PlaceOf(address), _position.NextNumber, "the log ends", address);
    }

    private void Stop(long address, string what, long durableEndWhenRead)
    {
        long residue = LastDataBehind(address);
        long valid = FindBlockBehind(address, out ulong number);
        bool wasDurable = _note is { HasBlock: true } && (address < _note.EndAddress || _position.NextNumber <= _note.Block);
        // One write may lie beyond the note; it stays in one page, and its sectors may have arrived in any order.
        bool inOneWrite = _note is { Kept: true } && _files.PageStartOf(valid) == _files.PageStartOf(_note.EndAddress);
        string place = _files.PlaceOf(address);
        string missing = MissingSegment(address, residue);
        JournalEndKind kind = JournalEndKind.TornTail;
        if (wasDurable)
            (kind, what) = (JournalEndKind.Damage, $"{missing}{what}, but the journal was durable up to block {_note!.Block} at {_files.PlaceOf(_note.EndAddress)}");
        else if (valid >= 0 && !inOneWrite)
            (kind, what) = (JournalEndKind.Damage, $"{missing}{what}, but block {number}, which is whole, follows at {_files.PlaceOf(valid)}");
        else if (missing.Length > 0)
            (kind, what) = (JournalEndKind.Damage, missing + what);
        // What follows was read later than the page: beside a running journal, the block at hand may be whole by now.
        if (kind == JournalEndKind.Damage && ReadAgain(durableEndWhenRead, address))
            return;
        End = new JournalEnd(kind, address, place, _position.NextNumber, what, Math.Max(address, residue));
    }

    private string MissingSegment(long address, long residue)
    {
        long until = _files.SegmentOf(Math.Max(residue, _note?.EndAddress - 1 ?? 0));
        for (long segment = _files.SegmentOf(address); segment <= until; segment++)
        {
            if (!System.IO.File.Exists(_files.ReadPath(segment)))
                return $"the file '{_files.SegmentPath(segment)}' is missing: ";
        }
        return "";
    }

    private void StopOrReadAgain(long address, string what)
    {
        long durableEnd = _pageDurableEnd;
        if (!ReadAgain(durableEnd, address))
            Stop(address, what, durableEnd);
    }

    /// <summary>
    /// Beside a running journal, the page may have been read before the entry at hand was written. If a newer note says that it
    /// is durable now, the page is read again: once, for then it was read after that note.
    /// </summary>
    private bool ReadAgain(long durableEndWhenRead, long address)
    {
        if (durableEndWhenRead > address || TailNote.ReadNewest(_files.NotePath) is not { } newer || newer.EndAddress <= address)
            return false;
        _note = newer;
        _pageStart = -1;
        return true;
    }

    /// <summary>Address behind the last byte that is not zero, anywhere at or behind the address; 0: none.</summary>
    private long LastDataBehind(long address)
    {
        long last = 0;
        long end = (_files.LastSegment() + 1) * _files.SegmentBytes;
        for (long page = _files.PageStartOf(address); page < end; page += _files.PageBytes)
        {
            Load(page);
            int from = (int)Math.Max(0, address - page);
            int found = from < _pageFilled ? _page.AsSpan(from, _pageFilled - from).LastIndexOfAnyExcept((byte)0) : -1;
            if (found >= 0)
                last = page + from + found + 1;
        }
        return last;
    }

    private long FindBlockBehind(long address, out ulong number)
    {
        Span<byte> magic = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, BlockHeader.MagicValue);
        long end = (_files.LastSegment() + 1) * _files.SegmentBytes;
        for (long page = _files.PageStartOf(address); page < end; page += _files.PageBytes)
        {
            Load(page);
            int at = (int)Math.Max(0, address + 8 - page);
            while (at + BlockHeader.Size <= _pageFilled && _page.AsSpan(at, _pageFilled - at).IndexOf(magic) is var found and >= 0)
            {
                at += found;
                if (at >= 4 && IsLaterBlock(at - 4, out number))
                    return page + at - 4;
                at++;
            }
        }
        number = 0;
        return -1;
    }

    private bool IsLaterBlock(int offset, out ulong number)
    {
        number = 0;
        if (offset + 4 + BlockHeader.Size > _pageFilled || ObjectionTo(offset, LengthAt(offset)) is not null)
            return false;
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(_page.AsSpan(offset + 4, BlockHeader.Size));
        number = header.Number;
        return header.LedgerId == _files.LedgerId && number >= _position.NextNumber;
    }

    private int LengthAt(int offset) =>
        offset + 4 <= _pageFilled ? BinaryPrimitives.ReadInt32LittleEndian(_page.AsSpan(offset)) : 0;

    private void Load(long pageStart)
    {
        if (pageStart == _pageStart)
            return;
        _pageStart = pageStart;
        _pageDurableEnd = _note?.EndAddress ?? 0;
        _pageFilled = 0;
        long segment = _files.SegmentOf(pageStart);
        if (segment != _fileSegment)
        {
            _file?.Dispose();
            _file = null;
            _fileSegment = segment;
            if (System.IO.File.Exists(_files.ReadPath(segment)))
                _file = System.IO.File.OpenHandle(_files.ReadPath(segment), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        }
        if (_file is null)
            return;
        long begun = Stopwatch.GetTimestamp();
        long offset = _files.OffsetOf(pageStart);
        int read;
        while (_pageFilled < _page.Length && (read = RandomAccess.Read(_file, _page.AsSpan(_pageFilled), offset + _pageFilled)) > 0)
            _pageFilled += read;
        if (_cut is { } cut && _files.PageStartOf(cut.EndAddress) == pageStart)
            PutBackSectorOf(cut, (int)(cut.EndAddress - pageStart));
        FileTime += Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>Cutting writes the sector in which the log will end, and may have torn it.</summary>
    private void PutBackSectorOf(TailCut cut, int end)
    {
        int acknowledged = end & (JournalFiles.SectorBytes - 1);
        cut.Sector.AsSpan(0, acknowledged).CopyTo(_page.AsSpan(end - acknowledged));
        _pageFilled = Math.Max(_pageFilled, end);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _seal.Dispose();
    }
}

public enum JournalEndKind
{
    /// <summary>Behind the last block there is nothing.</summary>
    End = 0,

    /// <summary>What follows was never acknowledged: a write that power or a kill cut short. It may be cut away.</summary>
    TornTail = 1,

    /// <summary>A block that was acknowledged is missing or wrong. Nothing behind it may be believed, and nothing cut.</summary>
    Damage = 2,
}

/// <summary>How reading a journal ended.</summary>
/// <param name="Kind">End, torn tail or damage.</param>
/// <param name="Address">Log address behind the last verified entry.</param>
/// <param name="Place">The same as file and offset.</param>
/// <param name="Block">Number of the block that is expected there.</param>
/// <param name="What">What was found.</param>
/// <param name="DataEndAddress">Behind the last byte that is not zero.</param>
public sealed record JournalEnd(JournalEndKind Kind, long Address, string Place, ulong Block, string What, long DataEndAddress);
