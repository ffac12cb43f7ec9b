using System.Numerics;
using System.Runtime.CompilerServices;
using Settlement.Engine.Simd;

namespace Settlement.Engine.Dedup;

/// <summary>
/// Proves that an id is neither in the old generation nor spilled; never that it is. Eight lanes, each for the generations of
/// one stretch of time.
/// </summary>
/// <remarks>
/// Purpose: a new id should cost neither a look into the old generation nor one into the store. All lanes of a key lie in one
/// cache line (<see cref="FilterRow"/>): one miss a look-up, however many generations were spilled, and the same line takes
/// the new id's own bits.
/// <para>
/// A lane is filled with the young generation, stays with it while it is the old one, is then asked for the store, and is
/// dropped when all in it is forgotten. Each cycle (one generation) one lane is taken, so each cycle one is freed: a
/// forgotten lane is cleared, or two neighbours in age are merged by OR into one. Either is a sweep over the rows, done a few
/// rows for each new id, and at any moment of a sweep both lanes together still hold all their keys.
/// </para>
/// Failure assumed: with many generations merged, words fill up and absence is proven less often; the store is then asked
/// more often. Slower, never wrong.
/// </remarks>
internal sealed class IdFilter : IDisposable
{
    private const int None = -1;

    private readonly NativeTable<FilterRow> _rows;

    // All written by: settle thread.
    private readonly Lane[] _lanes = new Lane[FilterRow.Lanes];

    /// <summary>Live lanes, oldest first.</summary>
    private readonly int[] _ages = new int[FilterRow.Lanes];
    private int _ageCount;
    private int _young;
    private int _old = None;
    private int _sweepFrom = None;
    private int _sweepInto = None;
    private long _sweepRow;
    private uint _askUuidV7;
    private uint _askOther;

    public IdFilter(long rowCount)
    {
        _rows = new NativeTable<FilterRow>(rowCount, hugePages: true);
        _young = TakeFree();
    }

    public long RowCount => _rows.RowCount;

    /// <summary>The lane of the old generation, as a bit; 0: there is none.</summary>
    public uint OldLane => _old == None ? 0 : 1u << _old;

    /// <summary>The lanes to be asked for the store, as bits.</summary>
    public uint SpilledLanes(bool uuidV7) => uuidV7 ? _askUuidV7 : _askOther;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash) => _rows.Prefetch(RowOf(hash));

    /// <summary>One bit a lane: whether it may hold the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint LanesHolding(ulong hash) => _rows[RowOf(hash)].LanesHolding(MaskOf(hash));

    /// <summary>Adds a key of the young generation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong hash)
    {
        ref FilterRow row = ref _rows[RowOf(hash)];
        row[_young] |= MaskOf(hash);
    }

    /// <summary>
    /// The old generation leaves memory: its lane is asked for the store from now on. The young one is the old one.
    /// </summary>
    /// <param name="uuidV7HourLast">Latest timestamp's hour among the UUIDv7 that the old one spilled, or -1: none.</param>
    /// <param name="otherHourLast">Latest hour of decision among the other ids that it spilled, or -1: none.</param>
    public void EndCycle(long uuidV7HourLast, long otherHourLast)
    {
        SweepAll();
        if (_old != None)
        {
            bool spilled = uuidV7HourLast >= 0 || otherHourLast >= 0;
            _lanes[_old] = new Lane
            {
                State = spilled ? LaneState.Live : LaneState.Dirty,
                UuidV7HourLast = uuidV7HourLast,
                OtherHourLast = otherHourLast,
                Generations = 1,
            };
            if (spilled) _ages[_ageCount++] = _old;
        }

        _old = _young;
        _young = TakeFree();
        if (Find(LaneState.Free) == None) BeginSweep();
    }

    /// <summary>Lanes in which all is forgotten are asked no more.</summary>
    public void Forget(ulong uuidV7HourFirst, ulong otherHourFirst)
    {
        (_askUuidV7, _askOther) = (0, 0);
        for (int lane = 0; lane < FilterRow.Lanes; lane++)
        {
            ref Lane of = ref _lanes[lane];
            if (of.State is not (LaneState.Live or LaneState.Leaving)) continue;
            if (of.UuidV7HourLast >= (long)uuidV7HourFirst) _askUuidV7 |= 1u << lane;
            if (of.OtherHourLast >= (long)otherHourFirst) _askOther |= 1u << lane;
            if (of.State == LaneState.Live && lane != _sweepInto && ((_askUuidV7 | _askOther) & (1u << lane)) == 0)
                LeaveAges(lane, LaneState.Dirty);
        }
    }

    /// <summary>Goes on with the sweep, a bounded number of rows.</summary>
    public void Sweep(long rowCount)
    {
        if (_sweepFrom == None) return;
        long end = Math.Min(_sweepRow + rowCount, RowCount);
        for (; _sweepRow < end; _sweepRow++)
        {
            ref FilterRow row = ref _rows[_sweepRow];
            if (_sweepInto != None) row[_sweepInto] |= row[_sweepFrom];
            row[_sweepFrom] = 0;
        }

        if (_sweepRow == RowCount) EndSweep();
    }

    public void Dispose() => _rows.Dispose();

    private void SweepAll() => Sweep(RowCount);

    private void BeginSweep()
    {
        _sweepRow = 0;
        _sweepFrom = Find(LaneState.Dirty);
        if (_sweepFrom != None) return;

        // The two neighbours with the fewest generations together, the oldest where several tie: as a binary counter
        // carries, so that a lane's load grows with the logarithm of its age as long as there are lanes.
        int at = 0;
        for (int i = 1; i < _ageCount - 1; i++)
            if (PairWeight(i) < PairWeight(at)) at = i;
        _sweepFrom = _ages[at];
        _sweepInto = _ages[at + 1];
        ref Lane from = ref _lanes[_sweepFrom];
        ref Lane into = ref _lanes[_sweepInto];
        into.UuidV7HourLast = Math.Max(into.UuidV7HourLast, from.UuidV7HourLast);
        into.OtherHourLast = Math.Max(into.OtherHourLast, from.OtherHourLast);
        into.Generations += from.Generations;
        LeaveAges(_sweepFrom, LaneState.Leaving);
    }

    private void EndSweep()
    {
        _lanes[_sweepFrom] = default;
        _askUuidV7 &= ~(1u << _sweepFrom);
        _askOther &= ~(1u << _sweepFrom);
        (_sweepFrom, _sweepInto) = (None, None);
    }

    private long PairWeight(int at) => _lanes[_ages[at]].Generations + _lanes[_ages[at + 1]].Generations;

    private int TakeFree()
    {
        int lane = Find(LaneState.Free);
        if (lane == None) throw new InvalidOperationException("no filter lane is free: a cycle took one and freed none");
        _lanes[lane].State = LaneState.InMemory;
        return lane;
    }

    private int Find(LaneState state)
    {
        for (int lane = 0; lane < FilterRow.Lanes; lane++)
            if (_lanes[lane].State == state) return lane;
        return None;
    }

    private void LeaveAges(int lane, LaneState state)
    {
        _lanes[lane].State = state;
        int at = Array.IndexOf(_ages, lane, 0, _ageCount);
        Array.Copy(_ages, at + 1, _ages, at, _ageCount - at - 1);
        _ageCount--;
    }

    private long RowOf(ulong hash) => (long)Math.BigMul(BitOperations.RotateLeft(hash, 32), (ulong)RowCount, out _);

    /// <summary>Four bits of 64, from bits of the hash that choose neither row nor slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MaskOf(ulong hash)
    {
        ulong bits = (hash * Mix.Pi4) >> 40;
        return (1UL << (int)(bits & 63)) | (1UL << (int)((bits >> 6) & 63))
            | (1UL << (int)((bits >> 12) & 63)) | (1UL << (int)((bits >> 18) & 63));
    }

    private enum LaneState
    {
        /// <summary>All zeros.</summary>
        Free,

        /// <summary>Of the young or the old generation.</summary>
        InMemory,

        /// <summary>Asked for the store.</summary>
        Live,

        /// <summary>Being merged into its younger neighbour, and asked until that is done.</summary>
        Leaving,

        /// <summary>Forgotten, not yet cleared.</summary>
        Dirty,
    }

    private struct Lane
    {
        public LaneState State;
        public long UuidV7HourLast;
        public long OtherHourLast;
        public long Generations;
    }
}
