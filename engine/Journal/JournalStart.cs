using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Journal;

/// <summary>What opening a journal found and did.</summary>
public sealed record RecoveryReport
{
    public required UInt128 LedgerId { get; init; }

    /// <summary>Blocks verified: all, genesis included, or those behind <see cref="Snapshot"/>.</summary>
    public required ulong Blocks { get; init; }

    /// <summary>Slots that took a sequence: payments and control slots.</summary>
    public required ulong Sequences { get; init; }

    /// <summary>Bytes of log verified.</summary>
    public required long Bytes { get; init; }

    public required ulong LastBlock { get; init; }

    /// <summary>Which snapshot the state was taken from; null: none, all blocks were applied.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Snapshots that could not be used, and why.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>What was cut from the tail, where and why; null: nothing.</summary>
    public string? Cut { get; init; }

    /// <summary>Which sector was put back from the note's copy, and which cut was finished; null: none.</summary>
    public string? Repaired { get; init; }

    /// <summary>How the log is written.</summary>
    public required string Device { get; init; }
}

/// <summary>What becomes of a journal's blocks while it is opened. Called while its lock is held.</summary>
public interface IJournalRecovery
{
    /// <summary>Before the first block: the snapshot behind which to begin; null: with genesis.</summary>
    SnapshotHead? Begin(UInt128 ledgerId);

    /// <summary>Reads to the end of the journal: until <see cref="JournalReader.Next"/> says so.</summary>
    void Read(JournalReader reader);
}

/// <summary>Where a verified log ends and all that is needed to append behind it.</summary>
internal readonly record struct RecoveredEnd(ChainPosition Position, long Address, long CommitNumber, ulong NoteSerial);

/// <summary>
/// Creating and opening: the lock, the repair of a torn sector, the verification of every block, the cut of a torn tail.
/// </summary>
/// <remarks>
/// Every step may be cut short by a crash and is done again by the next opening: the repair writes what the note holds, the
/// note is renewed before the cut rewrites the sector in which the log ends, and the cut only zeroes what no block counts in.
/// After it there is nothing but zeros behind the end, so no stale byte can ever be read as a block.
/// </remarks>
internal static class JournalStart
{
    /// <summary>Whether there is a journal with anything in it; false also for one whose creation was cut short.</summary>
    /// <exception cref="JournalException">It is of a newer format.</exception>
    public static bool Exists(string directory)
    {
        if (!JournalFiles.TryReadLayout(directory, out JournalFiles files))
            return File.Exists(Path.Combine(directory, "journal.log.0"));
        if (files.FirstSegment() > 0)
            return true; // cut, or damaged: opening says which
        using JournalReader reader = JournalReader.Open(files);
        return reader.Next() || reader.End!.Kind == JournalEndKind.Damage;
    }

    /// <summary>Creates a journal whose first block is a genesis block with the given body, durable on return.</summary>
    /// <exception cref="JournalException">There is one already, or the directory cannot be used.</exception>
    public static FasterJournal Create(string directory, UInt128 ledgerId, ulong timeNs, ReadOnlySpan<byte> genesisBody, JournalOptions options)
    {
        options.Check();
        Directory.CreateDirectory(directory);
        FileStream held = JournalFiles.Lock(directory);
        try
        {
            if (Exists(directory))
                throw new JournalException($"There is a journal in '{directory}' already. Open it, or name another directory.");
            foreach (string leftover in Directory.EnumerateFiles(directory, "journal.log.*"))
                File.Delete(leftover);
            File.Delete(TailCut.PathIn(directory));
            var files = new JournalFiles(directory, ledgerId, options.PageBytes, options.SegmentBytes);
            files.WriteLayout();
            bool kept = options.DeviceHere == JournalDevice.Direct;
            new TailNote(1, JournalFiles.FirstAddress, 0, kept, new byte[JournalFiles.SectorBytes]).WriteAtRest(files.NotePath);
            SyncDirectory(directory);
            var start = new RecoveredEnd(ChainPosition.BeforeGenesis(ledgerId), JournalFiles.FirstAddress, 0, 1);
            var journal = new FasterJournal(files, options, held, in start);
            AppendGenesis(journal, timeNs, genesisBody);
            return journal;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private static void AppendGenesis(FasterJournal journal, ulong timeNs, ReadOnlySpan<byte> body)
    {
        try
        {
            var header = new BlockHeader { Kind = BlockKind.Genesis, FirstSequence = 1, TimeNs = timeNs };
            journal.Append(ref header, body, default);
            journal.Commit();
            journal.WaitGenesis();
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Verifies a journal, from its first byte or behind a snapshot, gives every block to its recovery, repairs what a power cut can do,
    /// and opens it for appending exactly at the verified end.
    /// </summary>
    /// <param name="directory">Of the journal.</param>
    /// <param name="options">Memory and device.</param>
    /// <param name="recover">Reads a reader to its end; null: every block is verified and given to nobody.</param>
    /// <param name="report">What was found.</param>
    /// <exception cref="JournalException">No journal, another ledger, a newer format, open elsewhere, or damaged.</exception>
    public static FasterJournal Open(string directory, JournalOptions options, IJournalRecovery? recover, out RecoveryReport report)
    {
        options.Check();
        if (!Directory.Exists(directory))
            throw new JournalException($"There is no directory '{directory}'. Name an existing journal, or create it.");
        FileStream held = JournalFiles.Lock(directory);
        try
        {
            JournalFiles files = JournalFiles.ReadLayout(directory, options.LedgerId);
            string? finished = TailCut.FinishInterrupted(files, options.DeviceHere == JournalDevice.Direct, options.FileCalls);
            string? repaired = RepairTornSector(files, options.FileCalls);
            SnapshotHead? snapshot = recover?.Begin(files.LedgerId);
            RecoveredEnd end = Verify(files, options, snapshot, recover, out ulong blocks, out string? cut);
            var journal = new FasterJournal(files, options, held, in end);
            report = new RecoveryReport
            {
                LedgerId = files.LedgerId,
                Blocks = blocks,
                Sequences = end.Position.NextSequence - 1,
                Bytes = end.Address,
                LastBlock = end.Position.NextNumber - 1,
                Cut = cut,
                Repaired = finished is not null && repaired is not null ? $"{finished}; {repaired}" : finished ?? repaired,
                Device = journal.DeviceText,
            };
            return journal;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Puts the acknowledged bytes of the log's last sector back, where the disk has others.</summary>
    internal static string? RepairTornSector(JournalFiles files, IFileCalls? calls = null)
    {
        if (TailNote.ReadNewest(files.NotePath) is not { HasBlock: true } note)
            return null;
        int acknowledged = (int)(note.EndAddress - note.SectorAddress);
        string path = files.SegmentPath(files.SegmentOf(note.SectorAddress));
        if (acknowledged == 0 || !File.Exists(path))
            return null;
        byte[] found = new byte[JournalFiles.SectorBytes];
        long offset = files.OffsetOf(note.SectorAddress);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        // A file that ends before the sector was cut off, not torn: what is missing in front of it is damage, told by the reader.
        if (RandomAccess.GetLength(file) < offset)
            return null;
        try
        {
            RandomAccess.Read(file, found, offset);
        }
        catch (IOException)
        {
            Array.Clear(found); // A sector that cannot be read may well be written: the disk then maps another in its place.
        }
        if (found.AsSpan(0, acknowledged).SequenceEqual(note.Sector.AsSpan(0, acknowledged)))
            return null;
        note.Sector.AsSpan(0, acknowledged).CopyTo(found);
        DurableWrite.At(path, found, offset, calls);
        return $"the last sector of block {note.Block}, {files.PlaceOf(note.SectorAddress)}, was torn by a later write; its {acknowledged} acknowledged bytes were put back";
    }

    private static RecoveredEnd Verify(
        JournalFiles files, JournalOptions options, SnapshotHead? snapshot, IJournalRecovery? recover, out ulong blocks, out string? cut)
    {
        using JournalReader reader = snapshot is { } head ? JournalReader.OpenBehind(files, in head) : JournalReader.Open(files);
        if (recover is null)
        {
            while (reader.Next())
            {
            }
        }
        else
        {
            recover.Read(reader);
        }

        JournalEnd end = reader.End!;
        blocks = reader.Blocks;
        if (end.Kind == JournalEndKind.Damage)
            throw Damaged(files, end);
        if (reader.Position.NextNumber == 0)
            throw new JournalException($"The journal in '{files.Directory}' holds no whole genesis block: its creation was cut short, and it never accepted anything. Create it again.");
        if (options.Committed is null && reader.Position.Term != 0)
            throw new JournalException(
                $"The journal in '{files.Directory}' is a cluster's: its last block is of term {reader.Position.Term}, and what one node appended to it alone would be another history than the others'. Start it as a member of its cluster.");
        cut = end.Kind == JournalEndKind.TornTail
            ? $"{end.DataEndAddress - end.Address} bytes at {end.Place}, where block {end.Block} would begin, were never acknowledged and were cut: {end.What}"
            : null;
        ulong serial = (reader.Note?.Serial ?? 0) + 1;
        bool kept = options.DeviceHere == JournalDevice.Direct;
        ulong? committed = options.Committed is null ? null : reader.CommittedBlock;
        new TailNote(serial, end.Address, reader.Position.NextNumber - 1, kept, SectorAt(files, end.Address), committed).WriteAtRest(files.NotePath, options.FileCalls);
        if (end.DataEndAddress > end.Address)
            Zero(files, end.Address, end.DataEndAddress, options.FileCalls);
        return new RecoveredEnd(reader.Position, end.Address, reader.CommitNumber, serial);
    }

    internal static byte[] SectorAt(JournalFiles files, long endAddress)
    {
        byte[] sector = new byte[JournalFiles.SectorBytes];
        long address = endAddress & -JournalFiles.SectorBytes;
        string path = files.SegmentPath(files.SegmentOf(address));
        if (!File.Exists(path))
            return sector;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        RandomAccess.Read(file, sector, files.OffsetOf(address));
        return sector;
    }

    private static void Zero(JournalFiles files, long address, long end, IFileCalls? calls)
    {
        byte[] zeros = new byte[SegmentFiles.PieceBytes];
        while (address < end)
        {
            long segment = files.SegmentOf(address);
            long segmentEnd = Math.Min(end, (segment + 1) * files.SegmentBytes);
            if (File.Exists(files.SegmentPath(segment)))
            {
                for (long at = address; at < segmentEnd; at += zeros.Length)
                    DurableWrite.At(files.SegmentPath(segment), zeros.AsSpan(0, (int)Math.Min(zeros.Length, segmentEnd - at)), files.OffsetOf(at), calls);
            }
            address = segmentEnd;
        }
    }

    private static JournalException Damaged(JournalFiles files, JournalEnd end) => new(
        $"The journal in '{files.Directory}' is damaged at block {end.Block}, {end.Place}: {end.What}."
        + " Nothing was changed. Restore the file from a copy or a standby; the blocks before it are whole.") { IsDamage = true };

    internal static void SyncDirectory(string directory)
    {
        if (OperatingSystem.IsLinux())
            _ = new LinuxFileCalls().SyncDirectory(directory);
    }
}
