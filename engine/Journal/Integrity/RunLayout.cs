using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Journal.Integrity;

/// <summary>
/// Makes the bytes of a stretch of a log again, from the blocks that belong there: their lengths, zeros behind them, FASTER's commit records between them, unused ends of pages.
/// </summary>
/// <remarks>
/// Other members have the same blocks, but not the same places: commit records stand where each node's own commits fell. So where they stood is found from what is left: of all ways in which the
/// blocks and any number of records fill the stretch to its last byte, the one that differs least from the bytes found. Whatever way is taken, the chain is whole.
/// Bound: <see cref="StatesMax"/> places that are looked at; a stretch of so many blocks that this does not suffice is no repair any more.
/// </remarks>
internal static class RunLayout
{
    private const int StatesMax = 200_000;

    /// <summary>Of the 32 bytes of a commit record that are known in advance, so many may be wrong where two stand in a row, which FASTER is never asked for.</summary>
    private const int CommitCostMax = 8;

    private readonly record struct Spot(long Address, int Blocks, bool IsBehindCommit);

    private enum Step : byte
    {
        Block,
        Commit,
        Unused,
    }

    private readonly record struct Way(int Cost, Spot Before, Step Step);

    /// <summary>The bytes of the stretch; null: the blocks do not fill it.</summary>
    /// <param name="files">Of the journal.</param>
    /// <param name="address">Where the stretch begins.</param>
    /// <param name="found">Its bytes as they are.</param>
    /// <param name="blocks">In order, header and body each; may be none.</param>
    /// <param name="commitNumber">Of the last commit record before.</param>
    /// <param name="commitBehind">Of the next one behind; 0: not known.</param>
    /// <param name="differing">How many bytes differ from those found.</param>
    public static byte[]? Rebuild(JournalFiles files, long address, ReadOnlySpan<byte> found, IReadOnlyList<byte[]> blocks, long commitNumber, long commitBehind, out int differing)
    {
        // Every record takes a number, and there are only so many between those around the stretch: where the cheapest way has too many records, they are made dear.
        foreach (int commitPrice in (ReadOnlySpan<int>)[0, 100, 1 << 16])
        {
            if (Rebuild(files, address, found, blocks, commitNumber, commitBehind, commitPrice, out differing) is { } bytes)
                return bytes;
        }

        differing = 0;
        return null;
    }

    private static byte[]? Rebuild(
        JournalFiles files, long address, ReadOnlySpan<byte> found, IReadOnlyList<byte[]> blocks, long commitNumber, long commitBehind, int commitPrice, out int differing)
    {
        differing = 0;
        var start = new Spot(address, 0, false);
        var ways = new Dictionary<Spot, Way> { [start] = new Way(0, start, Step.Unused) };
        var open = new PriorityQueue<Spot, (long, int)>(); // every step goes to a higher address, so what is taken out is done
        open.Enqueue(start, (address, 0));
        Spot? best = null;
        while (open.TryDequeue(out Spot at, out _) && ways.Count <= StatesMax)
        {
            if (at.Address < address + found.Length)
                Follow(files, at, address, found, blocks, commitPrice, ways, open);
            else if (at.Blocks == blocks.Count && (best is not { } known || ways[at].Cost < ways[known].Cost))
                best = at;
        }

        if (best is not { } goal || ways.Count > StatesMax)
            return null;
        differing = ways[goal].Cost;
        return Write(ways, start, goal, found, blocks, commitNumber, commitBehind);
    }

    private static void Follow(
        JournalFiles files, Spot at, long address, ReadOnlySpan<byte> found, IReadOnlyList<byte[]> blocks, int commitPrice, Dictionary<Spot, Way> ways, PriorityQueue<Spot, (long, int)> open)
    {
        int cost = ways[at].Cost;
        long rest = files.PageStartOf(at.Address) + files.PageBytes - at.Address;
        ReadOnlySpan<byte> here = found[(int)(at.Address - address)..];
        int entry = at.Blocks < blocks.Count ? LogEntries.BytesOf(blocks[at.Blocks].Length) : 0;
        if (entry > 0 && entry <= rest && entry <= here.Length)
            Reach(new Spot(at.Address + entry, at.Blocks + 1, false), cost + CostOfBlock(here[..entry], blocks[at.Blocks]), Step.Block);
        if (rest >= FasterJournal.CommitRecordBytes && here.Length >= FasterJournal.CommitRecordBytes && CostOfCommit(here, at.Address) is var commit && (!at.IsBehindCommit || commit <= CommitCostMax))
            Reach(at with { Address = at.Address + FasterJournal.CommitRecordBytes, IsBehindCommit = true }, cost + commit + commitPrice, Step.Commit);
        // A page's end stays unused where the next entry does not fit.
        bool isFull = entry > rest || entry == 0 || rest < FasterJournal.CommitRecordBytes;
        if (isFull && rest <= here.Length && rest < files.PageBytes)
            Reach(at with { Address = at.Address + rest }, cost + CountNonZero(here[..(int)rest]), Step.Unused);

        void Reach(Spot to, int toCost, Step step)
        {
            bool isNew = !ways.TryGetValue(to, out Way known);
            if (!isNew && known.Cost <= toCost)
                return;
            ways[to] = new Way(toCost, at, step);
            if (isNew)
                open.Enqueue(to, (to.Address, to.Blocks));
        }
    }

    private static byte[]? Write(Dictionary<Spot, Way> ways, Spot start, Spot goal, ReadOnlySpan<byte> found, IReadOnlyList<byte[]> blocks, long commitNumber, long commitBehind)
    {
        var path = new Stack<Spot>();
        for (Spot at = goal; at != start; at = ways[at].Before)
            path.Push(at);
        byte[] bytes = new byte[found.Length];
        int commits = path.Count(spot => ways[spot].Step == Step.Commit);
        if (commitBehind > 0 && commits > commitBehind - commitNumber - 1)
            return null;
        Spot from = start;
        foreach (Spot to in path)
        {
            int offset = (int)(from.Address - start.Address);
            Step step = ways[to].Step;
            if (step == Step.Block)
            {
                byte[] block = blocks[from.Blocks];
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(offset), block.Length);
                block.CopyTo(bytes, offset + 4);
            }
            else if (step == Step.Commit)
            {
                commitNumber = NumberAt(found[offset..], from.Address, commitNumber, commitBehind - commits--);
                LogEntries.WriteCommit(bytes.AsSpan(offset), from.Address, commitNumber);
            }

            from = to;
        }

        return bytes;
    }

    /// <summary>The number that differs least from what is found; they rise, and mostly by one. The next is always possible.</summary>
    private static long NumberAt(ReadOnlySpan<byte> here, long address, long before, long most)
    {
        Span<byte> tried = stackalloc byte[FasterJournal.CommitRecordBytes];
        long best = before + 1;
        int bestCost = int.MaxValue;
        foreach (long number in (ReadOnlySpan<long>)[before + 1, LogEntries.NumberOf(here), LogEntries.NumberByChecksum(here, address)])
        {
            LogEntries.WriteCommit(tried, address, number);
            int cost = CountDiffering(here[..tried.Length], tried);
            bool isPossible = number == before + 1 || (number > before && (most > 0 ? number <= most : cost == 0));
            if (isPossible && cost < bestCost)
                (best, bestCost) = (number, cost);
        }

        return best;
    }

    private static int CostOfBlock(ReadOnlySpan<byte> here, ReadOnlySpan<byte> block)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, block.Length);
        return CountDiffering(here[..4], length) + CountDiffering(here.Slice(4, block.Length), block) + CountNonZero(here[(4 + block.Length)..]);
    }

    /// <summary>But for number and checksum, which are not known here.</summary>
    private static int CostOfCommit(ReadOnlySpan<byte> here, long address)
    {
        Span<byte> record = stackalloc byte[FasterJournal.CommitRecordBytes];
        LogEntries.WriteCommit(record, address, 0);
        return CountDiffering(here[..8], record[..8]) + CountDiffering(here[16..32], record[16..32]) + CountDiffering(here[40..48], record[40..48]);
    }

    private static int CountNonZero(ReadOnlySpan<byte> bytes) => bytes.Length - bytes.Count((byte)0);

    /// <summary>Eight bytes at a time: the highest bit of each byte of a word is set where the two differ.</summary>
    private static int CountDiffering(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        const ulong Low = 0x7F7F_7F7F_7F7F_7F7F;
        int count = 0;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(one);
        ReadOnlySpan<ulong> others = MemoryMarshal.Cast<byte, ulong>(other);
        for (int i = 0; i < words.Length; i++)
        {
            ulong differing = words[i] ^ others[i];
            count += BitOperations.PopCount((((differing & Low) + Low) | differing) & ~Low);
        }

        for (int i = words.Length * sizeof(ulong); i < one.Length; i++)
            count += one[i] == other[i] ? 0 : 1;
        return count;
    }
}
