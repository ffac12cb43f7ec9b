using System.Buffers.Binary;
using System.Globalization;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Journal;

/// <summary>
/// The files of one journal and the arithmetic between a log address and a place in a file. The directory holds
/// <c>journal.log.0</c>, <c>.1</c> … (segments), <c>journal.note</c> (layout and tail notes) and <c>journal.lock</c>.
/// </summary>
/// <remarks>
/// The layout is the first sector of the note file, written once before the log exists and never again:
/// <code>
///  0       4   6   8              24      28      32              40           60      64
///  | magic |ver| - | ledger id    | page  | -     | segment bytes | zeros …    | CRC   | zeros … 4096
/// </code>
/// </remarks>
internal sealed record JournalFiles(string Directory, UInt128 LedgerId, int PageBytes, long SegmentBytes)
{
    /// <summary>
    /// The unit of O_DIRECT writes and of tears. Every disk in use has physical sectors of 512 or 4,096 bytes; a device that
    /// needs larger ones refuses O_DIRECT and is written through the page cache.
    /// </summary>
    public const int SectorBytes = 4096;

    /// <summary>FASTER's first valid address: the first cache line of the log is never used.</summary>
    public const long FirstAddress = 64;

    /// <summary>"STLJ".</summary>
    private const uint LayoutMagic = 0x4A4C_5453;
    private const ushort LayoutVersion = 1;
    private const int CrcOffset = 60;

    public string LogPath => Path.Combine(Directory, "journal.log");

    public string NotePath => NotePathIn(Directory);

    public static string NotePathIn(string directory) => Path.Combine(directory, "journal.note");

    public static string LockPathIn(string directory) => Path.Combine(directory, "journal.lock");

    public string SegmentPath(long segment) => LogPath + "." + segment.ToString(CultureInfo.InvariantCulture);

    /// <summary>Where segments are that were cut off the journal; null: nowhere that is known.</summary>
    public string? Archive { get; init; }

    /// <summary>Where a segment is to be read: in the journal, else in the archive.</summary>
    public string ReadPath(long segment)
    {
        string path = SegmentPath(segment);
        return Archive is null || File.Exists(path) ? path : Path.Combine(Archive, Path.GetFileName(path));
    }

    public long SegmentOf(long address) => address / SegmentBytes;

    public long OffsetOf(long address) => address & (SegmentBytes - 1);

    public long PageStartOf(long address) => address & -PageBytes;

    /// <summary>"file, offset n", as messages name a place.</summary>
    public string PlaceOf(long address) =>
        string.Create(CultureInfo.InvariantCulture, $"{ReadPath(SegmentOf(address))}, offset {OffsetOf(address)}");

    /// <summary>Number of the highest segment file that exists; -1: none.</summary>
    public long LastSegment() => Segments().DefaultIfEmpty(-1).Max();

    /// <summary>Number of the lowest segment file that exists; -1: none. Above 0: the journal was cut.</summary>
    public long FirstSegment() => Segments().DefaultIfEmpty(-1).Min();

    private IEnumerable<long> Segments()
    {
        string prefix = Path.GetFileName(LogPath) + ".";
        IEnumerable<string> archived = Archive is null ? [] : System.IO.Directory.EnumerateFiles(Archive, prefix + "*");
        foreach (string path in System.IO.Directory.EnumerateFiles(Directory, prefix + "*").Concat(archived))
        {
            if (long.TryParse(Path.GetFileName(path.AsSpan())[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long segment))
                yield return segment;
        }
    }

    /// <summary>Writes the note file with its layout and an empty note, and makes it durable.</summary>
    public void WriteLayout()
    {
        byte[] sector = new byte[SectorBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(sector, LayoutMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(4), LayoutVersion);
        BinaryPrimitives.WriteUInt128LittleEndian(sector.AsSpan(8), LedgerId);
        BinaryPrimitives.WriteInt32LittleEndian(sector.AsSpan(24), PageBytes);
        BinaryPrimitives.WriteInt64LittleEndian(sector.AsSpan(32), SegmentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(CrcOffset), Crc32C.Append(0, sector.AsSpan(0, CrcOffset)));
        using var file = File.OpenHandle(NotePath, FileMode.Create, FileAccess.Write, FileShare.Read, FileOptions.WriteThrough);
        RandomAccess.SetLength(file, TailNote.FileBytes);
        RandomAccess.Write(file, sector, 0);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Whether a journal's layout is there; false: no journal, or one whose creation did not get this far.</summary>
    public static bool TryReadLayout(string directory, out JournalFiles files)
    {
        files = null!;
        byte[] sector = new byte[SectorBytes];
        string path = NotePathIn(directory);
        if (!File.Exists(path))
            return false;
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            if (RandomAccess.Read(file, sector, 0) < SectorBytes
                || BinaryPrimitives.ReadUInt32LittleEndian(sector) != LayoutMagic
                || BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(CrcOffset)) != Crc32C.Append(0, sector.AsSpan(0, CrcOffset))
                || sector.AsSpan(CrcOffset + 4).IndexOfAnyExcept((byte)0) >= 0)
            {
                return false;
            }
        }
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(sector.AsSpan(4));
        if (version > LayoutVersion)
            throw NewerFormat(directory, version, LayoutVersion);
        files = new JournalFiles(
            directory,
            BinaryPrimitives.ReadUInt128LittleEndian(sector.AsSpan(8)),
            BinaryPrimitives.ReadInt32LittleEndian(sector.AsSpan(24)),
            BinaryPrimitives.ReadInt64LittleEndian(sector.AsSpan(32)));
        return true;
    }

    /// <exception cref="JournalException">There is no journal, it is of another ledger, or of a newer format.</exception>
    public static JournalFiles ReadLayout(string directory, UInt128? ledgerId)
    {
        if (!TryReadLayout(directory, out JournalFiles files))
            throw NoLayout(directory);
        if (ledgerId is { } expected && expected != files.LedgerId)
            throw new JournalException($"The journal in '{directory}' belongs to ledger {files.LedgerId:x32}, not to {expected:x32}. Name the directory of that ledger.");
        return files;
    }

    public static JournalException NewerFormat(string where, int version, int known) => new(
        $"The journal in '{where}' is of format {version}; this program reads formats up to {known}. Use the program version that wrote it, or a later one.");

    private static JournalException NoLayout(string directory)
    {
        if (File.Exists(Path.Combine(directory, "journal.log.0")))
            return new($"The file '{NotePathIn(directory)}' is missing or damaged, so the journal beside it cannot be read. Restore that file from a copy or a standby.");
        return new($"There is no journal in '{directory}'. Name an existing one, or create it.");
    }

    /// <summary>Takes the journal for this process until disposed.</summary>
    /// <exception cref="JournalException">Another process, or another part of this one, has it open.</exception>
    public static FileStream Lock(string directory)
    {
        try
        {
            // FileShare.None is an flock(2), which the kernel drops with the process: a lock file left behind locks nothing.
            var held = new FileStream(LockPathIn(directory), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(OwnerPathIn(directory), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return held;
        }
        catch (IOException refused) when (refused is not (DirectoryNotFoundException or PathTooLongException))
        {
            throw new JournalException($"The journal in '{directory}' is already open in {HolderOf(directory)}. Stop that process, or use another directory.", refused);
        }
    }

    /// <summary>A file of its own: the locked one cannot be read.</summary>
    private static string OwnerPathIn(string directory) => Path.Combine(directory, "journal.owner");

    private static string HolderOf(string directory)
    {
        try
        {
            return File.ReadAllText(OwnerPathIn(directory)) is { Length: > 0 } id ? $"process {id}" : "another process";
        }
        catch (IOException)
        {
            return "another process";
        }
    }
}
