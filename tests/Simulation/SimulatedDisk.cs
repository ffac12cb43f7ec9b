using System.Runtime.InteropServices;
using Settlement.Engine.Journal;
using Settlement.Tests.Reference;

namespace Settlement.Tests.Simulation;

/// <summary>
/// The disk of one simulated replica: a folder in memory holds what the platter has, and this stands between it and the engine.
/// </summary>
/// <remarks>
/// Purpose: every write is counted, and a planned fault strikes exactly one of them. What was written and not made durable may be gone after a power
/// cut, wholly or in sectors; names that were not made durable, too.
/// Failure assumed: what a disk of sectors of 512 bytes does. A torn write leaves any of its sectors new and the others old, or is cut at any byte.
/// One thread uses it.
/// </remarks>
internal sealed unsafe class SimulatedDisk(string folder) : IFileCalls
{
    private const int SectorBytes = 512;
    private const int NoEntryErrno = 2;

    private sealed record OpenFile(string Path, bool Durable);

    private sealed record Unsynced(string Path, long Offset, byte[] Before, long LengthBefore);

    private readonly LinuxFileCalls _real = new();
    private readonly Dictionary<int, OpenFile> _open = [];
    private readonly List<Unsynced> _unsynced = [];
    private readonly List<string> _unsyncedNames = [];
    private readonly List<SimulatedFault> _armed = [];
    private int _armedWrites; // since the first armed fault became the first
    private bool _isFull;
    private bool _isNoteOwed; // the last write to the log lied: its note must come before power goes

    /// <summary>Power is off: nothing more reaches the disk, and every call fails.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Writes so far.</summary>
    public long Writes { get; private set; }

    /// <summary>Faults that have struck.</summary>
    public List<SimulatedFault> Struck { get; } = [];

    /// <summary>Whether it has lied, or lost what it had: from here on a lone replica may only refuse.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>A mutant's: writes to the log are taken for durable and are not.</summary>
    public bool IsFlushSkipped { get; init; }

    /// <summary>The fault strikes one of the writes to come, behind those that are armed before it.</summary>
    public void Arm(SimulatedFault fault) => _armed.Add(fault);

    public bool HasArmed => _armed.Count > 0;

    /// <summary>From now on nothing reaches the disk.</summary>
    public void CutPower() => IsDead = true;

    /// <summary>Starts the machine again: what was not durable may be gone.</summary>
    public void PowerUp(SeededRandom random)
    {
        if (IsDead)
        {
            // The last first, so that what one write found is there again before the one before it is taken back.
            for (int i = _unsynced.Count - 1; i >= 0; i--)
                TakeBack(_unsynced[i], random);
            foreach (string name in _unsyncedNames)
            {
                if (random.OneIn(2))
                    File.Delete(name);
            }
        }

        _unsynced.Clear();
        _unsyncedNames.Clear();
        (IsDead, _isFull, _isNoteOwed) = (false, false, false);
    }

    private static void TakeBack(Unsynced write, SeededRandom random)
    {
        if (!File.Exists(write.Path))
            return;
        using var file = File.OpenHandle(write.Path, FileMode.Open, FileAccess.Write);
        bool all = random.OneIn(2);
        for (int at = 0; at < write.Before.Length; at += SectorBytes)
        {
            int count = Math.Min(SectorBytes, write.Before.Length - at);
            if (all || random.OneIn(2))
                RandomAccess.Write(file, write.Before.AsSpan(at, count), write.Offset + at);
        }

        if (all && RandomAccess.GetLength(file) > write.LengthBefore && write.LengthBefore <= write.Offset)
            RandomAccess.SetLength(file, write.LengthBefore);
    }

    public int Open(string path, bool direct, bool durable)
    {
        if (IsDead)
            return -LinuxFileCalls.InputOutputErrno;
        bool isNew = !File.Exists(path);
        int file = _real.Open(path, direct: false, durable: false);
        if (file < 0)
            return file;
        if (isNew)
            _unsyncedNames.Add(path);
        _open[file] = new OpenFile(path, durable && !(IsFlushSkipped && !IsNote(path)));
        return file;
    }

    public long Write(int file, byte* bytes, int count, long offset)
    {
        if (IsDead)
            return -LinuxFileCalls.InputOutputErrno;
        OpenFile open = _open[file];
        Writes++;
        if (TakeFault(open) is { } fault)
            return Strike(fault, file, open, new ReadOnlySpan<byte>(bytes, count), offset);
        if (_isFull)
            return -LinuxFileCalls.NoSpaceErrno;
        return Put(file, open, new ReadOnlySpan<byte>(bytes, count), offset);
    }

    /// <summary>A small record of the consensus (term and vote) is replaced as a whole and flushed: a write as any other, but it cannot tear.</summary>
    /// <param name="isKept">Whether the new one is on disk.</param>
    /// <returns>False: power went, or the disk failed.</returns>
    public bool TryKeepRecord(out bool isKept)
    {
        isKept = false;
        if (IsDead)
            return false;
        Writes++;
        isKept = !_isFull;
        if (_armed.Count == 0 || _armed[0].Kind is FaultKind.LostWrite or FaultKind.MisdirectedWrite || _armedWrites++ < _armed[0].Writes)
            return isKept;
        SimulatedFault fault = _armed[0];
        _armed.RemoveAt(0);
        _armedWrites = 0;
        Struck.Add(fault);
        IsDead = fault.Kind is FaultKind.PowerCutInWrite or FaultKind.PowerCutAfterWrite;
        _isFull |= fault.Kind == FaultKind.DiskFull;
        isKept = fault.Kind == FaultKind.PowerCutAfterWrite || (fault.Kind == FaultKind.PowerCutInWrite && new SeededRandom(fault.Seed).OneIn(2));
        return false;
    }

    private SimulatedFault? TakeFault(OpenFile open)
    {
        bool noteOwed = _isNoteOwed;
        _isNoteOwed = false;
        if (_armed.Count == 0)
            return null;
        SimulatedFault fault = _armed[0];
        bool strikesNow = _armedWrites++ >= fault.Writes;
        // One fault at a time: a lie about the last write and a power cut before its note would be two in one.
        if (!strikesNow || (noteOwed && IsNote(open.Path)))
            return null;
        _armed.RemoveAt(0);
        _armedWrites = 0;
        Struck.Add(fault);
        return fault;
    }

    private long Strike(SimulatedFault fault, int file, OpenFile open, ReadOnlySpan<byte> bytes, long offset)
    {
        var random = new SeededRandom(fault.Seed);
        switch (fault.Kind)
        {
            case FaultKind.PowerCutInWrite:
                Tear(file, open, bytes, offset, random);
                IsDead = true;
                return -LinuxFileCalls.InputOutputErrno;
            case FaultKind.PowerCutAfterWrite:
                Put(file, open, bytes, offset);
                IsDead = true;
                return bytes.Length;
            case FaultKind.WriteIsShort:
                int part = random.Below(bytes.Length);
                return part == 0 ? 0 : Put(file, open, bytes[..part], offset);
            case FaultKind.DiskFull:
                _isFull = true;
                return -LinuxFileCalls.NoSpaceErrno;
            case FaultKind.LostWrite:
                (IsDamaged, _isNoteOwed) = (true, !IsNote(open.Path));
                return bytes.Length;
            case FaultKind.MisdirectedWrite:
                (IsDamaged, _isNoteOwed) = (true, !IsNote(open.Path));
                long length = new FileInfo(open.Path).Length;
                long elsewhere = random.Below((int)(length / JournalFiles.SectorBytes) + 1) * (long)JournalFiles.SectorBytes;
                if (elsewhere != offset)
                    Put(file, open, bytes, elsewhere);
                return bytes.Length;
            default:
                return -LinuxFileCalls.InputOutputErrno;
        }
    }

    private void Tear(int file, OpenFile open, ReadOnlySpan<byte> bytes, long offset, SeededRandom random)
    {
        int cut = random.Below(bytes.Length + 1);
        switch (random.Below(4))
        {
            case 0:
                Put(file, open, bytes[..cut], offset);
                break;
            case 1:
                Put(file, open, bytes[cut..], offset + cut);
                break;
            case 2:
                break;
            default:
                for (int at = 0; at < bytes.Length; at += SectorBytes)
                {
                    if (random.OneIn(2))
                        Put(file, open, bytes.Slice(at, Math.Min(SectorBytes, bytes.Length - at)), offset + at);
                }

                break;
        }
    }

    private long Put(int file, OpenFile open, ReadOnlySpan<byte> bytes, long offset)
    {
        if (bytes.IsEmpty)
            return 0;
        if (!open.Durable)
        {
            byte[] before = new byte[bytes.Length];
            fixed (byte* first = before)
                _real.Read(file, first, before.Length, offset);
            _unsynced.Add(new Unsynced(open.Path, offset, before, new FileInfo(open.Path).Length));
        }

        fixed (byte* first = bytes)
            return _real.Write(file, first, bytes.Length, offset);
    }

    public long Read(int file, byte* bytes, int count, long offset) =>
        IsDead ? -LinuxFileCalls.InputOutputErrno : _real.Read(file, bytes, count, offset);

    public int Sync(int file)
    {
        if (IsDead)
            return -LinuxFileCalls.InputOutputErrno;
        string path = _open[file].Path;
        if (!IsFlushSkipped)
            _unsynced.RemoveAll(write => write.Path == path);
        return 0;
    }

    public int SyncDirectory(string path)
    {
        if (IsDead)
            return -LinuxFileCalls.InputOutputErrno;
        if (!Directory.Exists(path))
            return -NoEntryErrno;
        _unsyncedNames.RemoveAll(name => Path.GetDirectoryName(name) == path);
        return 0;
    }

    public int Close(int file)
    {
        _open.Remove(file);
        return _real.Close(file);
    }

    /// <summary>Damages a file at rest, below what its newest note calls durable or anywhere in a note or a snapshot.</summary>
    /// <returns>What was done; null: there was nothing to damage.</returns>
    public string? Damage(SimulatedFault fault)
    {
        var random = new SeededRandom(fault.Seed);
        string[] files = [.. Directory.EnumerateFiles(folder, "journal.log.*").Concat(Directory.EnumerateFiles(folder, "journal.note"))
            .Concat(Directory.EnumerateFiles(folder, "snapshot*", SearchOption.AllDirectories)).Order(StringComparer.Ordinal)];
        if (files.Length == 0)
            return null;
        string path = random.Pick(files);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        long length = RandomAccess.GetLength(file);
        if (length == 0)
            return null;
        Struck.Add(fault);
        IsDamaged = true;
        long at = (long)random.Below((ulong)length);
        if (fault.Kind == FaultKind.FlippedBit)
        {
            byte[] one = new byte[1];
            RandomAccess.Read(file, one, at);
            one[0] ^= (byte)(1 << random.Below(8));
            RandomAccess.Write(file, one, at);
            return $"{Path.GetFileName(path)}: a bit at {at}";
        }

        byte[] sector = new byte[SectorBytes];
        at = at / SectorBytes * SectorBytes;
        if (random.OneIn(2))
            RandomAccess.Read(file, sector, (long)random.Below((ulong)length) / SectorBytes * SectorBytes);
        RandomAccess.Write(file, sector.AsSpan(0, (int)Math.Min(SectorBytes, length - at)), at);
        return $"{Path.GetFileName(path)}: the sector at {at}";
    }

    private static bool IsNote(string path) => path.EndsWith(".note", StringComparison.Ordinal);
}
