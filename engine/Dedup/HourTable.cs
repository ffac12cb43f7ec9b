using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;

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
    public ulong FirstSequenceFrom(ulong hour)
    {
        for (ulong at = Math.Max(hour, _lowest); at <= _highest; at++)
        {
            ulong first = _rows[(long)at].FirstSequence;
            if (first != 0) return first;
        }

        throw new InvalidOperationException($"no hour from {hour} on has begun: forgetting ran ahead of time");
    }

    public void Dispose() => _rows.Dispose();

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
}
