using System.Globalization;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>
/// Repairs a stretch of a journal's files whose blocks are damaged, in its place and to the byte, from copies of those blocks.
/// </summary>
/// <remarks>
/// <code>
///   … block 6 │ block 7, damaged │ record │ block 8, damaged │ block 9 …
///       └─hash─▶ previous  ┄┄┄┄┄┄┄hashes┄┄┄┄┄┄┄┄▶  previous ◀─ states the hash of block 8
/// </code>
/// Invariant: nothing is written that the chain does not prove. Blocks are asked for from the last one back: the good block behind the stretch states the hash of the one before it, that one of its own predecessor, and
/// so on to the block in front, which must be the one that stands here. Who sends the copies is not believed at all. At the very end of the log no block stands behind: there a copy must be this node's own, or follow on the
/// block before and fill the stretch to its last byte; the members serve committed blocks alone, and of those there is one for each number.
/// What is written is read back from the disk. Only bytes that are durable and will not be written again by the log itself are touched.
/// Failure assumed: copies that are wrong, of another history, or missing; a disk that fails again; power that goes in between: what is half written is damage, and found as such.
/// </remarks>
/// <param name="files">Of the journal.</param>
/// <param name="disk">Reads and writes them; stays the caller's.</param>
/// <param name="held">Runs a write while nobody takes the log's end away; false: somebody has, and what was found is no more.</param>
/// <param name="tell">Told what an operator should know besides.</param>
internal sealed class LogMending(JournalFiles files, LogDisk disk, Func<Action, bool> held, Action<string> tell) : IDisposable
{
    public const string FolderName = "damaged";

    private const int CandidatesMax = 64;
    private const int KeptFilesMax = 64;
    private const long KeptBytesMax = 64 << 20;

    private readonly BlockSeal _seal = new();

    /// <summary>A block behind the damage is looked for within so many pages: one that does not fit begins a page, and leaves the end of the one before unused. What is longer is no damaged block, but a lost file.</summary>
    public const int RunPagesMax = 4;

    /// <summary>Looks at what a walk stopped at, and repairs it if anybody has a copy.</summary>
    /// <param name="walk">Stopped at damage; it stays there.</param>
    /// <param name="end">Up to where the log is on disk.</param>
    /// <param name="writableEnd">Up to where it may be written: sectors behind belong to who appends.</param>
    /// <param name="copies">To be asked, in order; none: nothing is repaired.</param>
    /// <param name="next">Where the walk can go on: at the beginning of what was repaired, or behind what was not; null: nowhere near.</param>
    public JournalDamage Mend(LogWalk walk, long end, long writableEnd, IReadOnlyList<BlockCopy> copies, out LogPlace? next)
    {
        JournalDamage damage = Mend(walk, end, writableEnd, copies, files.PageBytes, out next);
        return damage.RepairedFrom is null && next is null ? Mend(walk, end, writableEnd, copies, (long)RunPagesMax * files.PageBytes, out next) : damage;
    }

    private JournalDamage Mend(LogWalk walk, long end, long writableEnd, IReadOnlyList<BlockCopy> copies, long runBytesMax, out LogPlace? next)
    {
        next = null;
        byte[] found = new byte[(int)Math.Min(end - walk.At.Address, runBytesMax)];
        disk.Read(walk.At.Address, found);
        var asking = new Asking(copies);
        JournalDamage? damage = null;
        foreach (Candidate candidate in Candidates(walk.At, found).Take(CandidatesMax))
        {
            // The damage may begin before where it shows: an older block that looks whole.
            for (int back = 0; back <= walk.Trail.Count; back++)
            {
                LogPlace from = back == 0 ? walk.At : walk.Trail[^back];
                damage ??= DamageOf(walk, from, candidate);
                next ??= PlaceOf(candidate, walk.At.CommitNumber);
                if (TryFetch(from, candidate, asking, out List<byte[]> blocks, out bool isEarlier) && TryWrite(from, candidate.Address, CommitBehind(candidate.Address, end), writableEnd, blocks, out string? kept, asking))
                {
                    next = from;
                    return Repaired(DamageOf(walk, from, candidate, blocks.Count), asking, kept);
                }

                if (!isEarlier)
                    break;
            }
        }

        if (walk.At.Address + found.Length == end && TryAtEnd(walk, end, writableEnd, asking, out JournalDamage? repaired))
        {
            next = walk.At;
            return repaired!;
        }

        damage ??= DamageOf(walk, walk.At, null);
        return damage with
        {
            NotRepaired = asking.Why ?? (copies.Count == 0 ? "there is no other member that could have a copy" : next is null ? "no whole block follows within four pages: more is lost than some blocks" : "no copy fits between the blocks around it"),
            IsWorthAskingAgain = asking.IsAnyoneSilent,
        };
    }

    public void Dispose() => _seal.Dispose();

    // What follows: a whole block of this ledger behind the damage.
    private sealed record Candidate(long Address, BlockHeader Header);

    private static LogPlace PlaceOf(Candidate candidate, long commitNumber) => new(candidate.Address, null, commitNumber);

    private IEnumerable<Candidate> Candidates(LogPlace at, byte[] found)
    {
        ulong least = at.Position?.NextNumber ?? 0;
        for (int offset = 0; offset + 4 + BlockHeader.Size <= found.Length; offset += 4)
        {
            long address = at.Address + offset;
            int inPage = (int)(address - files.PageStartOf(address));
            if (MemoryMarshal.Read<uint>(found.AsSpan(offset + 4)) != BlockHeader.MagicValue || (offset == 0 && at.Position is null))
                continue;
            int pageStart = offset - inPage;
            int length = MemoryMarshal.Read<int>(found.AsSpan(offset));
            // The page's beginning may lie before the bytes at hand; the rules need only how much is left of it.
            ReadOnlySpan<byte> rest = found.AsSpan(offset, Math.Min(found.Length - offset, pageStart + files.PageBytes - offset));
            if (LogEntries.ObjectionToBlock(rest, 0, length, files.PageBytes - inPage) is not null)
                continue;
            BlockHeader header = MemoryMarshal.Read<BlockHeader>(found.AsSpan(offset + 4));
            // Blocks of the stretch before it take their bytes, too: what claims more of them than fit is no block of this place.
            if (header.LedgerId == files.LedgerId && header.Number >= least && (at.Position is null || header.Number - least <= (ulong)(offset / BlockHeader.Size) + 1) && (offset > 0 || header.Number > least))
                yield return new Candidate(address, header);
        }
    }

    /// <summary>Asks for the blocks between a place and the block behind, from the last one back.</summary>
    /// <param name="from">Where the stretch begins.</param>
    /// <param name="candidate">The block behind.</param>
    /// <param name="asking">Whom.</param>
    /// <param name="blocks">In order.</param>
    /// <param name="isEarlier">The blocks are proven, and do not follow on what stands in front: it is damaged, too.</param>
    private bool TryFetch(LogPlace from, Candidate candidate, Asking asking, out List<byte[]> blocks, out bool isEarlier)
    {
        (blocks, isEarlier) = ([], false);
        Digest expected = candidate.Header.Previous;
        long bytes = candidate.Address - from.Address;
        for (ulong number = candidate.Header.Number; number > (from.Position?.NextNumber ?? 0);)
        {
            if (asking.Proven(--number, expected, _seal) is not { } block)
                return false;
            blocks.Insert(0, block);
            expected = MemoryMarshal.Read<BlockHeader>(block).Previous;
            if ((bytes -= LogEntries.BytesOf(block.Length)) < 0)
                return false;
            // Where nothing stands in front, the blocks are enough when they fill the stretch.
            if (from.Position is null && bytes < FasterJournal.CommitRecordBytes * (long)(blocks.Count + 2) && TryRebuild(from, candidate.Address, blocks) is not null)
                return true;
        }

        isEarlier = from.Position is { } position && expected != position.Previous;
        if (isEarlier)
            asking.Why ??= "the copies do not follow on the block in front of it";
        return from.Position is not null ? !isEarlier : from.Address == JournalFiles.FirstAddress;
    }

    private byte[]? TryRebuild(LogPlace from, long end, List<byte[]> blocks)
    {
        byte[] found = new byte[end - from.Address];
        disk.Read(from.Address, found);
        return RunLayout.Rebuild(files, from.Address, found, blocks, from.CommitNumber, 0, out _);
    }

    private bool TryWrite(LogPlace from, long end, long commitBehind, long writableEnd, List<byte[]> blocks, out string? kept, Asking asking)
    {
        kept = null;
        long start = from.Address & -JournalFiles.SectorBytes;
        byte[] found = new byte[(end - start + JournalFiles.SectorBytes - 1) & -JournalFiles.SectorBytes];
        disk.Read(start, found);
        int skip = (int)(from.Address - start);
        int length = (int)(end - from.Address);
        if (RunLayout.Rebuild(files, from.Address, found.AsSpan(skip, length), blocks, from.CommitNumber, commitBehind, out int differing) is not { } good)
        {
            asking.Why ??= "the copies prove themselves by the chain, and do not fill the place to its last byte";
            return false;
        }

        if (differing == 0 && good.AsSpan().SequenceEqual(found.AsSpan(skip, length)))
        {
            asking.Why ??= "the bytes are as they should be, and what follows does not follow on them";
            return false;
        }

        byte[] mended = (byte[])found.Clone();
        good.CopyTo(mended, skip);
        try
        {
            kept = Keep(from, found.AsSpan(skip, length));
            if (!held(() => WriteDiffering(start, found, mended, writableEnd)))
            {
                asking.Why ??= "the log's end was replaced meanwhile";
                return false;
            }

            byte[] written = new byte[(int)Math.Min(found.Length, Math.Max(0, writableEnd - start))];
            disk.Read(start, written);
            if (written.AsSpan().SequenceEqual(mended.AsSpan(0, written.Length)))
                return true;
            asking.Why ??= "what was written does not read back: the disk is failing";
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            asking.Why ??= $"a good copy is there, and could not be written: {failed.Message.TrimEnd('.')}";
        }

        return false;
    }

    /// <summary>Number of the next commit record behind; 0: none is found soon.</summary>
    private long CommitBehind(long address, long end)
    {
        byte[] bytes = new byte[(int)Math.Min(end - address, files.PageBytes)];
        disk.Read(address, bytes);
        for (long at = address; at + FasterJournal.CommitRecordBytes <= address + bytes.Length;)
        {
            ReadOnlySpan<byte> here = bytes.AsSpan((int)(at - address));
            int length = MemoryMarshal.Read<int>(here);
            if (length < 0)
                return LogEntries.ObjectionToCommit(here, 0, length, at, 0, out long number) is null ? number : 0;
            at = length == 0 ? files.PageStartOf(at) + files.PageBytes : at + LogEntries.BytesOf(length);
            if (length > files.PageBytes)
                return 0;
        }

        return 0;
    }

    private void WriteDiffering(long start, ReadOnlySpan<byte> found, ReadOnlySpan<byte> mended, long writableEnd)
    {
        for (int at = 0; at < found.Length; at += JournalFiles.SectorBytes)
        {
            ReadOnlySpan<byte> sector = mended.Slice(at, JournalFiles.SectorBytes);
            if (start + at < writableEnd && !found.Slice(at, JournalFiles.SectorBytes).SequenceEqual(sector))
                disk.Write(start + at, sector);
        }

        disk.Forget();
    }

    /// <summary>The last blocks of the log: nothing stands behind them that would state their hash.</summary>
    private bool TryAtEnd(LogWalk walk, long end, long writableEnd, Asking asking, out JournalDamage? repaired)
    {
        repaired = null;
        if (walk.At.Position is not { } position)
            return false;
        var blocks = new List<byte[]>();
        long bytes = end - walk.At.Address;
        while (bytes >= LogEntries.BytesOf(BlockHeader.Size))
        {
            if (asking.Following(in position) is not { } block)
                return false;
            blocks.Add(block);
            BlockHeader header = MemoryMarshal.Read<BlockHeader>(block);
            position.Advance(in header, _seal.DigestOf(in header, block.AsSpan(BlockHeader.Size), default));
            bytes -= LogEntries.BytesOf(block.Length);
        }

        if (blocks.Count == 0 && bytes < FasterJournal.CommitRecordBytes)
            return false;
        if (!TryWrite(walk.At, end, 0, writableEnd, blocks, out string? kept, asking))
            return false;
        repaired = Repaired(DamageOf(walk, walk.At, null, blocks.Count), asking, kept);
        return true;
    }

    private JournalDamage DamageOf(LogWalk walk, LogPlace from, Candidate? behind, int? blocks = null) => new()
    {
        Address = from.Address,
        FirstBlock = from.Position?.NextNumber ?? (behind is null ? 0 : behind.Header.Number - (ulong)(blocks ?? 1)),
        Blocks = (ulong?)blocks ?? (behind is not null && from.Position is { } position && behind.Header.Number >= position.NextNumber ? behind.Header.Number - position.NextNumber : 1),
        Place = files.PlaceOf(from.Address),
        What = walk.What,
    };

    private static JournalDamage Repaired(JournalDamage damage, Asking asking, string? kept) =>
        damage with { RepairedFrom = asking.From.Count == 0 ? "what is left of it" : string.Join(" and ", asking.From), KeptAt = kept };

    /// <summary>Keeps the bytes that were found, as evidence of what the disk did; within bounds.</summary>
    private string? Keep(LogPlace from, ReadOnlySpan<byte> found)
    {
        string folder = Path.Combine(files.Directory, FolderName);
        try
        {
            Directory.CreateDirectory(folder);
            var kept = new DirectoryInfo(folder).GetFiles();
            if (kept.Length >= KeptFilesMax || kept.Sum(file => file.Length) + found.Length > KeptBytesMax)
            {
                tell($"The damaged bytes at {files.PlaceOf(from.Address)} are not kept: '{folder}' has its fill. Take away what is there.");
                return null;
            }

            string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyyMMdd'T'HHmmssfff}-{from.Address}.bytes"));
            File.WriteAllBytes(path, found);
            return path;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            tell($"The damaged bytes at {files.PlaceOf(from.Address)} could not be kept: {failed.Message}");
            return null;
        }
    }

    /// <summary>Asks who may have copies, and remembers what came of it.</summary>
    private sealed class Asking(IReadOnlyList<BlockCopy> copies)
    {
        private readonly Dictionary<(ulong, Digest), byte[]> _proven = [];

        public List<string> From { get; } = [];

        /// <summary>Why not, in the first words that were found for it.</summary>
        public string? Why { get; set; }

        public bool IsAnyoneSilent { get; private set; }

        /// <summary>A block whose hash is known.</summary>
        public byte[]? Proven(ulong number, Digest expected, BlockSeal seal)
        {
            if (_proven.TryGetValue((number, expected), out byte[]? known))
                return known;
            foreach (BlockCopy copy in copies)
            {
                if (Ask(copy, number) is not { } block)
                    continue;
                if (seal.DigestOf(MemoryMarshal.Read<BlockHeader>(block), block.AsSpan(BlockHeader.Size), default) == expected)
                {
                    Took(copy);
                    return _proven[(number, expected)] = block;
                }

                Why = $"{copy.Name} has another block {number} than the chain says";
            }

            return null;
        }

        /// <summary>A block that follows where the log is whole.</summary>
        public byte[]? Following(in ChainPosition position)
        {
            foreach (BlockCopy copy in copies)
            {
                if (Ask(copy, position.NextNumber) is not { } block)
                    continue;
                if (position.Objection(MemoryMarshal.Read<BlockHeader>(block)) is { } objection)
                {
                    Why = $"{copy.Name} has another block {position.NextNumber}: {objection}";
                    continue;
                }

                Took(copy);
                return block;
            }

            return null;
        }

        private void Took(BlockCopy copy)
        {
            if (!From.Contains(copy.Name))
                From.Add(copy.Name);
        }

        /// <summary>A copy that is a sound block of that number.</summary>
        private byte[]? Ask(BlockCopy copy, ulong number)
        {
            try
            {
                if (copy.Read(number) is not { } block)
                {
                    if (!copy.IsOwn)
                        Why ??= $"{copy.Name} has no block {number}";
                    return null;
                }

                if (block.Length >= BlockHeader.Size && MemoryMarshal.Read<BlockHeader>(block) is var header && header.Number == number && header.Magic == BlockHeader.MagicValue
                    && header.BodyBytes == block.Length - BlockHeader.Size && BlockSeal.CrcOf(in header, block.AsSpan(BlockHeader.Size), default) == header.Crc)
                {
                    return block;
                }

                Why = $"what {copy.Name} sent for block {number} is not that block";
            }
            catch (Exception failed) when (failed is JournalException or IOException)
            {
                IsAnyoneSilent = true;
                Why = $"{copy.Name} gave none: {failed.Message.TrimEnd('.')}";
            }

            return null;
        }
    }
}
