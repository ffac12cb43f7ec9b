using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Dedup;

/// <content>Streams in a snapshot: of each only the groups of 64 cells that any decided number has taken.</content>
/// <remarks>
/// <code>
///  count 8, then for each stream, in the order of opening:
///  0               8               16      18  19  20      24
///  | name          | lowest missing| partic|ah.| 0 | runs  |
///  and for each run of groups that are used:
///  | first group 4 | groups 4 | bits 8 a group, only if "ahead" | fingerprints 256 a group | verdicts 64 a group |
/// </code>
/// Numbers below the lowest missing one take cells from the first on, so a stream that comes in order has one run, and "ahead"
/// (numbers were decided above the lowest missing one) is 0: its bitmap is neither read nor written. The highest number
/// follows from the bits; the places, and what stands for the name in the state's sum, from name and participant.
/// <para>
/// A cell that no decided number has taken was never written, so it is zero, and the bytes are a function of the payments.
/// </para>
/// </remarks>
internal sealed partial class StreamTable
{
    private const int CellsPerGroup = 64;
    private const ulong AllBits = ulong.MaxValue;

    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_count);
        for (int stream = 0; stream < _count; stream++) Save(writer, stream);
    }

    /// <summary>Reads what <see cref="Save(SnapshotWriter)"/> wrote, into a table without streams.</summary>
    public void Load(SnapshotReader reader)
    {
        int count = reader.ReadCount(_capacity, "streams");
        while (_count < count)
        {
            SavedStream saved = reader.Read<SavedStream>();
            Load(reader, Open(reader, in saved), in saved);
        }
    }

    private void Save(SnapshotWriter writer, int stream)
    {
        // Used and unused groups in turn are the most.
        Span<SavedRun> runs = stackalloc SavedRun[WordsPerStream / 2];
        ref readonly StreamRow row = ref _rows[stream];
        int runCount = FindRuns(stream, in row, runs);
        writer.Write(new SavedStream
        {
            Name = row.Name,
            Lowest = row.Lowest,
            Participant = (ushort)row.Participant,
            Ahead = (byte)(IsAhead(in row) ? 1 : 0),
            RunCount = (uint)runCount,
        });
        foreach (ref readonly SavedRun run in runs[..runCount])
        {
            writer.Write(in run);
            long group = GroupAt(stream, (int)run.First);
            if (IsAhead(in row)) writer.Write(_bits, group, run.Count);
            writer.Write(_fingerprints, group * CellsPerGroup, run.Count * CellsPerGroup);
            writer.Write(_verdicts, group * CellsPerGroup, run.Count * CellsPerGroup);
        }
    }

    private int FindRuns(int stream, in StreamRow row, Span<SavedRun> runs)
    {
        int count = 0;
        for (int group = 0; group < WordsPerStream; group++)
        {
            if (DecidedIn(stream, in row, group) == 0) continue;
            int first = group;
            while (group < WordsPerStream && DecidedIn(stream, in row, group) != 0) group++;
            runs[count++] = new SavedRun { First = (uint)first, Count = (uint)(group - first) };
        }

        return count;
    }

    /// <summary>Makes the stream's row, and its place among the names.</summary>
    private int Open(SnapshotReader reader, in SavedStream saved)
    {
        reader.Expect(
            saved.Lowest != 0 && saved.Lowest - 1 <= reader.Head.Sequence,
            "a stream has more decided numbers than there were payments");
        reader.Expect(saved.Ahead <= 1 && saved.RunCount <= WordsPerStream / 2, "a stream's cells cannot lie as it says");
        int place = PlaceOf(saved.Name, saved.Participant);
        for (int found; (found = _places[place]) != 0; place = (place + 1) & _placeMask)
        {
            ref readonly StreamRow other = ref _rows[found - 1];
            reader.Expect(other.Name != saved.Name || other.Participant != saved.Participant, "it holds a stream twice");
        }

        _ = Open(place, saved.Name, saved.Participant, number: 1, out _);
        return _count - 1;
    }

    private void Load(SnapshotReader reader, int stream, in SavedStream saved)
    {
        ref StreamRow row = ref _rows[stream];
        bool ahead = saved.Ahead != 0;
        (row.Lowest, row.Highest) = (saved.Lowest, saved.Lowest - 1);

        // What is below the lowest missing number is decided without a bit that says so: the first run must have it.
        bool anyBelow = saved.Lowest > 1;
        long groupsBelow = anyBelow ? (long)Math.Min((saved.Lowest - 1) / CellsPerGroup, WordsPerStream - 1) + 1 : 0;
        reader.Expect(saved.RunCount > 0 || !anyBelow, "decided numbers of a stream are missing");
        long end = 0;
        for (uint i = 0; i < saved.RunCount; i++)
        {
            SavedRun run = reader.Read<SavedRun>();
            bool inOrder = run.Count > 0 && run.First >= end && run.First + (long)run.Count <= WordsPerStream;
            reader.Expect(inOrder, "a stream's cells are not in order");
            end = run.First + (long)run.Count;
            if (i == 0)
                reader.Expect(!anyBelow || (run.First == 0 && end >= groupsBelow), "decided numbers of a stream are missing");
            long group = GroupAt(stream, (int)run.First);
            if (ahead) reader.Read(_bits, group, run.Count);
            reader.Read(_fingerprints, group * CellsPerGroup, run.Count * CellsPerGroup);
            reader.Read(_verdicts, group * CellsPerGroup, run.Count * CellsPerGroup);
        }

        if (ahead)
        {
            ulong lowestBit = Word(stream, saved.Lowest) & (1UL << (int)(saved.Lowest & 63));
            reader.Expect(lowestBit == 0, "a stream's lowest missing number is decided");
            row.Highest = HighestDecided(stream, saved.Lowest);
            reader.Expect(row.Highest > row.Lowest, "a stream that ran ahead has no number there");
        }

        CheckCells(reader, stream, in row);
    }

    /// <summary>
    /// A decided number's cell holds a verdict that can be a first one, any other cell none: an undecided cell of a decided
    /// number would be read as an index into the present chunk.
    /// </summary>
    private void CheckCells(SnapshotReader reader, int stream, in StreamRow row)
    {
        for (int group = 0; group < WordsPerStream; group++)
        {
            ulong decided = DecidedIn(stream, in row, group);
            if (decided == 0) continue;
            ReadOnlySpan<Verdict> verdicts = _verdicts.Rows(GroupAt(stream, group) * CellsPerGroup, CellsPerGroup);
            if (decided == AllBits && KeptVerdicts.HaveAll(verdicts)) continue;
            for (int i = 0; i < CellsPerGroup; i++)
            {
                bool holds = (decided & (1UL << i)) != 0 ? KeptVerdicts.Have(verdicts[i]) : verdicts[i] == Verdict.Undecided;
                reader.Expect(holds, "a number of a stream has a verdict that it cannot have");
            }
        }
    }

    /// <summary>The cells of a group that a decided number has taken, as bits.</summary>
    private ulong DecidedIn(int stream, in StreamRow row, int group)
    {
        ulong ahead = IsAhead(in row) ? _bits[GroupAt(stream, group)] : 0;
        if (row.Lowest > Window) return AllBits;
        ulong first = (ulong)group * CellsPerGroup;
        if (row.Lowest <= first) return ahead;
        ulong below = row.Lowest - first >= CellsPerGroup ? AllBits : (1UL << (int)(row.Lowest - first)) - 1;

        // There is no number 0; its cell is that of the window's last.
        return ahead | (group == 0 ? below & ~1UL : below);
    }

    /// <summary>The highest number that has a bit, or the one below the lowest missing one: there is none.</summary>
    private ulong HighestDecided(int stream, ulong lowest)
    {
        for (long ahead = Window - 1; ahead > 0;)
        {
            ulong at = lowest + (ulong)ahead;
            int offset = (int)(at & 63);
            ulong upToIt = Word(stream, at) << (63 - offset);
            if (upToIt != 0) return at - (ulong)BitOperations.LeadingZeroCount(upToIt);
            ahead -= offset + 1;
        }

        return lowest - 1;
    }

    private static bool IsAhead(in StreamRow row) => row.Highest > row.Lowest;

    private static long GroupAt(int stream, int group) => ((long)stream * WordsPerStream) + group;

    [StructLayout(LayoutKind.Sequential, Size = 24)]
    private struct SavedStream
    {
        public ulong Name;
        public ulong Lowest;
        public ushort Participant;
        public byte Ahead;
        public byte Reserved;
        public uint RunCount;
    }

    [StructLayout(LayoutKind.Sequential, Size = 8)]
    private struct SavedRun
    {
        public uint First;
        public uint Count;
    }
}
