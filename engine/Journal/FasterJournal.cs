using System.Runtime.CompilerServices;
using FASTER.core;
using Settlement.Engine.Domain;
using Settlement.Engine.Journal.Integrity;

namespace Settlement.Engine.Journal;

/// <summary>
/// The journal on FASTER's log in fast-commit mode.
/// </summary>
/// <remarks>
/// Durable means: FASTER's flushed address has passed the block's end. It is read on the device's thread right after a write;
/// FASTER's own commit tasks come later, from the thread pool, and nothing here waits for them.
/// Invariant: blocks are appended by one thread, in order; a mark (end address, number) is put for each before it can be
/// flushed past, and taken by the device's thread once it is.
/// Bounds: <see cref="MarksMax"/> blocks, and the log's memory, between the append and the disk. Nothing is allocated per
/// payment or per block; FASTER allocates about 2 KB per commit.
/// </remarks>
public sealed unsafe class FasterJournal : IJournal, ILogDeviceOwner, IAuditedLog
{
    /// <summary>Blocks appended and not yet durable: a power of two, 16 bytes each, 1 MiB.</summary>
    private const int MarksMax = 1 << 16;

    /// <summary>FASTER's commit record: length, then version, checksum, begin, until, number, no iterators, no cookie.</summary>
    internal const int CommitRecordBytes = 4 + 44;

    private readonly record struct Mark(long EndAddress, ulong Block);

    private readonly struct BlockEntry(byte* header, byte* body1, int body1Bytes, byte* body2, int body2Bytes, byte* body3, int body3Bytes) : ILogEnqueueEntry
    {
        public int SerializedLength => BlockHeader.Size + body1Bytes + body2Bytes + body3Bytes;

        public void SerializeTo(Span<byte> target)
        {
            new ReadOnlySpan<byte>(header, BlockHeader.Size).CopyTo(target);
            new ReadOnlySpan<byte>(body1, body1Bytes).CopyTo(target[BlockHeader.Size..]);
            new ReadOnlySpan<byte>(body2, body2Bytes).CopyTo(target[(BlockHeader.Size + body1Bytes)..]);
            new ReadOnlySpan<byte>(body3, body3Bytes).CopyTo(target[(BlockHeader.Size + body1Bytes + body2Bytes)..]);
        }
    }

    private readonly JournalFiles _files;
    private readonly JournalOptions _options;
    private readonly FileStream _lock;
    private readonly StorageDeviceBase _device;
    private readonly FasterLog _log;
    private readonly BlockSeal _seal = new();
    private readonly Mark[] _marks = new Mark[MarksMax];
    private readonly object _gate = new();
    private readonly object _acknowledging = new();

    // written by: appending thread
    private ChainPosition _chain;
    private ulong _marksPut;
    private long _committedEnd;
    private long _endAddress;
    private bool _disposed;

    // written by: device's thread, holding _gate
    private ulong _marksTaken;
    private ulong _durableBlock;
    private long _durableEnd;
    private ulong _writesDone;
    private JournalFailedException? _failure;

    internal FasterJournal(JournalFiles files, JournalOptions options, FileStream held, in RecoveredEnd end)
    {
        _files = files;
        _options = options;
        _lock = held;
        _chain = end.Position;
        _durableBlock = end.Position.NextNumber == 0 ? 0 : end.Position.NextNumber - 1;
        _durableEnd = _committedEnd = _endAddress = end.Address;
        bool direct = options.DeviceHere == JournalDevice.Direct;
        _device = direct
            ? new DirectLogDevice(files, options, this, end.Address, end.NoteSerial)
            : new StockLogDevice(files.LogPath, this);
        var commit = new VerifiedCommit(end.Address, end.CommitNumber);
        _log = new FasterLog(new FasterLogSettings
        {
            LogDevice = _device,
            LogCommitManager = commit,
            PageSize = files.PageBytes,
            MemorySize = Math.Max(options.MemoryBytes, 2L * files.PageBytes),
            SegmentSize = files.SegmentBytes,
            FastCommitMode = true,
            TryRecoverLatest = false,
        });
        if (end.Address > JournalFiles.FirstAddress)
            _log.Recover(commit.CommitNumber);
        if (_log.TailAddress != end.Address)
            throw new JournalException($"FASTER opened the log at address {_log.TailAddress}, its verified end is {end.Address}: a broken invariant.");
    }

    public UInt128 LedgerId => _files.LedgerId;

    public ulong LastBlock => _chain.NextNumber - 1;

    public ulong DurableBlock => Volatile.Read(ref _durableBlock);

    /// <summary>Sequence that the next block must begin with.</summary>
    public ulong NextSequence => _chain.NextSequence;

    /// <summary>Time of the last block; the next may not be earlier.</summary>
    public ulong LastTimeNs => _chain.TimeNs;

    /// <summary>Where the chain stands behind the last block. Appending thread.</summary>
    internal ref readonly ChainPosition Position => ref _chain;

    internal JournalFiles Files => _files;

    JournalFiles IAuditedLog.Files => _files;

    IFileCalls? IAuditedLog.FileCalls => _options.FileCalls;

    long IAuditedLog.DurableEnd => DurableEnd;

    long IAuditedLog.Cuts => 0;

    Func<ulong, byte[]?>? IAuditedLog.InMemory => null;

    bool IAuditedLog.TryHold(long cuts, Action action)
    {
        action();
        return true;
    }

    /// <summary>Bytes of body that a block may have: it stays within a page, with a commit record.</summary>
    internal int BodyBytesMax => Math.Min(Limits.BlockBodyBytesMax * 2, _files.PageBytes - CommitRecordBytes - BlockHeader.Size - 4);

    /// <summary>Up to where the log is on disk.</summary>
    internal long DurableEnd => Volatile.Read(ref _durableEnd);

    /// <summary>What failed; null: nothing has.</summary>
    internal JournalFailedException? Failure => Volatile.Read(ref _failure);

    /// <summary>Bytes of log appended so far.</summary>
    public long EndAddress => _endAddress;

    /// <summary>How the log is written, for reports.</summary>
    public string DeviceText => _device switch
    {
        DirectLogDevice { IsDirect: true } => "direct, O_DIRECT and O_DSYNC",
        DirectLogDevice => "O_DSYNC through the page cache: this file system refuses O_DIRECT",
        _ => "FASTER's managed device",
    };

    /// <inheritdoc cref="JournalStart.Exists"/>
    public static bool Exists(string directory) => JournalStart.Exists(directory);

    /// <inheritdoc cref="JournalStart.Create"/>
    public static FasterJournal Create(string directory, UInt128 ledgerId, ulong timeNs, ReadOnlySpan<byte> genesisBody, JournalOptions? options = null) =>
        JournalStart.Create(directory, ledgerId, timeNs, genesisBody, options ?? JournalOptions.Default);

    /// <inheritdoc cref="JournalStart.Open"/>
    public static FasterJournal Open(string directory, JournalOptions? options, IJournalRecovery? recover, out RecoveryReport report) =>
        JournalStart.Open(directory, options ?? JournalOptions.Default, recover, out report);

    public ulong Append(ref BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment = default)
    {
        ThrowIfFailed();
        int bodyBytes = body1.Length + body2.Length + attachment.Length;
        if (bodyBytes > BodyBytesMax)
            ThrowTooLarge(bodyBytes);
        header.Magic = BlockHeader.MagicValue;
        header.Version = BlockHeader.FormatVersion;
        header.LedgerId = _chain.LedgerId;
        header.Number = _chain.NextNumber;
        header.Previous = _chain.Previous;
        header.BodyBytes = (uint)bodyBytes;
        if (_chain.Objection(in header) is { } objection)
            ThrowNotContinuing(objection);
        header.Crc = BlockSeal.CrcOf(in header, body1, body2, attachment);
        return Enqueue(ref header, body1, body2, attachment);
    }

    /// <summary>Appends a block that was sealed elsewhere, byte for byte; the caller has checked its CRC, its length and that it continues the journal.</summary>
    internal void AppendSealed(in BlockHeader header, ReadOnlySpan<byte> body)
    {
        ThrowIfFailed();
        if (_chain.Objection(in header) is { } objection)
            ThrowNotContinuing(objection);
        BlockHeader copy = header;
        Enqueue(ref copy, body, default, default);
    }

    private ulong Enqueue(ref BlockHeader header, ReadOnlySpan<byte> body1, ReadOnlySpan<byte> body2, ReadOnlySpan<byte> attachment)
    {
        int bodyBytes = (int)header.BodyBytes;
        Digest digest = _seal.DigestOf(in header, body1, body2, attachment);
        if (_marksPut - Volatile.Read(ref _marksTaken) == MarksMax)
            WaitForMark();
        long address;
        fixed (BlockHeader* head = &header)
        fixed (byte* first = body1, second = body2, third = attachment)
        {
            var entry = new BlockEntry((byte*)head, first, body1.Length, second, body2.Length, third, attachment.Length);
            ulong seen = Volatile.Read(ref _writesDone);
            while (!TryEnqueue(in entry, out address))
                seen = WaitForWrite(seen);
        }
        _endAddress = address + 4 + ((BlockHeader.Size + bodyBytes + 3) & ~3);
        _marks[_marksPut % MarksMax] = new Mark(_endAddress, header.Number);
        Volatile.Write(ref _marksPut, _marksPut + 1);
        _chain.Advance(in header, in digest);
        return header.Number;
    }

    public void Commit()
    {
        ThrowIfFailed();
        if (_committedEnd == _endAddress)
            return;
        // FASTER spins, even on a failed disk, while its commit record finds no room: wait here instead, with an end.
        ulong seen = Volatile.Read(ref _writesDone);
        while (!HasRoomForCommitRecord())
            seen = WaitForWrite(seen);
        try
        {
            _log.Commit();
        }
        catch (FasterException) when (_failure is not null)
        {
            ThrowIfFailed();
        }
        _committedEnd = _endAddress;
    }

    public void WaitDurable(ulong block)
    {
        ThrowIfFailed();
        if (DurableBlock >= block)
            return;
        lock (_gate)
        {
            while (_durableBlock < block)
            {
                ThrowIfFailed();
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Before genesis no block is durable, and its number, 0, cannot be told from none: wait for the address.</summary>
    internal void WaitGenesis()
    {
        lock (_gate)
        {
            while (_durableEnd < _endAddress)
            {
                ThrowIfFailed();
                Monitor.Wait(_gate);
            }
        }
    }

    (long EndAddress, ulong Block) ILogDeviceOwner.WriteCompleted()
    {
        // Two locks: a stock device completes on many threads, and acknowledgements keep their order; but no one who waits
        // for a block stands behind what an acknowledgement does.
        lock (_acknowledging)
        {
            bool advanced = TakeMarks(out long flushed, out ulong durable);
            if (advanced && _failure is null)
                Acknowledge(durable);
            return (_failure is null ? flushed : -1, durable);
        }
    }

    private bool TakeMarks(out long flushed, out ulong durable)
    {
        lock (_gate)
        {
            flushed = Math.Max(_durableEnd, _log.FlushedUntilAddress);
            durable = _durableBlock;
            ulong put = Volatile.Read(ref _marksPut);
            ulong first = _marksTaken, taken = first;
            while (taken < put && _marks[taken % MarksMax].EndAddress <= flushed)
                durable = _marks[taken++ % MarksMax].Block;
            Volatile.Write(ref _marksTaken, taken);
            Volatile.Write(ref _durableBlock, durable);
            Volatile.Write(ref _durableEnd, flushed);
            Volatile.Write(ref _writesDone, _writesDone + 1);
            Monitor.PulseAll(_gate);
            return taken != first;
        }
    }

    void ILogDeviceOwner.WriteFailed(string what) => Fail(what, null);

    private void Acknowledge(ulong durable)
    {
        try
        {
            _options.Durable?.Invoke(durable);
        }
#pragma warning disable CA1031 // Whatever the owner throws: the node stops, on this thread or another, and says so.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Fail("the acknowledgement of durable blocks threw", thrown);
        }
    }

    private void Fail(string what, Exception? inner)
    {
        JournalFailedException failure;
        lock (_gate)
        {
            if (_failure is not null)
                return;
            string message = $"The journal in '{_files.Directory}' has failed: {what}. Nothing after block {_durableBlock} is acknowledged."
                + " Put the disk right, then start again: opening verifies every block.";
            failure = inner is null ? new JournalFailedException(message) : new JournalFailedException(message, inner);
            Volatile.Write(ref _failure, failure);
            Volatile.Write(ref _writesDone, _writesDone + 1);
            Monitor.PulseAll(_gate);
        }
        _options.Failed?.Invoke(failure);
    }

    private bool TryEnqueue(in BlockEntry entry, out long address)
    {
        try
        {
            return _log.TryEnqueue(entry, out address);
        }
        catch (FasterException) when (_failure is not null)
        {
            ThrowIfFailed();
            throw;
        }
    }

    /// <summary>Whether FASTER can place a commit record without waiting: in the tail's page, or in a next one that is free.</summary>
    private bool HasRoomForCommitRecord()
    {
        long tail = _log.TailAddress;
        long inPage = tail % _files.PageBytes;
        if (inPage != 0 && _files.PageBytes - inPage >= CommitRecordBytes)
            return true;
        long nextPage = (tail + _files.PageBytes - 1) / _files.PageBytes;
        long pagesInMemory = Math.Max(_options.MemoryBytes / _files.PageBytes, 2);
        return nextPage < pagesInMemory + (_log.FlushedUntilAddress / _files.PageBytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong WaitForWrite(ulong seen)
    {
        lock (_gate)
        {
            while (_writesDone == seen)
            {
                ThrowIfFailed();
                Monitor.Wait(_gate);
            }
            ThrowIfFailed();
            return _writesDone;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitForMark()
    {
        Commit();
        lock (_gate)
        {
            while (_marksPut - _marksTaken == MarksMax)
            {
                ThrowIfFailed();
                Monitor.Wait(_gate);
            }
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is { } failure)
            throw new JournalFailedException(failure.Message, failure);
        ObjectDisposedException.ThrowIf(_disposed, this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowTooLarge(int bodyBytes) =>
        throw new ArgumentException($"a body of {bodyBytes} bytes does not fit the journal's pages of {_files.PageBytes} bytes");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNotContinuing(string objection) =>
        throw new ArgumentException($"the block does not continue the journal: {objection}");

    /// <summary>Makes what was appended durable, unless the journal has failed, and closes the files.</summary>
    public void Dispose()
    {
        Close();
        _lock.Dispose();
    }

    /// <summary>As <see cref="Dispose"/>, but the journal stays locked: who takes this goes on with its files.</summary>
    internal FileStream CloseLocked()
    {
        Close();
        return _lock;
    }

    private void Close()
    {
        if (_disposed)
            return;
        try
        {
            if (_failure is null)
            {
                Commit();
                WaitDurable(LastBlock);
            }
        }
        catch (JournalFailedException)
        {
            // Said already, to every call and to the owner's handler; closing goes on.
        }
        _disposed = true;
        (_device as DirectLogDevice)?.Stop(); // before FASTER lets go of the pages that it writes from
        _log.Dispose();
        _device.Dispose();
        _seal.Dispose();
    }
}
