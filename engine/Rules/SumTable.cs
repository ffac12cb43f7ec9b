using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Rules;

/// <summary>
/// Purpose: what payers have paid in the windows that limits ask about. A row belongs to an account, or to a holder and
/// currency; its number stands in the account (0: none yet).
/// Invariant: sums saturate at 2^64 - 1. That is exact for every answer: amounts are only added (a bucket is dropped whole,
/// never subtracted from), so a saturated sum is min(true sum, 2^64 - 1), and it is compared with ceilings below that only
/// (2^64 - 1 means no ceiling). So 64 bits are enough where a window's true sum may not fit them.
/// Failure assumed: time that runs backwards is a broken journal and throws.
/// Memory: 320 bytes a row and 32 to 64 of the holder map, taken at start as address space, used as rows are used.
/// </summary>
public sealed class SumTable : IDisposable
{
    /// <summary>Bytes that <see cref="FoldInto"/> writes.</summary>
    public const int FoldBytes = 32;

    private readonly NativeTable<SumRow> _rows;
    private readonly NativeTable<HolderSlot> _holders;
    private readonly int _holderShift;

    // All below: written by the settle thread.
    private int _used;
    private uint _epoch = 1;
    private YearSlots _years;
    private PlanYears _slotOfPlanYear;
    private LimitWindow[] _planYears = []; // of the plan in force
    private LimitWindow[] _awaited = []; // of plans to come

    // The time asked last, with its day and the stamp of a row written on it.
    private ulong _timeNs;
    private ulong _stamp;
    private int _day;
    private int _dayOffset; // of the day's amount in a row
    private ulong _foldLow;
    private ulong _foldHigh;

    /// <param name="rowsMax">How many accounts and holders may have sums (<see cref="Genesis.SumsMax"/>).</param>
    public SumTable(int rowsMax)
    {
        RowsMax = rowsMax;
        // Row 0 is "none yet": it stays zero, so reading it answers zero.
        _rows = new NativeTable<SumRow>((long)rowsMax + 1, hugePages: true);
        int holders = (int)Math.Max(BitOperations.RoundUpToPowerOf2((uint)rowsMax * 2), 2);
        _holders = new NativeTable<HolderSlot>(holders);
        _holderShift = 64 - BitOperations.Log2((uint)holders);
        SetTime(0);
    }

    public int RowsMax { get; }

    public int RowsUsed => _used;

    public void Dispose()
    {
        _rows.Dispose();
        _holders.Dispose();
    }

    /// <summary>
    /// Makes room for the years of a plan. A year that the plan before had too goes on; another starts at zero now, whoever
    /// had counted in its place. Days, months and 30 days always go on.
    /// </summary>
    /// <param name="plan">From here on in force.</param>
    public void Activate(RulePlan plan)
    {
        ReadOnlySpan<LimitWindow> wanted = plan.YearStarts;
        YearSlots before = _years;
        _epoch++;
        for (int slot = 0; slot < RuleBounds.YearStartsMax; slot++)
            if (!wanted.Contains(before[slot].Start) && !_awaited.Contains(before[slot].Start))
                _years[slot] = default;
        _planYears = [.. wanted];
        for (int i = 0; i < wanted.Length; i++)
            _slotOfPlanYear[i] = (byte)SlotOf(wanted[i]);
        FoldYears();
    }

    /// <summary>
    /// Makes room for years of plans to come, beside those of the plan in force: they count from here on. Together they are at most
    /// <see cref="RuleBounds.YearStartsMax"/>; years of neither make room.
    /// </summary>
    public void Await(ReadOnlySpan<LimitWindow> years)
    {
        _awaited = years.ToArray();
        bool anyNew = false;
        foreach (LimitWindow year in years)
            anyNew |= !IsCounted(year);
        if (!anyNew)
            return;
        _epoch++;
        for (int slot = 0; slot < RuleBounds.YearStartsMax; slot++)
            if (!_awaited.Contains(_years[slot].Start) && !_planYears.Contains(_years[slot].Start))
                _years[slot] = default;
        foreach (LimitWindow year in years)
            SlotOf(year);
        FoldYears();
    }

    private bool IsCounted(LimitWindow year)
    {
        foreach (YearSlot slot in _years)
            if (slot.Start == year)
                return true;
        return false;
    }

    private void FoldYears()
    {
        foreach (YearSlot slot in _years)
            Fold((ulong)slot.Start.StartMonth << 32 | (ulong)slot.Start.StartDay << 40 | slot.Since, _epoch);
        SetTime(_timeNs);
    }

    private int SlotOf(LimitWindow year)
    {
        int free = -1;
        for (int slot = 0; slot < RuleBounds.YearStartsMax; slot++)
        {
            if (_years[slot].Start == year)
                return slot;
            if (free < 0 && _years[slot].Start == default)
                free = slot;
        }
        // A plan has at most as many years as there are slots, and slots it does not name were freed above.
        _years[free] = new YearSlot { Start = year, Since = _epoch };
        return free;
    }

    /// <summary>A new row for an account of its own; 0: the table is full.</summary>
    public int Take()
    {
        if (_used == RowsMax)
            return 0;
        return ++_used;
    }

    /// <summary>The row of a holder in a currency; 0: none yet.</summary>
    public int RowOf(ulong holder, ushort currency) => _holders[SlotOf(holder, currency)].Row;

    /// <summary>The row of a holder in a currency, a new one if there was none; 0: the table is full.</summary>
    public int TakeFor(ulong holder, ushort currency)
    {
        ref HolderSlot slot = ref _holders[SlotOf(holder, currency)];
        if (slot.Row == 0)
            slot = new HolderSlot { Holder = holder, Row = Take(), Currency = currency };
        return slot.Row;
    }

    /// <summary>Where the key is or would go: at most half of the slots are taken, so an empty one comes.</summary>
    private int SlotOf(ulong holder, ushort currency)
    {
        ulong hash = (holder ^ (ulong)currency << 48) * 0x9E37_79B9_7F4A_7C15;
        int at = (int)((hash ^ hash >> 32) * 0xD6E8_FEB8_6659_FD93 >> _holderShift);
        for (; ; at = at + 1 & (int)_holders.RowCount - 1)
        {
            ref HolderSlot slot = ref _holders.Row(at);
            if (slot.Row == 0 || (slot.Holder == holder && slot.Currency == currency))
                return at;
        }
    }

    /// <summary>Asks for the two lines of a row that a payment of the time asked last reads and writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(int row)
    {
        _rows.Prefetch(row);
        _rows.Prefetch(row, _dayOffset);
    }

    /// <summary>What the row's payer has paid in a window, saturated; row 0: nothing.</summary>
    /// <param name="row">A row taken before, or 0.</param>
    /// <param name="window">Index of a <see cref="SumWindow"/>, years as in the plan activated last.</param>
    /// <param name="timeNs">The block's time: not before the row's last payment.</param>
    public ulong Sum(int row, int window, ulong timeNs)
    {
        if (timeNs != _timeNs)
            SetTime(timeNs);
        ref SumRow sums = ref _rows.Row(row);
        int slot = window < SumWindow.Year ? window : SumWindow.Year + _slotOfPlanYear[window - SumWindow.Year];
        return sums.Stamp == _stamp ? sums.Sums[slot] : SumToday(sums, slot);
    }

    /// <summary>Adds an accepted payment to every window.</summary>
    /// <param name="row">A row taken before.</param>
    /// <param name="amount">In the currency's smallest unit.</param>
    /// <param name="timeNs">The block's time.</param>
    public void Add(int row, ulong amount, ulong timeNs)
    {
        if (row == 0)
            ThrowNoRow();
        if (timeNs != _timeNs)
            SetTime(timeNs);
        ref SumRow sums = ref _rows.Row(row);
        if (sums.Stamp != _stamp)
            Turn(ref sums);
        foreach (ref ulong sum in (Span<ulong>)sums.Sums)
            sum = Saturate(sum, amount);
        ref ulong bucket = ref sums.Days[_day % SumRow.DayCount];
        bucket = Saturate(bucket, amount);
        Fold((ulong)row << 32 | (uint)_day, amount ^ BitOperations.RotateLeft(sums.Sums[SumWindow.Rolling30Days], 32));
    }

    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_used);
        writer.Write(_epoch);
        writer.Write(in _years);
        writer.Write(in _slotOfPlanYear);
        writer.Write<ulong>([_foldLow, _foldHigh]);
        writer.Write(_rows, 1, _used);
        for (long slot = 0; slot < _holders.RowCount; slot++)
            if (_holders[slot].Row != 0)
                writer.Write(in _holders[slot]);
        writer.Write(default(HolderSlot));
    }

    /// <summary>Into an empty table; the plan is not activated again.</summary>
    /// <param name="reader">At the sums.</param>
    /// <param name="plan">In force; null: none.</param>
    public void Load(SnapshotReader reader, RulePlan? plan)
    {
        _planYears = plan is null ? [] : plan.YearStarts.ToArray();
        _used = reader.ReadCount(RowsMax, "rows of sums");
        _epoch = reader.Read<uint>();
        _years = reader.Read<YearSlots>();
        _slotOfPlanYear = reader.Read<PlanYears>();
        foreach (byte slot in _slotOfPlanYear)
            reader.Expect(slot < RuleBounds.YearStartsMax, $"a year counts in slot {slot}");
        _foldLow = reader.Read<ulong>();
        _foldHigh = reader.Read<ulong>();
        reader.Read(_rows, 1, _used);
        int holders = 0;
        while (reader.Read<HolderSlot>() is { Row: not 0 } holder)
        {
            reader.Expect((uint)holder.Row <= (uint)_used && ++holders <= _used, $"sum row {holder.Row} of a holder cannot be");
            _holders[SlotOf(holder.Holder, holder.Currency)] = holder;
        }

        SetTime(0);
    }

    internal static ulong Saturate(ulong left, ulong right)
    {
        ulong sum = left + right;
        return sum < left ? ulong.MaxValue : sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SetTime(ulong timeNs)
    {
        _timeNs = timeNs;
        _day = Calendar.DayOf(timeNs);
        _dayOffset = SumRow.DaysOffset + _day % SumRow.DayCount * sizeof(ulong);
        _stamp = (ulong)_epoch << 32 | (uint)_day;
    }

    /// <summary>A sum of a row last written on another day or under another plan.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong SumToday(in SumRow row, int slot)
    {
        int last = (int)(uint)row.Stamp;
        if (_day < last)
            ThrowBackwards(last);
        switch (slot)
        {
            case SumWindow.Day:
                return last == _day ? row.Sums[slot] : 0;
            case SumWindow.Rolling30Days:
                ulong sum = 0;
                for (int day = Math.Max(last, SumRow.DayCount - 1) - (SumRow.DayCount - 1); day <= last; day++)
                    if (day > _day - SumRow.DayCount)
                        sum = Saturate(sum, row.Days[day % SumRow.DayCount]);
                return sum;
            case SumWindow.Month:
                return last >= Calendar.MonthStart(_day) ? row.Sums[slot] : 0;
            default:
                YearSlot year = _years[slot - SumWindow.Year];
                return year.Since > row.Stamp >> 32 || year.Start == default ||
                    last < Calendar.YearStart(_day, year.Start.StartMonth, year.Start.StartDay) ? 0 : row.Sums[slot];
        }
    }

    /// <summary>Brings a row to today: sums of ended windows become zero, buckets of days gone by are emptied.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Turn(ref SumRow row)
    {
        WindowSums today = default;
        for (int slot = 0; slot < SumWindow.Count; slot++)
            today[slot] = SumToday(row, slot);
        int last = (int)(uint)row.Stamp;
        for (int day = last + 1; day <= _day && day <= last + SumRow.DayCount; day++)
            row.Days[day % SumRow.DayCount] = 0;
        row.Sums = today;
        row.Stamp = _stamp;
    }

    /// <summary>
    /// Writes <see cref="FoldBytes"/> for the state hash: a fold of every addition (row, day, amount and the sum it led to) and
    /// of every activation, in order, and how many rows are in use. It costs a few multiplications an addition and nothing at a
    /// close.
    /// Sums are a function of the additions, and the additions one of the journal, so replicas that agree on the journal agree
    /// here, and one that counted otherwise, or whose row was damaged, differs from its next addition on. It is no
    /// cryptographic commitment to single sums: the SHA-256 around it makes it one to the fold.
    /// </summary>
    public void FoldInto(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, _foldLow);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], _foldHigh);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], (ulong)_used);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], _epoch);
    }

    private void Fold(ulong first, ulong second)
    {
        ulong mixed = (first * 0x9E37_79B9_7F4A_7C15) ^ BitOperations.RotateLeft(second * 0xC2B2_AE3D_27D4_EB4F, 31);
        _foldLow = BitOperations.RotateLeft(_foldLow ^ mixed, 27) * 0x9FB2_1C65_1E98_DF25 + second;
        _foldHigh = (_foldHigh + mixed) * 0xD6E8_FEB8_6659_FD93 ^ _foldLow >> 32;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNoRow() =>
        throw new InvalidOperationException("a payment added to sum row 0, which stands for none");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowBackwards(int last) =>
        throw new InvalidOperationException($"day {_day} after day {last}: block time never decreases");

    private struct HolderSlot
    {
        public ulong Holder;
        public int Row;
        public ushort Currency;
    }

    /// <summary>A year that is counted, and the first epoch in which it was.</summary>
    private struct YearSlot
    {
        public LimitWindow Start;
        public uint Since;
    }

    [InlineArray(RuleBounds.YearStartsMax)]
    private struct YearSlots
    {
        private YearSlot _slot0;
    }

    [InlineArray(RuleBounds.YearStartsMax)]
    private struct PlanYears
    {
        private byte _slot0;
    }
}

/// <summary>The sums of one account or holder, as of the day in its stamp: 320 bytes, of which a day's payments touch two
/// lines.</summary>
/// <remarks>
/// <code>
///  0               8                                               64                            304     320
///  | day 32 | epoch | day | 30 days | month | year x 4             | amounts of 30 days, day mod 30 | zero |
/// </code>
/// The epoch counts activations: a year whose slot was given to it later than the row's last payment is zero.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct SumRow
{
    public const int Size = 320;
    public const int DayCount = 30;
    public const int DaysOffset = 64;

    /// <summary>Day of the last payment in the low half, epoch in the high; 0: no payment yet.</summary>
    [FieldOffset(0)] public ulong Stamp;
    [FieldOffset(8)] public WindowSums Sums;
    [FieldOffset(DaysOffset)] public DayAmounts Days;
}

[InlineArray(SumWindow.Count)]
internal struct WindowSums
{
    private ulong _sum0;
}

[InlineArray(SumRow.DayCount)]
internal struct DayAmounts
{
    private ulong _day0;
}
