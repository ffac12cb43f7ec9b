using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Dedup;

/// <summary>
/// One row for every hour that 64 bits of nanoseconds can name: what was decided in it, and what goes when it is forgotten.
/// </summary>
/// <remarks>
/// Purpose: ids are forgotten by whole hours. A row for every hour from 1970 to 2554 is 164 MB of address space and one
/// page of memory for 5 days of use; in return there is no bound on the retention, and nothing to search or to evict.
/// <para>Invariant: hours are dropped upwards; nothing is added to a dropped hour.</para>
/// </remarks>
internal sealed class HourTable : IDisposable
{
    /// <summary>2^64 ns are 5,124,095.6 hours.</summary>
    public const long HoursMax = (long)(ulong.MaxValue / Limits.NsPerHour) + 1;

    private readonly NativeTable<HourRow> _rows = new(HoursMax);

    // written by: settle thread
    private ulong _lowest = HoursMax;
    private ulong _highest;

    public void Add(ulong hour, in StateSum sum) => Touch(hour).Sum.Add(sum);

    /// <summary>Remembers the first sequence of the hour; a later one of the same hour changes nothing.</summary>
    public void BeginHour(ulong hour, ulong firstSequence)
    {
        ref HourRow row = ref Touch(hour);
        if (row.FirstSequence == 0) row.FirstSequence = firstSequence;
    }

    /// <summary>Everything in the store before the position is of this hour or an earlier one.</summary>
    public void SpilledUpTo(ulong hour, long position) => Touch(hour).SpillEnd = position;

    /// <summary>Forgets every hour below; gives what they held, and up to where the store may drop (0: nothing).</summary>
    public StateSum DropBelow(ulong hour, out long spillEnd)
    {
        StateSum dropped = default;
        spillEnd = 0;
        for (; _lowest < hour && _lowest <= _highest; _lowest++)
        {
            ref HourRow row = ref _rows[(long)_lowest];
            dropped.Add(row.Sum);
            spillEnd = Math.Max(spillEnd, row.SpillEnd);
            row = default;
        }

        return dropped;
    }

    /// <summary>The first sequence of the lowest hour from the given one on; that of the present hour exists.</summary>
    public ulong FirstSequenceFrom(ulong hour) =>
        TryFirstSequenceFrom(hour, out ulong first)
            ? first
            : throw new InvalidOperationException($"no hour from {hour} on has begun: forgetting ran ahead of time");

    /// <summary>As <see cref="FirstSequenceFrom"/>, where no hour may have begun.</summary>
    public bool TryFirstSequenceFrom(ulong hour, out ulong first)
    {
        for (ulong at = Math.Max(hour, _lowest); at <= _highest; at++)
            if ((first = _rows[(long)at].FirstSequence) != 0) return true;
        first = 0;
        return false;
    }

    /// <summary>
    /// The hour in which a sequence was decided: the highest that begins at it or below, since of hours that begin at one
    /// sequence only the last has slots. Not for sequences of dropped hours.
    /// </summary>
    public ulong HourOf(ulong sequence)
    {
        for (ulong at = _highest + 1; at-- > _lowest;)
        {
            ulong first = _rows[(long)at].FirstSequence;
            if (first != 0 && first <= sequence) return at;
        }

        throw new InvalidOperationException($"sequence {sequence} was decided before the first hour that is kept");
    }

    /// <summary>Writes the rows in use, without <see cref="HourRow.SpillEnd"/>: positions belong to one store.</summary>
    public void Save(SnapshotWriter writer)
    {
        ulong count = 0;
        for (ulong at = _lowest; at <= _highest; at++)
            if (IsUsed(in _rows[(long)at])) count++;
        writer.Write(count);
        for (ulong at = _lowest; at <= _highest; at++)
        {
            ref readonly HourRow row = ref _rows[(long)at];
            if (IsUsed(in row)) writer.Write(new SavedHour { Hour = at, Sum = row.Sum, FirstSequence = row.FirstSequence });
        }
    }

    /// <summary>Reads what <see cref="Save"/> wrote, into a table that was never used.</summary>
    /// <param name="reader">Behind what stands before.</param>
    /// <param name="hourFirst">What is below it was forgotten, and cannot be there.</param>
    public void Load(SnapshotReader reader, ulong hourFirst)
    {
        ulong begun = 0;
        for (int left = reader.ReadCount(HoursMax, "hours of kept ids"); left > 0; left--)
        {
            SavedHour saved = reader.Read<SavedHour>();
            reader.Expect(saved.Hour >= hourFirst && saved.Hour < HoursMax, "hours of kept ids are not in order");
            reader.Expect(
                saved.FirstSequence == 0 || (saved.FirstSequence >= begun && saved.FirstSequence - 1 <= reader.Head.Sequence),
                "an hour of kept ids begins at a sequence that is not in order");
            begun = Math.Max(begun, saved.FirstSequence);
            hourFirst = saved.Hour + 1;
            Touch(saved.Hour) = new HourRow { Sum = saved.Sum, FirstSequence = saved.FirstSequence };
        }
    }

    public void Dispose() => _rows.Dispose();

    private static bool IsUsed(in HourRow row) => row.FirstSequence != 0 || row.Sum != default;

    private ref HourRow Touch(ulong hour)
    {
        if (hour < _lowest) _lowest = hour;
        if (hour > _highest) _highest = hour;
        return ref _rows[(long)hour];
    }

    [StructLayout(LayoutKind.Sequential, Size = 32)]
    private struct HourRow
    {
        public StateSum Sum;
        public ulong FirstSequence;
        public long SpillEnd;
    }

    /// <summary>A row in a snapshot: | hour 8 | sum 16 | first sequence 8 |.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 32)]
    private struct SavedHour
    {
        public ulong Hour;
        public StateSum Sum;
        public ulong FirstSequence;
    }
}
