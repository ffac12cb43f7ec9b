using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using Settlement.Engine.Domain;
using Settlement.Engine.Simd;
using Settlement.Engine.Snapshots;

namespace Settlement.Engine.Ledger;

// Purpose: what a capture, void or refund can be about: open holds, and payments that may be refunded. And payments under review, which a
//   reviewer's decision is about.
// Invariant: one record a (participant, id); every record with an expiry stands in the expiry heap exactly once.
// Units: amounts in the smallest unit; times in ns since the epoch. All written by: settle thread.

public enum TargetKind : byte
{
    None = 0,
    Hold = 1,
    Refundable = 2,

    /// <summary>A payment under review: held, and out of the parties' reach.</summary>
    Review = 3,
}

/// <summary>One hold, refundable payment or payment under review: 80 bytes. The last three fields are of the latter alone.</summary>
/// <remarks>
/// <code>
///  0               16              24              32              40      48
///  | id            | remaining     | expiry        | sequence      |pay |pye|
///  48      52  54  56 57 58 59 60      64      68  70 71 72              80
///  | batch, |par|ccy|ki|lv|in|fl| heap  | free  |rul|pu|0 | valid until   |
///  | or law
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct TargetRecord
{
    [FieldOffset(0)] public ulong IdLow;
    [FieldOffset(8)] public ulong IdHigh;

    /// <summary>What can still be captured or refunded.</summary>
    [FieldOffset(16)] public ulong Remaining;

    /// <summary>The record is forgotten (a hold released) at the first block time after it; 0: never.</summary>
    [FieldOffset(24)] public ulong ExpiryNs;

    /// <summary>Sequence of the payment that made it: the order of records that expire at one time.</summary>
    [FieldOffset(32)] public ulong Sequence;
    [FieldOffset(40)] public int PayerRow;
    [FieldOffset(44)] public int PayeeRow;

    /// <summary>The batch in which the payee's pending was credited; 0: it was credited to available.</summary>
    [FieldOffset(48)] public uint PendingBatch;

    /// <summary>For a review, in the same place: number of the module or treaty whose statement sent it there, as of then; 0: a table that is of none.</summary>
    [FieldOffset(48)] public uint Law;
    [FieldOffset(52)] public ushort Participant;
    [FieldOffset(54)] public ushort Currency;
    [FieldOffset(56)] public TargetKind Kind;
    [FieldOffset(57)] public byte Level;

    /// <summary>For a review: the payment's, which a release carries out.</summary>
    [FieldOffset(58)] public Instruction Instruction;

    /// <inheritdoc cref="Instruction"/>
    [FieldOffset(59)] public PaymentFlags Flags;

    /// <summary>Place in the expiry heap, from 1; 0: not in it.</summary>
    [FieldOffset(60)] internal int HeapPlace;

    /// <summary>Next free record, while this one is free.</summary>
    [FieldOffset(64)] internal int NextFree;

    /// <summary>The rule that sent it to review, as of then.</summary>
    [FieldOffset(68)] public ushort Rule;

    /// <summary>The payment's: it is judged once more at the release.</summary>
    [FieldOffset(70)] public Purpose Purpose;

    /// <summary>The payment's: the expiry of a hold that a release makes of it.</summary>
    [FieldOffset(72)] public ulong ValidUntilNs;

    public readonly UInt128 Id => new(IdHigh, IdLow);
}

/// <summary>Records found by (participant, id), and in order of expiry.</summary>
public sealed class TargetTable : IDisposable
{
    private readonly NativeTable<TargetRecord> _records;
    private readonly NativeTable<int> _index;
    private readonly NativeTable<int> _heap;
    private readonly long _mask;
    private readonly int _targetsMax;
    private int _firstFree;
    private int _used;
    private int _heapCount;

    public TargetTable(int targetsMax)
    {
        _targetsMax = targetsMax;
        _records = new NativeTable<TargetRecord>((long)targetsMax + 1); // record 0 stands for "none"
        long slots = (long)BitOperations.RoundUpToPowerOf2((ulong)targetsMax * 2);
        _index = new NativeTable<int>(slots);
        _mask = slots - 1;
        _heap = new NativeTable<int>((long)targetsMax + 1);
    }

    public int Count { get; private set; }

    /// <summary>Records are numbered from 1 to this; free ones among them are of no kind.</summary>
    public int RecordsUsed => _used;

    public bool IsFull => Count == _targetsMax;

    /// <summary>Sum modulo 2^128 of a hash a record: this table's share of the state hash.</summary>
    public UInt128 Fold { get; private set; }

    public ref readonly TargetRecord this[int record] => ref _records[record];

    /// <summary>The record, or 0.</summary>
    public int Find(ushort participant, UInt128 id)
    {
        for (long slot = HomeOf(participant, id); _index[slot] != 0; slot = (slot + 1) & _mask)
        {
            ref TargetRecord record = ref _records[_index[slot]];
            if (record.Participant == participant && record.Id == id)
                return _index[slot];
        }

        return 0;
    }

    /// <summary>Keeps a record. The caller has checked that there is room and no such key.</summary>
    public void Add(in TargetRecord record)
    {
        int place = _firstFree;
        if (place == 0)
            place = ++_used;
        else
            _firstFree = _records[place].NextFree;
        ref TargetRecord kept = ref _records[place];
        kept = record;
        kept.HeapPlace = 0;
        kept.NextFree = 0;
        Index(place);
        Count++;
        Fold += HashOf(in kept);
        if (kept.ExpiryNs != 0)
        {
            SetHeap(++_heapCount, place);
            SiftUp(_heapCount);
        }
    }

    public void Reduce(int record, ulong amount)
    {
        ref TargetRecord kept = ref _records[record];
        Fold -= HashOf(in kept);
        kept.Remaining -= amount;
        Fold += HashOf(in kept);
    }

    public void Remove(int record)
    {
        ref TargetRecord kept = ref _records[record];
        Fold -= HashOf(in kept);
        RemoveFromIndex(record);
        if (kept.HeapPlace != 0)
            RemoveFromHeap(kept.HeapPlace);
        kept = default;
        kept.NextFree = _firstFree;
        _firstFree = record;
        Count--;
    }

    /// <summary>The record that expires first, if it does before this time; else 0.</summary>
    public int NextExpired(ulong timeNs) =>
        _heapCount > 0 && _records[_heap[1]].ExpiryNs < timeNs ? _heap[1] : 0;

    /// <summary>Records where they are, free ones among them, and the heap: so that both go on exactly as they would have.</summary>
    public void Save(SnapshotWriter writer)
    {
        writer.Write((ulong)_used);
        writer.Write((ulong)_heapCount);
        writer.Write((ulong)_firstFree);
        writer.Write(_records, 1, _used);
        writer.Write(_heap, 1, _heapCount);
    }

    public void Load(SnapshotReader reader, int accountCount)
    {
        _used = reader.ReadCount(_targetsMax, "holds and refundable payments");
        _heapCount = reader.ReadCount(_used, "records that expire");
        _firstFree = reader.ReadCount(_used, "records");
        reader.Read(_records, 1, _used);
        reader.Read(_heap, 1, _heapCount);
        for (int place = 1; place <= _heapCount; place++)
            reader.Expect((uint)(_heap[place] - 1) < (uint)_used && _records[_heap[place]].HeapPlace == place, $"place {place} of the heap of expiries cannot be");
        for (int record = 1; record <= _used; record++)
        {
            ref readonly TargetRecord kept = ref _records[record];
            reader.Expect((uint)kept.NextFree <= (uint)_used && (uint)kept.HeapPlace <= (uint)_heapCount, $"record {record} of holds and refundables cannot be");
            if (kept.Kind == TargetKind.None)
                continue;
            reader.Expect(kept.Kind <= TargetKind.Review && (uint)(kept.PayerRow - 1) < (uint)accountCount && (uint)(kept.PayeeRow - 1) < (uint)accountCount, $"record {record} of holds and refundables names what there is not");
            Index(record);
            Count++;
            Fold += HashOf(in kept);
        }
    }

    public void Dispose()
    {
        _records.Dispose();
        _index.Dispose();
        _heap.Dispose();
    }

    private long HomeOf(ushort participant, UInt128 id)
    {
        ulong hash = ((ulong)id ^ ((ulong)(id >> 64) * 0x9E37_79B9_7F4A_7C15) ^ participant) * 0xD6E8_FEB8_6659_FD93;
        return (long)(hash ^ (hash >> 32)) & _mask;
    }

    private void Index(int record)
    {
        long slot = HomeOf(_records[record].Participant, _records[record].Id);
        while (_index[slot] != 0)
            slot = (slot + 1) & _mask;
        _index[slot] = record;
    }

    /// <summary>Deletes by moving later entries of the run back (Knuth, volume 3, 6.4, algorithm R), so that no marks pile up.</summary>
    private void RemoveFromIndex(int record)
    {
        ref TargetRecord kept = ref _records[record];
        long hole = HomeOf(kept.Participant, kept.Id);
        while (_index[hole] != record)
            hole = (hole + 1) & _mask;
        for (long next = (hole + 1) & _mask; _index[next] != 0; next = (next + 1) & _mask)
        {
            ref TargetRecord candidate = ref _records[_index[next]];
            long home = HomeOf(candidate.Participant, candidate.Id);
            if (((next - home) & _mask) >= ((next - hole) & _mask))
            {
                _index[hole] = _index[next];
                hole = next;
            }
        }

        _index[hole] = 0;
    }

    private void RemoveFromHeap(int place)
    {
        int last = _heap[_heapCount--];
        if (place > _heapCount)
            return;
        SetHeap(place, last);
        SiftUp(place);
        SiftDown(_records[last].HeapPlace);
    }

    private void SiftUp(int place)
    {
        int record = _heap[place];
        for (; place > 1 && IsBefore(record, _heap[place / 2]); place /= 2)
            SetHeap(place, _heap[place / 2]);
        SetHeap(place, record);
    }

    private void SiftDown(int place)
    {
        int record = _heap[place];
        while (place * 2 <= _heapCount)
        {
            int child = place * 2;
            if (child < _heapCount && IsBefore(_heap[child + 1], _heap[child]))
                child++;
            if (!IsBefore(_heap[child], record))
                break;
            SetHeap(place, _heap[child]);
            place = child;
        }

        SetHeap(place, record);
    }

    private bool IsBefore(int left, int right)
    {
        ref TargetRecord a = ref _records[left];
        ref TargetRecord b = ref _records[right];
        return a.ExpiryNs != b.ExpiryNs ? a.ExpiryNs < b.ExpiryNs : a.Sequence < b.Sequence;
    }

    private void SetHeap(int place, int record)
    {
        _heap[place] = record;
        _records[record].HeapPlace = place;
    }

    /// <summary>
    /// Rows are named by number: the same journal numbers them alike everywhere. All but the places in heap and free list; the fields behind them are
    /// zero where it is no review and no purpose was stated; such records hash as they did before there were any.
    /// </summary>
    private static UInt128 HashOf(in TargetRecord record)
    {
        if (record.Kind != TargetKind.Review && record.Purpose == Purpose.Unstated)
            return XxHash128.HashToUInt128(MemoryMarshal.AsBytes(new ReadOnlySpan<TargetRecord>(in record))[..60]);
        TargetRecord placeless = record;
        (placeless.HeapPlace, placeless.NextFree) = (0, 0);
        return XxHash128.HashToUInt128(MemoryMarshal.AsBytes(new ReadOnlySpan<TargetRecord>(in placeless)));
    }
}
